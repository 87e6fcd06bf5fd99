# Require session-user and session-age: who is let in, and that no cache opens
# a door to somebody else.
use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;

use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my @PLACES = qw(any ann list quoted expr none age young either both not basic staff
                members plain htaccess);
my $modules = join '', map {
    "LoadModule ${_}_module " . CookiePolicy::Server::module_file($_) . "\n"
} qw(request session auth_form);
my $server = CookiePolicy::Server->new(config => $modules . <<'CONFIG');
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session login
CookiePolicyIssue lazy
AddType text/html .html .shtml
AddOutputFilter INCLUDES .shtml
LogFormat "%U %u" user
CustomLog "{DIR}/logs/access" user
<Directory "{DIR}/htdocs">
    AllowOverride All
    Options +IncludesNOEXEC
</Directory>
<LocationMatch "^(/cgi/echo\.pl)?/any">
    Require session-user
</LocationMatch>
<Location "/ann">
    Require session-user ann
</Location>
<Location "/list">
    Require session-user bob ann
</Location>
<Location "/quoted">
    Require session-user "ann smith" carol
</Location>
<Location "/expr">
    Require session-user %{HTTP:X-Owner}
</Location>
<Location "/none">
    Require session-user ann%{HTTP:X-Owner}x
</Location>
<Location "/age">
    Require session-age 5m
</Location>
<Location "/young">
    Require session-age 8s
</Location>
<Location "/either">
    AuthType Basic
    AuthName staff
    AuthUserFile "{DIR}/users"
    <RequireAny>
        Require session-user ann
        Require valid-user
    </RequireAny>
</Location>
<LocationMatch "^(/cgi/echo\.pl)?/both">
    AuthType Basic
    AuthName staff
    AuthUserFile "{DIR}/users"
    <RequireAll>
        Require session-user ann
        Require valid-user
    </RequireAll>
</LocationMatch>
<Location "/not">
    <RequireAll>
        Require all granted
        Require not session-user ann
    </RequireAll>
</Location>
<LocationMatch "^(/cgi/echo\.pl)?/basic">
    AuthType Basic
    AuthName staff
    AuthUserFile "{DIR}/users"
    Require session-user ann
</LocationMatch>
<Location "/staff">
    AuthName staff
    Require session-user ann
</Location>
<Location "/members">
    AuthName members
    Require session-user ann
</Location>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName bound.example
    CookiePolicySessionBind On
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName form.example
    <Location "/dologin">
        AuthType form
        AuthName staff
        AuthFormProvider file
        AuthUserFile "{DIR}/users"
        Session On
        SetHandler form-login-handler
        AuthFormLoginSuccessLocation /plain/page.html
        Require all granted
    </Location>
    <LocationMatch "^/cgi/echo.pl/(form|fresh)">
        AuthType form
        AuthName staff
        AuthFormProvider file
        AuthUserFile "{DIR}/users"
        Session On
        Require session-user ann
    </LocationMatch>
    <Location "/cgi/echo.pl/fresh">
        Require session-age 8s
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName off.example
    CookiePolicy Off
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName report.example
    CookiePolicy Report
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName application.example
    CookiePolicySession Application
</VirtualHost>
{CACHING}
CONFIG
for my $place (@PLACES) {
    mkdir $server->dir . "/htdocs/$place" or die $!;
    $server->file("htdocs/$place/page.html", "<title>$place</title>\n");
}
$server->file('htdocs/any/index.html', '<title>index</title>');
$server->file('htdocs/include.shtml',
              '[<!--#include virtual="/ann/page.html" -->]');
$server->file('htdocs/htaccess/.htaccess', "Require session-user ann\n");
# The password is "secret".
$server->file('users', join '', map {
    "$_:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n" } qw(ann bob));
ok $server->start, 'a server of its own' or diag $server->{said}, $server->log;

my @key = (Authorization => 'Basic ' . encode_base64('ann:secret', ''));

sub get {
    my ($visitor, $path, @headers) = @_;

    return $visitor->get($path, headers => [@headers]);
}

sub newcomer {
    return CookiePolicy::Visitor->new($_[0] // 'own.example',
                                      port => $server->port);
}

