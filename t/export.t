# What content learns of the decisions, and that nobody else can say it.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Backend ();
use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my @SPOOFS = (
    'X-CookiePolicy-User', 'X_CookiePolicy_User', 'x-cookiepolicy-USER',
    'X-CookiePolicy_User', 'X.CookiePolicy.User', 'X-COOKIEPOLICY-Session',
    'X~CookiePolicy~Consent', "X!CookiePolicy#User", "X-CookiePolicy-Session-Attr-count",
    'X-CookiePolicy-Language', 'X-CookiePolicy-Anything');

# --- Spoofed headers, whatever the mode ------------------------------------

for my $host (qw(front.example headers.example silent.example report.example
                 unmanaged.example)) {
    my $answer = fetch(host => $host, path => '/cgi/echo.pl',
                       headers => [ map { ($_ => 'evil') } @SPOOFS ]);
    unlike $answer->body, qr/: evil$/m, "$host: no spoofed header passes";
    $answer = fetch(host => $host, path => '/cgi/echo.pl', headers => [
        'X-CookiePolicyish' => 'fine', 'X-Cookie' => 'fine' ]);
    is $answer->seen('HTTP_X_COOKIEPOLICYISH'), 'fine',
        "$host: other names stay";
}

# --- env -------------------------------------------------------------------

my $visitor = CookiePolicy::Visitor->new('front.example');
my $answer = $visitor->look;
is $answer->seen('COOKIEPOLICY_LANGUAGE'), 'en', 'the language';
is $answer->seen('COOKIEPOLICY_CONSENT'), 'necessary', 'what is allowed';
like $answer->seen('COOKIEPOLICY_SESSION'), qr/\A[\w-]{4,24}\z/,
    'a short reference to the session';
is $answer->seen('COOKIEPOLICY_USER'), undef, 'no user';
my $reference = $answer->seen('COOKIEPOLICY_SESSION');
is $visitor->look->seen('COOKIEPOLICY_SESSION'), $reference,
    'the reference stays';
is index(substr($visitor->cookie('sessionid'), 0, 32), $reference), -1,
    'and nothing of what is random in the id';
is fetch(host => 'front.example', path => '/cgi/echo.pl',
         headers => [ Cookie => "sessionid=$reference" ])
    ->seen('COOKIEPOLICY_USER'), undef, 'it is worthless as a credential';
unlike $answer->body, qr/^HTTP_X_COOKIEPOLICY/m, 'env says it not by headers';

# On the hop of an internal redirect.
$answer = fetch(host => 'front.example', path => '/gonefor/good');
is $answer->status, 410, 'an ErrorDocument that is a program';
is $answer->seen('COOKIEPOLICY_LANGUAGE'), 'en', 'sees the variables, too';

# --- headers ---------------------------------------------------------------

# A backend of another kind, which says what it was sent. (A httpd with this
# module would take our headers for spoofed ones.)
my $backend = CookiePolicy::Backend->new('/backend' => sub {
    my $said = join '', map { /\A([^:]+):\s*(.*?)\r\n/ ? "$1: $2\n" : () }
               $_[0] =~ /(.*\n)/g;

    return "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: "
           . length($said) . "\r\nConnection: close\r\n\r\n$said";
});
my $server = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyExport headers
CookiePolicySessionHeader X-Session login
ProxyPass /backend http://127.0.0.1:@{[ $backend->port ]}/backend
CONFIG
ok $server->start, 'a server of its own' or diag $server->log;

$visitor = CookiePolicy::Visitor->new('own.example', port => $server->port);
$answer = $visitor->get('/backend');
is $answer->seen('X-CookiePolicy-Language'), 'en', 'headers: the language';
is $answer->seen('X-CookiePolicy-User'), '', 'headers: anonymous is said';
like $answer->seen('X-CookiePolicy-Csrf-Token') // '',
    qr/\A[A-Za-z0-9]{64}\z/, 'headers: the token';
unlike $visitor->look->body, qr/^COOKIEPOLICY_/m, 'headers: not by variables';
$visitor->command(':user=ann&count=3');
$answer = $visitor->get('/backend', headers => [
    map { ($_ => 'evil') } @SPOOFS ]);
is $answer->seen('X-CookiePolicy-User'), 'ann', 'headers: the user';
is $answer->seen('X-CookiePolicy-Session-Attr-count'), '3',
    'headers: attributes';
like $answer->seen('X-CookiePolicy-Session'), qr/\A[\w-]{11}\z/,
    'headers: the reference';
is index($visitor->cookie('sessionid'),
         $answer->seen('X-CookiePolicy-Session')), -1,
    'of a session with a record no part of the id';
unlike $answer->body, qr/: evil$/m, 'headers: nothing is spoofed';

# What Connection names, mod_proxy drops: not ours.
$answer = $visitor->get('/backend', headers => [ Connection =>
    'close, X-CookiePolicy-User, x_cookiepolicy_language, Cookie' ]);
is $answer->seen('X-CookiePolicy-User'), 'ann',
    'Connection cannot take our headers away';
like $answer->seen('Cookie') // '',
    qr/sessionid=\Q${\ $visitor->cookie('sessionid')}\E/, 'nor the cookies';
$answer = $visitor->get('/backend', headers => [
    Connection => 'close, X-Other', 'X-Other' => 'hop' ]);
is $answer->seen('X-Other'), undef, 'but what is the client\'s';
$backend->stop;
ok $server->stop, 'stopped';

# --- none ------------------------------------------------------------------

$visitor = CookiePolicy::Visitor->new('silent.example');
$visitor->command(':user=ann');
$answer = $visitor->look;
unlike $answer->body, qr/COOKIEPOLICY/, 'none: nothing is said';
is $answer->seen_cookie('sessionid'), $visitor->cookie('sessionid'),
    'none: the cookies are there all the same';

done_testing;
