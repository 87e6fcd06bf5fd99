# The key file: what is no key file keeps httpd from starting; one that breaks
# while it runs does not end it; keys come, go, and are revoked.
use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;

use CookiePolicy::Visitor ();
use CookiePolicy::Server ();

my $CONFIG = <<'CONFIG';
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicyKeyFile {DIR}/keys
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session login
CONFIG

sub key_line {
    my ($id, $begins, $word) = @_;
    my $key = encode_base64(join('', map { chr int rand 256 } 1 .. 32), '');

    return join(' ', $id, $begins, $key, $word // ()) . "\n";
}

my $PAST = '2024-01-01T00:00:00Z';
my $server = CookiePolicy::Server->new(config => $CONFIG);
my $file = $server->dir . '/keys';
my @at = (port => $server->port);

sub visitor {
    my $visitor = CookiePolicy::Visitor->new('own.example', @at);

    $visitor->get('/');
    return $visitor;
}

# Whether all that a visitor has still counts.
sub counts { return $_[0]->get('/')->issued eq '' ? 1 : 0 }

# --- The first start makes one ---------------------------------------------

ok $server->start, 'without a key file httpd starts' or diag $server->log;
ok -e $file, 'and makes one';
is sprintf('%04o', (stat $file)[2] & 07777), '0600', 'for its owner only';
like $server->log, qr/made key file/, 'it says so';
open my $in, '<', $file or die "$file: $!";
my ($made) = <$in>;
close $in;
like $made, qr{\A\d+ \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [A-Za-z0-9+/]{43}=$},
    'in the format of the manual';
my $visitor = visitor();
$visitor->command(':user=ann');

# --- Where none can be made ------------------------------------------------

my $nowhere = CookiePolicy::Server->new(
    config => $CONFIG =~ s{\{DIR\}/keys}{{DIR}/nowhere/keys}r);
my ($content, $said) = $nowhere->check;
ok !$content, 'without a directory for it, httpd -t complains';
like $said, qr{/nowhere/ is no directory: key file \S+/nowhere/keys cannot},
    'and says of what';

# --- A reload with a file that cannot be used ------------------------------

for my $case ([ 'gone', sub { unlink $file } ],
              [ 'garbage', sub { $server->file($file, "\0\1\2garbage\n", 0600) } ],
              [ 'empty', sub { $server->file($file, '', 0600) } ],
              [ 'world-readable', sub { $server->file($file, $made, 0644) } ]) {
    my ($what, $break) = @$case;
    my $before = () = $server->log =~ /stay in force/g;

    $break->();
    ok $server->graceful, "$what: a reload goes on" or diag $server->log;
    ok counts($visitor), "$what: the keys of before stay in force";
    is $visitor->look->seen('COOKIEPOLICY_USER'), 'ann', "$what: sessions, too";
    my $now = () = $server->log =~ /stay in force/g;
    is $now, $before + 1, "$what: it is logged";
}
ok $server->restart, 'so does a restart';
ok counts($visitor), 'and the keys stay';
ok $server->stop, 'stopped';

# --- A start with such a file ----------------------------------------------

my $good = key_line(1, $PAST);
my $short = $good =~ s/.....=$/=/r;
for my $case ([ 'garbage', "\0\1\2garbage\n", 0600, qr/./ ],
              [ 'empty', '', 0600, qr/key/ ],
              [ 'comments only', "# nothing\n", 0600, qr/key/ ],
              [ 'world-readable', $good, 0644, qr/everybody|chmod/ ],
              [ 'writable by the group', $good, 0620, qr/written|chmod/ ],
              [ 'unreadable', $good, 0000, qr/cannot be read/ ],
              [ 'a short key', $short, 0600, qr/line 1/ ],
              [ 'a short line', $good . "2 $PAST\n", 0600, qr/line 2/ ],
              [ 'a bad time', key_line(1, 'yesterday'), 0600, qr/not-before/ ],
              [ 'a bad id', key_line(256, $PAST), 0600, qr/255/ ],
              [ 'the same id twice', $good . key_line(1, $PAST), 0600, qr/line 2/ ],
              [ 'an unknown word', key_line(1, $PAST, 'maybe'), 0600, qr/revoked/ ],
              [ 'only a revoked key', key_line(1, $PAST, 'revoked'), 0600, qr/key/ ],
              [ 'too long', '#' x 20_000, 0600, qr/16 KB/ ],
              [ 'too many keys', join('', map { key_line($_, $PAST) } 1 .. 40),
                0600, qr/./ ]) {
    my ($what, $text, $mode, $reason) = @$case;
    unlink $file;
    $server->file($file, $text, $mode);
    truncate $server->dir . '/logs/error', 0;
    my ($well, $said) = $server->check;
    $said .= $server->log;
    ok !$well, "$what: httpd -t says no";
    like $said, qr/\Q$file\E/, 'and names the file';
    like $said, $reason, 'and what is wrong';
    ok !$server->start, "$what: httpd does not start";
    my ($secret) = $text =~ m{([A-Za-z0-9+/]{40})};
    unlike $said . $server->log, qr/\Q$secret\E/, 'no key is in the log'
        if $secret;
}
unlink $file;
mkdir $file or die "$file: $!";
ok !$server->start, 'a directory: httpd does not start';
rmdir $file;

# --- Keys come and go ------------------------------------------------------

my $first = key_line(1, $PAST);
my $second = key_line(2, '2025-01-01T00:00:00Z');
my $future = key_line(3, '2099-01-01T00:00:00Z');

# The number of the key that signed a session's id.
sub signer {
    my $token = $_[0]->cookie('sessionid');

    $token =~ tr{-_}{+/};
    return ord substr MIME::Base64::decode_base64($token), 21, 1;
}

$server->file($file, $first, 0600);
ok $server->start, 'a key of the administrator' or diag $server->log;
my $old = visitor();
is signer($old), 1, 'signs';
$old->command(':user=ann');
$server->file($file, "# a comment\n\n$first$second$future", 0600);
ok $server->graceful, 'a younger one is added';
is signer(visitor()), 1, 'it does not sign for one reload';
ok counts($old), 'what the old one signed counts';
ok $server->graceful, 'reloaded once more';
my $young = visitor();
is signer($young), 2, 'now it signs, the youngest that has begun';
ok counts($old), 'what the old one signed still counts';
is $old->look->seen('COOKIEPOLICY_USER'), 'ann', 'its session, too';

$first =~ s/\n/ revoked\n/;
$server->file($file, "$first$second", 0600);
ok $server->graceful, 'the old one is revoked';
ok !counts($old), 'what it signed counts no more';
is $old->look->seen('COOKIEPOLICY_USER'), undef, 'nor does its session';
ok counts($young), 'what the other one signed does';
$server->file($file, $second, 0600);
ok $server->graceful, 'it is taken out';
ok counts($young), 'and nothing changes';
ok $server->stop, 'stopped';
ok $server->start, 'started';
ok counts($young), 'a start with the same key file';
ok $server->stop, 'stopped';
unlink $file;
ok $server->start, 'a start without it makes another one';
ok !counts($young), 'under which nothing of before counts';
ok $server->stop, 'stopped';

done_testing;
