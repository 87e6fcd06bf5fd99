# The token put into the pages of an application that knows of none.
use strict;
use warnings;

use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;

use CookiePolicy::Backend ();
use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $HEAD = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">";
my $FORM = "<form method=\"post\" action=\"/cgi/echo.pl\"><input name=\"a\">";
my $REST = "<title>Own</title></head><body>\n$FORM</form>\n"
    . "<form action=\"/find\"></form>\n"
    . "<form method=\"post\" action=\"https://other.example/\"></form>\n"
    . "<!-- $FORM</form> --><script>'$FORM</form>'</script>\n"
    . "<textarea>$FORM</textarea></form></body></html>\n";
my $PAGE = "$HEAD$REST";
my $MARK = qr/[A-Za-z0-9]{64}/;
my $META = qr/<meta name="csrf-token" content="($MARK)">/;
my $FIELD = qr/<input type="hidden" name="csrfmiddlewaretoken" value="($MARK)">/;

sub answer {
    my ($body, @fields) = @_;

    return join "\r\n", 'HTTP/1.1 200 OK', @fields,
        'Content-Length: ' . length $body, 'Connection: close', '', $body;
}

sub chunks {
    my ($size) = @_;

    return "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
        . "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        . join('', map { sprintf "%x\r\n%s\r\n", length, $_ }
                   unpack "(a$size)*", $PAGE)
        . "0\r\n\r\n";
}

# A page in two chunks, the first of so many bytes.
my $HALVES = '<head><meta charset=x><body>' . '<form method=post></form>' x 50;

sub halves {
    my ($cut) = @_;
    my @pieces = (substr($HALVES, 0, $cut), substr $HALVES, $cut);

    return "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
        . "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        . join('', map { sprintf "%x\r\n%s\r\n", length, $_ } @pieces)
        . "0\r\n\r\n";
}

my $WIDE = join '', map { "$_\0" } split //, $PAGE;
my $JSON = qq({"a": "<form method=post>", "b": "</form>"}\n);
my %left = (
    'text' => answer($PAGE, 'Content-Type: text/plain', 'ETag: "x"'),
    'xhtml' => answer($PAGE, 'Content-Type: application/xhtml+xml', 'ETag: "x"'),
    'json' => answer($PAGE, 'Content-Type: application/json', 'ETag: "x"'),
    'encoded' => answer($PAGE, 'Content-Type: text/html', 'ETag: "x"',
                        'Content-Encoding: br'),
    'utf16' => answer($WIDE, 'Content-Type: text/html; charset=utf-16',
                      'ETag: "x"'),
    'wide' => answer($WIDE, 'Content-Type: text/html', 'ETag: "x"'),
    'mark' => answer("\xff\xfe$WIDE", 'Content-Type: text/html', 'ETag: "x"'),
    'iso2022' => answer($PAGE, 'Content-Type: text/html; charset="ISO-2022-JP"',
                        'ETag: "x"'),
);
# Nothing is put into these, but that shows only when their header is gone.
my %unchanged = (
    'json' => answer($JSON, 'Content-Type: text/html'),
    'text' => answer("Some text.\n<p>And a paragraph.\n",
                     'Content-Type: text/html'),
    'wide' => "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
        . "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        . join('', map { "1\r\n$_\r\n" } split //, "\xff\xfe$WIDE")
        . "0\r\n\r\n",
);
# Pages that are much the same; in this order each follows another one.
my %again = (
    page => $PAGE,
    title => $PAGE =~ s/Own/Two/r,
    past => $PAGE =~ s/="post"/="past"/r,
    open => "$HEAD$FORM",
    far => "$HEAD<form method=\"post\" action=\"//other.example/x\"></form>",
);
my @AGAIN = qw(page title page past page open far open page);
my $backend = CookiePolicy::Backend->new(
    (map { ("/again/$_" => answer($again{$_}, 'Content-Type: text/html')) }
     keys %again),
    (map { ("/left/$_" => $left{$_}) } keys %left),
    (map { ("/unchanged/$_" => $unchanged{$_}) } keys %unchanged),
    '/conditional' => sub {
        return $_[0] =~ /^If-None-Match/mi
            ? "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"
            : answer($PAGE, 'Content-Type: text/html', 'ETag: "c"');
    },
    '/forms' => answer("$FORM</form>" x 100_000, 'Content-Type: text/html'),
    (map { ("/chunks/$_" => chunks($_)) } 1, 2, 3, 7, 64, 1000),
    (map { ("/halves/$_" => halves($_)) } 1 .. length($HALVES) - 1),
    '/latin' => answer($PAGE, 'Content-Type: text/html; charset=ISO-8859-1'),
    '/cut' => answer(substr($PAGE, 0, index($PAGE, '</form>') + 4),
                     'Content-Type: text/html'),
    '/fifty' => answer($HEAD . "$FORM</form>" x 50, 'Content-Type: text/html'),
    '/large' => answer($HEAD . ("<p class=\"x\">text</p>\n" x 200_000)
                       . "$FORM</form>", 'Content-Type: text/html'),
    '/cached' => answer($PAGE, 'Content-Type: text/html',
                        'Cache-Control: public, max-age=600', 'ETag: "c"'),
);
my $server = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session login
CookiePolicyCsrfInject On
CookiePolicyAllowOverride Csrf
ErrorDocument 404 /index.html
ProxyPass /b/ http://127.0.0.1:@{[ $backend->port ]}/ disablereuse=on retry=0
CacheRoot "{DIR}/cache"
CacheEnable disk /b/cached
CacheDefaultExpire 600
<Location "/off">
    CookiePolicyCsrfInject Off
