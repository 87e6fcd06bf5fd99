# Which requests may bring managed cookies with their answer: a browser's own,
# and foreign ones only as a top-level navigation.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Visitor ();

my $FOUR = 'cookies_preferences csrftoken django_language sessionid';

sub get_with {
    my (@headers) = @_;

    return fetch(host => 'front.example', path => '/index.html',
                 headers => \@headers)->issued;
}

sub fetched {
    my ($site, $mode, $dest, @more) = @_;

    return get_with('Sec-Fetch-Site' => $site, 'Sec-Fetch-Mode' => $mode,
                    'Sec-Fetch-Dest' => $dest, @more);
}

for my $site (qw(none same-origin)) {
    is fetched($site, 'navigate', 'document'), $FOUR, "$site: a page";
}
is fetched('same-origin', 'cors', 'empty'), $FOUR,
    'same-origin: a fetch of a document';
for my $site (qw(same-site cross-site)) {
    is fetched($site, 'navigate', 'document'), $FOUR,
        "$site: a link that was followed";
    is fetched($site, $_->[0], $_->[1]), '', "$site: $_->[0] for $_->[1]"
        for [ 'no-cors', 'image' ], [ 'cors', 'empty' ],
            [ 'no-cors', 'script' ], [ 'navigate', 'iframe' ],
            [ 'navigate', 'frame' ], [ 'navigate', 'object' ],
            [ 'navigate', 'embed' ], [ 'websocket', 'websocket' ];
    is get_with('Sec-Fetch-Site' => $site), '', "$site: and nothing else said";
}
for my $dest (qw(iframe frame fencedframe embed object)) {
    is fetched('same-origin', 'navigate', $dest), '',
        "same-origin: not in $dest";
}

is fetched('none', 'navigate', 'document', 'Sec-Purpose' => 'prefetch'), '',
    'no prefetch';
is get_with('Sec-Purpose' => 'prefetch;prerender'), '', 'no prerender';
is get_with(Purpose => 'prefetch'), '', 'no prefetch by the older header';
is get_with('X-Moz' => 'prefetch'), '', 'nor by the oldest';

# Without Fetch Metadata Origin decides.
is get_with(Origin => 'http://front.example'), $FOUR, 'our own Origin';
is get_with(Origin => 'http://evil.example'), '', 'a foreign Origin';
is get_with(Origin => 'https://front.example'), '',
    'the same host by another scheme is foreign';
is get_with(Origin => 'http://front.example:8080'), '',
    'the same host at another port is foreign';
is get_with(Origin => 'null'), '', 'a hidden Origin';

# A POST from a foreign page carries no Lax cookies: its sender is no newcomer.
for my $host (qw(front.example origin.example nocsrf.example)) {
    my $post = fetch(
        host => $host, path => '/cgi/echo.pl', method => 'POST', body => 'a=1',
        headers => [ 'Sec-Fetch-Site' => 'cross-site',
                     Origin => 'https://evil.example',
                     'Content-Type' => 'application/x-www-form-urlencoded' ]);
    is $post->issued, '', "$host: a cross-site POST gets no cookie";
}
my $post = fetch(host => 'errordoc.example', path => '/cgi/echo.pl',
                 method => 'POST', body => 'a=1',
                 headers => [ 'Sec-Fetch-Site' => 'cross-site' ]);
is $post->status, 403, 'ErrorDocument 403: refused';
is $post->issued, '', 'and its page sets no cookie either';

$post = fetch(host => 'nocsrf.example', path => '/cgi/echo.pl',
              method => 'POST', body => 'a=1');
is $post->status, 200, 'CookiePolicyCsrf Off: a POST passes';
is $post->issued, '', 'but a newcomer gets no cookie with a POST';

# An own session is not touched by the answer to a foreign page's request.
my $visitor = CookiePolicy::Visitor->new('front.example');
$visitor->get('/index.html');
my $before = $visitor->cookie('sessionid');
$visitor->request('POST', '/cgi/echo.pl', body => '', headers => [
    Cookie => 'unrelated=1', 'Sec-Fetch-Site' => 'cross-site' ]);
is $visitor->cookie('sessionid'), $before,
    'a POST without Lax cookies overwrites nothing';

# What is not issued is not shown either.
my $foreign = fetch(host => 'front.example', path => '/cgi/echo.pl',
                    headers => [ 'Sec-Fetch-Site' => 'cross-site',
                                 'Sec-Fetch-Mode' => 'no-cors',
                                 'Sec-Fetch-Dest' => 'image' ]);
is $foreign->seen('HTTP_COOKIE'), undef,
    'the application sees no cookie that is not issued';

# Two headers of a kind, or none that is known, are no reason to trust.
is get_with('Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Site' => 'cross-site'),
    '', 'two Sec-Fetch-Site';
is get_with('Sec-Fetch-Site' => 'SAME-ORIGINATED'), '',
    'a Sec-Fetch-Site that nobody knows';

done_testing;
