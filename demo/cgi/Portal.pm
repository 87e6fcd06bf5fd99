package Portal;

# What the programs of the portal share: reading a form, answering, and the
# three encodings they need. perl-base is enough.

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(form one_line redirect json_string session_header);

use constant BODY_MAX => 16 * 1024;

# The fields of an urlencoded body, as bytes; of several with one name the
# first. Anything longer than BODY_MAX or of another type is no form.
sub form {
    my $type = $ENV{CONTENT_TYPE} // '';
    my $length = $ENV{CONTENT_LENGTH} // 0;
    my ($body, %fields) = ('');

    return {} unless $type =~ m{^application/x-www-form-urlencoded\b}i;
    return {} unless $length =~ /^[0-9]{1,6}$/ && $length <= BODY_MAX;
    while (length $body < $length) {
        read(STDIN, $body, $length - length $body, length $body) or last;
    }
    for my $pair (split /&/, $body) {
        my ($name, $value) = map { decode($_) } (split(/=/, $pair, 2), '');
        $fields{$name} //= $value;
    }
    return \%fields;
}

sub decode {
    my ($text) = @_;

    $text =~ tr/+/ /;
    $text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/eg;
    return $text;
}

# One line of good UTF-8 without blanks at its ends, cut to so many
# characters; empty where there is no such thing.
sub one_line {
    my ($text, $most) = @_;

    $text //= '';
    return '' unless utf8::decode($text);
    $text =~ s/[\x00-\x20\x7f-\xa0]+/ /g;
    $text =~ s/^ | $//g;
    $text = substr $text, 0, $most;
    utf8::encode($text);
    return $text;
}

sub encode {
    my ($text) = @_;

    $text =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/eg;
    return $text;
}

# The header that mod_cookiepolicy takes out of the answer and obeys: the
# names and values of a list.
sub session_header {
    my (@pairs) = @_;
    my @words;

    while (my ($name, $value) = splice @pairs, 0, 2) {
        push @words, "$name=" . encode($value);
    }
    return 'X-Portal-Session: ' . join('&', @words) . "\r\n";
}

# 303: the browser gets that page next, and a reload sends nothing twice.
sub redirect {
    my ($path, @headers) = @_;

    print "Status: 303 See Other\r\n", "Location: $path\r\n", @headers,
        "Content-Type: text/plain; charset=utf-8\r\n\r\nSee $path\n";
    exit 0;
}

sub json_string {
    my ($text) = @_;

    $text =~ s/([\x00-\x1f"\\\x7f<>&])/sprintf '\\u%04x', ord $1/eg;
    return qq("$text");
}

1;
