# Require cookie-consent: who is let in, with what, and that no cache opens a
# door to somebody else.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my @PLACES = qw(need object exempt any all none two plain off report htaccess
                typo password status);
my $server = CookiePolicy::Server->new(config => <<'CONFIG');
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyIssue lazy
CookiePolicyCategory comfort objectable
CookiePolicyCookie count statistics
CookiePolicyCookie font comfort
AddType text/html .html .shtml
AddOutputFilter INCLUDES .shtml
<Directory "{DIR}/htdocs">
    AllowOverride All
    Options +IncludesNOEXEC
</Directory>
<Location /need>
    Require cookie-consent statistics
</Location>
<Location /cgi/echo.pl/need>
    Require cookie-consent statistics
</Location>
<Location /object>
    Require cookie-consent comfort
</Location>
<Location /exempt>
    Require cookie-consent necessary
</Location>
<Location /any>
    <RequireAny>
        Require cookie-consent statistics
        Require expr "%{HTTP:X-Key} == 'open'"
    </RequireAny>
</Location>
<Location /all>
    <RequireAll>
        Require cookie-consent statistics
        Require expr "%{HTTP:X-Key} == 'open'"
    </RequireAll>
</Location>
<Location /none>
    <RequireAll>
        Require all granted
        Require not cookie-consent statistics
    </RequireAll>
</Location>
<Location /two>
    Require cookie-consent statistics
    Require cookie-consent comfort
</Location>
<Location /off>
    CookiePolicy Off
    Require cookie-consent necessary
</Location>
<Location /report>
    CookiePolicy Report
    Require cookie-consent statistics
</Location>
<Location /password>
    AuthType Basic
    AuthName members
    AuthUserFile "{DIR}/users"
    <RequireAll>
        Require valid-user
        Require cookie-consent statistics
    </RequireAll>
</Location>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
</VirtualHost>
{CACHING}
CONFIG
for my $place (@PLACES) {
    mkdir $server->dir . "/htdocs/$place" or die $!;
    $server->file("htdocs/$place/page.html", "<title>$place</title>\n");
}
$server->file('htdocs/include.shtml',
              '[<!--#include virtual="/need/page.html" -->]');
$server->file('htdocs/htaccess/.htaccess',
              "Require cookie-consent statistics\n");
