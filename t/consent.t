# The visitor's choice, from the form to what it does to cookies, and how
# content learns of it.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Browser ();
use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Server ();

my $HOST = 'own.example';
my $GONE = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT';

sub config {
    my ($provider, $more) = @_;

    return <<"CONFIG";
<IfModule !mod_log_config.c>
    LoadModule log_config_module "@{[ CookiePolicy::Server::module_file('log_config') ]}"
</IfModule>
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyIssue lazy
CookiePolicyCategory marketing consent
CookiePolicyCategory comfort objectable
CookiePolicyCookie cart necessary
CookiePolicyCookie count statistics provider=$provider
CookiePolicyCookie ad_id marketing
CookiePolicyCookie shop_ad marketing path=/shop
CookiePolicyCookie font comfort
@{[ $more // '' ]}
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory "{DIR}/htdocs">
    Options +IncludesNOEXEC
</Directory>
LogFormat "%U %{COOKIEPOLICY_CONSENT}e %{COOKIEPOLICY_DECIDED}e" consent
CustomLog "{DIR}/logs/consent" consent
RewriteEngine On
RewriteCond %{ENV:COOKIEPOLICY_CONSENT} "(?:^|,)statistics(?:,|\$)"
RewriteRule ^/count\\.gif - [E=COUNTS:yes,L]
RewriteRule ^/count\\.gif - [G]
<If "reqenv('COOKIEPOLICY_DECIDED') == 'no'">
    Header always set X-Asks yes
</If>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
    RewriteEngine On
    RewriteOptions Inherit
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName deaf.example
    CookiePolicyGPC Off
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName plain.example
    CookiePolicyCookie None
    CookiePolicyCookie cart necessary
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName short.example
    CookiePolicyConsentLifetime 1d
</VirtualHost>
CONFIG
}

my $server = CookiePolicy::Server->new(config => config('Us'));
$server->file('htdocs/see.shtml', '[<!--#echo var="COOKIEPOLICY_CONSENT" -->]'
                                  . '[<!--#echo var="COOKIEPOLICY_DECIDED" -->]');
$server->file('htdocs/count.gif', 'GIF');
ok $server->start, 'a server of its own' or diag $server->{said}, $server->log;

# What a browser does: it sends what it has and stores what it gets.
sub visit {
    my ($browser, $method, $path, %with) = @_;
    my @headers = @{ delete $with{headers} || [] };
    my $cookie = $browser->header($path);

    push @headers, Cookie => $cookie if defined $cookie;
    my $answer = fetch(host => $browser->{host}, port => $server->port,
                       path => $path, method => $method, %with,
                       headers => \@headers);
    $browser->take($_, $path) for $answer->header('set-cookie');
    return $answer;
}

sub choose {
    my ($browser, $choice, %with) = @_;
    my @pairs = ref $choice ? (choice => 'save', map { (category => $_) }
                                                 @$choice)
                            : (choice => $choice);

    return visit($browser, 'POST', '/cookie-policy/preferences',
        body => form_encode([ @pairs, next => '/index.html' ]),
        headers => [ Origin => "http://$browser->{host}",
                     'Content-Type' => 'application/x-www-form-urlencoded',
                     @{ $with{headers} || [] } ]);
}

sub newcomer { return CookiePolicy::Browser->new(host => $_[0] // $HOST) }

sub set {
    my ($browser, @lines) = @_;

    $browser->take($_) for @lines;
    return $browser;
}

# The application's own, by name.
sub has { return join ' ', grep { $_ ne 'cookies_preferences' } $_[0]->names }

# Has the application set cookies, and says which the browser has then.
sub after_setting {
    my ($browser, @lines) = @_;

    visit($browser, 'GET', '/cgi/echo.pl?' . form_encode(
        [ map { (h => "Set-Cookie: $_") } @lines ]));
    return has($browser);
}

my @EACH = map { "$_=1; Path=/" } qw(cart count ad_id font stray);

# --- Before any choice -----------------------------------------------------

my $visitor = newcomer();
is after_setting($visitor, @EACH), 'cart font',
    'before any choice: what is exempt or may be objected to';
my $look = visit($visitor, 'GET', '/cgi/echo.pl');
is $look->seen('COOKIEPOLICY_CONSENT'), 'necessary,comfort',
    'COOKIEPOLICY_CONSENT';
is $look->seen('COOKIEPOLICY_DECIDED'), 'no', 'COOKIEPOLICY_DECIDED';
is visit($visitor, 'GET', '/see.shtml')->body, '[necessary,comfort][no]', 'SSI';
is visit($visitor, 'GET', '/count.gif')->status, 410, 'mod_rewrite';
is visit($visitor, 'GET', '/index.html')->header('x-asks'), 'yes', '<If>';

# --- save with one category -------------------------------------------------

my $saved = choose($visitor, ['statistics']);
is $saved->status, 303, 'save';
like $saved->header('location'), qr{/index\.html\z}, 'to where it says';
is has($visitor), 'cart', 'what was objected to is gone at once';
is after_setting($visitor, @EACH), 'cart count', 'what was granted arrives';
$look = visit($visitor, 'GET', '/cgi/echo.pl');
is $look->seen('COOKIEPOLICY_CONSENT'), 'necessary,statistics',
    'COOKIEPOLICY_CONSENT';
is $look->seen('COOKIEPOLICY_DECIDED'), 'yes', 'COOKIEPOLICY_DECIDED';
like $look->seen('HTTP_COOKIE'), qr/cart=1; count=1/, 'the application sees it';
is visit($visitor, 'GET', '/see.shtml')->body, '[necessary,statistics][yes]',
    'SSI';
is visit($visitor, 'GET', '/count.gif')->status, 200, 'mod_rewrite';
is visit($visitor, 'GET', '/index.html')->header('x-asks'), undef, '<If>';

# Another visitor has nothing of it.
is after_setting(newcomer(), @EACH), 'cart font', 'nobody else has chosen';

# A script sets what is refused: the next document deletes it.
set($visitor, 'ad_id=1', 'font=1; Path=/', 'stray=1; Path=/');
visit($visitor, 'GET', '/index.html',
      headers => [ 'Sec-Fetch-Dest' => 'document' ]);
is has($visitor), 'cart count stray',
    'what a script set without leave goes with the next document';

# --- Withdrawing -----------------------------------------------------------

$visitor = newcomer();
choose($visitor, 'accept-all');
is after_setting($visitor, @EACH, 'shop_ad=1; Path=/shop'),
    'ad_id cart count font shop_ad', 'accept-all';
# Two of them anew, as a script would.
set($visitor, 'count=2; Path=/', 'stray=1; Path=/');
my $withdrawn = choose($visitor, ['comfort']);
is has($visitor), 'cart font stray',
    'withdrawing deletes in that very answer, also what did not come with it';
is_deeply [ sort grep { /Max-Age=0/ } $withdrawn->header('set-cookie') ],
    [ "ad_id=; $GONE; Path=/", "count=; $GONE; Path=/",
      "shop_ad=; $GONE; Path=/shop" ], 'each just as it is declared';
is after_setting($visitor, @EACH), 'cart font stray', 'and sets none anew';

$visitor = newcomer();
choose($visitor, 'accept-all');
set($visitor, 'count=1; Path=/', 'shop_ad=1; Path=/shop');
my $json = visit($visitor, 'POST', '/cookie-policy/preferences.json',
    body => '{"choice":"reject-all"}',
    headers => [ Origin => "http://$HOST",
                 'Content-Type' => 'application/json' ]);
is $json->status, 200, 'reject-all, as JSON';
is has($visitor), '', 'deletes at once, too';
like $json->header('cache-control') // '', qr/no-store/, 'for no cache';

$visitor = newcomer();
choose($visitor, ['statistics']);
choose($visitor, [ 'statistics', 'marketing' ]);
my $twice = choose($visitor, [ 'statistics', 'marketing' ]);
is scalar(grep { /Max-Age=0/ } $twice->header('set-cookie')), 0,
    'to choose the same again deletes nothing';
is after_setting($visitor, @EACH), 'ad_id cart count', 'and takes nothing away';

# A foreign page can neither grant nor withdraw.
my $foreign = visit($visitor, 'POST', '/cookie-policy/preferences',
    body => form_encode([ choice => 'reject-all' ]),
    headers => [ Origin => 'http://evil.example',
                 'Content-Type' => 'application/x-www-form-urlencoded' ]);
is $foreign->status, 403, 'a foreign page may not choose';
is has($visitor), 'ad_id cart count', 'and deletes nothing';
is after_setting($visitor, @EACH), 'ad_id cart count', 'nor changes anything';

# What somebody made up grants nothing.
for my $forged (
    '1.20000.statistics:y:AAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA.'
        . 'AAAAAAAAAAAAAAAAAAAAAA',
    do { my ($real) = grep { $_->{name} eq 'cookies_preferences' }
                      $visitor->cookies;
         (my $value = $real->{value}) =~ s/comfort:n/comfort:y/;
         $value },
) {
    my $forger = set(newcomer(), "cookies_preferences=$forged; Path=/");

    is after_setting($forger, @EACH) =~ s/ ?cookies_preferences//r,
        'cart font', 'a forged choice is none';
}
my ($real) = grep { $_->{name} eq 'cookies_preferences' } $visitor->cookies;
is after_setting(set(newcomer('plain.example'),
                     "cookies_preferences=$real->{value}; Path=/"), @EACH),
    'cart', 'nor is one of another host';

# --- Sec-GPC ---------------------------------------------------------------

my @gpc = (headers => [ 'Sec-GPC' => '1' ]);
my $quiet = newcomer();
$look = visit($quiet, 'GET', '/cgi/echo.pl?' . form_encode(
    [ map { (h => "Set-Cookie: $_") } @EACH ]), @gpc);
is has($quiet), 'cart', 'Sec-GPC: what may be objected to is objected to';
is $look->seen('COOKIEPOLICY_CONSENT'), 'necessary', 'COOKIEPOLICY_CONSENT';
is $look->seen('COOKIEPOLICY_DECIDED'), 'gpc', 'COOKIEPOLICY_DECIDED';
set($quiet, 'font=1; Path=/');
is visit($quiet, 'GET', '/cgi/echo.pl', @gpc)->seen('HTTP_COOKIE')
    =~ s/csrftoken=\w+(?:; )?//r, 'cart=1', 'its cookie is withheld';
visit($quiet, 'GET', '/index.html', @gpc);
is has($quiet), 'cart', 'and deleted';
is visit(newcomer(), 'GET', '/cgi/echo.pl', headers => [ 'Sec-GPC' => $_ ])
    ->seen('COOKIEPOLICY_DECIDED'), 'no', "Sec-GPC: $_ says nothing"
    for '0', 'true', '11', '';

choose($quiet, ['comfort'], @gpc);
$look = visit($quiet, 'GET', '/cgi/echo.pl', @gpc);
is $look->seen('COOKIEPOLICY_CONSENT'), 'necessary,comfort',
    'a grant made with the signal counts';
is $look->seen('COOKIEPOLICY_DECIDED'), 'yes', 'and is a decision';
my $granted = newcomer();
choose($granted, 'accept-all');
is visit($granted, 'GET', '/cgi/echo.pl', @gpc)->seen('COOKIEPOLICY_CONSENT'),
    'necessary,statistics,marketing,comfort',
    'the signal takes no grant away';

my $deaf = newcomer('deaf.example');
$look = visit($deaf, 'GET', '/cgi/echo.pl', @gpc);
is $look->seen('COOKIEPOLICY_CONSENT'), 'necessary,comfort',
    'CookiePolicyGPC Off: the signal says nothing';
is $look->seen('COOKIEPOLICY_DECIDED'), 'no', 'nor decides';
my $known = visit(newcomer(), 'GET', '/.well-known/gpc.json');
is $known->status, 200, '/.well-known/gpc.json';
like $known->body, qr/"gpc":\s*true/, 'says that it is honoured';
is visit($deaf, 'GET', '/.well-known/gpc.json')->status, 404,
    'and is not there where it is not';

my $varied = '/cgi/echo.pl?' . form_encode([ h => 'Vary: Cookie' ]);
like visit(newcomer(), 'GET', $varied)->header('vary'),
    qr/\ACookie, ?Sec-GPC\z/,
    'Vary: Sec-GPC where what hangs on cookies hangs on it';
is visit(newcomer('plain.example'), 'GET', $varied)->header('vary'), 'Cookie',
    'and not where nothing may be objected to';
is visit($deaf, 'GET', $varied)->header('vary'), 'Cookie',
    'nor where it is not honoured';
is visit(newcomer(), 'GET', '/index.html')->header('vary'), undef,
    'a page that hangs on nothing has no Vary';
is visit(newcomer(), 'GET', '/index.html')->header('cache-control'), undef,
    'and may be cached by anybody';

# --- A host where nobody is asked ------------------------------------------

$look = visit(newcomer('plain.example'), 'GET', '/cgi/echo.pl');
is $look->seen('COOKIEPOLICY_DECIDED'), 'yes',
    'where nothing needs consent all is decided';
is $look->seen('COOKIEPOLICY_CONSENT'), 'necessary', 'and allowed';
is visit(newcomer('plain.example'), 'GET', '/cgi/echo.pl', @gpc)
    ->seen('COOKIEPOLICY_DECIDED'), 'yes', 'whatever the signal says';

# --- The log ---------------------------------------------------------------

open my $in, '<', $server->dir . '/logs/consent' or die "no log: $!";
my @logged = <$in>;
close $in;
is scalar(grep { $_ eq "/cgi/echo.pl necessary,statistics yes\n" } @logged) > 0,
    1, 'a log has the choice';
is scalar(grep { $_ eq "/cgi/echo.pl necessary gpc\n" } @logged) > 0, 1,
    'and the signal';

# --- A digest that changes -------------------------------------------------

my %before = map { ($_ => newcomer()) } qw(all none statistics);
choose($before{all}, 'accept-all');
choose($before{none}, 'reject-all');
choose($before{statistics}, ['statistics']);
set($before{all}, 'count=1; Path=/', 'ad_id=1; Path=/');
$server->configure(config('Somebody'));
ok $server->graceful, 'statistics has another provider now';
is visit($before{all}, 'GET', '/cgi/echo.pl')->seen('COOKIEPOLICY_CONSENT'),
    'necessary,marketing,comfort', 'the grant of that category is gone';
is visit($before{all}, 'GET', '/cgi/echo.pl')->seen('COOKIEPOLICY_DECIDED'),
    'no', 'which is undecided again';
visit($before{all}, 'GET', '/index.html');
is has($before{all}), 'ad_id', 'its cookie goes with the next document';
is after_setting($before{all}, @EACH), 'ad_id cart font', 'and comes no more';
$look = visit($before{none}, 'GET', '/cgi/echo.pl');
is $look->seen('COOKIEPOLICY_CONSENT'), 'necessary', 'refusals stay';
is $look->seen('COOKIEPOLICY_DECIDED'), 'yes', 'and are decisions';
$look = visit($before{statistics}, 'GET', '/cgi/echo.pl');
is $look->seen('COOKIEPOLICY_CONSENT'), 'necessary',
    'beside a grant that is gone the refusals of others stay';

$server->configure(config('Us'));
ok $server->graceful, 'it has the first one again';
is visit($before{statistics}, 'GET', '/cgi/echo.pl')
    ->seen('COOKIEPOLICY_CONSENT'), 'necessary,statistics',
    'to which the visitor had agreed';

# Words that change do not count.
$server->configure(config('Us', 'CookiePolicyCookie worded necessary'
                                . ' purpose=Other')
    =~ s/(CookiePolicyCookie ad_id marketing)/$1 purpose="Other words"/r);
ok $server->graceful, 'other words, and one more that is necessary';
is visit($before{all}, 'GET', '/cgi/echo.pl')->seen('COOKIEPOLICY_CONSENT'),
    'necessary,statistics,marketing,comfort', 'change nothing';

# One more cookie does.
$server->configure(config('Us', 'CookiePolicyCookie ad_more marketing'));
ok $server->graceful, 'one more cookie for marketing';
is visit($before{all}, 'GET', '/cgi/echo.pl')->seen('COOKIEPOLICY_CONSENT'),
    'necessary,statistics,comfort', 'is another thing to agree to';

# So does a third party.
$server->configure(config('Us',
    'CookiePolicyThirdParty marketing https://ads.example'));
ok $server->graceful, 'a third party for marketing';
is visit($before{all}, 'GET', '/cgi/echo.pl')->seen('COOKIEPOLICY_CONSENT'),
    'necessary,statistics,comfort', 'is, too';

# A category that is no more, and one that is new.
$server->configure(config('Us', "CookiePolicyCategory new consent\n"
                                . 'CookiePolicyCookie newest new')
    =~ s/marketing/advertising/gr);
ok $server->graceful, 'a category of another name, and a new one';
$look = visit($before{all}, 'GET', '/cgi/echo.pl');
is $look->seen('COOKIEPOLICY_CONSENT'), 'necessary,statistics,comfort',
    'were never agreed to';
is $look->seen('COOKIEPOLICY_DECIDED'), 'no', 'and are undecided';

ok $server->stop, 'stopped';
done_testing;
