# The banner's script in the head of pages, and what it is served from.
use strict;
use warnings;

use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP qw(decode_json);
use Test::More;

use CookiePolicy::Backend ();
use CookiePolicy::Client qw(fetch exchange);
use CookiePolicy::Server ();

my $HEAD = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">";
my $REST = "<title><head></title></head><body>\n<p>Text.</p></body></html>\n";
my $PAGE = "$HEAD$REST";
my $XHTML = '<?xml version="1.0"?><!DOCTYPE html>'
    . '<html xmlns="http://www.w3.org/1999/xhtml"><head>';
my $SCRIPT = qr{<script src="/cookie-policy/banner\.([\w-]{16})\.js" defer=""></script>};

sub answer {
    my ($body, @fields) = @_;

    return join "\r\n", 'HTTP/1.1 200 OK', @fields,
        'Content-Length: ' . length $body, 'Connection: close', '', $body;
}

sub html { return answer($_[0], 'Content-Type: text/html', @_[1 .. $#_]) }

sub xhtml { return answer($_[0], 'Content-Type: application/xhtml+xml') }

sub chunks {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
        . "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        . join('', map { sprintf "%x\r\n%s\r\n", length, $_ } @_)
        . "0\r\n\r\n";
}

my $WIDE = join '', map { "$_\0" } split //, $PAGE;
my %left = (
    text => answer($PAGE, 'Content-Type: text/plain', 'ETag: "x"'),
    json => answer($PAGE, 'Content-Type: application/json', 'ETag: "x"'),
    encoded => html($PAGE, 'Content-Encoding: br', 'ETag: "x"'),
    utf16 => answer($WIDE, 'Content-Type: text/html; charset=utf-16',
                    'ETag: "x"'),
    wide => html($WIDE, 'ETag: "x"'),
    part => join("\r\n", 'HTTP/1.1 206 Partial Content',
                 'Content-Type: text/html', 'Content-Range: bytes 0-'
                 . (length($PAGE) - 1) . '/5000', 'ETag: "x"',
                 'Content-Length: ' . length $PAGE, 'Connection: close', '',
                 $PAGE),
    words => html('Text <form method="post" action="/x"></form>'),
    rows => html('<tr><td><form method="post" action="/x"></form></td></tr>'),
    moved => join("\r\n", 'HTTP/1.1 302 Found', 'Content-Type: text/html',
                  'Location: /elsewhere', 'ETag: "x"',
                  'Content-Length: ' . length $PAGE, 'Connection: close', '',
                  $PAGE),
);
# Where XML has no head that could be found, it stays as it is.
my @xml_left = ('<svg xmlns="http://www.w3.org/2000/svg"><title/></svg>',
                '<h:html xmlns:h="http://www.w3.org/1999/xhtml"><h:head/>'
                . '</h:html>',
                '<!DOCTYPE html [ <!ENTITY a "<b>"> ]><html><head/></html>',
                '<?xml version="1.0"?><meta charset="utf-8"/>',
                '<form method="post" action="/x" enctype="multipart/form-data">'
                . '<input formaction="/y" name="a"/></form>',
                '<base href="/x"/><form method="post" action="/x"></form>');
# No page, by its first words, but with a form all the same.
my @plain = ('Text.<form method=post action="/x"><input name=a></form>',
             '{"a": "<form method=post action=/x></form>"}',
             'Text.<base href="/y"><form action="/z" method=post></form>');
my @bare = ('<p>Text', '<title>T</title><p>', "\n<!-- <head> --><h1>T</h1>",
            '<body><p>T', '<html><body>', '<frameset></frameset>',
            '<script>var a = "<head>";</script>');
my %nonces = (
    q{script-src 'nonce-abc123=='} => 'abc123==',
    q{default-src 'self' 'nonce-d'; img-src *} => 'd',
    q{default-src 'nonce-d'; script-src 'strict-dynamic' 'nonce-s'} => 's',
    q{script-src-elem 'NONCE-e'; script-src 'nonce-s'} => 'e',
    q{default-src 'nonce-d'; script-src 'self'} => undef,
    q{style-src 'nonce-x'} => undef,
    q{script-src 'nonce-a"><b'} => undef,
    q{script-src 'nonce-'} => undef,
    q{img-src *, script-src 'nonce-two'} => 'two',
);
my @policies = sort keys %nonces;
my $backend = CookiePolicy::Backend->new(
    (map { ("/left/$_" => $left{$_}) } keys %left),
    (map { ("/xml/$_" => xhtml($xml_left[$_])) } 0 .. $#xml_left),
    (map { ("/bare/$_" => html($bare[$_])) } 0 .. $#bare),
    (map { ("/plain/$_" => html($plain[$_])) } 0 .. $#plain),
    (map { ("/nonce/$_" => html($PAGE, "Content-Security-Policy: "
                                . $policies[$_])) } 0 .. $#policies),
    '/xhtml' => xhtml("$XHTML<title/></head><body/></html>"),
    '/tag' => html($PAGE, 'ETag: W/"b"', 'Cache-Control: max-age=60'),
    '/dated' => html($PAGE, 'Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT'),
    '/conditional' => sub {
        return $_[0] =~ /^If-None-Match:[^\r\n]*"c"/mi
            ? "HTTP/1.1 304 Not Modified\r\nETag: \"c\"\r\n"
              . "Connection: close\r\n\r\n"
            : html($PAGE, 'ETag: "c"');
    },
    '/ranged' => sub {
        return $_[0] =~ /^Range:/mi
            ? "HTTP/1.1 206 Partial Content\r\nContent-Type: text/html\r\n"
              . "Content-Range: bytes 10-19/5000\r\nContent-Length: 10\r\n"
              . "Connection: close\r\n\r\n0123456789"
            : html($PAGE, 'ETag: "r"', 'Accept-Ranges: bytes');
    },
    '/image' => sub {
        return $_[0] =~ /^If-None-Match: "i"/mi
            ? "HTTP/1.1 304 Not Modified\r\nETag: \"i\"\r\n"
              . "Connection: close\r\n\r\n"
            : answer('picture', 'Content-Type: image/png', 'ETag: "i"');
    },
    '/asked' => sub {
        return answer($_[0] =~ /^If-None-Match: ([^\r\n]*)/mi ? $1 : 'none',
                      'Content-Type: text/plain');
    },
    '/only' => html($PAGE, q{Content-Security-Policy-Report-Only: }
                    . q{script-src 'nonce-ro'}),
    '/cached/again' => sub {
        return $_[0] =~ /^If-None-Match:[^\r\n]*"k"/mi
            ? "HTTP/1.1 304 Not Modified\r\nETag: \"k\"\r\n"
              . "Connection: close\r\n\r\n"
            : html($PAGE, 'Cache-Control: public, max-age=600', 'ETag: "k"');
    },
    '/put' => sub {
        return answer($_[0] =~ /^If-Match: ([^\r\n]*)/mi ? $1 : 'none',
                      'Content-Type: text/plain');
    },
    '/cached' => html($PAGE, 'Cache-Control: public, max-age=600',
                      'ETag: "k"'),
    '/large' => html($HEAD . '<p>text</p>' x 1_000_000),
    (map { ("/cut/$_" => chunks(substr($PAGE, 0, $_), substr $PAGE, $_)) }
     1 .. length($PAGE) - 1),
    '/single' => chunks(split //, $PAGE),
);
my $server = CookiePolicy::Server->new(config => <<"CONFIG");
LoadModule include_module @{[ CookiePolicy::Server::module_file('include') ]}
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyLanguage fr en
CookiePolicyCookie ~^_ga statistics provider=Example service=ga purpose="To count </script>"
CookiePolicyCookie counted statistics storage=local
CookiePolicyConsentLog none
CookiePolicyBanner On
CookiePolicyAllowOverride Banner
CookiePolicyCsrf Origin
ErrorDocument 404 /index.html
ProxyPass /b/ http://127.0.0.1:@{[ $backend->port ]}/ disablereuse=on retry=0
CacheRoot "{DIR}/cache"
CacheEnable disk /b/cached
<Location "/off">
    CookiePolicyBanner Off
</Location>
<Location "/nonced">
    SetEnvIf Request_URI ".*" CSP_NONCE=env==
    Header always set Content-Security-Policy "script-src 'nonce-env=='"
</Location>
<Location "/broken">
    SetEnvIf Request_URI ".*" CSP_NONCE=a>b
</Location>
<Location "/b/nonce">
    SetEnvIf Request_URI ".*" CSP_NONCE=env
</Location>
<Location "/seen">
    SetHandler cookiepolicy-status
</Location>
Alias /nonced "{DIR}/htdocs"
Alias /broken "{DIR}/htdocs"
{COMPRESSING}
<Location "/included">
    SetOutputFilter INCLUDES
    Options +Includes
</Location>
Alias /included "{DIR}/htdocs"
Alias /off "{DIR}/htdocs"
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName report.example
    CookiePolicy Report
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName quiet.example
    CookiePolicyCookie None
    CookiePolicyCookie _anon statistics-anonymous
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName signals.example
    CookiePolicyCategory statistics consent signals=analytics_storage,ad_storage
    <Location "/videos">
        CookiePolicyThirdParty third-party https://video.example
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName tokens.example
    CookiePolicyCsrf On
    CookiePolicyCsrfInject On
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName documents.example
    ErrorDocument 403 /index.html
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName plain.example
    ErrorDocument 403 /off/index.html
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName normal.example
    CacheQuickHandler Off
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName all.example
    CookiePolicyIssue eager all
</VirtualHost>
CONFIG
$server->file('htdocs/index.html', $PAGE);
$server->file('htdocs/part.html', '<p>A part.</p>');
$server->file('htdocs/whole.html', $HEAD . '<!--#include file="part.html" -->'
              . '<!--#include file="part.html" --></head>');
# Longer than what is passed on at once, and in one piece.
my $LONG = $PAGE . "<p>Text.</p>\n" x 4000;
$server->file('htdocs/long.html', $LONG);
# Of a file that has just been written httpd makes a weak ETag.
utime 1_700_000_000, 1_700_000_000, $server->dir . '/htdocs/index.html';
$server->start;

sub get {
    my ($path, %with) = @_;
    my $host = delete $with{host} // 'own.example';

    return fetch(host => $host, port => $server->port, path => $path, %with);
}

# The page without what was put in, and how often that was.
sub without {
    my ($page) = @_;
    my $count = $page =~ s/$SCRIPT//g;

    return ($page, $count || 0);
}

# --- The place -------------------------------------------------------------

my $first = get('/index.html');
like $first->body, qr{\A\Q$HEAD\E$SCRIPT\Q$REST\E\z},
    'behind an early <meta charset>';
my ($hash) = $first->body =~ $SCRIPT;
is $first->header('content-length'), length $first->body, 'Content-Length';
is_deeply [ without(get('/missing')->body) ], [ $PAGE, 1 ],
    'in an ErrorDocument';
is get('/off/index.html')->body, $PAGE, 'not where it is Off';
is get('/index.html', host => 'report.example')->body, $PAGE,
    'not in report mode';
is get('/index.html', host => 'quiet.example')->body, $PAGE,
    'not where nothing needs consent';
is_deeply [ without(get('/included/whole.html')->body) ],
    [ "$HEAD<p>A part.</p><p>A part.</p></head>", 1 ],
    'once in a page with parts';
unlike get('/cookie-policy')->body, $SCRIPT, 'not in the policy page';
unlike get('/seen')->body, $SCRIPT, 'nor in that of the status';
my @foreign = (method => 'POST', body => 'a=b', headers => [
    Origin => 'http://other.example', Accept => 'text/html',
    'Content-Type' => 'application/x-www-form-urlencoded' ]);
my $refused = get('/index.html', @foreign);
is $refused->status, 403, 'a request that is refused';
unlike $refused->body, qr/<script/, 'is told so by a page of our own';
$refused = get('/index.html', @foreign, host => 'documents.example');
is $refused->status, 403, 'or by one of the site';
is_deeply [ without($refused->body) ], [ $PAGE, 1 ], 'with the script';
is get('/index.html', @foreign, host => 'plain.example')->body, $PAGE,
    'unless it is Off there';
is get("/b/left/$_")->body, $left{$_} =~ s/\A.*?\r\n\r\n//sr,
    "left alone: $_" for sort keys %left;
is get("/b/left/$_")->header('etag'), '"x"', "with its ETag: $_"
    for grep { $left{$_} =~ /ETag/ } sort keys %left;
is get("/b/xml/$_")->body, $xml_left[$_], "XML left alone: $_"
    for 0 .. $#xml_left;
like get('/b/xhtml')->body, qr{\A\Q$XHTML\E$SCRIPT<title/>}, 'XHTML';
is_deeply [ without(get("/b/bare/$_")->body) ], [ $bare[$_], 1 ],
    "a page without a head: $_" for 0 .. $#bare;
is get("/b/plain/$_")->body, $plain[$_], "no page, and left alone: $_"
    for 0 .. $#plain;
is_deeply [ grep { (without(get("/b/cut/$_")->body))[0] ne $PAGE
                   || get("/b/cut/$_")->body
                      !~ /\A\Q$HEAD\E$SCRIPT\Q$REST\E\z/ }
            1 .. length($PAGE) - 1 ], [], 'cut anywhere';
is get('/b/single')->body, $first->body, 'byte by byte';

for my $path ('/zipped/index.html', '/by-type/index.html') {
    my $zipped = get($path, headers => [ 'Accept-Encoding' => 'gzip' ]);

    is $zipped->header('content-encoding'), 'gzip', "$path: compressed afterwards";
    gunzip(\$zipped->body, \my $unzipped);
    is $unzipped, $first->body, 'with the script';
}
like get('/made-by-type/whole.html')->body, qr/$SCRIPT.*A part/s,
    'behind what makes the page by its type';

for my $i (0 .. $#policies) {
    my ($nonce) = get("/b/nonce/$i")->body =~ /<script[^>]* nonce="([^"]*)"/;

    is $nonce, $nonces{ $policies[$i] } // 'env',
        "nonce of $policies[$i]";
}
like get('/b/only')->body, qr/ nonce="ro">/, 'of one that only reports';
like get('/nonced/index.html')->body, qr/ nonce="env==">/,
    'of one that mod_headers sets, by a variable';
like get('/broken/index.html')->body, qr/\A\Q$HEAD\E$SCRIPT<title>/,
    'which must be one';

like get('/index.html', host => 'signals.example')->body,
    qr{<script src="/cookie-policy/banner\.[\w-]{16}\.js"></script>},
    'at once, where signals are granted';
like get('/index.html', host => 'tokens.example')->body,
    qr{\A\Q$HEAD\E$SCRIPT<meta name="csrf-token" content="\w{64}">\Q$REST\E\z},
    'together with a token';
like get('/index.html', host => 'tokens.example',
         headers => [ 'Sec-Purpose' => 'prefetch' ])->body,
    qr{\A\Q$HEAD\E$SCRIPT\Q$REST\E\z}, 'or without, where none can be given';

# --- Caches ----------------------------------------------------------------

my $tag = $first->header('etag');
my $raw = get('/off/index.html')->header('etag');
my $mark = '-cp' . substr $hash, 0, 8;
(my $marked = $raw) =~ s/"\z/$mark"/;
is $tag, $marked, 'an ETag of its own';
is get('/index.html', headers => [ 'If-None-Match' => $tag ])->status, 304,
    'which confirms';
is get('/index.html', headers => [ 'If-None-Match' => $tag ])
    ->header('etag'), $tag, 'with the same ETag';
is get('/index.html', headers => [ 'If-None-Match' => $raw ])->status, 200,
    'that of the page without does not';
is get('/index.html', headers => [ 'If-None-Match' => qq("x-cpaaaaaaaa", "y") ])
    ->status, 200, 'nor another';
is get('/index.html', headers => [ 'If-None-Match' => qq("x", W/$tag) ])
    ->status, 304, 'a list that has it does';
is get('/index.html', headers => [
    'If-Modified-Since' => 'Mon, 01 Jan 2024 00:00:00 GMT' ])->status, 200,
    'a page of long ago is sent anew';
my $since = get('/index.html', headers => [
    'If-Modified-Since' => $first->header('last-modified') ]);
is $since->status, 304, 'its own time confirms';
is $since->header('etag'), $tag, 'with its ETag';
is get('/index.html', headers => [
    'If-None-Match' => $tag,
    'If-Modified-Since' => $first->header('last-modified') ])->status, 304,
    'both together, too';
my $dated = get('/b/dated')->header('last-modified');
unlike $dated, qr/2024/, 'modified when httpd was configured';
my $confirmed = get('/b/conditional', headers => [
    Accept => 'text/html', 'If-None-Match' => qq("c$mark") ]);
is $confirmed->status, 304, 'a backend confirms';
is $confirmed->header('etag'), qq("c$mark"), 'with our ETag';
is get('/b/conditional', headers => [ Accept => 'text/html',
                                      'If-None-Match' => '"c"' ])->status,
    200, 'not its own page of before';
is get('/b/tag')->header('etag'), qq(W/"b$mark"), 'a weak one';
is get('/b/put', method => 'PUT',
       headers => [ 'If-Match' => qq("p$mark"),
                    Accept => 'text/html', Origin => 'http://own.example' ],
       body => 'x')->body, qq("p$mark", "p"), 'If-Match, too';
like get('/b/tag')->header('cache-control') // '', qr/max-age=60/,
    'pages stay cacheable';
is get('/b/cached')->body, $first->body, 'before a cache';
is get('/b/cached')->body, $first->body, 'and out of it';


is get('/b/conditional', headers => [ 'If-None-Match' => qq("c$mark") ])
    ->status, 304, 'also where a script asks';
is get('/b/image', headers => [ 'If-None-Match' => '"i"' ])->status, 304,
    'a picture is confirmed as ever';
for my $case (
    [ qq("a$mark-gzip"), qq("a$mark-gzip", "a-gzip") ],
    [ qq(W/"a$mark"), qq(W/"a$mark", W/"a") ], [ qq("a${mark}b"), 'none' ],
    [ '*', '*' ], [ '"a-cp"', 'none' ], [ 'a', 'none' ], [ '"', 'none' ],
    [ qq(""""$mark"), 'none' ],
    [ qq("$mark") x 300, join ', ', (qq("$mark", "")) x 300 ],
) {
    my ($sent, $wanted) = @$case;

    is get('/b/asked', headers => [ Accept => 'text/html',
                                    'If-None-Match' => $sent ])->body,
        $wanted, 'If-None-Match: ' . substr $sent, 0, 30;
}
for my $host (qw(own.example normal.example)) {
    my @asked = map { get('/b/cached/again', host => $host,
                          headers => [ 'Cache-Control' => $_ ]) }
        'max-age=600', 'max-age=600', 'max-age=0', 'max-age=600';
    my ($where) = $host =~ /(\w+)/;

    ok +(grep { (without($_->body))[0] eq $PAGE && (without($_->body))[1] == 1 }
         @asked) == @asked, "$where: once, also where the cache asks anew";
    ok defined $asked[1]->header('age'), "$where: it was from the cache";
    is $asked[3]->header('etag'), $asked[0]->header('etag'), "$where: the same";
    my $part = get('/b/cached/again', host => $host, headers => [
        Accept => 'text/html', Range => 'bytes=10-19' ]);
    is $part->status . ' ' . $part->body,
        '206 ' . substr($asked[0]->body, 10, 10), "$where: and a part of it";
}

my $part = get('/index.html', headers => [ Range => 'bytes=10-99' ]);
is $part->status, 206, 'a range';
is $part->body, substr($first->body, 10, 90), 'of the page as sent';
is get('/index.html', headers => [ Range => 'bytes=10-99',
                                   'If-Range' => $tag ])->status, 206,
    'If-Range with its ETag';
is get('/index.html', headers => [ Range => 'bytes=10-99',
                                   'If-Range' => $raw ])->status, 200,
    'If-Range with the other';
my $long = get('/long.html');
is_deeply [ without($long->body) ], [ $LONG, 1 ], 'a long file';
is $long->header('content-length'), length $long->body, 'has a length';
is get('/long.html', method => 'HEAD')->header('content-length'),
    length $long->body, 'HEAD knows it';
is get('/long.html', headers => [ Range => 'bytes=40000-40009' ])->body,
    substr($long->body, 40_000, 10), 'and has parts';
my $asked = get('/index.html', method => 'HEAD');
is $asked->header($_), $first->header($_), "HEAD: $_"
    for qw(content-length etag last-modified content-type);
my @range = (Range => 'bytes=10-19');
is get('/b/ranged', headers => \@range)->body, '0123456789',
    'a part that a backend makes of what is no page';
my $whole = get('/b/ranged')->body;
$part = get('/b/ranged', headers => [ @range, Accept => 'text/html' ]);
is $part->status, 206, 'of a page httpd makes it';
is $part->body, substr($whole, 10, 10), 'of what is sent';
is get('/b/ranged', headers => [ @range, Accept => 'text/html',
                                 'If-Range' => '"r"' ])->body, $whole,
    'of another page none';
is get('/b/ranged', headers => [ @range, Accept => 'text/html',
                                 'If-Range' => qq("r$mark") ])->body,
    substr($whole, 10, 10), 'of the same page the part';
is get('/b/tag')->header('content-length'), length get('/b/tag')->body,
    'the length of a page of a backend';
is get('/b/bare/0')->header('content-length'), length get('/b/bare/0')->body,
    'and of one without a head';
is get('/b/tag', method => 'HEAD')->header('content-length'), undef,
    'HEAD of a backend: no length';

my $memory = $server->memory;
my ($large, $times) = without(get('/b/large')->body);
is $times, 1, 'a page of 10 MB';
is length $large, length($HEAD) + 11_000_000, 'whole';
cmp_ok $server->memory - $memory, '<', 4_000, 'in little memory'
    unless $ENV{CP_SANITIZED};

# --- What it is served from ------------------------------------------------

my $BASE = "/cookie-policy/banner.$hash";
my %types = (
    js => 'text/javascript; charset=utf-8', css => 'text/css; charset=utf-8',
    'more.js' => 'text/javascript; charset=utf-8',
    'more.css' => 'text/css; charset=utf-8',
    'fr.json' => 'application/json', 'en.all.json' => 'application/json',
);
for my $what (sort keys %types) {
    my $served = get("$BASE.$what");

    is $served->status, 200, "$what: there";
    is $served->header('content-type'), $types{$what}, "$what: its type";
    is $served->header('cache-control'),
        'public, max-age=31536000, immutable', "$what: kept for ever";
    is $served->header('x-content-type-options'), 'nosniff', "$what: nosniff";
    is $served->header('set-cookie'), undef, "$what: no cookie";
    is $served->header('vary'), undef, "$what: the same for all";
    my $old = get("/cookie-policy/banner.AAAAAAAAAAAAAAAA.$what");
    is $old->body, $served->body, "$what: today's under an old name";
    is $old->header('cache-control'), 'no-store', "$what: not to be kept";
    is get("$BASE.$what", method => 'HEAD')->status, 200, "$what: HEAD";
    is $served->header('etag'), qq("$hash"), "$what: its ETag";
    my $same = get("$BASE.$what", headers => [ 'If-None-Match' => qq("$hash") ]);
    is $same->status, 304, "$what: which confirms";
    is $same->header('cache-control'),
        'public, max-age=31536000, immutable', "$what: to be kept on";
    is $old->header('etag'), undef, "$what: none under an old name";
}
for my $what ('', 'txt', 'xx.json', 'en', 'json', '.json', 'en.all', 'fr/x.js') {
    my $none = get("$BASE.$what", headers => [ Accept => 'application/json' ]);

    is $none->status, 404, "no part: '$what'";
    is $none->header('cache-control'), 'no-store', "not to be kept: '$what'";
}
is get("/cookie-policy/banner.AAAAAAAAAAAAAAAA.el.json")->body,
    get("$BASE.fr.json")->body, 'a language that is gone: the first';
for my $name ('a/b', 'a%2e', '%00', 'a b', '') {
    is get("/cookie-policy/banner.$name.js" =~ s/ /%20/gr)->status,
        404, "no banner's name: '$name'";
}
is get("$BASE.js", host => 'quiet.example')->status, 404,
    'nothing where nothing is asked';
is get("$BASE.js", method => 'POST', body => '',
       headers => [ Origin => 'http://own.example' ])->status, 405,
    'GET and HEAD alone';
my ($other) = get('/index.html', host => 'all.example')->body =~ $SCRIPT;
is get("/cookie-policy/banner.$other.js", host => 'all.example')
    ->header('cache-control'), 'public, max-age=31536000, immutable',
    'for all caches, also where everything else brings cookies';
is get("/cookie-policy/banner.$other.js", host => 'all.example')
    ->header('set-cookie'), undef, 'for it brings none';

my ($settings) = get("$BASE.js")->body =~ /(\{"base".*\})/;
unlike $settings, qr/</, 'nothing in it ends a script';
$settings = decode_json($settings);
is_deeply $settings->{languages}, [ 'fr', 'en' ], 'the languages';
is_deeply $settings->{cookies}, { preferences => 'cookies_preferences',
                                  language => 'django_language' },
    'the cookies';
is $settings->{lifetime}, 180 * 86400, 'the lifetime of a consent';
my ($statistics) = grep { $_->{name} eq 'statistics' }
    @{ $settings->{categories} };
like delete $statistics->{digest}, qr/\A[\w-]{8}\z/, 'a digest';
is_deeply $statistics, { name => 'statistics', rule => 'consent',
                         services => [ 'ga' ],
                         storage => [ [ 'local', 'counted' ] ] },
    'a category';
my $texts = decode_json(get("$BASE.en.json")->body);
is $texts->{accept}, 'Accept all', 'its texts';
like $texts->{text}, qr/\bfor: Statistics\./, 'what is asked about';
is $texts->{titles}{statistics}, 'Statistics', 'its titles';
my $details = decode_json(get("$BASE.en.all.json")->body);
my ($shown) = grep { $_->{name} eq 'statistics' } @{ $details->{categories} };
is $shown->{cookies}[0]{purpose}, 'To count </script>', 'its cookies';
is $shown->{cookies}[1]{storage}, 'local storage', 'and what else it keeps';
is decode_json(get("$BASE.fr.json")->body)->{direction}, 'ltr',
    'in French';

my ($signal) = get('/cookie-policy/banner.x.js', host => 'signals.example')
    ->body =~ /(\{"base".*\})/;
is_deeply [ map { @{ $_->{signals} // [] } }
            @{ decode_json($signal)->{categories} } ],
    [ 'analytics_storage', 'ad_storage' ], 'signals';
is_deeply [ map { $_->{name} } grep { $_->{held} }
            @{ decode_json($signal)->{categories} } ], ['third-party'],
    'whose content a Content-Security-Policy holds back';

done_testing;
