# The token is read out of the body before anything runs; whatever runs then
# reads exactly the bytes that the client sent.
use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use IO::Compress::Gzip qw(gzip);
use IO::Socket::INET ();
use Test::More;

use CookiePolicy::Client qw(exchange form_encode);
use CookiePolicy::FastCgi ();
use CookiePolicy::Response ();
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $fcgi = CookiePolicy::FastCgi->new;
my $modules = join '', map {
    "LoadModule ${_}_module " . CookiePolicy::Server::module_file($_) . "\n"
} qw(proxy_fcgi dav dav_fs lua request ext_filter session session_cookie
     auth_form);
my $server = CookiePolicy::Server->new(config => <<"CONFIG");
$modules
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyUndeclared allow
DavLockDB {DIR}/dav/.lock
ProxyPass /proxied/ http://127.0.0.1:$ENV{CP_BACKEND_PORT}/cgi/ retry=0
ProxyPass /chunked/ http://127.0.0.1:$ENV{CP_BACKEND_PORT}/cgi/ retry=0
ProxyPass /fcgi/ fcgi://127.0.0.1:@{[ $fcgi->port ]}/ retry=0
<Location /chunked>
    SetEnv proxy-sendchunked 1
</Location>
ExtFilterDefine shout mode=input cmd="/usr/bin/tr a-z A-Z"
<Location /inflated>
    SetInputFilter DEFLATE
</Location>
<Location /shouted>
    SetInputFilter shout
</Location>
ScriptAlias /inflated/ "$ENV{CP_CGI}/"
ScriptAlias /shouted/ "$ENV{CP_CGI}/"
<Directory "{DIR}/htdocs">
    Options +Includes
    AddType text/html .shtml
    AddOutputFilter INCLUDES .shtml
    AddHandler lua-script .lua
</Directory>
<Location /kept>
    KeptBodySize 1000000
</Location>
<Directory "{DIR}/htdocs/rewritten">
    RewriteEngine On
    RewriteRule ^form\$ /cgi/echo.pl
</Directory>
<Directory "{DIR}/htdocs/reported">
    CookiePolicy Report
    RewriteEngine On
    RewriteRule ^form\$ /cgi/echo.pl
</Directory>
<Directory "{DIR}/htdocs/indexed">
    DirectoryIndex /cgi/echo.pl
</Directory>
<Directory "{DIR}/htdocs/indexed-off">
    CookiePolicy Off
    DirectoryIndex /cgi/echo.pl
</Directory>
<Directory "{DIR}/htdocs/indexed-report">
    CookiePolicy Report
    DirectoryIndex /cgi/echo.pl
</Directory>
<Directory "{DIR}/htdocs/fallback">
    CookiePolicy Off
    FallbackResource /cgi/echo.pl
</Directory>
<Location /denied>
    Require all denied
</Location>
<Location /secret>
    AuthType form
    AuthName secret
    AuthFormProvider file
    AuthUserFile {DIR}/users
    Session On
    SessionCookieName inside path=/
    Require valid-user
</Location>
ErrorDocument 404 /cgi/echo.pl
RedirectMatch 404 ^/early\$
Alias /dav {DIR}/dav
<Directory {DIR}/dav>
    Dav On
    Require all granted
</Directory>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName refused.example
    ErrorDocument 403 /cgi/echo.pl
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName fcgi.example
    ErrorDocument 403 /fcgi/x
</VirtualHost>
CONFIG
mkdir $server->dir . "/$_" or die "$_: $!"
    for qw(dav htdocs/kept htdocs/rewritten htdocs/reported
              htdocs/indexed htdocs/indexed-off htdocs/indexed-report
              htdocs/fallback htdocs/secret);
$server->file('htdocs/deaf.lua', <<'LUA');
function handle(r)
    r:puts("Not listening.\n")
    return apache2.OK