</Location>
{COMPRESSING}
<Location "/unmapped">
    EnableMMAP Off
</Location>
Alias /unmapped "{DIR}/htdocs"
Alias /off "{DIR}/htdocs"
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
    ServerAlias other.example
    UseCanonicalName Off
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName lazy.example
    CookiePolicyIssue lazy
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName origin.example
    CookiePolicyCsrf Origin
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName report.example
    CookiePolicy Report
</VirtualHost>
CONFIG
$server->file('htdocs/index.html', $PAGE);
$server->file('htdocs/upload.html', '<!DOCTYPE html><title>Own</title>'
              . '<form method="post" action="/cgi/echo.pl"'
              . ' enctype="multipart/form-data"><input type="file" name="f">'
              . '</form>');
mkdir $server->dir . '/htdocs/tenant' or die "tenant: $!";
$server->file('htdocs/tenant/index.html', $PAGE);
$server->file('htdocs/tenant/.htaccess', "CookiePolicyCsrfInject Off\n");
ok $server->start, 'a server of its own' or diag $server->log;

sub visitor {
    return CookiePolicy::Visitor->new($_[0] // 'own.example',
                                      port => $server->port);
}

# The page without what was put in, and the tokens that were.
sub taken_out {
    my ($body) = @_;
    my @tokens;

    $body =~ s/$META/push @tokens, $1; ''/ge;
    $body =~ s/$FIELD/push @tokens, $1; ''/ge;
    return ($body, @tokens);
}

# --- A page ------------------------------------------------------------------

my $visitor = visitor();
my $page = $visitor->get('/index.html');
my ($bare, @tokens) = taken_out($page->body);
is $bare, $PAGE, 'nothing of the page is changed';
is scalar(@tokens), 2, 'a token for script and one for the form';
like $page->body, qr/\A\Q$HEAD\E$META<title>/, 'behind an early charset';
like $page->body, qr/\Q$FORM\E$FIELD<\/form>/, 'at the end of the form';
is $tokens[0], $tokens[1], 'the same one';
isnt((taken_out($visitor->get('/index.html')->body))[1], $tokens[0],
     'masked anew for each page');
is $page->header('cache-control'), 'private, no-cache', 'for no cache';
is $page->header($_), undef, "without $_"
    for qw(etag last-modified accept-ranges);
is $page->header('content-length'), length $page->body, 'the length fits'
    if defined $page->header('content-length');

for my $token (@tokens, map { (taken_out($visitor->get('/index.html')->body))[1] }
               1 .. 3) {
    is $visitor->post('/cgi/echo.pl', { a => 1 }, token => $token)->status, 200,
        'its token passes';
}
is $visitor->post('/cgi/echo.pl', { a => 1 }, token => undef)->status, 403,
    'no token does not';
is visitor()->post('/cgi/echo.pl', { a => 1 }, token => $tokens[1])->status, 403,
    'nor somebody else\'s';

my $head = $visitor->request('HEAD', '/index.html');
is $head->header('etag'), undef, 'HEAD says the same';
is $head->body, '', 'without a body';
my $range = $visitor->get('/index.html', headers => [ Range => 'bytes=0-9' ]);
is $range->status, 200, 'a part is not given';
is_deeply [ (taken_out($range->body))[0] ], [ $PAGE ], 'but the whole';
my $etag = $visitor->get('/off/index.html')->header('etag');
my @old = ('If-None-Match' => $etag);
is $visitor->get('/off/index.html', headers => \@old)->status, 304,
    'the page without tokens';
