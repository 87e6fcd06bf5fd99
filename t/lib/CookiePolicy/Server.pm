# An httpd of a test's own, for what the shared one cannot show: reloads,
# stops and starts, broken key files, configurations that must be refused.
package CookiePolicy::Server;

use strict;
use warnings;

use File::Path ();
use File::Temp ();
use IO::Socket::INET ();
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);

use CookiePolicy::Crash ();

my @RUNNING;
my @held;

# One that no other test takes while this process lives: who has the name of a
# socket has the port. The system itself gives higher ones.
sub free_port {
    for (1 .. 1000) {
        my $port = 20_000 + int rand 12_000;

        socket my $lock, AF_UNIX, SOCK_STREAM, 0 or die "socket: $!\n";
        bind $lock, pack_sockaddr_un("\0cookiepolicy-port-$port") or next;
        IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port,
                              Listen => 1, ReuseAddr => 1, Proto => 'tcp')
            or next;
        push @held, $lock;
        return $port;
    }
    die "no free port\n";
}

# Where a module of httpd's lies that the suite itself does not load.
sub module_file {
    my ($name) = @_;

    open my $in, '<', $ENV{CP_MODULES} or die "$ENV{CP_MODULES}: $!\n";
    my ($dir) = join('', <$in>) =~ m{^LoadModule dir_module (.*)/mod_dir\.so}m;
    close $in;
    return "$dir/mod_$name.so";
}

# Two hosts that cache what they serve, before any other hook and after.
my $CACHING = join '', map { <<"HOST" } [ quick => 'on' ], [ normal => 'off' ];
<VirtualHost 127.0.0.1:{PORT}>
    ServerName $_->[0].example
    CacheRoot "{DIR}/cache"
    CacheEnable disk /
    CacheQuickHandler $_->[1]
    CacheHeader on
    CacheDefaultExpire 60
</VirtualHost>
HOST

# Pages that are compressed, whichever way, and made by mod_include as well.
my $COMPRESSING = <<'PLACES';
Alias /zipped "{DIR}/htdocs"
<Location "/zipped">
    SetOutputFilter DEFLATE
</Location>
Alias /by-type "{DIR}/htdocs"
<Location "/by-type">
    AddOutputFilterByType DEFLATE text/plain text/html
</Location>
Alias /made-by-type "{DIR}/htdocs"
<Location "/made-by-type">
    AddOutputFilterByType deflate text/html
    AddOutputFilterByType INCLUDES text/html
    Options +Includes
</Location>
PLACES

