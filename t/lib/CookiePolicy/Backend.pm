# A backend that sends exactly the bytes it was told to, for what no server in
# its senses would send.
package CookiePolicy::Backend;

use strict;
use warnings;

use IO::Socket::INET ();
use POSIX ();

my @RUNNING;

# answers: path => bytes, or path => code that gets the request's head and
# returns bytes.
sub new {
    my ($class, %answers) = @_;

    return $class->listen(sub { _serve($_[0], \%answers) });
}

# Gives each connection to serve, one after the other, in a process of its own.
sub listen {
    my ($class, $serve) = @_;
    my $socket = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 16, Proto => 'tcp')
        or die "no backend: $!\n";
    my $self = bless { port => $socket->sockport, owner => $$ }, $class;

    $self->{pid} = fork // die "fork: $!";
    if ($self->{pid} == 0) {
        local $SIG{PIPE} = 'IGNORE';
        while (my $client = $socket->accept) {
            $serve->($client);
            close $client;
        }
        POSIX::_exit(0);
    }
    push @RUNNING, $self;
    return $self;
}

sub port { return $_[0]{port} }

sub _serve {
    my ($client, $answers) = @_;
    my $head = '';

    while (my $line = <$client>) {
        last if $line eq "\r\n";
        $head .= $line;
    }
    my ($path) = $head =~ /\A\S+ (\S+)/;
    my $answer = $answers->{ $path // '' } // "HTTP/1.1 404 No\r\n\r\n";
    print $client ref $answer ? $answer->($head) : $answer;
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
