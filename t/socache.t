# Several servers on one Redis, and what happens while it is away.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(exchange);
use CookiePolicy::Daemon ();
use CookiePolicy::Server ();
use CookiePolicy::Socache;

# The same browser at the other server.
sub at {
    my ($visitor, $server) = @_;
    my $there = $visitor->twin;

    $there->{with}{port} = $server->port;
    $there->{jar} = $visitor->{jar};
    return $there;
}

# --- What cannot be -----------------------------------------------------------

my $wrong = CookiePolicy::Server->new;
for my $case (
    [ 'socache:nosuch', qr/no provider 'nosuch'.*loaded now: .*redis/ ],
    [ 'socache:', qr/socache:PROVIDER/ ],
    [ 'socache', qr/socache:PROVIDER/ ],
    [ 'socache:redis', qr/HOST or HOST:PORT/ ],
    [ 'socache:redis:', qr/HOST or HOST:PORT/ ],
    [ 'socache:redis:127.0.0.1:99999', qr/HOST or HOST:PORT/ ],
    [ 'socache:memcache:a:b', qr/HOST or HOST:PORT/ ],
    [ 'socache:redis:a.example,b.example', qr/one server only/ ],
    [ 'socache:shmcb:/x(12)', qr/size has to be/ ],
) {
    my ($store, $says) = @$case;

    $wrong->configure(config("'$store'"));
    my ($fine, $said) = $wrong->check;
    ok !$fine, "$store is refused";
    like $said, qr/CookiePolicySessionStore.*\Q$store\E/, 'by its name';
    like $said, $says, 'and it says what is wrong';
}
$wrong->configure(CookiePolicy::Socache::bare('socache:redis:127.0.0.1'));
my ($fine, $said) = $wrong->check;
ok !$fine, 'a provider whose module is not loaded is refused';
like $said, qr/mod_socache_redis/, 'and the module named';
$wrong->configure(config('socache:redis:localhost'));
ok +($wrong->check)[0], 'the default port will do' or diag +($wrong->check)[1];

# --- Two servers on one Redis -------------------------------------------------

my $redis = CookiePolicy::Daemon->redis;
ok $redis->start, 'a redis';
my $store = 'socache:redis:127.0.0.1:' . $redis->port;
my $one = CookiePolicy::Server->new(config => config($store));
ok $one->start, 'a server on it' or diag $one->log;
my $keys = $one->state . '/cookiepolicy.keys';
my $two = CookiePolicy::Server->new(
    config => config($store, "CookiePolicyKeyFile $keys\n"));
ok $two->start, 'another server on it' or diag $two->log;

my $ann = logged_in($one, 'ann');
is_user($ann, 'ann', 'at the one');
is_user(at($ann, $two), 'ann', 'at the other');
at($ann, $two)->command('cart=3');
is $ann->look->seen('COOKIEPOLICY_SESSION_ATTR_cart'), 3,
    'what the other stored the one has';
my $bob = logged_in($two, 'bob');
is_user(at($bob, $one), 'bob', 'bob, at the one');
my $thief = $bob->twin;
is log_out(at($bob, $one)), 303,
    'bob logs out at the one';
is user_of($thief), '', 'and is nobody at the other';
isnt $thief->cookie('sessionid'), $bob->cookie('sessionid') // '',
    'which gives out another id';

my $everything = $redis->ask('KEYS *');
unlike $everything, qr/^(?!cookiepolicy:)[^*\$+].*:/m, 'keys have our prefix';
my ($record) = $everything =~ /(cookiepolicy:\w{32}52)\b/;
my $sealed = $redis->ask("GET $record");
like $sealed, qr/\A\$\d\d/, 'a record is there';
unlike $sealed, qr/ann|bob|cart/, 'and sealed';

my $status = visitor($one)->get('/cookiepolicy-status');
like $status->body, qr/does not tell how many sessions/, 'status says so';
like visitor($one)->get('/cookiepolicy-status?prometheus')->body,
    qr/^cookiepolicy_store_away 0$/m, 'the store is there';

# --- It is away ---------------------------------------------------------------

# Connections that were there before do not make it so.
ok $redis->stop && $redis->start, 'redis is started anew, between requests';
is_user($ann, 'ann', 'at once');
is_user(at($ann, $two), 'ann', 'at once, at the other');
is lines($one, 'CP0040') + lines($two, 'CP0040'), 0, 'nobody missed it';

my $carl = logged_in($one, 'carl');
my $gone = $carl->twin;
is log_out($carl), 303, 'carl logs out';
ok $redis->stop, 'redis ends';
is_nobody($ann, "away, round $_") for 1 .. 3;
is_nobody(at($ann, $two), 'away, at the other');
is lines($_, 'CP0040'), 1, 'one line is logged' for $one, $two;
is lines($_, 'CP0020'), 0, 'and no others' for $one, $two;
like visitor($one)->get('/cookiepolicy-status?prometheus')->body,
    qr/^cookiepolicy_store_away 1$/m, 'status says so';
