# What a connection remembers, and the process for the next one: a request is
# answered as one whose header never came before, whatever else is changed in
# it, and whatever others have done meanwhile; and it costs no more memory.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Connection ();
use CookiePolicy::Response ();
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $KEY = 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE';
my $OTHER_KEY = 'YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY';

my $server = CookiePolicy::Server->new(config => <<'CONFIG');
MaxKeepAliveRequests 0
<IfModule mod_http2.c>
    Protocols h2c http/1.1
</IfModule>
KeepAliveTimeout 60
CookiePolicyStateDir {STATE}
CookiePolicyKeyFile {DIR}/keys
CookiePolicySessionStore shm:1M
UseCanonicalName Off
Header set X-Seen "expr=HTTP_COOKIE: %{req:Cookie}|prefer-language: %{reqenv:prefer-language}|COOKIEPOLICY_SESSION: %{reqenv:COOKIEPOLICY_SESSION}|%{reqenv:COOKIEPOLICY_LANGUAGE}|%{reqenv:COOKIEPOLICY_CONSENT}|%{reqenv:COOKIEPOLICY_DECIDED}|%{reqenv:COOKIEPOLICY_USER}|%{reqenv:COOKIEPOLICY_SESSION_ATTR_colour}|%{req:X-CookiePolicy-User}|COOKIEPOLICY_SESSION: %{req:X-CookiePolicy-Session}|%{req:Cookie2}"
<VirtualHost *:{PORT}>
    ServerName own.example
    ServerAlias *.own.example
    CookiePolicy On
    CookiePolicyLanguage en fr pt-BR
    CookiePolicySessionHeader X-Session login
    CookiePolicyCookie theme necessary
    CookiePolicyCookie seen statistics-anonymous
    CookiePolicyCookie count statistics
    CookiePolicyAllowOverride Language
    ErrorDocument 404 /cgi/echo.pl
    <Location /cgi/echo.pl/off>
        CookiePolicy Off
    </Location>
    <Location /cgi/echo.pl/report>
        CookiePolicy Report
    </Location>
    <Location /cgi/echo.pl/lax>
        CookiePolicyCsrf Off
        CookiePolicyUndeclared allow
    </Location>
    <Location /cgi/echo.pl/spoken>
        CookiePolicyLanguage de nl
    </Location>
    <Location /cgi/echo.pl/lazy>
        CookiePolicyIssue lazy
    </Location>
</VirtualHost>
<VirtualHost *:{PORT}>
    ServerName headers.example
    CookiePolicy On
    CookiePolicyExport headers
    CookiePolicySessionHeader X-Session login
</VirtualHost>
<VirtualHost *:{PORT}>
    ServerName behind.example
    CookiePolicy On
    CookiePolicyForwarded from=127.0.0.1
    CookiePolicySessionHeader X-Session login
</VirtualHost>
<VirtualHost *:{PORT}>
    ServerName brief.example
    CookiePolicy On
    CookiePolicySessionTimeout idle=10s absolute=2m
    CookiePolicySessionHeader X-Session login
</VirtualHost>
<VirtualHost *:{PORT}>
    ServerName short.example
    CookiePolicy On
    CookiePolicySessionTimeout idle=3s absolute=3s
</VirtualHost>
<VirtualHost *:{PORT}>
    ServerName application.example
    CookiePolicy On
    CookiePolicySession Application
</VirtualHost>
CONFIG
$server->file('keys', "1 2024-01-01T00:00:00Z $KEY=\n"
                      . "2 2023-01-01T00:00:00Z $OTHER_KEY=\n", 0600);
ok $server->start, 'a server of its own' or BAIL_OUT($server->log);

my @at = (port => $server->port);
my $connection = CookiePolicy::Connection->new($server->port);

