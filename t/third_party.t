# What CookiePolicyThirdParty makes of documents: a Content-Security-Policy
# that lists what is allowed to this visitor, and nothing else changed.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Backend ();
use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my @KINDS = qw(script style img font media connect frame worker object);
my $PAGE = "<!DOCTYPE html>\n<title>Backend</title>\n";

sub answer {
    my ($status, @fields) = @_;

    return join "\r\n", "HTTP/1.1 $status", @fields,
        'Content-Length: ' . length $PAGE, 'Connection: close', '', $PAGE;
}

my $backend = CookiePolicy::Backend->new(
    '/page' => sub {
        my ($head) = @_;

        return "HTTP/1.1 304 Not Modified\r\nETag: \"b\"\r\n"
               . "Connection: close\r\n\r\n"
            if $head =~ /^If-(?:None-Match|Modified-Since):/mi;
        return answer('200 OK', 'Content-Type: text/html', 'ETag: "b"',
                      'Cache-Control: public, max-age=60, s-maxage=90');
    },
    '/own' => answer('200 OK', 'Content-Type: text/html; charset=utf-8',
                     "Content-Security-Policy: script-src 'none'",
                     "Content-Security-Policy: img-src 'self'"),
    '/part' => answer('206 Partial Content', 'Content-Type: text/html',
                      'Content-Range: bytes 0-' . (length($PAGE) - 1)
                      . '/' . length $PAGE),
);

my $server = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyIssue lazy
CookiePolicyCategory marketing consent
CookiePolicyCategory comfort objectable
AddType text/html .html .shtml
AddType image/png .png
AddType application/xhtml+xml .xhtml
AddType application/pdf .pdf
ProxyPass /b/ http://127.0.0.1:@{[ $backend->port ]}/ disablereuse=on retry=0
CookiePolicyThirdParty necessary https://cdn.example
CookiePolicyThirdParty statistics https://stats.example:8443
CookiePolicyThirdParty marketing https://*.ads.example http://frames.example
CookiePolicyThirdParty comfort https://fonts.example
ErrorDocument 410 /index.html
Redirect 302 /moved http://own.example/index.html
Redirect 410 /gone
<Location /denied>
    Require all denied
</Location>
<Location /own>
    Header always set Content-Security-Policy "default-src 'self'"
</Location>
<Location /more>
    CookiePolicyThirdParty marketing https://more.example
</Location>
<Location /more/other>
    CookiePolicyThirdParty None
    CookiePolicyThirdParty necessary https://other.example
</Location>
<Location /none>
    CookiePolicyThirdParty None
</Location>
<Location /off>
    CookiePolicy Off
</Location>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName bare.example
    CookiePolicy Off
    Header always set Content-Security-Policy "default-src 'self'"
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName adds.example
    CookiePolicyThirdParty necessary https://added.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName behind.example
    CookiePolicyForwarded from=127.0.0.1/32
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName clears.example
    CookiePolicyThirdParty None
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName report.example
    CookiePolicy Report
</VirtualHost>
{CACHING}
CONFIG
mkdir $server->dir . "/htdocs/$_" or die $!
    for qw(own more more/other none off);
$server->file("htdocs/$_", "<!DOCTYPE html><title>A page</title>\n")
    for qw(page.html page.xhtml plain.txt image.png paper.pdf own/page.html
           more/page.html more/other/page.html none/page.html off/page.html);
ok $server->start, 'a server of its own' or diag $server->{said}, $server->log;

sub get {
    my ($host, $path, @headers) = @_;

    return fetch(host => $host, port => $server->port, path => $path,
                 headers => \@headers);
}

