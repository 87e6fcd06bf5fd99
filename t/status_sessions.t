# The handler cookiepolicy-status: sessions listed, and ended by forms that
# only the administrator's own page can send.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $server = CookiePolicy::Server->new(config => <<'CONFIG');
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session login
<Location "/off">
    CookiePolicy Off
    SetHandler cookiepolicy-status
</Location>
<Location "/report">
    CookiePolicy Report
    SetHandler cookiepolicy-status
</Location>
<Location "/origin">
    CookiePolicyCsrf Origin
    SetHandler cookiepolicy-status
</Location>
<Directory "{DIR}/htdocs/tenants">
    AllowOverride FileInfo
</Directory>
<Location "/tenants/both">
    SetHandler cookiepolicy-status
</Location>
<Location "/admin">
    SetHandler cookiepolicy-status
    AuthType Basic
    AuthName Administration
    AuthBasicProvider file
    AuthUserFile {DIR}/users
    Require valid-user
</Location>
CONFIG
$server->file('users', 'root:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=' . "\n");
my @root = (Authorization => 'Basic cm9vdDp0ZXN0');     # root, test

mkdir $server->dir . "/htdocs/$_" or die $!
    for 'tenants', map { "tenants/$_" } qw(plain files mime other both);
$server->file("htdocs/tenants/$_->[0]/.htaccess", "$_->[1]\n")
    for [ plain => 'SetHandler cookiepolicy-status' ],
        [ files => "<Files *>\nSetHandler cookiepolicy-status\n</Files>" ],
        [ mime => 'AddHandler cookiepolicy-status .html' ],
        [ other => 'AddDefaultCharset utf-8' ],
        [ both => 'SetHandler cookiepolicy-status' ];
$server->file("htdocs/tenants/mime/page.html", 'x');

ok $server->start, 'a server of its own' or diag $server->log;

sub visitor {
    my ($command, $host) = @_;
    my $visitor = CookiePolicy::Visitor->new($host // 'own.example',
                                             port => $server->port);

    $visitor->get('/');
    $visitor->command($command) if $command;
    return $visitor;
}

sub user { return $_[0]->look->seen('COOKIEPOLICY_USER') // '' }

my $admin = visitor();
my $ann = visitor(':user=ann');
my $again = visitor(':user=ann');
my $bob = visitor(':user=b%3Cob%22');
my $there = visitor(':user=ann', 'other.example');

sub listed {
    my ($query) = @_;

    return JSON::PP->new->utf8->decode(
        $admin->get("/admin?sessions&json$query", headers => [ @root ])->body);
}

# --- Of whom the page is -----------------------------------------------------

for my $path (qw(plain/page files/page mime/page.html both/page)) {
    my $answer = $bob->get("/tenants/$path?sessions&json");

    is $answer->status, 403, "a tenant's $path shows no sessions";
    unlike $answer->body, qr/ann/, 'nor names';
    is $bob->get("/tenants/$path?inventory")->status, 403, 'and no inventory';
    $bob->post("/tenants/$path?sessions", [ user => 'ann' ]);
    is user($ann), 'ann', 'and ends none';
}
like $server->log, qr/CP0097/, 'which is logged';

# --- Listing ----------------------------------------------------------------

is $admin->get('/admin?sessions')->status, 401, 'for who may';
my $list = listed('');
is $list->{logged_in}, 4, 'so many users are logged in';
is scalar @{ $list->{sessions} }, 4, 'all are listed';
ok $list->{listed} && !$list->{more}, 'which is all';
my $reference = $ann->look->seen('COOKIEPOLICY_SESSION');
my ($one) = grep { $_->{session} eq $reference } @{ $list->{sessions} };
is $one->{user}, 'ann', 'with user';
is $one->{realm}, 'own.example', 'and realm';
cmp_ok $one->{$_}, '<', 60, "and $_" for qw(age idle);
cmp_ok $one->{expires}, '>', 1700, 'and for how long yet';
is scalar @{ listed('&user=ann')->{sessions} }, 3, 'of one user';
is scalar @{ listed('&user=ann&realm=own.example')->{sessions} }, 2,
    'in one realm';
is scalar @{ listed("&session=$reference")->{sessions} }, 1, 'one';
is scalar @{ listed('&user=cid')->{sessions} }, 0, 'of nobody';
my $page = $admin->get('/admin?sessions&user=%22%3E%3Cscript%3E', headers => [
    @root, Accept => 'text/html' ]);
unlike $page->body, qr/<script/, 'what is asked for is escaped';
$page = $admin->get('/admin?sessions', headers => [ @root, Accept => 'text/html' ]);
like $page->body, qr/b&lt;ob&quot;/, 'names are';
is $page->header('Cache-Control'), 'no-store', 'no cache keeps it';
like $page->header('Content-Security-Policy'), qr/default-src 'none'/,
    'and nothing is loaded';
is scalar(() = $page->body =~ /<button name="session"/g), 4,
    'a form for each';
my ($token) = $page->body =~ /name="csrfmiddlewaretoken" value="(\w{64})"/;
ok $token, 'with a token';

# --- Ending -----------------------------------------------------------------

sub end {
    my ($form, %with) = @_;
    my $path = delete $with{path} // '/admin?sessions';

    return $admin->post($path, $form, headers => [ @root, @{ $with{headers} || [] } ],
                        exists $with{token} ? (token => $with{token}) : ());
}

is $admin->post('/admin?sessions', { user => 'ann' })->status, 401,
    'who may not cannot end';
is end({ user => 'ann' }, token => undef)->status, 403, 'nor without a token';
is end({ user => 'ann' }, token => 'x' x 64)->status, 403, 'or a wrong one';
is end({ user => 'ann' }, headers => [ Origin => 'http://evil.example' ])->status,
    403, 'or from elsewhere';
is end({})->status, 400, 'nobody is meant';
is end({ user => '' })->status, 400, 'an empty name means nobody';
is $admin->post("/$_?sessions", { user => 'ann' })->status, 403,
    "where the check is not made: $_" for qw(off report origin);
is user($ann), 'ann', 'ann is still logged in';
is end({ user => 'ann' }, path => '/admin')->status, 405,
    'figures take nothing';
for my $where (qw(off report origin)) {
    my $body = $admin->get("/$where?sessions",
                           headers => [ Accept => 'text/html' ])->body;

    unlike $body, qr/csrfmiddlewaretoken/, "no form for $where";
    like $body, qr/CookiePolicyCsrf On/, 'and why';
}

my $answer = end({ session => $reference }, token => $token);
is $answer->status, 303, 'one is ended';
is $answer->header('Location'), '/admin?sessions', 'and back';
is user($ann), '', 'ann is logged out';
is user($again), 'ann', 'in one browser';
$answer = end({ user => 'ann', realm => 'own.example' },
              headers => [ Accept => 'application/json' ]);
is_deeply(JSON::PP->new->utf8->decode($answer->body), { ended => 1 },
    'all of a user in a realm');
is user($again), '', 'ann is logged out';
is user($there), 'ann', 'but elsewhere';
is end({ realm => 'other.example' })->status, 303, 'all of a realm';
is user($there), '', 'are logged out';
is user($bob), 'b<ob"', 'and nobody else';
like $server->log, qr/CP0096: root ended 1 sessions \(user ann, realm own\.example, session any\)/,
    'it is logged who did it';

# More than a page.
visitor('a=1') for 1 .. 205;
$list = listed('');
is scalar @{ $list->{sessions} }, 200, 'a page is bounded';
ok $list->{more}, 'and says so';

$server->stop;
done_testing;