$server->file('htdocs/typo/.htaccess', "Require cookie-consent statistic\n");
# ann's password is "secret".
$server->file('users', "ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
ok $server->start, 'a server of its own' or diag $server->{said}, $server->log;

sub get {
    my ($visitor, $path, @headers) = @_;

    return $visitor->get($path, headers => [@headers]);
}

sub visitor {
    my ($host, $choice) = @_;
    my $visitor = CookiePolicy::Visitor->new($host, port => $server->port);

    return $visitor unless $choice;
    $visitor->request('POST', '/cookie-policy/preferences',
        body => form_encode(ref $choice
            ? [ choice => 'save', map { (category => $_) } @$choice ]
            : [ choice => $choice ]),
        headers => [ Origin => "http://$host",
                     'Content-Type' => 'application/x-www-form-urlencoded' ]);
    die 'no choice' unless $visitor->cookie('cookies_preferences');
    return $visitor;
}

my %who = (undecided => visitor('own.example'),
           granted => visitor('own.example', 'accept-all'),
           refused => visitor('own.example', 'reject-all'));
my @key = ('X-Key' => 'open');
my @ann = (Authorization => 'Basic YW5uOnNlY3JldA==');

#   place         undecided granted refused
for my $case (
    [ need     => 403, 200, 403 ],
    [ object   => 200, 200, 403 ],
    [ exempt   => 200, 200, 200 ],
    [ any      => 403, 200, 403 ],
    [ any      => 200, 200, 200, @key ],
    [ all      => 403, 403, 403 ],
    [ all      => 403, 200, 403, @key ],
    [ none     => 200, 403, 200 ],
    [ two      => 200, 200, 403 ],
    [ plain    => 200, 200, 200 ],
    [ off      => 403, 403, 403 ],
    [ report   => 200, 200, 200 ],
    [ htaccess => 403, 200, 403 ],
    [ typo     => 403, 403, 403 ],
) {
    my ($place, @expected) = @$case;
    my @headers = splice @expected, 3;
    my @got = map { get($who{$_}, "/$place/page.html", @headers)->status }
              qw(undecided granted refused);

    is "@got", "@expected", "$place" . (@headers ? ' with a key' : '');
}
is get($who{undecided}, '/object/page.html', 'Sec-GPC' => '1')->status, 403,
    'Sec-GPC objects';
is get($who{granted}, '/need/page.html', 'Sec-GPC' => '1')->status, 200,
    'but takes no grant away';
is get($who{granted}, '/password/page.html')->status, 401,
    'consent is no password';
is get($who{granted}, '/password/page.html', @ann)->status, 200,
    'both together';
isnt get($who{undecided}, '/password/page.html', @ann)->status, 200,
    'nor is a password consent';
is get($who{granted}, '/cgi/echo.pl/need')->status, 200, 'a program, too';
is get($who{refused}, '/cgi/echo.pl/need')->status, 403, 'is closed';

like get($who{granted}, '/include.shtml')->body, qr/\[<title>need/,
    'included where it is granted';
unlike get($who{refused}, '/include.shtml')->body, qr/<title>need/,
    'and not where it is not';

# A made-up choice opens nothing.
for my $value ('1.1.statistics:y:AAAAAAAA.x.AAAAAAAAAAAAAAAAAAAAAA',
               $who{granted}->cookie('cookies_preferences') . 'x',
               $who{refused}->cookie('cookies_preferences') =~ s/:n:/:y:/gr) {
    is fetch(host => 'own.example', port => $server->port,
             path => '/need/page.html',
             headers => [ Cookie => "cookies_preferences=$value" ])->status,
        403, 'a choice that nobody made';
}
is fetch(host => 'quick.example', port => $server->port,
         path => '/need/page.html', headers => [
    Cookie => 'cookies_preferences='
              . $who{granted}->cookie('cookies_preferences') ])->status,
    403, 'a choice for another host';

# .htaccess is read anew by each request, in many threads.
my @children = map {
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        my @bad = grep { get($who{granted}, '/htaccess/page.html')->status
                         != 200 } 1 .. 60;
        require POSIX;
        POSIX::_exit(@bad ? 1 : 0);
    }
    $pid;
} 1 .. 4;
my @failed = grep { waitpid $_, 0; $? } @children;
is scalar(@failed), 0, '.htaccess, 240 times at once';

# --- Caches ----------------------------------------------------------------

like get($who{granted}, '/need/page.html')->header('cache-control'),
    qr/private/, 'what consent opened is for no shared cache';
like get($who{refused}, '/need/page.html')->header('cache-control') // '',
    qr/private|no-store/, 'nor is what it closed';
is get($who{granted}, '/plain/page.html')->header('cache-control'), undef,
    'where none is asked for the answer is for all';
is get($who{granted}, '/report/page.html')->header('cache-control'), undef,
    'nor does Report change that';

for my $host (qw(quick.example normal.example)) {
    my ($yes, $no) = (visitor($host, 'accept-all'),
                      visitor($host, 'reject-all'));
    my $newcomer = visitor($host);

    get($yes, '/plain/page.html');
    like get($yes, '/plain/page.html')->header('x-cache') // '', qr/^HIT/,
        "$host: there is a cache";
    for my $round (1, 2) {
        my $open = get($yes, '/need/page.html');

        is $open->status, 200, "$host: granted";
        unlike $open->header('x-cache') // '', qr/^HIT/, 'and not stored';
        is get($no, '/need/page.html')->status, 403, 'refused';
        is get($newcomer, '/need/page.html')->status, 403, 'undecided';
    }
    is get($yes, '/need/page.html')->status, 200,
        "$host: a refusal is not stored either";
}

# --- At start --------------------------------------------------------------

for my $case (
    [ 'Require cookie-consent', 'name of one category' ],
    [ 'Require cookie-consent statistics marketing', 'name of one category' ],
    [ 'Require cookie-consent Statistics', 'name of one category' ],
    [ 'Require cookie-consent "no name"', 'name of one category' ],
    [ 'Require cookie-consent marketing', "category 'marketing'" ],
    [ 'Require cookie-consent statistic', "category 'statistic'" ],
    [ "<RequireAny>\nRequire ip 10.0.0.1\nRequire cookie-consent statistic\n"
      . '</RequireAny>', "category 'statistic'" ],
) {
    my ($require, $says) = @$case;

    for my $around ([ '', '' ], [ '<VirtualHost *:1>', '</VirtualHost>' ]) {
        $server->configure("CookiePolicy On\nCookiePolicyStateDir {STATE}\n"
                           . "CookiePolicySessionStore shm:1M\n$around->[0]\n"
                           . "<Location /x>\n$require\n</Location>\n"
                           . "$around->[1]\n");
        truncate $server->dir . '/logs/error', 0;
        my ($good, $said) = $server->check;

        ok !$good, "refused: $require" . ($around->[0] && ' in a host');
        like $said . $server->log, qr/\Q$says\E/, 'and says why';
    }
}
for my $good (
    "<Location /x>\nRequire cookie-consent statistics\n</Location>",
    "<VirtualHost *:1>\n<Location /x>\nRequire cookie-consent statistics\n"
    . "</Location>\n</VirtualHost>",
    "<VirtualHost *:1>\nCookiePolicyCategory ads consent\n<Location /x>\n"
    . "Require cookie-consent ads\n</Location>\n</VirtualHost>",
    "CookiePolicyCategory ads consent\n<VirtualHost *:1>\n<Location /x>\n"
    . "Require cookie-consent ads\n</Location>\n</VirtualHost>",
    "<Location /x>\nRequire cookie-consent ads\n</Location>\n"
    . 'CookiePolicyCategory ads consent',
) {
    $server->configure("CookiePolicy On\nCookiePolicyStateDir {STATE}\n"
                       . "CookiePolicySessionStore shm:1M\n$good\n");
    my ($well, $said) = $server->check;

    ok $well, "taken: $good" =~ s/\n/; /gr or diag $said;
}
$server->configure("CookiePolicy On\nCookiePolicyStateDir {STATE}\n"
                   . "CookiePolicySessionStore shm:1M\n"
                   . "<VirtualHost *:1>\nCookiePolicyCategory ads consent\n"
                   . "</VirtualHost>\n<VirtualHost *:2>\n<Location /x>\n"
                   . "Require cookie-consent ads\n</Location>\n</VirtualHost>\n");
my ($good) = $server->check;
ok !$good, 'a category of another host is none';

done_testing;
