# What reaches the application of cookies that are not the module's own, and
# what is deleted in the browser.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Backend ();
use CookiePolicy::Client qw(exchange fetch form_encode);
use CookiePolicy::Response ();
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

# A backend that says which Cookie header it got, byte for byte.
my $backend = CookiePolicy::Backend->new(
    '/echo' => sub {
        my $said = join '', map { "GOT: $_\n" }
                            $_[0] =~ /^(?:Cookie:|X.CookiePolicy.User:
                                         (?=[ ]\S))[ ]?(.*?)\r$/mgix;

        return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            . 'Content-Length: ' . length($said)
            . "\r\nConnection: close\r\n\r\n$said";
    });

my $DECLARED = <<'CONFIG';
    CookiePolicyCookie cart necessary
    CookiePolicyCookie count statistics provider=Us
    CookiePolicyCookie ad_id marketing domain=own.example path=/shop
    CookiePolicyCookie elsewhere marketing domain=other.example
    CookiePolicyCookie deep marketing path=/shop/deep
    CookiePolicyCookie wide marketing domain=example
    CookiePolicyCookie font comfort
    CookiePolicyCookie __Host-lock marketing
    CookiePolicyCookie stored statistics storage=local
CONFIG
my $server = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyIssue lazy
CookiePolicyLanguage en fr
CookiePolicyCategory marketing consent
CookiePolicyCategory comfort objectable
LimitRequestFieldSize 65536
LimitRequestLine 65536
ProxyPass /in/ http://127.0.0.1:@{[ $backend->port ]}/ disablereuse=on retry=0
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory "{DIR}/htdocs">
    Options +IncludesNOEXEC
</Directory>
RewriteEngine On
RewriteCond %{HTTP_COOKIE} "(?:^|; )((?!csrftoken=).+)"
RewriteRule ^/rewritten - [E=SAW:%1,L]
RewriteRule ^/rewritten - [E=SAW:nothing]
Header always set X-Saw "%{SAW}e" env=SAW
<If "%{HTTP_COOKIE} =~ /(?:cart|count)/">
    Header always set X-If yes
</If>
SetEnvIf Cookie "count=([^;]*)" SETENVIF=\$1
Header always set X-SetEnvIf "%{SETENVIF}e" env=SETENVIF
Redirect 302 /moved http://own.example/index.html
ErrorDocument 404 /index.html
Alias /image.png {DIR}/htdocs/image.png
AddType image/png .png
<IfModule mod_http2.c>
    <IfModule !mpm_prefork_module>
        Protocols h2c http/1.1
    </IfModule>
</IfModule>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
    ServerAlias sub.own.example
    RewriteEngine On
    RewriteOptions Inherit
$DECLARED
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName behind.example
    CookiePolicyForwarded from=127.0.0.1/32
$DECLARED
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName open.example
$DECLARED
    <Location /cgi/echo.pl/open>
        CookiePolicyUndeclared allow
    </Location>
    <Location /cgi/echo.pl/off>
        CookiePolicy Off
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName allowing.example
    CookiePolicyUndeclared allow
    <Location /cgi/echo.pl/drop>
        CookiePolicyUndeclared drop
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName nine.example
    CookiePolicyCookie ~^n\\d+\$ marketing
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName patterns.example
    CookiePolicyCookie ~^_ga(_.+)?\$ statistics
    CookiePolicyCookie _ga_kept necessary
    CookiePolicyCookie ~^x statistics
    CookiePolicyCookie ~^x_ok necessary
    CookiePolicyCookie ~^y_ok necessary
    CookiePolicyCookie ~^y statistics
    CookiePolicyCookie ~_end\$ necessary
    CookiePolicyCookie ~^a\\.b necessary
    CookiePolicyCookie ~^p|^q necessary
    CookiePolicyCookie ~(?i)^mixed\$ necessary
    CookiePolicyCookie ~^[st]_ necessary
    CookiePolicyCookie ~^uv? necessary
    CookiePolicyCookie ~^__Host-k necessary
    CookiePolicyCookie ~^(a+)+\$ necessary
