# Lines of docs/log.md that no other test brings about: level and tag, what they
# name, how often they come, whose address they have, and no secret in any.
use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use MIME::Base64 qw(encode_base64);
use Test::More;

use CookiePolicy::Client qw(exchange form_encode);
use CookiePolicy::Daemon ();
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

plan skip_all => 'the same under each MPM: once is enough'
    if $ENV{CP_MPM} ne 'event';

my $CLIENT = '192.0.2.7';
my $SECRET = 's3cret';
my $server;

# --- What is in the log -------------------------------------------------------

# The new ones of one tag, each as "level client TAG: text", without the client
# where it is about none.
sub lines {
    my ($tag) = @_;

    return [ map {
        /\A\[[^]]+\][ ]\[cookiepolicy:(\w+)\][ ]\[pid[ ][^]]+\][ ]
         (?:\(\d+\)[^:]+:[ ])?(?:\[client[ ]([0-9.]+):\d+\][ ])?(CP.*)\z/x
            ? join ' ', grep { defined } $1, $2, $3 : $_
    } grep { / $tag: / } $server->log_news ];
}

# What is counted in a minute is counted from its beginning.
sub early_in_a_minute {
    sleep 60 - time % 60 if time % 60 > 55;
    return;
}

my %secrets = ($SECRET => 1, encode_base64("ann:$SECRET", '') => 1);

sub keys_note {
    open my $in, '<', $server->state . '/cookiepolicy.keys' or die $!;
    $secrets{$_} = 1 for map { (split)[2] // () } <$in>;
    close $in;
    return;
}

# --- Who asks -----------------------------------------------------------------

sub get {
    my ($visitor, $path, @headers) = @_;
    my $answer = $visitor->get($path, headers => [ 'X-Client-IP' => $CLIENT,
                                                   @headers ]);

    # But for a language.
    $secrets{$_} = 1 for grep { length > 2 } values %{ $visitor->jar };
    return $answer;
}

sub visitor {
    my ($host) = @_;
    my $visitor = CookiePolicy::Visitor->new($host // 'own.example',
                                             port => $server->port);

    get($visitor, '/');
    return $visitor;
}

# Has the application send such headers.
sub sent {
    my ($visitor, @headers) = @_;

    return get($visitor, '/cgi/echo.pl?' . form_encode(
        [ map { (h => $_) } @headers ]));
}

sub command {
    my ($visitor, $commands) = @_;

    return sent($visitor, "X-Session: $commands");
}

sub attribute {
    my ($visitor, $name) = @_;

    return $visitor->look->seen("COOKIEPOLICY_SESSION_ATTR_$name");
}

my $COMMON = join '', map {
    "LoadModule ${_}_module " . CookiePolicy::Server::module_file($_) . "\n"
} qw(usertrack socache_redis);
$COMMON .= <<'CONFIG';
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionHeader X-Session login
RemoteIPHeader X-Client-IP
RemoteIPInternalProxy 127.0.0.1
CONFIG

# --- At start -----------------------------------------------------------------

my $long = 'long=' . $SECRET x 3000;
my $trackers = join '', map {
    "<Location /$_>\n    CookieName tracker$_\n</Location>\n"
} 1 .. 23;
my $joined = join '', map {
    "    CookiePolicyAttributes $_ domain=joined.example\n"
} qw(sessionid csrftoken django_language cookies_preferences);
my $alone = join '', map { <<"HOST" } 1 .. 6;
<VirtualHost 127.0.0.1:{PORT}>
    ServerName a$_.alone.example
    CookiePolicyAttributes sessionid domain=alone.example
</VirtualHost>
HOST
$server = CookiePolicy::Server->new(config => $COMMON . <<"CONFIG");
CookiePolicySessionStore shm:1M
LimitRequestFieldSize 65536
LimitRequestLine 65536
$trackers
<Location /off>
    CookiePolicy Off
    Require cookie-consent necessary
</Location>
<Location /wrong>
    Require session-user %{file:{DIR}/nosuch}
</Location>
<Location /long>
    Header set X-Session $long
</Location>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName nologin.example
    CookiePolicySessionHeader X-Session
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName alone.example
    CookiePolicyAttributes sessionid domain=alone.example
    CookiePolicyAttributes django_language domain=alone.example
</VirtualHost>
$alone
<VirtualHost 127.0.0.1:{PORT}>
    ServerName joined.example
    CookiePolicyRealm joined.example
$joined
</VirtualHost>
CONFIG
$server->file('htdocs/long', 'A page.');
ok $server->start, 'a server of its own' or diag $server->{said}, $server->log;

my @start = $server->log_news;
my $ATTRIBUTES = 'CookiePolicyAttributes sessionid has a domain=, but no '
    . 'CookiePolicyRealm joins its hosts: they will overwrite each other\'s '
    . 'cookie: 7 (' . join('', map { "a$_.alone.example:" . $server->port . ', ' }
                         reverse 2 .. 6) . '...)';
is scalar(grep { /:warn\] .* CP0002: \Q$ATTRIBUTES\E\z/ } @start), 1,
    'CP0002: the cookie of a domain, and the first of its hosts';
