# mod_auth_form on sessions of the module: the password stays on the server, a
# login is a login, and what the CSRF check refuses logs nobody in.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $PASSWORD = 'A~pass%word=&1';
my $modules = join '', map {
    "LoadModule ${_}_module " . CookiePolicy::Server::module_file($_) . "\n"
} qw(request session session_cookie auth_form);
# Both have the same password.
my $hash = '{SHA}' . do {
    require Digest::SHA;
    my $base64 = Digest::SHA::sha1_base64($PASSWORD);
    $base64 . '=' x (-length($base64) % 4);
};

# The locations, with a session of the module or of mod_session_cookie.
sub locations {
    my ($session) = @_;
    my $form = <<"FORM";
    AuthType form
    AuthName "back office"
    AuthFormProvider file
    AuthUserFile "{DIR}/users"
    $session
FORM

    return <<"LOCATIONS";
<Location "/dologin">
$form    SetHandler form-login-handler
    AuthFormLoginSuccessLocation /cgi/echo.pl/private
    AuthFormLoginRequiredLocation /login.html
    Require all granted
</Location>
<Location "/dologout">
$form    SetHandler form-logout-handler
    AuthFormLogoutLocation /login.html
    Require all granted
</Location>
<Location "/cgi/echo.pl/private">
$form    AuthFormLoginRequiredLocation /login.html
    Require valid-user
</Location>
<Location "/cgi/echo.pl/inline">
$form    ErrorDocument 401 /login.shtml
    Require valid-user
    KeptBodySize 8192
</Location>
<Location "/inline">
$form    ErrorDocument 401 /login.html
    CookiePolicyCsrfInject On
    Require user ann
</Location>
<Location "/cgi/echo.pl/site">
$form    AuthFormSitePassphrase "open sesame"
    Require valid-user
</Location>
LOCATIONS
}

