# Bad values are found by `httpd -t`, in a message that names the directive,
# the value, and what is allowed; good ones are not.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Server ();

plan skip_all => 'the same under each MPM: once is enough'
    if $ENV{CP_MPM} ne 'event';

my $server = CookiePolicy::Server->new;

sub checked {
    my ($config) = @_;

    $server->configure("CookiePolicy On\nCookiePolicyStateDir {STATE}\n"
                       . "CookiePolicySessionStore shm:1M\n$config\n");
    return $server->check;
}

# directive, bad value, some of what is allowed
my @bad = (
    [ CookiePolicy => 'Maybe', 'On.*Report.*Off' ],
    [ CookiePolicyRealm => 'with/slash', 'letters' ],
    [ CookiePolicyRealm => 'a_b', 'letters' ],
    [ CookiePolicyForwarded => '10.0.0.0/8', 'from=' ],
    [ CookiePolicyForwarded => 'from=10.0.0.0/99', '/8' ],
    [ CookiePolicyForwarded => 'from=somewhere', '/8' ],
    [ CookiePolicyAllowOverride => 'Everything', 'Session.*Csrf.*Language' ],
    [ CookiePolicyPath => 'relative', '/cookie-policy' ],
    [ CookiePolicyPath => '/', '/cookie-policy' ],
    [ CookiePolicyPath => '/slash/', '/cookie-policy' ],
    [ CookiePolicyPath => '/a//b', '/cookie-policy' ],
    [ CookiePolicyPath => '/a/../b', '/cookie-policy' ],
    [ CookiePolicyPath => '/a?b', '/cookie-policy' ],
    [ CookiePolicyIssue => 'sometimes', 'eager.*lazy.*documents.*all' ],
    [ CookiePolicySession => 'Yes', 'On.*Application.*Off' ],
    [ CookiePolicySessionStore => 'file', 'shm' ],
    [ CookiePolicySessionStore => 'shm:', 'shm' ],
    [ CookiePolicySessionStore => 'shm:1', 'shm' ],
    [ CookiePolicySessionStore => 'shm:12X', 'shm' ],
    [ CookiePolicySessionStore => 'shm:-5M', 'shm' ],
    [ CookiePolicySessionStore => 'shm:9999999999999G', 'shm' ],
    [ CookiePolicySessionTimeout => 'idle=0', 'idle=' ],
    [ CookiePolicySessionTimeout => 'idle=soon', 'idle=' ],
    [ CookiePolicySessionTimeout => '30m', 'idle=' ],
    [ CookiePolicySessionTimeout => 'idle=-3m', 'idle=' ],
    [ CookiePolicySessionTimeout => 'absolute=401d', '400' ],
    [ CookiePolicySessionHeader => 'X:Session', 'header' ],
    [ CookiePolicySessionHeader => '"X Session"', 'header' ],
    [ CookiePolicySessionHeader => 'X-Session everything', 'login' ],
    [ CookiePolicyCsrf => 'Strict', 'On.*Origin.*Off' ],
    [ CookiePolicyCsrfTrustedOrigin => 'example.com', 'https?://' ],
    [ CookiePolicyCsrfTrustedOrigin => 'https://example.com/', 'path' ],
    [ CookiePolicyCsrfTrustedOrigin => 'https://*', 'host' ],
    [ CookiePolicyCsrfTrustedOrigin => 'https://*.com', 'host' ],
    [ CookiePolicyCsrfTrustedOrigin => 'https://a.*.com', 'host' ],
    [ CookiePolicyCsrfTrustedOrigin => 'https://a.com:0', 'port' ],
    [ CookiePolicyCsrfTrustedOrigin => 'https://a.com:x', 'port' ],
    [ CookiePolicyCsrfTrustedOrigin => 'ftp://a.com', 'https?://' ],
    [ CookiePolicyLanguage => 'english_uk', 'tags' ],
    [ CookiePolicyLanguage => 'en en', 'once' ],
    [ CookiePolicyLanguage => '-', 'tags' ],
    [ CookiePolicyCategory => 'Big consent', 'small letters' ],
    [ CookiePolicyCategory => 'ads sometimes', 'exempt.*objectable.*consent' ],
    [ CookiePolicyCategory => 'ads consent colour=red', 'title=' ],
    [ CookiePolicyCategory => 'ads consent title=a title=b', 'once' ],
    [ CookiePolicyCategory => 'ads', 'exempt.*objectable.*consent' ],
    [ CookiePolicyCookie => 'a=b necessary', 'name' ],
    [ CookiePolicyCookie => '$a necessary', 'name' ],
    [ CookiePolicyCookie => 'a no-such-category', 'categor' ],
    [ CookiePolicyCookie => 'a necessary colour=red', 'provider=' ],
    [ CookiePolicyCookie => 'sessionid marketing', 'categor' ],
    [ CookiePolicyCookie => 'sessionid statistics', 'exempt' ],
    [ CookiePolicyController => 'who=me', 'name=' ],
    [ CookiePolicyController => 'url=javascript:x', 'https?' ],
    [ CookiePolicyConsentLifetime => '401d', '400' ],
    [ CookiePolicyConsentLifetime => '1h', 'day' ],
    [ CookiePolicyConsentLifetime => 'forever', '400' ],
    [ CookiePolicyConsentLog => '"| "', 'a file.*program.*none' ],
    [ CookiePolicyGPC => 'Sometimes', 'On or Off' ],
    [ CookiePolicyAttributes => 'other path=/', 'sessionid.*csrftoken' ],
    [ CookiePolicyAttributes => 'sessionid samesite=loose', 'lax' ],
    [ CookiePolicyAttributes => 'sessionid secure=maybe', 'auto' ],
    [ CookiePolicyAttributes => 'sessionid max-age=401d', '400' ],
    [ CookiePolicyAttributes => 'sessionid path=relative', '/' ],
    [ CookiePolicyAttributes => 'sessionid domain=.example', 'domain=' ],
    [ CookiePolicyAttributes => 'sessionid domain=com', 'domain=' ],
    [ CookiePolicyAttributes => 'sessionid domain=other.example', 'domain=' ],
    [ CookiePolicyAttributes => 'sessionid name=a;b', 'name=' ],
    [ CookiePolicyAttributes => 'sessionid name=csrftoken', 'name=' ],
    [ CookiePolicyAttributes => 'sessionid name=__Host-s', 'secure=on' ],
    [ CookiePolicyAttributes => 'sessionid name=__host-s secure=on path=/x',
      'path=/' ],
    [ CookiePolicyAttributes => 'sessionid name=__Secure-s', 'secure=on' ],
    [ CookiePolicyAttributes => 'sessionid samesite=none secure=off', 'secure=' ],
    [ CookiePolicyAttributes => 'sessionid partitioned=on', 'secure=on' ],
    [ CookiePolicyExport => 'json', 'env.*headers.*none' ],
);
for my $case (@bad) {
    my ($directive, $value, $allowed) = @$case;
    my ($good, $said) = checked("$directive $value");
    my $words = join '|', map { quotemeta } grep { length } split /[ "=]+/, $value;

    $said .= $server->log;
    ok !$good, "refused: $directive $value";
    like $said, qr/\b$directive\b.*(?:$words)/, 'directive and value are named';
    like $said, qr/$allowed/, 'and what is allowed';
    truncate $server->dir . '/logs/error', 0;
}

# Both together, or twice.
for my $case (
    [ 'CookiePolicySessionTimeout idle=2h absolute=1h',
      'CookiePolicySessionTimeout' ],
    [ "CookiePolicyCookie a necessary\nCookiePolicyCookie a necessary",
      'CookiePolicyCookie' ],
    [ "CookiePolicyCategory a consent\nCookiePolicyCategory a consent",
      'CookiePolicyCategory' ],
    [ 'CookiePolicyRealm joined.example', 'domain=' ],
) {
    my ($good, $said) = checked($case->[0]);

    ok !$good, "refused: $case->[0]";
    like $said . $server->log, qr/$case->[1]/, "it says $case->[1]";
    truncate $server->dir . '/logs/error', 0;
}

# The message comes at start, too.
$server->configure("CookiePolicy Maybe\n");
ok !$server->start, 'httpd does not start either';
like $server->{said}, qr/CookiePolicy: 'Maybe' is not allowed/, 'and says why';

# What is good.
for my $good (
    'CookiePolicySessionStore shm', 'CookiePolicySessionStore shm:64M',
    'CookiePolicySessionTimeout idle=1h absolute=400d',
    'CookiePolicySessionTimeout idle=90 absolute=7d',
    'CookiePolicyConsentLifetime 6 months', 'CookiePolicyConsentLifetime 400d',
    'CookiePolicyConsentLog logs/consent', 'CookiePolicyConsentLog None',
    'CookiePolicyConsentLog "|/bin/cat -"', 'CookiePolicyGPC off',
    'CookiePolicyForwarded from=10.0.0.0/8,fd00::/8,192.0.2.1',
    'CookiePolicyCsrfTrustedOrigin https://a.com https://*.b.com:8443',
    'CookiePolicyCsrfTrustedOrigin None', 'CookiePolicyLanguage Off',
    'CookiePolicyLanguage en pt-BR zh-Hant-TW', 'CookiePolicyIssue lazy all',
    'CookiePolicyAllowOverride Session Csrf', 'CookiePolicyAllowOverride None',
    'CookiePolicyAttributes sessionid name=__Host-s secure=on',
    'CookiePolicyAttributes csrftoken samesite=none partitioned=on secure=on',
    'CookiePolicyCookie cart necessary provider=Shop lifetime=1d',
    'CookiePolicyCookie cart necessary purpose="To keep what you chose"'
    . ' purpose[fr]="Garder vos choix"',
    'CookiePolicyCategory ads consent title="Advertising" title[fr]="Publicité"',
    'CookiePolicyController name="City of Example" url=https://a.example/',
    'CookiePolicyCookie None', 'CookiePolicyCategory None',
) {
    my ($well, $said) = checked($good);

    ok $well, "taken: $good" or diag $said;
}

done_testing;