sub visitor {
    my ($host) = @_;
    my $visitor = CookiePolicy::Visitor->new($host // 'own.example', @at);

    $visitor->get('/');
    return $visitor;
}

sub cookies_of {
    my ($visitor) = @_;
    my $jar = $visitor->jar;

    return join '; ', map { "$_=$jar->{$_}" } sort keys %$jar;
}

# What an answer shows, but for what is drawn anew each time.
sub shown {
    my ($answer) = @_;
    my %new = map { $_ => 1 } split / /, $answer->issued;
    my @lines = grep { !/^COOKIEPOLICY_CSRF_TOKEN|^HTTP_(?:X_COOKIEPOLICY_CSRF|CONNECTION)/ }
                split(/\n/, $answer->body),
                split(/\|/, $answer->header('x-seen') // '');

    s/[; ]+\z// for grep { /^HTTP_COOKIE/ } @lines;
    s/\b(sessionid|csrftoken)=([\w-]+)/$new{$1} ? "$1=new" : "$1=$2"/ge for @lines;
    s/^((?:COOKIEPOLICY_|HTTP_X_COOKIEPOLICY_)SESSION): .+/$1: new/
        for $new{sessionid} ? @lines : ();
    return { status => $answer->status, issued => $answer->issued,
             lines => \@lines, control => scalar $answer->header('cache-control'),
             vary => scalar $answer->header('vary') };
}

sub on_connection {
    my ($host, $path, $cookies, @headers) = @_;
    my $answer = $connection->get($host, $path, $cookies, @headers);

    return $answer // $connection->get($host, $path, $cookies, @headers);
}

# A header that says the same and is like none before.
my $count = 0;
sub anew {
    my ($cookies) = @_;

    return '' unless length $cookies;
    return "$cookies;" . (sprintf('%b', ++$count) =~ tr/01/ ;/r) . ';';
}

# The same on the connection, a second time, on one of its own, and anew.
sub alike {
    my ($what, $host, $path, $cookies, @headers) = @_;
    my @pairs = map { /\A([^:]+): (.*)\z/s }
                map { s/\AConnection: /Connection: close, /r } @headers;
    my $alone = fetch(@at, host => $host, path => $path, headers => [
        length $cookies ? (Cookie => anew($cookies)) : (), @pairs ]);
    my $once_more = fetch(@at, host => $host, path => $path, headers => [
        length $cookies ? (Cookie => $cookies) : (), @pairs ]);

    for my $time ('', ', again') {
        my $kept = on_connection($host, $path, $cookies, @headers);

        is_deeply shown($kept), shown($alone), "$what$time";
    }
    is_deeply shown($once_more), shown($alone), "$what, on another connection";
    return $alone;
}

# --- Everything changed but one thing ---------------------------------------

my @hosts = ('OWN.example', 'own.example.', 'own.example:' . $server->port,
             'www.own.example', 'headers.example', 'behind.example',
             'application.example', 'unknown.example');
my @headers = ('Accept-Language: fr', 'Sec-GPC: 1', 'Cookie2: a=b',
               'X-CookiePolicy-User: eve', 'X_CookiePolicy-User: eve',
               'Connection: Cookie', 'Connection: X-CookiePolicy-User',
               'X-Forwarded-Host: headers.example',
               'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Dest: iframe',
               'Sec-Purpose: prefetch', 'Origin: https://foreign.example',
               'Upgrade: x');
my @paths = ('/cgi/echo.pl/off', '/cgi/echo.pl/report', '/cgi/echo.pl/lax',
             '/cgi/echo.pl/spoken', '/cgi/echo.pl/lazy', '/missing',
             '/cgi/echo.pl?status=404', '/cookie-policy.json');

# Of a header each so many bytes are changed; all that matters is decided alike
# under each MPM.
my $STEP = $ENV{CP_MPM} eq 'event' && !$ENV{CP_SANITIZED} ? 7 : 31;

# Of a header what can be changed in it.
sub changed {
    my ($cookies) = @_;
    my @pairs = split /; /, $cookies;
    my @changed = ("theme=dark; $cookies", "$cookies; theme=dark",
                   "$cookies; count=1", "$cookies; other=1",
                   "$cookies; seen=1", "$cookies; seen=\"1",
                   "$cookies; $cookies", substr($cookies, 0, -1), "$cookies ",
                   join('; ', reverse @pairs), '');

    for my $name (qw(sessionid csrftoken django_language cookies_preferences)) {
        push @changed, join '; ', grep { !/^$name=/ } @pairs;
    }
    for my $at (grep { $_ % $STEP == 0 } 0 .. length($cookies) - 1) {
        push @changed, $cookies;
        substr($changed[-1], $at, 1) =~ tr/x\x00-\xff/yx/;
    }
    return @changed;
}

for my $login (0, 1) {
    my $visitor = visitor();
    $visitor->command(':user=ann&colour=green') if $login;
    my $cookies = cookies_of($visitor);
    my @base = ('own.example', '/index.html', $cookies);
    my $who = $login ? 'ann' : 'nobody';
    my $answer = alike("$who", @base);
    my $always = shown($answer);

    is $answer->issued, '', "$who is given nothing";
    is scalar($answer->header('x-seen') =~ /ann\|green/), $login ? 1 : '',
        "$who is known";
    my @cases = (
        (map { [ $_, @base[1, 2] ] } @hosts),
        [ 'own.example', 'http://www.own.example/index.html', $cookies ],
        [ 'behind.example', '/index.html', $cookies,
          'X-Forwarded-Host: www.own.example' ],
        [ 'behind.example', '/index.html', $cookies,
          'X-Forwarded-Proto: https' ],
        (map { [ @base, $_ ] } @headers),
        (map { [ 'own.example', $_, $cookies ],
               [ 'own.example', $_, "$cookies; other=1" ] } @paths),
        (map { [ @base[0, 1], $_ ], [ @base[0, 1], $_, 'Sec-GPC: 1' ],
               [ @base[0, 1], $_, 'Accept-Language: pt-BR' ] }
             changed($cookies)));
    for my $case (@cases) {
        my ($host, $path, $with, @more) = @$case;

        alike("$who: $host $path @more '" . substr($with, -20) . "'", @$case);
        is_deeply shown(on_connection(@base)), $always, 'and then as before';
    }
}

my $own = visitor();
$own->command(':user=ann&colour=green');
my $cookies = cookies_of($own);
my @base = ('own.example', '/cgi/echo.pl', $cookies);

sub base { return alike($_[0], @base) }

my $answer = base('ann');

# Two visitors whom a proxy sends along one connection, and newcomers between.
my $bob = visitor();
$bob->command(':user=bob');
for my $round (1 .. 5) {
    is on_connection(@base)->seen('COOKIEPOLICY_USER'), 'ann', "ann, round $round";
    my $new = on_connection(@base[0, 1], '');
    my $newer = on_connection(@base[0, 1], '');
    isnt $new->cookie('sessionid'), $newer->cookie('sessionid'),
        'two newcomers get two sessions';
    isnt $new->cookie('csrftoken'), $newer->cookie('csrftoken'), 'and tokens';
    is on_connection(@base[0, 1], cookies_of($bob))->seen('COOKIEPOLICY_USER'),
        'bob', 'bob';
}

# What is known of a host in the request line is not taken for the next one's,
# which names none.
my $there = visitor('www.own.example');
$there->command(':user=eve');
for my $round (1, 2) {
    like on_connection(undef, 'http://www.own.example/index.html',
                       cookies_of($there))->header('x-seen'), qr/\|eve\|/,
        'a host in the request line';
    unlike on_connection(undef, '/index.html', cookies_of($there))
        ->header('x-seen'), qr/eve/, 'and none at all';
}

# All sent at once: the answer to one may wait when the next is read.
$connection->send_all(map { [ @base[0, 1], $_ % 3 ? $cookies : cookies_of($bob) ] }
                      1 .. 30);
is_deeply [ map { $connection->receive->seen('COOKIEPOLICY_USER') } 1 .. 30 ],
    [ map { $_ % 3 ? 'ann' : 'bob' } 1 .. 30 ], '30 requests in one piece';

# Directories that speak other languages each, by files of their own.
for my $case ([ 'one', 'fr en' ], [ 'two', 'nl de' ], [ 'three', 'de fr' ]) {
    my ($name, $languages) = @$case;

    mkdir $server->dir . "/htdocs/$name" or die "$name: $!";
    $server->file("htdocs/$name/.htaccess", "CookiePolicyLanguage $languages\n"
        . "Header set X-Language expr=%{reqenv:COOKIEPOLICY_LANGUAGE}\n");
    $server->file("htdocs/$name/a.html", 'a');
}
for my $round (1 .. 2) {
    for my $name (qw(one two three)) {
        my $alone = fetch(@at, host => 'own.example', path => "/$name/a.html",
                          headers => [ Cookie => $cookies ]);
        my $kept = on_connection('own.example', "/$name/a.html", $cookies);

        is scalar $kept->header('x-language'),
            scalar $alone->header('x-language'), "$name: its languages";
        is $kept->issued, $alone->issued, "$name: what is issued";
    }
}

# --- What others do --------------------------------------------------------

base('before');
my $elsewhere = $own->twin;
$elsewhere->command('colour=red');
is base('another client changed the session')
    ->seen('COOKIEPOLICY_SESSION_ATTR_colour'), 'red', 'is seen';
$elsewhere->command(':rotate=1');
$answer = base('rotated away');
is $answer->seen('COOKIEPOLICY_USER'), 'ann', 'the old id has its grace';
is $answer->issued, '', 'and is answered with no cookie';
@base = (@base[0, 1], cookies_of($elsewhere));
is base('the new id')->seen('COOKIEPOLICY_USER'), 'ann', 'ann still';
$elsewhere->command('colour=blue');
on_connection(@base) for 1 .. 3;
$elsewhere->command(':logout=1');
$answer = on_connection(@base);
is $answer->seen('COOKIEPOLICY_USER'), undef, 'after a logout elsewhere nobody';
is $answer->seen('COOKIEPOLICY_SESSION_ATTR_colour'), undef, 'and nothing of it';
like $answer->issued, qr/csrftoken.*sessionid/, 'but somebody new';

# A change on the connection itself.
$bob = visitor();
@base = (@base[0, 1], cookies_of($bob));
base('somebody else');
$answer = on_connection($base[0], '/cgi/echo.pl?'
                                  . form_encode([ h => 'X-Session: :user=bob' ]),
                        $base[2]);
$bob->keep($answer);
is on_connection(@base)->seen('COOKIEPOLICY_USER'), undef,
    'the id from before the login is nobody';
@base = (@base[0, 1], cookies_of($bob));
is base('logged in')->seen('COOKIEPOLICY_USER'), 'bob', 'bob by the new one';

# A choice: to agree, and to refuse.
for my $choice (qw(accept-all reject-all accept-all)) {
    $bob->request('POST', '/cookie-policy/preferences',
                  body => "choice=$choice", headers => [
        'Content-Type' => 'application/x-www-form-urlencoded',
        'Sec-Fetch-Site' => 'same-origin' ]);
    @base = (@base[0, 1], cookies_of($bob) . '; count=1; seen=1');
    my $seen = base($choice)->seen('HTTP_COOKIE');
    ($choice eq 'accept-all' ? \&like : \&unlike)
        ->($seen, qr/count=1/, "$choice: the cookie of statistics");
}

# --- Time ------------------------------------------------------------------

my $brief = visitor('brief.example');
$brief->command(':user=ann');
my @brief = ('brief.example', '/cgi/echo.pl', cookies_of($brief));
my $used = 0;
for (1 .. 13) {
    $used += (on_connection(@brief)->seen('COOKIEPOLICY_USER') // '') eq 'ann';
    sleep 1;
}
is $used, 13, 'a session that is used does not end';
sleep 12;
$answer = on_connection(@brief);
is $answer->seen('COOKIEPOLICY_USER'), undef, 'one that is idle does';
like $answer->issued, qr/sessionid/, 'and is followed by another';

my $short = visitor('short.example');
my @short = ('short.example', '/cgi/echo.pl', cookies_of($short));
on_connection(@short), $short->twin->look for 1 .. 3;
sleep 4;
is on_connection(@short)->issued, 'csrftoken sessionid',
    'a session without a record ends, too';
is $short->twin->look->issued, 'csrftoken sessionid',
    'and on every connection';

# --- A reload --------------------------------------------------------------

@base = (@base[0, 1], cookies_of($bob));
base('before the reload');
$server->file('keys', "1 2024-01-01T00:00:00Z $KEY= revoked\n"
                      . "2 2023-01-01T00:00:00Z $OTHER_KEY=\n", 0600);
ok $server->graceful, 'a reload that revokes the key' or diag $server->log;
# A process of before may answer once more, by what it had.
$connection->close;
$answer = base('under a revoked key');
is $answer->seen('COOKIEPOLICY_USER'), undef, 'bob is nobody';
is $answer->issued, 'cookies_preferences csrftoken sessionid',
    'and gets all anew that a key had signed';

# --- Memory ----------------------------------------------------------------

SKIP: {
    skip 'sanitizers keep what is freed', 1 if $ENV{CP_SANITIZED};
    my $many = visitor();
    my $jar = cookies_of($many);
    my $padding = 'p' x 400;

    on_connection('own.example', '/', "$jar; theme=$_$padding") for 1 .. 2_000;
    my $before = $server->memory;
    on_connection('own.example', '/', "$jar; theme=$_$padding") for 1 .. 20_000;
    cmp_ok $server->memory - $before, '<', 4_000,
        'of 20,000 requests that all differ nothing stays, in KB';
}

# --- HTTP/2 ----------------------------------------------------------------

# Frames (RFC 9113), and fields that are neither indexed nor shortened (RFC
# 7541 section 6.2.2).
sub frame {
    my ($type, $flags, $stream, $payload) = @_;

    return substr(pack('N', length $payload), 1)
        . pack('CCN', $type, $flags, $stream) . $payload;
}

sub string {
    my ($text) = @_;
    my $length = length $text;

    return chr($length) . $text if $length < 127;
    $length -= 127;
    return chr(127) . chr($length % 128 + 128) . chr($length >> 7) . $text;
}

sub fields {
    my (@fields) = @_;
    my $bytes = '';

    while (my ($name, $value) = splice @fields, 0, 2) {
        $bytes .= "\0" . string($name) . string($value);
    }
    return $bytes;
}

# Sends all requests at once. @return the bodies, in their order
sub streams {
    my (@requests) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $server->port) or die "$!";
    my $bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(4, 0, 0, '')
        . frame(8, 0, 0, pack 'N', 1 << 24);
    my (@bodies, %ended);
    my $in = '';

    for my $i (0 .. $#requests) {
        $bytes .= frame(1, 5, 2 * $i + 1, fields(@{ $requests[$i] }));
    }
    local $SIG{ALRM} = sub { die "no answer within 60 s\n" };
    alarm 60;
    syswrite $socket, $bytes;
    while (keys %ended < @requests) {
        sysread $socket, $in, 65536, length $in or die 'the connection ended';
        while (length $in >= 9
               && length $in >= 9 + unpack 'N', "\0" . substr $in, 0, 3) {
            my $length = unpack 'N', "\0" . substr $in, 0, 3;
            my ($type, $flags, $stream) = unpack 'x3 CCN', $in;
            my $payload = substr $in, 9, $length;

            substr($in, 0, 9 + $length) = '';
            syswrite $socket, frame(4, 1, 0, '') if $type == 4 && !($flags & 1);
            $bodies[ ($stream - 1) / 2 ] .= $payload if $type == 0;
            $ended{$stream} = 1 if $type == 3 || ($type < 2 && $flags & 1);
        }
    }
    alarm 0;
    return @bodies;
}

SKIP: {
    skip 'mod_http2 does not work under prefork', 1 if $ENV{CP_MPM} eq 'prefork';
    my %visitors = map { my $visitor = visitor(); $visitor->command(":user=$_");
                         ($_ => cookies_of($visitor)) } qw(ann bob cyd);
    my @names = map { (sort keys %visitors)[ $_ % 7 % 3 ] } 1 .. 90;

    for my $round (1 .. 3) {
        my @bodies = streams(map { [
            ':method' => 'GET', ':scheme' => 'http', ':path' => '/cgi/echo.pl',
            ':authority' => 'own.example', cookie => $visitors{$_} ] } @names);

        is_deeply [ map { /^COOKIEPOLICY_USER: (.*)$/m ? $1 : 'nobody' } @bodies ],
            \@names, '90 streams of three visitors, all at once';
        is_deeply [ map { /\bsessionid=([\w-]+)/ ? $1 : 'none' } @bodies ],
            [ map { $visitors{$_} =~ /\bsessionid=([\w-]+)/ } @names ],
            'each with its session';
    }
}

is_deeply [ $server->crashes ], [], 'no child crashed';

done_testing;