my %before = %{ $ann->jar };
my $logout = $ann->post('/cookie-policy/logout', {},
                        headers => [ Origin => 'http://own.example' ]);
is $logout->status, 503, 'a logout cannot be done';
is $logout->issued, '', 'and no cookie is deleted';
is_deeply $ann->jar, \%before, 'ann has them all';
my $newcomer = visitor($one);
is $newcomer->get('/')->issued,
    'cookies_preferences csrftoken django_language sessionid',
    'a newcomer needs no store';
is $newcomer->command(':user=eve')->status, 200, 'a login is no error';
is user_of($newcomer), '', 'and did not take place';

ok $redis->start, 'redis is back';
ok until_so(sub { user_of($ann) eq 'ann' }), 'so is ann';
is_user($ann, 'ann', 'back');
ok until_so(sub { user_of(at($ann, $two)) eq 'ann' }), 'at the other, too';
is lines($_, 'CP0041'), 1, 'one line says so' for $one, $two;
is lines($_, 'CP0042'), 0, 'nothing was lost' for $one, $two;
is user_of($gone), '', 'who had logged out is not back';

# --- It hangs -----------------------------------------------------------------

ok $redis->hold, 'redis hangs';
is_nobody($ann, 'it hangs');
is lines($one, 'CP0040'), 2, 'one more line';
ok $one->graceful, 'a reload meanwhile';
is_nobody(at($ann, $two), 'at the other');
ok $two->stop, 'a stop meanwhile';
ok $redis->release, 'redis goes on';
ok until_so(sub { user_of($ann) eq 'ann' }), 'so does ann';
is_user($ann, 'ann', 'after it hung');

# --- It answers, and does not want --------------------------------------------

ok $redis->stop, 'redis ends';
push @{ $redis->{command} }, '--requirepass', 'secret';
ok $redis->start, 'redis wants a password';
my $noted = lines($one, 'CP0040');
ok $one->restart, 'a server on it';
is_nobody($ann, 'without it');
is lines($one, 'CP0040'), $noted + 1, 'that is as good as away';
ok $redis->stop, 'redis ends';
splice @{ $redis->{command} }, -2;
ok $redis->start, 'without a password again';
ok until_so(sub { user_of($ann) eq 'ann' }), 'ann is back';

$redis->ask('CONFIG SET maxmemory 1');
my $full = visitor($one);
$full->get('/');
is $full->command(':user=fay')->status, 200, 'redis is full';
is user_of($full), '', 'nobody logs in';
like $one->log, qr/CP0043/, 'it is said why';
is user_of($ann), 'ann', 'who was there stays';
is log_out($ann), 303, 'and can log out';
is user_of($ann), '', 'for good';

# --- Many requests, and a server that comes and goes --------------------------

my $BATCH = 50;

# What browsers that ask again and again see that they must not: requests in
# one go, so that the server has as many at once as it has threads.
sub anything_wrong {
    my ($visitor, $end) = @_;
    my $jar = $visitor->jar;
    my $request = "GET / HTTP/1.1\r\nHost: own.example\r\nCookie: "
                  . join('; ', map { "$_=$jar->{$_}" } sort keys %$jar)
                  . "\r\n";

    while (time < $end) {
        my $answers = exchange(
            port => $two->port,
            bytes => "$request\r\n" x ($BATCH - 1)
                     . "${request}Connection: close\r\n\r\n");
        my $good = () = $answers =~ /^HTTP\/1\.1 200 /mg;

        return 1 if $good != $BATCH
                    || $answers =~ /^Set-Cookie: sessionid/mi
                    || $answers =~ /^X-User: (?!ann\r|\r)/mi;
    }
    return 0;
}

$two->configure(config($store, <<"CONFIG"));
CookiePolicyKeyFile $keys
Header always set X-User "expr=%{reqenv:COOKIEPOLICY_USER}"
CONFIG
$redis->ask('CONFIG SET maxmemory 0');
ok $two->start, 'the other server again';
$ann = logged_in($two, 'ann');
is $ann->get('/')->header('x-user'), 'ann', 'pages tell who asks';
my $end = time + 5;
my @browsers = map {
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        require POSIX;
        POSIX::_exit(anything_wrong($ann, $end));
    }
    $pid;
} 1 .. 16;
for my $action (qw(stop start hold release)) {
    select undef, undef, undef, $action eq 'stop' ? 2 : 0.5;
    ok $redis->$action, "meanwhile: $action";
}
my $wrongs = grep { waitpid $_, 0; $? } @browsers;
is $wrongs, 0, 'ann or nobody, and no other session';
ok until_so(sub { user_of($ann) eq 'ann' }), 'ann in the end';

done_testing;
