# An httpd with the module in front of Django, and all that must go afterwards.
#
# Everything lies in one temporary directory and listens on 127.0.0.1. The
# module is the one of the source tree, or what MOD_COOKIEPOLICY_SO names;
# httpd is the one that apxs knows, or what CP_HTTPD names, with the MPM event
# or what CP_MPM names.
package Stage;

use strict;
use warnings;
use Cwd qw(abs_path);
use Errno qw(ENOENT);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Spec;
use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

use constant PATIENCE => 120;    # seconds, for a start or a stop

my $here = dirname(abs_path(__FILE__));

sub new {
    my ($class) = @_;
    my $self = bless {
        owner => $$,
        directory => tempdir('cookiepolicy-django-XXXXXX', TMPDIR => 1),
        django => {},
        segments => {},
    }, $class;
    mkdir "$self->{directory}/$_" or die "$_: $!" for qw(state run);
    return $self;
}

# --- Django ----------------------------------------------------------------

# Starts Django with some settings. Its port is known when port() is asked.
sub django_start {
    my ($self, $settings) = @_;
    my $python = $ENV{PYTHON} || '/usr/bin/python3';

    pipe(my $input, my $holder) or die "pipe: $!";
    pipe(my $reader, my $output) or die "pipe: $!";
    my $pid = $self->_spawn($settings, sub {
        open STDIN, '<&', $input or die "stdin: $!";
        open STDOUT, '>&', $output or die "stdout: $!";
        exec $python, '-B', "$here/serve.py", $settings,
             "$self->{directory}/$settings.sqlite3";
    });
    $self->{django}{$settings} = {
        pid => $pid, holder => $holder, reader => $reader
    };
}

sub port {
    my ($self, $settings) = @_;
    my $one = $self->{django}{$settings};

    if (!$one->{port}) {
        my $wanted = '';
        vec($wanted, fileno $one->{reader}, 1) = 1;
        my $line = select($wanted, undef, undef, PATIENCE)
                   ? readline $one->{reader} : undef;
        ($one->{port}) = ($line // '') =~ /^(\d+)$/
            or die "Django does not start: is python3-django there?\n",
                   $self->log($settings);
    }
    return $one->{port};
}

# How many requests of a method this Django has seen, asked past httpd.
sub seen {
    my ($self, $settings, $method) = @_;
    my $port = $self->port($settings);
    my $response = HTTP::Tiny->new->get("http://ledger.localhost:$port/ledger",
                                        { peer => '127.0.0.1' });

    $response->{success} or die "no ledger: $response->{content}";
    return decode_json($response->{content})->{$method} // 0;
}

# --- httpd -----------------------------------------------------------------

# Starts httpd with a virtual host for each name given; a host is
# { django => SETTINGS, directives => TEXT }.
sub httpd_start {
    my ($self, %hosts) = @_;

    # Somebody else can take a port between its choice and the start.
    for my $try (1 .. 3) {
        $self->{httpd_port} = _free_port();
        $self->_configure(%hosts);
        $self->{httpd} = $self->_spawn('httpd', sub {
            # When it is told to stop, the prefork MPM tells its group.
            POSIX::setpgid(0, 0);
            exec _program(), '-DFOREGROUND', '-d', $self->{directory},
                 '-f', "$self->{directory}/httpd.conf";
        });
        return if $self->_listens;
        _end(delete $self->{httpd});
    }
    die "httpd does not start:\n", $self->log('httpd'), $self->log('error');
}

sub httpd_port {
    my ($self) = @_;
    return $self->{httpd_port};
}

sub _apxs {
    my ($name) = @_;
    my $apxs = $ENV{APXS} || 'apxs';
    my $value = `$apxs -q $name`;

    $? == 0 or die "$apxs does not tell its $name";
    chomp $value;
    return $value;
}

sub _program {
    return $ENV{CP_HTTPD} || _apxs('sbindir') . '/' . _apxs('progname');
}

sub _free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "no port: $!";
    return $socket->sockport;
}

