#!/usr/bin/perl
# Django behind the module, with Django's own sessions, languages and CSRF
# protection on: what an unchanged application sees and what its visitors get.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/django";
use Test::More;
use Stage;
use Visitor;

$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);

# The application, and what has forgotten its CSRF protection.
my $APPLICATION = 'settings';
my $UNPROTECTED = 'settings_unprotected';

my $stage = Stage->new;
END { $stage->strike if $stage }

$stage->django_start($_) for $APPLICATION, $UNPROTECTED;
$stage->httpd_start(
    'own.localhost' => {
        django => $APPLICATION,
        directives => 'CookiePolicySession On',
    },
    'login.localhost' => {
        django => $APPLICATION,
        directives => 'CookiePolicySession Application',
    },
    'off.localhost' => {
        django => $APPLICATION,
        directives => "CookiePolicySession Off\n"
            . 'CookiePolicyCookie sessionid necessary',
    },
    'lazy.localhost' => {
        django => $APPLICATION,
        directives => 'CookiePolicyIssue lazy',
    },
    'lazylogin.localhost' => {
        django => $APPLICATION,
        directives => "CookiePolicySession Application\n"
                      . 'CookiePolicyIssue lazy',
    },
    'alone.localhost' => {
        django => $APPLICATION,
        directives => "CookiePolicySession Application\n"
                      . "CookiePolicyCsrf Off\nCookiePolicyLanguage Off",
    },
    'unprotected.localhost' => {
        django => $UNPROTECTED,
        directives => '',
    },
    'given.localhost' => {
        django => $UNPROTECTED,
        directives => 'CookiePolicyCsrfInject On',
    },
    'twice.localhost' => {
        django => $APPLICATION,
        directives => 'CookiePolicyCsrfInject On',
    },
);

my @MANAGED = qw(cookies_preferences csrftoken django_language sessionid);

sub visitor {
    my ($name, %headers) = @_;
    return Visitor->new("$name.localhost", $stage->httpd_port, %headers);
}

# How many POSTs reach a Django while something is done.
sub posts_during {
    my ($settings, $do) = @_;
    my $before = $stage->seen($settings, 'POST');

    $do->();
    return $stage->seen($settings, 'POST') - $before;
}

