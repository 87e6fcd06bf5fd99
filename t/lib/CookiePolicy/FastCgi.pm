# A FastCGI application of a few lines, that says what body it was sent.
package CookiePolicy::FastCgi;

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use IO::Socket::INET ();
use POSIX ();

use constant { TYPE_END => 3, TYPE_IN => 5, TYPE_OUT => 6 };

my @RUNNING;

sub new {
    my ($class) = @_;
    my $socket = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 16, Proto => 'tcp')
        or die "no FastCGI: $!\n";
    my $self = bless { port => $socket->sockport, owner => $$ }, $class;

    $self->{pid} = fork // die "fork: $!";
    if ($self->{pid} == 0) {
        local $SIG{PIPE} = 'IGNORE';
        while (my $client = $socket->accept) {
            _serve($client);
            close $client;
        }
        POSIX::_exit(0);
    }
    push @RUNNING, $self;
    return $self;
}

sub port { return $_[0]{port} }

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

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    kill TERM => $pid;
    waitpid $pid, 0;
    return;
}

END {
    my $status = $?;
    $_->stop for grep { $_->{owner} == $$ } @RUNNING;
    $? = $status;
}

1;