is $visitor->get('/index.html', headers => \@old)->status, 200,
    'is not what the browser is told to use on';
is $visitor->get('/b/conditional', headers => \@old)->status, 304,
    'a backend confirms what is no page';
is $visitor->get('/b/conditional', headers => [
    @old, Accept => 'text/html,application/xhtml+xml' ])->status, 200,
    'but is not asked of a page';
is $visitor->get('/nothing')->status, 404, 'an error page';
like $visitor->get('/nothing')->body, $FIELD, 'has its token, too';

# --- Pieces ------------------------------------------------------------------

for my $size (1, 2, 3, 7, 64, 1000) {
    my ($whole, @put) = taken_out($visitor->get("/b/chunks/$size")->body);

    is $whole, $PAGE, "in chunks of $size";
    is scalar(@put), 2, 'with both tokens';
}
my %halves;
for my $cut (1 .. length($HALVES) - 1) {
    my $body = $visitor->get("/b/halves/$cut")->body;

    push @{ $halves{ $body =~ s/$MARK/TOKEN/gr } }, $cut;
}
is scalar(keys %halves), 1, 'cut anywhere it is the same';
my ($one) = keys %halves;
my $fields = () = $one =~ /name="csrfmiddlewaretoken"/g;
is $fields, 50, 'with a field in each of fifty forms';
like $visitor->get('/b/latin')->body, $FIELD, 'another superset of ASCII';
my $cut = substr $PAGE, 0, index($PAGE, '</form>') + 4;
($bare) = taken_out($visitor->get('/b/cut')->body);
is $bare, $cut, 'a page that ends within a tag';
(undef, @tokens) = taken_out($visitor->get('/b/fifty')->body);
is scalar(@tokens), 51, 'fifty forms';
my %different = map { ($_ => 1) } @tokens;
is scalar(keys %different), 1, 'all with the token of the page';
my $large = $visitor->get('/b/large')->body;
($bare, @tokens) = taken_out($large);
is length $bare, length($HEAD) + 22 * 200_000 + length("$FORM</form>"),
    'a large page';
is scalar(@tokens), 2, 'has its tokens';
my $before = $server->memory;
is length $visitor->get('/b/forms')->body,
    100_000 * length(qq($FORM<input type="hidden" name="csrfmiddlewaretoken")
                     . ' value="">' . 'x' x 64 . '</form>')
    + length('<meta name="csrf-token" content="">' . 'x' x 64),
    'a page with many forms';
cmp_ok $server->memory - $before, '<', 8_000, 'costs no memory for each'
    unless $ENV{CP_SANITIZED};

# Whichever way, and whatever makes the page in the same way.
$server->file('htdocs/whole.html', '<!--#include file="index.html" -->');
for my $path ('/zipped/index.html', '/by-type/index.html',
              '/made-by-type/whole.html') {
    my $zipped = $visitor->get($path,
                               headers => [ 'Accept-Encoding' => 'gzip' ]);
    my $packed = $zipped->body;
    my $unpacked = '';

    is $zipped->header('content-encoding'), 'gzip', "$path is compressed here";
    gunzip(\$packed => \$unpacked);
    ($bare, @tokens) = taken_out($unpacked);
    is $bare, $PAGE, 'is the page';
    is scalar(@tokens), 2, 'with its tokens';
}

# --- Pages that come again ---------------------------------------------------

for my $name (@AGAIN) {
    my $text = $again{$name};
    my $expected = $name =~ /past|far/ ? 1 : 2;
    my %seen;

    $server->file('htdocs/again.html', $text);
    for my $path ('/again.html', "/b/again/$name", '/again.html',
                  "/b/again/$name") {
        ($bare, @tokens) = taken_out($visitor->get($path)->body);
        is $bare, $text, "$name, $path: the page";
        is scalar(@tokens), $expected, 'with the tokens that it wants';
        ok !$seen{$tokens[0]}++, 'masked anew';
    }
}
for my $host (qw(own.example other.example own.example other.example)) {
    (undef, @tokens) = taken_out(visitor($host)->get('/b/again/far')->body);
    is scalar(@tokens), $host eq 'other.example' ? 2 : 1,
        "$host gets the token for forms to itself";
}
for my $size (3_000, 7_999 .. 8_001, 16_383 .. 16_385, 20_000) {
    my $text = $PAGE =~ s/Own/'x' x ($size - length($PAGE) + 3)/er;

    $server->file('htdocs/again.html', $text);
    for my $path (('/again.html', '/unmapped/again.html') x 2) {
        ($bare, @tokens) = taken_out($visitor->get($path)->body);
        ok $bare eq $text && length $text == $size, "$size bytes, $path";
        is scalar(@tokens), 2, 'with its tokens';
    }
}
for my $forms (62 .. 66) {
    my $text = $HEAD . "$FORM</form>" x $forms;

    $server->file('htdocs/again.html', $text);
    for my $round (1, 2) {
        ($bare, @tokens) = taken_out($visitor->get('/again.html')->body);
        is $bare, $text, "$forms forms, time $round";
        is scalar(@tokens), 1 + $forms, 'each with its token';
    }
}

