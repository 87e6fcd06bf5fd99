# CookiePolicy Report: all is decided, logged and counted, and on the wire
# nothing differs from Off but for the one field that asks for reports.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Backend ();
use CookiePolicy::Client qw(exchange fetch form_encode);
use CookiePolicy::Response ();
use CookiePolicy::Server ();

my $PAGE = "<!DOCTYPE html>\n<title>Backend</title>\n";

sub answer {
    my ($status, @fields) = @_;

    return join "\r\n", "HTTP/1.1 $status", @fields,
        'Content-Length: ' . length $PAGE, 'Connection: close', '', $PAGE;
}

my $backend = CookiePolicy::Backend->new(
    '/echo' => sub {
        return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            . 'Content-Length: ' . length($_[0])
            . "\r\nConnection: close\r\n\r\n$_[0]";
    },
    '/cookies' => answer('200 OK', 'Content-Type: text/html', 'ETag: "c"',
        'Cache-Control: public, max-age=60', 'Vary: Accept-Language',
        map { "Set-Cookie: $_" } 'stray=SECRET1; Path=/', 'sessionid=SECRET2',
        'csrftoken=; Max-Age=0', '  odd = SECRET3 ;;', 'counted=SECRET4',
        'wanted=SECRET5', 'hard=SECRET6; SameSite=None', 'alone', '=odder=SECRET7',
        'gone=; Max-Age=0', "\xe9=SECRET8", 'SessionID=SECRET9'),
    '/error' => answer('500 Oh No', 'Content-Type: text/html',
                       'Set-Cookie: failed=SECRET10'),
    '/early' => "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        . answer('200 OK', 'Content-Type: text/plain'),
    '/upgrade' => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        . "Connection: Upgrade\r\nSet-Cookie: up=SECRET11\r\n\r\nbytes",
);

my $server = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy Report
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyLanguage en fr
CookiePolicyCategory comfort objectable
CookiePolicyCookie wanted necessary
CookiePolicyCookie counted statistics
CookiePolicyCookie hard necessary secure httponly samesite=strict lifetime=1d
CookiePolicyCookie font comfort
ProxyPass /b/upgrade http://127.0.0.1:@{[ $backend->port ]}/upgrade upgrade=websocket
ProxyPass /b/ http://127.0.0.1:@{[ $backend->port ]}/ disablereuse=on retry=0
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
AddType image/png .png
<Directory "{DIR}/htdocs">
    Options +IncludesNOEXEC
</Directory>
TraceEnable On
Redirect 302 /moved http://elsewhere.example/
<Location /denied>
    Require all denied
</Location>
<Location /set>
    Header always add Set-Cookie "err=SECRET12"
    Header add Set-Cookie "out=SECRET13"
</Location>
<Location "/status">
    CookiePolicy Off
    SetHandler cookiepolicy-status
</Location>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName rep.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName off.example
    CookiePolicy Off
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName csrf.example
    CookiePolicyCsrf On
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName third.example
    CookiePolicyThirdParty statistics https://stats.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName here.example
    CookiePolicy On
    CookiePolicyIssue lazy
    <Location /set>
        CookiePolicy Report
    </Location>
</VirtualHost>
CONFIG
mkdir $server->dir . '/htdocs/set' or die $!;
$server->file("htdocs/$_", "<!DOCTYPE html><title>A page</title>\n")
    for qw(set/page.html image.png);
$server->file('htdocs/see.shtml',
              '[<!--#echo encoding="none" var="HTTP_COOKIE" -->]'
              . '[<!--#echo var="COOKIEPOLICY_CONSENT" -->]');
ok $server->start, 'a server of its own' or diag $server->{said}, $server->log;

# What came over the wire, without what changes from second to second.
sub wire {
    my ($host, %with) = @_;
    my $raw = fetch(host => $host, port => $server->port, %with)->raw;

    $raw =~ s/^Date: [^\r]*/Date: now/mg;
    # Whether the end of a program's answer is known in time is chance.
    if ($with{path} =~ m{\A/cgi/}) {
        my $body = CookiePolicy::Response->new($raw)->body;

        $raw =~ s/\r\n\r\n.*/\r\n\r\n$body/s;
        $raw =~ s/^(?:Content-Length: \d+|Transfer-Encoding: chunked)\r\n//mg;
    }
    $raw =~ s/\Q$host\E/HOST/g;
    return $raw;
}

