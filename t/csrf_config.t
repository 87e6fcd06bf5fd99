# CookiePolicyCsrfTrustedOrigin and the network of CookiePolicyForwarded, as
# `httpd -t` sees them.
use strict;
use warnings;
use utf8;

use Test::More;

use CookiePolicy::Server ();

plan skip_all => 'the same under each MPM: once is enough'
    if $ENV{CP_MPM} ne 'event';

my $server = CookiePolicy::Server->new;

sub checked {
    my ($config) = @_;

    utf8::encode($config);
    $server->configure("CookiePolicy On\nCookiePolicyStateDir {STATE}\n"
                       . "CookiePolicySessionStore shm:1M\n$config\n");
    return $server->check;
}

my $TRUSTED = 'CookiePolicyCsrfTrustedOrigin';
my @bad = (
    # no scheme, or another
    'example.com', '//example.com', 'example.com:443', 'http', 'http:',
    'http:/example.com', 'https:example.com', 'ftp://example.com',
    'wss://example.com', 'file://', '*', '*://example.com', 'null', 'NULL',
    ' https://example.com',
    # no host, or none that could be one
    'http://', 'https://', 'https://:443', 'https:///', 'https://*',
    'https://*.', 'https://*.com', 'https://*.*.com', 'https://a.*.com',
    'https://a*.example.com', 'https://.example.com', 'https://example..com',
    'https://example.com.', 'https://-example.com', 'https://exa mple.com',
    'https://exa%6Dple.com', 'https://münchen.example', 'https://exa$mple.com',
    'https://*.192.0.2.1', 'https://2001:db8::1', 'https://[2001:db8::1',
    'https://2001:db8::1]', 'https://[]', 'https://[::g]', 'https://[1::2::3]',
    'https://[fe80::1%25eth0]', 'https://[192.0.2.1]', 'https://*.[::1]',
    'https://*.[::ffff:192.0.2.1]', 'https://[[::1]]', 'https://[::1]x',
    'https://[' . '1:' x 200 . ']',
    # ports
    'https://example.com:', 'https://example.com:0', 'https://example.com:x',
    'https://example.com:65536', 'https://example.com:4294967739',
    'https://example.com:99999999999999999999', 'https://example.com:-443',
    'https://example.com:+443', 'https://example.com: 443',
    'https://example.com:443x', 'https://example.com:443:443',
    'https://example.com:*', 'https://[::1]:', 'https://[::1]:0',
    # what does not belong to an origin
    'https://example.com/', 'https://example.com/path', 'https://example.com?',
    'https://example.com?q=1', 'https://example.com#f',
    'https://user@example.com', 'https://user:pass@example.com',
    'https://example.com\\', 'https://example.com\\@evil.example',
    'https://a.com,https://b.com', 'https://a.com https://b.com',
);
for my $value (@bad) {
    my ($good, $said) = checked("$TRUSTED \"" . ($value =~ s/\\/\\\\/gr) . '"');
    my $shown = $value;

    # As httpd's log spells it.
    utf8::encode($shown);
    $shown =~ s/\\/\\\\/g;
    $shown =~ s/([^\0-\x7e])/sprintf '\\x%02x', ord $1/ge;
    ok !$good, "refused: '$shown'";
    like $said, qr/\Q$TRUSTED\E: '\Q$shown\E' is not allowed; allowed is/,
        'directive and value are named';
    like $said, qr{an origin: http:// or https://, a host .*, and a port},
        'and what is allowed';
}

for my $case (
    [ 'https://a.com https://a.com', 'https://a.com' ],
    [ 'https://a.com https://b.com HTTPS://A.com:443', 'HTTPS://A.com:443' ],
    [ "https://a.com\n$TRUSTED https://a.com", 'https://a.com' ],
    [ 'https://[::1] https://[0:0::1]', 'https://[0:0::1]' ],
    [ 'https://*.a.com https://*.A.com', 'https://*.A.com' ],
) {
    my ($value, $named) = @$case;
    my ($good, $said) = checked("$TRUSTED $value");

    ok !$good, "refused: $value";
    like $said,
        qr/\Q$TRUSTED: '$named' is not allowed; allowed is each origin once/,
        'with the one that is there twice';
}

for my $value (
    'https://a.com', 'http://a.com', 'HTTPS://A.COM', 'Http://A.com:8080',
    'https://localhost', 'https://a_b.example.com', 'https://xn--mnchen-3ya.de',
    'https://*.a.com', 'https://*.a.co.uk:8443', 'https://192.0.2.1',
    'https://192.0.2.1:8443', 'https://[::1]', 'https://[2001:DB8::A]:8443',
    'https://[::ffff:192.0.2.1]', 'https://a.com:1', 'https://a.com:65535',
    'https://a.com http://a.com https://a.com:8443 https://b.a.com', 'None',
    'none',
) {
    my ($good, $said) = checked("$TRUSTED $value");

    ok $good, "taken: $value" or diag $said;
}

# What a virtual host repeats of the server's, or has after clearing it.
for my $config (
    "$TRUSTED https://a.com\n<VirtualHost *>\n$TRUSTED https://a.com\n"
        . '</VirtualHost>',
    "$TRUSTED https://a.com\n$TRUSTED None\n$TRUSTED https://a.com",
) {
    my ($good, $said) = checked($config);

    ok $good, 'taken: ' . $config =~ s/\n/, /gr or diag $said;
}

# It is a matter of whole hosts.
for my $where ('<Location />', '<Directory />') {
    my ($name) = $where =~ /(\w+)/;
    my ($good, $said) = checked("$where\n$TRUSTED https://a.com\n</$name>");

    ok !$good, "refused in $where";
    like $said, qr/$TRUSTED not allowed/, 'by httpd itself';
}

done_testing;
