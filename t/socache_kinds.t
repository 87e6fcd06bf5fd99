# Stores of httpd's other socache providers, and a reload that changes the
# store.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Daemon ();
use CookiePolicy::Server ();
use CookiePolicy::Socache;

# --- Memcached, which forgets -------------------------------------------------

my $memcached = CookiePolicy::Daemon->memcached;
ok $memcached->start, 'a memcached';
my $one = CookiePolicy::Server->new(
    config => config('socache:memcache:127.0.0.1:' . $memcached->port));
ok $one->start, 'a server on it' or diag $one->log;
my $ann = logged_in($one, 'ann');
is_user($ann, 'ann', 'memcached');
my $lost = lines($one, 'CP0042');
my $away = lines($one, 'CP0040');
ok $memcached->hold, 'it hangs';
is_nobody($ann, 'memcached hangs');
ok $memcached->release, 'it goes on';
ok until_so(sub { user_of($ann) eq 'ann' }), 'so does ann';
ok $memcached->stop, 'it ends';
is_nobody($ann, 'memcached is away');
is lines($one, 'CP0040'), $away + 2, 'a line for each';
ok $memcached->start, 'it is empty';
my $held = $ann->cookie('sessionid');
ok until_so(sub { $ann->get('/'); $ann->cookie('sessionid') ne $held }),
    'then the session is really gone, and another one is issued';
is lines($one, 'CP0042'), $lost + 1, 'a line says so';
$ann->command(':user=ann&of=ann');
is_user($ann, 'ann', 'after a new login');
$memcached->stop;

# --- On this machine ----------------------------------------------------------

for my $case ([ 'socache:shmcb:{DIR}/cache(8192)', 6000 ],
              [ 'socache:dbm:{DIR}/sessions', 900 ]) {
    my ($local, $too_long) = @$case;
    my ($kind) = $local =~ /socache:(\w+)/;
    my $refused = lines($one, 'CP0043');

    $one->configure(config($local));
    ok $one->restart, "$kind: a start" or diag $one->log;
    $ann = logged_in($one, 'ann');
    is_user($ann, 'ann', $kind);
    $ann->command('cart=3');
    $ann->command('long=' . 'x' x $too_long);
    is lines($one, 'CP0043'), $refused + 1, "$kind: too much is refused";
    is_user($ann, 'ann', "$kind: nothing is lost by that");
    is $ann->look->seen('COOKIEPOLICY_SESSION_ATTR_cart'), 3,
        "$kind: a change";
    my $bob = logged_in($one, 'bob');
    my $thief = $bob->twin;
    is log_out($bob), 303,
        "$kind: a logout";
    is user_of($thief), '', "$kind: nobody";
    ok $one->graceful, "$kind: a reload";
    if ($kind eq 'dbm') {
        is_user($ann, 'ann', 'dbm outlives a reload');
        ok $one->stop && $one->start, 'stop and start';
        is_user($ann, 'ann', 'and that');
        is user_of($thief), '', 'nobody is still nobody';
    }
    else {
        is user_of($ann), '', 'shmcb is emptied by a reload';
    }
}

# --- A reload -----------------------------------------------------------------

$one->configure(config('socache:dbm:{DIR}/nosuch/sessions'));
ok $one->graceful, 'a reload with a store that cannot be';
like $one->log, qr/CP0009.*CP0046/s, 'says so';
is_nobody($ann, 'without a store');
like visitor($one)->get('/cookiepolicy-status?prometheus')->body,
    qr/^cookiepolicy_store_away 1$/m, 'status says so';
$one->configure(config('shm:1M'));
ok $one->graceful, 'a reload with another one';
like $one->log, qr/CP0045[^\n]*in shm; those in socache:dbm/, 'says so';
my $dora = logged_in($one, 'dora');
is_user($dora, 'dora', 'there');
$one->configure(config('socache:dbm:{DIR}/sessions'));
ok $one->graceful, 'and back';
isnt user_of($dora), 'dora', 'sessions are not carried over';
ok $one->stop, 'stop';
$one->configure(config('socache:dbm:{DIR}/nosuch/sessions'));
ok !$one->start, 'at a start it is no start';

done_testing;