# Somebody whom the application logged in.
sub visitor {
    my ($user, $host) = @_;
    my $visitor = newcomer($host);

    $visitor->get('/plain/page.html');
    $visitor->command(":user=$user") if defined $user;
    return $visitor;
}

my @who = map { visitor($_) } undef, 'ann', 'bob', 'ann smith';

#   place       nobody ann  bob  ann smith
for my $case (
    [ any      => 403, 200, 200, 200 ],
    [ ann      => 403, 200, 403, 403 ],
    [ list     => 403, 200, 200, 403 ],
    [ quoted   => 403, 403, 403, 200 ],
    [ expr     => 403, 403, 403, 403 ],
    [ expr     => 403, 200, 403, 403, 'X-Owner' => 'ann' ],
    [ expr     => 403, 200, 200, 403, 'X-Owner' => 'bob ann' ],
    [ none     => 403, 403, 403, 403 ],
    [ age      => 403, 200, 200, 200 ],
    [ either   => 401, 200, 401, 401 ],
    [ either   => 200, 200, 200, 200, @key ],
    [ both     => 403, 401, 403, 403 ],
    [ both     => 403, 200, 403, 403, @key ],
    [ not      => 200, 403, 200, 200 ],
    [ basic    => 403, 200, 403, 403 ],
    [ staff    => 403, 200, 403, 403 ],
    [ members  => 403, 200, 403, 403 ],
    [ plain    => 200, 200, 200, 200 ],
    [ htaccess => 403, 200, 403, 403 ],
) {
    my ($place, @expected) = @$case;
    my @headers = splice @expected, 4;
    my @got = map { get($_, "/$place/page.html", @headers)->status } @who;

    is "@got", "@expected", "$place" . (@headers ? " with $headers[0]" : '');
}

# --- The user of the request -----------------------------------------------

my ($nobody, $ann) = @who;
my $answer = get($ann, '/cgi/echo.pl/any');
is $answer->seen('REMOTE_USER'), 'ann', 'REMOTE_USER is the session\'s user';
is $answer->seen('AUTH_TYPE'), undef, 'of no AuthType';
is get($ann, '/cgi/echo.pl')->seen('REMOTE_USER'), undef,
    'where it is not required it is not set';
is get($ann, '/cgi/echo.pl/both', @key)->seen('AUTH_TYPE'), 'Basic',
    'a user whom httpd authenticated stays';
is get($ann, '/any/')->status, 200, 'an index';
my $logged = do {
    open my $in, '<', $server->dir . '/logs/access' or die $!;
    local $/;
    <$in>;
};
like $logged, qr{^/any/\S* ann$}m, 'the access log has the user';
unlike $logged, qr{^/plain\S* (?!-)}m, 'where it is required';
unlike $logged, qr{^/not\S* (?!-)}m, 'and only where that let in';

# --- With authentication that binds ----------------------------------------

my $visitor = visitor(undef, 'bound.example');
is get($visitor, '/basic/page.html')->status, 401,
    'bound: asked for a password';
is get($visitor, '/cgi/echo.pl/basic', @key)->status, 401,
    'who has no session yet is not let in at once';
is get($visitor, '/basic/page.html', @key)->status, 200, 'then let in';
is get($visitor, '/basic/page.html')->status, 200, 'by the session';
is get($visitor, '/staff/page.html')->status, 200, 'also under that AuthName';
is get($visitor, '/members/page.html')->status, 403, 'not under another';
is get($visitor, '/ann/page.html')->status, 200, 'nor need there be one';
is get(visitor(undef, 'own.example'), '/basic/page.html', @key)->status, 403,
    'where nothing binds a password does not help';

$visitor = newcomer('form.example');
is get($visitor, '/cgi/echo.pl/form')->status, 401, 'form: asked';
$visitor->get('/cookie-policy/csrf');
my @form = (httpd_username => 'ann', httpd_password => 'secret');
$answer = $visitor->post('/cgi/echo.pl/form', [@form]);
is $answer->status, 200, 'and let in by the very form';
is $answer->seen('COOKIEPOLICY_USER'), 'ann', 'as ann';
is get($visitor, '/members/page.html')->status, 403, 'not elsewhere';
is get($visitor, '/staff/page.html')->status, 200, 'but there';
is $visitor->post('/dologin', [@form])->status, 302, 'a login by the handler';

# --- Time ------------------------------------------------------------------