# --- Forms with files ---------------------------------------------------------

my $upload = $visitor->get('/upload.html')->body;
my ($token) = $upload =~ /enctype="multipart\/form-data">$FIELD<input type="file"/;
ok $token, 'a form with files has its token first';
for my $case ([ 'first', 200 ], [ 'behind 200 KB', 403 ]) {
    my ($where, $status) = @$case;
    my $field = "--x\r\nContent-Disposition: form-data;"
        . " name=\"csrfmiddlewaretoken\"\r\n\r\n$token\r\n";
    my $file = "--x\r\nContent-Disposition: form-data; name=\"f\";"
        . " filename=\"f\"\r\n\r\n" . 'a' x 200_000 . "\r\n";

    is $visitor->request('POST', '/cgi/echo.pl',
                         body => ($status == 200 ? "$field$file" : "$file$field")
                                 . "--x--\r\n",
                         headers => [ 'Content-Type' =>
                                      'multipart/form-data; boundary=x' ])
        ->status, $status, "with the token $where: $status";
}

# --- What is left alone ------------------------------------------------------

for my $name (sort keys %left) {
    my $answer = $visitor->get("/b/left/$name");

    is $answer->body, $left{$name} =~ s/\A.*?\r\n\r\n//sr, "$name: left alone";
    is $answer->header('etag'), '"x"', 'with its ETag';
}
is $visitor->get('/b/unchanged/json')->body, $JSON, 'JSON that says it is HTML';
like $visitor->get('/b/unchanged/text')->body, qr/\ASome text.*paragraph\.\n\z/s,
    'text that says so';
is $visitor->get('/b/unchanged/wide')->body, "\xff\xfe$WIDE",
    'UTF-16 that comes byte by byte';
for my $path (qw(/off/index.html /tenant/index.html)) {
    is $visitor->get($path)->body, $PAGE, "$path: Off";
}
is visitor($_)->get('/index.html')->body, $PAGE, $_
    for qw(origin.example report.example);
my $framed = fetch(host => 'own.example', port => $server->port,
                   path => '/index.html', headers => [
                       'Sec-Fetch-Site' => 'cross-site',
                       'Sec-Fetch-Mode' => 'navigate',
                       'Sec-Fetch-Dest' => 'iframe' ]);
is $framed->body, $PAGE, 'who may not be given a cookie gets no token';
is $framed->header('cache-control'), 'no-store', 'and a page to be forgotten';
is $framed->header($_), undef, "without $_"
    for qw(etag last-modified accept-ranges);
unlike $visitor->get('/cookie-policy')->body, qr/csrfmiddlewaretoken/,
    'our own pages need none';

# --- Lazy, caches, logins ----------------------------------------------------

my $lazy = visitor('lazy.example');
like $lazy->get('/index.html')->body, $FIELD, 'lazy: the page needs the token';
ok $lazy->cookie('csrftoken'), 'and brings its cookie';
(undef, @tokens) = taken_out($lazy->get('/index.html')->body);
is $lazy->post('/cgi/echo.pl', { a => 1 }, token => $tokens[1])->status, 200,
    'which fit';

# Who asks so has no cookie and may be given none.
is fetch(host => 'own.example', port => $server->port, path => '/b/cached',
         headers => [ 'Sec-Purpose' => 'prefetch' ])->body, $PAGE,
    'a page without a token';
my %first = map { ($_ => 1) } (taken_out(visitor()->get('/b/cached')->body))[1, 2];
my ($same, @again) = taken_out(visitor()->get('/b/cached')->body);
is $same, $PAGE, 'a page that a cache could keep';
is scalar(@again), 2, 'is not given from it without its tokens';
is scalar(grep { $first{$_} } @again), 0, 'is not given to another visitor';

my $in = $visitor->command(':user=ada', headers => [ Accept => 'text/html' ]);
ok $in->cookie('sessionid'), 'a login';
(undef, @tokens) = taken_out($visitor->get('/index.html')->body);
is $visitor->post('/cgi/echo.pl', { a => 1 }, token => $tokens[1])->status, 200,
    'the forms behind it work';

done_testing;