# config: what follows the modules; DIR, STATE and PORT in braces are filled in,
# and so are CACHING and COMPRESSING on a line of their own.
sub new {
    my ($class, %with) = @_;
    my $dir = File::Temp::tempdir('cookiepolicy-XXXXXX', TMPDIR => 1,
                                  CLEANUP => 1);
    my $self = bless {
        dir => $dir, state => "$dir/state", port => free_port(),
        owner => $$, segments => {},
    }, $class;

    mkdir "$dir/$_" or die "$dir/$_: $!" for qw(state logs htdocs cache);
    $self->file('htdocs/index.html',
                "<!DOCTYPE html><title>Own</title><p>A page.</p>\n");
    $self->configure($with{config} // '');
    push @RUNNING, $self;
    return $self;
}

sub dir { return $_[0]{dir} }
sub state { return $_[0]{state} }
sub port { return $_[0]{port} }

sub file {
    my ($self, $name, $text, $mode) = @_;
    my $path = $name =~ m{^/} ? $name : "$self->{dir}/$name";

    open my $out, '>', $path or die "$path: $!";
    print $out $text;
    close $out;
    chmod $mode, $path if defined $mode;
    # Of a page that has just been written httpd makes a weak ETag.
    utime time - 1e6, time - 1e6, $path if $name =~ m{\Ahtdocs/};
    return $path;
}

sub configure {
    my ($self, $config) = @_;
    my %fill = (DIR => $self->{dir}, STATE => $self->{state},
                PORT => $self->{port});

    $config =~ s/\{CACHING\}\n/$CACHING/;
    $config =~ s/\{COMPRESSING\}\n/$COMPRESSING/;
    $config =~ s/\{(DIR|STATE|PORT)\}/$fill{$1}/g;
    $self->file('httpd.conf', <<"CONFIG");
ServerRoot "$self->{dir}"
PidFile "$self->{dir}/logs/pid"
DefaultRuntimeDir "$self->{dir}/logs"
Include "$ENV{CP_MODULES}"
Listen 127.0.0.1:$self->{port}
ServerName own.example
DocumentRoot "$self->{dir}/htdocs"
TypesConfig "$ENV{CP_TYPES}"
ErrorLog "$self->{dir}/logs/error"
LogLevel info
<IfModule mod_cgid.c>
    ScriptSock "$self->{dir}/logs/cgisock"
</IfModule>
<IfModule mpm_prefork_module>
    StartServers 2
    MinSpareServers 1
    MaxSpareServers 4
</IfModule>
<IfModule !mpm_prefork_module>
    StartServers 1
    ThreadsPerChild 16
    MaxRequestWorkers 64
    MinSpareThreads 1
    MaxSpareThreads 48
</IfModule>
ScriptAlias /cgi/ "$ENV{CP_CGI}/"
<Directory "$ENV{CP_CGI}">
    Require all granted
</Directory>
<Directory "$self->{dir}/htdocs">
    AllowOverride All
    Require all granted
</Directory>
$config
CONFIG
    return;
}

sub _run {
    my ($self, @arguments) = @_;
    my $pid = open my $out, '-|';

    die "fork: $!" unless defined $pid;
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        exec $ENV{CP_HTTPD}, '-f', "$self->{dir}/httpd.conf", @arguments
            or die "$ENV{CP_HTTPD}: $!";
    }
    my $said = join '', <$out>;
    close $out;
    return ($? >> 8, $said);
}

# @return whether `httpd -t` is content, and what it said
sub check {
    my ($self) = @_;
    my ($status, $said) = $self->_run('-t');

    return ($status == 0, $said);
}

