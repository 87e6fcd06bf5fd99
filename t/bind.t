# CookiePolicySessionBind: whom httpd authenticates is the session's user.
use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;

use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $modules = join '', map {
    "LoadModule ${_}_module " . CookiePolicy::Server::module_file($_) . "\n"
} qw(auth_digest);
my $tls = CookiePolicy::Server::free_port();

# What each host has below /cgi/echo.pl.
my $locations = <<'LOCATIONS';
    <LocationMatch "^/(cgi/echo\.pl/)?basic">
        AuthType Basic
        AuthName staff
        AuthUserFile "{DIR}/users"
        Require valid-user
    </LocationMatch>
    <Location "/cgi/echo.pl/members">
        AuthType Basic
        AuthName members
        AuthUserFile "{DIR}/users"
        Require valid-user
    </Location>
    <Location "/cgi/echo.pl/either">
        AuthType Basic
        AuthName staff
        AuthUserFile "{DIR}/users"
        Require valid-user
        Require ip 127.0.0.1
    </Location>
    <Location "/cgi/echo.pl/soft">
        AuthType Basic
        AuthName staff
        AuthUserFile "{DIR}/users"
        AuthBasicAuthoritative Off
        Require valid-user
        ErrorDocument 401 /cgi/echo.pl/soft
        ErrorDocument 500 /cgi/echo.pl/soft
    </Location>
    <Location "/cgi/echo.pl/unauthorized">
        AuthType Basic
        AuthName staff
        AuthUserFile "{DIR}/users"
        Require user carol
    </Location>
    <Location "/cgi/echo.pl/digest">
        AuthType Digest
        AuthName staff
        AuthDigestDomain /
        AuthUserFile "{DIR}/digests"
        Require valid-user
    </Location>
LOCATIONS
my $server = CookiePolicy::Server->new(config => $modules . <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session login
<Location "/status">
    SetHandler cookiepolicy-status
</Location>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
    CookiePolicySessionBind On
    RewriteEngine On
    RewriteRule ^/rewritten\$ /cgi/echo.pl/basic [PT]
    <Directory "{DIR}/htdocs/tenant">
        AllowOverride AuthConfig
    </Directory>
    <Directory "{DIR}/htdocs/trusted">
        AllowOverride AuthConfig
        CookiePolicyAllowOverride Session
    </Directory>
    <Directory "{DIR}/htdocs/basic">
        AllowOverride FileInfo
    </Directory>
$locations
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName lazy.example
    CookiePolicySessionBind On
    CookiePolicyIssue lazy
$locations
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName unbound.example
$locations
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName application.example
    CookiePolicySessionBind On
    CookiePolicySession Application
$locations
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName report.example
    CookiePolicySessionBind On
    CookiePolicy Report
$locations
</VirtualHost>
Listen 127.0.0.1:$tls
SSLSessionCache none
<VirtualHost 127.0.0.1:$tls>
    ServerName own.example
    CookiePolicySessionBind On
    SSLEngine On
    SSLCertificateFile "{DIR}/ann.pem"
    SSLCACertificateFile "{DIR}/ann.pem"
    SSLVerifyClient optional
    SSLUserName SSL_CLIENT_S_DN_CN
    <Location "/cgi/echo.pl/fake">
        SSLOptions +FakeBasicAuth
        SSLUserName None
        AuthType Basic
        AuthName staff
        AuthUserFile "{DIR}/users"
        Require valid-user
    </Location>
</VirtualHost>
CONFIG
mkdir $server->dir . "/htdocs/$_" or die $! for qw(basic tenant trusted);
# The password of all is "secret"; the one of a certificate's name is what
# mod_ssl says it must be.
my $hash = '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=';
$server->file('users', join '', map { "$_:$hash\n" } qw(ann bob),
              'x' x 256);
$server->file('htdocs/basic/index.html', 'An index.');
$server->file('htdocs/basic/.htaccess', "SetEnv HARMLESS yes\n");
for my $dir (qw(tenant trusted)) {
    $server->file("htdocs/$dir/page.html", 'A tenant.');
    $server->file("htdocs/$dir/.htaccess",
                  "AuthType Basic\nAuthName staff\nAuthUserFile "
                  . $server->dir . "/users\nRequire valid-user\n");
}
$server->file('digests', join '', map {
    require Digest::MD5;
    "$_:staff:" . Digest::MD5::md5_hex("$_:staff:secret") . "\n"
} qw(ann bob));
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ann"
       . " -keyout $server->{dir}/ann.key -out $server->{dir}/ann.crt"
       . " >/dev/null 2>&1 && cat $server->{dir}/ann.key"
       . " $server->{dir}/ann.crt > $server->{dir}/ann.pem") == 0
    or die "openssl makes no certificate\n";
chmod 0644, "$server->{dir}/ann.pem";
{
    open my $users, '>>', "$server->{dir}/users" or die $!;
    print $users "CN=ann:$hash\n/CN=ann:xxj31ZMTZzkVA\n";
    close $users;
}
ok $server->start, 'a server of its own' or diag $server->{said}, $server->log;