sub _configure {
    my ($self, %hosts) = @_;
    my $modules = _apxs('libexecdir');
    my $ours = File::Spec->rel2abs($ENV{MOD_COOKIEPOLICY_SO}
                                   || "$here/../../.libs/"
                                      . 'mod_cookiepolicy.so');
    my $directory = $self->{directory};
    my $port = $self->{httpd_port};
    my $mpm = $ENV{CP_MPM} || 'event';
    my $conf = '';

    -r $ours or die "$ours: $!";
    for my $name ("mpm_$mpm", qw(authz_core proxy proxy_http)) {
        $conf .= "LoadModule ${name}_module $modules/mod_$name.so\n";
    }
    $conf .= <<"END";
LoadModule cookiepolicy_module $ours
Listen 127.0.0.1:$port
ServerName unused.localhost
PidFile $directory/run/httpd.pid
DefaultRuntimeDir $directory/run
ErrorLog $directory/error.log
LogLevel warn
StartServers 1
MaxRequestWorkers 16
CookiePolicyStateDir $directory/state
CookiePolicySessionStore shm:1M
END
    $conf .= "ThreadsPerChild 8\nMinSpareThreads 1\n" if $mpm ne 'prefork';
    $conf .= "User www-data\nGroup www-data\n" if $> == 0;
    for my $name (sort keys %hosts) {
        my $django = $self->port($hosts{$name}{django});
        $conf .= <<"END";
<VirtualHost 127.0.0.1:$port>
    ServerName $name
    CookiePolicy On
    CookiePolicyLanguage en fr
    $hosts{$name}{directives}
    ProxyPreserveHost On
    ProxyPass / http://127.0.0.1:$django/
</VirtualHost>
END
    }
    open my $file, '>', "$directory/httpd.conf" or die "httpd.conf: $!";
    print $file $conf;
    close $file or die "httpd.conf: $!";
}

sub _listens {
    my ($self) = @_;
    my $end = time + PATIENCE;

    while (time < $end && !_is_over($self->{httpd})) {
        if (IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                  PeerPort => $self->{httpd_port})) {
            $self->_note_segments;
            return 1;
        }
        sleep 0.05;
    }
    return 0;
}

# The session store outlives httpd on purpose; this test's shall not.
sub _note_segments {
    my ($self) = @_;

    open my $maps, '<', "/proc/$self->{httpd}/maps" or return;
    while (my $line = <$maps>) {
        $self->{segments}{$1} = 1 if $line =~ m{\s(/dev/shm/ShM\.\S+)$};
    }
}

# --- Both ------------------------------------------------------------------

# What a program has said: 'error' is httpd's error log.
sub log {
    my ($self, $name) = @_;
    my $file = "$self->{directory}/$name.log";

    open my $log, '<', $file or return $! == ENOENT ? '' : die "$file: $!";
    local $/;
    return scalar(<$log>) // '';
}

sub _spawn {
    my ($self, $name, $run) = @_;
    my $pid = fork // die "fork: $!";

    return $pid if $pid;
    eval {
        open STDIN, '<', File::Spec->devnull or die "stdin: $!";
        open STDOUT, '>', "$self->{directory}/$name.log"
            or die "$name.log: $!";
        open STDERR, '>&', \*STDOUT or die "stderr: $!";
        $run->();
        die "exec: $!\n";
    };
    print STDERR $@;
    POSIX::_exit(127);
}

sub _is_over {
    my ($pid) = @_;
    return waitpid($pid, WNOHANG) != 0;
}

sub _end {
    my ($pid) = @_;
    my $end = time + PATIENCE;

    return if _is_over($pid);
    kill TERM => $pid;
    while (!_is_over($pid)) {
        kill KILL => $pid if time > $end;
        sleep 0.02;
    }
}

# Stops httpd and Django and removes what they left. Done also when the stage
# goes out of scope.
sub strike {
    my ($self) = @_;
    local ($?, $!);

    return if $self->{owner} != $$ || !$self->{directory};
    if ($self->{httpd}) {
        $self->_note_segments;
        _end($self->{httpd});
    }
    _end($_->{pid}) for values %{ $self->{django} };
    unlink keys %{ $self->{segments} };
    remove_tree($self->{directory});
    delete $self->{directory};
}

sub DESTROY {
    my ($self) = @_;
    local $@;

    $self->strike;
}

1;