my $ONLY = qr/^Content-Security-Policy-Report-Only: [^\r]*\r\n/m;
my $COOKIES = 'stray=SECRET14; counted=SECRET15; wanted=SECRET16; sessionid=x;'
    . ' SessionID=y; $odd=1; =z; bare; csrftoken="q"; a="open; two words=1;'
    . ' cookies_preferences=1.2.3.4.5; font=SECRET17';
my $CGI = '/cgi/echo.pl?' . form_encode(
    [ map { (h => "Set-Cookie: $_") } 'stray=SECRET18', 'wanted=1',
      'hard=1; SameSite=None', 'csrftoken=SECRET19', 'counted=2' ]);

for my $case (
    [ 'a page', path => '/index.html' ],
    [ 'a page with cookies', path => '/index.html',
      headers => [ Cookie => $COOKIES ] ],
    [ 'HEAD', path => '/index.html', method => 'HEAD' ],
    [ 'an image', path => '/image.png', headers => [ Cookie => $COOKIES ] ],
    [ 'CGI', path => $CGI, headers => [ Cookie => $COOKIES ] ],
    [ 'CGI, several Cookie lines', path => $CGI,
      headers => [ Cookie => 'stray=1', Cookie => 'wanted=2' ] ],
    [ 'CGI, plain text', path => "$CGI&type=text/plain" ],
    [ 'CGI with 404', path => "$CGI&status=404" ],
    [ 'SSI', path => '/see.shtml', headers => [ Cookie => $COOKIES ] ],
    [ 'a backend\'s cookies', path => '/b/cookies' ],
    [ 'what a backend gets', path => '/b/echo',
      headers => [ Cookie => $COOKIES, Cookie => 'more=1' ] ],
    [ 'a backend\'s error', path => '/b/error' ],
    [ 'a 103', path => '/b/early' ],
    [ 'mod_headers', path => '/set/page.html' ],
    [ 'a 404', path => '/none.html', headers => [ Cookie => $COOKIES ] ],
    [ 'a 403', path => '/denied' ],
    [ 'a redirect', path => '/moved' ],
    [ 'a part', path => '/index.html', headers => [ Range => 'bytes=0-3' ] ],
    [ 'a 304', path => '/index.html',
      headers => [ 'If-Modified-Since' => 'Fri, 31 Dec 2100 23:59:59 GMT' ] ],
    [ 'a POST of a foreign page', path => '/cgi/echo.pl', method => 'POST',
      body => 'a=1', headers => [ Origin => 'http://evil.example' ] ],
    [ 'a chunked one', path => '/cgi/echo.pl', method => 'POST',
      chunks => [ 'a=1', '&b=2' ] ],
    [ 'Sec-GPC', path => '/cgi/echo.pl', headers => [ 'Sec-GPC' => '1' ] ],
    [ 'TRACE', path => '/index.html', method => 'TRACE',
      headers => [ Cookie => 'stray=1' ] ],
    [ 'an nph- script', path => '/cgi/nph-raw.pl' ],
    [ 'the policy page', path => '/cookie-policy' ],
    [ 'a choice', path => '/cookie-policy/preferences', method => 'POST',
      body => 'choice=accept-all', headers => [
        'Content-Type' => 'application/x-www-form-urlencoded' ] ],
    [ 'what does not exist', path => '/.well-known/gpc.json' ],
    [ 'OPTIONS', path => '/index.html', method => 'OPTIONS' ],
    [ 'a foreign method', path => '/cgi/echo.pl', method => 'DELETE' ],
) {
    my ($what, @with) = @$case;
    my $off = wire('off.example', @with);
    my $report = wire('rep.example', @with);

    $report =~ s/$ONLY//;
    is $report, $off, "$what: the same bytes";
}
for my $path ('/b/upgrade') {
    my %got = map {
        ($_ => exchange(port => $server->port, bytes =>
            "GET $path HTTP/1.1\r\nHost: $_\r\nOrigin: http://$_\r\n"
            . "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"))
    } qw(off.example rep.example);
    s/^Date: [^\r]*/Date: now/mg for values %got;

    like $got{'off.example'}, qr/\AHTTP\/1\.1 101 .*up=SECRET11.*bytes\z/s,
        'an upgrade';
    is $got{'rep.example'}, $got{'off.example'}, 'has the same bytes';
}

