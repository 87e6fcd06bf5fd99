# The module's own pages.
use strict;
use warnings;

use JSON::PP qw(decode_json);
use Test::More;

use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Visitor ();

sub visitor {
    my ($host) = @_;
    my $visitor = CookiePolicy::Visitor->new($host);

    $visitor->get('/index.html');
    return $visitor;
}

# --- The policy ------------------------------------------------------------

my $visitor = visitor('policy.example');
my $page = $visitor->get('/cookie-policy');
is $page->status, 200, 'the policy';
like $page->header('content-type'), qr{^text/html}, 'is a page';
like $page->body, qr/\b\Q$_\E\b/, "it lists $_"
    for qw(sessionid csrftoken django_language cookies_preferences _ga ad_id
           font_size);
like $page->body, qr/Ads &amp; Sons/, 'texts are escaped';
like $page->body, qr/Ads &lt;b&gt;everywhere/, 'those of categories, too';
like $page->body, qr/City of Example/, 'it names who answers for it';
like $page->body, qr/privacy\@city\.example/, 'and how to reach them';
like $page->body, qr/<form[^>]+method="?post/i, 'the choices are a form';
unlike $page->body, qr/<script/i, 'that works without script';
is $visitor->get('/cookie-policy/')->status, 200, 'with a slash the same';
is $visitor->get('/cookie-policy/nothing')->status, 404, 'below it no page';
is $visitor->get('/cookie-policyish')->status, 404, 'beside it no page';
is fetch(host => 'policy.example', path => '/cookie-policy', headers => [
    Cookie => 'django_language=fr' ])->body =~ /Compter les visites/ ? 1 : 0, 1,
    'in the visitor\'s language';