sub basic {
    my ($user, $password) = @_;

    return (Authorization => 'Basic '
            . encode_base64("$user:" . ($password // 'secret'), ''));
}

sub newcomer {
    return CookiePolicy::Visitor->new($_[0] // 'own.example',
                                      port => $server->port);
}

sub visitor {
    my ($host) = @_;
    my $visitor = newcomer($host);

    $visitor->get('/index.html');
    return $visitor;
}

sub get {
    my ($visitor, $place, @headers) = @_;

    return $visitor->get("/cgi/echo.pl/$place", headers => [@headers]);
}

sub user_of { return $_[0]->look->seen('COOKIEPOLICY_USER') }

sub sessions {
    my $answer = fetch(host => 'own.example', port => $server->port,
                       path => '/status?json');
    my ($count) = $answer->body =~ /"sessions_logged_in"[^0-9]*([0-9]+)/
        or die 'no figure: ' . $answer->body;

    return $count;
}

# --- Basic -----------------------------------------------------------------

my $visitor = visitor();
my $before = $visitor->twin;
my $answer = get($visitor, 'basic', basic('ann'));
is $answer->status, 200, 'ann is let in';
is $answer->issued, 'csrftoken sessionid', 'which draws id and token';
is $answer->seen('COOKIEPOLICY_USER'), 'ann', 'known in that very request';
is $answer->seen_cookie('csrftoken'), $visitor->cookie('csrftoken'),
    'whose content sees the new token';
is user_of($visitor), 'ann', 'and without a password from then on';
is user_of($before), undef, 'not under the old id';
$visitor->command('cart=3');
my $sessions = sessions();
is get($visitor, 'basic', basic('ann'))->issued, '', 'once, not each time'
    for 1 .. 3;
is sessions(), $sessions, 'and in one session';
is $visitor->look->seen('COOKIEPOLICY_SESSION_ATTR_cart'), '3',
    'attributes stay';
is get($visitor, 'basic')->status, 401, 'a request without a password';
is user_of($visitor), 'ann', 'does not log out';
is get($visitor, 'basic', basic('ann', 'wrong'))->status, 401,
    'nor does one with a wrong one';
is user_of($visitor), 'ann', 'the session stays';

my $ann = $visitor->twin;
like get($visitor, 'basic', basic('bob'))->issued, qr/sessionid/,
    'another user logs in anew';
$answer = $visitor->look;
is $answer->seen('COOKIEPOLICY_USER'), 'bob', 'as that one';
is $answer->seen('COOKIEPOLICY_SESSION_ATTR_cart'), undef,
    'who sees nothing of ann';
is user_of($ann), undef, 'whose id is over';
like get($visitor, 'members', basic('bob'))->issued, qr/sessionid/,
    'bob under another AuthName is another one';

$visitor->post('/cookie-policy/logout', {});
is user_of($visitor), undef, 'a logout logs out';

# --- Whoever is not authenticated ------------------------------------------

for my $case ([ 'basic', 'a wrong password', basic('ann', 'wrong') ],
              [ 'basic', 'an unknown user', basic('eve') ],
              [ 'plain', 'no password asked for', basic('ann') ],
              [ 'either', 'let in by address', basic('ann', 'wrong') ],
              [ 'soft', 'a module that is not authoritative',
                basic('eve') ],
              [ 'soft', 'an error page that the same rule guards',
                basic('ann', 'wrong') ]) {
    my ($place, $what, @headers) = @$case;
    my $visitor = visitor();

    get($visitor, $place, @headers) for 1, 2;
    is user_of($visitor), undef, $what;
}
$visitor = visitor();
is get($visitor, 'unauthorized', basic('ann'))->status, 401,
    'ann may not go there';
is user_of($visitor), 'ann', 'but it is she';
$visitor = visitor();
is get($visitor, 'basic', basic('x' x 256))->status, 200, 'a very long name';
is user_of($visitor), undef, 'has no place in a session';
like $server->log, qr/CP0051/, 'which is logged';

# --- Where the answer may not carry a session ------------------------------

$visitor = newcomer();
is get($visitor, 'basic', basic('ann'))->seen('COOKIEPOLICY_USER'), undef,
    'a newcomer gets a session first';
is get($visitor, 'basic', basic('ann'))->seen('COOKIEPOLICY_USER'), 'ann',
    'and is bound when he brings it back';
$sessions = sessions();
is get(newcomer(), 'basic', basic('ann'))->status, 200,
    'a client without cookies' for 1 .. 5;
is sessions(), $sessions, 'takes no memory';

for my $case (
    [ 'from another site', 'Sec-Fetch-Site' => 'cross-site',
      'Sec-Fetch-Mode' => 'no-cors', 'Sec-Fetch-Dest' => 'image' ],
    [ 'an image of a page', 'Sec-Fetch-Site' => 'same-origin',
      'Sec-Fetch-Mode' => 'no-cors', 'Sec-Fetch-Dest' => 'image' ],
    [ 'a script\'s request', 'Sec-Fetch-Site' => 'same-origin',
      'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty' ],
    [ 'in a frame', 'Sec-Fetch-Site' => 'same-origin',
      'Sec-Fetch-Dest' => 'iframe' ],
    [ 'a prefetch', 'Sec-Purpose' => 'prefetch' ],
) {
    my ($what, @headers) = @$case;
    my $visitor = visitor();
    my $answer = get($visitor, 'basic', basic('ann'), @headers);

    is $answer->issued, '', "$what: no cookie";
    is $answer->seen('COOKIEPOLICY_USER'), undef, 'and no user';
    is user_of($visitor), undef, 'nothing is stored';
}
$visitor = visitor();
is $visitor->post('/cgi/echo.pl/basic', {}, token => undef,
                  headers => [ basic('ann') ])->status, 403,
    'a POST that is refused';
is user_of($visitor), undef, 'binds nobody';
is $visitor->post('/cgi/echo.pl/basic', {}, headers => [ basic('ann') ])
    ->seen('COOKIEPOLICY_USER'), 'ann', 'one that passes does';

# --- Ways that a request takes ---------------------------------------------

for my $path (qw(/basic/ /rewritten)) {
    my $visitor = visitor();

    is $visitor->get($path, headers => [ basic('ann') ])->status, 200, $path;
    is user_of($visitor), 'ann', 'binds as well';
}
$visitor = newcomer('lazy.example');
get($visitor, 'basic', basic('ann')) for 1, 2;
is user_of($visitor), 'ann', 'with CookiePolicyIssue lazy as well';

for my $host (qw(unbound.example application.example report.example)) {
    my $visitor = newcomer($host);

    get($visitor, 'basic', basic('ann')) for 1 .. 3;
    is user_of($visitor), undef, "$host: nobody";
}

# --- .htaccess -------------------------------------------------------------

$visitor = visitor();
is $visitor->get('/tenant/page.html', headers => [ basic('ann') ])->status,
    200, 'a list of users in .htaccess';
is user_of($visitor), undef, 'says nothing of who is who';
like $server->log, qr/CP0050/, 'which is logged';
is $visitor->get('/trusted/page.html', headers => [ basic('ann') ])->status,
    200, 'with CookiePolicyAllowOverride Session';
is user_of($visitor), 'ann', 'it does';

# --- Digest, and certificates ----------------------------------------------

sub digest {
    my ($visitor, $user) = @_;
    my $path = '/cgi/echo.pl/digest';
    my ($nonce) = get($visitor, 'digest')->header('www-authenticate')
        =~ /nonce="([^"]+)"/;
    my $middle = ":$nonce:00000001:c:auth:";
    my $response = Digest::MD5::md5_hex(
        Digest::MD5::md5_hex("$user:staff:secret") . $middle
        . Digest::MD5::md5_hex("GET:$path"));

    return get($visitor, 'digest', Authorization => qq(Digest username="$user",)
        . qq( realm="staff", nonce="$nonce", uri="$path", algorithm=MD5,)
        . qq( response="$response", qop=auth, nc=00000001, cnonce="c"));
}
$visitor = visitor();
is digest($visitor, 'ann')->seen('COOKIEPOLICY_USER'), 'ann', 'Digest';
is user_of($visitor), 'ann', 'stays';
is digest($visitor, 'bob')->seen('COOKIEPOLICY_USER'), 'bob',
    'another user of it';

for my $place ('', '/fake') {
    my %with = (port => $tls, tls => 1,
                certificate => "$server->{dir}/ann.pem");
    my $visitor = CookiePolicy::Visitor->new('own.example', %with);
    my $name = $place ? '/CN=ann|CN=ann' : 'ann';

    $visitor->get('/index.html');
    my $answer = $visitor->get("/cgi/echo.pl$place");
    is $answer->status, 200, "a certificate$place";
    like $answer->seen('COOKIEPOLICY_USER'), qr/\A(?:$name)\z/, 'binds';
    is $visitor->get("/cgi/echo.pl$place")->issued, '', 'once';
    my $without = CookiePolicy::Visitor->new('own.example', port => $tls,
                                             tls => 1);
    $without->{jar} = { %{ $visitor->jar } };
    like $without->look->seen('COOKIEPOLICY_USER'), qr/\A(?:$name)\z/,
        'a request without it does not log out' unless $place;
    $without = CookiePolicy::Visitor->new('own.example', port => $tls,
                                          tls => 1);
    $without->get('/index.html');
    is user_of($without), undef, 'who has none is nobody';
}

# --- At start --------------------------------------------------------------

for my $bad ('Perhaps', '') {
    $server->configure("CookiePolicy On\nCookiePolicyStateDir {STATE}\n"
                       . "CookiePolicySessionStore shm:1M\n"
                       . "CookiePolicySessionBind $bad\n");
    my ($good, $said) = $server->check;

    ok !$good, "refused: '$bad'";
    like $said, qr/CookiePolicySessionBind/, 'and says what';
}

done_testing;
