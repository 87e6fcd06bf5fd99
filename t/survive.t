# What outlives a reload, a stop and start, and the death of a process.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $CONFIG = <<'CONFIG';
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session login
CookiePolicyCookie stats statistics provider=One
CookiePolicyCookie ads first-party provider=Two
CONFIG
my $server = CookiePolicy::Server->new(config => $CONFIG);

ok $server->start, 'a server of its own' or diag $server->log;
my $visitor = CookiePolicy::Visitor->new('own.example', port => $server->port);
$visitor->get('/');
$visitor->command(':user=ann&count=1');
$visitor->post('/cookie-policy/preferences',
               { choice => 'save', category => 'statistics' });
my $count = 1;

# Whether the session is there, and still counts on.
sub goes_on {
    my ($what) = @_;
    my $seen = $visitor->look;

    is $seen->issued, '', "$what: all that the visitor has counts";
    is $seen->seen('COOKIEPOLICY_USER'), 'ann', "$what: ann is logged in";
    is $seen->seen('COOKIEPOLICY_SESSION_ATTR_count'), $count,
        "$what: the counter goes on";
    $count++;
    $visitor->command("count=$count");
    is $visitor->post('/cgi/echo.pl', {})->status, 200,
        "$what: a form that was open posts";
    return;
}

goes_on('before');
ok $server->graceful, 'graceful';
goes_on('after graceful');
ok $server->restart, 'restart';
goes_on('after restart');
for (1 .. 3) {
    ok $server->graceful, 'graceful again';
}
goes_on('after three more');
ok $server->stop, 'stop';
ok $server->start, 'start';
goes_on('after stop and start');

# A child is killed; its parent makes another one.
my @children = $server->children;
cmp_ok scalar(@children), '>', 0, 'there are children';
kill KILL => @children;
my $answered = 0;
for (1 .. 100) {
    $answered = eval { $visitor->get('/')->status == 200 } ? 1 : 0;
    last if $answered;
    select undef, undef, undef, 0.1;
}
ok $answered, 'others take their place';
goes_on('after the children were killed');
$server->log_excuse;

# The whole server is killed: nothing of it is left but the segment.
$server->kill_all;
ok $server->start, 'started after kill -9' or diag $server->log;
goes_on('after kill -9');

# --- What was agreed to changes --------------------------------------------

sub consent { return $visitor->look->seen('COOKIEPOLICY_CONSENT') }

is consent(), 'necessary,statistics', 'statistics were granted';
(my $reworded = $CONFIG) =~ s/provider=One/$& purpose=Counting/;
$server->configure($reworded);
ok $server->graceful, 'other words';
is consent(), 'necessary,statistics', 'are no other thing to agree to';
(my $changed = $CONFIG) =~ s/provider=One/provider=Other/;
$server->configure($changed);
ok $server->graceful, 'another provider';
is consent(), 'necessary', 'is: the grant is undecided again';
is $visitor->look->seen('COOKIEPOLICY_DECIDED'), 'no', 'and to be asked for';
is $visitor->look->issued, '', 'what the visitor has still counts';
$server->configure($CONFIG);
ok $server->graceful, 'as it was';
is consent(), 'necessary,statistics', 'and the grant counts again';

(my $refused = $CONFIG) =~ s/provider=Two/provider=Another/;
$server->configure($refused);
ok $server->graceful, 'another provider of what was refused';
my $state = $visitor->get('/cookie-policy/preferences', headers => [
    Accept => 'application/json' ])->body;
like $state, qr/"first-party":\s*\{[^}]*"refused"/s, 'the refusal stays';
is $visitor->look->seen('COOKIEPOLICY_DECIDED'), 'yes', 'nothing is asked';

# --- A new size, another store ---------------------------------------------

(my $larger = $CONFIG) =~ s/shm:1M/shm:2M/;
$server->configure($larger);
ok $server->graceful, 'a reload with another size';
goes_on('after a reload with another size');
like $server->log, qr/stopped and started/, 'it takes effect later, and says so';
ok $server->stop, 'stop';
ok $server->start, 'start';
goes_on('with the new size');

# A configuration that is wrong does not end the server.
$server->configure("$CONFIG\nCookiePolicyLanguage en en\n");
ok !($server->check)[0], 'a configuration that is wrong';
$server->configure($CONFIG);
ok $server->graceful, 'reloaded';
goes_on('after it was put right');
ok $server->stop, 'stopped';

done_testing;
