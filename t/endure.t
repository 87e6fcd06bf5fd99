# Sessions outlive everything: under load, while the server is reloaded again
# and again and its children are killed, no session is lost and nothing that
# was acknowledged; nor afterwards, when all of it is killed at once.
#
# CP_ENDURE=N makes it N times as long.
use strict;
use warnings;

use JSON::PP ();
use POSIX ();
use Test::More;

use CookiePolicy::Connection ();
use CookiePolicy::Server ();

plan skip_all => 'once is enough: under event, without sanitizers'
    if $ENV{CP_MPM} ne 'event' || $ENV{CP_SANITIZED};

my $TIMES = $ENV{CP_ENDURE} || 1;
my $GRACEFULS = 50 * $TIMES;        # in each of two phases
my $KILLS = 200 * $TIMES;
my $CLIENTS = 3;
my $PAUSE = 0.02;                   # s, or the rest of the suite waits for these
my $SESSIONS = 40;                  # of one client in one phase
my $HOST = 'own.example';

# Content sends as session commands what the request's query says, and tells
# what it sees.
my $CONFIG = <<'CONFIG';
ServerLimit 32
StartServers 5
ThreadsPerChild 4
MaxRequestWorkers 128
MinSpareThreads 20
MaxSpareThreads 40
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:4M
CookiePolicySessionHeader X-Session login
<Location /set.html>
    Header set X-Session "expr=%{QUERY_STRING}"
</Location>
Header set X-Seen "expr=%{reqenv:COOKIEPOLICY_USER} \
%{reqenv:COOKIEPOLICY_SESSION_ATTR_count} \
%{reqenv:COOKIEPOLICY_SESSION_ATTR_pad}."
CONFIG
my $server = CookiePolicy::Server->new(config => $CONFIG);
$server->file("htdocs/$_.html", "<!DOCTYPE html><title>$_</title>\n")
    for qw(set look);

# --- Clients ---------------------------------------------------------------

# Values of very different sizes.
sub pad { return 'p' x ($_[0] * 7919 % 1500 + 1) }

sub cookies_of {
    my ($session) = @_;
    my $jar = $session->{jar};

    return join '; ', map { "$_=$jar->{$_}" } sort keys %$jar;
}