# The one field more is of documents alone, and once.
for my $case ([ '/index.html', 1 ], [ '/image.png', 0 ], [ '/moved', 0 ],
              [ '/none.html', 1 ], [ '/b/echo', 0 ], [ '/b/cookies', 1 ]) {
    my ($path, $times) = @$case;

    for my $host (qw(rep.example third.example)) {
        my $answer = fetch(host => $host, port => $server->port,
                           path => $path);
        my @only = $answer->header('content-security-policy-report-only');

        is scalar(@only), $times, "$host$path: asked to report";
        is $answer->header('content-security-policy'), undef,
            'and forbidden nothing';
    }
}
is scalar(() = wire('off.example', path => '/index.html') =~ /$ONLY/g), 0,
    'Off asks for nothing';

# Report in a <Location> of a host that is On, and the other way round.
is_deeply [ fetch(host => 'here.example', port => $server->port,
                  path => '/set/page.html')->header('set-cookie') ],
    [ fetch(host => 'off.example', port => $server->port,
            path => '/set/page.html')->header('set-cookie') ],
    'Report in a <Location>: all cookies leave';
like fetch(host => 'here.example', port => $server->port, path => '/b/echo',
           headers => [ Cookie => 'stray=1; wanted=2' ])->body,
    qr/^Cookie: (?:csrftoken=\w+; )?wanted=2\r$/m, 'beside it On is on';

# --- What is logged --------------------------------------------------------

my $log = $server->log;
for my $case (
    [ stray => 'application', 'undeclared' ],
    [ counted => 'application', 'refused' ],
    [ odd => 'application', 'undeclared' ],
    [ failed => 'application', 'undeclared' ],
    [ err => 'application', 'undeclared' ],
    [ out => 'application', 'undeclared' ],
    [ stray => 'browser', 'undeclared' ],
    [ counted => 'browser', 'refused' ],
) {
    my ($name, $side, $why) = @$case;

    my @found = $log =~ /\[cookiepolicy:info\].* CP0035: .*'$name'.*$side.*$why/g;
    cmp_ok scalar(@found), '>', 0, "logged at info: $name of the $side, $why";
}
my @told = grep { /CP0035: / } split /\n/, $log;
cmp_ok scalar(grep { /'\\{1,2}xe9'/ } @told), '>', 0, 'its bytes are escaped';
is scalar(grep { /'(?:wanted|hard|gone|font)'/ } @told), 0,
    'what may pass is not logged';
is scalar(grep { /SECRET/ } split /\n/, $log), 0, 'no value is';
cmp_ok scalar(grep { /would be (?:dropped|withheld)/ } @told), '>', 20,
    'they say what would be done';

# --- What is counted -------------------------------------------------------

sub figures {
    my $body = fetch(host => 'off.example', port => $server->port,
                     path => '/status?prometheus')->body;

    return { $body =~ /^cookiepolicy_(\S+) (\d+)$/mg };
}

sub grows {
    my ($code) = @_;
    my $before = figures();

    $code->();
    my $after = figures();
    return { map { my $by = $after->{$_} - ($before->{$_} // 0);
                   $by ? ($_ => $by) : () }
             grep { /\A(?:set_cookies|request_cookies|deletions
                        |csrf_refusals)/x }
             keys %$after };
}

is_deeply grows(sub { wire('rep.example', path => '/index.html', headers => [
                          Cookie => 'stray=1; counted=1; wanted=1; font=1' ]) }),
    { 'request_cookies{reason="undeclared"}' => 1,
      'request_cookies{reason="refused"}' => 1,
      'request_cookies{reason="allowed"}' => 2 },
    'the browser\'s are counted';
is_deeply grows(sub { wire('rep.example', path => '/b/cookies') }),
    { 'set_cookies{reason="undeclared"}' => 5,
      'set_cookies{reason="refused"}' => 1,
      'set_cookies{reason="managed"}' => 3,
      'set_cookies{reason="allowed"}' => 3 },
    'the application\'s are counted';
is_deeply grows(sub { wire('csrf.example', path => '/image.png',
                           method => 'POST', headers => [
                               'Sec-Fetch-Site' => 'cross-site',
                               'Content-Length' => 0 ]) }),
    { 'csrf_refusals{reason="cross-site"}' => 1 },
    'and requests that On would refuse';
is_deeply grows(sub { wire('off.example', path => '/b/cookies',
                           headers => [ Cookie => $COOKIES ]) }), {},
    'nothing is where the engine is Off';

done_testing;
