# CookiePolicySessionFile: sessions outlive the machine's reboot, and nothing
# comes out of a file that is not as it was written.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $CONFIG = <<'CONFIG';
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionFile {STATE}/sessions
CookiePolicySessionHeader X-Session login
CONFIG
my $server = CookiePolicy::Server->new(config => $CONFIG);
my $file = $server->state . '/sessions';

# Waits until something is so; a minute is enough for anything here.
sub becomes {
    my ($what, $is) = @_;

    for (1 .. 1200) {
        return pass($what) if $is->();
        select undef, undef, undef, 0.05;
    }
    return fail($what);
}

# What a reboot does to shared memory.
sub reboot {
    my ($meanwhile) = @_;

    ok $server->stop, 'stopped';
    unlink keys %{ $server->{segments} };
    $meanwhile->() if $meanwhile;
    ok $server->start, 'started after a reboot' or diag $server->log;
    return;
}

sub visitor {
    my ($command) = @_;
    my $visitor = CookiePolicy::Visitor->new('own.example',
                                             port => $server->port);

    $visitor->get('/');
    $visitor->command($command);
    return $visitor;
}

sub user { return $_[0]->look->seen('COOKIEPOLICY_USER') // '' }

sub bytes {
    open my $in, '<:raw', $file or return '';
    local $/;
    return <$in>;
}

# The process that writes it, by its name.
sub keeper {
    my $parent = $server->pid // 0;
    my @keepers;

    opendir my $processes, '/proc' or die "/proc: $!";
    for my $pid (grep { /\A\d+\z/ } readdir $processes) {
        open my $in, '<', "/proc/$pid/status" or next;
        my $status = join '', <$in>;
        push @keepers, $pid
            if $status =~ /^Name:\s+cookiepolicy$/m
               && $status =~ /^State:\s+[^ZX]/m
               && $status =~ /^PPid:\s+$parent$/m;
    }
    return @keepers;
}

ok $server->start, 'a server of its own' or diag $server->log;
becomes('the file is there at once', sub { -s $file });
is((stat $file)[2] & 07777, 0600, 'for nobody else');
becomes('one process writes it', sub { keeper() == 1 });

my $ann = visitor(':user=ann&cart=3');
my $bob = visitor(':user=bob');
my $nobody = visitor('cart=4');
$bob->command(':logout=1');
is user($ann), 'ann', 'ann is logged in';
reboot();
like $server->log, qr/CP0090: restored 4 records of sessions/,
    'sessions are restored (and two rosters)';
is user($ann), 'ann', 'ann is still logged in';
is $ann->look->seen('COOKIEPOLICY_SESSION_ATTR_cart'), 3, 'with her cart';
is $nobody->look->seen('COOKIEPOLICY_SESSION_ATTR_cart'), 4,
    'and the anonymous one';
is user($bob), '', 'bob, who had logged out, is not';
unlike bytes(), qr/ann|bob|own\.example/, 'the file has no names';

# --- What it is not read for ------------------------------------------------

my $restored = () = $server->log =~ /CP0090/g;
$ann->command(':logout=1');
ok $server->stop, 'stop';
ok $server->start, 'and start, with the segment there';
is(() = ($server->log =~ /CP0090/g), $restored, 'the file is not read');
is user($ann), '', 'who logged out stays so';
$ann = visitor(':user=ann');

# --- Reloads, and processes that die ----------------------------------------

for my $how (qw(graceful restart)) {
    my ($before) = keeper();
    ok $server->$how, $how;
    becomes("another process after $how",
            sub { my @now = keeper(); @now == 1 && $now[0] != $before });
    is user($ann), 'ann', "ann after $how";
}
my ($killed) = keeper();
kill KILL => $killed;
becomes('another one takes the place of a killed one',
        sub { my @now = keeper(); @now == 1 && $now[0] != $killed });
like $server->log, qr/CP0093: /, 'which is logged';
my $log = $server->log;
$log =~ s/CP0093: [^\n]*//g;
$server->file('logs/error', $log);

# The parent is killed: the process writes once more, and ends.
my $cid = visitor(':user=cid');
my $parent = $server->pid;
my ($orphan) = keeper();
kill KILL => $parent;
becomes('it does not outlive its parent', sub { !kill 0, $orphan });
$server->kill_all;
unlink keys %{ $server->{segments} };
ok $server->start, 'started after kill -9 and a reboot' or diag $server->log;
is user($cid), 'cid', 'cid, who came last, is logged in';

# --- Files that are refused -------------------------------------------------

for my $damage (
    [ 'a changed one', sub { my $b = bytes(); substr($b, 100, 1) ^= 'x'; $b } ],
    [ 'a cut one', sub { substr bytes(), 0, -1 } ],
    [ 'an empty one', sub { '' } ],
    [ 'one of something else', sub { 'x' x 10_000 } ],
) {
    my ($what, $make) = @$damage;
    my $before = () = $server->log =~ /CP0091/g;
    my $dan = visitor(':user=dan');
    reboot(sub { $server->file($file, $make->(), 0600) });
    is(() = ($server->log =~ /CP0091: CookiePolicySessionFile: \S+ is not read/g),
       $before + 1, "$what is refused");
    ok -e "$file.refused", 'and kept aside';
    is user($dan), '', 'its sessions are not believed';
    unlink "$file.refused";
}
my $eve = visitor(':user=eve');
reboot(sub { chmod 0644, $file });
like $server->log, qr/CP0091: [^\n]*with mode 600/, 'one that others may read';
is user($eve), '', 'is not believed';
unlink "$file.refused";
reboot(sub { unlink $file });
is user($eve), '', 'without a file there is nothing';
becomes('and there is one again', sub { -s $file });

# --- Where it cannot be written ---------------------------------------------

(my $elsewhere = $CONFIG) =~ s{\{STATE\}/sessions}{{DIR}/none/sessions};
$server->configure($elsewhere);
my ($good, $said) = $server->check;
ok !$good, 'a directory that is not there';
like $said, qr/CookiePolicySessionFile: \S+ is no directory/, 'says so';
mkdir $server->dir . "/none", 0500;
ok $server->graceful, 'one that cannot be written';
becomes('is logged', sub { $server->log =~ /CP0092: / }) if $> != 0;
$server->configure($CONFIG);
ok $server->graceful, 'as it was';
becomes('and a process for it', sub { keeper() == 1 });
my ($last) = keeper();
ok $server->stop, 'stopped';
ok !kill(0, $last), 'nobody is left';

done_testing;