sub pid {
    my ($self) = @_;

    open my $in, '<', "$self->{dir}/logs/pid" or return;
    my ($pid) = (<$in> // '') =~ /(\d+)/;
    return $pid;
}

sub is_alive { my $pid = $_[0]->pid; return $pid && kill 0, $pid }

# The processes that it has forked.
sub children {
    my ($self) = @_;
    my $pid = $self->pid;

    opendir my $processes, '/proc' or die "/proc: $!";
    return sort { $a <=> $b } grep {
        my $parent;
        if (/\A\d+\z/ && open my $in, '<', "/proc/$_/stat") {
            ($parent) = (<$in> // '') =~ /\) \S (\d+)/;
        }
        ($parent // 0) == $pid;
    } readdir $processes;
}

# The most memory that any of them has had so far, in KB.
sub memory {
    my ($self) = @_;
    my $most = 0;

    for my $pid ($self->children) {
        open my $in, '<', "/proc/$pid/status" or next;
        while (<$in>) {
            my ($size) = /\AVmHWM:\s+(\d+) kB/ or next;
            $most = $size if $size > $most;
        }
    }
    return $most;
}

sub _wait {
    my ($self, $for) = @_;

    for (1 .. 1200) {
        return 1 if $for->();
        select undef, undef, undef, 0.05;
    }
    return 0;
}

# @return whether it runs; what it logged is in log()
sub start {
    my ($self) = @_;
    my $before = $self->started;
    my $refused = $self->_refused;
    my ($status, $said) = $self->_run;

    $self->{said} = $said;
    return 0 if $status;
    # Until the pid file is there the daemon may still be on its way.
    $self->_wait(sub { $self->started > $before
                       || $self->_refused > $refused });
    return 0 unless $self->started > $before && $self->is_alive;
    $self->_segments_note;
    return 1;
}

# How often a hook did not let it begin.
sub _refused {
    my $count = () = $_[0]->log =~ /AH000(?:1[3-9]|20): /g;

    return $count;
}

# How often it has begun to serve, from its log.
sub started {
    my $count = () = $_[0]->log =~ /resuming normal operations/g;

    return $count;
}

# Ends when all new connections go to new processes; old ones may still have
# theirs.
sub graceful {
    my ($self) = @_;
    my $before = $self->started;
    my @old = $self->children;

    kill USR1 => $self->pid;
    return $self->_wait(sub { $self->started > $before || !$self->is_alive })
           && $self->is_alive
           && $self->_wait(sub { !grep { $self->_listens($_) } @old });
}

# Whether a process may still take a connection.
sub _listens {
    my ($self, $pid) = @_;
    my $port = sprintf ':%04X', $self->{port};

    open my $in, '<', '/proc/net/tcp' or return 0;
    my %ours = map { ($_->[9] => 1) }
               grep { $_->[1] =~ /\Q$port\E\z/ && $_->[3] eq '0A' }
               map { [ split ] } <$in>;
    return scalar grep { (readlink($_) // '') =~ /\Asocket:\[(\d+)\]\z/
                         && $ours{$1} } glob "/proc/$pid/fd/*";
}

sub restart {
    my ($self) = @_;
    my $before = $self->started;

    kill HUP => $self->pid;
    return $self->_wait(sub { $self->started > $before || !$self->is_alive })
           && $self->is_alive;
}

sub stop {
    my ($self) = @_;
    my $pid = $self->pid or return 1;

    return 1 unless kill TERM => $pid;
    return $self->_wait(sub { !kill 0, $pid });
}

# All of it at once, so that nothing is left but what lies in shared memory.
sub kill_all {
    my ($self) = @_;

    for (1 .. 300) {
        my @left = grep { _is_of($_, "$self->{dir}/httpd.conf") }
                   map { m{(\d+)\z} ? $1 : () } glob '/proc/[0-9]*';

        last unless @left;
        kill KILL => @left;
        select undef, undef, undef, 0.05;
    }
    unlink "$self->{dir}/logs/pid";
    return;
}

# Whether a process has such a word in its command line, which a dead one that
# nobody has waited for no longer has.
sub _is_of {
    my ($pid, $word) = @_;

    open my $in, '<', "/proc/$pid/cmdline" or return 0;
    return (<$in> // '') =~ /\0\Q$word\E\0/;
}

# What a test has killed has crashed in nobody's eyes.
sub log_excuse {
    my ($self) = @_;
    my $log = $self->log;

    $log =~ s/exit signal Killed/ended by a test/g;
    $self->file('logs/error', $log);
    return;
}

sub log {
    my ($self) = @_;

    open my $in, '<', "$self->{dir}/logs/error" or return '';
    local $/;
    return <$in> // '';
}

# The lines that are new since the last call.
sub log_news {
    my ($self) = @_;
    my $log = substr $self->log, $self->{told} // 0;

    $self->{told} += length $log;
    return split /\n/, $log;
}

sub crashes {
    my ($self) = @_;

    return CookiePolicy::Crash::lines($self->log, $self->{dir});
}

# The store's segment outlives the server by design; after a test it must not.
sub _segments_note {
    my ($self) = @_;

    open my $maps, '<', '/proc/' . $self->pid . '/maps' or return;
    while (<$maps>) {
        $self->{segments}{$1} = 1 if m{(/dev/shm/ShM\.\w+)};
    }
    return;
}

END {
    my $status = $?;
    for my $self (grep { $_->{owner} == $$ } @RUNNING) {
        $self->stop;
        unlink keys %{ $self->{segments} };
        for my $crash ($self->crashes) {
            print STDERR "# an httpd of $0 crashed: $crash\n";
            $status ||= 70;
        }
    }
    $? = $status;
}

1;
