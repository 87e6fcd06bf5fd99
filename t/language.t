# The visitor's language: cookie, Accept-Language, what the site speaks.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Visitor ();

my @FORM = ('Content-Type' => 'application/x-www-form-urlencoded');

# The site speaks en fr pt-BR pt zh-Hant de, and falls back to the first.
for my $case (
    [ undef, 'en', 'nothing said' ],
    [ '', 'en', 'an empty header' ],
    [ 'fr', 'fr', 'a language that is spoken' ],
    [ 'FR', 'fr', 'in capitals' ],
    [ 'fr-CA', 'fr', 'a range is cut' ],
    [ 'pt-br', 'pt-BR', 'the configured spelling' ],
    [ 'pt-PT', 'pt', 'pt-PT is pt' ],
    [ 'zh-Hant-TW', 'zh-Hant', 'cut once' ],
    [ 'zh', 'en', 'a range is not made longer' ],
    [ 'de-x-fr', 'de', 'a single letter goes with what follows it' ],
    [ 'it, fr', 'fr', 'the first that is spoken' ],
    [ 'en;q=0.5, de;q=0.9, fr;q=0.7', 'de', 'the highest quality' ],
    [ 'fr;q=0.8, de;q=0.8', 'fr', 'of equal ones the first' ],
    [ 'fr;q=0, de;q=0.1', 'de', 'quality 0 is a refusal' ],
    [ 'de;q=0', 'en', 'a refusal of one leaves the fallback' ],
    [ 'it, *;q=0.5', 'en', 'anything is the fallback' ],
    [ 'de;q=0.001', 'de', 'three digits' ],
    [ 'fr ; q=0.2 , de ; q=0.9', 'de', 'blanks' ],
    [ 'fr-FR-', 'fr', 'a broken range' ],
    [ ';;;,,,q=1', 'en', 'junk' ],
    [ join(',', ('it') x 3000), 'en', '9 KB of it' ],
) {
    my ($header, $wanted, $what) = @$case;
    my $answer = fetch(host => 'tongues.example', path => '/cgi/echo.pl',
                       headers => defined $header
                                  ? [ 'Accept-Language' => $header ] : []);

    is $answer->seen('COOKIEPOLICY_LANGUAGE'), $wanted, "$what: $wanted";
    is $answer->cookie('django_language'), $wanted, 'and so says the cookie';
}

my $cookie = fetch(host => 'tongues.example', path => '/cgi/echo.pl',
                   headers => [ Cookie => 'django_language=de',
                                'Accept-Language' => 'fr' ]);
is $cookie->seen('COOKIEPOLICY_LANGUAGE'), 'de', 'the cookie counts first';
is $cookie->seen('HTTP_ACCEPT_LANGUAGE'), 'fr', 'the header stays as it was';
for my $bad ('it', 'de-', '../de', 'x' x 4000, 'd%65') {
    is fetch(host => 'tongues.example', path => '/cgi/echo.pl', headers => [
           Cookie => "django_language=$bad", 'Accept-Language' => 'fr' ])
        ->seen('COOKIEPOLICY_LANGUAGE'), 'fr',
        'what is not spoken counts as absent: ' . substr $bad, 0, 8;
}

# POST base/language
my $visitor = CookiePolicy::Visitor->new('tongues.example');
$visitor->get('/index.html');
my $answer = $visitor->post('/cookie-policy/language',
                            { language => 'fr', next => '/other.html?a=b' });
is $answer->status, 303, 'a choice goes on';
is $answer->header('location'), '/other.html?a=b', 'to next';
is $answer->cookie('django_language'), 'fr', 'and is kept';
is $visitor->look->seen('COOKIEPOLICY_LANGUAGE'), 'fr', 'from now on';
is $visitor->post('/cookie-policy/language', { language => 'it' })->status, 400,
    'a language that is not spoken';
is $visitor->post('/cookie-policy/language', {})->status, 400, 'none';
is $visitor->look->seen('COOKIEPOLICY_LANGUAGE'), 'fr', 'change nothing';
is $visitor->get('/cookie-policy/language')->status, 405, 'GET is no choice';

# mod_negotiation: MultiViews and type maps.
for my $page ('/nego.html', '/nego', '/map.var') {
    my $guest = CookiePolicy::Visitor->new('front.example');
    like $guest->get($page, headers => [ 'Accept-Language' => 'fr' ])->body,
        qr/Bonjour/, "$page: by Accept-Language";
    $guest->post('/cookie-policy/language', { language => 'en' });
    my $page_now = $guest->get($page, headers => [ 'Accept-Language' => 'fr' ]);
    like $page_now->body, qr/Hello/, "$page: by the cookie";
    like join(',', $page_now->header('vary')), qr/\bcookie\b/i,
        "$page: and says so to caches";
    $guest->post('/cookie-policy/language', { language => 'fr' });
    like $guest->get($page, headers => [ 'Accept-Language' => 'en' ])->body,
        qr/Bonjour/, "$page: by the other cookie";
}

# By directory, and off.
is fetch(host => 'dirs.example', path => '/french/index.html')
    ->cookie('django_language'), 'fr', 'a directory may speak another';
is fetch(host => 'dirs.example', path => '/index.html')
    ->cookie('django_language'), 'en', 'than the rest';
my $off = fetch(host => 'nolanguage.example', path => '/cgi/echo.pl',
                headers => [ Cookie => 'django_language=it' ]);
unlike $off->issued, qr/django_language/, 'Off: none is issued';
is $off->seen_cookie('django_language'), 'it', 'Off: it is like any other';
is $off->seen('COOKIEPOLICY_LANGUAGE'), undef, 'Off: no variable';
is fetch(host => 'nolanguage.example', path => '/cookie-policy/language',
         method => 'POST', body => 'language=en', headers => \@FORM)->issued,
    '', 'Off: there is nothing to choose';

done_testing;