my $server = CookiePolicy::Server->new(config => $modules . <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session login
<IfModule http2_module>
    Protocols h2c http/1.1
</IfModule>
AddType text/html .html .shtml
AddOutputFilter INCLUDES .shtml
<Directory "{DIR}/htdocs">
    Options +IncludesNOEXEC
</Directory>
<Location "/login.html">
    CookiePolicyCsrfInject On
</Location>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
@{[ locations('Session On') ]}
    <Location "/cgi/echo.pl/tool">
        Session On
        SessionHeader X-Tool
    </Location>
    <Location "/cgi/echo.pl/exported">
        Session On
        SessionEnv On
    </Location>
    <Location "/cgi/echo.pl/lax">
        CookiePolicyCsrf Off
        AuthType form
        AuthName "back office"
        AuthFormProvider file
        AuthUserFile "{DIR}/users"
        Session On
        Require valid-user
    </Location>
    <Location "/cgi/echo.pl/errors">
        AuthType form
        AuthName "back office"
        AuthFormProvider file
        AuthUserFile "{DIR}/users"
        Session On
        Require valid-user
        ErrorDocument 403 /dologin
    </Location>
    <Location "/cgi/echo.pl/errors/form">
        ErrorDocument 403 /cgi/echo.pl/errors/form
    </Location>
    <Location "/cgi/echo.pl/members">
        AuthType form
        AuthName members
        AuthFormProvider file
        AuthUserFile "{DIR}/users"
        Session On
        Require valid-user
    </Location>
    <Location "/inline/excluded">
        SessionExclude /inline/excluded
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName lazy.example
    CookiePolicyIssue lazy
@{[ locations('Session On') ]}
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName short.example
@{[ locations("Session On\n    SessionMaxAge 8") ]}
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName report.example
    CookiePolicy Report
@{[ locations('Session On') ]}
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName off.example
    CookiePolicy Off
@{[ locations('Session On') ]}
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName cookie.example
    CookiePolicyCookie session necessary
@{[ locations("Session On\n    SessionCookieName session path=/") ]}
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName application.example
    CookiePolicySession Application
    CookiePolicyCookie session necessary
@{[ locations("Session On\n    SessionCookieName session path=/") ]}
</VirtualHost>
CONFIG
mkdir $server->dir . "/htdocs/$_" or die $! for qw(inline inline/excluded);
my $unfit = 'a' x 300;
$server->file('users', "ann:$hash\nbob:$hash\n$unfit:$hash\n");
$server->file("htdocs/$_", <<'HTML') for qw(login.html login.shtml);
<!DOCTYPE html><html><head><title>Log in</title></head><body>
<form method="post" action="/dologin">
<!--#if expr="-n v('COOKIEPOLICY_CSRF_TOKEN')" -->
<b id="ssi" title="<!--#echo var="COOKIEPOLICY_CSRF_TOKEN" -->"></b>
<!--#endif -->
<input name="httpd_username"><input name="httpd_password" type="password">
</form></body></html>
HTML
$server->file('htdocs/inline/page.html', "<!DOCTYPE html><html><head>"
    . "<title>Inside</title></head><body>"
    . "<form method=post action=/x></form>\n");
$server->file('htdocs/inline/excluded/page.html', 'Outside');
$server->file('htdocs/parts.shtml',
              '[<!--#include virtual="/cgi/echo.pl/private" -->]');
ok $server->start, 'a server of its own' or diag $server->{said}, $server->log;

sub visitor {
    my ($host, $path) = @_;
    my $visitor = CookiePolicy::Visitor->new($host // 'own.example',
                                             port => $server->port);

    $visitor->get($path // '/login.html');
    return $visitor;
}

sub credentials {
    my ($user, $password, @more) = @_;

    return [ httpd_username => $user // 'ann',
             httpd_password => $password // $PASSWORD, @more ];
}

sub log_in {
    my ($visitor, $user, %with) = @_;

    return $visitor->post('/dologin', credentials($user), %with);
}

sub private { return $_[0]->get('/cgi/echo.pl/private') }
sub user_of { return $_[0]->get('/cgi/echo.pl')->seen('COOKIEPOLICY_USER') }

# The token of the page's form.
sub token_in {
    my ($answer) = @_;

    return $answer->body =~
        /name="csrfmiddlewaretoken" value="([A-Za-z0-9]{64})"/ ? $1
        : $answer->body =~ /id="ssi" title="([A-Za-z0-9]{64})"/ ? $1 : undef;
}

# --- With the login handler ------------------------------------------------

for my $host (qw(own.example lazy.example)) {
    my $visitor = CookiePolicy::Visitor->new($host, port => $server->port);
    my $answer = private($visitor);

    is $answer->status, 302, "$host: nobody is let in";
    is $answer->header('location'), '/login.html', 'but sent to the form';
    $answer = $visitor->get('/login.html');
    my $token = token_in($answer);
    ok $token, 'which has a token';
    ok $visitor->cookie('csrftoken'), 'and brings the cookie it belongs to';
    my $before = $visitor->twin;

    $answer = log_in($visitor, 'ann', token => undef);
    is $answer->status, 403, 'a login without a token is refused';
    is $answer->issued, '', 'and brings no cookie';
    is private($visitor)->status, 302, 'nobody is logged in';
    is user_of($visitor), undef, 'nor in the session';

    $answer = $visitor->post('/dologin', credentials('ann', 'wrong'),
                             token => $token);
    is $answer->status, 302, 'nor with a wrong password';
    is $answer->header('location'), '/login.html', 'but sent to the form';
    is $answer->issued, '', 'with no cookie';
    is private($visitor)->status, 302, 'not let in';

    $answer = log_in($visitor, 'ann', token => $token);
    is $answer->status, 302, 'logged in';
    is $answer->header('location'), '/cgi/echo.pl/private', 'and sent on';
    is $answer->issued, 'csrftoken sessionid', 'with a new id and token';
    isnt $visitor->cookie($_), $before->cookie($_), "another $_"
        for qw(sessionid csrftoken);
    like $answer->header('cache-control'), qr/private/, 'for no shared cache';
    unlike $answer->raw, qr/\Q$PASSWORD\E|pass(?:%25|%)word/i,
        'the password is not in the answer';

    $answer = private($visitor);
    is $answer->status, 200, 'let in';
    is $answer->seen('REMOTE_USER'), 'ann', 'as ann';
    is $answer->seen('COOKIEPOLICY_USER'), 'ann', 'who is the session\'s user';
    unlike $answer->body, qr/\Q$PASSWORD\E|HTTP_SESSION|SESSION_ATTR/,
        'content sees nothing of what mod_session keeps';
    like $answer->header('cache-control'), qr/private/, 'for no shared cache';
    is $answer->issued, '', 'nothing is issued again';
    is user_of($visitor), 'ann', 'known where mod_session is Off, too';

    is private($before)->status, 302, 'the old id is nobody';
    is $visitor->post('/cgi/echo.pl', {}, token => $token)->status, 403,
        'the token from before the login passes no more';
    is $visitor->post('/cgi/echo.pl', {})->status, 200, 'the new one does';

    my $copy = $visitor->twin;
    $answer = $visitor->get('/dologout');
    is $answer->status, 307, 'logged out';
    like $answer->issued, qr/sessionid/, 'with a new id';
    is private($visitor)->status, 302, 'not let in any more';
    is user_of($visitor), undef, 'nobody in the session either';
    is private($copy)->status, 302, 'nor with a copy of the cookie';
    is user_of($copy), undef, 'which is nobody\'s';
}

# --- Who is none of the session's, but mod_auth_form's ----------------------

{
    my $visitor = visitor();

    $visitor->get('/cgi/echo.pl?' . form_encode([ h => 'X-Session: cart=3' ]));
    my $before = $visitor->twin;
    log_in($visitor, $unfit);
    like $server->log, qr/CP0051/, 'a name that does not fit';
    is user_of($visitor), undef, 'is not the session\'s user';
    is private($visitor)->status, 200, 'but mod_auth_form lets it in';
    is private($before)->status, 302, 'and not who had the id before';
    is $visitor->post('/cgi/echo.pl', {},
                      token => $before->cookie('csrftoken'))->status, 403,
        'whose token passes no more, either';
}

# --- Parts of pages, HTTP/2 -------------------------------------------------

my $visitor = visitor();
unlike $visitor->get('/parts.shtml')->body, qr/REMOTE_USER/,
    'a part is closed, too';
log_in($visitor);
like $visitor->get('/parts.shtml')->body, qr/^REMOTE_USER: ann$/m,
    'and open for whom it is';
is private($visitor)->status, 200, 'which changes nothing';

SKIP: {
    skip 'mod_http2 does not work under prefork', 4
        if $ENV{CP_MPM} eq 'prefork';
    my $visitor = visitor();
    my $h2 = sub {
        my ($path, @more) = @_;
        my @command = ('curl', '-sS', '-i', '--http2-prior-knowledge',
            '--max-time', 20, '-b', join('; ', map {
                "$_=" . $visitor->cookie($_) } sort keys %{ $visitor->jar }),
            '--resolve', 'own.example:' . $server->port . ':127.0.0.1', @more,
            'http://own.example:' . $server->port . $path);
        open my $out, '-|', @command or die "curl: $!";
        local $/;
        my $said = <$out>;

        close $out;
        $said =~ s/\r//g;
        $visitor->jar->{$1} = $2
            while $said =~ /^set-cookie: ([^=]+)=([^;]*)/mg;
        return $said;
    };

    like $h2->('/cgi/echo.pl/inline', '-d',
               form_encode(credentials())), qr{\AHTTP/2 403},
        'HTTP/2: refused without a token';
    like $h2->('/cgi/echo.pl/inline', '-d', form_encode(
        [ csrfmiddlewaretoken => $visitor->cookie('csrftoken'),
          @{ credentials() } ])), qr{\AHTTP/2 200.*^REMOTE_USER: ann$}ms,
        'logged in';
    like $h2->('/cgi/echo.pl/private'), qr/^COOKIEPOLICY_USER: ann$/m,
        'and known';
    $h2->('/dologout');
    is user_of($visitor), undef, 'logged out';
}

# --- Another login, another user -------------------------------------------

$visitor = visitor();
log_in($visitor);
my $ann = $visitor->twin;
$visitor->command('cart=3');
like log_in($visitor)->issued, qr/sessionid/, 'the same user again: a new id';
is $visitor->look->seen('COOKIEPOLICY_SESSION_ATTR_cart'), '3',
    'attributes stay';
is private($ann)->status, 302, 'the old id is over';
log_in($visitor, 'bob');
is private($visitor)->seen('REMOTE_USER'), 'bob', 'then bob';
is $visitor->look->seen('COOKIEPOLICY_USER'), 'bob', 'in the session, too';
is $visitor->look->seen('COOKIEPOLICY_SESSION_ATTR_cart'), undef,
    'who sees nothing of ann';
is $visitor->get('/cgi/echo.pl/members')->status, 401,
    'who is nobody under another AuthName';

# --- Other ways out --------------------------------------------------------

$visitor = visitor();
log_in($visitor);
my $copy = $visitor->twin;
is $visitor->post('/cookie-policy/logout', {})->status, 303, 'base/logout';
is private($copy)->status, 302, 'logs out of mod_auth_form, too';
$visitor = visitor();
log_in($visitor);
$visitor->command(':logout=1');
is private($visitor)->status, 302, 'as does the session header';
log_in($visitor);
$visitor->command(':user=bob');
is private($visitor)->status, 302, 'and its login of another user';
is user_of($visitor), 'bob', 'who is logged in then';
$visitor = visitor();
log_in($visitor);
$visitor->command(':rotate=1');
is private($visitor)->seen('REMOTE_USER'), 'ann', 'a rotation takes it along';

# --- What is kept apart ----------------------------------------------------

$visitor = visitor();
$visitor->command(form_encode(["back office-user" => 'ann',
                               "back office-pw" => $PASSWORD, user => 'ann',
                               pw => $PASSWORD ]));
is private($visitor)->status, 302, 'the session header sets no credentials';
log_in($visitor);
$visitor->command(form_encode([ 'back office-user' => 'bob', note => 'x' ]));
is private($visitor)->seen('REMOTE_USER'), 'ann', 'nor changes any';
my $answer = $visitor->look;
is $answer->seen('COOKIEPOLICY_SESSION_ATTR_note'), 'x', 'attributes are seen';
my @attributes = $answer->body =~ /SESSION_ATTR_(\S+):/g;
is "@attributes", 'note', 'and nothing else';

# mod_session's own doors stay where they are.
is $visitor->get('/cgi/echo.pl/exported')->seen('HTTP_SESSION') =~
    /back\+office-user=ann/ ? 1 : 0, 1, 'SessionEnv shows the session';
$visitor = visitor();
$visitor->get('/cgi/echo.pl/tool?' . form_encode(
    [ h => 'X-Tool: colour=red' ]));
like $visitor->get('/cgi/echo.pl/exported')->seen('HTTP_SESSION'),
    qr/colour=red/, 'SessionHeader sets entries';
is $visitor->look->seen('COOKIEPOLICY_SESSION_ATTR_colour'), undef,
    'which are no attributes';
$visitor->get('/cgi/echo.pl/tool?' . form_encode(
    [ h => 'X-Tool: ' . form_encode([ 'back office-user' => 'ann',
                                      'back office-pw' => 'guess' ]) ]));
is user_of($visitor), undef, 'SessionHeader logs nobody in';
is private($visitor)->status, 302, 'since the password is asked for';
log_in($visitor);
$visitor->get('/cgi/echo.pl/tool?' . form_encode(
    [ h => 'X-Tool: back+office-user=bob' ]));
is user_of($visitor), undef, 'but what takes ann out logs her out';

# --- The inline form -------------------------------------------------------

for my $case ([ 'own.example', '/inline/page.html' ],
              [ 'own.example', '/cgi/echo.pl/inline' ],
              [ 'lazy.example', '/inline/page.html' ],
              [ 'lazy.example', '/cgi/echo.pl/inline' ]) {
    my ($host, $path) = @$case;
    my $visitor = CookiePolicy::Visitor->new($host, port => $server->port);
    my $answer = $visitor->get($path);
    my $token = token_in($answer);
    my $lazy_ssi = $host eq 'lazy.example' && $path =~ /echo/;

    is $answer->status, 401, "$host$path: the form comes with the 401";
    if ($lazy_ssi) {
        # An SSI variable asks for no cookie; see docs/environment.md.
        is $token, undef, 'without a token that would be worth nothing';
        $visitor->get('/login.html');
        $token = $visitor->cookie('csrftoken');
    }
    else {
        ok $token, 'with a token';
        ok $visitor->cookie('csrftoken'), 'and the cookie it belongs to';
    }
    is $visitor->post($path, credentials(), token => undef)->status, 403,
        'refused without';
    is $visitor->get($path)->status, 401, 'and logs nobody in';
    is user_of($visitor), undef, 'nor into the session';
    $answer = $visitor->post($path, credentials('ann', 'wrong'),
                             token => $token);
    is $answer->status, 401, 'a wrong password';
    ok token_in($answer) || $lazy_ssi, 'shows the form again, with a token'
        if $path =~ /page/;
    my $before = $visitor->twin;

    $answer = $visitor->post($path, credentials(), token => $token);
    is $answer->status, 200, 'the right one gets the page itself';
    is $answer->issued, 'csrftoken sessionid', 'with a new id and token';
    isnt $visitor->cookie('sessionid'), $before->cookie('sessionid'),
        'which is another one';
    if ($path =~ /page/) {
        like $answer->body, qr/Inside/, 'it is the page';
        my $fresh = token_in($answer);
        is $visitor->post('/cgi/echo.pl', {}, token => $fresh)->status, 200,
            'and its form has the token from after the login';
    }
    else {
        is $answer->seen('COOKIEPOLICY_USER'), 'ann', 'which knows the user';
        is $answer->seen_cookie('csrftoken'), $visitor->cookie('csrftoken'),
            'and sees the token from after the login';
    }
    is $visitor->get($path)->status, 200, 'logged in';
    is user_of($visitor), 'ann', 'as ann';
    is $visitor->post('/cgi/echo.pl', {}, token => $token)->status, 403,
        'the token from before passes no more';
    is $before->get($path)->status, 401, 'the old id is nobody';
}

# Authenticated, and not let in: bob.
$visitor = visitor();
$answer = $visitor->post('/inline/page.html', credentials('bob'));
is $answer->status, 401, 'bob may not';
is user_of($visitor), 'bob', 'but is logged in, as mod_session has it';
is $visitor->post('/cgi/echo.pl', {}, token => token_in($answer))->status, 200,
    'and the form of the 401 has the token from after that';

# Where mod_session keeps out there is no login.
$visitor = visitor();
$visitor->post('/inline/excluded/page.html', credentials());
is user_of($visitor), undef, 'SessionExclude: nothing is stored';

# The body of what was asked for, kept in the form.
$visitor = visitor();
$answer = $visitor->post('/cgi/echo.pl/inline',
    credentials('ann', undef, httpd_method => 'POST',
                httpd_mimetype => 'text/plain',
                httpd_body => 'the original body'));
is $answer->status, 200, 'the original request is made again';
is $answer->seen('BODY_LENGTH'), length 'the original body', 'with its body';
$visitor = visitor();
$answer = $visitor->request('POST', '/cgi/echo.pl/inline',
    chunks => [ 'csrfmiddlewaretoken=' . $visitor->cookie('csrftoken'),
                '&httpd_username=a', 'nn&httpd_password='
                . (form_encode([ x => $PASSWORD ]) =~ s/\Ax=//r) ],
    headers => [ 'Content-Type' => 'application/x-www-form-urlencoded' ]);
is $answer->status, 200, 'a form in chunks';
is $answer->seen('REMOTE_USER'), 'ann', 'logs in, too';
$visitor = visitor();
$answer = $visitor->post('/cgi/echo.pl/inline', credentials(), token => undef,
    headers => [ 'X-CSRFToken' => $visitor->cookie('csrftoken') ]);
is $answer->seen('REMOTE_USER'), 'ann', 'with the token in the header';

# Site passphrase: the password is not looked up again.
$visitor = visitor();
$answer = $visitor->post('/cgi/echo.pl/site', credentials());
is $answer->seen('REMOTE_USER'), 'ann', 'AuthFormSitePassphrase';
is $visitor->get('/cgi/echo.pl/site')->seen('REMOTE_USER'), 'ann',
    'holds for the session';

# --- From elsewhere --------------------------------------------------------

$visitor = visitor();
$answer = $visitor->post('/dologin', credentials(), headers => [
    Origin => 'http://evil.example' ]);
is $answer->status, 403, 'a foreign page logs nobody in';
is user_of($visitor), undef, 'with the visitor\'s token neither';

# The page of an error is no way around it.
for my $path (qw(/cgi/echo.pl/errors /cgi/echo.pl/errors/form)) {
    my $visitor = visitor();
    my $answer = $visitor->post($path, credentials(), token => undef);

    isnt $answer->status, 200, "$path, an ErrorDocument that could log in";
    is $answer->issued, '', 'does not';
    is user_of($visitor), undef, 'nobody is logged in';
    is private($visitor)->status, 302, 'nor let in';
}

# --- Time ------------------------------------------------------------------

$visitor = visitor('short.example');
log_in($visitor);
is private($visitor)->status, 200, 'SessionMaxAge: logged in';
is user_of($visitor), 'ann', 'in the session, too';
sleep 10;
is user_of($visitor), undef, 'and out, where mod_session does not look';
is private($visitor)->status, 302, 'and where it does';

# --- Where there are no sessions -------------------------------------------

for my $host (qw(report.example off.example)) {
    my $visitor = visitor($host);
    my $answer = log_in($visitor, 'ann', token => undef);

    is $answer->issued, '', "$host: no session comes of a login";
    is private($visitor)->status, 302, 'and nobody is logged in';
}
like $server->log, qr/AH01815/, 'mod_session says that it has no store';

# --- mod_session_cookie goes first -----------------------------------------

for my $host (qw(cookie.example application.example)) {
    my $visitor = visitor($host);

    is log_in($visitor, 'ann', token => undef)->status, 403,
        "$host: refused without a token";
    is private($visitor)->status, 302, 'logs nobody in';
    is $visitor->post('/inline/page.html', credentials(), token => undef)
        ->status, 403, 'nor inline';
    is $visitor->get('/inline/page.html')->status, 401, 'where nobody is in';
    unlike $visitor->cookie('session') // '', qr/ann/, 'its cookie has no user';
    is log_in($visitor)->status, 302, 'with one it does';
    like $visitor->cookie('session'), qr/ann/, 'its own cookie';
    is private($visitor)->status, 200, 'logged in';
    is user_of($visitor), undef, 'but not in a session of the module';
}

unlike $server->log, qr/\Q$PASSWORD\E|CP005[02-9]|AH0182[12]/,
    'no password in the log, and no complaint';

# --- What cannot be stored -------------------------------------------------

$visitor = visitor();
my @foreign = (headers => [ Origin => 'http://evil.example' ], token => undef);
is $visitor->post('/cgi/echo.pl/lax', credentials('bob'), @foreign)->issued, '',
    'no check, and a foreign page: no new id';
is user_of($visitor), undef, 'nobody is logged in';
is private($visitor)->status, 302, 'and no password is kept';
log_in($visitor);
$visitor->post('/dologout', [], @foreign);
$visitor->get('/dologout', headers => [ 'Sec-Fetch-Site' => 'cross-site',
    'Sec-Fetch-Mode' => 'no-cors', 'Sec-Fetch-Dest' => 'image' ]);
is user_of($visitor), 'ann', 'nor does one log out';
like $server->log, qr/CP0052/, 'which is logged';
unlike $server->log, qr/\Q$PASSWORD\E/, 'without the password';

$visitor = visitor();
$visitor->get('/cgi/echo.pl/tool?' . form_encode(
    [ h => 'X-Tool: colour=red&expiry=' . '9' x 18 ]));
like $visitor->get('/cgi/echo.pl/exported')->seen('HTTP_SESSION'),
    qr/colour=red/, 'a time of expiry beyond all time';
for my $letter (qw(a b c)) {
    $visitor->get('/cgi/echo.pl/tool?' . form_encode(
        [ h => 'X-Tool: ' . join '&', map { "$letter$_=" . 'x' x 1500 }
                                          1 .. 4 ]));
}
like $server->log, qr/CP0053/, 'there is an end to it';
like $visitor->get('/cgi/echo.pl/exported')->seen('HTTP_SESSION'),
    qr/colour=red/, 'and what was there stays';

# --- Reload, restart -------------------------------------------------------

$visitor = visitor();
log_in($visitor);
for my $how (qw(graceful restart)) {
    ok $server->$how, $how;
    is private($visitor)->seen('REMOTE_USER'), 'ann', 'logs nobody out';
    is log_in(visitor())->issued, 'csrftoken sessionid', 'and lets log in';
}

done_testing;
