# Global Privacy Control: what the signal does, and how a site says so.
use strict;
use warnings;

use JSON::PP qw(decode_json);
use POSIX qw(strftime);
use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $WELL_KNOWN = '/.well-known/gpc.json';
my $CHOOSE = '/cookie-policy/preferences';
my @SIGNAL = ('Sec-GPC' => '1');
my $CONFIG = <<'CONFIG';
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyCategory comfort objectable
CookiePolicyCookie _ga statistics
CookiePolicyCookie font_size comfort
CookiePolicyConsentLog logs/consent
CookiePolicyAllowOverride None
<VirtualHost *>
    ServerName on.example
</VirtualHost>
<VirtualHost *>
    ServerName off.example
    CookiePolicyGPC Off
</VirtualHost>
<VirtualHost *>
    ServerName report.example
    CookiePolicy Report
</VirtualHost>
<VirtualHost *>
    ServerName unmanaged.example
    CookiePolicy Off
</VirtualHost>
CONFIG

my $server = CookiePolicy::Server->new(config => $CONFIG);
mkdir $server->dir . '/htdocs/.well-known' or die "$!";
$server->file('htdocs/.well-known/gpc.json', '{"gpc": false}');
ok $server->start, 'a server of its own' or diag $server->log;
my @at = (port => $server->port);

# --- The statement ----------------------------------------------------------

my $today = strftime('%Y-%m-%d', gmtime);
my $answer = fetch(@at, host => 'on.example', path => $WELL_KNOWN);
is $answer->status, 200, 'gpc.json';
like $answer->header('content-type'), qr{^application/json}, 'is JSON';
my $said = decode_json($answer->body);
ok $said->{gpc}, 'that says that the signal is honoured';
like $said->{lastUpdate}, qr/\A\d{4}-\d\d-\d\d\z/, 'since a day';
cmp_ok $said->{lastUpdate}, 'ge', $today, 'which is that of the start'
    or diag "not $today";
is $answer->header('cache-control'), 'max-age=86400', 'it may be kept a day';
is $answer->header('x-content-type-options'), 'nosniff', 'for what it is';
is $answer->issued, '', 'it brings no cookie';
is fetch(@at, host => 'on.example', path => $WELL_KNOWN, method => 'HEAD')
    ->status, 200, 'HEAD goes where GET does';
is fetch(@at, host => 'on.example', path => "$WELL_KNOWN/x")->status, 404,
    'below it is nothing';
like fetch(@at, host => 'on.example', path => $WELL_KNOWN,
           method => 'OPTIONS')->header('allow'), qr/GET/, 'OPTIONS tells';
for my $host (qw(off report unmanaged)) {
    is fetch(@at, host => "$host.example", path => $WELL_KNOWN)->body,
        '{"gpc": false}', "$host: the site's own file";
}

# --- The signal -------------------------------------------------------------

sub look {
    my ($visitor, @headers) = @_;

    return $visitor->get('/cgi/echo.pl', headers => [ @headers ]);
}

sub seen_with {
    my ($host, $name, @headers) = @_;

    return look(CookiePolicy::Visitor->new($host, @at), @headers)->seen($name);
}

is seen_with('on.example', 'COOKIEPOLICY_DECIDED', @SIGNAL), 'gpc',
    'the signal stands in for a choice';
is seen_with('on.example', 'COOKIEPOLICY_DECIDED'), 'no', 'not without it';
is seen_with('on.example', 'COOKIEPOLICY_CONSENT', @SIGNAL), 'necessary',
    'which refuses what may be objected to';
is seen_with('on.example', 'COOKIEPOLICY_CONSENT'), 'necessary,comfort',
    'and is allowed without it';
for my $odd ('0', '', '1, 1', 'true', '10', '"1"') {
    is seen_with('on.example', 'COOKIEPOLICY_DECIDED', 'Sec-GPC' => $odd),
        'no', "no signal: Sec-GPC: $odd";
}
is seen_with('off.example', 'COOKIEPOLICY_DECIDED', @SIGNAL), 'no',
    'CookiePolicyGPC Off: it does not count';
is seen_with('off.example', 'COOKIEPOLICY_CONSENT', @SIGNAL),
    'necessary,comfort', 'CookiePolicyGPC Off: nothing is refused';

# The cookie of an objectable category, both ways.
my $set = '/cgi/echo.pl?h=Set-Cookie:%20font_size%3D12';
unlike fetch(@at, host => 'on.example', path => $set, headers => [ @SIGNAL ])
    ->issued, qr/font_size/, 'under the signal its cookie is not set';
like fetch(@at, host => 'on.example', path => $set)->issued, qr/font_size/,
    'without it, it is';
is fetch(@at, host => 'on.example', path => '/cgi/echo.pl',
         headers => [ Cookie => 'font_size=12', @SIGNAL ])
    ->seen_cookie('font_size'), undef, 'nor does content see it';
is fetch(@at, host => 'on.example', path => '/cgi/echo.pl',
         headers => [ Cookie => 'font_size=12' ])
    ->seen_cookie('font_size'), '12', 'without the signal it does';

# --- A choice made under it -------------------------------------------------

sub last_choice {
    open my $in, '<', $server->dir . '/logs/consent' or return {};
    my @choices = grep { $_->{type} eq 'choice' } map { decode_json($_) } <$in>;

    return $choices[-1];
}

my $visitor = CookiePolicy::Visitor->new('on.example', @at);
$visitor->get('/', headers => [ @SIGNAL ]);
$visitor->post($CHOOSE, [ choice => 'accept-all' ], headers => [ @SIGNAL ]);
ok last_choice()->{gpc}, 'a grant under the signal is logged with it';
is look($visitor, @SIGNAL)->seen('COOKIEPOLICY_CONSENT'),
    'necessary,statistics,comfort', 'and counts';
is look($visitor, @SIGNAL)->seen('COOKIEPOLICY_DECIDED'), 'yes',
    'since the visitor decided';
$visitor->post($CHOOSE, [ choice => 'reject-all' ]);
ok !last_choice()->{gpc}, 'a choice without it is logged without it';
my $other = CookiePolicy::Visitor->new('off.example', @at);
$other->get('/');
$other->post($CHOOSE, [ choice => 'accept-all' ], headers => [ @SIGNAL ]);
ok last_choice()->{gpc}, 'where the signal is not honoured it is logged, too';

# The statement holds anew after a reload.
ok $server->graceful, 'graceful';
is fetch(@at, host => 'on.example', path => $WELL_KNOWN)->status, 200,
    'and it is said again';

ok $server->stop, 'stopped';

done_testing;
