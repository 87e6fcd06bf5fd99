# The inventory: what was seen in report mode and is not declared, and the
# lines that declare it, out of names that clients and backends make up.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();

my $database = "$ENV{CP_DOCS}/../conf/cookies.csv";
my $server = CookiePolicy::Server->new;

sub config {
    my ($seen, $before) = @_;

    return <<"CONFIG";
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyDatabase "$database"
CookiePolicy Report
<Location "/status">
    CookiePolicy Off
    SetHandler cookiepolicy-status
</Location>
@{[ $before // '' ]}
<VirtualHost 127.0.0.1:{PORT}>
    ServerName seen.example
    CookiePolicyCookie cart necessary
    CookiePolicyCategory marketing consent
$seen
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName Other.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName on.example
    CookiePolicy On
</VirtualHost>
CONFIG
}

sub get {
    my ($path, @with) = @_;

    return fetch(host => 'seen.example', port => $server->port,
                 path => $path, @with);
}

# The application's answer with these lines.
sub set {
    my ($host, @lines) = @_;
    my $query = join '&', map { my $line = "Set-Cookie: $_";
                                $line =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge;
                                "h=$line" } @lines;

    return fetch(host => $host, port => $server->port,
                 path => "/cgi/echo.pl?$query");
}

sub bring {
    my ($host, @names) = @_;

    return fetch(host => $host, port => $server->port,
                 path => '/index.html?secret=1',
                 headers => [ Cookie => join '; ', map { "$_=1" } @names ]);
}

sub inventory {
    my $answer = get('/status?inventory&json');

    return JSON::PP::decode_json($answer->body);
}

sub lines { return split /\n/, get('/status?inventory&text')->body }

# What was seen on a host: name => what is known.
sub seen {
    my ($host) = @_;
    my ($there) = grep { $_->{host} eq $host } @{ inventory()->{hosts} };

    return { map { $_->{name} => $_ } @{ $there ? $there->{seen} : [] } };
}

sub report {
    my ($host, $type, $body, @headers) = @_;

    $body = JSON::PP::encode_json($body) if ref $body;
    return fetch(host => $host, port => $server->port, method => 'POST',
                 path => '/cookie-policy/csp-report', body => $body,
                 headers => [ 'Content-Type' => $type, @headers ]);
}

sub single {
    my ($blocked, $directive) = @_;

    return { 'csp-report' => {
        'blocked-uri' => $blocked,
        'document-uri' => 'http://seen.example/page?secret=1',
        'effective-directive' => $directive // 'img-src',
    } };
}

$server->configure(config(''));
ok $server->start, 'a server in report mode' or diag $server->log;

is_deeply inventory(), { missed => 0, hosts => [] }, 'nothing was seen yet';
is get('/status?inventory&text')->body, '', 'there are no lines';
like get('/status?inventory')->body, qr/nothing to declare/, 'and it says so';

# --- What is seen ---------------------------------------------------------

my $answer = set('seen.example', 'basket=1; Path=/', 'cart=2', 'heron=3');
is_deeply [ grep { /^(?:basket|cart|heron)=/ } $answer->header('Set-Cookie') ],
    [ 'basket=1; Path=/', 'cart=2', 'heron=3' ], 'nothing changes on the wire';
set('seen.example', 'basket=1') for 1 .. 2;
bring('seen.example', qw(basket made_up swan_id _swan.1 _swan.2 otter_size));
bring('other.example', 'basket');

my $seen = seen('seen.example');
is_deeply [ sort keys %$seen ],
    [ sort qw(basket heron made_up swan_id _swan.1 _swan.2 otter_size) ],
    'what is not declared is listed, by its host';
is $seen->{basket}{set}, 3, 'how often the server set it';
is $seen->{basket}{brought}, 1, 'how often browsers brought it';
is $seen->{made_up}{set}, 0, 'which is told apart';
is $seen->{basket}{path}, '/cgi/echo.pl', 'where it was seen first';
is $seen->{made_up}{path}, '/index.html', 'without the query';
like $seen->{basket}{first}, qr/\A20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/, 'when';
is $seen->{'_swan.2'}{known}{name}, '_swan.', 'what the database knows';
is $seen->{basket}{known}, undef, 'and does not know';
is_deeply [ keys %{ seen('other.example') } ], ['basket'],
    'each host has its own';

# --- Hostile names --------------------------------------------------------

my @hostile = (
    '<script>alert(1)</script>', '"><img src=x', '${HOME}', '$Swan', '%y@z',
    'back\\slash', 'None', '~^.*', "caf\xc3\xa9", "\xff\xfe", 'a b', '#x',
    'x' x 300, "tick'", '</pre>',
);
set('seen.example', map { "$_=1" } @hostile);
bring('seen.example', '<b>', "a'b", 'y' x 200, 'x&amp;y', '</VirtualHost>');

my $page = get('/status?inventory');
is $page->status, 200, 'a page';
like $page->header('Content-Type'), qr/^text\/html/, 'in HTML';
is $page->header('Cache-Control'), 'no-store', 'which no cache keeps';
like $page->header('Content-Security-Policy'), qr/default-src 'none'/,
    'and in which no script runs';
unlike $page->body, qr/<(?:script|img|b>)/, 'no name is markup';
unlike $page->body, qr/[^\x09\x0a\x20-\x7e\xc2-\xf4\x80-\xbf]/, 'nor more than text';
like $page->body, qr/&lt;script&gt;/, 'it is shown escaped';
is scalar(() = $page->body =~ /<pre>/g), scalar(() = $page->body =~ /<\/pre>/g),
    'what was opened is closed';

$seen = seen('seen.example');
ok exists $seen->{'<script>alert(1)</script>'}, 'JSON has it as it is';
ok exists $seen->{'caf\\xc3\\xa9'}, 'and bytes that are not ASCII escaped';
ok $seen->{ 'x' x 96 }{cut}, 'a long name is cut, and says so';
like $seen->{None}{refusal}, qr/None/, 'why a name has no line';
like $seen->{made_up}{refusal}, qr/browsers/, 'or another';
is $seen->{basket}{refusal}, undef, 'one that has a line has no reason';

# --- Third parties --------------------------------------------------------

like get('/index.html')->header('Content-Security-Policy-Report-Only'),
    qr{; report-uri /cookie-policy/csp-report\z}, 'browsers are asked to report';
is report('seen.example', 'application/csp-report',
          single('https://Pictures.test/a.png?x'))->status, 204,
    'a report is taken';
is report('seen.example', 'application/reports+json', [
    { type => 'csp-violation', body => {
        blockedURL => 'http://maps.test:8080/tile',
        effectiveDirective => 'script-src-elem',
        documentURL => 'http://seen.example/map' } },
    { type => 'deprecation', body => { blockedURL => 'https://no.test' } },
    { type => 'csp-violation', body => { blockedURL => 'inline' } },
    'text', undef, [], 7,
])->status, 204, 'several are';
for my $blocked ('https://seen.example@evil.test/', 'javascript:alert(1)',
                 'data', 'https://a"b.test', 'https://a b.test/',
                 'https://${HOME}.test', 'https://a.test:0', 'https://a.test:x',
                 'https://[::1]/', "https://\x{e9}.test", 'https://',
                 'https://' . 'a' x 200 . '.test',
                 'http://seen.example/own') {
    is report('seen.example', 'application/csp-report', single($blocked))
        ->status, 204, 'so is nonsense';
}
report('seen.example', 'application/csp-report',
       single('https://form.test', 'form-action'));
report('seen.example', 'text/plain',
       JSON::PP::encode_json(single('https://plain.test')));
is report('seen.example', 'application/csp-report', '{"csp-report": ')->status,
    204, 'and what is no JSON';
is report('seen.example', 'application/csp-report', '[' x 60000)->status,
    204, 'however deep';
is report('seen.example', 'application/csp-report', 'x' x 70000)->status, 413,
    'but not what is too long';
is get('/cookie-policy/csp-report')->status, 405, 'it is for POST';
is report('on.example', 'application/csp-report', single('https://on.test/'),
          Origin => 'https://elsewhere.test',
          'Sec-Fetch-Site' => 'cross-site')->status, 204,
    'no CSRF check stands in the way of a report';

$seen = seen('seen.example');
is_deeply [ sort grep { $seen->{$_}{reported} } keys %$seen ],
    [ 'http://maps.test:8080', 'https://pictures.test' ],
    'origins are noted, and nothing but origins of others';
is $seen->{'https://pictures.test'}{path}, '/page', 'with the page they are on';
ok exists seen('on.example')->{'https://on.test'}, 'with the engine On too';

# --- The lines ------------------------------------------------------------

my @wanted = (
    '# seen.example',
    'CookiePolicyCookie ~^_swan[.] statistics provider="Swan Counting Ltd"'
    . ' purpose="Keeps what a visit consists of, \'page by page\'" lifetime=30m',
    '# Choose the category of basket; first-party asks for consent.',
    'CookiePolicyCookie basket first-party',
    'CookiePolicyCookie heron marketing provider="Heron Media / \'Sons\'"'
    . ' purpose="Chooses among {advertisements}/ and counts 100 of them once"'
    . ' lifetime=session',
    '# Choose the category of otter_size; first-party asks for consent.',
    'CookiePolicyCookie otter_size first-party provider="Otter"'
    . ' purpose="Remembers the size of letters"',
    'CookiePolicyCookie swan_id statistics provider="Swan Counting Ltd"'
    . ' purpose="Knows a visitor again, to count him once" lifetime=13M',
    '# Anybody can send a report: look at each origin, and choose the category.',
    'CookiePolicyThirdParty third-party http://maps.test:8080'
    . ' https://pictures.test',
);
my $text = get('/status?inventory&text');
like $text->header('Content-Type'), qr/^text\/plain/, 'the lines alone';
my ($of_seen) = $text->body =~ /^(# seen\.example\n.*?)(?=^# [\w.]+\n|\z)/ms;
my @of_seen = split /\n/, $of_seen;
like pop @of_seen, qr/\A# \d+ more have no line/, 'that some are missing is said';
is_deeply \@of_seen, \@wanted, 'what a server set or the database knows';

# --- A reload, and the lines pasted ---------------------------------------

ok $server->graceful, 'a reload';
is seen('seen.example')->{basket}{set}, 3, 'loses nothing';

$server->configure(config($of_seen));
my ($good, $said) = $server->check;
ok $good, 'the lines can be pasted as they are' or diag $said;
ok $server->graceful, 'and are, into one host';
$seen = seen('seen.example');
ok !exists $seen->{$_}, "$_ is declared there"
    for qw(basket heron swan_id _swan.1 _swan.2 otter_size), 'http://maps.test:8080';
ok exists $seen->{made_up}, 'what is not is listed';
ok exists seen('other.example')->{basket}, 'and so is what another host saw';
set('seen.example', 'basket=1', 'heron=2');
bring('seen.example', qw(swan_id _swan.3));
$seen = seen('seen.example');
ok !grep({ exists $seen->{$_} } qw(basket heron swan_id _swan.3)),
    'and they are not seen any more';

SKIP: {
    open my $in, '<', $ENV{CP_MODULES} or die $!;
    my ($macro) = join('', <$in>) =~ m{(\S+)/mod_alias\.so};
    $macro .= '/mod_macro.so';
    skip 'no mod_macro', 1 unless -e $macro;
    $server->configure(config("Use Pasted one two three", <<"CONFIG"));
LoadModule macro_module $macro
<Macro Pasted \$Media %of \@once>
$of_seen
</Macro>
CONFIG
    ($good, $said) = $server->check;
    ok $good, 'also within a macro' or diag $said;
}
$server->configure(config(''));
ok $server->graceful, 'without them';

# --- More names than there is room for ------------------------------------

for my $i (1 .. 40) {
    bring('seen.example', map { "flood${i}_$_" } 1 .. 100);
}
set('seen.example', 'latecomer=1');
my $inventory = inventory();
ok $inventory->{missed} > 1000, 'names beyond all bounds are counted';
like get('/status?inventory')->body, qr/$inventory->{missed} sightings/,
    'and the page says so';
$seen = seen('seen.example');
ok keys %$seen < 4096, 'and not all kept';
ok exists $seen->{$_}, "$_ is still there"
    for qw(basket heron latecomer), 'https://pictures.test';
ok !grep({ /flood/ } lines()), 'no line is made of them';

# --- The database ---------------------------------------------------------

my $header = 'Category,Cookie / Data Key name,Wildcard match';
for my $case (
    [ "$header\nA,b,0\nA,c,maybe\n", 'line 3: .*neither 0 nor 1' ],
    [ "$header\nA,\"b,0\n", 'line 2: a quote is not closed' ],
    [ "$header\nA\n", 'line 2: there are 1 cells' ],
    [ "Category,Name\n", 'line 1: the header has no column' ],
    [ '', 'line 1: ' ],
    [ undef, 'cannot be read' ],
) {
    my ($csv, $why) = @$case;
    my $file = $server->dir . '/broken.csv';

    unlink $file;
    $server->file('broken.csv', $csv) if defined $csv;
    $server->configure("CookiePolicyDatabase \"$file\"\n");
    ($good, $said) = $server->check;
    ok !$good, 'a broken database is refused';
    like $said, qr/CookiePolicyDatabase.*broken\.csv.*$why/s, 'it says why';
}
$server->configure("<VirtualHost *:80>\nCookiePolicyDatabase \"$database\"\n"
                   . "</VirtualHost>\n");
($good, $said) = $server->check;
ok !$good, 'it is for the server, not for a virtual host';

done_testing;