is scalar(grep { / CP0002: / } @start), 1,
    'not of one that a realm joins, nor a language';
is scalar(grep { / CP0034: mod_usertrack\.c / } @start), 20,
    'twenty cookies are named';
is scalar(grep { /:warn\] .* CP0038: 3 more such cookies\z/ } @start), 1,
    'CP0038: the rest is counted';
is scalar(grep { / CP0005: / } @start), 0, 'no session is lost';

# --- Session commands ---------------------------------------------------------

my $ann = visitor();
my $name = 'x' x 70;
command($ann, join '&', ":user=ann", "good=$SECRET", 'bare',
        "a%zz=$SECRET", "b=$SECRET%01", "pw=$SECRET", "$name=$SECRET",
        ":user=", ":nosuch=$SECRET", ":logout=$SECRET", ":rotate=$SECRET");
is_deeply lines('CP0012'), [ map { "warn $CLIENT CP0012: session header: $_" }
    "'' has no =",
    "'a%zz' is no urlencoded text without control characters",
    "'b' is no urlencoded text without control characters",
    "'pw' is no name that an attribute may have",
    q(') . 'x' x 64 . q(' is no name that an attribute may have),
    map { "':$_' is no command, or has no value that it takes" }
        qw(user nosuch logout rotate) ],
    'CP0012: each pair that is wrong, by its name';
is $ann->look->seen('COOKIEPOLICY_USER'), 'ann', 'the others are carried out';
is attribute($ann, 'good'), $SECRET, 'all of them';
command($ann, "c%0a%1bd=$SECRET");
like lines('CP0012')->[0], qr/: 'c\\+n\\+x1bd' is no urlencoded text/,
    'CP0012: a name of control characters is escaped';
sent($ann, "X-Session: cart=3%2C+4&:user=ann", 'X-Session: note=two,three');
is attribute($ann, 'cart') . attribute($ann, 'note'), '3, 4two,three',
    'a comma in a value parts nothing';
sent($ann, map { "X-Session: $_" } 'cart=5', ':user=bob', 'note=six');
is $ann->look->seen('COOKIEPOLICY_USER'), 'bob', 'lines of a script';
is attribute($ann, 'cart') . attribute($ann, 'note'), '5six', 'are read apart';
is_deeply lines('CP0012'), [], 'and have nothing wrong';
command(visitor('nologin.example'), ":user=$SECRET");
is_deeply lines('CP0012'), [ "warn $CLIENT CP0012: session header: ':user' "
    . 'needs the word login in CookiePolicySessionHeader' ],
    'CP0012: a login where there is none';
get($ann, '/long');
is_deeply lines('CP0012'),
    [ "warn $CLIENT CP0012: session header: '' is longer than 16 KB" ],
    'CP0012: a long header';
