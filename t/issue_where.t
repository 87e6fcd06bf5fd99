# On which answers managed cookies are issued: documents, whatever their
# status, and nothing else unless CookiePolicyIssue says so.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Visitor ();

my $FOUR = 'cookies_preferences csrftoken django_language sessionid';

sub newcomer {
    my ($host, $path, %with) = @_;

    return fetch(host => $host, path => $path, %with);
}

is newcomer('front.example', $_)->issued, '', "$_ is no document"
    for qw(/style.css /image.png /plain.txt);
is newcomer('front.example', '/page.xhtml')->issued, $FOUR, 'XHTML is one';

my $head = newcomer('front.example', '/index.html', method => 'HEAD');
is $head->issued, $FOUR, 'HEAD gets what GET gets';
is $head->body, '', 'and no body';

my $moved = newcomer('front.example', '/moved');
is $moved->status, 302, 'a redirect';
is $moved->issued, '', 'is not what a person looks at';

my $gone = newcomer('back.example', '/nothing-here');
is $gone->status, 404, 'an error page';
is $gone->issued, $FOUR, 'is a document';
my $forbidden = newcomer('front.example', '/forbidden');
is $forbidden->status, 403, 'one of mod_rewrite, too';
is $forbidden->issued, $FOUR, 'is a document';
my $unauthorized = newcomer('front.example', '/private/index.html');
is $unauthorized->status, 401, 'a 401';
is $unauthorized->issued, $FOUR, 'is a document';

# ErrorDocument: an internal redirect, to a file and to a program.
my $visitor = CookiePolicy::Visitor->new('front.example');
my $page = $visitor->get('/no-such-page');
is $page->status, 404, 'ErrorDocument 404';
like $page->body, qr/There is no such page/, 'in the words of the site';
is $page->issued, $FOUR, 'issues the four';
is $visitor->get('/no-such-page')->issued, '', 'once';
$visitor = CookiePolicy::Visitor->new('front.example');
$page = $visitor->get('/gonefor/good');
is $page->status, 410, 'ErrorDocument 410 by a CGI program';
is $page->issued, $FOUR, 'issues the four';
for my $name (split / /, $FOUR) {
    is $page->seen_cookie($name), $page->cookie($name),
        "and its program sees the very $name that is issued";
}

# A 304 sets nothing for those who have all, and is made as without us.
$visitor = CookiePolicy::Visitor->new('front.example');
my $full = $visitor->get('/index.html');
ok $full->header('etag'), 'a page with an ETag';
my $again = $visitor->get('/index.html', headers => [
    'If-None-Match' => scalar $full->header('etag') ]);
is $again->status, 304, 'is not sent twice';
is $again->issued, '', 'and sets nothing';
is $again->body, '', 'and has no body';

# Byte ranges.
my $part = newcomer('front.example', '/index.html',
                    headers => [ Range => 'bytes=0-14' ]);
is $part->status, 206, 'a part of a document';
is $part->body, '<!DOCTYPE html>', 'is that part';
is $part->issued, $FOUR, 'and a document';

# SSI: subrequests decide nothing of their own.
$visitor = CookiePolicy::Visitor->new('front.example');
$page = $visitor->get('/ssi.shtml');
is $page->status, 200, 'a page made of parts';
is scalar(my @lines = $page->header('set-cookie')), 4, 'sets four cookies';
is $page->seen_cookie('sessionid'), $page->cookie('sessionid'),
    'and its parts see them';
like $page->body, qr/language en/, 'SSI sees the language';
like $page->body, qr/token [A-Za-z0-9]{64}\b/, 'and the token, masked';
like $page->body, qr/Another page/, 'and all parts are there';
is $visitor->get('/ssi.shtml')->issued, '', 'the next time it sets none';

# CGI and proxied content.
for my $path (qw(/cgi/echo.pl /proxied/echo.pl)) {
    $visitor = CookiePolicy::Visitor->new('front.example');
    $page = $visitor->get($path);
    is $page->status, 200, "$path answers";
    is $page->issued, $FOUR, "$path: four cookies";
    is $page->seen_cookie($_), $page->cookie($_), "$path: it sees the $_"
        for split / /, $FOUR;
    is $visitor->get($path)->issued, '', "$path: once";
}
is newcomer('front.example', '/cgi/echo.pl?type=application/json')->issued, '',
    'JSON is no document';
is newcomer('front.example', '/cgi/echo.pl?status=500')->issued, $FOUR,
    'an error page of a program is one';
is newcomer('front.example', '/cgi/echo.pl?status=303&h=Location:%20/x')
    ->issued, '', 'a redirect of a program is none';

# mod_rewrite sees the token that the answer issues.
$page = newcomer('front.example', '/rewrite');
ok $page->header('x-saw-token'), 'mod_rewrite saw a token';
is $page->header('x-saw-token'), $page->cookie('csrftoken'),
    'and it is the one that is issued';

# CookiePolicyIssue all, Report, Off; in a directory.
is newcomer('all.example', '/style.css')->issued, $FOUR,
    'CookiePolicyIssue all: on style sheets, too';
is newcomer('report.example', '/index.html')->issued, '',
    'Report changes nothing';
is fetch(host => 'report.example', path => '/cgi/echo.pl',
         headers => [ Cookie => 'sessionid=junk; x="' ])->seen('HTTP_COOKIE'),
    'sessionid=junk; x="', 'Report leaves the Cookie header alone';
is newcomer('unmanaged.example', '/index.html')->issued, '', 'nor does Off';
is newcomer('dirs.example', '/silent/index.html')->issued, '',
    'Off for a directory';
is newcomer('dirs.example', '/index.html')->issued, $FOUR,
    'and on beside it';

# Lazy: only what is needed.
is newcomer('lazy.example', '/index.html')->issued, '',
    'lazy: a page needs nothing';
is newcomer('lazy.example', '/cookie-policy/csrf')->issued,
    'csrftoken sessionid', 'lazy: who asks for a token gets its session, too';
is newcomer('lazy.example', '/cgi/echo.pl?h=X-Session:%20count%3D1')->issued,
    'sessionid', 'lazy: something stored needs a session';
is fetch(host => 'lazy.example', path => '/cookie-policy/language',
         method => 'POST', body => 'language=fr', headers => [
             Origin => 'http://lazy.example',
             'Content-Type' => 'application/x-www-form-urlencoded' ])->issued,
    'django_language', 'lazy: a language chosen needs its cookie';
is fetch(host => 'lazy.example', path => '/cookie-policy/preferences',
         method => 'POST', body => 'choice=reject-all', headers => [
             Origin => 'http://lazy.example',
             'Content-Type' => 'application/x-www-form-urlencoded' ])->issued,
    'cookies_preferences', 'lazy: a choice needs its cookie';

# mod_deflate.
my $small = newcomer('deflated.example', '/index.html',
                     headers => [ 'Accept-Encoding' => 'gzip' ]);
is $small->header('content-encoding'), 'gzip', 'mod_deflate';
is $small->issued, $FOUR, 'and the four';

# TRACE reflects no cookie.
my $trace = newcomer('front.example', '/', method => 'TRACE',
                     headers => [ Cookie => 'sessionid=secret-of-mine' ]);
unlike $trace->body, qr/secret-of-mine/, 'TRACE reflects no cookie';

# nph- programs write past every filter.
is newcomer('front.example', '/cgi/nph-raw.pl')->status, 403,
    'an nph- program is refused';

done_testing;