end
LUA
$server->file('htdocs/kept/page.shtml',
              qq(<!--#include virtual="/cgi/echo.pl" -->\n));
$server->file('htdocs/secret/index.html', "A secret.\n");
$server->file('users', "ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
$server->file('htdocs/body.lua', <<'LUA');
function handle(r)
    local body = r:requestbody()
    r.content_type = "text/plain"
    r:puts("BODY_LENGTH: " .. #body .. "\nBODY_SHA1: " .. r:sha1(body) .. "\n")
    return apache2.OK
end
LUA
$server->file('htdocs/form.lua', <<'LUA');
function handle(r)
    local form = r:parsebody()
    r.content_type = "text/plain"
    for name, value in pairs(form) do
        r:puts(name .. ": " .. value .. "\n")
    end
    return apache2.OK
end
LUA
ok $server->start, 'a server of its own' or diag $server->log;

my $visitor = visitor('own.example');
my $TOKEN = $visitor->cookie('csrftoken');
my @FORM = ('Content-Type' => 'application/x-www-form-urlencoded');
my @PARTS = ('Content-Type' => 'multipart/form-data; boundary=b');
my @HEADER = ('X-CSRFToken' => $TOKEN);
my $field = form_encode([ csrfmiddlewaretoken => $TOKEN ]);
my $part = "--b\r\nContent-Disposition: form-data; name=";
my $token_part = "$part\"csrfmiddlewaretoken\"\r\n\r\n$TOKEN\r\n";
my $file_part = "$part\"f\"; filename=\"a\"\r\n\r\n" . "\0\xff\r\n--a" x 50_000;
my %bodies = (
    'a form' => [ "a=1&$field&b=2", @FORM ],
    'a long form' => [ "$field&" . join('&', map { "f$_=" . 'v' x 90 }
                                             1 .. 2000), @FORM ],
    'a form with files' => [ "$token_part$file_part\r\n--b--\r\n", @PARTS ],
);

sub visitor {
    my $visitor = CookiePolicy::Visitor->new($_[0], port => $server->port);

    $visitor->get('/');
    return $visitor;
}

sub ways {
    my ($body) = @_;

    return ([ 'by length', body => $body ],
            [ 'in pieces', pieces => [ unpack '(a61000)*', $body ] ],
            [ 'in chunks', chunks => [ unpack '(a30000)*', $body ] ]);
}

sub gets {
    my ($answer, $body, $what) = @_;

    is $answer->status, 200, "$what: passes";
    is $answer->seen('BODY_LENGTH'), length $body, "$what: all of the body";
    is $answer->seen('BODY_SHA1'), sha1_hex($body), "$what: unchanged";
    return;
}

# --- Handlers, filters, internal redirects ------------------------------------

my %handlers = (
    'CGI' => '/cgi/echo.pl', 'mod_proxy_http' => '/proxied/echo.pl',
    'mod_proxy_http, chunked' => '/chunked/echo.pl',
    'mod_proxy_fcgi' => '/fcgi/x', 'mod_request' => '/kept/page.shtml',
    'mod_deflate' => '/inflated/echo.pl',
    'mod_ext_filter' => '/shouted/echo.pl',
    'mod_rewrite in a directory' => '/rewritten/form',
    'mod_rewrite out of report mode' => '/reported/form',
    'mod_dir' => '/indexed/', 'mod_dir out of Off' => '/indexed-off/',
    'mod_dir out of report mode' => '/indexed-report/',
    'a fallback out of Off' => '/fallback/any',
    'mod_lua' => '/body.lua',
);
for my $handler (sort keys %handlers) {
    for my $kind (sort keys %bodies) {
        my ($body, @type) = @{ $bodies{$kind} };
        my $seen = $handler eq 'mod_ext_filter' ? uc $body : $body;
        for my $way (ways($body)) {
            my ($how, %with) = @$way;
            # It reads no body of unknown length.
            next if $handler eq 'mod_lua' && $with{chunks};
            gets($visitor->twin->request('POST', $handlers{$handler}, %with,
                                         headers => \@type),
                 $seen, "$handler, $kind $how");
        }
    }
}
my $body = $bodies{'a long form'}[0];
gzip \$body => \my $zipped or die 'gzip';
for my $way (ways($zipped)) {
    my ($how, %with) = @$way;
    gets($visitor->twin->request(
        'POST', '/inflated/echo.pl', %with,
        headers => [ @FORM, @HEADER, 'Content-Encoding' => 'gzip' ]),
        $body, "mod_deflate, token in the header $how");
}
is $visitor->twin->request('POST', '/form.lua', headers => \@FORM,
                           body => "a=one&$field&b=two")->seen('b'), 'two',
    'mod_lua parses the form';

# Report mode and Off end where an internal redirect leads out of them.
for my $path ('/reported/form', '/indexed-report/', '/indexed-off/',
              '/fallback/any') {
    for my $wrong ('a=1&b=2', 'a=' . 'x' x 100_000) {
        for my $way (ways($wrong)) {
            my ($how, %with) = @$way;
            is $visitor->twin->request('POST', $path, %with,
                                       headers => \@FORM)->status, 403,
                "$path without a token, $how";
        }
    }
}
like $visitor->twin->get('/indexed-off/')->seen('COOKIEPOLICY_SESSION'),
    qr/\A.{11}\z/, 'content sees who comes';

# An ErrorDocument has the body of a request that passed the check.
my $other = visitor('fcgi.example');
my $theirs = form_encode([ csrfmiddlewaretoken =>
                           $other->cookie('csrftoken') ]) . '&' . $body;
for my $way (ways($theirs)) {
    my ($how, %with) = @$way;
    is $other->twin->request('POST', '/denied', %with, headers => \@FORM)
        ->seen('BODY_SHA1'), sha1_hex($theirs), "ErrorDocument, $how";
}

# But not of one that was turned down before there could be a check.
for my $sent ('a=1', 'a=' . 'x' x 100_000) {
    for my $way (ways($sent)) {
        my ($how, %with) = @$way;
        my $answer = $visitor->twin->request('POST', '/early', %with,
                                             headers => \@FORM);
        is $answer->status, 404, "turned down early, $how";
        is $answer->seen('REDIRECT_REQUEST_METHOD'), 'POST', 'a POST';
        is $answer->seen('BODY_LENGTH'), 0, 'has no body then';
    }
}

# mod_auth_form looks for its fields before any handler.
for my $case ([ 'secret', 200 ], [ 'guess', 401 ]) {
    my ($password, $status) = @$case;
    is $visitor->twin->request(
        'POST', '/secret/index.html', headers => \@FORM,
        body => form_encode([ httpd_username => 'ann',
                              httpd_password => $password,
                              csrfmiddlewaretoken => $TOKEN ]))->status,
        $status, "mod_auth_form, password $password";
}

# --- mod_dav -----------------------------------------------------------------

for my $kind (sort keys %bodies) {
    my ($sent, @type) = @{ $bodies{$kind} };
    for my $token ([], [@HEADER]) {
        for my $way (ways($sent)) {
            my ($how, %with) = @$way;
            my $name = '/dav/' . sha1_hex("$kind @$token $how");
            is $visitor->twin->request('PUT', $name, %with,
                                       headers => [ @type, @$token ])->status,
                201, "PUT of $kind $how";
            is $visitor->get($name)->body, $sent, 'is what is stored';
        }
    }
}
is $visitor->twin->request('PUT', '/dav/none', body => 'x' x 1000)->status,
    403, 'PUT without a token';
is $visitor->get('/dav/none')->status, 404, 'stores nothing';
my $propfind = '<?xml version="1.0"?><propfind xmlns="DAV:"><prop>'
    . '<getcontentlength/></prop></propfind>';
my @xml = ('Content-Type' => 'text/xml', Depth => 1);
for my $way (ways($propfind)) {
    my ($how, %with) = @$way;
    my $answer = $visitor->twin->request('PROPFIND', '/dav/', %with,
                                         headers => [ @xml, @HEADER ]);
    is $answer->status, 207, "PROPFIND $how";
    like $answer->body, qr/getcontentlength>\d+</, 'was understood';
}
is $visitor->twin->request('PROPFIND', '/dav/', body => $propfind,
                           headers => \@xml)->status, 403,
    'PROPFIND without a token';

# --- A connection that goes on ----------------------------------------------

sub head {
    my ($host, $path, @fields) = @_;

    return join "\r\n", "POST $path HTTP/1.1", "Host: $host",
        "Cookie: csrftoken=$TOKEN; sessionid=" . $visitor->cookie('sessionid'),
        @fields, '', '';
}

sub chunked {
    my ($bytes) = @_;

    return join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
                    (unpack '(a5000)*', $bytes), '';
}

my $next = join "\r\n", 'GET /next HTTP/1.1', 'Host: own.example',
    'Connection: close', '', '';
for my $kind (sort keys %bodies) {
    my ($sent, @type) = @{ $bodies{$kind} };
    my $type = join ': ', @type;
    for my $path ('/deaf.lua', '/cgi/echo.pl', '/index.html') {
        for my $case ([ 'by length', 'Content-Length: ' . length $sent, $sent ],
                      [ 'chunked', 'Transfer-Encoding: chunked',
                        chunked($sent) ]) {
            my ($how, $length, $bytes) = @$case;
            my $said = exchange(port => $server->port, bytes =>
                head('own.example', $path, $type, $length) . $bytes . $next);
            is_deeply [ $said =~ m{^HTTP/1\.1 (\d+)}mg ], [ 200, 404 ],
                "POST of $kind to $path $how, and the next request";
        }
    }
}
my $said;
for my $size (4, 100_000) {
    my $sent = 'a=' . '1' x ($size - 2);
    for my $case ([ "Content-Length: $size", $sent ],
                  [ 'Transfer-Encoding: chunked', chunked($sent) ]) {
        my ($length, $bytes) = @$case;
        # Of unknown length, and not at its end: it is not read on.
        my @goes_on = $size > 65536 && $length =~ /chunked/ ? () : (404);
        $said = exchange(port => $server->port, bytes =>
            head('own.example', '/cgi/echo.pl', join(': ', @FORM), $length)
            . $bytes . $next);
        is_deeply [ $said =~ m{^HTTP/1\.1 (\d+)}mg ], [ 403, @goes_on ],
            "a refused one of $size, $length, and the next request";
    }
}

# --- What is refused has no body ---------------------------------------------

for my $host ('refused.example', 'fcgi.example') {
    my $refused = visitor($host);
    for my $sent ('a=1&b=2', 'a=' . 'x' x 100_000) {
        for my $way (ways($sent)) {
            my ($how, %with) = @$way;
            for my $token ([], [ 'X-CSRFToken' => 'wrong' ]) {
                my $answer = $refused->twin->request(
                    'POST', '/cgi/echo.pl', %with,
                    headers => [ @FORM, @$token ]);
                is $answer->status, 403, "$host refuses $how";
                is $answer->seen('BODY_LENGTH'), 0,
                    'its ErrorDocument has nothing to read';
            }
        }
        $said = exchange(port => $server->port, bytes =>
            head($host, '/cgi/echo.pl', join(': ', @FORM),
                 'Content-Length: ' . length $sent) . "$sent$next");
        is_deeply [ $said =~ m{^HTTP/1\.1 (\d+)}mg ], [ 403, 404 ],
            'and the next request';
        like $said, qr/^BODY_LENGTH: 0$/m, 'likewise';
    }
}

# --- Expect: 100-continue ----------------------------------------------------

# A client that waits to be asked for the body. @return how often it was, and
# the answer
sub ask_first {
    my ($head, $sent) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $server->port)
        or die "connect: $!";
    my ($got, $asked) = ('', 0);

    local $SIG{ALRM} = sub { die "neither asked nor answered\n" };
    alarm 20;
    syswrite $socket, $head;
    while (sysread $socket, $got, 65536, length $got) {
        if (!$asked && $got =~ /\AHTTP\/1\.1 100 .*?\r\n\r\n/s) {
            $asked = 1;
            my $rest = $sent;
            substr $rest, 0, syswrite($socket, $rest) // last, ''
                while length $rest;
        }
    }
    alarm 0;
    my $count = () = $got =~ m{^HTTP/1\.1 100 }mg;
    return ($count, CookiePolicy::Response->new($got, 'POST'));
}

for my $path ('/cgi/echo.pl', '/proxied/echo.pl', '/fcgi/x', '/indexed/') {
    for my $kind (sort keys %bodies) {
        my ($sent, @type) = @{ $bodies{$kind} };
        my $type = join ': ', @type;
        for my $token ([], [ "X-CSRFToken: $TOKEN" ]) {
            for my $case (
                [ 'by length', 'Content-Length: ' . length $sent, $sent ],
                [ 'chunked', 'Transfer-Encoding: chunked', chunked($sent) ]) {
                my ($how, $length, $bytes) = @$case;
                my ($asked, $answer) = ask_first(
                    head('own.example', $path, $type, $length, @$token,
                         'Expect: 100-continue', 'Connection: close'),
                    $bytes);
                is $asked, 1, "$path, $kind $how: asked for once";
                gets($answer, $sent, "$path, $kind $how");
            }
        }
    }
}
for my $case ([ 'a wrong token in the header', 'X-CSRFToken: wrong' ],
              [ 'a foreign origin', 'Origin: http://evil.example' ],
              [ 'another site', 'Sec-Fetch-Site: cross-site' ],
              [ 'a body that is not searched', 'Content-Type: text/plain' ],
              [ 'no cookie', 'Cookie: x=1' ]) {
    my ($what, $line) = @$case;
    for my $host ('own.example', 'refused.example') {
        my $head = head($host, '/cgi/echo.pl', 'Content-Length: 4',
                        'Expect: 100-continue', 'Connection: close', $line);
        $head =~ s/^Cookie: csrf.*\r\n//m if $line =~ /^Cookie/;
        my ($asked, $answer) = ask_first($head, 'a=12');
        is $answer->status, 403, "$what, $host";
        is $asked, 0, 'is refused without asking for the body';
    }
}

$server->stop;
done_testing;
