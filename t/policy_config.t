# What a policy must not say: httpd does not start, and the message names the
# directive, the value, and what is allowed. What it may say, to the limits.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();

plan skip_all => 'the same under each MPM: once is enough'
    if $ENV{CP_MPM} ne 'event';

my $server = CookiePolicy::Server->new;
my $BEFORE = "CookiePolicy On\nCookiePolicyStateDir {STATE}\n"
    . "CookiePolicySessionStore shm:1M\n";

# @return whether `httpd -t` is content, and all that it said
sub checked {
    my ($config, $before) = @_;

    truncate $server->dir . '/logs/error', 0;
    $server->configure(($before // '') . "$BEFORE$config\n");
    my ($good, $said) = $server->check;
    return ($good, $said . $server->log);
}

sub in_host { return "<VirtualHost *:1>\nServerName a.example\n$_[0]\n</VirtualHost>" }

# --- What is refused -------------------------------------------------------

# what it is, the lines, what the message must name
for my $case (
    [ 'a cookie twice', "CookiePolicyCookie a necessary\n"
      . 'CookiePolicyCookie a statistics', "CookiePolicyCookie: 'a' .*once" ],
    [ 'a pattern twice', "CookiePolicyCookie ~^a necessary\n"
      . 'CookiePolicyCookie ~^a statistics', "CookiePolicyCookie: '~.a' .*once" ],
    [ 'a managed cookie twice', "CookiePolicyCookie sessionid necessary\n"
      . 'CookiePolicyCookie sessionid necessary', "'sessionid' .*once" ],
    [ 'a category twice', "CookiePolicyCategory a consent\n"
      . 'CookiePolicyCategory a consent', "CookiePolicyCategory: 'a' .*once" ],
    [ 'a signal that is none', 'CookiePolicyCategory a consent'
      . ' signals=ad_storage,statistics',
      "CookiePolicyCategory: 'statistics' .*ad_user_data.*security_storage" ],
    [ 'a signal in capitals', 'CookiePolicyCategory a consent'
      . ' signals=AD_STORAGE', "'AD_STORAGE' .*ad_storage" ],
    [ 'a signal twice', 'CookiePolicyCategory a consent'
      . ' signals=ad_storage,ad_storage', "'ad_storage' .*once" ],
    [ 'no signal behind a comma', 'CookiePolicyCategory a consent'
      . ' signals=ad_storage,', "CookiePolicyCategory: '' .*ad_storage" ],
    [ 'no signal', 'CookiePolicyCategory a consent signals=',
      "CookiePolicyCategory: '' .*ad_storage" ],
    [ 'signals in a language', 'CookiePolicyCategory a consent'
      . ' signals[fr]=ad_storage', 'signals\[fr\]=ad_storage.*signals=' ],
    [ 'a banner that is neither On nor Off', 'CookiePolicyBanner Perhaps',
      'CookiePolicyBanner' ],
    [ 'a key twice', 'CookiePolicyCookie a necessary provider=x provider=y',
      "CookiePolicyCookie: 'provider=y' .*once" ],
    [ 'a text twice', 'CookiePolicyCookie a necessary purpose[fr]=x'
      . ' purpose[fr]=y', 'purpose\[fr\]=y.*once' ],
    [ 'a category that is not there', 'CookiePolicyCookie a marketing',
      "CookiePolicyCookie a: .*'marketing'" ],
    [ 'a category in capitals', 'CookiePolicyCookie a Necessary',
      "CookiePolicyCookie a: .*'Necessary'" ],
    [ 'a pattern in a category that is not there',
      'CookiePolicyCookie ~^a marketing', "'marketing'" ],
    [ 'a pattern that is open', 'CookiePolicyCookie "~^a(b" necessary',
      "CookiePolicyCookie: '~\\^a\\(b'.*character 5" ],
    [ 'a pattern that begins badly', 'CookiePolicyCookie "~*a" necessary',
      "'~\\*a'.*character 1\\b" ],
    [ 'a class that is open', 'CookiePolicyCookie "~^[ab" necessary',
      "'~\\^\\[ab'.*character \\d" ],
    [ 'a range that is none', 'CookiePolicyCookie "~^[b-a]" necessary',
      'character \d' ],
    [ 'an escape that is none', 'CookiePolicyCookie "~^a\\j" necessary',
      'character \d' ],
    [ 'an unknown group', 'CookiePolicyCookie "~(?Za)" necessary',
      'character \d' ],
    [ 'a name of blanks', 'CookiePolicyCookie "a b" necessary', "'a b'" ],
    [ 'a name with =', 'CookiePolicyCookie a=b necessary', "'a=b'" ],
    [ 'a name with ;', 'CookiePolicyCookie a;b necessary', "'a;b'" ],
    [ 'a name with $', 'CookiePolicyCookie $a necessary', "'\\\$a'" ],
    [ 'a name with a slash', 'CookiePolicyCookie a/b necessary', "'a/b'" ],
    [ 'no name', 'CookiePolicyCookie "" necessary', 'name' ],
    [ 'a name that is too long', 'CookiePolicyCookie ' . 'n' x 257
      . ' necessary', '256' ],
    [ 'a name alone', 'CookiePolicyCookie a', 'category' ],
    [ 'nothing', 'CookiePolicyCookie', 'CookiePolicyCookie' ],
    [ 'an unknown key', 'CookiePolicyCookie a necessary colour=red',
      "'colour=red'.*provider=" ],
    [ 'an unknown word', 'CookiePolicyCookie a necessary HostOnly',
      "'HostOnly'.*httponly" ],
    [ 'a word with a value', 'CookiePolicyCookie a necessary secure=on',
      "'secure=on'" ],
    [ 'a key without a value', 'CookiePolicyCookie a necessary provider',
      "'provider'" ],
    [ 'an open quote', 'CookiePolicyCookie a necessary purpose="To be',
      'CookiePolicyCookie' ],
    [ 'an unknown language', 'CookiePolicyCookie a necessary purpose[xx]=a',
      'purpose\[xx\].*language' ],
    [ 'a language that is none', 'CookiePolicyCookie a necessary'
      . ' purpose[fr_FR]=a', 'purpose\[fr_FR\].*language' ],
    [ 'an empty language', 'CookiePolicyCookie a necessary purpose[]=a',
      'purpose\[\]' ],
    [ 'an open bracket', 'CookiePolicyCookie a necessary purpose[fr=a',
      'purpose\[fr' ],
    [ 'a fact in a language', 'CookiePolicyCookie a necessary'
      . ' lifetime[fr]=1d', 'lifetime\[fr\]' ],
    [ 'an unknown language of a category',
      'CookiePolicyCategory a consent title[qq]=a', 'title\[qq\]' ],
    (map { my $cookie = $_;
           map { [ "$cookie in $_", "CookiePolicyCookie $cookie $_",
                   "$cookie.*exempt" ] }
           qw(statistics statistics-anonymous first-party third-party) }
     qw(sessionid csrftoken django_language cookies_preferences)),
    [ 'necessary that needs consent', 'CookiePolicyCategory necessary consent',
      'exempt' ],
    [ 'necessary that may be objected to',
      'CookiePolicyCategory necessary objectable', 'exempt' ],
    (map { [ "lifetime=$_", "CookiePolicyCookie a necessary lifetime=\"$_\"",
             'CookiePolicyCookie.*lifetime' ] }
     'soon', '0', '-1d', '1x', '1.5d', '99999999999y', 'Session', '', ' 1d'),
    (map { [ "domain=$_", "CookiePolicyCookie a necessary domain=\"$_\"",
             'CookiePolicyCookie.*domain' ] }
     'a b', 'a/b', 'a..b', '*.example', 'a;b', 'https://a.example', '',
     '.', 'a.example:80', "\xe9.example", 'a.example,b.example'),
    (map { [ "path=$_", "CookiePolicyCookie a necessary path=\"$_\"",
             'CookiePolicyCookie.*path' ] }
     'x', '', '/a b', '/a;b', "/\xe9", '?x', 'http://a.example/'),
    (map { [ "samesite=$_", "CookiePolicyCookie a necessary samesite=\"$_\"",
             'CookiePolicyCookie.*samesite' ] } 'none', 'None', 'odd', ''),
    (map { [ "storage=$_", "CookiePolicyCookie a necessary storage=\"$_\"",
             'CookiePolicyCookie.*storage' ] } 'disk', 'Local', '', 'cookies'),
    (map { [ "party=$_", "CookiePolicyCookie a necessary party=\"$_\"",
             'CookiePolicyCookie.*party' ] } 'second', 'First', ''),
    (map { [ "provider-url=$_",
             "CookiePolicyCookie a necessary provider-url=\"$_\"",
             'CookiePolicyCookie.*provider-url' ] }
     'javascript:alert(1)', 'a.example', '//a.example', ''),
    [ '33 patterns', join("\n", map { "CookiePolicyCookie ~x$_ necessary" }
                                1 .. 33), '32' ],
    [ '33 patterns of one beginning',
      join("\n", map { "CookiePolicyCookie ~^aa.*$_ necessary" } 1 .. 33),
      '32' ],
    [ '33 categories', join("\n", map { "CookiePolicyCategory c$_ consent" }
                                  1 .. 28), '32' ],
    (map { [ "the third party $_", "CookiePolicyThirdParty statistics $_",
             'CookiePolicyThirdParty.*origin' ] }
     'a.example', 'https://a.example/', 'https://a.example/x',
     'https://a.example?x', 'https://', 'https://*', 'https://*.com',
     'https://a.*.example', 'https://a.example:0', 'https://a.example:99999',
     'https://a.example:x', 'ftp://a.example', 'wss://a.example',
     'https://user@a.example', '"https://a.example;script-src"',
     '"https://a.example *"', "'self'", '*', 'data:', 'https:',
     '"https://a.example,https://b.example"'),
    [ 'a third party without an origin', 'CookiePolicyThirdParty statistics',
      'CookiePolicyThirdParty' ],
    [ 'a third party alone', 'CookiePolicyThirdParty https://a.example',
      'CookiePolicyThirdParty' ],
    [ 'a third party in no category',
      'CookiePolicyThirdParty marketing https://a.example',
      "CookiePolicyThirdParty.*'marketing'" ],
    [ 'a third party of a directory in no category',
      "<Location /x>\nCookiePolicyThirdParty marketing https://a.example\n"
      . '</Location>', "CookiePolicyThirdParty.*'marketing'" ],
    [ 'what is undeclared', 'CookiePolicyUndeclared keep', 'drop.*allow' ],
    [ 'GPC', 'CookiePolicyGPC Maybe', 'On or Off' ],
) {
    my ($what, $config, $says) = @$case;
    my ($good, $said) = checked($config);

    ok !$good, "$what is refused";
    like $said, qr/$says/i, 'and the message says why';
    # Under sanitizers a start takes long.
    next if $config =~ /Location/ || $ENV{CP_SANITIZED};
    ($good, $said) = checked(in_host($config));
    ok !$good, 'in a virtual host, too';
}

# --- What is taken ---------------------------------------------------------

for my $case (
    [ 'every key', 'CookiePolicyCookie a statistics provider="A B"'
      . ' provider[fr]="C" function=f location=l purpose="p" purpose[pt-BR]=q'
      . ' provider-url=https://a.example/x service=s lifetime=13M'
      . ' domain=.a.example path=/x party=third storage=cookie samesite=LAX'
      . ' secure httponly' ],
    [ 'the same name in a host', "CookiePolicyCookie a statistics\n"
      . in_host('CookiePolicyCookie a necessary') ],
    [ 'the same name in two hosts', in_host('CookiePolicyCookie a necessary')
      . "\n" . in_host('CookiePolicyCookie a statistics') ],
    [ 'a name and a pattern', "CookiePolicyCookie a necessary\n"
      . 'CookiePolicyCookie ~^a$ statistics' ],
    [ 'the same in another storage', "CookiePolicyCookie a necessary\n"
      . 'CookiePolicyCookie a necessary storage=local' ],
    [ 'the same after None', "CookiePolicyCookie a necessary\n"
      . "CookiePolicyCookie None\nCookiePolicyCookie a statistics" ],
    [ 'names of all characters', "CookiePolicyCookie !#%&'*+-.^_`| necessary" ],
    [ 'what is not in cookies has any name',
      'CookiePolicyCookie "a b/c" statistics storage=local' ],
    [ 'lifetimes', join "\n", map { "CookiePolicyCookie a$_->[0] necessary"
                                    . " lifetime=\"$_->[1]\"" }
      [ 1 => 'session' ], [ 2 => '1s' ], [ 3 => '30' ], [ 4 => '2 years' ],
      [ 5 => '13M' ], [ 6 => '1 day' ] ],
    [ '32 patterns', join "\n", map { "CookiePolicyCookie ~x$_ necessary" }
                                1 .. 32 ],
    [ 'thousands with beginnings', join "\n",
      map { "CookiePolicyCookie ~^p${_}_.*\$ necessary" } 1 .. 3000 ],
    [ '32 categories', join "\n", map { "CookiePolicyCategory c$_ consent" }
                                  1 .. 27 ],
    [ 'a category after its cookie', "CookiePolicyCookie a later\n"
      . 'CookiePolicyCategory later consent' ],
    [ 'a category of the server in a host', "CookiePolicyCategory ads consent\n"
      . in_host('CookiePolicyCookie a ads') ],
    [ 'a managed cookie of another exempt category',
      "CookiePolicyCategory vital exempt\nCookiePolicyCookie sessionid vital" ],
    [ 'third parties', "CookiePolicyThirdParty statistics https://a.example"
      . " http://b.example:8080 https://*.c.example https://[::1]:8443\n"
      . "<Location /x>\nCookiePolicyThirdParty None\n"
      . "CookiePolicyThirdParty necessary https://d.example\n</Location>" ],
    [ 'anything with the engine Off', in_host("CookiePolicy Off\n"
      . 'CookiePolicyCookie a necessary') ],
) {
    my ($what, $config) = @$case;
    my ($good, $said) = checked($config);

    ok $good, "$what: taken" or diag substr $said, 0, 500;
}

# --- Neighbours ------------------------------------------------------------

sub with {
    return join '', map { my $file = CookiePolicy::Server::module_file($_);
                          "<IfModule !mod_$_.c>\n"
                          . "LoadModule ${_}_module \"$file\"\n</IfModule>\n" }
                    @_;
}

# What others set, each in the way that its directives say.
my %set = (
    Apache => "<Location /x>\nCookieTracking On\n</Location>",
    tracker => in_host("CookieTracking On\nCookieName tracker"),
    state => "<Location /x>\nSession On\nSessionCookieName state path=/\n"
        . '</Location>',
    state2 => 'SessionCookieName2 state2 path=/',
    ROUTE => 'ProxyPass /app balancer://app stickysession=ROUTE|route',
    SET => "<Proxy balancer://app>\nBalancerMember http://127.0.0.1:9 route=a\n"
        . "ProxySet stickysession=SET\n</Proxy>",
);
my $modules = with(qw(usertrack session session_cookie slotmem_shm
                      proxy_balancer lbmethod_byrequests));

# @return the names that are warned of at start, sorted
sub warned {
    my ($config) = @_;

    truncate $server->dir . '/logs/error', 0;
    $server->configure("$modules$BEFORE$config\n");
    ok $server->is_alive ? $server->restart : $server->start, 'it starts'
        or diag $server->{said}, $server->log;
    my %names = map { ($_ => 1) }
                $server->log =~ /cookiepolicy:warn.* CP0034: \S+ sets the cookie (\S+),/g;
    return join ' ', sort keys %names;
}

my $neighbours = join "\n", map { $set{$_} } sort keys %set;
is warned($neighbours), 'ROUTE SET state state2 tracker',
    'cookies of other modules are warned of, each by its name';
is warned("$set{Apache}\n$set{ROUTE}"), 'Apache ROUTE',
    'also one that no directive names';
is warned("$neighbours\nCookiePolicyCookie ROUTE necessary\n"
          . 'CookiePolicyCookie ~^state necessary'), 'SET tracker',
    'not what is declared, by name or pattern';
is warned("$neighbours\nCookiePolicyUndeclared allow"), '',
    'nor where what is undeclared may pass';
is warned("$neighbours\nCookiePolicy Off"), '', 'nor with the engine Off';
is warned("$neighbours\nCookiePolicy Report"),
    'ROUTE SET state state2 tracker', 'but in report mode';
is warned("CookieTracking Off\nSession Off"), '',
    'modules that set none are not warned of';
ok $server->stop, 'stopped';

# --- Much of it ------------------------------------------------------------

# With sanitizers that takes minutes and shows nothing new.
if ($ENV{CP_SANITIZED}) {
    done_testing;
    exit;
}

my $many = join "\n",
    map({ "CookiePolicyCookie name$_ " . ($_ % 2 ? 'necessary' : 'statistics')
          . " provider=\"Provider $_\"" } 1 .. 4900),
    map({ "CookiePolicyCookie ~^p${_}_ necessary" } 1 .. 100);
my $hosts = join "\n", map { my $own = $_ % 10 ? '' :
                                 "CookiePolicyCookie own$_ necessary\n";
                             "<VirtualHost 127.0.0.1:{PORT}>\n"
                             . "ServerName h$_.example\n$own</VirtualHost>" }
                       1 .. 1000;
$server->configure("$BEFORE$many\n$hosts\n");
ok $server->start, '5,000 declarations and 1,000 virtual hosts'
    or diag $server->{said};

sub seen {
    my ($host, $cookie) = @_;
    my $seen = fetch(host => $host, port => $server->port,
                     path => '/cgi/echo.pl', headers => [
        Cookie => $cookie, 'Sec-Fetch-Site' => 'cross-site' ])
        ->seen('HTTP_COOKIE');

    return $seen // '';
}

my $names = 'name1=1; name2=2; name4899=3; name4900=4; name4901=5; p7_x=6;'
    . ' p100_=7; p101_=8; own10=9; own500=10; name=11; nam=12';
is seen('h1.example', $names), 'name1=1; name4899=3; p7_x=6; p100_=7',
    'each is found, and nothing else';
is seen('h500.example', $names),
    'name1=1; name4899=3; p7_x=6; p100_=7; own500=10',
    'with what a host adds';
is seen('h1000.example', 'own1000=1; own500=2; name1=3'),
    'own1000=1; name1=3', 'and no other one\'s';
is seen('h999.example', join '; ', map { "name$_=x" } 1 .. 200),
    join('; ', map { "name$_=x" } grep { $_ % 2 } 1 .. 200),
    'many at once';
ok $server->graceful, 'they reload';
is seen('h1.example', $names), 'name1=1; name4899=3; p7_x=6; p100_=7',
    'and are found again';
ok $server->stop, 'stopped';

done_testing;