</VirtualHost>
# The server's own lines, for hosts to inherit, override and clear.
CookiePolicyCookie inherited necessary
CookiePolicyCookie turned statistics
CookiePolicyCookie ~^both_ statistics
<VirtualHost 127.0.0.1:{PORT}>
    ServerName inherits.example
    CookiePolicyCookie mine necessary
    CookiePolicyCookie turned necessary
    CookiePolicyCookie ~^both_ necessary
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName cleared.example
    CookiePolicyCookie None
    CookiePolicyCookie mine necessary
</VirtualHost>
CONFIG
$server->file('htdocs/see.shtml',
    '<p>[<!--#echo encoding="none" var="HTTP_COOKIE" -->]</p>');
$server->file('htdocs/image.png', 'PNG');
$server->file('htdocs/rewritten', 'r');
$server->file('htdocs/page.xhtml', '<html/>');
ok $server->start, 'a server of its own' or diag $server->{said}, $server->log;

# header => value, ...; a header without a value is left out
sub ask {
    my ($host, $path, $cookie, %headers) = @_;
    my @lines = ref $cookie ? @$cookie : $cookie;

    return fetch(host => $host, port => $server->port, path => $path,
                 method => delete $headers{method},
                 headers => [ (map { (Cookie => $_) } @lines), %headers ]);
}

# What the program saw but for the managed four.
sub seen {
    my ($response) = @_;

    return join '; ', grep { !/\A(?:sessionid|csrftoken|django_language
                                   |cookies_preferences)=/x }
                      split /; /, $response->seen('HTTP_COOKIE') // '';
}

sub application { return seen(ask($_[0], '/cgi/echo.pl', $_[1])) }

sub deletions {
    return [ sort grep { /Max-Age=0/ } $_[0]->header('set-cookie') ];
}

sub chooser {
    my ($host, @categories) = @_;
    my $visitor = CookiePolicy::Visitor->new($host, port => $server->port);
    my $answer = $visitor->request('POST', '/cookie-policy/preferences',
        body => form_encode([ choice => 'save',
                              map { (category => $_) } @categories ]),
        headers => [ Origin => "http://$host",
                     'Content-Type' => 'application/x-www-form-urlencoded' ]);

    die 'no choice: ' . $answer->raw unless $visitor->cookie('cookies_preferences');
    return 'cookies_preferences=' . $visitor->cookie('cookies_preferences');
}

# --- Who sees what ---------------------------------------------------------

my $ALL = 'cart=1; stray=2; count=3; ad_id=4; font=5; stored=6';
my $yes = chooser('own.example', 'statistics');
my $no = chooser('own.example');

is application('own.example', $ALL), 'cart=1; font=5',
    'undecided: what is exempt and what nobody objected to';
is application('own.example', "$yes; $ALL"), 'cart=1; count=3',
    'with a choice: what is granted';
is application('own.example', "$no; $ALL"), 'cart=1', 'refused: what is exempt';
is application('own.example', "$ALL; $yes"), 'cart=1; count=3',
    'wherever the choice stands';
is application('own.example', 'stray=2'), '', 'nothing is left of a stray one';
ok !defined ask('own.example', '/cgi/echo.pl', 'stray=2; count=1; ad_id=1',
                'Sec-Fetch-Site' => 'cross-site')->seen('HTTP_COOKIE'),
    'and then there is no header';

my $raw = ask('own.example', '/in/echo', "$yes; $ALL")->body;
like $raw, qr/^GOT: .*\bcart=1; count=3$/m, 'a backend sees the same';
unlike $raw, qr/stray|ad_id|stored/, 'and nothing else';
is scalar(() = $raw =~ /^GOT/mg), 1, 'in one line';