unlike fetch(host => 'front.example', path => '/cookie-policy')->body,
    qr{category-statistics|/preferences"}, 'what is not used is neither shown nor asked';
like fetch(host => 'front.example', path => '/cookie-policy')->body,
    qr/sessionid/, 'our pages come before rewrite rules';

for my $json ([ '/cookie-policy.json' ],
              [ '/cookie-policy', headers => [ Accept => 'application/json' ] ]) {
    my $answer = $visitor->get(@$json);
    like $answer->header('content-type'), qr{^application/json}, 'as JSON';
    my %of = map { $_->{name} => $_ } @{ decode_json($answer->body)->{categories} };
    is join(' ', sort keys %of), 'comfort marketing necessary statistics',
        'the categories in use';
    is $of{marketing}{rule}, 'consent', 'with their rule';
    is_deeply [ map { $_->{name} } @{ $of{statistics}{cookies} } ], ['_ga'],
        'and their cookies';
}

# Every page is private and stays in no frame.
for my $path ('/cookie-policy', '/cookie-policy.json', '/cookie-policy/csrf',
              '/cookie-policy/preferences') {
    my $answer = $visitor->get($path);
    like $answer->header('cache-control'), qr/no-store/, "$path: no-store";
    is $answer->header('x-content-type-options'), 'nosniff', "$path: nosniff";
    like $answer->header('content-security-policy'),
        qr/frame-ancestors 'none'/, "$path: in no frame";
    is $answer->header('cross-origin-resource-policy'), 'same-origin',
        "$path: for this origin";
}

# --- Preferences -----------------------------------------------------------

sub state_of {
    my ($who) = @_;
    my $answer = $who->get('/cookie-policy/preferences',
                           headers => [ Accept => 'application/json' ]);
    my $state = decode_json($answer->body);

    return join ' ', map { "$_=$state->{categories}{$_}{choice}" }
                     grep { $_ ne 'necessary' }
                     sort keys %{ $state->{categories} };
}

sub consent_of { return $_[0]->look->seen('COOKIEPOLICY_CONSENT') }

is state_of($visitor), 'comfort=undecided marketing=undecided statistics=undecided',
    'before any choice';
is consent_of($visitor), 'necessary,comfort',
    'allowed is what needs no consent';
is $visitor->look->seen('COOKIEPOLICY_DECIDED'), 'no', 'nothing is decided';

my $answer = $visitor->post('/cookie-policy/preferences',
    [ choice => 'save', category => 'marketing', next => '/other.html' ]);
is $answer->status, 303, 'a form goes on';
is $answer->header('location'), '/other.html', 'to next';
is $answer->issued, 'cookies_preferences', 'and the choice is kept';
like $visitor->cookie('cookies_preferences'),
    qr/\A1\.\d+\.(?:(?:comfort:n|marketing:y|statistics:n):[\w-]{8}~?){3}\.[\w-]+\.[\w-]+\z/,
    'in the format of the manual';
is state_of($visitor), 'comfort=refused marketing=granted statistics=refused',
    'as it was made';
is consent_of($visitor), 'necessary,marketing', 'and content sees it';
is $visitor->look->seen('COOKIEPOLICY_DECIDED'), 'yes', 'it is decided';

$visitor->post('/cookie-policy/preferences', { choice => 'accept-all' });
is consent_of($visitor), 'necessary,statistics,marketing,comfort',
    'accept-all';
$visitor->post('/cookie-policy/preferences', { choice => 'reject-all' });
is consent_of($visitor), 'necessary', 'reject-all';
like $visitor->cookie('cookies_preferences'), qr/\A1\.\d+\.[^.]+\.\.[\w-]+\z/,
    'where nothing is granted there is no id';

$answer = $visitor->request('POST', '/cookie-policy/preferences',
    body => '{"choice": "save", "category": ["statistics", "comfort"]}',
    headers => [ 'Content-Type' => 'application/json',
                 Accept => 'application/json' ]);
is $answer->status, 200, 'a choice as JSON';
is decode_json($answer->body)->{categories}{statistics}{choice}, 'granted',
    'is answered with the state';
is state_of($visitor), 'comfort=granted marketing=refused statistics=granted',
    'and kept';

my $before = state_of($visitor);
for my $bad ([ 'choice=perhaps', 400 ], [ '', 400 ],
             [ 'choice=' . 'x' x 20_000, 413 ]) {
    is $visitor->request('POST', '/cookie-policy/preferences',
        body => $bad->[0], headers => [
            'Content-Type' => 'application/x-www-form-urlencoded' ])->status,
        $bad->[1], "a form that is none: $bad->[1]";
}
for my $bad ('{', '[]', 'null', '"x"', '{"choice": ["save"', "{\"choice\": \"x\"}",
             '[' x 5000) {
    is $visitor->request('POST', '/cookie-policy/preferences', body => $bad,
        headers => [ 'Content-Type' => 'application/json' ])->status, 400,
        'JSON that is none: ' . substr $bad, 0, 20;
}
is state_of($visitor), $before, 'what is no choice changes nothing';
$visitor->post('/cookie-policy/preferences',
               [ choice => 'save', category => 'nothing-of-that-name' ]);
is consent_of($visitor), 'necessary', 'a category that nobody declared';

# --- csrf and logout -------------------------------------------------------

$answer = $visitor->get('/cookie-policy/csrf');
my ($token) = $answer->body =~ /"([A-Za-z0-9]{64})"/;
ok $token, 'base/csrf gives a masked token';
is $visitor->twin->post('/cgi/echo.pl', {}, token => $token)->status, 200,
    'that is valid';
$visitor->command(':user=ann');
$answer = $visitor->request('POST', '/cookie-policy/logout', body => '',
    headers => [ Accept => 'application/json',
                 'X-CSRFToken' => $visitor->cookie('csrftoken') ]);
is $answer->status, 200, 'logout by script';
is $visitor->look->seen('COOKIEPOLICY_USER'), undef, 'ends the session';

# --- Methods ---------------------------------------------------------------

my %methods = ('' => 'GET', '/preferences' => 'GET POST', '/csrf' => 'GET',
               '/language' => 'POST', '/logout' => 'POST');
for my $path (sort keys %methods) {
    for my $method (qw(GET POST PUT DELETE)) {
        next if $methods{$path} =~ /\b$method\b/;
        my $guest = visitor('policy.example');
        $answer = $guest->request($method, "/cookie-policy$path", headers => [
            'X-CSRFToken' => $guest->cookie('csrftoken') ]);
        is $answer->status, 405, "$method base$path";
        my %allowed = map { $_ => 1 } split /,\s*/, $answer->header('allow');
        delete @allowed{qw(HEAD OPTIONS TRACE)};
        is join(' ', sort keys %allowed), $methods{$path}, 'it says what may';
    }
}

# --- next ------------------------------------------------------------------

sub printable {
    my ($text) = @_;

    $text =~ s{([^ -~])}{sprintf "\\x%02x", ord $1}ge;
    return $text;
}

for my $evil ('//evil.example', '///evil.example', '/\\evil.example',
              '\\/evil.example', '/\\/evil.example', 'https://evil.example',
              'http:evil.example', 'javascript:alert(1)', 'JaVaScRiPt:alert(1)',
              "java\tscript:alert(1)", 'data:text/html,x', "/\t/evil.example",
              "/\n/evil.example", "/\r/evil.example", "/a\r\nSet-Cookie: x=1",
              "/a\nLocation: //evil.example", '', 'evil.example', '?x', '#x',
              ' //evil.example', "\x01//evil.example",              '%2f%2fevil.example', "/\xe2\x80\xa8/evil.example", '@evil.example',
              'vbscript:x', '/./\\evil.example', './/evil.example') {
    for my $path ('language', 'preferences') {
        $answer = $visitor->post("/cookie-policy/$path",
            { next => $evil, language => 'en', choice => 'reject-all' });
        is $answer->header('location'), '/cookie-policy',
            "$path: next=" . printable($evil);
        is $answer->header('x'), undef, 'and no header is split';
    }
}
for my $good ('/', '/a/b?c=d&e=f#g', '/a//b', '/%2e%2e/x', '/a:b@c') {
    is $visitor->post('/cookie-policy/language',
                      { next => $good, language => 'en' })->header('location'),
        $good, "next=$good";
}
is fetch(host => 'based.example', path => '/legal/cookies')->status, 200,
    'CookiePolicyPath';
is fetch(host => 'based.example', path => '/cookie-policy')->status, 404,
    'and nothing at the default';

done_testing;
