# Caches before and behind the policy: nobody gets another's cookie, deletion
# or decision out of one, and what hangs on nobody stays cacheable.
use strict;
use warnings;

use File::Find ();
use Test::More;

use CookiePolicy::Backend ();
use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $PAGE = "<!DOCTYPE html>\n<title>Backend</title>\n";

sub answer {
    my (@fields) = @_;

    return join "\r\n", 'HTTP/1.1 200 OK', @fields,
        'Content-Length: ' . length $PAGE, 'Connection: close', '', $PAGE;
}

my @FRESH = ('Content-Type: text/html', 'ETag: "b"',
             'Last-Modified: Thu, 01 Jan 2015 00:00:00 GMT',
             'Cache-Control: max-age=60');
my $backend = CookiePolicy::Backend->new(
    '/plain' => answer(@FRESH),
    '/plain?delete' => answer(@FRESH),
    (map { ("/count$_" => answer(@FRESH, 'Set-Cookie: count=1; Path=/')) }
     '', '?fresh', '?other', '?changing', '?changed'),
    (map { ("/stray$_" => answer(@FRESH, 'Set-Cookie: stray=1; Path=/')) }
     '', '?fresh'),
    '/cart' => answer(@FRESH, 'Set-Cookie: cart=1; Path=/'),
    '/gone' => answer(@FRESH, 'Set-Cookie: cart=; Max-Age=0; Path=/'),
    '/public' => answer('Content-Type: text/html',
                        'Cache-Control: public, max-age=60, s-maxage=60',
                        'Set-Cookie: cart=2; Path=/'),
    '/image' => answer('Content-Type: image/png', 'Cache-Control: max-age=60'),
    '/by-cookie' => sub {
        my ($cookie) = $_[0] =~ /^Cookie: ([^\r]*)/mi;
        my $body = 'Saw [' . ($cookie // '') . "]\n";

        return join "\r\n", 'HTTP/1.1 200 OK', 'Content-Type: text/plain',
            'Cache-Control: max-age=60', 'Vary: Cookie',
            'Content-Length: ' . length $body, 'Connection: close', '', $body;
    },
);

sub config {
    my ($engine, $more) = @_;

    return <<"CONFIG";
CookiePolicy $engine
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyIssue lazy
CookiePolicyCookie cart necessary
CookiePolicyCookie count statistics
ProxyPass /b/ http://127.0.0.1:@{[ $backend->port ]}/ disablereuse=on retry=0
@{[ $more // '' ]}
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName eager.example
    CookiePolicyIssue eager
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName third.example
    CookiePolicyThirdParty statistics https://stats.example
</VirtualHost>
{CACHING}
CONFIG
}

my $server = CookiePolicy::Server->new(config => config('Off'));
ok $server->start, 'a server, not yet enforcing' or diag $server->log;

# A shared cache before it, which knows nothing of the policy.
my $front = CookiePolicy::Server->new(config => <<"CONFIG");
CacheRoot "{DIR}/cache"
CacheEnable disk /
CacheHeader on
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:@{[ $server->port ]}/ disablereuse=on retry=0
CONFIG
ok $front->start, 'a cache before it' or diag $front->log;

sub visitor {
    my ($at, $host, $choice) = @_;
    my $visitor = CookiePolicy::Visitor->new($host, port => $at->port);

    return $visitor unless $choice;
    $visitor->request('POST', '/cookie-policy/preferences',
        body => form_encode([ choice => $choice ]),
        headers => [ Origin => "http://$host",
                     'Content-Type' => 'application/x-www-form-urlencoded' ]);
    die 'no choice' unless $visitor->cookie('cookies_preferences');
    return $visitor;
}

# HIT, MISS, REVALIDATE: of the nearest cache
sub cached { return ($_[0]->header('x-cache') // 'none') =~ /^(\w+)/ ? $1 : '' }

# The application's own.
sub got {
    return join ' ', grep { !/\A(?:sessionid|csrftoken|django_language
                                  |cookies_preferences)\z/x }
                     split / /, $_[0]->issued;
}

# --- What lies in a cache from before --------------------------------------

for my $host (qw(quick.example normal.example)) {
    for my $what (qw(count stray cart)) {
        fetch(host => $host, port => $server->port, path => "/b/$what");
        my $answer = fetch(host => $host, port => $server->port,
                           path => "/b/$what");

        is cached($answer) . ' ' . $answer->issued, "HIT $what",
            "$host: with the engine Off a cache keeps $what";
    }
}
$server->configure(config('On'));
ok $server->graceful, 'enforcing now';

for my $host (qw(quick.example normal.example)) {
    my %who = (undecided => visitor($server, $host),
               granted => visitor($server, $host, 'accept-all'),
               refused => visitor($server, $host, 'reject-all'));

    for my $case (
        [ stray => '', '', '' ], [ count => '', 'count', '' ],
        [ cart => 'cart', 'cart', 'cart' ],
    ) {
        my ($what, @expected) = @$case;

        for my $visitor (qw(undecided granted refused)) {
            my $answer = $who{$visitor}->get("/b/$what");

            is cached($answer) . ' ' . got($answer),
                'HIT ' . shift @expected,
                "$host: $what, replayed to who has $visitor, is judged";
            like $answer->header('cache-control'), qr/private/,
                'and goes to no cache downstream' if length got($answer);
        }
    }
}

# --- Our own caches from now on --------------------------------------------

for my $host (qw(quick.example normal.example)) {
    my %who = (granted => visitor($server, $host, 'accept-all'),
               refused => visitor($server, $host, 'reject-all'),
               undecided => visitor($server, $host));

    for my $round (1, 2) {
        for my $visitor (qw(granted undecided refused)) {
            my $answer = $who{$visitor}->get('/b/count?fresh');
            is got($answer), $visitor eq 'granted' ? 'count' : '',
                "$host: count for who has $visitor";
            $answer = $who{$visitor}->get('/b/by-cookie',
                headers => [ Cookie => join '; ', "cart=$visitor", 'count=7',
                             'stray=8', 'cookies_preferences='
                             . ($who{$visitor}->cookie('cookies_preferences')
                                // 'none') ]);
            like $answer->body, $visitor eq 'granted'
                ? qr/cart=granted; count=7\]/ : qr/cart=$visitor\]/,
                'what hangs on cookies is each one\'s own';
            unlike $answer->body, qr/stray/, 'and on no stray one';
        }
    }
    $who{granted}->get('/b/plain');
    is cached($who{$_}->get('/b/plain')), 'HIT',
        "$host: what hangs on nobody is kept for who has $_"
        for qw(granted undecided refused);
    is cached($who{$_}->get('/b/stray?fresh')), 'MISS',
        "$host: a line that nothing declares today is kept for nobody"
        for qw(granted undecided refused);
    my $stray = fetch(host => $host, port => $server->port,
                      path => '/b/plain', headers => [
        Cookie => 'stray=1; other=2' ]);
    is cached($stray), 'HIT', "$host: stray cookies do not spoil the cache";

    # Whoever brings what is refused is told to delete it, and nobody else.
    my $deleting = $who{refused}->get('/b/plain', headers => [
        Cookie => 'count=1; cookies_preferences='
                  . $who{refused}->cookie('cookies_preferences') ]);
    is cached($deleting) . ' ' . got($deleting), 'HIT count',
        "$host: a deletion with what the cache has";
    like $deleting->header('cache-control'), qr/private/, 'for no cache';
    is got($who{undecided}->get('/b/plain')), '', 'and for nobody else';
}

# Nothing of anybody's was stored since.
my @found;
File::Find::find(sub {
    return unless -f;
    open my $in, '<:raw', $_ or return;
    local $/;
    my $bytes = <$in>;
    push @found, $_ if $bytes =~ /^Set-Cookie: (?:cookies_preferences|csrf
                                              |sessionid|count=;)/mix
                       || $bytes =~ /^Content-Security-Policy/mi;
}, $server->dir . '/cache');
is "@found", '', 'nothing that is issued lies in the cache';

# --- A shared cache before it ----------------------------------------------

my %who = (granted => visitor($front, 'own.example', 'accept-all'),
           refused => visitor($front, 'own.example', 'reject-all'),
           undecided => visitor($front, 'own.example'));
for my $round (1, 2) {
    is got($who{granted}->get('/b/count')), 'count',
        'before: a cookie for who granted it';
    is got($who{$_}->get('/b/cart')), 'cart', "before: each sets $_ a cart"
        for qw(granted refused);
}
my $direct = fetch(host => 'own.example', port => $server->port,
                   path => '/b/count', headers => [
    Cookie => 'cookies_preferences='
              . $who{granted}->cookie('cookies_preferences') ]);
like $direct->header('cache-control'), qr/\bprivate\b/,
    'since an answer with a cookie is private';
like $direct->header('cache-control'), qr/max-age=60/, 'for as long as before';
my $public = fetch(host => 'own.example', port => $server->port,
                   path => '/b/public');
is $public->header('cache-control'), 'private, max-age=60',
    'whatever the application said of shared caches';
is cached($who{$_}->get('/b/public')), 'MISS', "not stored for $_"
    for qw(granted refused);
is got($who{$_}->get('/b/gone')), 'cart', "a deletion passes to $_"
    for qw(granted refused undecided);
is got($who{refused}->get('/b/count?other')), '',
    'before: none for who refused it';
is got($who{undecided}->get('/b/count?other')), '', 'nor for who has not said';

# What hangs on nobody may be kept, and says so as it did.
for my $path (qw(/b/plain /b/image /index.html)) {
    my $bare = fetch(host => 'own.example', port => $server->port,
                     path => $path);

    $who{granted}->get($path);
    for my $visitor (qw(granted refused undecided)) {
        my $answer = $who{$visitor}->get($path);

        is cached($answer), 'HIT', "before: $path for who has $visitor"
            unless $path eq '/index.html';
        is got($answer), '', 'with no cookie';
    }
    is $bare->header('vary'), undef, "$path has no Vary";
    unlike $bare->header('cache-control') // '', qr/private|no-/,
        'and forbids no cache';
}
is fetch(host => 'own.example', port => $server->port, path => '/b/by-cookie')
    ->header('vary'), 'Cookie', 'a Vary of the application stays as it is';

# Deletions, and pages that wait for consent, are for no cache.
my $page = fetch(host => 'own.example', port => $front->port,
                 path => '/b/plain?delete', headers => [ Cookie => 'count=1' ]);
is got($page), 'count', 'a deletion through a cache';
is got(fetch(host => 'own.example', port => $front->port,
             path => '/b/plain?delete')), '', 'is for nobody else';
for my $path ('/cookie-policy', '/cookie-policy.json',
              '/cookie-policy/preferences.json') {
    fetch(host => 'own.example', port => $front->port, path => $path);
    is cached(fetch(host => 'own.example', port => $front->port,
                    path => $path)), 'MISS', "$path is never kept";
}
my %third = map { ($_ => visitor($front, 'third.example', $_)) }
            qw(accept-all reject-all);
for my $round (1, 2) {
    like $third{'accept-all'}->get('/b/plain')
        ->header('content-security-policy'), qr/stats\.example/,
        'a policy through a cache: who granted';
    unlike $third{'reject-all'}->get('/b/plain')
        ->header('content-security-policy'), qr/stats\.example/,
        'and who refused';
}
is cached($third{'accept-all'}->get('/b/image')), 'MISS', 'an image';
is cached($third{'reject-all'}->get('/b/image')), 'HIT', 'is for all';

# A cache that asks anew must not hand out what the answer brought somebody.
my @again = ('Cache-Control' => 'max-age=0');
my $known = visitor($front, 'eager.example');
$known->get('/b/plain');
is join(' ', sort keys %{ $known->jar }),
    'cookies_preferences csrftoken django_language sessionid',
    'a visitor who has all four';
$known->get('/b/plain', headers => [@again]);
is cached($known->get('/b/plain')), 'HIT', 'makes a page be kept';
my %seen;
for my $newcomer (1 .. 3) {
    my $visitor = visitor($front, 'eager.example');
    my $answer = $visitor->get('/b/plain', headers => [@again]);
    my $after = visitor($front, 'eager.example');
    my $second = $after->get('/b/plain');

    for ($visitor, $after) {
        my $id = $_->cookie('sessionid');
        $seen{$id}++ if defined $id;
    }
}
is scalar(grep { $_ > 1 } values %seen), 0,
    'a cache that asks anew hands nobody\'s session on';

# Who chooses is heard at once: what a cache keeps hangs on no choice.
my $changing = visitor($front, 'own.example', 'reject-all');
is got($changing->get('/b/count?changing')), '', 'refused: none';
$changing->request('POST', '/cookie-policy/preferences',
    body => 'choice=accept-all',
    headers => [ Origin => 'http://own.example',
                 'Content-Type' => 'application/x-www-form-urlencoded' ]);
is got($changing->get('/b/count?changed')), 'count', 'granted: there it is';

ok $front->stop, 'stopped';
ok $server->stop, 'both';
done_testing;