like ask('own.example', '/see.shtml', 'cart=1; stray=2; count=3')->body,
    qr/\A<p>\[(?:csrftoken=\w+; )?cart=1\]<\/p>\z/, 'a page of SSI sees the same';
my $rewritten = ask('own.example', '/rewritten', 'stray=2; cart=1; count=3');
is $rewritten->header('x-saw'), 'cart=1', 'mod_rewrite sees the same';
is $rewritten->header('x-if'), 'yes', '<If> sees the same';
is ask('own.example', '/rewritten', 'stray=2; count=3')->header('x-saw'),
    'nothing', 'mod_rewrite sees none where none is left';
is ask('own.example', '/rewritten', 'stray=2; count=3')->header('x-if'),
    undef, 'nor <If>';
is ask('own.example', '/rewritten', 'count=3')->header('x-setenvif'), undef,
    'mod_setenvif sees none that is refused';
is ask('own.example', '/rewritten', "$yes; count=3")->header('x-setenvif'),
    '3', 'and what is granted';

# --- Several lines, many, long ---------------------------------------------

is seen(ask('own.example', '/cgi/echo.pl',
            [ 'cart=1', 'stray=2', $yes, 'count=3' ])),
    'cart=1; count=3', 'several Cookie lines are one';
is scalar(() = ask('own.example', '/in/echo', [ 'cart=1', 'cart=2', 'x=1' ])
               ->body =~ /^GOT/mg), 1, 'for a backend, too';
is application('own.example', 'cart=1; cart=2; cart=1'),
    'cart=1; cart=2; cart=1', 'one name several times is left as it came';

my $crowd = ask('own.example', '/cgi/echo.pl',
                join '; ', 'cart=1', map { "u$_=$_" } 1 .. 500);
is $crowd->status, 200, '500 undeclared cookies';
is seen($crowd), 'cart=1', 'none of them passes';
is_deeply deletions($crowd), [], 'and none of them is deleted';
is seen(ask('own.example', '/cgi/echo.pl',
            'cart=1; count=' . 'x' x 5000 . '; font=2')),
    'cart=1; font=2', 'a long one is withheld like a short one';

SKIP: {
    skip 'mod_http2 does not work under prefork', 2
        if $ENV{CP_MPM} eq 'prefork';
    my $port = $server->port;
    my $h2 = sub {
        open my $out, '-|', 'curl', '-sS', '--http2-prior-knowledge',
            '--max-time', 20, '--resolve', "own.example:$port:127.0.0.1",
            (map { ('-H', "Cookie: $_") } @_),
            "http://own.example:$port/cgi/echo.pl" or die "curl: $!";
        local $/;
        my $said = <$out>;
        close $out;
        return $said =~ /^HTTP_COOKIE: (?:csrftoken=\w+; )?(.*)$/m ? $1 : '';
    };
    is $h2->('cart=1', 'stray=2', 'font=3', 'count=4'), 'cart=1; font=3',
        'HTTP/2: several Cookie fields are one';
    is $h2->('cart=1; stray=2; font=3'), 'cart=1; font=3',
        'HTTP/2: as one field';
}

# --- What is deleted, and when ---------------------------------------------

my %document = ('Sec-Fetch-Dest' => 'document', 'Sec-Fetch-Mode' => 'navigate',
                'Sec-Fetch-Site' => 'none');
my $GONE = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT';
my $page = ask('own.example', '/index.html', $ALL, %document);
is_deeply deletions($page),
    [ "ad_id=; $GONE; Path=/shop; Domain=own.example",
      "count=; $GONE; Path=/" ],
    'what is declared and not allowed is deleted, just as declared';
unlike $page->raw, qr/stray|cart=;|font=;|stored=;/, 'nothing else is';
is_deeply deletions(ask('own.example', '/index.html', "$yes; $ALL",
                        %document)),
    [ "ad_id=; $GONE; Path=/shop; Domain=own.example",
      "font=; $GONE; Path=/" ],
    'with a choice: what was refused';
