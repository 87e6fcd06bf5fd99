# A connection that is kept alive, to a server that may be killed meanwhile.
package CookiePolicy::Connection;

use strict;
use warnings;

use IO::Socket::INET ();

use CookiePolicy::Response ();

my $TIMEOUT = 60;

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
    my ($self, @request) = @_;

    $self->send_all(\@request);
    return $self->receive;
}

# Sends requests one behind the other: each host, path, cookies, and lines of
# more headers. Without a host it is one of HTTP/1.0.
sub send_all {
    my ($self, @requests) = @_;
    my $bytes = '';

    local $SIG{PIPE} = 'IGNORE';
    for my $request (@requests) {
        my ($host, $path, $cookies, @headers) = @$request;

        $bytes .= join "\r\n", defined $host
            ? ("GET $path HTTP/1.1", "Host: $host")
            : ("GET $path HTTP/1.0", 'Connection: keep-alive'),
            length $cookies ? "Cookie: $cookies" : (), @headers, '', '';
    }
    $self->{socket} //= IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Proto => 'tcp')
        // die "cannot connect: $!\n";
    syswrite $self->{socket}, $bytes;
    $self->{rest} = '';
    return;
}

# @return the next answer, as get() does
sub receive {
    my ($self) = @_;
    my $bytes = $self->{rest};
    my $length;

    local $SIG{ALRM} = sub { die "no answer within $TIMEOUT s\n" };
    alarm $TIMEOUT;
    until (defined($length = _whole($bytes))) {
        my $got = sysread $self->{socket}, $bytes, 65536, length $bytes;

        next if !defined $got && $!{EINTR};
        last unless $got;
    }
    alarm 0;
    if (!defined $length) {
        $self->{broken} = length $bytes;
        $self->close;
        return;
    }
    $self->{rest} = substr $bytes, $length;
    my $answer = CookiePolicy::Response->new(substr($bytes, 0, $length), 'GET');
    $self->close if ($answer->header('connection') // '') =~ /close/i;
    return $answer;
}

# How many bytes there were of the last answer that did not come whole.
sub broken { return $_[0]{broken} }

# The length of the answer that begins there, or undef where it goes on.
sub _whole {
    my ($bytes) = @_;
    my ($head) = $bytes =~ /\A(.*?\r\n\r\n)/s or return;
    my $at = length $head;

    if ($head =~ /^transfer-encoding:\s*chunked/mi) {
        while (substr($bytes, $at) =~ /\A([0-9A-Fa-f]+)[^\r\n]*\r\n/) {
            $at += length($&) + hex($1) + 2;
            return $at <= length $bytes ? $at : undef if hex $1 == 0;
        }
        return;
    }
    $at += $head =~ /^content-length:\s*(\d+)/mi ? $1 : 0;
    return $at <= length $bytes ? $at : undef;
}

1;
