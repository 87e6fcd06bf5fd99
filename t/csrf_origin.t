# Where a request comes from: Sec-Fetch-Site, Origin, Referer; trusted origins;
# the modes Origin and Off; proxies that say what the client addressed.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Visitor ();

my @FORM = ('Content-Type' => 'application/x-www-form-urlencoded');

sub visitor {
    my ($host, @with) = @_;
    my $visitor = CookiePolicy::Visitor->new($host, @with);

    $visitor->get('/index.html');
    return $visitor;
}

# The status of a POST whose token is right.
sub status_of {
    my ($visitor, @headers) = @_;

    return $visitor->twin->post('/cgi/echo.pl', {}, headers => \@headers)
        ->status;
}

my $visitor = visitor('front.example');
is status_of($visitor), 200, 'nothing said: the token decides';
is status_of($visitor, 'Sec-Fetch-Site' => $_), 200, "Sec-Fetch-Site: $_"
    for qw(same-origin none);
is status_of($visitor, 'Sec-Fetch-Site' => $_), 403, "Sec-Fetch-Site: $_"
    for qw(cross-site same-site nonsense);
is status_of($visitor, Origin => $_), 200, "Origin: $_"
    for 'http://front.example', 'http://front.example:80',
        'http://FRONT.example';
is status_of($visitor, Origin => $_), 403, "Origin: $_"
    for 'http://evil.example', 'https://front.example', 'null',
        'http://front.example.evil.example', 'http://evilfront.example',
        'http://front.example:81', 'http://front.example@evil.example',
        'file://', 'front.example', 'http://evil.example/front.example', '';
is status_of($visitor, 'Sec-Fetch-Site' => 'cross-site',
             Origin => 'http://front.example'), 403,
    'Sec-Fetch-Site counts before Origin';

my $secure = visitor('front.example', tls => 1);
my $port = $ENV{CP_TLS_PORT};
is status_of($secure, Referer => 'https://front.example/a'), 200,
    'https: our own Referer';
is status_of($secure, Referer => 'https://evil.example/front.example'), 403,
    'https: a foreign Referer';
is status_of($secure, Referer => 'http://front.example/'), 403,
    'https: a Referer without TLS';
is status_of($secure, Origin => 'https://front.example'), 200,
    'https: our own Origin';
is status_of($secure, Origin => 'http://front.example'), 403,
    'https: the Origin without TLS';

# --- Trusted origins -------------------------------------------------------

my $trusting = visitor('trusting.example');
for my $good ('https://partner.example', 'https://a.friends.example',
              'https://a.b.friends.example', 'http://odd.example:8081',
              'https://partner.example:443') {
    is status_of($trusting, Origin => $good), 200, "trusted: $good";
    is status_of($trusting, Origin => $good, 'Sec-Fetch-Site' => 'cross-site'),
        200, 'also where the browser says cross-site';
}
for my $bad ('http://partner.example', 'https://sub.partner.example',
             'https://friends.example', 'https://evilfriends.example',
             'http://odd.example', 'https://partner.example:444',
             'https://a.friends.example.evil.example') {
    is status_of($trusting, Origin => $bad), 403, "not trusted: $bad";
    is status_of($trusting, Origin => $bad, 'Sec-Fetch-Site' => 'cross-site'),
        403, 'nor where the browser says cross-site';
}
is $trusting->twin->post('/cgi/echo.pl', {}, token => undef, headers => [
       Origin => 'https://partner.example' ])->status, 403,
    'a trusted origin needs a token all the same';

# --- CookiePolicyCsrf Origin and Off ---------------------------------------

my $origin = CookiePolicy::Visitor->new('origin.example');
is $origin->get('/index.html')->issued,
    'cookies_preferences django_language sessionid',
    'Origin: no csrftoken is kept';
is $origin->twin->post('/cgi/echo.pl', {}, headers => [
       Origin => 'http://origin.example' ])->status, 200, 'Origin: our own';
is $origin->twin->post('/cgi/echo.pl', {}, headers => [
       Origin => 'http://evil.example' ])->status, 403, 'Origin: a foreign one';
is $origin->twin->post('/cgi/echo.pl', {}, headers => [
       'Sec-Fetch-Site' => 'cross-site' ])->status, 403, 'Origin: cross-site';
is fetch(host => 'origin.example', path => '/cgi/echo.pl', method => 'POST',
         body => 'a=1')->status, 200,
    'Origin: a program without cookies says nothing and may';

my $off = CookiePolicy::Visitor->new('nocsrf.example');
unlike $off->get('/index.html')->issued, qr/csrftoken/,
    'Off: no csrftoken is kept';
is $off->twin->post('/cgi/echo.pl', {}, headers => [
       Origin => 'http://evil.example' ])->status, 200, 'Off: everything passes';
is $off->look->seen('COOKIEPOLICY_CSRF_TOKEN'), undef, 'Off: no token is given';
is $off->request('POST', '/cookie-policy/preferences',
                 body => 'choice=reject-all',
                 headers => [ @FORM, Origin => 'http://evil.example' ])->status,
    403, 'Off: but the module\'s own pages are checked';

# --- By directory ----------------------------------------------------------

my $dirs = visitor('dirs.example');
is $dirs->twin->post('/open/index.html', {}, token => undef)->status, 200,
    'Off for a directory: it passes';
is $dirs->twin->post('/index.html', {}, token => undef)->status, 403,
    'and beside it the check is made';

# --- The module's own pages ------------------------------------------------

for my $page (qw(preferences language)) {
    my $body = $page eq 'language' ? 'language=fr' : 'choice=reject-all';
    my $post = sub {
        return fetch(host => 'front.example', method => 'POST', body => $body,
                     path => "/cookie-policy/$page",
                     headers => [ @FORM, @_ ])->status;
    };
    is $post->(Origin => 'http://front.example'), 303, "$page: no token";
    is $post->(), 303, "$page: nothing said";
    is $post->(Origin => 'http://evil.example'), 403, "$page: a foreign origin";
    is $post->('Sec-Fetch-Site' => 'cross-site'), 403, "$page: cross-site";
}
is $visitor->twin->post('/cookie-policy/logout', {}, token => undef)->status,
    403, 'logout needs a token';

# --- Behind a proxy that ends TLS ------------------------------------------

my @forwarded = ('X-Forwarded-Proto' => 'https',
                 'X-Forwarded-Host' => 'www.behind.example');
for my $case ([ 'X-Forwarded', @forwarded ],
              [ 'Forwarded', Forwarded =>
                'for=10.0.0.1;host="www.behind.example";proto=https' ]) {
    my ($name, @headers) = @$case;
    my $set = fetch(host => 'behind.example', path => '/index.html',
                    headers => \@headers)->cookies;
    ok $set->{sessionid}{secure}, "$name: the client uses https";
    my $token = $set->{csrftoken}{value};
    my $cookie = join '; ', map { "$_=$set->{$_}{value}" } keys %$set;
    my $post = sub {
        return fetch(host => 'behind.example', path => '/cgi/echo.pl',
                     method => 'POST', body => '', headers => [
            Cookie => $cookie, 'X-CSRFToken' => $token, @headers,
            Origin => $_[0] ])->status;
    };
    is $post->('https://www.behind.example'), 200, "$name: its own origin";
    is $post->('http://behind.example'), 403, "$name: not what it addressed";
}
ok !fetch(host => 'unforwarded.example', path => '/index.html',
          headers => \@forwarded)->cookies->{sessionid}{secure},
    'of a peer that is not trusted nothing is taken';

done_testing;