is_deeply deletions(ask('sub.own.example', '/index.html', 'ad_id=1; wide=1',
                        %document)),
    [ "ad_id=; $GONE; Path=/shop; Domain=own.example",
      "wide=; $GONE; Path=/; Domain=example" ],
    'of a subdomain on the domain that is declared';
is_deeply deletions(ask('own.example', '/index.html', 'elsewhere=1; deep=1',
                        %document)),
    [ "deep=; $GONE; Path=/shop/deep" ],
    'what lies on another domain is left to it';
is_deeply deletions(ask('behind.example', '/index.html',
                        'ad_id=1; elsewhere=1; __Host-lock=1', %document,
                        'X-Forwarded-Proto' => 'https',
                        'X-Forwarded-Host' => 'www.own.example')),
    [ "__Host-lock=; $GONE; Path=/; Secure",
      "ad_id=; $GONE; Path=/shop; Domain=own.example; Secure" ],
    'behind a proxy by the host and the scheme that the client addressed';
is_deeply deletions(ask('own.example', '/index.html',
                        'count=1; count=2; count=3', %document)),
    [ "count=; $GONE; Path=/" ], 'once, however often it came';
is_deeply deletions(ask('own.example', '/index.html', 'count=1')),
    [ "count=; $GONE; Path=/" ], 'also for a browser without Fetch Metadata';
is_deeply deletions(ask('own.example', '/none.html', 'count=1', %document)),
    [ "count=; $GONE; Path=/" ], 'an error page is a document';
is_deeply deletions(ask('own.example', '/page.xhtml', 'count=1', %document)),
    [], 'a page without a type is none';
is_deeply deletions(ask('own.example', '/index.html', 'count=1', %document,
                        method => 'HEAD')),
    [ "count=; $GONE; Path=/" ], 'HEAD is answered as GET';
is_deeply deletions(ask('own.example', '/cookie-policy', 'count=1',
                        %document)),
    [ "count=; $GONE; Path=/" ], 'the policy page deletes, too';

for my $case (
    [ 'an image', '/image.png', 'Sec-Fetch-Dest' => 'image' ],
    [ 'an image in an old browser', '/image.png' ],
    [ 'a document asked for as an image', '/index.html',
      'Sec-Fetch-Dest' => 'image' ],
    [ 'a frame', '/index.html', 'Sec-Fetch-Dest' => 'iframe' ],
    [ 'an old frame', '/index.html', 'Sec-Fetch-Dest' => 'frame' ],
    [ 'an object', '/index.html', 'Sec-Fetch-Dest' => 'object' ],
    [ 'a script', '/index.html', 'Sec-Fetch-Dest' => 'empty' ],
    [ 'a prefetch', '/index.html', %document, 'Sec-Purpose' => 'prefetch' ],
    [ 'a prerendered page', '/index.html', %document,
      'Sec-Purpose' => 'prefetch;prerender' ],
    [ 'an old prefetch', '/index.html', Purpose => 'prefetch' ],
    [ 'a redirect', '/moved', %document ],
) {
    my ($what, $path, %headers) = @$case;

    is_deeply deletions(ask('own.example', $path, 'count=1', %headers)), [],
        "$what deletes nothing";
}

my $nine = ask('nine.example', '/index.html',
               join('; ', map { "n$_=1" } 1 .. 40), %document);
is scalar(@{ deletions($nine) }), 8, 'at most 8 lines';
is scalar(@{ deletions(ask('nine.example', '/index.html',
                           join('; ', map { "n$_=1" } 9 .. 40),
                           %document)) }), 8, 'the next ones with the next';
like $nine->header('cache-control'), qr/private/,
    'an answer that deletes is for no shared cache';

# Whoever deletes: the application's own deletion passes, ours comes besides.
my $own = ask('own.example', '/cgi/echo.pl?'
              . form_encode([ h => 'Set-Cookie: count=; Max-Age=0; Path=/x' ]),
              'count=1', %document);