my $full = visitor();
command($full, join '&', map { "a$_=$SECRET" } 1 .. 66);
is_deeply lines('CP0012'), [ map {
    "warn $CLIENT CP0012: session header: '$_' is one attribute too many"
} qw(a65 a66) ], 'CP0012: more than 64 attributes';

my @NO_ROOM = "warn $CLIENT CP0014: session commands were not obeyed: "
    . 'there is no room for the session';
command($full, "a65=$SECRET");
is_deeply lines('CP0014'), \@NO_ROOM, 'CP0014: a session of 65 attributes';
my $large = visitor();
command($large, "a$_=" . 'x' x 3700) for 1 .. 4;
is_deeply lines('CP0014'), [], 'not one of less than 15 KB';
is length attribute($large, 'a4'), 3700, 'which is all there';
command($large, 'a5=' . 'x' x 3700);
is_deeply lines('CP0014'), \@NO_ROOM, 'CP0014: one of much more';

get(visitor(), '/cgi/echo.pl?' . form_encode([ h => "X-Session: a=$SECRET" ]),
    'Sec-Fetch-Dest' => 'iframe', 'Sec-Fetch-Site' => 'cross-site');
is_deeply lines('CP0013'), [ "info $CLIENT CP0013: session commands were not "
    . 'obeyed: the answer to this request may not carry a session' ],
    'CP0013: a frame of another site';

# --- Cookies ------------------------------------------------------------------

my @MANAGED = (
    [ csrftoken => 'info', 'CookiePolicyCsrf Off leaves it' ],
    [ django_language => 'info', 'CookiePolicyLanguage Off leaves it' ],
    [ sessionid => 'error', 'CookiePolicySession Application leaves it' ],
    [ cookies_preferences => 'error', 'no directive leaves it' ]);

sub sets_managed {
    my ($host) = @_;

    sent(visitor($host), map { "Set-Cookie: $_->[0]=$SECRET" } @MANAGED);
    return lines('CP0016');
}

my @told = map {
    "$_->[1] $CLIENT CP0016: the application sets the managed cookie $_->[0], "
    . "which is dropped; $_->[2] to the application (this is logged once)"
} @MANAGED;
is_deeply sets_managed(), \@told, 'CP0016: each of the four';
is_deeply sets_managed(), [], 'once';
is_deeply sets_managed('nologin.example'), [], 'in all hosts';

my @CUT = "info $CLIENT CP0019: a Cookie header with more than 200 cookies, "
    . '32768 bytes or 64 of one managed name; the rest was left out';
my $id = 'sessionid=' . $ann->cookie('sessionid');
$server->log_news;
for my $case (
    [ '200 cookies', [], map { "u$_=$SECRET" } 1 .. 200 ],
    [ '201 cookies', \@CUT, map { "u$_=$SECRET" } 1 .. 201 ],
    [ '32768 bytes', [], 'u=' . $SECRET . 'x' x 32_760 ],
    [ '32769 bytes', \@CUT, 'u=' . $SECRET . 'x' x 32_761 ],
    [ '64 sessions', [], ($id) x 64 ],
    [ '65 sessions', \@CUT, ($id) x 65 ]) {
    my ($what, $lines, @cookies) = @$case;

    get($ann->twin, '/', Cookie => join '; ', @cookies);
    is_deeply lines('CP0019'), $lines, "CP0019: $what";
}
my $request = "GET / HTTP/1.1\r\nHost: own.example\r\nCookie: "
    . 'u=1; ' x 201 . "\r\n";
exchange(port => $server->port, bytes => "$request\r\n" x 99
         . "${request}Connection: close\r\n\r\n");
my $flood = lines('CP0019');
cmp_ok scalar(@$flood), '>', 0, 'a flood of them is logged';
cmp_ok scalar(@$flood), '<', 100, 'but not each';

# --- Require ------------------------------------------------------------------

is get(visitor(), '/off')->status, 403, 'consent where the engine is Off';
is_deeply lines('CP0036'), [ "error $CLIENT CP0036: Require cookie-consent: "
    . 'CookiePolicy is Off here, so that nobody\'s consent is known; denied' ],
    'CP0036: is unknown';
