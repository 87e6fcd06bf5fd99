# CookiePolicyAttributes: names on the wire, and what a browser is told.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Visitor ();

my $visitor = CookiePolicy::Visitor->new('renamed.example');
my $answer = $visitor->look;
my $set = $answer->cookies;

is join(' ', sort keys %$set),
    '__Host-sessionid cookies_preferences django_language xsrf',
    'names on the wire';
is $answer->seen_cookie('sessionid'), $set->{'__Host-sessionid'}{value},
    'the application sees sessionid';
is $answer->seen_cookie('csrftoken'), $set->{xsrf}{value},
    'the application sees csrftoken';
is $answer->seen_cookie('__Host-sessionid'), undef, 'and no other name';

ok $set->{'__Host-sessionid'}{secure}, 'secure=on';
is $set->{'__Host-sessionid'}{samesite}, 'Strict', 'samesite=strict';
is $set->{'__Host-sessionid'}{path}, '/', 'Path=/';
is $set->{xsrf}{path}, '/docs', 'path=';
is $set->{xsrf}{'max-age'}, 3600, 'max-age=1h';
ok $set->{xsrf}{httponly}, 'httponly=on';
is $set->{django_language}{samesite}, 'None', 'samesite=none';
ok $set->{django_language}{partitioned}, 'partitioned=on';
is $set->{django_language}{'max-age'}, undef, 'max-age=session';
is $set->{cookies_preferences}{'max-age'}, 400 * 86400, 'max-age=400d';
ok !$set->{cookies_preferences}{secure}, 'secure=off';

is $visitor->look->issued, '', 'they count under these names';
$answer = fetch(host => 'renamed.example', path => '/cgi/echo.pl', headers => [
    Cookie => 'sessionid=' . $set->{'__Host-sessionid'}{value}
              . '; csrftoken=' . $set->{xsrf}{value} ]);
like $answer->issued, qr/__Host-sessionid/, 'and not under their own';
isnt $answer->seen_cookie('sessionid'), $set->{'__Host-sessionid'}{value},
    'which does not reach the application';
is $visitor->post('/cgi/echo.pl', {}, token => $set->{xsrf}{value})->status, 200,
    'the token counts';
is $visitor->get('/cgi/echo.pl?h=Set-Cookie:%20__Host-sessionid%3Dx%3B%20Secure'
                 . '&h=Set-Cookie:%20sessionid%3Dx')->issued, '',
    'the application may set neither name';

# A deletion says the same name, path and domain.
$visitor->command(':user=ann');
my $deletion = $visitor->post('/cookie-policy/logout', {},
                              token => $visitor->cookie('xsrf'));
$set = $deletion->cookies;
is $set->{'__Host-sessionid'}{'max-age'}, 0, 'a deletion';
ok $set->{'__Host-sessionid'}{secure}, 'has what the prefix needs';
is $set->{xsrf}{path}, '/docs', 'and the same path';

$set = CookiePolicy::Visitor->new('renamed.example', tls => 1)
    ->get('/index.html')->cookies;
ok $set->{'__Secure-csrftoken'}{secure}, 'https: the prefix __Secure-';
ok !$set->{cookies_preferences}{secure}, 'https: secure=off';
ok $set->{django_language}{secure}, 'https: secure=auto';

done_testing;
