# Clients that send their body byte by byte, too slowly, not whole, or too
# much of it.
use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use IO::Socket::INET ();
use Socket qw(IPPROTO_TCP SOL_SOCKET SO_LINGER TCP_NODELAY);
use Test::More;

use CookiePolicy::Client qw(exchange);
use CookiePolicy::Response ();
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $CONFIG = 'LoadModule reqtimeout_module '
    . CookiePolicy::Server::module_file('reqtimeout') . "\n" . <<'CONFIG';
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
<Location /cgi/echo.pl/small>
    LimitRequestBody 1000
</Location>
CONFIG
my $server = CookiePolicy::Server->new(config => $CONFIG);
ok $server->start, 'a server of its own' or diag $server->log;

my $visitor = CookiePolicy::Visitor->new('own.example', port => $server->port);
$visitor->get('/');
my $TOKEN = $visitor->cookie('csrftoken');
my $COOKIES = "csrftoken=$TOKEN; sessionid=" . $visitor->cookie('sessionid');
my $FORM = 'Content-Type: application/x-www-form-urlencoded';
my $PARTS = 'Content-Type: multipart/form-data; boundary=b';

sub head {
    my (@fields) = @_;

    return join "\r\n", 'POST /cgi/echo.pl HTTP/1.1', 'Host: own.example',
        "Cookie: $COOKIES", 'Connection: close', @fields, '', '';
}

sub connection {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $server->port)
        or die "connect: $!";

    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1 or die "TCP_NODELAY: $!";
    return $socket;
}

# Sends a head, and each of the pieces in a packet of its own.
sub drip {
    my ($head, @pieces) = @_;
    my $socket = connection();
    my $answer = '';

    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, $head;
    for my $piece (@pieces) {
        syswrite $socket, $piece or last;
        select undef, undef, undef, 0;
    }
    1 while sysread $socket, $answer, 65536, length $answer;
    return CookiePolicy::Response->new($answer, 'POST');
}

sub is_well {
    is $visitor->twin->post('/cgi/echo.pl', { a => 1 })->status, 200,
        'the next one is served';
    return;
}

# --- Single bytes -----------------------------------------------------------

drip(head($FORM, 'Content-Length: 3'), 'a=1');
my $before = $server->memory;
for my $case ([ 'form', 40_000, $FORM, '&', "csrfmiddlewaretoken=$TOKEN" ],
              [ 'multipart', 5_000, $PARTS, "\r", join "\r\n", '', '--b',
                'Content-Disposition: form-data; name="csrfmiddlewaretoken"',
                '', $TOKEN, '--b--', '' ]) {
    my ($what, $length, $type, $filler, $token) = @$case;
    my $body = $filler x ($length - length $token) . $token;
    my $answer = drip(head($type, "Content-Length: $length"), split //, $body);
    is $answer->status, 200, "$what, a byte a packet";
    is $answer->seen('BODY_SHA1'), sha1_hex($body), 'arrives';
    $answer = drip(head($type, 'Transfer-Encoding: chunked'),
                   (map { "1\r\n$_\r\n" } split //, $body), "0\r\n\r\n");
    is $answer->status, 200, "$what, a byte a chunk";
    is $answer->seen('BODY_SHA1'), sha1_hex($body), 'arrives';
}
SKIP: {
    skip 'the sanitizers take memory of their own', 1 if $ENV{CP_SANITIZED};
    my $grown = $server->memory - $before;
    cmp_ok $grown, '<', 2048, "single bytes take little memory ($grown KB)";
}

# --- Bodies that do not come -------------------------------------------------

my $socket = connection();
print $socket head($FORM, 'Content-Length: 20'), 'a=1&b=2';
$socket->shutdown(1);
my $said = join '', <$socket>;
like $said, qr{\AHTTP/1\.1 400 }, 'a body that is cut: 400';
unlike $said, qr/BODY_LENGTH/, 'the application is not asked';
is_well();

for my $chunks ("5\r\na=1", "zz\r\na=1", "3\r\na=1x\r\n",
                "ffffffffffffffffff\r\n") {
    $socket = connection();
    print $socket head($FORM, 'Transfer-Encoding: chunked'), $chunks;
    $socket->shutdown(1);
    $said = join '', <$socket>;
    like $said, qr{\AHTTP/1\.1 4(?:00|13) }, 'broken chunks';
}
is_well();

$socket = connection();
print $socket head($FORM, 'Content-Length: 20'), 'a=1&b=2';
setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0
    or die "SO_LINGER: $!";
close $socket;
is_well();

for my $fields ([ 'Content-Length: 2000' ], [ 'Transfer-Encoding: chunked' ]) {
    my $body = 'a=' . 'x' x 1998;
    my $head = head($FORM, @$fields) =~ s{echo\.pl}{$&/small}r;
    $body = sprintf "%x\r\n%s\r\n0\r\n\r\n", length $body, $body
        if $fields->[0] =~ /chunked/;
    like exchange(port => $server->port, bytes => $head . $body),
        qr{\AHTTP/1\.1 413 }, "larger than LimitRequestBody, @$fields: 413";
}
is_well();

$server->configure($CONFIG . "RequestReadTimeout body=1\n");
ok $server->restart, 'with a timeout';
$socket = connection();
print $socket head($FORM, 'Content-Length: 20'), 'a=1&';
like join('', <$socket>), qr{\AHTTP/1\.1 408 },
    'a body that does not come: 408';
is_well();

$server->stop;
done_testing;
