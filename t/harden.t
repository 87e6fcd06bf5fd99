# Hardening by declaration: what is asked for is added or tightened, never
# loosened, and the rest of a line leaves byte for byte as it came.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Backend ();
use CookiePolicy::Browser qw(line_read);
use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();

my $DAY = 86400;
my $PAST = 'Thu, 01 Jan 1970 00:00:00 GMT';
my $FAR = 'Fri, 31 Dec 2055 23:59:59 GMT';
my $X = 'x' x 1025;

# Each declared as its first letters say, whatever follows the underscore.
my @DECLARED = (
    [ plain => '' ],
    [ sec => 'secure' ],
    [ http => 'httponly' ],
    [ lax => 'samesite=lax' ],
    [ strict => 'samesite=Strict' ],
    [ day => 'lifetime=1d' ],
    [ ends => 'lifetime=session' ],
    [ all => 'secure httponly samesite=strict lifetime=1d' ],
);

# What comes and what leaves; without the latter it leaves as it came.
my @cases = (
    # Nothing asked for.
    map({ [ "plain=$_" ] } '1', '1;', ' 1 ; Path=/ ;', '', '"a;b"', '1; SECURE',
        "1; Expires=$FAR", '1; SameSite=None', "1;\tPath=/x;;", '1; Foo="x'),
    # Secure.
    [ 'sec=1' => 'sec=1; Secure' ],
    [ 'sec=1; Path=/' => 'sec=1; Path=/; Secure' ],
    [ 'sec=1; Secure' ], [ 'sec=1; secure' ], [ 'sec=1;SECURE;Path=/' ],
    [ 'sec=1; Secure=' ], [ 'sec=1; Secure=no' ], [ 'sec=1; secure ; Path=/' ],
    [ 'sec=secure' => 'sec=secure; Secure' ],
    [ 'sec=1; Path=Secure' => 'sec=1; Path=Secure; Secure' ],
    [ 'sec=1; Secured' => 'sec=1; Secured; Secure' ],
    [ 'sec=1; =Secure' => 'sec=1; =Secure; Secure' ],
    [ 'sec=1, Secure' => 'sec=1, Secure; Secure' ],
    [ "sec=1; Secure=$X" => "sec=1; Secure=$X; Secure" ],
    [ 'sec="1; Secure"' => 'sec="1; Secure"; Secure' ],
    [ 'sec=' => 'sec=; Secure' ],
    [ "sec=\xe9=\"a b\"; P=\xff" => "sec=\xe9=\"a b\"; P=\xff; Secure" ],
    [ ' sec = 1 ; Path = /x' => 'sec = 1 ; Path = /x; Secure' ],
    # HttpOnly.
    [ 'http=1; path=/X' => 'http=1; path=/X; HttpOnly' ],
    [ 'http=1; httponly' ], [ 'http=1; HTTPONLY=0' ],
    [ 'http=1; Http-Only' => 'http=1; Http-Only; HttpOnly' ],
    # SameSite.
    [ 'lax=1' => 'lax=1; SameSite=Lax' ],
    [ 'lax=1; SameSite=Lax' ], [ 'lax=1; samesite=lax; Path=/' ],
    [ 'lax=1; SameSite=Strict' ], [ 'lax=1; SAMESITE = STRICT' ],
    [ 'lax=1; SameSite=None; Path=/' => 'lax=1; Path=/; SameSite=Lax' ],
    [ 'lax=1; SameSite' => 'lax=1; SameSite=Lax' ],
    [ 'lax=1; SameSite=; Secure' => 'lax=1; Secure; SameSite=Lax' ],
    [ 'lax=1; SameSite=Odd' => 'lax=1; SameSite=Lax' ],
    [ 'lax=1; SameSite=Strict; SameSite=None'
      => 'lax=1; SameSite=Lax' ],
    [ 'lax=1; SameSite=None; SameSite=Strict' ],
    [ "lax=1; SameSite=Strict; SameSite=$X" ],
    [ 'strict=1; SameSite=Lax; HttpOnly'
      => 'strict=1; HttpOnly; SameSite=Strict' ],
    [ 'strict=1; SameSite=strict' ],
    [ 'strict=samesite=strict' => 'strict=samesite=strict; SameSite=Strict' ],
    # Lifetime.
    [ 'day=1' ], [ 'day=1; Path=/' ],
    [ 'day=1; Max-Age=60' ], [ "day=1; Max-Age=$DAY" ],
    [ 'day=1; Max-Age=86401' => "day=1; Max-Age=$DAY" ],
    [ 'day=1; Max-Age=999999999999999999999; Path=/'
      => "day=1; Path=/; Max-Age=$DAY" ],
    [ "day=1; Expires=$FAR; Path=/" => "day=1; Path=/; Max-Age=$DAY" ],
    [ "day=1; Expires=$FAR; Max-Age=60" ],
    [ "day=1; Max-Age=60; Expires=$FAR" ],
    [ "day=1; Max-Age=99999999; Expires=$FAR; Secure"
      => "day=1; Secure; Max-Age=$DAY" ],
    [ 'day=1; Max-Age=60; Max-Age=99999999' => "day=1; Max-Age=$DAY" ],
    [ 'day=1; Max-Age=99999999; Max-Age=60' ],
    [ 'day=1; Max-Age=soon' ], [ 'day=1; Expires=never' ],
    [ "day=1; Max-Age=soon; Expires=$FAR" => "day=1; Max-Age=$DAY" ],
    [ "day=1; Expires=$FAR; Expires=never" => "day=1; Max-Age=$DAY" ],
    [ "day=1; Expires=30 Feb 2060 00:00:00" ],
    [ 'day=1; Max-Age=0' ], [ "day=1; Expires=$PAST" ], [ 'day=1; Max-Age=-5' ],
    [ 'ends=1' ], [ 'ends=1; Max-Age=0' ],
    [ 'ends=1; Max-Age=60; Path=/' => 'ends=1; Path=/' ],
    [ "ends=1; Expires=$FAR; Max-Age=60; HttpOnly" => 'ends=1; HttpOnly' ],
    [ 'ends=1; Max-Age=soon' ],
    # All together.
    [ 'all=1' => 'all=1; SameSite=Strict; Secure; HttpOnly' ],
    [ 'all=1; secure; httponly; samesite=strict; max-age=5' ],
    [ "all=1; Path=/; SameSite=None; Secure; Expires=$FAR; Foo"
      => "all=1; Path=/; Secure; Foo; Max-Age=$DAY; SameSite=Strict; "
         . 'HttpOnly' ],
    # Deletions leave as they came.
    [ 'all=; Max-Age=0' ], [ "sec=; Expires=$PAST; Path=/" ],
    [ 'lax=; Max-Age=0; SameSite=None' ],
    # A cookie that no name keeps apart, under the name that comes back.
    [ '=sec=1' => '=sec=1; Secure' ],
);