# The cookie of a visitor who chose these.
sub chooser {
    my ($host, @categories) = @_;
    my $visitor = CookiePolicy::Visitor->new($host, port => $server->port);

    $visitor->request('POST', '/cookie-policy/preferences',
        body => form_encode([ choice => 'save',
                              map { (category => $_) } @categories ]),
        headers => [ Origin => "http://$host",
                     'Content-Type' => 'application/x-www-form-urlencoded' ]);
    return (Cookie => 'cookies_preferences='
                      . ($visitor->cookie('cookies_preferences') // ''));
}

# A policy, as a browser reads it: directive => { source => 1 }
sub policy_read {
    my ($text) = @_;
    my %policy;

    for my $directive (split /;/, $text // '') {
        my ($name, @sources) = split ' ', $directive;

        next unless defined $name;
        $policy{ lc $name } //= { map { ($_ => 1) } @sources };
    }
    return \%policy;
}

sub policies { return map { policy_read($_) }
                      $_[0]->header('content-security-policy') }

# The third parties that may be loaded as one kind, by the only policy, or the
# only one with a directive.
sub parties {
    my ($answer, $kind, $with) = @_;
    my @policies = grep { !$with || $_->{$with} } policies($answer);

    return scalar(@policies) . ' policies' if @policies != 1;
    return join ' ', sort grep { /\A(?:https?:|\*)/ }
                     keys %{ $policies[0]{"$kind-src"} // {} };
}

my $UNDECIDED = 'https://cdn.example https://fonts.example';
my $STATISTICS = 'https://cdn.example https://stats.example:8443';
my $EVERYTHING = 'http://frames.example https://*.ads.example '
    . 'https://cdn.example https://fonts.example https://stats.example:8443';

# --- What it says ----------------------------------------------------------

my $page = get('own.example', '/page.html');
my ($policy) = policies($page);
is_deeply [ sort keys %$policy ], [ sort map { "$_-src" } @KINDS ],
    'nine directives and no other';
is parties($page, $_), $UNDECIDED, "$_: exempt, and not objected to"
    for @KINDS;
is scalar(grep { $policy->{"$_-src"}{"'self'"} } @KINDS), 9,
    'the site itself, for each';
for my $source ('data:', 'blob:') {
    is join(' ', grep { $policy->{"$_-src"}{$source} } @KINDS),
        'script style img font media connect frame worker',
        "$source for all but objects";
}
ok $policy->{"$_-src"}{"'unsafe-inline'"}, "'unsafe-inline' for $_"
    for qw(script style);
ok $policy->{'script-src'}{"'unsafe-eval'"}, "'unsafe-eval' for scripts";
ok $policy->{'connect-src'}{'ws://own.example'}, 'its own WebSockets';
ok +(policies(get('own.example', '/page.html', Host => 'own.example:8080')))[0]
    ->{'connect-src'}{'ws://own.example:8080'},
    'at the port that it is addressed by';
ok +(policies(get('behind.example', '/page.html',
                  'X-Forwarded-Proto' => 'https',
                  'X-Forwarded-Host' => 'www.example')))[0]
    ->{'connect-src'}{'wss://www.example'}, 'at the host and the scheme, too';

my @statistics = chooser('own.example', 'statistics');
my @all = chooser('own.example', qw(statistics marketing comfort));
my @refused = chooser('own.example');
is parties(get('own.example', '/page.html', @statistics), 'script'),
    $STATISTICS, 'one category granted, another objected to';
is parties(get('own.example', '/page.html', @refused), 'frame'),
    'https://cdn.example', 'all refused';
is parties(get('own.example', '/page.html', 'Sec-GPC' => '1'), 'font'),
    'https://cdn.example', 'objected to by Sec-GPC';
my $granted = get('own.example', '/page.html', @all);
is parties($granted, 'img'), $EVERYTHING, 'the permissive form with all granted';
is join(' ', sort keys %{ (policies($granted))[0] }),
    join(' ', sort map { "$_-src" } @KINDS), 'has the same directives';
is parties(get('own.example', '/page.html',
               Cookie => 'cookies_preferences=1.1.marketing:y:AAAAAAAA.x.y'),
           'frame'), $UNDECIDED, 'a choice that is made up';

# Two lines: browsers obey both, so that neither loosens the other.
my @own = get('own.example', '/own/page.html')
          ->header('content-security-policy');
is scalar(@own), 2, 'the site\'s own policy is there as well';
is scalar(grep { $_ eq "default-src 'self'" } @own), 1, 'just as it was';
@own = get('own.example', '/b/own')->header('content-security-policy');
is scalar(@own), 3, 'and both of a backend\'s';
is join('|', grep { !/cdn\.example/ } @own), "script-src 'none'|img-src 'self'",
    'as they were';
@own = get('own.example', '/cgi/echo.pl?' . form_encode(
    [ h => "Content-Security-Policy: sandbox" ]))
    ->header('content-security-policy');
is scalar(@own), 2, 'and that of CGI';

# --- Where it is -----------------------------------------------------------

for my $path (qw(/page.html /page.xhtml /b/page /cgi/echo.pl /b/part
                 /denied /gone /not-there.html)) {
    my $answer = get('own.example', $path);

    is parties($answer, 'script'), $UNDECIDED, "$path has it";
    like $answer->header('cache-control') // '', qr/\bprivate\b/,
        'and is for no shared cache';
}
is get('own.example', '/b/page')->header('cache-control'),
    'private, no-cache', 'nor is given again unasked';
is get('own.example', '/gone')->status, 410, 'an error stays one';
for my $path (qw(/plain.txt /image.png /paper.pdf /moved /none/page.html
                 /off/page.html /cgi/echo.pl?type=application/json
                 /cgi/echo.pl?type=text/htmlx)) {
    my $answer = get('own.example', $path);

    is $answer->header('content-security-policy'), undef, "$path has none";
    unlike $answer->header('cache-control') // '', qr/private/,
        'and may be cached';
}
my $head = fetch(host => 'own.example', port => $server->port,
                 path => '/page.html', method => 'HEAD');
is parties($head, 'script'), $UNDECIDED, 'HEAD has it';
is get('own.example', '/cookie-policy')->header('content-security-policy')
    =~ /script-src https/ ? 'loose' : 'own', 'own', 'our own pages have theirs';
my $refusal = fetch(host => 'own.example', port => $server->port,
                    path => '/cgi/echo.pl', method => 'POST', body => 'a=1',
                    headers => [ Origin => 'http://evil.example',
                                 Accept => 'text/html' ]);
is $refusal->status, 403, 'what the check refuses';
is parties($refusal, 'script', 'script-src'), $UNDECIDED,
    'is a document, too, beside its own policy';

# --- Merging ---------------------------------------------------------------

is parties(get('own.example', '/more/page.html', @all), 'script'),
    join(' ', sort(split(/ /, $EVERYTHING), 'https://more.example')),
    'a <Location> adds';
is parties(get('own.example', '/more/page.html'), 'script'), $UNDECIDED,
    'and what it adds waits for consent, too';
is parties(get('own.example', '/more/other/page.html', @all), 'script'),
    'https://other.example', 'None clears, and more may follow';
is parties(get('adds.example', '/page.html'), 'script'),
    join(' ', sort(split(/ /, $UNDECIDED), 'https://added.example')),
    'a host adds to the server\'s';
is get('clears.example', '/page.html')->header('content-security-policy'),
    undef, 'and clears them';
is parties(get('clears.example', '/more/page.html'), 'script'), '',
    'where a directory adds one that waits there is a policy again';

# --- Conditional requests --------------------------------------------------

# The browser would keep the policy that it stored, of an earlier choice.
my $bare = get('bare.example', '/page.html');
my @validators = ('If-None-Match' => scalar $bare->header('etag'));
my $same = get('bare.example', '/page.html', @validators);
is $same->status, 304, 'bare httpd answers the page\'s ETag with a 304';
ok defined $same->header('content-security-policy'),
    'with a field that is set always';

my @modified = ('If-Modified-Since' => scalar $bare->header('last-modified'));
for my $case (
    [ 'a page', '/page.html', $UNDECIDED, @validators ],
    [ 'by date', '/page.html', $UNDECIDED, @modified ],
    [ 'a navigation', '/page.html', $UNDECIDED, @validators,
      'Sec-Fetch-Dest' => 'document' ],
    [ 'a frame', '/page.html', $UNDECIDED, @validators,
      'Sec-Fetch-Dest' => 'iframe' ],
    [ 'by script', '/page.html', $UNDECIDED, @validators,
      'Sec-Fetch-Dest' => 'empty' ],
    [ 'any ETag', '/page.html', $UNDECIDED, 'If-None-Match' => '*' ],
    [ 'with all granted', '/page.html', $EVERYTHING, @validators, @all ],
    [ 'with all refused', '/page.html', 'https://cdn.example', @validators,
      @refused ],
    [ 'of a backend', '/b/page', $UNDECIDED, 'If-None-Match' => '"b"' ],
    [ 'of one that is asked by date', '/b/page', $STATISTICS, @modified,
      @statistics ],
    [ 'in a place of its own', '/more/other/page.html',
      'https://other.example', 'If-None-Match' =>
      scalar get('bare.example', '/more/other/page.html')->header('etag') ],
) {
    my ($what, $path, $parties, @headers) = @$case;
    my $answer = get('own.example', $path, @headers);

    like $answer->status, qr/\A(?:200|304)\z/, "$what: asked for anew";
    is parties($answer, 'script'), $parties, 'comes with the policy of now';
    like $answer->header('cache-control'), qr/private/, 'for one visitor';
}
my $etag = get('own.example', '/image.png')->header('etag');
for my $dest ([ 'Sec-Fetch-Dest' => 'image' ], []) {
    my $image = get('own.example', '/image.png', 'If-None-Match' => $etag,
                    @$dest);

    is $image->status, 304, 'an image gets a 304';
    is $image->header('content-security-policy'), undef, 'without a policy';
    unlike $image->header('cache-control') // '', qr/private/,
        'which shared caches may use';
}
my $clear = get('clears.example', '/page.html', 'If-None-Match' => scalar
                get('clears.example', '/page.html')->header('etag'));
is $clear->status, 304, 'a 304 where there are no third parties';
is $clear->header('content-security-policy'), undef, 'without a policy';
is get('own.example', '/page.html', 'If-Match' => '"other"')->status, 412,
    'If-Match is left alone';
my $part = get('own.example', '/page.html', Range => 'bytes=0-4');
is $part->status, 206, 'a part';
is parties($part, 'script'), $UNDECIDED, 'of a document has it';

# --- Behind a cache of our own ----------------------------------------------

for my $host (qw(quick.example normal.example)) {
    my @chosen = chooser($host, 'statistics');
    my @first = (get($host, '/page.html'), get($host, '/page.html'));
    my $second = get($host, '/page.html', @chosen);
    my $third = get($host, '/page.html');

    like $second->header('x-cache'), qr/^HIT/, "$host: out of the cache";
    is parties($first[0], 'script'), $UNDECIDED, 'what was stored';
    is parties($second, 'script'), $STATISTICS, 'comes with each one\'s own';
    is parties($third, 'script'), $UNDECIDED, 'and nobody else\'s';
    like $second->header('cache-control'), qr/private/,
        'for no cache downstream';
    my $again = get($host, '/page.html', @chosen, 'If-None-Match' =>
                    scalar $second->header('etag'));
    is $again->status, 304, 'asked for anew out of it';
    is parties($again, 'script'), $STATISTICS, 'with the policy of now';
    $again = get($host, '/page.html', 'If-None-Match' =>
                 scalar $second->header('etag'));
    is parties($again, 'script'), $UNDECIDED, 'of each one';
    like get($host, '/image.png')->header('x-cache') // '', qr/^MISS/,
        'an image goes in';
    my $hit = get($host, '/image.png');
    like $hit->header('x-cache') // '', qr/^HIT/, 'and comes out';
    is $hit->header('content-security-policy'), undef, 'without a policy';
    unlike $hit->header('cache-control') // '', qr/private/,
        'and may be cached by others';
    $hit = get($host, '/image.png', 'If-None-Match' =>
               scalar $hit->header('etag'));
    is $hit->status, 304, 'asked for anew';
    is $hit->header('content-security-policy'), undef, 'without a policy, too';
}
is parties(get('normal.example', '/more/page.html',
               chooser('normal.example', 'marketing')), 'script'),
    'http://frames.example https://*.ads.example https://cdn.example '
    . 'https://more.example', 'a <Location>\'s own before the cache';
is parties(get('normal.example', '/more/page.html',
               chooser('normal.example', 'marketing')), 'script'),
    'http://frames.example https://*.ads.example https://cdn.example '
    . 'https://more.example', 'and out of it';

# --- Report mode -----------------------------------------------------------

my $report = get('report.example', '/page.html');
is $report->header('content-security-policy'), undef,
    'Report: nothing is forbidden';
my @only = $report->header('content-security-policy-report-only');
is scalar(@only), 1, 'but told';
$policy = policy_read($only[0]);
is_deeply [ sort grep { !/\Areport-/ } keys %$policy ],
    [ sort map { "$_-src" } @KINDS ], 'with the same directives';
ok exists $policy->{'report-uri'}{'/cookie-policy/csp-report'},
    'and where to tell it';
unlike $report->header('cache-control') // '', qr/private/,
    'caches are told nothing';
is get('report.example', '/page.html', @validators)->status, 304,
    'and a 304 is one';
is get('report.example', '/image.png')
    ->header('content-security-policy-report-only'), undef,
    'an image has none';

# --- Hosts that would write a policy ---------------------------------------

for my $host ("own.example'", 'own.example;script-src', 'own_example',
              'a,b.example', '[::1]', 'own.example:99999', 'x' x 300,
              'own.example:', "*", 'own%20example') {
    my $answer = get($host, '/page.html');

    next if $answer->status == 400;
    my @got = policies($answer);
    my %allowed = map { ("$_-src" => 1) } @KINDS;
    my @strange = grep { !$allowed{$_} } map { keys %$_ } @got;
    is "@strange", '', "a Host of '" . substr($host, 0, 30) . "' adds nothing";
    @strange = grep { !/\A(?:'self'|data:|blob:|https:\/\/(?:cdn|fonts)\.example
                         |wss?:\/\/[A-Za-z0-9.-]+(?::\d+)?)\z/x }
               map { keys %{ $_->{'connect-src'} } } @got;
    is "@strange", '', 'nor a source';
}

done_testing;