is_deeply deletions($own), [ "count=; $GONE; Path=/",
                             'count=; Max-Age=0; Path=/x' ],
    'beside a deletion of the application';
is_deeply deletions(ask('open.example', '/cgi/echo.pl/off', 'count=1',
                        %document)), [], 'not where the engine is Off';

# --- CookiePolicyUndeclared ------------------------------------------------

is seen(ask('open.example', '/cgi/echo.pl', 'stray=1; count=2; cart=3')),
    'cart=3', 'CookiePolicyUndeclared drop, by default';
is seen(ask('open.example', '/cgi/echo.pl/open', 'stray=1; count=2; cart=3')),
    'stray=1; cart=3', 'allow in a <Location>: what is refused stays away';
is seen(ask('open.example', '/cgi/echo.pl/off', 'stray=1; count=2; cart=3')),
    'stray=1; count=2; cart=3', 'Off in a <Location>: all';
is_deeply deletions(ask('open.example', '/cgi/echo.pl/open',
                        'stray=1; count=2', %document)),
    [ "count=; $GONE; Path=/" ], 'and is deleted there, too';
is application('allowing.example', 'stray=1'), 'stray=1', 'allow in a host';
is seen(ask('allowing.example', '/cgi/echo.pl/drop', 'stray=1')), '',
    'drop in a <Location>';

# --- Hostile names ---------------------------------------------------------

for my $host (qw(own.example allowing.example)) {
    my $outside = $host eq 'own.example' ? 'cart=1; font=2' : 'a=1; b=2';
    my ($before, $after) = split /; /, $outside;

    for my $hostile (
        '=x', 'bare', 'two words=1', '$Version=1', '$cart=1', '$=1', '"q"=1',
        'a(b)=1', 'a,b=1', 'a/b=1', 'a:b=1', 'a<b>=1', 'a?b=1', 'a@b=1',
        'a[b]=1', 'a\\b=1', 'a{b}=1', "\xe9=1", "a\xc2\xa0=1", "a\x01=1",
        "a\x7f=1", "a\tb=1", 'quote="open', 'cart="', 'sessionid=x',
        'SessionID=1', 'session%69d=1', 'sessionid%00=1', '%20sessionid=1',
        'csrftoken[0]=1', 'django.language=fr', 'cookies.preferences=1',
        'c=d, sessionid=e', 'c="d, csrftoken=e"',
        'c=1,sessionid=2', "sessionid\xe2\x80\x83=1", "\xc2\xa0sessionid=1",
    ) {
        my $got = ask($host, '/cgi/echo.pl', "$before; $hostile; $after",
                      'Sec-Fetch-Site' => 'cross-site');
        my $seen = $got->seen('HTTP_COOKIE') // '';

        # httpd itself refuses some.
        ok $got->status == 400
           || ($seen =~ /\A\Q$before\E; (?:c=d; |c=1; )?\Q$after\E\z/),
            "$host: '$hostile' does not pass"
            or diag "it saw '$seen'";
    }
    is ask($host, '/cgi/echo.pl', 'sessionid="x"; sessionid=y; csrftoken=z',
           'Sec-Fetch-Site' => 'cross-site')->seen('HTTP_COOKIE') // '', '',
        "$host: nobody's values of the four do not pass either";
}

# --- Patterns --------------------------------------------------------------

