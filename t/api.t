# The optional functions of include/mod_cookiepolicy.h, called by the module of
# t/sample in every phase and on every kind of request.
use strict;
use warnings;

use Test::More;
use Time::HiRes ();

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

-e $ENV{CP_SAMPLE_SO} or die "no mod_sample.so: make sample\n";

my $sample = <<"CONFIG";
LoadModule sample_module $ENV{CP_SAMPLE_SO}
LimitRequestLine 70000
<Location /sample>
    SetHandler sample
</Location>
CONFIG

my $config = <<"CONFIG";
$sample
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyLanguage en fr
CookiePolicyCookie counted statistics
<IfModule http2_module>
    Protocols h2c http/1.1
</IfModule>
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory "{DIR}/htdocs">
    Options +IncludesNOEXEC
</Directory>
ScriptAlias /sample/cgi/ "$ENV{CP_CGI}/"
<Location /sample/cgi/>
    SetHandler cgi-script
</Location>
<Location /sample/off>
    CookiePolicy Off
</Location>
<Location /sample/report>
    CookiePolicy Report
</Location>
<Location /sample/open>
    CookiePolicyCsrf Off
</Location>
<Location /sample/other>
    CookiePolicyUndeclared allow
</Location>
<Location /denied>
    Require all denied
</Location>
Redirect 410 /sample/early
ErrorDocument 403 "/sample/after?at=handler&writable&login=eve&set=a:1&logout&rotate&token&user"
ErrorDocument 410 "/sample/after?at=handler&writable&login=eve&set=a:1"
CacheRoot "{DIR}/cache"
CacheEnable disk /sample/kept
CacheEnable disk /samples/
CacheQuickHandler off
CacheHeader on
CacheIgnoreHeaders Set-Cookie
<LocationMatch "^/(sample/kept|samples/)">
    Header always set Cache-Control "max-age=60"
    Header set Last-Modified "Thu, 01 Jan 2026 00:00:00 GMT"
</LocationMatch>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName app.example
    CookiePolicySession Application
</VirtualHost>
CONFIG

my $server = CookiePolicy::Server->new(config => $config);
mkdir $server->dir . '/htdocs/samples' or die "samples: $!";
$server->file('htdocs/samples/index.html', "<!DOCTYPE html><p>Kept.\n");
$server->start or BAIL_OUT("no server: $server->{said}" . $server->log);

sub visitor {
    my ($host) = @_;
    my $visitor = CookiePolicy::Visitor->new($host // 'own.example',
                                             port => $server->port);

    $visitor->get('/index.html');
    return $visitor;
}

# A visitor with a record, under a known user or none.
sub known {
    my (@words) = @_;
    my $visitor = visitor();

    $visitor->get('/sample?' . join '&', 'at=handler', @words);
    return $visitor;
}

# What each of the words gave, by the place and the word's name.
sub said {
    my ($answer) = @_;

    return { map { /^(\w+ \w+): (.*)$/ ? ($1 => $2) : () }
             split /\n/, $answer->body };
}