my @BATCH = map { $_->[0] } @cases;
my $backend = CookiePolicy::Backend->new(
    '/lines' => join '', "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n",
        (map { "Set-Cookie: $_\r\n" } @BATCH),
        "Content-Length: 0\r\nConnection: close\r\n\r\n");
my $LINES = join '', map { "CookiePolicyCookie $_->[0] necessary $_->[1]\n" }
                     @DECLARED;
my $PATTERNS = join '', map { "CookiePolicyCookie ~^$_->[0]\$ necessary $_->[1]\n" }
                        @DECLARED;
my $server = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyIssue lazy
ProxyPass /b/ http://127.0.0.1:@{[ $backend->port ]}/ disablereuse=on retry=0
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
    $LINES
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName patterns.example
    $PATTERNS
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName report.example
    CookiePolicy Report
    $LINES
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName bare.example
    CookiePolicy Off
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName waits.example
    CookiePolicyCookie sec statistics secure
    CookiePolicyUndeclared allow
</VirtualHost>
CONFIG
ok $server->start, 'a server of its own' or diag $server->{said}, $server->log;

sub lines_of {
    my ($host) = @_;

    return fetch(host => $host, port => $server->port, path => '/b/lines')
        ->header('set-cookie');
}

my @bare = lines_of('bare.example');
is scalar(@bare), scalar(@cases), 'bare httpd sends all of them';
for my $host (qw(own.example patterns.example)) {
    my @got = lines_of($host);

    is scalar(@got), scalar(@cases), "$host: as many lines";
    for my $i (0 .. $#cases) {
        my $expected = $cases[$i][1] // $bare[$i];

        is $got[$i], $expected, sprintf '%s: %.60s', $host, $BATCH[$i];
    }
}

# What a browser makes of it, by its own algorithm: tightened, never loosened.
my %strength = ('' => 0, none => 0, odd => 0, lax => 1, strict => 2);
my %hardening = map { ($_->[0] => $_->[1]) } @DECLARED;
my @got = lines_of('own.example');
my @wrong;
for my $i (0 .. $#cases) {
    my ($was, $is) = map { line_read($_) } $bare[$i], $got[$i];
    my $asked = $hardening{ $was->{name} } // '';

    next if $was->{deletes};
    push @wrong, $got[$i]
        if $was->{name} ne $is->{name} || $was->{value} ne $is->{value}
           || $was->{path} ne $is->{path} || $was->{domain} ne $is->{domain}
           || ($was->{secure} && !$is->{secure})
           || ($was->{http_only} && !$is->{http_only})
           || $strength{ $is->{same_site} } < $strength{ $was->{same_site} }
           || ($asked =~ /secure/ && !$is->{secure})
           || ($asked =~ /httponly/ && !$is->{http_only})
           || ($asked =~ /lax/ && !$strength{ $is->{same_site} })
           || ($asked =~ /strict/i && $strength{ $is->{same_site} } < 2)
           || ($asked =~ /1d/ && ($is->{expires} // 0) > time + $DAY + 60)
           || ($asked =~ /session/ && defined $is->{expires})
           || (!defined $was->{expires} && defined $is->{expires})
           || (defined $was->{expires} && defined $is->{expires}
               && $is->{expires} > $was->{expires} + 60);
}
is join("\n", @wrong), '', 'to a browser all is as asked, and no less';

is_deeply [ lines_of('report.example') ], \@bare,
    'Report: every line as it came';
my @waits = lines_of('waits.example');
is scalar(grep { /\A\s*=?sec\b/ && !/Max-Age=0|Expires=/ } @waits), 0,
    'what is refused is not hardened but dropped';
is join("\n", @waits),
    join("\n", grep { !/\A\s*=?sec\b/ || line_read($_)->{deletes} } @bare),
    'and what is undeclared is left as it came';

done_testing;
