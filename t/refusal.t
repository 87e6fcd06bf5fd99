# Answers that say no: why, in the visitor's language, in the form that the
# client takes; ErrorDocument; what is counted and logged.
use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8);
use JSON::PP qw(decode_json);
use Test::More;

use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Response ();
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

plan skip_all => 'the same under each MPM: once is enough'
    if $ENV{CP_MPM} ne 'event';

binmode Test::More->builder->$_, ':encoding(UTF-8)'
    for qw(output failure_output todo_output);

my $server = CookiePolicy::Server->new;
$server->file('frame.html', <<'HTML');
<!DOCTYPE html>
<html lang="{{language}}" dir="{{direction}}"><title>{{title}} - Ours</title>
<body><header>Our head</header><main>{{content}}</main></body></html>
HTML
$server->file('htdocs/refused.shtml', <<'HTML');
<p>In our words: <!--#echo var="REDIRECT_COOKIEPOLICY_REFUSED" -->,
<!--#include virtual="/cgi/echo.pl" --></p>
HTML
my @DOCUMENTS = (
    page => '/refused.shtml', script => '/cgi/echo.pl?a=b', text => '"Not so."',
    abroad => 'https://errors.example/403', policy => '/cookie-policy',
    proxied => '/proxied/echo.pl', missing => '/not-there.html',
    default => 'default');
