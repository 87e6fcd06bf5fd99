# Where a directive may stand, what .htaccess may do, and how settings merge.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $FOUR = 'cookies_preferences csrftoken django_language sessionid';

# --- .htaccess -------------------------------------------------------------

my $may = fetch(host => 'dirs.example', path => '/may/index.html');
is $may->status, 200, '.htaccess with what is allowed';
is $may->cookie('django_language'), 'fr', 'is followed';
my $all = fetch(host => 'dirs.example', path => '/mayall/index.html');
is $all->status, 200, 'CookiePolicyAllowOverride All';
is $all->issued, '', 'allows even Off';
is fetch(host => 'dirs.example', path => '/maynot/index.html')->status, 500,
    'what is not allowed is an error';
is fetch(host => 'dirs.example', path => '/serveronly/index.html')->status, 500,
    'so is a directive of the server';
open my $log, '<', $ENV{CP_LOG} or die "$ENV{CP_LOG}: $!";
my $said = do { local $/; <$log> };
like $said, qr/maynot\/\.htaccess.*CookiePolicyCsrf not allowed here/,
    'httpd\'s own message names file and directive';
like $said, qr/serveronly\/\.htaccess.*CookiePolicySessionTimeout not allowed here/,
    'also of a directive of the server';

# Each directive that is not for directories, in every place it is not for.
my $server = CookiePolicy::Server->new;
my %server_only = (
    CookiePolicyStateDir => 'state', CookiePolicyKeyFile => 'keys',
    CookiePolicySessionStore => 'shm:1M',
);
my %virtual_host = (
    CookiePolicyRealm => 'a.example', CookiePolicyForwarded => 'None',
    CookiePolicyPath => '/policy', CookiePolicySession => 'On',
    CookiePolicySessionTimeout => 'idle=1h',
    CookiePolicySessionHeader => 'X-Session',
    CookiePolicyCsrfTrustedOrigin => 'None', CookiePolicyCategory => 'None',
    CookiePolicyCookie => 'None', CookiePolicyController => 'name=x',
    CookiePolicyTemplate => 'page.html', CookiePolicyLanguageFile => 'None',
    CookiePolicyConsentLifetime => '30d', CookiePolicyExport => 'none',
    CookiePolicyAttributes => 'sessionid path=/',
);
for my $directive (sort keys %server_only) {
    $server->configure(<<"CONFIG");
<VirtualHost 127.0.0.1:{PORT}>
    $directive $server_only{$directive}
</VirtualHost>
CONFIG
    my ($good, $message) = $server->check;
    ok !$good, "$directive: not in a virtual host";
    like $message, qr/$directive/, 'and the message names it';
}
for my $directive (sort keys %server_only, keys %virtual_host) {
    my $value = $server_only{$directive} || $virtual_host{$directive};
    $server->configure("<Directory \"{DIR}\">\n$directive $value\n</Directory>\n");
    my ($good, $message) = $server->check;
    ok !$good, "$directive: not in a directory";
    like $message, qr/$directive/, 'and the message names it';
}

# --- Merging ---------------------------------------------------------------

$server->configure(<<'CONFIG');
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicy On
CookiePolicyLanguage fr
CookiePolicySessionHeader X-Session login
CookiePolicyCookie outer statistics
CookiePolicyCookie both statistics provider=Outer
CookiePolicyCsrfTrustedOrigin https://outer.example
CookiePolicyAttributes sessionid samesite=strict path=/
<VirtualHost 127.0.0.1:{PORT}>
    ServerName inherits.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName adds.example
    CookiePolicyLanguage de
    CookiePolicyCookie inner statistics
    CookiePolicyCookie both statistics provider=Inner
    CookiePolicyCsrfTrustedOrigin https://inner.example
    CookiePolicyAttributes sessionid httponly=off
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName clears.example
    CookiePolicyCookie None
    CookiePolicyCookie inner statistics
    CookiePolicyCsrfTrustedOrigin None
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName alike.example
    CookiePolicyCookie xb! necessary
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName like.example
    CookiePolicyCookie xaB necessary
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName same.example
    CookiePolicyCookie xb! necessary
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName off.example
    CookiePolicy Off
    <Location /back-on>
        CookiePolicy On
    </Location>
</VirtualHost>
CONFIG
ok $server->start, 'a server of its own' or diag $server->log;
my @at = (port => $server->port);

sub names_of {
    my ($host) = @_;
    my $page = fetch(host => $host, path => '/cookie-policy.json', @at)->body;

    return join ' ', grep { $page =~ /"\Q$_\E"/ } qw(outer inner both xb! xaB);
}

my $set = fetch(host => 'inherits.example', path => '/', @at)->cookies;
is $set->{django_language}{value}, 'fr', 'a virtual host inherits';
is $set->{sessionid}{samesite}, 'Strict', 'attributes, too';
is names_of('inherits.example'), 'outer both', 'and declarations';
$set = fetch(host => 'adds.example', path => '/', @at)->cookies;
is $set->{django_language}{value}, 'de', 'the inner setting wins';
is $set->{sessionid}{samesite}, 'Strict', 'attributes add up';
ok !$set->{sessionid}{httponly}, 'key by key';
is names_of('adds.example'), 'outer inner both', 'declarations add up';
my $page = fetch(host => 'adds.example', path => '/cookie-policy.json', @at);
like $page->body, qr/Inner/, 'a line overrides the inherited one';
unlike $page->body, qr/Outer/, 'of the same name';
is names_of('clears.example'), 'inner', 'None clears';
# These two names have the same hash.
is names_of('alike.example'), 'outer both xb!', 'a host has its own policy';
is names_of('like.example'), 'outer both xaB', 'also next to a similar one';
is names_of('same.example'), 'outer both xb!', 'and one with the same lines';

for my $case ([ 'adds.example', 'outer', 200 ], [ 'adds.example', 'inner', 200 ],
              [ 'inherits.example', 'outer', 200 ],
              [ 'inherits.example', 'inner', 403 ],
              [ 'clears.example', 'outer', 403 ]) {
    my ($host, $origin, $status) = @$case;
    my $visitor = CookiePolicy::Visitor->new($host, @at);
    $visitor->get('/');
    is $visitor->post('/cgi/echo.pl', {}, headers => [
           Origin => "https://$origin.example" ])->status, $status,
        "$host, trusted origin $origin: $status";
}
is fetch(host => 'off.example', path => '/', @at)->issued, '', 'Off for a host';
is fetch(host => 'off.example', path => '/back-on/nothing', @at)->issued, $FOUR,
    'On for a place in it';
is fetch(host => 'off.example', path => '/cookie-policy', @at)->status, 404,
    'a host that is Off has no pages';

# A place that is Off in a host that is On, where our own pages are.
$server->configure(<<'CONFIG');
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicy On
<Location /cookie-policy>
    CookiePolicy Off
</Location>
CONFIG
ok $server->graceful, 'reloaded';
is fetch(host => 'x.example', path => $_, @at)->status, 404,
    "Off for the pages: $_ is no page"
    for '/cookie-policy', '/cookie-policy/csrf';
is_deeply [ $server->crashes ], [], 'and nothing crashed';
ok $server->stop, 'stopped';

done_testing;
