# Large bodies stream through: no more of them is in memory than of small ones.
use strict;
use warnings;

use IO::Socket::INET ();
use Test::More;

use CookiePolicy::Response ();
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

plan skip_all => 'once is enough: under event, without sanitizers'
    if $ENV{CP_MPM} ne 'event' || $ENV{CP_SANITIZED};

my $SIZE = 1_000_000_000;
my $GROWTH = 4096;      # KB
my $PIECE = 'x' x 1_000_000;

my $server = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
ProxyPass /proxied/ http://127.0.0.1:$ENV{CP_BACKEND_PORT}/cgi/ retry=0
CONFIG
ok $server->start, 'a server of its own' or diag $server->log;

my $visitor = CookiePolicy::Visitor->new('own.example', port => $server->port);
$visitor->get('/');
my $TOKEN = $visitor->cookie('csrftoken');
my $begin = join "\r\n", '--b',
    'Content-Disposition: form-data; name="csrfmiddlewaretoken"', '', $TOKEN,
    '--b', 'Content-Disposition: form-data; name="f"; filename="f"', '', '';

# Sends so many pieces, and what comes before them.
sub upload {
    my ($path, $chunked, $count, $first, @fields) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $server->port)
        or die "connect: $!";
    my $length = $count * length($PIECE) + length $first;
    my $answer = '';

    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm 300;
    print $socket join "\r\n", "POST $path HTTP/1.1", 'Host: own.example',
        "Cookie: csrftoken=$TOKEN; sessionid=" . $visitor->cookie('sessionid'),
        $chunked ? 'Transfer-Encoding: chunked' : "Content-Length: $length",
        @fields, 'Connection: close', '', '';
    for my $piece (length $first ? $first : (), ($PIECE) x $count) {
        printf $socket "%x\r\n", length $piece if $chunked;
        print $socket $piece or last;
        print $socket "\r\n" if $chunked;
    }
    print $socket "0\r\n\r\n" if $chunked;
    $socket->flush;
    1 while sysread $socket, $answer, 65536, length $answer;
    alarm 0;
    return (CookiePolicy::Response->new($answer, 'POST'), $length);
}

my @FORM = ('Content-Type: multipart/form-data; boundary=b');
my @HEADER = ("X-CSRFToken: $TOKEN");

for my $case ([ 'CGI, by length', '/cgi/count.pl', 0, '', @HEADER ],
              [ 'a proxy, chunked', '/proxied/count.pl', 1, '', @HEADER ],
              [ 'a proxy, a form by length', '/proxied/count.pl', 0, $begin,
                @FORM ]) {
    my ($what, $path, $chunked, $first, @fields) = @$case;
    upload($path, $chunked, 2, $first, @fields) for 1 .. 3;

    my $before = $server->memory;
    my ($answer, $length) = upload($path, $chunked, $SIZE / length $PIECE,
                                   $first, @fields);
    is $answer->status, 200, "1 GB to $what";
    is $answer->seen('BODY_LENGTH'), $length, 'all of it arrives';
    my $grown = $server->memory - $before;
    cmp_ok $grown, '<', $GROWTH, "httpd grows by $grown KB";
}

my ($answer) = upload('/cgi/count.pl', 0, 2, $begin =~ s/--b.*?(?=--b)//sr,
                      @FORM, 'Accept: application/json');
is $answer->status, 403, 'without a token';
like $answer->body, qr/"window"/, 'it is looked for in the window';

$server->stop;
done_testing;