my $old = visitor('ann');
is get($old, '/young/page.html')->status, 200, 'just logged in';
is $visitor->post('/dologin', [@form])->status, 302, 'and by a form';
is get($visitor, '/cgi/echo.pl/fresh')->status, 200, 'let in';
sleep 10;
is get($old, '/young/page.html')->status, 403, 'too long ago';
is get($old, '/ann/page.html')->status, 200, 'but logged in all the same';
is get($visitor, '/cgi/echo.pl/fresh')->status, 401, 'by a form, too';
$old->command('note=1');
is get($old, '/young/page.html')->status, 403, 'what is stored is no login';
$old->command(':rotate=1');
is get($old, '/young/page.html')->status, 403, 'nor is a new id';
$old->command(':user=ann');
is get($old, '/young/page.html')->status, 200, 'the same user\'s login is';
is $visitor->post('/dologin', [@form])->status, 302, 'and that of a form';
is get($visitor, '/cgi/echo.pl/fresh')->status, 200, 'which is new';

# --- Where there are no sessions -------------------------------------------

for my $host (qw(off.example report.example application.example)) {
    my $visitor = newcomer($host);

    $visitor->{jar} = { %{ $ann->jar } };
    is get($visitor, '/any/page.html')->status, 403, "$host: nobody";
    is get($visitor, '/age/page.html')->status, 403, 'of any age';
    is get($visitor, '/plain/page.html')->status, 200, 'the rest is open';
}
like $server->log, qr/CP0055/, 'which is logged';
for my $jar ({}, { sessionid => 'x' x 48 },
             { sessionid => visitor('ann', 'bound.example')
                            ->cookie('sessionid') }) {
    my $visitor = newcomer();

    $visitor->{jar} = $jar;
    is get($visitor, '/any/page.html')->status, 403, 'no session of this host';
}

# --- Caches ----------------------------------------------------------------

like get($ann, '/ann/page.html')->header('cache-control'), qr/private/,
    'what a session opened is for no shared cache';
like get($nobody, '/ann/page.html')->header('cache-control') // '',
    qr/private|no-store/, 'nor is what was closed';
is get($ann, '/plain/page.html')->header('cache-control'), undef,
    'where none is asked for the answer is for all';
like get($ann, '/include.shtml')->body, qr/\[<title>ann/,
    'included for whom it is';
unlike get($nobody, '/include.shtml')->body, qr/<title>ann/, 'and no other';
like get($ann, '/include.shtml')->header('cache-control'), qr/private/,
    'in a page that is private then';

for my $host (qw(quick.example normal.example)) {
    my ($yes, $no) = (visitor('ann', $host), visitor('bob', $host));

    get($yes, '/plain/page.html');
    like get($yes, '/plain/page.html')->header('x-cache') // '', qr/^HIT/,
        "$host: there is a cache";
    for my $round (1, 2) {
        my $open = get($yes, '/ann/page.html');

        is $open->status, 200, "$host: let in";
        unlike $open->header('x-cache') // '', qr/^HIT/, 'and not stored';
        is get($no, '/ann/page.html')->status, 403, 'refused';
        is get(newcomer($host), '/ann/page.html')->status, 403, 'nobody';
    }
    is get($yes, '/ann/page.html')->status, 200,
        "$host: a refusal is not stored either";
}

# --- At start --------------------------------------------------------------

sub configured {
    my ($require) = @_;

    $server->configure("CookiePolicy On\nCookiePolicyStateDir {STATE}\n"
                       . "CookiePolicySessionStore shm:1M\n"
                       . "<Location /x>\n$require\n</Location>\n");
    return $server->check;
}

for my $bad ('session-age', 'session-age 0', 'session-age soon',
             'session-age -1', 'session-age 10m 5m', 'session-age 9999999999d',
             'session-user %{HTTP:X') {
    my ($good, $said) = configured("Require $bad");

    ok !$good, "refused: $bad";
    like $said, qr/after session-(?:age|user)/, 'and says what is allowed';
}
for my $good ('session-user', 'session-user ann "b c"', 'session-age 10m',
              'session-age "10 minutes"', 'session-age 400d') {
    my ($well, $said) = configured("Require $good");

    ok $well, "taken: $good" or diag $said;
}

done_testing;