for my $case (
    [ '_ga=1', '', 'a pattern of a category that is refused' ],
    [ '_ga_XYZ=1', '', 'with what it may have behind' ],
    [ '_gax=1', '', 'and what it does not match is undeclared' ],
    [ '_ga_kept=1', '_ga_kept=1', 'an exact name before the pattern' ],
    [ 'x=1', '', 'the first of two patterns' ],
    [ 'x_ok=1', 'x_ok=1', 'the later line wins' ],
    [ 'y_ok=1', '', 'also when it is the wider one' ],
    [ 'x_end=1', 'x_end=1', 'also when it has no prefix' ],
    [ 'some_end=1', 'some_end=1', 'a pattern without a prefix' ],
    [ 'some_ending=1', '', 'is tied where it says so' ],
    [ 'a.b=1', 'a.b=1', 'an escaped character' ],
    [ 'axb=1', '', 'is that character' ],
    [ 'p=1', 'p=1', 'alternatives: the first' ],
    [ 'q=1', 'q=1', 'alternatives: the second' ],
    [ 'MiXed=1', 'MiXed=1', 'a pattern that folds case' ],
    [ 's_=1; t_=1; u_=1', 's_=1; t_=1; u_=1', 'a class, and a u' ],
    [ 'u=1; uv=1; v=1', 'u=1; uv=1', 'a letter that may be absent' ],
    [ '__Host-k=1; __HOST-k=1; __host-K=1', '__Host-k=1; __HOST-k=1',
      'the prefix in any case' ],
    [ 'aaa=1', 'aaa=1', 'a pattern that could run away' ],
    [ 'a' x 60 . '!=1', '', 'and does not' ],
    [ '_GA=1', '', 'case counts' ],
) {
    my ($cookie, $seen, $what) = @$case;

    is application('patterns.example', $cookie), $seen, $what;
}
is_deeply deletions(ask('patterns.example', '/index.html',
                        '_ga=1; _gax=1; _ga_X.y=1', %document)),
    [ "_ga=; $GONE; Path=/", "_ga_X.y=; $GONE; Path=/" ],
    'what falls under a pattern is deleted by its own name';

# --- Hosts and the server --------------------------------------------------

is application('inherits.example', 'inherited=1; mine=2; turned=3; both_a=4'),
    'inherited=1; mine=2; turned=3; both_a=4',
    'a host has the server\'s lines, and overrides them';
is application('cleared.example', 'inherited=1; mine=2; turned=3; both_a=4'),
    'mine=2', 'None clears what was inherited';
is_deeply deletions(ask('cleared.example', '/index.html', 'turned=1',
                        %document)), [], 'so that it is undeclared';
is application('open.example', 'inherited=1; mine=2; cart=3'),
    'inherited=1; cart=3', 'another host has the server\'s and its own';
my $kept = ask('cleared.example', '/cookie-policy.json', '')->body;
like $kept, qr/"sessionid"/, 'None does not clear the four';

# --- Trailers, which httpd may take for fields of the head ------------------

my $trailing = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyExport headers
MergeTrailers On
ProxyPass /in/ http://127.0.0.1:@{[ $backend->port ]}/ disablereuse=on retry=0
CONFIG
ok $trailing->start, 'a server that merges trailers' or diag $trailing->log;
my $poster = CookiePolicy::Visitor->new('own.example',
                                        port => $trailing->port);
$poster->get('/index.html');
my $jar = join '; ', map { "$_=" . $poster->cookie($_) }
                     sort keys %{ $poster->jar };
my $form = 'csrfmiddlewaretoken=' . $poster->cookie('csrftoken');
for my $path (qw(/cgi/echo.pl /in/echo)) {
    my $answer = exchange(host => 'own.example', port => $trailing->port,
        bytes => join "\r\n", "POST $path HTTP/1.1", 'Host: own.example',
            'Origin: http://own.example', "Cookie: $jar",
            'Content-Type: application/x-www-form-urlencoded',
            'Transfer-Encoding: chunked', 'Connection: close', '',
            sprintf('%x', length $form), $form, '0',
            'Cookie: stray=1; sessionid=evil', 'X-CookiePolicy-User: root',
            'X_CookiePolicy_User: root', '', '');

    like $answer, qr/\AHTTP\/1\.1 200 /, "$path: a form with trailers";
    like $answer, qr/sessionid=\Q@{[ $poster->cookie('sessionid') ]}\E/,
        'its cookies are those of its head';
    unlike $answer, qr/stray|evil|root/, 'and trailers add nothing';
}

done_testing;
