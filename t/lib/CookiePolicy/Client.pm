# A small HTTP client over a plain socket. LWP orders, folds and adds headers;
# these tests need to say exactly what goes over the wire.
package CookiePolicy::Client;

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET ();

use CookiePolicy::Response ();

our @EXPORT_OK = qw(fetch exchange form_encode masked);

my @LETTERS = ('a' .. 'z', 'A' .. 'Z', 0 .. 9);
my %PLACE = map { $LETTERS[$_] => $_ } 0 .. $#LETTERS;

my $TIMEOUT = 60;

# Sends raw bytes, or several pieces of them with a pause between, and reads
# until the server closes.
sub exchange {
    my (%with) = @_;
    my @pieces = ref $with{bytes} ? @{ $with{bytes} } : $with{bytes};
    my $port = $with{port} || ($with{tls} ? $ENV{CP_TLS_PORT} : $ENV{CP_PORT});
    my $socket = _connect($port, @with{qw(tls host certificate)});
    my $answer = '';

    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { die "no complete answer within $TIMEOUT s\n" };
    alarm $TIMEOUT;
    for my $i (0 .. $#pieces) {
        select undef, undef, undef, 0.01 if $i;
        my $rest = $pieces[$i];
        while (length $rest) {
            my $sent = syswrite $socket, $rest;
            last unless defined $sent;
            substr $rest, 0, $sent, '';
        }
    }
    while (1) {
        my $got = sysread $socket, $answer, 65536, length $answer;
        last unless $got;
    }
    alarm 0;
    close $socket;
    return $answer;
}

sub _connect {
    my ($port, $tls, $host, $certificate) = @_;
    my $socket;

    if ($tls) {
        require IO::Socket::SSL;
        $socket = IO::Socket::SSL->new(
            PeerAddr => '127.0.0.1', PeerPort => $port,
            SSL_hostname => $host, SSL_verify_mode => 0,
            $certificate ? (SSL_cert_file => $certificate,
                            SSL_key_file => $certificate) : ());
    }
    else {
        $socket = IO::Socket::INET->new(
            PeerAddr => '127.0.0.1', PeerPort => $port, Proto => 'tcp');
    }
    die "cannot connect to 127.0.0.1:$port: $!\n" unless $socket;
    return $socket;
}

sub form_encode {
    my @pairs = ref $_[0] eq 'HASH' ? map { ($_ => $_[0]{$_}) } sort keys %{ $_[0] }
                                    : @{ $_[0] };
    my @words;

    while (my ($name, $value) = splice @pairs, 0, 2) {
        for my $word ($name, $value) {
            $word =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ge;
        }
        push @words, "$name=$value";
    }
    return join '&', @words;
}

# Django's mask: 32 random characters, then the secret shifted by them.
sub masked {
    my ($secret) = @_;
    my @mask = map { $LETTERS[ rand 62 ] } 1 .. 32;
    my @secret = split //, $secret;

    return join '', @mask,
        map { $LETTERS[ ($PLACE{ $secret[$_] } + $PLACE{ $mask[$_] }) % 62 ] }
        0 .. 31;
}

# One request on a connection of its own.
#   host, path, method, headers => [name => value, ...], body
#   chunks => [piece, ...]  sends the body chunked, each piece a chunk
#   pieces => [piece, ...]  sends the body with its length, piece by piece
#   tls, port, referring to another listener
#   certificate => FILE  the client's, with its key
sub fetch {
    my (%with) = @_;
    my $method = $with{method} || 'GET';
    my @headers = @{ $with{headers} || [] };
    my %given;
    my $head;
    my @body;

    for (my $i = 0; $i < @headers; $i += 2) {
        $given{ lc $headers[$i] } = 1;
    }
    unshift @headers, Host => $with{host} unless $given{host};
    push @headers, Connection => 'close' unless $given{connection};
    if ($with{chunks}) {
        push @headers, 'Transfer-Encoding' => 'chunked';
        @body = map { sprintf "%x\r\n%s\r\n", length $_, $_ } @{ $with{chunks} };
        push @body, "0\r\n\r\n";
    }
    elsif ($with{pieces}) {
        my $length = 0;
        $length += length for @{ $with{pieces} };
        push @headers, 'Content-Length' => $length;
        @body = @{ $with{pieces} };
    }
    elsif (defined $with{body}) {
        push @headers, 'Content-Length' => length $with{body};
        @body = ($with{body});
    }
    $head = "$method $with{path} HTTP/1.1\r\n";
    while (my ($name, $value) = splice @headers, 0, 2) {
        $head .= "$name: $value\r\n";
    }
    @body = ('') unless @body;
    $body[0] = "$head\r\n$body[0]";
    return CookiePolicy::Response->new(
        exchange(%with, bytes => \@body), $method);
}

1;
