# Answers that pass no filter of the request: 101, 103 and nph- scripts.
use strict;
use warnings;

use IO::Socket::INET ();
use POSIX ();
use Test::More;

use CookiePolicy::Client qw(exchange);
use CookiePolicy::Server ();

my $COOKIES = "Set-Cookie: sessionid=planted; Path=/\r\n"
    . "Set-Cookie: of_the_site=1; Path=/\r\nX-Session: count=1\r\n";

# A backend that answers an upgrade with 101 and anything else with 103
# first, each with cookies.
my $backend = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
                                    Listen => 8, Proto => 'tcp')
    or die "no backend: $!";
my $pid = fork // die "fork: $!";
if ($pid == 0) {
    while (my $client = $backend->accept) {
        my $upgrade = 0;
        while (my $line = <$client>) {
            last if $line eq "\r\n";
            $upgrade = 1 if $line =~ /\Aupgrade:/i;
        }
        print $client $upgrade
            ? "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
              . "Connection: Upgrade\r\n$COOKIES\r\nSet-Cookie: no field"
            : "HTTP/1.1 103 Early Hints\r\n$COOKIES\r\n"
              . "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
              . "Connection: close\r\n\r\nok";
        close $client;
    }
    POSIX::_exit(0);
}

my $server = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy On
CookiePolicyUndeclared allow
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session
ProxyPass /backend http://127.0.0.1:@{[ $backend->sockport ]}/ upgrade=websocket
CONFIG
ok $server->start, 'a server of its own' or diag $server->log;

sub ask {
    my (@fields) = @_;

    return exchange(port => $server->port, bytes => join("\r\n",
        'GET /backend HTTP/1.1', 'Host: own.example', @fields, '', ''));
}

my $origin = 'Origin: http://own.example';
my $answer = ask('Upgrade: websocket', 'Connection: Upgrade', $origin);
like $answer, qr/\AHTTP\/1\.1 101 /, 'an upgrade goes through';
like $answer, qr/^Upgrade: websocket\r$/m, 'with its fields';
unlike $answer, qr/sessionid=/, 'a managed cookie does not';
like $answer, qr/^Set-Cookie: of_the_site=1; Path=\/\r$/m,
    'one of the site does';
unlike $answer, qr/x-session/i, 'session commands do not';
like $answer, qr/\r\n\r\nSet-Cookie: no field\z/, 'what follows is untouched';

$answer = ask('Connection: close', 'Expect: 100-continue');
like $answer, qr/^HTTP\/1\.1 200 /m, 'behind a 103 comes the answer';
unlike $answer, qr/ 103 /, 'the 103 does not go out';
unlike $answer, qr/planted/, 'nor what it plants';

$answer = ask('Connection: close', 'Expect: 100-continue', 'Content-Length: 1');
like $answer, qr/^HTTP\/1\.1 200 /m, 'to a client that waits for its 100';
unlike $answer, qr/planted|x-session/i, 'nothing is planted either';
like $answer, qr/ 103 .*^Set-Cookie: of_the_site=1; Path=\/\r$/ms,
    'what the policy allows passes';

$answer = ask('Upgrade: websocket', 'Connection: Upgrade, close',
              'Origin: http://evil.example');
like $answer, qr/\AHTTP\/1\.1 403 /,
    'a foreign page cannot open a WebSocket';

$server->stop;
kill TERM => $pid;
waitpid $pid, 0;
done_testing;
