# cookiepolicyctl: sessions seen and ended, tokens checked, keys made, and what
# it says where it cannot.
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
CONFIG
my $state = $server->state;
my $keys = "$state/cookiepolicy.keys";

# Runs it. @return what it ended with, what it said, and its complaint
sub ctl {
    my ($input, @arguments) = @_;
    my ($in, $out, $err) = map { $server->dir . "/ctl-$_" } qw(in out err);

    $server->file($in, $input // '');
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDIN, '<', $in or die;
        open STDOUT, '>', $out or die;
        open STDERR, '>', $err or die;
        exec $ENV{CP_CTL}, @arguments or die "$ENV{CP_CTL}: $!";
    }
    waitpid $pid, 0;
    my @said = ($? & 127 ? "signal $?" : $? >> 8);
    for my $file ($out, $err) {
        open my $read, '<', $file or die "$file: $!";
        local $/;
        push @said, scalar <$read>;
    }
    return @said;
}

sub here { return ctl(undef, '--state-dir', $state, @_) }

sub json { return JSON::PP->new->utf8->decode($_[0]) }

sub is_said {
    my ($said, $status, $like, $what) = @_;

    is $said->[0], $status, "$what: it ends with $status";
    like $said->[$status > 1 ? 2 : 1], $like, $what;
    return;
}

# --- Before there is anything -----------------------------------------------

is_said [ here('help') ], 0, qr/list .*--user U/, 'help';
is_said [ here('version') ], 0, qr/\Acookiepolicyctl \d/, 'version';
is_said [ here() ], 2, qr/no command/, 'no command';
is_said [ here('lost') ], 2, qr/no command lost/, 'an unknown command';
is_said [ here('list', 'more') ], 2, qr/too many/, 'a word too many';
is_said [ here('check', '--realm', 'a') ], 2, qr/too few/, 'a word too few';
is_said [ here('list', '--none') ], 2, qr/none/, 'an unknown option';
is_said [ here('count', '--user', 'a') ], 2, qr/not for count/,
    'an option of others';
is_said [ here('revoke') ], 2, qr/whose/, 'nobody meant';
is_said [ here('list') ], 3, qr/key file .*cannot be read/, 'no key file';
ok $server->start, 'a server of its own' or diag $server->log;
is_said [ ctl(undef, '--key-file', $keys, '--state-dir', "$state/other",
              'list') ], 3, qr/no store called/, 'no store';
is_said [ here('list') ], 1, qr/\ASESSION\tUSER/, 'nobody there';
is json((here('count', '--json'))[1])->{logged_in}, 0, 'none is counted';

# --- Sessions ---------------------------------------------------------------

sub visitor {
    my ($command, $host) = @_;
    my $visitor = CookiePolicy::Visitor->new($host // 'own.example',
                                             port => $server->port);

    $visitor->get('/');
    $visitor->command($command);
    return $visitor;
}

