# Sessions: what an application stores, logs in and out, and who gets to see it.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Visitor ();

sub visitor {
    my ($host) = @_;
    my $visitor = CookiePolicy::Visitor->new($host // 'front.example');

    $visitor->get('/index.html');
    return $visitor;
}

sub attribute { return $_[0]->seen("COOKIEPOLICY_SESSION_ATTR_$_[1]") }

# --- Attributes -----------------------------------------------------------

my $visitor = visitor();
my $stateless = $visitor->twin;
is $visitor->look->seen('COOKIEPOLICY_USER'), undef, 'nobody is logged in';

my $answer = $visitor->command('count=1&name=A+%26+B');
is $answer->header('x-session'), undef, 'the commands do not reach the browser';
is $answer->issued, 'sessionid', 'the first thing stored draws a new id';
isnt $visitor->cookie('sessionid'), $stateless->cookie('sessionid'),
    'which is another one';
$answer = $visitor->look;
is attribute($answer, 'count'), '1', 'an attribute is seen the next time';
is attribute($answer, 'name'), 'A & B', 'it was urlencoded';
is $answer->issued, '', 'and nothing is issued any more';
is $visitor->post('/cgi/echo.pl', { a => 1 })->status, 200,
    'a form that was open already stays valid';

is attribute($stateless->look, 'count'), undef,
    'no record lies under the id that was handed out first';

is $visitor->command('count=2')->issued, '', 'a change keeps the id';
is attribute($visitor->look, 'count'), '2', 'and counts';
$visitor->command('name=');
$answer = $visitor->look;
is attribute($answer, 'name'), undef, 'an empty value unsets';
is attribute($answer, 'count'), '2', 'the others stay';

$answer = $visitor->get('/cgi/echo.pl?' . form_encode(
    [ status => 500, h => 'X-Session: broken=1' ]));
is $answer->header('x-session'), undef, 'on an error page the same';
is attribute($visitor->look, 'broken'), '1', 'where commands count, too';

for my $name (qw(user pw site USER a-b a.b), 'a b', 'x' x 65, '') {
    $visitor->command(form_encode([ $name => 'bad' ]));
    my $now = $visitor->look;
    unlike $now->body, qr/^COOKIEPOLICY_SESSION_ATTR_\S*: bad$/m,
        "'" . substr($name, 0, 9) . "' is no attribute's name";
}
$visitor->command('evil=%0d%0aX:1');
is attribute($visitor->look, 'evil'), undef, 'nor has a value control characters';

# --- Login, logout, change of user ----------------------------------------

my $before = $visitor->twin;
$answer = $visitor->command(':user=ann');
is $answer->issued, 'csrftoken sessionid', 'a login draws id and token';
isnt $visitor->cookie($_), $before->cookie($_), "a new $_"
    for qw(sessionid csrftoken);
is $visitor->look->seen('COOKIEPOLICY_USER'), 'ann', 'ann is logged in';
$answer = $before->look;
is $answer->seen('COOKIEPOLICY_USER'), undef, 'not under the old id';
is attribute($answer, 'count'), undef, 'nothing is under the old id';
like $answer->issued, qr/sessionid/, 'which counts no more';
is $visitor->post('/cgi/echo.pl', {}, token => $before->cookie('csrftoken'))
    ->status, 403, 'nor does the old token';

my $ann = $visitor->twin;
$visitor->command('secret=of-ann');
$answer = $visitor->command(':user=bob');
like $answer->issued, qr/sessionid/, 'a change of user draws a new id';
$answer = $visitor->look;
is $answer->seen('COOKIEPOLICY_USER'), 'bob', 'bob is logged in';
is attribute($answer, 'secret'), undef, 'and sees nothing of ann';
is $ann->look->seen('COOKIEPOLICY_USER'), undef, 'the id of ann is over';

my $bob = $visitor->twin;
$answer = $visitor->command(':logout=1');
like $answer->issued, qr/sessionid/, 'a logout draws a new id';
is $visitor->look->seen('COOKIEPOLICY_USER'), undef, 'nobody is logged in';
$answer = $bob->look;
is $answer->seen('COOKIEPOLICY_USER'), undef, 'the old id is refused';
like $answer->issued, qr/sessionid/, 'and replaced';

# Everywhere, and after a change of password everywhere else.
$visitor->command(':user=ann');
my $elsewhere = CookiePolicy::Visitor->new($visitor->{host});
$elsewhere->get('/');
$elsewhere->command(':user=ann');
my $others = CookiePolicy::Visitor->new($visitor->{host});
$others->get('/');
$others->command(':user=bob');
$visitor->command(':user=ann&:logout=all');
is $visitor->look->seen('COOKIEPOLICY_USER'), 'ann', 'ann goes on here';
is $elsewhere->look->seen('COOKIEPOLICY_USER'), undef, 'and not elsewhere';
$elsewhere->command(':user=ann');
$visitor->command(':logout=all');
is $_->look->seen('COOKIEPOLICY_USER'), undef, 'a logout everywhere'
    for $visitor, $elsewhere;
is $others->look->seen('COOKIEPOLICY_USER'), 'bob', 'is nobody else\'s';

# base/logout
$visitor->command(':user=ann');
$ann = $visitor->twin;
$answer = $visitor->post('/cookie-policy/logout', { next => '/other.html' });
is $answer->status, 303, 'base/logout goes on';
is $answer->header('location'), '/other.html', 'to the page asked for';
is $visitor->cookie('sessionid'), undef, 'it deletes the session';
is $answer->header('clear-site-data'), undef, 'by name';
is $ann->look->seen('COOKIEPOLICY_USER'), undef, 'the old id is refused';
$ann->get('/index.html');
is $ann->look->seen('COOKIEPOLICY_USER'), undef, 'for good';

# --- Rotation -------------------------------------------------------------

my $carol = visitor();
$carol->command(':user=carol&color=red');
my $old = $carol->twin;
my $rotated = time;
$answer = $carol->command(':rotate=1');
like $answer->issued, qr/sessionid/, 'a rotation draws a new id';
$answer = $carol->look;
is $answer->seen('COOKIEPOLICY_USER'), 'carol', 'the user stays';
is attribute($answer, 'color'), 'red', 'and the attributes';
is $carol->post('/cgi/echo.pl', {}, token => $old->cookie('csrftoken'))->status,
    200, 'and the token of open forms';
$answer = $old->look;
is $answer->seen('COOKIEPOLICY_USER'), 'carol', 'the old id has a grace';
is $answer->issued, '', 'in which it is answered with no cookie';
is attribute($old->look, 'color'), 'red', 'it reads the same record';

# --- Timeouts, in the meantime ---------------------------------------------

# This host's are 8 seconds idle and 20 seconds in all.
my $idle = visitor('short.example');
my $busy = visitor('short.example');
$_->command(':user=dave') for $idle, $busy;
my $began = time;
my ($lasted, $after_idle) = (0);
while (time - $began < 40) {
    my $asked;

    sleep 1;
    $asked = time - $began;
    last unless $busy->look->seen('COOKIEPOLICY_USER');
    $lasted = $asked;
    $after_idle //= $idle->look if $asked >= 10;
}
$after_idle //= $idle->look;
cmp_ok $lasted, '>=', 12, 'a session in use outlives the idle timeout';
cmp_ok $lasted, '<=', 21, 'but not the absolute one';
is $after_idle->seen('COOKIEPOLICY_USER'), undef,
    'one that is not used is over after the idle timeout';
like $after_idle->issued, qr/sessionid/, 'and a new one is issued';

my $wait = $rotated + 11 - time;
sleep $wait if $wait > 0;
$answer = $old->look;
is $answer->seen('COOKIEPOLICY_USER'), undef, 'the grace is ten seconds';
like $answer->issued, qr/sessionid/, 'then a new one is issued';
is $carol->look->seen('COOKIEPOLICY_USER'), 'carol', 'carol is still there';

# --- Who may not ----------------------------------------------------------

my $nologin = visitor('nologin.example');
$nologin->command(':user=ann&fine=1');
$answer = $nologin->look;
is $answer->seen('COOKIEPOLICY_USER'), undef, 'without the word login no login';
is attribute($answer, 'fine'), '1', 'but attributes';

my $asked = fetch(host => 'front.example', path => '/cgi/echo.pl',
                  headers => [ 'X-Session' => ':user=root' ]);
is $asked->seen('COOKIEPOLICY_USER'), undef,
    'a request header of that name does nothing';
my $foreign = fetch(host => 'nocsrf.example', method => 'POST', body => '',
                    path => '/cgi/echo.pl?h=X-Session:%20:user%3Dann',
                    headers => [ 'Sec-Fetch-Site' => 'cross-site' ]);
is $foreign->issued, '', 'a login that a foreign page makes is not answered';
is $foreign->header('x-session'), undef, 'nor are its commands shown';

my $off = CookiePolicy::Visitor->new('sessionless.example');
is $off->get('/index.html')->issued,
    'cookies_preferences csrftoken django_language',
    'CookiePolicySession Off: no sessionid';
is $off->get('/other.html')->issued, '', 'and the token is valid without';
is $off->post('/cgi/echo.pl', {})->status, 200, 'a form posts';

done_testing;