# That a response is the module's own refusal, for the reason given. Django's
# own says no reason.
sub is_refused {
    my ($response, $reason, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is $response->{status}, 403, "$what: refused";
    like $response->{content}, qr/Reason: <code>\Q$reason\E</,
         "$what: the reason is $reason";
    is_deeply $response->{set}, undef, "$what: no cookie";
}

# The value that a cookie's only Set-Cookie line sets.
sub value_set {
    my ($response, $name) = @_;
    my $lines = $response->{set}{$name} // [];

    return @$lines == 1 && $lines->[0] =~ /^\Q$name\E=([^;]*)/ ? $1 : undef;
}

subtest 'Django itself refuses what comes past httpd' => sub {
    my $port = $stage->port($APPLICATION);
    my $direct = Visitor->new('own.localhost', $port);

    is $direct->post('/', text => 'x')->{status}, 403,
       'no cookie, no token: CsrfViewMiddleware is on';
    $direct->get('/');
    is $direct->post('/', text => 'x',
                     csrfmiddlewaretoken => $direct->form_token)->{status},
       200, 'its own cookie and token: accepted';
    is length $direct->cookie('csrftoken'), 64,
       'its cookie is not of the module\'s length';

    $direct = Visitor->new('unprotected.localhost',
                           $stage->port($UNPROTECTED));
    is $direct->post('/', text => 'x')->{status}, 200,
       'CsrfViewMiddleware is off: accepted';
};

subtest 'the first page of a visitor' => sub {
    my $visitor = visitor('own');
    my $page = $visitor->get('/');

    is $page->{status}, 200, 'there is a page';
    is_deeply [sort keys %{ $page->{set} }], \@MANAGED,
              'it sets the four managed cookies and no other';
    for my $name (@MANAGED) {
        my $value = value_set($page, $name);

        ok defined $value, "$name is set once";
        is_deeply [$visitor->shown($name)], [$value],
                  "Django saw the $name that the response issues";
    }
    like $visitor->cookie('csrftoken'), qr/^[A-Za-z0-9]{32}$/,
         'csrftoken is as Django\'s secret';
    like $visitor->form_token, qr/^[A-Za-z0-9]{64}$/,
         'the form holds a token that Django masked';
};

subtest 'the form of the first page, with the masked token' => sub {
    my $visitor = visitor('own');
    my $answer;

    $visitor->get('/');
    is posts_during($APPLICATION, sub {
        $answer = $visitor->post('/', text => "caf\x{e9} & Co",
                                 csrfmiddlewaretoken => $visitor->form_token);
    }), 1, 'Django sees the post';
    is $answer->{status}, 200, 'and accepts it';
    is $answer->{json}{text}, "caf\x{e9} & Co", 'the form came unchanged';
    is_deeply $answer->{set}, undef, 'nothing is set anew';
};

subtest 'the form of the first page, with the plain token' => sub {
    my $visitor = visitor('own');

    $visitor->get('/');
    is $visitor->post('/', csrfmiddlewaretoken
                           => $visitor->cookie('csrftoken'),
                      text => 'plain')->{json}{text}, 'plain', 'accepted';
};

subtest 'the second page and its form' => sub {
    my $visitor = visitor('own');
    my $first;

    $visitor->get('/');
    $first = $visitor->form_token;
    is_deeply $visitor->get('/')->{set}, undef,
              'the second page sets no cookie';
    isnt $visitor->form_token, $first, 'Django masks anew';
    is $visitor->post('/', text => 'second',
                      csrfmiddlewaretoken => $visitor->form_token)
           ->{json}{text}, 'second', 'its form is accepted';
    is $visitor->post('/', text => 'first',
                      csrfmiddlewaretoken => $first)->{json}{text},
       'first', 'and so is the one that is still open';
};

subtest 'a browser without Fetch Metadata' => sub {
    my $visitor = visitor('own', map { $_ => undef }
                          qw(Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-Dest));

    $visitor->get('/');
    is $visitor->post('/', text => 'old',
                      csrfmiddlewaretoken => $visitor->form_token)
           ->{json}{text}, 'old', 'posts its first form';
};

subtest 'a client that says nothing of where it comes from' => sub {
    my $visitor = visitor('own', map { $_ => undef }
                          qw(Origin Sec-Fetch-Site Sec-Fetch-Mode
                             Sec-Fetch-Dest));

    $visitor->get('/');
    is_refused $visitor->post('/', text => 'x'), 'no-token', 'no token';
    is $visitor->post('/', text => 'quiet',
                      csrfmiddlewaretoken => $visitor->form_token)
           ->{json}{text}, 'quiet', 'posts its first form';
};

subtest 'a call from script' => sub {
    my $visitor = visitor('own');
    my ($masked, $other);

    $visitor->get('/');
    is $visitor->call('/api', '{"n":1}',
                      'X-CSRFToken' => $visitor->cookie('csrftoken'))
           ->{json}{body}, '{"n":1}', 'with the token of the cookie';
    is $visitor->call('/api', '{"n":2}',
                      'X-CSRFToken' => $visitor->form_token)->{json}{body},
       '{"n":2}', 'with the masked token of the form';

    $masked = $visitor->get('/cookie-policy/csrf')->{json}{csrftoken};
    like $masked, qr/^[A-Za-z0-9]{64}$/, 'the module hands out a token';
    is $visitor->call('/api', '{"n":3}', 'X-CSRFToken' => $masked)
           ->{json}{body}, '{"n":3}', 'that the module and Django accept';

    is posts_during($APPLICATION, sub {
        $other = $visitor->call('/api', '{"n":4}');
    }), 0, 'without a token it does not reach Django';
    is $other->{status}, 403, 'but is refused';
    is $other->{json}{reason}, 'no-token', 'in JSON, with the reason';
};

subtest 'a post without a token, or with a wrong one' => sub {
    my $visitor = visitor('own');
    my $stranger = visitor('own');

    $visitor->get('/');
    $stranger->get('/');
    is posts_during($APPLICATION, sub {
        my $changed = $visitor->form_token;

        is_refused $visitor->post('/', text => 'x'), 'no-token',
                   'no token';
        is_refused $visitor->post('/', text => 'x',
                                  csrfmiddlewaretoken => ''),
                   'token', 'an empty token';
        $changed =~ s/(.)$/$1 eq 'a' ? 'b' : 'a'/e;
        is_refused $visitor->post('/', text => 'x',
                                  csrfmiddlewaretoken => $changed),
                   'token', 'one character changed';
        is_refused $visitor->post('/', text => 'x', csrfmiddlewaretoken
                                                    => $stranger->form_token),
                   'token', 'the masked token of another visitor';
        is_refused $visitor->post('/', text => 'x',
                                  csrfmiddlewaretoken
                                  => $stranger->cookie('csrftoken')),
                   'token', 'the plain token of another visitor';
        is_refused visitor('own')->post('/', text => 'x',
                                        csrfmiddlewaretoken
                                        => $visitor->form_token),
                   'no-cookie', 'no cookie';
    }), 0, 'nothing of it reached Django';
    is $visitor->post('/', text => 'x',
                      csrfmiddlewaretoken => $visitor->form_token)->{status},
       200, 'the right token is still accepted';
};

subtest 'a token of Django\'s own making' => sub {
    my $visitor = visitor('own');
    my $direct = Visitor->new('own.localhost', $stage->port($APPLICATION));

    $direct->get('/');
    $visitor->get('/');
    $visitor->{jar}{csrftoken} = $direct->cookie('csrftoken');
    is posts_during($APPLICATION, sub {
        is_refused $visitor->post('/', text => 'x', csrfmiddlewaretoken
                                                    => $direct->form_token),
                   'no-cookie', 'a pair that fits together';
    }), 0, 'does not reach Django';
    like value_set($visitor->get('/'), 'csrftoken'), qr/^[A-Za-z0-9]{32}$/,
         'and is replaced by the next page';
};

subtest 'Django speaks the language that the module chose' => sub {
    my $visitor = visitor('own', 'Accept-Language' => 'de, fr;q=0.8, en;q=0.5');
    my $page = $visitor->get('/');
    my $answer;

    is value_set($page, 'django_language'), 'fr',
       'the best of those that the site speaks';
    like $page->{content}, qr/<html lang="fr">/,
         'Django follows, though alone it would speak German';
    like $page->{content}, qr/<title>lundi</, 'in its own words';

    $page = $visitor->get('/plain');
    like $page->{content}, qr/lundi/, 'so it does on the second page';
    like $page->{headers}{vary}, qr/\bCookie\b/,
         'which varies by the cookie, though Django names Accept-Language';

    $answer = $visitor->post('/cookie-policy/language',
                             language => 'en', next => '/plain?x=1');
    is $answer->{status}, 303, 'the visitor chooses another';
    is $answer->{headers}{location}, '/plain?x=1', 'and goes back';
    is value_set($answer, 'django_language'), 'en', 'the cookie changes';
    is_deeply [keys %{ $answer->{set} }], ['django_language'],
              'and no other';
    like $visitor->get('/')->{content}, qr/<html lang="en">/,
         'Django follows';

    is $visitor->post('/cookie-policy/language', language => 'de')->{status},
       400, 'what the site does not speak cannot be chosen';
    $visitor->{jar}{django_language} = 'de';
    like $visitor->get('/')->{content}, qr/<html lang="fr">/,
         'nor does a planted cookie choose it';
    is $visitor->cookie('django_language'), 'fr', 'which is replaced';
};

subtest 'Django\'s own choice of a language' => sub {
    my $visitor = visitor('own');
    my $choose = sub {
        return $visitor->post('/language', language => $_[0], next => '/',
                              csrfmiddlewaretoken => $visitor->form_token);
    };
    my $answer;

    $visitor->get('/');
    is $visitor->cookie('django_language'), 'en', 'English at first';
    $answer = $choose->('fr');
    is $answer->{status}, 302, 'Django\'s set_language is called';
    is value_set($answer, 'django_language'), 'fr',
       'the module follows, with one cookie';
    like $answer->{set}{django_language}[0], qr/; Max-Age=31536000;/,
         'which is the module\'s';
    like $visitor->get('/')->{content}, qr/<html lang="fr">/,
         'Django speaks it';
    is_deeply $choose->('de')->{set}, undef,
              'what the module does not list is not followed';
    like $visitor->get('/')->{content}, qr/<html lang="fr">/,
         'Django goes on in the other';
};

subtest 'Session On: Django\'s own cookies do not reach the browser' => sub {
    my $visitor = visitor('own');
    my $before;

    like join(' ', sort keys %{ Visitor->new(
             'own.localhost', $stage->port($APPLICATION))
             ->get('/basket')->{set} }), qr/^sessionid$/,
         'past httpd, Django sets a sessionid';
    $visitor->get('/');
    $before = $visitor->cookie('sessionid');
    is_deeply $visitor->get('/basket')->{set}, undef, 'here it does not';
    is $visitor->cookie('sessionid'), $before,
       'the module\'s sessionid stays';
    is_deeply [$visitor->cookies], \@MANAGED, 'there are four cookies';

    $visitor->get('/login');
    is_deeply $visitor->post('/login', username => 'ada',
                             password => 'enchantress',
                             csrfmiddlewaretoken => $visitor->form_token)
                  ->{set}, undef,
              'a login of Django\'s sets nothing either';
    is $visitor->cookie('sessionid'), $before,
       'the module\'s sessionid stays';
    $visitor->get('/logout');
    is $visitor->cookie('sessionid'), $before,
       'a deletion does not reach it either';
    like $stage->log('error'),
         qr/managed cookie sessionid.*CookiePolicySession Application/,
         'the error log says which directive would leave it to Django';
};

# Opens the login form and posts it.
sub login {
    my ($visitor, $password) = @_;

    $visitor->get('/login');
    return $visitor->post('/login', username => 'ada', password => $password,
                          csrfmiddlewaretoken => $visitor->form_token);
}

# That the form of a page loaded now is accepted, as this user's.
sub posts_as {
    my ($visitor, $user, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $answer;

    $visitor->get('/');
    $answer = $visitor->post('/', text => $what,
                             csrfmiddlewaretoken => $visitor->form_token);
    is $answer->{status}, 200, "$what: accepted";
    is $answer->{json}{user}, $user,
       "$what: as " . ($user || 'nobody in particular');
}

subtest 'Session Application: login and logout' => sub {
    my $visitor = visitor('login');
    my ($answer, $old_token, $old_page, $session);

    is_deeply [sort keys %{ $visitor->get('/')->{set} }],
              [grep { $_ ne 'sessionid' } @MANAGED],
              'the first page sets the managed cookies but sessionid';
    posts_as $visitor, '', 'the first form';

    $answer = login($visitor, 'wrong');
    is $answer->{status}, 200, 'with a wrong password Django asks again';
    is_deeply $answer->{set}, undef, 'and nothing changes';

    $old_token = $visitor->cookie('csrftoken');
    $answer = login($visitor, 'enchantress');
    $old_page = $visitor->form_token;
    is $answer->{status}, 302, 'Django logs in';
    is_deeply [sort keys %{ $answer->{set} }], ['csrftoken', 'sessionid'],
              'the answer sets sessionid and csrftoken';
    $session = value_set($answer, 'sessionid');
    like $session, qr/^[a-z0-9]{32}$/, 'sessionid is Django\'s';
    like $answer->{set}{sessionid}[0],
         qr/; expires=.*; HttpOnly; Max-Age=1209600; Path=\/; SameSite=Lax$/i,
         'untouched';
    like value_set($answer, 'csrftoken'), qr/^[A-Za-z0-9]{32}$/,
         'csrftoken is the module\'s';
    isnt $visitor->cookie('csrftoken'), $old_token, 'and a new one';

    posts_as $visitor, 'ada', 'the form after the login';
    is_deeply [$visitor->shown('sessionid')], [$session],
              'Django saw its sessionid as it was';
    is_deeply $visitor->get('/')->{set}, undef, 'no further page sets any';
    is posts_during($APPLICATION, sub {
        is_refused $visitor->post('/', text => 'x',
                                  csrfmiddlewaretoken => $old_page),
                   'token', 'a form from before the login';
        my $mixed = visitor('login');
        $mixed->{jar} = { %{ $visitor->{jar} }, csrftoken => $old_token };
        is_refused $mixed->post('/', text => 'x',
                                csrfmiddlewaretoken => $old_token),
                   'no-cookie', 'a csrftoken from before the login';
        $mixed->{jar} = { %{ $visitor->{jar} }, sessionid => 'a' x 32 };
        is_refused $mixed->post('/', text => 'x', csrfmiddlewaretoken
                                                  => $visitor->cookie(
                                                      'csrftoken')),
                   'no-cookie', 'a csrftoken with another sessionid';
    }), 0, 'none of them reached Django';

    $old_token = $visitor->cookie('csrftoken');
    $answer = $visitor->post('/logout',
                             csrfmiddlewaretoken => $visitor->form_token);
    is $answer->{status}, 302, 'Django logs out';
    like $answer->{set}{sessionid}[0], qr/; Max-Age=0;/i,
         'its deletion of sessionid passes';
    is $visitor->cookie('sessionid'), undef, 'sessionid is gone';
    isnt value_set($answer, 'csrftoken'), $old_token,
         'a new csrftoken comes in the same answer';
    posts_as $visitor, '', 'the form after the logout';
    is_deeply $visitor->get('/')->{set}, undef, 'no further page sets any';
};

subtest 'Session Application: a session without a login' => sub {
    my $visitor = visitor('login');
    my ($answer, $token);

    $visitor->get('/');
    $token = $visitor->cookie('csrftoken');
    $answer = $visitor->get('/basket');
    is_deeply [sort keys %{ $answer->{set} }], ['csrftoken', 'sessionid'],
              'Django stores something: sessionid and csrftoken are set';
    isnt $visitor->cookie('csrftoken'), $token, 'csrftoken is a new one';
    posts_as $visitor, '', 'the next form';

    $token = $visitor->cookie('csrftoken');
    $answer = $visitor->get('/basket');
    like $answer->{content}, qr/<p>2</, 'Django knows its visitor';
    is_deeply [keys %{ $answer->{set} }], ['sessionid'],
              'the same sessionid again: it passes, csrftoken stays';
    posts_as $visitor, '', 'the form after it';

    login($visitor, 'enchantress');
    isnt $visitor->cookie('csrftoken'), $token,
         'a login gives a new csrftoken';
    posts_as $visitor, 'ada', 'the form after the login';
};

subtest 'Session Application: a form in the page that begins or ends it'
        => sub {
    my $visitor = visitor('login');
    my ($page, $token);

    $page = $visitor->get('/wizard');
    $token = $visitor->form_token;
    is_deeply [sort keys %{ $page->{set} }], [sort @MANAGED],
              'the first page begins a session of Django\'s';
    for my $path ('/wizard', '/') {
        is $visitor->post($path, text => $path,
                          csrfmiddlewaretoken => $token)->{json}{text},
           $path, "its form posts to $path";
    }
    is $visitor->call('/api', 'x', 'X-CSRFToken' => $token)->{json}{body},
       'x', 'and its script calls';
    posts_as $visitor, '', 'the form of the next page';

    login($visitor, 'enchantress');
    is posts_during($APPLICATION, sub {
        is_refused $visitor->post('/', text => 'x',
                                  csrfmiddlewaretoken => $token),
                   'token', 'after a login it is worth nothing';
    }), 0, 'to Django neither';

    # The server has forgotten the session, and says so with a form.
    $visitor->get('/');
    $visitor->{jar}{sessionid} = 'a' x 32;
    delete $visitor->{jar}{csrftoken};
    $page = $visitor->get('/login');
    is $visitor->cookie('sessionid'), undef, 'Django ends a stale session';
    is $visitor->post('/login', username => 'ada',
                      password => 'enchantress',
                      csrfmiddlewaretoken => $visitor->form_token)->{status},
       302, 'the login form of that page logs in';
    posts_as $visitor, 'ada', 'the form after it';
};

subtest 'Session Off' => sub {
    my $visitor = visitor('off');

    is_deeply [sort keys %{ $visitor->get('/')->{set} }],
              [grep { $_ ne 'sessionid' } @MANAGED],
              'the first page sets the managed cookies but sessionid';
    posts_as $visitor, '', 'the first form';
    is posts_during($APPLICATION, sub {
        is_refused $visitor->post('/', text => 'x'), 'no-token',
                   'no token';
    }), 0, 'which did not reach Django';
    login($visitor, 'enchantress');
    posts_as $visitor, 'ada', 'the form after a login';
};

subtest 'lazy: cookies come when Django asks for a token' => sub {
    my $visitor = visitor('lazy');
    my $page = $visitor->get('/plain');

    is $page->{status}, 200, 'a page without a form';
    is_deeply $page->{set}, undef, 'sets nothing';
    $page = $visitor->get('/');
    is_deeply [sort keys %{ $page->{set} }], ['csrftoken', 'sessionid'],
              'a page with a form sets csrftoken and sessionid';
    is_deeply [$visitor->shown('csrftoken')],
              [value_set($page, 'csrftoken')],
              'Django saw the csrftoken that the response issues';
    is $visitor->post('/', text => 'lazy',
                      csrfmiddlewaretoken => $visitor->form_token)
           ->{json}{text}, 'lazy', 'its form is accepted';
    is_deeply $visitor->get('/')->{set}, undef,
              'the next page with a form sets nothing';
    posts_as $visitor, '', 'the next form';
};

subtest 'lazy, with Session Application' => sub {
    my $visitor = visitor('lazylogin');

    is_deeply $visitor->get('/plain')->{set}, undef,
              'a page without a form sets nothing';
    is_deeply [keys %{ $visitor->get('/')->{set} }], ['csrftoken'],
              'a page with a form sets csrftoken';
    is $visitor->post('/', text => 'lazy',
                      csrfmiddlewaretoken => $visitor->form_token)
           ->{json}{text}, 'lazy', 'its form is accepted';
    is_deeply [sort keys %{ login($visitor, 'enchantress')->{set} }],
              ['csrftoken', 'sessionid'],
              'a login sets csrftoken and sessionid';
    posts_as $visitor, 'ada', 'the form after the login';
};

subtest 'Django keeps its cookies where the directives leave them' => sub {
    my $visitor = visitor('alone', 'Accept-Language' => 'de');
    my $page = $visitor->get('/');

    like $page->{content}, qr/<html lang="de">/, 'Django chooses a language';
    like value_set($page, 'csrftoken'), qr/^[A-Za-z0-9]{64}$/,
         'csrftoken is Django\'s';
    is_deeply [sort keys %{ $page->{set} }],
              ['cookies_preferences', 'csrftoken'],
              'the module issues the preferences only';
    posts_as $visitor, '', 'the first form';
    is posts_during($APPLICATION, sub {
        is $visitor->post('/', text => 'x')->{status}, 403,
           'without a token';
    }), 1, 'it is Django that refuses';
    is $visitor->post('/language', language => 'fr', csrfmiddlewaretoken
                                                     => $visitor->form_token)
           ->{status}, 302, 'Django\'s set_language is called';
    is $visitor->cookie('django_language'), 'fr', 'its cookie passes';
    login($visitor, 'enchantress');
    posts_as $visitor, 'ada', 'the form after the login';
};

subtest 'a Django without CsrfViewMiddleware is protected' => sub {
    my $visitor = visitor('unprotected');
    my $token;

    $visitor->get('/plain');
    $token = $visitor->cookie('csrftoken');
    is posts_during($UNPROTECTED, sub {
        is_refused $visitor->post('/', text => 'x'), 'no-token', 'no token';
        is_refused $visitor->post('/', text => 'x',
                                  csrfmiddlewaretoken => 'a' x 32),
                   'token', 'a wrong token';
        is_refused $visitor->call('/', 'text=x', Accept => 'text/html',
                                  'X-CSRFToken' => $token,
                                  Origin => 'http://elsewhere.localhost',
                                  'Sec-Fetch-Site' => 'cross-site'),
                   'cross-site', 'another site\'s page with the right token';
        is_refused visitor('unprotected')->post('/', text => 'x',
                                                csrfmiddlewaretoken
                                                => $token),
                   'no-cookie', 'no cookie';
    }), 0, 'nothing of it reached Django';
    is $visitor->post('/', text => 'right', csrfmiddlewaretoken => $token)
           ->{json}{text}, 'right', 'the right token is accepted';
};

subtest 'a Django that knows of no tokens is given them' => sub {
    my $visitor = visitor('given');
    my $page = $visitor->get('/guestbook');
    my $token = $visitor->form_token;
    my ($meta) = $page->{content}
                 =~ /<meta name="csrf-token" content="(\w+)">/;

    like $token, qr/^[A-Za-z0-9]{64}$/, 'its form holds a masked token';
    is posts_during($UNPROTECTED, sub {
        is $visitor->post('/guestbook', text => 'Ada',
                          csrfmiddlewaretoken => $token)->{json}{text},
           'Ada', 'which makes it pass';
        is $visitor->call('/api', '{"n":1}', 'X-CSRFToken' => $meta)
               ->{json}{body}, '{"n":1}', 'and script finds one in the head';
        is_refused $visitor->post('/guestbook', text => 'x'), 'no-token',
                   'another\'s form';
    }), 2, 'no other post reaches Django';
    is $page->{headers}{'cache-control'}, 'private, no-cache',
       'the page is this visitor\'s';
};

subtest 'a Django that has its own tokens is left with them' => sub {
    my $visitor = visitor('twice');
    my $page = $visitor->get('/');
    my $fields = () = $page->{content} =~ /name="csrfmiddlewaretoken"/g;

    is $fields, 1, 'its form has one';
    is $visitor->post('/', text => 'one',
                      csrfmiddlewaretoken => $visitor->form_token)
           ->{json}{text}, 'one', 'which Django and the module accept';
};

subtest 'nothing broke' => sub {
    unlike $stage->log('error'), qr/exit signal|Sanitizer|runtime error/,
           'httpd';
    for my $django ($APPLICATION, $UNPROTECTED) {
        like $stage->log($django), qr/"POST/, "$django has been at work";
        unlike $stage->log($django), qr/Traceback|HTTP\/1.\d" 5\d\d/,
               "$django is whole";
    }
};

done_testing;