my $documents = '';
while (my ($host, $document) = splice @DOCUMENTS, 0, 2) {
    $document = qq("Not so.) if $host eq 'text';
    $documents .= <<"HOST";
<VirtualHost 127.0.0.1:{PORT}>
    ServerName $host.example
    ErrorDocument 403 $document
    ProxyPass /proxied/ http://127.0.0.1:{PORT}/cgi/
</VirtualHost>
HOST
}
$server->configure(<<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyLanguage en fr de es it nl pt is
CookiePolicyCookie _ga statistics
CookiePolicySessionHeader X-Session login
RemoteIPHeader X-Client-IP
RemoteIPInternalProxy 127.0.0.1
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
DefaultLanguage xx
<Directory "{DIR}/htdocs">
    Options +Includes
</Directory>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
    <Location "/status">
        CookiePolicy Off
        SetHandler cookiepolicy-status
    </Location>
    <Location "/origin">
        CookiePolicyCsrf Origin
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName framed.example
    CookiePolicyTemplate frame.html
    CookiePolicyAttributes csrftoken name=__Host-csrftoken secure=on
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName behind.example
    CookiePolicyForwarded from=127.0.0.1
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName 404.example
    ErrorDocument 400 /cgi/echo.pl
    ErrorDocument 404 "Nothing here.
    ErrorDocument 405 "Not like this.
    ErrorDocument 413 "Less, please.
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName full.example
    CookiePolicyConsentLog /dev/full
    ErrorDocument 503 "Not now.
</VirtualHost>
$documents
CONFIG
ok $server->start, 'a server of its own' or diag $server->log;

my @FORM = ('Content-Type' => 'application/x-www-form-urlencoded');
my $HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

sub visitor {
    my ($host) = @_;
    my $visitor = CookiePolicy::Visitor->new($host // 'own.example',
                                             port => $server->port);
    $visitor->get('/index.html');
    delete $visitor->jar->{django_language};    # Accept-Language decides
    return $visitor;
}

# The answer to a request that leaves the visitor as it was.
sub ask {
    my ($visitor, $method, $path, $body, @headers) = @_;

    return $visitor->twin->request($method, $path, headers => \@headers,
                                   defined $body ? (body => $body) : ());
}

# The lines that are new since the last call.
sub lines { return grep { /CP001[178]/ } $server->log_news }

# --- Every reason, in every form --------------------------------------------

my $visitor = visitor();
my $behind = visitor('behind.example');
my $SECRET = $visitor->cookie('csrftoken');
my $OTHER = visitor()->cookie('csrftoken');
my $LONG = 'x=' . 'y' x 70_000 . '&';
my @HTTPS = ('X-Forwarded-Proto' => 'https');
my %reasons = (
    'cross-site' => { with => [ 'Sec-Fetch-Site' => 'cross-site',
                                Origin => 'https://evil.example' ],
                      from => 'https://evil.example' },
    'origin' => { with => [ Origin => 'http://evil.example:81' ],
                  from => 'http://evil.example:81' },
    'null-origin' => { with => [ Origin => 'null' ] },
    'referer' => { who => $behind,
                   with => [ @HTTPS, Referer =>
                             'https://evil.example/page?secret=1' ],
                   from => 'https://evil.example' },
    'no-origin' => { path => '/origin' },
    'no-cookie' => { with => [ Cookie => 'sessionid='
                               . $visitor->cookie('sessionid') ] },
    'no-token' => {},
    'token' => { body => "a=1&csrfmiddlewaretoken=$OTHER" },
    'window' => { body => $LONG . "csrfmiddlewaretoken=$SECRET" },
);
my %SAYS = (
    en => qr/Request refused/, fr => qr/Requête refusée/,
    de => qr/Anfrage abgelehnt/, es => qr/Petición rechazada/,
    it => qr/Richiesta rifiutata/, nl => qr/Verzoek geweigerd/,
    pt => qr/Pedido recusado/,
);

sub refused {
    my ($reason, @headers) = @_;
    my $case = $reasons{$reason};

    return ask($case->{who} // $visitor, 'POST', $case->{path} // '/index.html',
               $case->{body} // 'a=1', @FORM, @{ $case->{with} // [] },
               @headers);
}

sub figures {
    my ($form) = @_;

    return fetch(host => 'own.example', port => $server->port,
                 path => "/status?$form",
                 headers => [ Accept => 'text/html' ])->body;
}

# How often each reason was counted, by all three forms of the status.
sub counted {
    my %by;
    my $prometheus = figures('prometheus');
    my $json = decode_json(figures('json'));
    my $html = figures('');

    $by{prometheus}{$1} = $2 while $prometheus =~
        /^cookiepolicy_csrf_refusals\{reason="([a-z-]+)"\} (\d+)$/mg;
    $_->{name} eq 'csrf_refusals' and $by{json}{ $_->{reason} } = $_->{value}
        for @$json;
    $by{html}{$1} = $2 while $html =~
        m{>csrf_refusals</th><td></td><td>([a-z-]+)</td><td>(\d+)<}g;
    is_deeply $by{json}, $by{prometheus}, 'the status counts alike in JSON';
    is_deeply $by{html}, $by{prometheus}, 'and in HTML';
    return $by{prometheus};
}

sub is_private {
    my ($answer, $what) = @_;

    is $answer->header('cache-control'), 'no-store', "$what: no cache keeps it";
    is $answer->header('x-content-type-options'), 'nosniff', "$what: nosniff";
    like $answer->header('content-security-policy'),
        qr/frame-ancestors 'none'/, "$what: in no frame";
    is $answer->header('cross-origin-resource-policy'), 'same-origin',
        "$what: for this origin";
    return;
}

my $before = counted();
my %texts;
lines();
for my $reason (sort keys %reasons) {
    for my $language (sort keys %SAYS) {
        my @language = ('Accept-Language' => "$language-XX, xx;q=0.5");
        my $answer = refused($reason, @language, Accept => $HTML);
        my $what = "$reason, $language";
        my $body = decode_utf8($answer->body);

        is $answer->status, 403, "$what: refused";
        is $answer->header('content-type'), 'text/html; charset=utf-8',
            "$what: a page";
        is $answer->header('content-language'), $language,
            "$what: Content-Language";
        like $body, qr/<html lang="$language" dir="ltr">/, "$what: lang, dir";
        like $body, qr{<title>$SAYS{$language}</title>}, "$what: the title";
        like $body, qr{<h1>$SAYS{$language}</h1>}, "$what: the heading";
        like $body, qr{<code>$reason</code>}, "$what: the reason";
        unlike $body, qr/refusal\.|[{}]|<script/, "$what: nothing left open";
        is_private($answer, $what);
        is $answer->issued, '', "$what: no cookie";

        $answer = refused($reason, @language, Accept => 'application/json');
        is $answer->header('content-type'), 'application/json', "$what: JSON";
        is $answer->header('content-language'), $language,
            "$what: its language";
        my $json = decode_json($answer->body);
        is join(' ', sort keys %$json), 'cure detail error reason',
            "$what: its members";
        is "$json->{error} $json->{reason}", "csrf $reason", "$what: its words";
        for my $said ($json->{detail}, $json->{cure}) {
            my $html = $said =~ s/&/&amp;/gr =~ s/"/&quot;/gr =~ s/'/&#39;/gr;
            like $body, qr/<p>\Q$html\E<\/p>/, "$what: the page says the same";
        }
        $texts{$language}{$reason} = "$json->{detail} $json->{cure}";

        $answer = refused($reason, @language, Accept => 'text/plain');
        is $answer->header('content-type'), 'text/plain; charset=utf-8',
            "$what: plain text";
        my @said = split /\n/, decode_utf8($answer->body);
        like $said[0], qr/\A403 $SAYS{$language} \($reason\)\z/,
            "$what: its first line";
        is "$said[1] $said[2]", $texts{$language}{$reason},
            "$what: and the others";
        is_private($answer, "$what, text");
    }
}
for my $reason (sort keys %reasons) {
    my %seen = map { $texts{$_}{$reason} => 1 } keys %texts;
    is scalar(keys %seen), 7, "$reason: said in seven languages";
}
my $after = counted();
is $after->{$_} - $before->{$_}, 21, "each was counted: $_"
    for sort keys %reasons;
is join(' ', sort keys %$after), join(' ', sort keys %reasons),
    'there is no other reason';

# --- The log -----------------------------------------------------------------

# The line of a request that is refused, sent again until a line is not held
# back by the limit of ten a second.
sub line_of {
    my ($ask) = @_;

    lines();
    for (1 .. 40) {
        $ask->();
        my @told = lines();
        return $told[0] if @told == 1;
        return "more than one: @told" if @told;
        select undef, undef, undef, 0.1;
    }
    return 'none';
}

sub log_of {
    my (@headers) = @_;

    return line_of(sub { ask($visitor, 'POST', '/', 'a=1', @FORM, @headers) });
}

for my $reason (sort keys %reasons) {
    my $told = line_of(sub { refused($reason, 'X-Client-IP' => '192.0.2.7') });
    my $from = $reasons{$reason}{from} ? " from $reasons{$reason}{from}" : '';

    like $told, qr/:warn\] .*\[client 192\.0\.2\.7:\d+\] CP0011: CSRF check refused POST: $reason\Q$from\E(?:, referer: \S+)?\z/,
        "$reason: a line that names the check" . ($from ? ' and the origin' : '');
    my $secrets = join '|', map { quotemeta }
        $SECRET, $OTHER, $visitor->cookie('sessionid'), 'a=1', 'x=y';
    unlike $told, qr/$secrets/, "$reason: and nothing secret";
    $reasons{$reason}{line} = $told;
}
like log_of(Origin => 'file://'), qr/: origin from file:\/\/\z/, 'no web origin';
like log_of(Origin => q(http://a b"c'd\e${PATH}*%{x}%41@f)),
    qr/: origin from http:\/\/a\?b\?c\?d\?e\?\?PATH\?\?\?\?x\?\?41\?f\z/,
    'what no origin has is a question mark';
like log_of(Origin => "http://\xff\tevil"),
    qr/: origin from http:\/\/\?\?evil\z/, 'what is not printable, too';
like log_of(Origin => 'http://' . 'x' x 4000),
    qr/: origin from http:\/\/x{93}\z/, 'a long one is cut';
like log_of('Sec-Fetch-Site' => 'cross-site'), qr/: cross-site\z/,
    'cross-site, and nothing says from where';
like log_of('Sec-Fetch-Site' => 'same-site', Referer =>
            'http://sub.own.example/a?token=1#x'),
    qr/: cross-site from http:\/\/sub\.own\.example, referer: /,
    'or the Referer does, without its path';
like log_of(Origin => ''), qr/: origin\z/, 'an empty one';
like log_of('X-CSRFToken' => 'T0KEN' x 10), qr/: token\z/,
    'a wrong token is not in it';
like line_of(sub { ask($visitor, 'X' x 200, '/', 'a=1', @FORM) }),
    qr/refused X{32}: no-token\z/, 'nor a long method';

# The filter of the manual, with fail2ban's own words for the beginning.
open my $manual, '<', 'docs/fail2ban.md' or die "docs/fail2ban.md: $!\n";
my @filters = map { /^\s*(?:failregex = )?(\^%\(_apache_error_client\)s.*)$/ }
              <$manual>;
close $manual;
is scalar(@filters), 3, 'the manual has three filters';
my $CLIENT = '\[[^]]*\] \[(error|\S+:\S+)\]( \[pid \d+:\S+ \d+\])? '
             . '\[client (?<HOST>[\d.]+)(:\d{1,5})?\]';
s/%\(_apache_error_client\)s/$CLIENT/ for @filters;
for my $reason (sort keys %reasons) {
    my @hosts = map { $reasons{$reason}{line} =~ /$_/ ? $+{HOST} : () }
                @filters;
    is "@hosts", '192.0.2.7', "$reason: fail2ban finds the client";
}
my $ann = visitor();
my $bob = visitor();
$ann->command(':user=ann');
$bob->command(':user=bob');
$ann->post('/cookie-policy/preferences', { choice => 'accept-all' });

# Of another signature.
sub forged { return "$_[0]=" . $ann->cookie($_[0]) =~ s/(.)\z/$1 eq 'x' ? 'y' : 'x'/er }

for my $case (
    [ 'CP0017', join '; ', map { 'sessionid=' . $_->cookie('sessionid') }
                               $ann, $bob ],
    [ 'CP0018', forged('sessionid') ],
    [ 'CP0018', forged('cookies_preferences') ]) {
    my ($tag, $cookies) = @$case;
    my $told = line_of(sub {
        fetch(port => $server->port, host => 'own.example', path => '/',
              headers => [ Cookie => $cookies, 'X-Client-IP' => '192.0.2.7' ]);
    });
    my @hosts = map { $told =~ /$_/ ? $+{HOST} : () } @filters;

    like $told, qr/ $tag: /, "$tag: a line";
    is "@hosts", '192.0.2.7', "$tag: fail2ban finds the client";
    unlike $told, qr/\Q@{[ $cookies =~ s{.*=}{}sr ]}\E/, "$tag: not the cookie";
}
my $forged = log_of(Origin => 'http://[client 192.0.2.9] CP0011');
is $forged =~ /$filters[0]/ ? $+{HOST} : $forged, '127.0.0.1',
    'a forged one counts for its sender';

# --- The form of the answer --------------------------------------------------

sub type_of {
    my (@headers) = @_;
    my $type = ask($visitor, 'POST', '/', 'a=1', @headers)
        ->header('content-type');

    return $type =~ m{^\w+/(\w+)} ? $1 : $type;
}

my @XHR = ('X-Requested-With' => 'XMLHttpRequest');
my @FETCH = ('Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'cors',
             'Sec-Fetch-Dest' => 'empty');
for my $case (
    [ 'html' ], [ 'html', Accept => '*/*' ], [ 'html', Accept => 'text/*' ],
    [ 'json', Accept => 'text/html;q=0.2, application/json;q=0.3' ],
    [ 'html', Accept => 'text/html;q=0.3, application/json;q=0.2' ],
    [ 'html', Accept => 'application/json;q=0, */*;q=0.1' ],
    [ 'plain', Accept => 'text/html;q=0, application/json;q=0, */*' ],
    [ 'plain', Accept => 'image/png' ],
    [ 'json', Accept => 'application/json, text/plain, */*' ],
    [ 'json', Accept => 'text/html;q=0.9', Accept => 'application/json' ],
    [ 'json', @XHR ], [ 'json', @XHR, Accept => '*/*' ], [ 'json', @FETCH ],
    [ 'json', @FETCH, Accept => '*/*' ],
    [ 'html', @XHR, Accept => 'text/html, */*;q=0.01' ],
    [ 'html', @FETCH, Accept => $HTML ],
    [ 'plain', @XHR, Accept => 'text/plain' ],
    [ 'json', 'Content-Type' => 'application/json', Accept => '*/*' ],
    [ 'html', 'Content-Type' => 'application/json', Accept => $HTML ]) {
    my ($type, @headers) = @$case;
    is type_of(@FORM[ 0 .. (grep({ $_ eq 'Content-Type' } @headers) ? -1 : 1) ],
               @headers), $type, "$type for @headers";
}
is ask($visitor, 'POST', '/cookie-policy/preferences.json', 'choice=save',
       @FORM, Origin => 'http://evil.example', Accept => $HTML)
    ->header('content-type'), 'application/json', 'JSON where .json is asked';

# Icelandic is spoken by the site, not by us.
my $answer = refused('no-token', Accept => $HTML, 'Accept-Language' => 'is');
is $answer->header('content-language'), 'en', 'English where we have no words';
like $answer->body, qr/<html lang="en"/, 'and the page says so';
like $answer->body, qr/Reason: <code>no-token</, 'in the words of old';

# --- Where to go on -----------------------------------------------------------

sub links_of { return join ' ', $_[0]->body =~ /<a href="([^"]*)"/g }

for my $case ([ '/form?a=1&amp;b=2', 'http://own.example/form?a=1&b=2' ],
              [ '/', 'http://own.example:80/' ],
              [ '', 'http://own.example' ],
              [ '', 'http://evil.example/form' ],
              [ '', 'https://own.example/form' ],
              [ '', 'http://own.example.evil.example/' ],
              [ '', 'http://own.example@evil.example/' ],
              [ '', 'http://own.example//evil.example/' ],
              [ '', 'http://own.example/\\evil.example/' ],
              [ '', 'http://own.example/%2fevil.example/' ],
              [ '', 'http://own.example/%0d%0aX: y' ],
              [ '', "http://own.example/\xe2\x80\xa8" ],
              [ '/&quot;&gt;&lt;script&gt;', 'http://own.example/"><script>' ],
              [ '', 'javascript:alert(1)' ], [ '', 'own.example/form' ],
              [ '', 'http:///form' ], [ '', 'http://' ], [ '', '' ],
              [ '', 'http://own.example/' . 'x' x 3000 ]) {
    my ($link, $referer) = @$case;
    is links_of(refused('no-token', Accept => $HTML, Referer => $referer)),
        $link, 'Referer: ' . substr($referer, 0, 60) =~ s/[^ -~]/?/gr;
}
is links_of(refused('no-cookie', Accept => $HTML)), '/cookie-policy',
    'no cookie: the policy page';
is links_of(refused('cross-site', Accept => $HTML,
                    Referer => 'https://evil.example/')), '',
    'no way back to another site';

# The site's own frame; the cookie's name in the browser.
my $framed = CookiePolicy::Visitor->new('framed.example',
                                        port => $server->port);
$answer = ask($framed, 'POST', '/', 'a=1', @FORM, Accept => $HTML,
              'Accept-Language' => 'fr');
my $body = decode_utf8($answer->body);
like $body, qr/<html lang="fr" dir="ltr"><title>Requête refusée - Ours</,
    'the frame has title and language';
like $body, qr/Our head.*<main><h1>Requête refusée</s, 'and what is said';
like $body, qr/sans cookie __Host-csrftoken valide/,
    'a cookie is called what the browser calls it';
is $answer->header('content-security-policy'),
    "frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    'its own styles may be loaded';

# A method without a body, HEAD, and a handshake.
is ask($visitor, 'DELETE', '/', undef)->status, 403, 'DELETE';
$answer = ask($visitor, 'GET', '/', undef, Upgrade => 'websocket',
              Connection => 'Upgrade, close', Origin => 'http://evil.example',
              Accept => $HTML);
is $answer->status, 403, 'a handshake';
like $answer->body, qr/<code>origin</, 'is told, too';
$answer = ask($visitor, 'HEAD', '/', undef, Upgrade => 'websocket',
              Connection => 'Upgrade, close', Origin => 'http://evil.example');
is $answer->status . $answer->body, '403', 'HEAD gets no body';

# --- ErrorDocument 403 --------------------------------------------------------

for my $how ([ body => 'a=1&b=2' ], [ body => 'a=' . 'b' x 100_000 ],
             [ chunks => [ 'a=1', '&b=2' ] ],
             [ body => 'a=' . 'b' x 1_200_000 ]) {
    my ($name, $sent) = @$how;
    my $size = ref $sent ? 'in chunks' : length($sent) . ' bytes';
    my $document = sub {
        my ($host, @headers) = @_;
        return visitor("$host.example")->request(
            'POST', '/index.html?q=1', $name => $sent,
            headers => [ @FORM, 'X-Requested-With' => 'x', @headers ]);
    };

    $before = counted();
    $answer = $document->('page');
    is $answer->status, 403, "$size: a page of the site's";
    like $answer->body, qr/In our words: (no-token|window),/, 'knows the reason';
    like $answer->body, qr/BODY_LENGTH: 0\n/, 'but nothing of the body';
    is $answer->header('cache-control'), 'no-store', 'no cache keeps it';
    is $answer->issued, '', 'and no cookie comes with it';
    $answer = $document->('script');
    is $answer->status, 403, "$size: a script of the site's";
    like $answer->seen('REDIRECT_COOKIEPOLICY_REFUSED'),
        qr/\A(?:no-token|window)\z/, 'knows the reason';
    is $answer->seen('COOKIEPOLICY_REFUSED'), undef, 'under one name';
    is $answer->seen('REQUEST_METHOD'), 'GET', 'is asked by GET';
    is $answer->seen('REDIRECT_REQUEST_METHOD'), 'POST', 'was a POST';
    is $answer->seen('BODY_LENGTH'), 0, 'sees nothing of the body';
    is $answer->seen('CONTENT_LENGTH'), undef, 'nor its length';
    $answer = $document->('proxied');
    is $answer->seen('BODY_LENGTH'), 0, "$size: a page behind a proxy";
    $answer = $document->('text');
    is $answer->status . $answer->body, '403Not so.', "$size: a text";
    $answer = $document->('abroad');
    is $answer->status . $answer->header('location'),
        '302https://errors.example/403', "$size: a page elsewhere";
    is $answer->issued, '', 'no cookie comes with it';
    $answer = $document->('policy');
    is $answer->status, 403, "$size: our policy page";
    like $answer->body, qr/<h1>Cookie policy<.*_ga/s, 'is what it is';
    is $answer->issued, '', 'no cookie comes with it';
    $answer = $document->('missing', Accept => $HTML);
    is $answer->status, 403, "$size: a page that is missing";
    unlike $answer->body, qr/BODY_LENGTH/, 'refused it is all the same';
    like $document->('default', Accept => $HTML)->body,
        qr/Reason: <code>(?:no-token|window)</, "$size: the default is ours";
    $after = counted();
    my $grown = 0;
    $grown += $after->{$_} - $before->{$_} for keys %$after;
    is $grown, 8, 'each was counted once';
}

# What follows on the connection is the next request, and not a body's rest.
sub connection_with {
    my ($host, $first, @then) = @_;
    my $line = $first =~ /^[A-Z]+ / ? '' : "POST / HTTP/1.1\r\n";
    my $bytes = CookiePolicy::Client::exchange(
        port => $server->port, host => $host,
        bytes => [ $line . ($line && "Host: $host\r\n") . $first, @then ]);
    my @answers = $bytes =~ m{HTTP/1\.1 (\d+) }g;

    return "@answers";
}
my $NEXT = "GET /index.html HTTP/1.1\r\nHost: own.example\r\n"
           . "Connection: close\r\n\r\n";
for my $host ('own.example', 'script.example', 'text.example') {
    is connection_with($host, "Content-Length: 7\r\n\r\na=1&b=2", $NEXT),
        '403 200', "$host: a short body is read away";
    is connection_with($host, "Transfer-Encoding: chunked\r\n\r\n"
                              . "3\r\na=1\r\n0\r\n\r\n", $NEXT),
        '403', "$host: after a chunked one the connection is closed";
    is connection_with($host, "Content-Length: 2000000\r\n\r\n$NEXT"),
        '403', "$host: as after a long one";
    is connection_with($host, "Expect: 100-continue\r\nContent-Length: "
        . length($NEXT) . "\r\nOrigin: http://evil.example\r\n\r\n"),
        '403', "$host: a body that waits is not asked for";
}

is connection_with('own.example',
    "PUT /cookie-policy/language HTTP/1.1\r\nHost: own.example\r\n"
    . 'Content-Length: ' . length($NEXT) . "\r\n\r\n$NEXT", $NEXT),
    '405 200', 'a body that is not asked for is read away';

# --- The module's other answers ------------------------------------------------

my %problems = (
    'bad-form' => [ 400, 'POST', '/preferences', '{',
                    'Content-Type' => 'application/json' ],
    'no-choice' => [ 400, 'POST', '/preferences', 'choice=perhaps', @FORM ],
    'no-language' => [ 400, 'POST', '/language', 'language=tlh', @FORM ],
    'too-long' => [ 413, 'POST', '/language', 'x=' . 'y' x 20_000, @FORM ],
    'method' => [ 405, 'GET', '/logout', undef ],
    'not-found' => [ 404, 'GET', '/nothing', undef ],
    'no-token' => [ 403, 'GET', '/csrf', undef, 'Sec-Fetch-Site' => 'cross-site',
                    Cookie => '' ],
);
my %titles;
for my $error (sort keys %problems) {
    my ($status, $method, $path, $sent, @headers) = @{ $problems{$error} };
    my $problem = sub {
        return ask($visitor, $method, "/cookie-policy$path", $sent, @headers,
                   @_);
    };

    for my $language (sort keys %SAYS) {
        my @language = ('Accept-Language' => $language);
        $answer = $problem->(@language, Accept => $HTML);
        is $answer->status, $status, "$error, $language: $status";
        is $answer->header('content-type'), 'text/html; charset=utf-8',
            "$error: a page";
        is $answer->header('content-language'), $language, "in $language";
        my ($title) = decode_utf8($answer->body) =~ m{<h1>([^<]+)</h1>\n<p>};
        $titles{$error}{ $title // '' } = 1;
        unlike $answer->body, qr/problem\.|[{}]/, 'nothing is left open';
        is_private($answer, "$error, $language");
        $answer = $problem->(@language, Accept => 'text/plain');
        is $answer->header('content-type'), 'text/plain; charset=utf-8',
            "$error: plain text";
        like decode_utf8($answer->body), qr/\A$status \Q$title\E\n/,
            'that says the same';
        $answer = $problem->(@language, Accept => 'application/json');
        is $answer->status, $status, "$error, $language, JSON: $status";
        is decode_json($answer->body)->{error}, $error, 'its error';
    }
    is scalar(keys %{ $titles{$error} }), 7, "$error: in seven languages";
}
$answer = ask($visitor, 'GET', '/cookie-policy/logout', undef);
is $answer->header('allow'), 'OPTIONS,POST', '405 says what is allowed';
is ask($visitor, 'PUT', '/cookie-policy/preferences', 'a=1',
       'X-CSRFToken' => $SECRET)->header('allow'), 'OPTIONS,GET,HEAD,POST',
    'for each page';
is ask($visitor, 'GET', '/cookie-policy/csrf', undef, Cookie => '',
       'Sec-Fetch-Site' => 'cross-site', Accept => '*/*')
    ->header('content-type'), 'application/json', 'base/csrf is for programs';
is links_of(ask($visitor, 'POST', '/cookie-policy/language', 'language=x',
                @FORM, Referer => 'http://own.example/a', Accept => $HTML)),
    '/a', 'back to the form';

# A consent that cannot be proved: the cookie goes out, so ErrorDocument waits.
my $full = visitor('full.example');
for my $case ([ $HTML, qr{<h1>Votre consentement n’a pas pu être enregistré</h1>} ],
              [ 'text/plain', qr/\A503 Votre consentement .*\n.*refusé compte/ ],
              [ 'application/json', qr/"detail": "Ce site .*refusé compte/ ]) {
    my ($accept, $says) = @$case;
    $answer = ask($full, 'POST', '/cookie-policy/preferences',
                  'choice=accept-all', @FORM, Accept => $accept,
                  'Accept-Language' => 'fr');
    is $answer->status, 503, "no proof, $accept";
    like decode_utf8($answer->body), $says, 'is told in French';
    like $answer->issued, qr/cookies_preferences/, 'and the cookie is issued';
    is_private($answer, "no proof, $accept");
}
is decode_json($answer->body)->{categories}{statistics}{choice}, 'undecided',
    'JSON has the state, too';
like links_of(ask($full, 'POST', '/cookie-policy/preferences',
                  'choice=accept-all', @FORM, Accept => $HTML)),
    qr{\A/cookie-policy\z}, 'the page leads to the choices';

# An ErrorDocument of the site's answers here, too.
my $site = visitor('404.example');
is ask($site, 'GET', '/cookie-policy/nothing', undef)->body, 'Nothing here.',
    'ErrorDocument 404';
$answer = ask($site, 'GET', '/cookie-policy/logout', undef);
is $answer->status . $answer->body, '405Not like this.', 'ErrorDocument 405';
like $answer->header('allow'), qr/POST/, 'with what is allowed';
is ask($site, 'POST', '/cookie-policy/language', 'x=' . 'y' x 20_000, @FORM)
    ->body, 'Less, please.', 'ErrorDocument 413';
$answer = ask($site, 'POST', '/cookie-policy/language', 'language=x', @FORM);
is $answer->status, 400, 'ErrorDocument 400';
is $answer->seen('REQUEST_METHOD'), 'GET', 'a script';
is $answer->seen('REDIRECT_COOKIEPOLICY_REFUSED'), undef,
    'that is told of no refusal';

# The policy page by the same rule.
for my $case ([ 'text/html', 'text/html;q=0.2, application/json;q=0.1' ],
              [ 'application/json', 'text/html;q=0.1, application/json;q=0.2' ],
              [ 'text/html', '*/*' ], [ 'text/html', 'application/json;q=0' ],
              [ 'application/json', 'application/*' ],
              [ 'text/html', 'image/png' ]) {
    my ($type, $accept) = @$case;
    for my $path ('/cookie-policy', '/cookie-policy/preferences', '/status',
                  '/status?inventory') {
        like ask($visitor, 'GET', $path, undef, Accept => $accept)
            ->header('content-type'), qr/^\Q$type\E/, "$path, $accept: $type";
    }
}
is ask($visitor, 'GET', '/cookie-policy', undef, 'Accept-Language' => 'fr')
    ->header('content-language'), 'fr', 'the policy says its language';

ok $server->stop, 'stopped';
done_testing;
