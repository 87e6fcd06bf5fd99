# A server that httpd talks to: redis-server or memcached, on a port of
# 127.0.0.1, which can be stopped, held and started again.
package CookiePolicy::Daemon;

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET ();

use CookiePolicy::Server ();

my @RUNNING;

# Where a program is, or undef.
sub _program {
    my ($name) = @_;

    for my $dir (split(/:/, $ENV{PATH}), '/usr/bin', '/usr/local/bin') {
        return "$dir/$name" if -x "$dir/$name";
    }
    die "there is no $name\n";
}

sub _new {
    my ($class, %with) = @_;
    my $self = bless { %with, owner => $$,
                       dir => File::Temp::tempdir('cookiepolicy-XXXXXX',
                                                  TMPDIR => 1, CLEANUP => 1),
                       port => CookiePolicy::Server::free_port() }, $class;

    push @RUNNING, $self;
    return $self;
}

# It writes what it has to a file when it is told to end, and to no other time.
sub redis {
    my ($class, @options) = @_;
    my $self = $class->_new;

    $self->{command} = [ _program('redis-server'), '--port', $self->{port},
                         '--bind', '127.0.0.1', '--dir', $self->{dir},
                         '--save', '86400 1', '--appendonly', 'no',
                         '--daemonize', 'no', '--loglevel', 'warning',
                         @options ];
    return $self;
}

sub memcached {
    my ($class, @options) = @_;
    my $self = $class->_new;

    $self->{command} = [ _program('memcached'), '-l', '127.0.0.1',
                         '-p', $self->{port}, '-U', '0', '-m', '16', @options ];
    return $self;
}

sub port { return $_[0]{port} }

sub start {
    my ($self) = @_;

    $self->{pid} = fork // die "fork: $!\n";
    if ($self->{pid} == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/log";
        open STDERR, '>&', \*STDOUT;
        exec { $self->{command}[0] } @{ $self->{command} };
        die "$self->{command}[0]: $!\n";
    }
    for (1 .. 1200) {
        return 1 if IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                          PeerPort => $self->{port});
        select undef, undef, undef, 0.05;
    }
    return 0;
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return 1;

    kill CONT => $pid;
    kill TERM => $pid;
    return waitpid($pid, 0) == $pid;
}

# Holds it: connections are still accepted, and nothing is answered.
sub hold {
    my ($self) = @_;

    kill STOP => $self->{pid} or return 0;
    for (1 .. 6000) {
        return 1 unless grep { !_is_held($_) } glob "/proc/$self->{pid}/task/*";
        select undef, undef, undef, 0.01;
    }
    return 0;
}

sub _is_held {
    my ($thread) = @_;

    open my $in, '<', "$thread/stat" or return 1;
    return (<$in> // '') =~ /\) T /;
}

sub release { return kill CONT => $_[0]{pid} }

# What a Redis answers to a command.
sub ask {
    my ($self, $command) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $self->{port})
        or die "no redis: $!\n";

    print $socket "$command\r\nQUIT\r\n";
    local $/;
    return <$socket> // '';
}

END {
    my $status = $?;
    $_->stop for grep { $_->{owner} == $$ } @RUNNING;
    $? = $status;
}

1;
