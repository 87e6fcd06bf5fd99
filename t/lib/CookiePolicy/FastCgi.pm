# A FastCGI application of a few lines, that says what body it was sent.
package CookiePolicy::FastCgi;

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use parent 'CookiePolicy::Backend';

use constant { TYPE_END => 3, TYPE_IN => 5, TYPE_OUT => 6 };

sub new { return $_[0]->listen(\&_serve) }

sub _record {
    my ($type, $content) = @_;

    return pack('CCnnCC', 1, $type, 1, length $content, 0, 0) . $content;
}

sub _serve {
    my ($client) = @_;
    my $body = '';

    while ((read($client, my $head, 8) // 0) == 8) {
        my (undef, $type, undef, $length, $padding) = unpack 'CCnnCC', $head;
        my $content = '';

        if ($length + $padding) {
            read($client, $content, $length + $padding) or return;
        }
        next if $type != TYPE_IN;
        $body .= substr $content, 0, $length;
        last if !$length;
    }
    print $client _record(TYPE_OUT, "Content-Type: text/plain\r\n\r\n"
                          . 'BODY_LENGTH: ' . length($body) . "\n"
                          . 'BODY_SHA1: ' . sha1_hex($body) . "\n"),
        _record(TYPE_OUT, ''), _record(TYPE_END, "\0" x 8);
    return;
}

1;
