# What a backend answers, down to the byte: parts, cookies in odd places,
# answers without a body. (Interim answers are interim.t's.)
use strict;
use warnings;

use Test::More;

use CookiePolicy::Backend ();
use CookiePolicy::Client qw(exchange fetch);
use CookiePolicy::Server ();

my $FOUR = 'cookies_preferences csrftoken django_language sessionid';
my $PAGE = "<!DOCTYPE html>\n<title>Backend</title>\n<p>A page.</p>\n";

sub answer {
    my ($status, $body, @fields) = @_;

    return join "\r\n", "HTTP/1.1 $status", 'Content-Type: text/html', @fields,
        'Content-Length: ' . length $body, 'Connection: close', '', $body;
}

my $backend = CookiePolicy::Backend->new(
    '/page' => answer('200 OK', $PAGE, 'ETag: "p1"'),
    '/part' => answer('206 Partial Content', substr($PAGE, 3, 9),
                      'Content-Range: bytes 3-11/' . length $PAGE),
    '/same' => "HTTP/1.1 304 Not Modified\r\nETag: \"p1\"\r\n"
               . "Connection: close\r\n\r\n",
    '/cookies' => answer('200 OK', $PAGE, 'Set-Cookie: a=1; Path=/x; Foo=bar',
                         'set-cookie:   sessionid=evil', 'SET-COOKIE: b="2"',
                         'Set-Cookie: csrftoken=evil; Max-Age=0',
                         'Set-Cookie: c=3, sessionid=4'),
    '/command' => answer('404 Not Found', $PAGE, 'x-session: count=1',
                         'X-Session: more=2'),
    '/cut' => "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
              . "Content-Length: 1000\r\n\r\n$PAGE",
    '/nothing' => '',
);
my $server = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyUndeclared allow
CookiePolicySessionHeader X-Session login
ProxyPass /b/ http://127.0.0.1:@{[ $backend->port ]}/ disablereuse=on retry=0
TraceEnable on
<Location "/b/lax">
    CookiePolicyCsrf Off
</Location>
CONFIG
ok $server->start, 'a server of its own' or diag $server->log;

sub get {
    my ($path, @with) = @_;

    return fetch(host => 'own.example', port => $server->port,
                 path => "/b/$path", @with);
}

# A proxy that is the last one on the way answers TRACE itself.
for my $path (qw(page lax)) {
    my $trace = get($path, method => 'TRACE', headers => [
        'Max-Forwards' => 0, Cookie => 'of=mine' ]);

    like $trace->body, qr/^TRACE /, "TRACE of $path is answered";
    unlike $trace->body, qr/of=mine/, 'and shows no cookie';
}

my $page = get('page');
is $page->status, 200, 'a page of the backend';
is $page->issued, $FOUR, 'gets the four';
is $page->body, $PAGE, 'and comes unchanged';
is $page->header('etag'), '"p1"', 'with its ETag';
is get('page', method => 'HEAD')->issued, $FOUR, 'HEAD, too';

my $part = get('part', headers => [ Range => 'bytes=3-11' ]);
is $part->status, 206, 'a part';
is $part->body, substr($PAGE, 3, 9), 'is left alone';
is $part->header('content-range'), 'bytes 3-11/' . length $PAGE,
    'with its range';

my $same = get('same', headers => [ 'If-None-Match' => '"p1"' ]);
is $same->status, 304, 'a 304';
is $same->body, '', 'has no body';

my $cookies = get('cookies');
my @others = grep { !/^(?:sessionid|csrftoken|django_language
                          |cookies_preferences)=/x }
             $cookies->header('set-cookie');
is_deeply \@others, [ 'a=1; Path=/x; Foo=bar', 'b="2"', 'c=3, sessionid=4' ],
    'what is not managed passes, byte for byte';
is $cookies->issued, "a b c $FOUR", 'what is managed is ours';
unlike $cookies->raw, qr/evil/, 'and not the backend\'s';

my $command = get('command');
is $command->status, 404, 'commands on an error page';
unlike $command->raw, qr/x-session/i, 'are not passed on';
my $again = fetch(host => 'own.example', port => $server->port,
                  path => '/cgi/echo.pl', headers => [
    Cookie => 'sessionid=' . $command->cookie('sessionid') ]);
is $again->seen('COOKIEPOLICY_SESSION_ATTR_count'), '1', 'but obeyed';
is $again->seen('COOKIEPOLICY_SESSION_ATTR_more'), '2', 'all of them';

like get('cut')->raw, qr/\A(?:HTTP\/1\.1 |\z)/, 'a body that ends too early';
is get('nothing')->status, 502, 'no answer at all';
is get('nothing')->issued, $FOUR, 'is an error page, a document';

# Two requests of one connection are two requests.
my $raw = exchange(port => $server->port, host => 'own.example', bytes =>
    "GET /b/page HTTP/1.1\r\nHost: own.example\r\n\r\n"
    . "GET /b/page HTTP/1.1\r\nHost: own.example\r\nConnection: close\r\n\r\n");
my @ids = $raw =~ /^Set-Cookie: sessionid=([^;]+)/mg;
is scalar(@ids), 2, 'two requests of one connection';
isnt $ids[0], $ids[1], 'have nothing in common';

$backend->stop;
is get('page')->status, 503, 'a backend that is away';
ok $server->stop, 'stopped';

done_testing;