# What the counter may stand at: what was acknowledged, and what was asked for
# on a connection that was cut.
sub what_is_wrong {
    my ($session, $answer) = @_;
    my ($user, $count, $pad) = ($answer->header('x-seen') // '')
        =~ /\A(\S*) (\d*) (p*)\.\z/ or return 'nothing is said of it';

    return "user '$user' for '$session->{user}'" if $user ne $session->{user};
    return "count '$count' of '$session->{count}'"
        unless grep { $count eq $_ } @{ $session->{may} };
    return 'not all of the attributes' if $pad ne pad($count);
    $session->{count} = $count;
    $session->{may} = [$count];
    return;
}

# One client: a few connections, many sessions, each looked at again and again.
sub client_new {
    my ($name) = @_;

    return { name => $name, sessions => [], failed => [], requests => 0,
             cut_fresh => 0, cut_kept => 0, cut_midway => 0,
             connection => CookiePolicy::Connection->new($server->port) };
}

# Asks until there is an answer, on a connection that is kept or a new one.
sub client_get {
    my ($client, $path, $session) = @_;
    my $connection = $client->{connection};
    my $answer;

    $connection->close if rand() < 0.3;
    until ($answer) {
        my $fresh = $connection->is_fresh;

        $answer = $connection->get($HOST, $path, cookies_of($session));
        if (!$answer) {
            $client->{ $connection->broken ? 'cut_midway'
                       : $fresh ? 'cut_fresh' : 'cut_kept' }++;
        }
    }
    $client->{requests}++;
    if ($answer->status != 200) {
        push @{ $client->{failed} }, "$path: status " . $answer->status;
    }
    my $cookies = $answer->cookies;
    $session->{jar}{$_} = $cookies->{$_}{value} for keys %$cookies;
    return $answer;
}

sub client_login {
    my ($client) = @_;
    my $session = { jar => {}, count => 1, may => [1],
                    user => "$client->{name}_" . @{ $client->{sessions} } };
    my $before;

    client_get($client, '/look.html', $session);
    $before = $session->{jar}{sessionid} // '';
    client_get($client, "/set.html?:user=$session->{user}&count=1&pad="
               . pad(1), $session);
    push @{ $client->{failed} }, "$session->{user}: no new id at login"
        if $session->{jar}{sessionid} eq $before;
    push @{ $client->{sessions} }, $session;
    return;
}

sub client_look {
    my ($client, $session) = @_;
    my $wrong = what_is_wrong($session,
                              client_get($client, '/look.html', $session));

    push @{ $client->{failed} }, "$session->{user}: $wrong" if $wrong;
    return;
}

sub client_count {
    my ($client, $session) = @_;
    my $count = $session->{count} + 1;

    push @{ $session->{may} }, $count;
    client_get($client, "/set.html?count=$count&pad=" . pad($count), $session);
    $session->{count} = $count;
    $session->{may} = [$count];
    return;
}

sub client_run {
    my ($client, $over) = @_;

    until ($$over || @{ $client->{failed} } > 20) {
        client_login($client) if @{ $client->{sessions} } < $SESSIONS;
        for (1 .. 8) {
            my $session = $client->{sessions}[rand @{ $client->{sessions} }];

            client_look($client, $session);
            client_count($client, $session) if rand() < 0.5;
        }
        select undef, undef, undef, $PAUSE;
    }
    return;
}

# --- Phases ----------------------------------------------------------------

my @sessions;           # of all clients that have ended

sub client_start {
    my ($name, $file) = @_;
    my $over = 0;
    my $pid = fork // die "fork: $!";

    return $pid if $pid;
    srand $$;
    local $SIG{TERM} = sub { $over = 1 };
    my $client = client_new($name);
    eval { client_run($client, \$over); 1 }
        or push @{ $client->{failed} }, "client: $@";
    delete $client->{connection};
    open my $out, '>', $file or POSIX::_exit(1);
    print $out JSON::PP::encode_json($client);
    close $out;
    POSIX::_exit(0);
}

# Has clients work while @does is done; @return what came of it, all together.
sub phase {
    my ($name, $does) = @_;
    my @counted = qw(requests cut_fresh cut_kept cut_midway);
    my %sum = (failed => [], map { $_ => 0 } @counted);
    my @files = map { $server->dir . "/client_${name}_$_" } 1 .. $CLIENTS;
    my $begun = time;
    my @pids = map { client_start("${name}_$_", $files[$_ - 1]) } 1 .. $CLIENTS;

    eval { $does->(); 1 } or push @{ $sum{failed} }, "the server: $@";
    kill TERM => @pids;
    waitpid $_, 0 for @pids;
    for my $file (@files) {
        open my $in, '<', $file or do {
            push @{ $sum{failed} }, "$file: $!";
            next;
        };
        my $client = JSON::PP::decode_json(<$in>);
        $sum{$_} += $client->{$_} for @counted;
        push @{ $sum{failed} }, @{ $client->{failed} };
        push @sessions, @{ $client->{sessions} };
    }
    note "$name: $sum{requests} requests in ", time - $begun, ' s; cut: ',
        "$sum{cut_kept} on kept connections, $sum{cut_fresh} on new ones, ",
        "$sum{cut_midway} midway";
    is join(', ', grep { defined } @{ $sum{failed} }[0 .. 9]), '',
        "$name: nothing is lost, every answer is right";
    cmp_ok $sum{requests}, '>', 100, "$name: there was load";
    return \%sum;
}

# The children that serve: they have threads.
sub servers {
    return grep {
        my $threads = 0;
        if (open my $in, '<', "/proc/$_/status") {
            ($threads) = join('', <$in>) =~ /^Threads:\s+(\d+)/m;
        }
        ($threads // 0) > 2;
    } $server->children;
}

# Kills some that serve, never the last two; @return how many
sub kill_some {
    my @alive = servers();
    my $killed = 0;

    while (@alive > 2 && $killed < 4) {
        my ($pid) = splice @alive, rand @alive, 1;
        $killed += kill KILL => $pid;
        select undef, undef, undef, 0.02;
    }
    return $killed;
}

sub all_there {
    my ($what) = @_;
    my $client = client_new('after');

    client_look($client, $_) for @sessions;
    is "@{ $client->{failed} }", '', "$what: all "
        . @sessions . ' sessions are there';
    return;
}

ok $server->start, 'a server of its own' or diag $server->log;

my $reloads = phase('reloads', sub {
    for (1 .. $GRACEFULS) {
        $server->graceful or die "graceful failed\n";
        select undef, undef, undef, 0.1;
    }
});
is $reloads->{cut_fresh} + $reloads->{cut_midway}, 0,
    'a reload cuts no request on a new connection, and no answer';

my $killed = 0;
my $begun = time;
my $killing = phase('kills', sub {
    my $reloaded = 0;

    while ($killed < $KILLS || $reloaded < $GRACEFULS) {
        die "not done after 600 s\n" if time > $begun + 600 * $TIMES;
        $killed += kill_some() if $killed < $KILLS;
        next if $reloaded * $KILLS > $killed * $GRACEFULS;
        $server->graceful or die "graceful failed\n" if $reloaded < $GRACEFULS;
        $reloaded++;
    }
});
cmp_ok $killed, '>=', $KILLS, "$killed children were killed";
cmp_ok $killing->{cut_fresh} + $killing->{cut_kept}, '>', 0,
    'some of them while they were asked for something';

$server->configure("$CONFIG\nMaxConnectionsPerChild 20\n");
my $short = phase('short', sub {
    $server->graceful or die "graceful failed\n";
    select undef, undef, undef, 5 * $TIMES;
});
is $short->{cut_fresh} + $short->{cut_midway}, 0,
    'a child that has had its connections cuts none';
$server->configure($CONFIG);
all_there('after all that');

# --- The end of it ---------------------------------------------------------

$server->kill_all;
ok $server->start, 'started after all of it was killed' or diag $server->log;
all_there('after kill -9 of all');
ok $server->stop && $server->start, 'stop and start';
all_there('after stop and start');
for my $size ('8M', '2M') {
    $server->configure($CONFIG =~ s/shm:4M/shm:$size/r);
    ok $server->stop && $server->start, "another size: $size";
    like $server->log, qr/CP0007/, 'which the sessions were carried over into';
    all_there("in $size");
}
ok $server->stop, 'stop';

# Of httpd's own, mod_cgid may miss its socket when reloads follow so fast.
$server->log_excuse;
is_deeply [ $server->crashes ], [], 'no crash';
is_deeply [ grep { /:(?:emerg|alert|crit)\]/ && !/\[cgid:/ }
            split /\n/, $server->log ], [], 'nothing as bad';
unlike $server->log, qr/CP0008/, 'no store was replaced';

done_testing;
