# A connection that is kept alive, to a server that may be killed meanwhile.
package CookiePolicy::Connection;

use strict;
use warnings;

use IO::Socket::INET ();

use CookiePolicy::Response ();

my $TIMEOUT = 30;

sub new {
    my ($class, $port) = @_;

    return bless { port => $port, requests => 0 }, $class;
}

# Whether the next request is the first on its connection.
sub is_fresh { return !$_[0]{socket} }

sub close {
    my ($self) = @_;

    close $self->{socket} if $self->{socket};
    delete $self->{socket};
    return;
}

# @return the answer, or undef; then broken() says how far it had come
sub get {
    my ($self, $host, $path, $cookies) = @_;
    my $bytes = '';

    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { die "no answer within $TIMEOUT s\n" };
    $self->{socket} //= IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Proto => 'tcp')
        // die "cannot connect: $!\n";
    alarm $TIMEOUT;
    syswrite $self->{socket}, join "\r\n", "GET $path HTTP/1.1", "Host: $host",
        length $cookies ? "Cookie: $cookies" : (), '', '';
    until (_is_whole($bytes)) {
        my $got = sysread $self->{socket}, $bytes, 65536, length $bytes;

        next if !defined $got && $!{EINTR};
        last unless $got;
    }
    alarm 0;
    if (!_is_whole($bytes)) {
        $self->{broken} = length $bytes;
        $self->close;
        return;
    }
    my $answer = CookiePolicy::Response->new($bytes, 'GET');
    $self->close if ($answer->header('connection') // '') =~ /close/i;
    return $answer;
}

# How many bytes there were of the last answer that did not come whole.
sub broken { return $_[0]{broken} }

sub _is_whole {
    my ($bytes) = @_;
    my ($head, $body) = split /\r\n\r\n/, $bytes, 2;

    return 0 unless defined $body;
    return $body =~ /(?:\A|\r\n)0\r\n\r\n\z/
        if $head =~ /^transfer-encoding:\s*chunked/mi;
    return length $body >= ($head =~ /^content-length:\s*(\d+)/mi ? $1 : 0);
}

1;
