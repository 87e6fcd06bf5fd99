# An application that sets managed cookies itself.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

sub sets {
    my ($visitor, @lines) = @_;

    return $visitor->get('/cgi/echo.pl?' . form_encode(
        [ map { (h => "Set-Cookie: $_") } @lines ]));
}

my $visitor = CookiePolicy::Visitor->new('front.example');
$visitor->get('/index.html');
my %before = %{ $visitor->jar };

my $answer = sets($visitor, 'cart=7; Path=/', 'sessionid=evil; Path=/',
                  'csrftoken=evil', 'cookies_preferences=evil',
                  'theme=dark; HttpOnly');
is $answer->issued, 'cart theme', 'only what is not managed passes';
is_deeply [ $answer->header('set-cookie') ],
    [ 'cart=7; Path=/', 'theme=dark; HttpOnly' ], 'byte for byte';

for my $line ('sessionid=; Max-Age=0', 'sessionid=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
              ' sessionid = x', "sessionid\t=x", 'sessionid=x; Domain=example',
              '=sessionid=x', 'csrftoken=; Max-Age=0',
              'cookies_preferences=; Max-Age=0') {
    is sets($visitor->twin, $line)->issued, '', "dropped: $line";
}
is sets($visitor->twin, 'other=1; Max-Age=0')->issued, 'other',
    'the deletion of another cookie passes';
is_deeply $visitor->look->issued, '', 'and what the visitor has still counts';

# On an error page, and in a proxied answer.
is $visitor->twin->get('/cgi/echo.pl?' . form_encode(
       [ status => 404, h => 'Set-Cookie: sessionid=evil' ]))->issued, '',
    'dropped on an error page';
is $visitor->twin->get('/proxied/echo.pl?' . form_encode(
       [ h => 'Set-Cookie: sessionid=evil', h => 'Set-Cookie: a=1' ]))->issued,
    'a', 'dropped from a backend';
is $visitor->twin->get('/cgi/echo.pl?' . form_encode(
       [ type => 'application/json', h => 'Set-Cookie: sessionid=evil' ]))
    ->issued, '', 'dropped where there is no document';

# A language of the application's choice is followed.
$answer = sets($visitor, 'django_language=fr; Path=/');
is scalar(my @lines = $answer->header('set-cookie')), 1, 'one django_language';
is $answer->cookie('django_language'), 'fr', 'is set as the application says';
is $answer->cookies->{django_language}{samesite}, 'Lax', 'by this server';
is $visitor->look->seen('COOKIEPOLICY_LANGUAGE'), 'fr', 'and counts';
is sets($visitor, 'django_language=xx')->issued, '',
    'one that the site does not speak is dropped';
is $visitor->look->seen('COOKIEPOLICY_LANGUAGE'), 'fr', 'and changes nothing';

# The first time is logged, as an error that names the directive.
my $server = CookiePolicy::Server->new(config => <<'CONFIG');
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CONFIG
ok $server->start, 'a server of its own' or diag $server->{said}, $server->log;
for (1 .. 3) {
    fetch(port => $server->port, host => 'own.example',
          path => '/cgi/echo.pl?h=Set-Cookie:%20sessionid%3Devil');
}
my @told = grep { /sessionid/ && /CookiePolicySession/ } split /\n/, $server->log;
is scalar(@told), 1, 'it is logged once' or diag $server->log;
like $told[0] // '', qr/:error\]/, 'as an error';
like $told[0] // '', qr/CookiePolicySession Application/,
    'that says what to do';
ok $server->stop, 'stopped';

# CookiePolicySession Application: sessionid passes both ways.
my $django = CookiePolicy::Visitor->new('app.example');
is $django->get('/index.html')->issued,
    'cookies_preferences csrftoken django_language', 'no sessionid of ours';
my $token = $django->cookie('csrftoken');
is $django->post('/cgi/echo.pl', {})->status, 200, 'its token is valid';
$answer = sets($django, 'sessionid=abc123; HttpOnly; Path=/');
is_deeply [ grep { /^sessionid/ } $answer->header('set-cookie') ],
    [ 'sessionid=abc123; HttpOnly; Path=/' ], 'the application sets it';
isnt $answer->cookie('csrftoken'), undef,
    'and a new token follows in the same response';
isnt $answer->cookie('csrftoken'), $token, 'which is another one';
is $django->look->seen_cookie('sessionid'), 'abc123', 'it gets it back';
is $django->look->issued, '', 'and the pair counts';
is $django->post('/cgi/echo.pl', {})->status, 200, 'the new token is valid';
is $django->post('/cgi/echo.pl', {}, token => $token)->status, 403,
    'the old one is not';
$answer = sets($django, 'sessionid=; Max-Age=0; Path=/');
is scalar(grep { /^sessionid=;/ } $answer->header('set-cookie')), 1,
    'the application may delete it';
isnt $answer->cookie('csrftoken'), undef, 'and a new token follows';
is $django->look->issued, '', 'which is valid without a session';

done_testing;