sub user { return $_[0]->look->seen('COOKIEPOLICY_USER') // '' }

my $ann = visitor(':user=ann&cart=3');
my $again = visitor(':user=ann');
my $bob = visitor(':user=bob');
my $there = visitor(':user=ann', 'other.example');
my $nobody = visitor('cart=1');
my $reference = $bob->look->seen('COOKIEPOLICY_SESSION');

my $list = json((here('list', '--json'))[1]);
is scalar @$list, 5, 'all are listed';
my ($one) = grep { $_->{session} eq $reference } @$list;
is $one->{user}, 'bob', 'with user';
is $one->{realm}, 'own.example', 'and realm';
cmp_ok $one->{$_}, '<', 60, "and $_" for qw(age idle);
cmp_ok $one->{expires}, '>', 1700, 'and for how long yet';
is scalar(grep { !defined $_->{user} } @$list), 1, 'nobody has no name';
is scalar @{ json((here('list', '--json', '--user', 'ann'))[1]) }, 3,
    'of one user';
is scalar @{ json((here('list', '--json', '--user', 'ann', '--realm',
                        'own.example'))[1]) }, 2, 'in one realm';
is_said [ here('list', '--session', $reference) ], 0,
    qr/\A[^\n]*\n\Q$reference\E\tbob\town\.example\t0:00:\d\d\t0:00:\d\d\t0:\d\d:\d\d\n\z/,
    'one session';
is_said [ here('list', '--user', 'cid') ], 1, qr/\ASESSION/, 'nobody of that name';
is_said [ here('count') ], 0, qr/\Alogged in\t4\nanonymous\t1\n/, 'counted';

my $odd = visitor(':user=%1b%5b31m');
is user($odd), '', 'control characters are no name';
$odd = visitor(':user=J%C3%BCrgen+M%5C');
like +(here('list'))[1], qr/\tJ\\xc3\\xbcrgen\\x20M\\x5c\t/, 'escaped in a table';
is scalar(grep { ($_->{user} // '') eq "J\x{fc}rgen M\\" }
              @{ json((here('list', '--json'))[1]) }), 1, 'not in JSON';
my $latin = visitor(':user=%FF');
is scalar(grep { ($_->{user} // '') eq '\xff' }
              @{ json((here('list', '--json'))[1]) }), 1,
    'what is no UTF-8 is escaped';

# --- Tokens -----------------------------------------------------------------

my $token = $ann->cookie('sessionid');
for my $case (
    [ 'a token', $token, 'own.example', 0, qr/\Avalid: key 1, a user is logged in, 1 attr/ ],
    [ 'of another realm', $token, 'other.example', 1, qr/\Anot valid: forged/ ],
    [ 'a cut one', substr($token, 1), 'own.example', 1, qr/malformed/ ],
    [ 'none', '', 'own.example', 1, qr/malformed/ ],
) {
    my ($what, $with, $realm, $status, $like) = @$case;
    my @said = ctl("$with\n", '--state-dir', $state, 'check', '-',
                   '--realm', $realm);

    is_said \@said, $status, $like, $what;
    unlike "@said", qr/\Q$token\E/, 'it is not echoed';
}
is_said [ here('check', '--', $token) ], 2, qr/realm/, 'without a realm';
my $stranger = CookiePolicy::Visitor->new('own.example', port => $server->port);
$stranger->get('/');
is_said [ here('check', '--realm', 'own.example', '--',
               $stranger->cookie('sessionid')) ], 0,
    qr/nothing is stored/, 'a newcomer\'s';
my $result = json((here('check', '--json', '--realm', 'own.example', '--',
                        $bob->cookie('sessionid')))[1]);
is_deeply $result, { valid => JSON::PP::true(), reason => 'valid', key => 1,
                     stored => JSON::PP::true(), user => 'bob',
                     attributes => 0 }, 'as JSON';

# --- Ending -----------------------------------------------------------------

is_said [ here('revoke', '--session', $reference) ], 0, qr/\Aended\t1$/,
    'one session';
is user($bob), '', 'bob is logged out';
is_said [ here('revoke', '--session', $reference) ], 1, qr/\Aended\t0$/,
    'again';
is_said [ here('revoke', '--user', 'ann', '--realm', 'own.example', '--json') ],
    0, qr/\{"ended": 2\}/, 'all of one user';
is user($_), '', 'ann is logged out' for $ann, $again;
is user($there), 'ann', 'but for another realm';
is_said [ here('check', '--realm', 'own.example', '--', $token) ], 1, qr/ended/,
    'her token is worth nothing';
is_said [ here('revoke', '--realm', 'other.example') ], 0, qr/ended\t1/,
    'all of one realm';
is user($there), '', 'ann is logged out there, too';
is $nobody->look->seen('COOKIEPOLICY_SESSION_ATTR_cart'), 1,
    'others are as they were';

# One user has at most 64.
my $first = visitor(':user=dan');
my @more = map { visitor(':user=dan') } 1 .. 63;
is user($first), 'dan', '64 sessions';
push @more, visitor(':user=dan');
is user($first), '', 'one more ends the first one';
is user($more[0]), 'dan', 'and no other';
is scalar @{ json((here('list', '--json', '--user', 'dan'))[1]) }, 64,
    'there are 64 still';

# A server that is stopped has its sessions still.
ok $server->stop, 'stopped';
is_said [ here('revoke', '--user', 'dan') ], 0, qr/ended\t64/, 'while stopped';
ok $server->start, 'started';
is user($more[0]), '', 'dan is logged out';

# --- Keys -------------------------------------------------------------------

chmod 0640, $keys;
is_said [ here('new-key') ], 0, qr/\Akey 2 added/, 'a new key';
is((stat $keys)[2] & 07777, 0640, 'the mode stays');
open my $in, '<', $keys or die;
my @lines = <$in>;
close $in;
is scalar @lines, 2, 'a line more';
ok !-e "$keys.new", 'and nothing else';

sub key_of {
    my $visitor = CookiePolicy::Visitor->new('own.example',
                                             port => $server->port);
    $visitor->get('/');
    return json((here('check', '--json', '--realm', 'own.example', '--',
                      $visitor->cookie('sessionid')))[1])->{key};
}
is key_of(), 1, 'before a reload';
ok $server->graceful, 'a reload';
is key_of(), 1, 'it verifies and does not sign';
ok $server->graceful, 'another one';
is key_of(), 2, 'it signs';
is user($nobody), '', 'nobody has a name';
is $nobody->look->seen('COOKIEPOLICY_SESSION_ATTR_cart'), 1,
    'the old one verifies';

# Both keys' sessions are found; with one of them gone, the other's.
my $eve = visitor(':user=eve');
my $other = $server->file('other.keys', $lines[0], 0600);
my @unreadable = grep { !defined $_->{session} }
    @{ json((ctl(undef, '--state-dir', $state, '--key-file', $other, 'list',
                 '--json'))[1]) };
is_deeply \@unreadable, [ { session => undef, key => 2, unreadable => 'key' } ],
    'a session of a key that is not there';
like +(ctl(undef, '--state-dir', $state, '--key-file', $other, 'list'))[1],
    qr/^-\t\(key 2 is revoked or gone\)/m, 'is said to be so';

for my $case (
    [ 'with somebody else at it', sub { $server->file("$keys.new", '') }, qr/somebody else/ ],
    [ 'that all can read', sub { chmod 0644, $keys }, qr/chmod 0600/ ],
    [ 'of garbage', sub { chmod 0600, $keys; $server->file($keys, "garbage\n") }, qr/line 1/ ],
    [ 'of 16 keys', sub {
          $server->file($keys, join '', map { $lines[0] =~ s/\A1/$_/r } 1 .. 16) }, qr/16 keys/ ],
) {
    my ($what, $make, $like) = @$case;

    $make->();
    is_said [ here('new-key') ], 3, $like, "a key file $what";
    unlink "$keys.new" if $what =~ /somebody/;
    ok !-e "$keys.new", 'nothing is left';
}
$server->file($keys, join '', @lines);

# --- A store of another version ---------------------------------------------

ok $server->stop, 'stopped';
my ($segment) = keys %{ $server->{segments} };
open my $raw, '+<:raw', $segment or die "$segment: $!";
seek $raw, 72, 0;
print $raw pack 'L', 99;
close $raw;
is_said [ here('list') ], 3, qr/damaged or of another version/,
    'another version';
chmod 0644, $segment;
is_said [ here('list') ], 3, qr/mode 644/, 'one that all can read';

done_testing;
