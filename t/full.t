# A store that is full: who came last stays, who is logged in stays longest,
# nobody gets an error, and the log says so.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $server = CookiePolicy::Server->new(config => <<'CONFIG');
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session login
AddHandler send-as-is .asis
CONFIG
# 4 KB for a session: some hundreds are more than a megabyte.
$server->file('htdocs/fill.asis', "Content-Type: text/html\n"
              . 'X-Session: fill=' . 'x' x 3900 . "\n\n<p>Filled.\n");
ok $server->start, 'a server of its own' or diag $server->log;
my @at = (port => $server->port);

my $user = CookiePolicy::Visitor->new('own.example', @at);
$user->get('/');
$user->command(':user=ann');
my $first = CookiePolicy::Visitor->new('own.example', @at);
$first->get('/fill.asis');
is length($first->look->seen('COOKIEPOLICY_SESSION_ATTR_fill') // ''), 3900,
    'a session that takes room';

# Newcomers who store nothing take none.
fetch(@at, host => 'own.example', path => '/') for 1 .. 300;
is length($first->look->seen('COOKIEPOLICY_SESSION_ATTR_fill') // ''), 3900,
    'a flood of newcomers pushes nobody out';

my $last;
my $errors = 0;
for (1 .. 500) {
    $last = CookiePolicy::Visitor->new('own.example', @at);
    $errors++ if $last->get('/fill.asis')->status != 200;
}
is $errors, 0, '500 sessions: every request is answered';
is length($last->look->seen('COOKIEPOLICY_SESSION_ATTR_fill') // ''), 3900,
    'the last one is there';
is $first->look->seen('COOKIEPOLICY_SESSION_ATTR_fill'), undef,
    'the first one had to go';
is $user->look->seen('COOKIEPOLICY_USER'), 'ann',
    'who is logged in is still there';

# The parent looks every ten seconds.
my $full = qr/CP0047: the session store is full: (\d+) live records/;
for (1 .. 300) {
    last if $server->log =~ $full;
    select undef, undef, undef, 0.1;
}
my @said = $server->log =~ /$full/g;
is scalar(@said), 1, 'the log says so, once';
cmp_ok $said[0], '>', 0, 'and how many had to go';
ok $server->stop, 'stopped';

done_testing;