sub handled {
    my ($visitor, $words, %with) = @_;
    my $said = said($visitor->get("/sample?at=handler&$words", %with));

    return join ' ', map { s/=.*//r . "=" . ($said->{"handler " . s/=.*//r}
                                            // 'nothing') }
                     split /&/, $words;
}

# --- Asking -----------------------------------------------------------------

my $ann = visitor();
is handled($ann, 'on&language&allows=necessary&decided&user&time&get=cart'
                 . '&stop&each'),
    'on=1 language=en allows=1 decided=no user=NULL time=0 get=NULL stop=1'
    . ' each=', 'a newcomer';
is handled($ann, 'language', headers => [ 'Accept-Language' => 'fr' ]),
    'language=en', 'the language is the cookie\'s';
is handled($ann, 'allows=statistics'), 'allows=0', 'nothing is allowed unasked';
is handled($ann, 'allows=unknown'), 'allows=0', 'nor what there is not';
is handled($ann, 'allows'), 'allows=0', 'nor NULL';
is handled($ann, 'get'), 'get=NULL', 'no attribute is called NULL';
is handled($ann, 'decided', headers => [ 'Sec-GPC' => 1 ]), 'decided=gpc',
    'Sec-GPC stands in';
$ann->post('/cookie-policy/preferences', [ choice => 'accept-all' ]);
is handled($ann, 'allows=statistics'), 'allows=1', 'allowed after consent';
is handled($ann, 'decided'), 'decided=yes', 'and decided';
like handled($ann, 'reference'), qr/\Areference=[\w-]{11}\z/, 'a reference';
like handled($ann, 'token'), qr/\Atoken=[A-Za-z0-9]{64}\z/, 'a masked token';
is handled($ann, 'writable'), 'writable=1', 'a session may begin';

# --- The session ------------------------------------------------------------

my $before = time;
my %first = %{ $ann->jar };
my $answer = $ann->get('/sample?at=handler&set=cart:3&each&login=ann&user'
                       . '&get=cart&token&time');
my $said = said($answer);
is $said->{'handler set'}, 'APR_SUCCESS', 'an attribute is set';
is $said->{'handler each'}, 'cart:3', 'and seen at once';
is $said->{'handler login'}, 'APR_SUCCESS', 'ann logs in';
is $said->{'handler user'}, 'ann', 'known at once';
is $said->{'handler get'}, 3, 'with what was stored before';
cmp_ok $said->{'handler time'}, '>=', $before, 'the time is not in the past';
cmp_ok $said->{'handler time'}, '<=', int Time::HiRes::time(), 'nor in the future';
is $answer->issued, 'csrftoken sessionid', 'a new id and a new token are issued';
isnt $ann->cookie('sessionid'), $first{sessionid}, 'the id is another';
isnt $ann->cookie('csrftoken'), $first{csrftoken}, 'the token, too';
like $answer->header('cache-control'), qr/private/, 'for no shared cache';
is $ann->post('/sample?at=handler&user', [], token => $said->{'handler token'})
    ->seen('handler user'), 'ann', 'the token is the new one\'s';
is $ann->post('/sample?at=handler&user', [], token => $first{csrftoken})
    ->status, 403, 'the old one is worth nothing';
is handled($ann, 'user&get=cart&time'),
    "user=ann get=3 time=$said->{'handler time'}", 'the next request knows';

$said = said($ann->get('/sample?at=handler&reference&set=a:1&set=b:2&stop&each'));
is $said->{'handler stop'}, 0, 'a callback may stop';
is join(',', sort split /,/, $said->{'handler each'}), 'a:1,b:2,cart:3',
    'all attributes';
my %held = %{ $ann->jar };
is handled($ann, 'set=a:&get=a'), 'set=APR_SUCCESS get=NULL',
    'an empty value unsets';
is handled($ann, 'set=b&get=b'), 'set=APR_SUCCESS get=NULL', 'and NULL does';
is_deeply $ann->jar, \%held, 'that takes no new id';

my $twin = $ann->twin;
$answer = $ann->get('/sample?at=handler&rotate&user&get=cart');
is $answer->seen('handler rotate'), 'APR_SUCCESS', 'the id is rotated';
is $answer->issued, 'sessionid', 'and it alone';
is handled($ann, 'user&get=cart'), 'user=ann get=3', 'all else stays';
is handled($twin, 'user&writable&login=eve&rotate&set=late:1'),
    'user=ann writable=0 login=APR_EACCES rotate=APR_EACCES set=APR_SUCCESS',
    'the old id is answered with no cookie';
is handled($ann, 'login=bob&user&get=cart'),
    'login=APR_SUCCESS user=bob get=NULL', 'another user has other attributes';
$twin = $ann->twin;
$answer = $ann->get('/sample?at=handler&logout&user&time&each');
is $answer->seen('handler logout'), 'APR_SUCCESS', 'logged out';
is $answer->seen('handler user'), 'NULL', 'nobody';
is $answer->seen('handler time'), 0, 'at no time';
is $answer->issued, 'csrftoken sessionid', 'a new id and a new token';
is handled($twin, 'user'), 'user=NULL', 'the old id is worth nothing';
is handled(visitor(), 'logout&rotate&set=a:'),
    'logout=APR_SUCCESS rotate=APR_SUCCESS set=APR_SUCCESS',
    'where nothing is stored there is nothing to do';

# --- What is refused --------------------------------------------------------

for my $bad ('set=a-b:1', 'set=:1', 'set=pw:1', 'set', 'set=a:x%0Ay',
             'set=a:%7F', 'set=' . 'n' x 65 . ':1', 'login=', 'login',
             'login=a%0D', 'login=' . 'u' x 256) {
    is handled(visitor(), $bad), $bad =~ s/=.*//r . '=APR_EINVAL',
        substr($bad, 0, 20) . ' is refused';
}
is handled(visitor(), 'login=' . 'u' x 255), 'login=APR_SUCCESS',
    'a user of 255 bytes';
is handled(visitor(), 'set=' . 'n' x 64 . ':1'), 'set=APR_SUCCESS',
    'a name of 64';
my $full = known('login=full', map { "set=n$_:1" } 1 .. 64);
is $full->get('/sample?at=handler&set=m:1&get=m')->body,
    "handler set: APR_ENOSPC\nhandler get: NULL\n",
    '65 attributes are too many, and nothing is changed';
is $full->get('/sample?at=handler&set=n1:' . 'x' x 20_000 . '&get=n1')->body,
    "handler set: APR_ENOSPC\nhandler get: 1\n", 'nor 20,000 bytes';
is handled(visitor(), 'login=ann&set=a:' . 'x' x 20_000 . '&user'),
    'login=APR_SUCCESS set=APR_ENOSPC user=ann', 'a login before that stays';

# --- Who asks ---------------------------------------------------------------

my @IMAGE = ('Sec-Fetch-Site' => 'cross-site', 'Sec-Fetch-Mode' => 'no-cors',
             'Sec-Fetch-Dest' => 'image');
is handled(visitor(), 'writable&login=eve&set=a:1&user', headers => \@IMAGE),
    'writable=0 login=APR_EACCES set=APR_EACCES user=NULL',
    'another site\'s image logs nobody in';
is handled(known('login=ann'), 'logout&rotate&user', headers => \@IMAGE),
    'logout=APR_EACCES rotate=APR_EACCES user=ann', 'nor out';
$answer = CookiePolicy::Visitor->new('own.example', port => $server->port)
    ->get('/sample?at=handler&token', headers => \@IMAGE);
is $answer->seen('handler token'), 'NULL', 'nor gets it a token';
is handled(visitor(), 'login=ann', headers => [
        'Sec-Fetch-Site' => 'cross-site', 'Sec-Fetch-Mode' => 'navigate',
        'Sec-Fetch-Dest' => 'document' ]),
    'login=APR_SUCCESS', 'a link from there may';
is visitor()->post('/sample/open?at=handler&login=eve', [], headers => [
        Origin => 'http://evil.example' ])->seen('handler login'),
    'APR_EACCES', 'a foreign form does not, unchecked';

my $posts = known('login=ann', 'set=a:0');
for my $case ([ 'without a token', undef ], [ 'with a wrong one', 'x' x 32 ]) {
    my ($what, $token) = @$case;
    my %held = %{ $posts->jar };
    $answer = $posts->post('/sample?at=access_checker&login=eve', [],
                           token => $token);
    is $answer->status, 403, "a form $what is refused";
    like $answer->body, qr/\Ahandler\ writable:\ 0\n
        handler\ login:\ APR_EACCES\nhandler\ set:\ APR_EACCES\n
        handler\ logout:\ APR_EACCES\nhandler\ rotate:\ APR_EACCES\n
        handler\ token:\ \w{64}\nhandler\ user:\ ann\n\z/x,
        "and changes nothing, $what";
    is_deeply $posts->jar, \%held, "no cookie comes of it, $what";
}
is handled($posts, 'user&get=a'), 'user=ann get=0', 'nothing was stored';
is $posts->post('/sample?at=access_checker&set=a:1', [])
    ->seen('access_checker set'), 'APR_SUCCESS', 'with its token it passes';
is fetch(host => 'own.example', port => $server->port, method => 'POST',
         path => '/sample', body => 'a=1')->seen('handler token'), 'NULL',
    'a refused newcomer gets no token';

# --- Phases -----------------------------------------------------------------

my $EARLY = 'at=post_read_request&on&user&writable&token&set=a:1&login=eve';
my $early = known('login=ann', 'set=a:0');
$said = said($early->get("/sample?$EARLY"));
is join(' ', map { $said->{"post_read_request $_"} }
             qw(on user writable token set login)),
    '1 ann 0 NULL APR_EACCES APR_EACCES',
    'post_read_request: to ask is allowed, no more';
$said = said($early->get("/sample/other?$EARLY&at=access_checker&set=a:1"));
is $said->{'access_checker set'}, 'APR_SUCCESS',
    'after header_parser, in a directory of its own terms';
$answer = $early->post("/sample?$EARLY", [], token => undef);
is $answer->status, 403, 'a form is not checked so early';
is handled($early, 'user&get=a'), 'user=ann get=1', 'and has no say';

for my $place (qw(access_checker fixups handler)) {
    my $visitor = visitor();
    $said = said($visitor->get("/sample?at=$place&login=ann&set=at:$place"
                               . '&token&user'));
    is join(' ', map { $said->{"$place $_"} } qw(login set user)),
        'APR_SUCCESS APR_SUCCESS ann', "$place: all is allowed";
    is $visitor->post('/sample?at=handler&user', [],
                      token => $said->{"$place token"})->seen('handler user'),
        'ann', "$place: the token is good";
}

my $late = known('login=ann', 'set=a:0');
$said = said($late->get('/sample?at=sent&writable&login=eve&set=a:1&logout'
                        . '&rotate&token&user&get=a&on'));
is join(' ', map { $said->{"sent $_"} }
             qw(writable login set logout rotate token user get on)),
    '0 APR_EACCES APR_EACCES APR_EACCES APR_EACCES NULL ann 0 1',
    'after the headers nothing can be changed';
$said = said($late->get('/sample?at=handler&token&at=sent&token'));
like $said->{'sent token'}, qr/\A\w{64}\z/, 'a second token can be had';
isnt $said->{'sent token'}, $said->{'handler token'}, 'masked anew';
$late->get('/sample?at=log_transaction&set=a:2&login=eve&user');
is handled($late, 'user&get=a'), 'user=ann get=0', 'nor at the end';
like $server->log, qr/log_transaction set: APR_EACCES.*log_transaction user: ann/s,
    'log_transaction: to ask is allowed';

# --- What content sees ------------------------------------------------------

my $content = visitor();
$answer = $content->get('/sample/cgi/echo.pl?at=fixups&login=ann&set=cart:3');
is $answer->seen('COOKIEPOLICY_USER'), 'ann', 'content sees a login of a hook';
is $answer->seen('COOKIEPOLICY_SESSION_ATTR_cart'), 3, 'and what it stored';
is $answer->seen_cookie('sessionid'), $content->cookie('sessionid'),
    'and the id that is issued';
is $content->post('/sample?at=handler&user', [],
                  token => $answer->seen('COOKIEPOLICY_CSRF_TOKEN'))
    ->seen('handler user'), 'ann', 'its forms carry the new token';
$answer = $content->get('/sample/cgi/echo.pl?at=fixups&logout');
is $answer->seen('COOKIEPOLICY_USER'), undef, 'it sees a logout';
is $answer->seen('COOKIEPOLICY_SESSION_ATTR_cart'), undef,
    'and no attribute is left';

# --- Subrequests, internal redirects ----------------------------------------

$server->file("htdocs/$_", '<!--#include virtual='
    . '"/sample?at=handler&on&user&get=a&set=a:1&login=eve&token" -->')
    for qw(part.shtml samples/part.shtml);
my $parts = known('login=ann', 'set=a:0');
$said = said($parts->get('/part.shtml'));
is join(' ', map { $said->{"handler $_"} } qw(on user get)), '1 ann 0',
    'a part of a page asks for the same visitor';
is join(' ', map { $said->{"handler $_"} } qw(set login token)),
    'APR_EACCES APR_EACCES NULL', 'when the page is on its way';
is handled($parts, 'user&get=a'), 'user=ann get=0', 'and so it is';
$said = said($parts->get('/samples/part.shtml?at=fixups&token'));
is $parts->post('/sample?at=handler&user', [],
                token => $said->{'handler token'})->seen('handler user'),
    'ann', 'it gets a token where the page has asked for one';

my $redirected = known('login=ann', 'set=a:0');
$answer = $redirected->get('/denied');
is $answer->status, 403, 'an error page';
is $answer->seen('handler login'), 'APR_SUCCESS', 'may log in';
is handled($redirected, 'user'), 'user=NULL', 'and out';
$answer = visitor()->post('/sample/early', []);
is join(' ', map { $answer->seen("handler $_") // '' } qw(writable login set)),
    '0 APR_EACCES APR_EACCES', 'not of a form that was never checked';

# --- The engine, and no request ---------------------------------------------

my $WORDS = 'on&language&allows=necessary&decided&token&user&time&reference'
    . '&get=a&stop&each&writable&set=a:2&login=eve&logout&rotate';
my $NOTHING = '0 NULL 0 NULL NULL NULL 0 NULL NULL 1  0'
    . ' APR_EACCES APR_EACCES APR_EACCES APR_EACCES';
my $off = known('login=ann', 'set=a:0');
for my $case ([ '/sample/off', 'handler', 'Off' ],
              [ '/sample/report', 'handler', 'Report' ],
              [ '/sample', 'null', 'no request' ]) {
    my ($path, $place, $what) = @$case;
    $answer = $off->get("$path?at=$place&$WORDS");
    is join(' ', $answer->body =~ /^$place \w+: (.*)$/mg), $NOTHING,
        "$what: nothing is given";
    is $answer->issued, '', "$what: nothing is issued";
}
is handled($off, 'user&get=a'), 'user=ann get=0', 'and nothing stored';
is handled(visitor('app.example'), 'on&writable&login=eve&set=a:1'),
    'on=1 writable=0 login=APR_EACCES set=APR_EACCES',
    'the application keeps the session';

# --- Caches -----------------------------------------------------------------

sub hits {
    my ($target) = @_;

    visitor()->get($target) for 1, 2;
    return (visitor()->get($target)->header('x-cache') // '') =~ /^HIT/
        ? 1 : 0;
}

for my $path (qw(/sample/kept /samples/)) {
    is hits("$path?at=access_checker&on"), 1, "$path: may be kept";
    is hits("$path?at=access_checker&$_"), 0, "$path: not with $_"
        for qw(set=a:1 login=ann logout rotate token);
}
is hits("/sample/kept?at=handler&$_"), 0, "nor with $_ in the handler"
    for qw(set=a:1 login=ann logout rotate token);

# --- HTTP/2 -----------------------------------------------------------------

SKIP: {
    skip 'mod_http2 does not work under prefork', 3
        if $ENV{CP_MPM} eq 'prefork';
    my $port = $server->port;
    my $curl = sub {
        my ($query, @arguments) = @_;
        open my $out, '-|', 'curl', '-sS', '-i', '--http2-prior-knowledge',
            '--max-time', 20, '--connect-to', "::127.0.0.1:$port", @arguments,
            "http://own.example/sample?at=handler&$query" or die "curl: $!";
        local $/;
        my $said = <$out> // '';
        close $out;
        return $said =~ s/\r//gr;
    };
    my $first = $curl->('login=ann&set=a:1');
    like $first, qr{\AHTTP/2 200.*^handler login: APR_SUCCESS$}sm,
        'a login over HTTP/2';
    my ($id) = $first =~ /^set-cookie: (sessionid=[^;]*)/m;
    like $curl->('user&get=a', '-b', $id),
        qr/^handler user: ann\nhandler get: 1$/m, 'the next stream knows';
    like $curl->('login=eve', map { ('-H', $_) } 'Sec-Fetch-Site: cross-site',
                 'Sec-Fetch-Dest: image', 'Sec-Fetch-Mode: no-cors'),
        qr/^handler login: APR_EACCES$/m, 'and nobody else\'s';
}

# --- Reloads ----------------------------------------------------------------

my $stays = known('login=ann', 'set=a:1');
for my $reload (qw(graceful restart graceful)) {
    ok $server->$reload, $reload;
    is handled($stays, 'user&get=a&rotate'), 'user=ann get=1 rotate=APR_SUCCESS',
        "$reload: the functions are there, and the session is";
}
{
    open my $in, '<', $ENV{CP_MODULES} or die "$ENV{CP_MODULES}: $!";
    my @lines = grep { !/cookiepolicy_module/ } <$in>;
    close $in;
    local $ENV{CP_MODULES} = $server->file('modules.conf', join '', @lines);
    $server->configure($sample);
    ok $server->graceful, 'graceful, without mod_cookiepolicy';
}
like $stays->get('/sample?at=handler&user')->body,
    qr/\Ahandler user: mod_cookiepolicy is not loaded$/m,
    'the functions are NULL';
$server->configure($config);
ok $server->graceful, 'graceful, with it again';
is handled($stays, 'user&get=a'), 'user=ann get=1', 'all is back';

done_testing;