is get($ann, '/wrong')->status, 403, 'an expression at fault';
is_deeply lines('CP0057'), [ "error $CLIENT CP0057: Require session-user: its "
    . 'expression cannot be evaluated: Cannot open file ' . $server->dir
    . '/nosuch' ], 'CP0057: by its reason';

is get($ann, '/cgi/nph-raw.pl')->status, 403, 'an nph- script';
is_deeply lines('CP0022'), [ "error $CLIENT CP0022: refused an nph- script: it "
    . "writes its own headers, past the cookie policy: $ENV{CP_CGI}/nph-raw.pl" ],
    'CP0022: is refused';

# --- Reload, stop and start ---------------------------------------------------

ok $server->graceful, 'a reload';
is_deeply sets_managed(), [], 'CP0016: not once more';
ok $server->stop, 'stop';
keys_note();
unlink $server->state . '/cookiepolicy.keys' or die $!;
$server->log_news;
ok $server->start, 'a start without the key file';
is_deeply lines('CP0005'), [ 'warn CP0005: 3 stored sessions are lost: they '
    . 'were sealed under keys of a file that is gone' ],
    'CP0005: sessions are lost, and their user\'s roster is none';
is_deeply sets_managed(), \@told, 'CP0016: once more';

# --- A store that is away -----------------------------------------------------

my $redis = CookiePolicy::Daemon->redis;
ok $redis->start, 'a redis';
$server->configure($COMMON . <<"CONFIG");
CookiePolicySessionStore socache:redis:127.0.0.1:@{[ $redis->port ]}
CookiePolicySessionFile {STATE}/sessions
CookiePolicySessionBind On
<Location /cookie-policy/logout>
    CookiePolicyCsrf Origin
</Location>
<Location /basic>
    AuthType Basic
    AuthName staff
    AuthUserFile {DIR}/users
    Require valid-user
</Location>
CONFIG
$server->file('users', 'ann:{SHA}' . sha1_base64($SECRET) . "=\n");
$server->file('htdocs/basic', 'A page.');
ok $server->graceful, 'a reload with it' or diag $server->log;
is_deeply lines('CP0095'), [ 'warn CP0095: CookiePolicySessionFile is of no '
    . 'use: the session store cannot say what is in it' ],
    'CP0095: a file for it';

my $bob = visitor();
command($bob, ':user=bob');
$redis->ask('CONFIG SET maxmemory 1');
$server->log_news;
command(visitor(), ":user=$SECRET");
is_deeply lines('CP0014'), \@NO_ROOM, 'CP0014: it is full';

ok $redis->stop, 'it ends';
early_in_a_minute();
my $newcomer = visitor();
command($_, "a=$SECRET") for $bob, $newcomer, $bob;
is_deeply lines('CP001[35]'), [ "error $CLIENT CP0015: session commands were not "
    . 'obeyed: the session store is away' ], 'CP0015: once a minute';
is get($newcomer, '/basic', Authorization => 'Basic '
       . encode_base64("ann:$SECRET", ''))->status, 200, 'authenticated'
    for 1 .. 12;
is_deeply lines('CP0054'), [ ("error $CLIENT CP0054: a login was not stored: "
    . 'the session store is away') x 10 ], 'CP0054: ten times a minute';
is $bob->post('/cookie-policy/logout', {}, headers => [
    'X-Client-IP' => $CLIENT, Origin => 'http://own.example' ])->status, 503,
    'a logout';
is_deeply lines('CP0023'), [ "error $CLIENT CP0023: a logout could not be "
    . 'done: the session store is away' ], 'CP0023: is none';

# --- What is in none ----------------------------------------------------------

keys_note();
my $all = join '|', map { quotemeta } keys %secrets;
cmp_ok scalar(keys %secrets), '>', 20, 'there are secrets';
unlike $server->log, qr/$all/, 'and none is in the log';
ok $server->stop, 'stopped';

done_testing;
