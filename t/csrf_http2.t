# The CSRF check over HTTP/2: the own origin is that of :authority, and a
# WebSocket's handshake there is an extended CONNECT (RFC 8441).
use strict;
use warnings;

use IO::Socket::INET ();
use JSON::PP qw(decode_json);
use Test::More;

use CookiePolicy::Server ();

plan skip_all => 'mod_http2 does not work under prefork'
    if $ENV{CP_MPM} eq 'prefork';

my $tls = CookiePolicy::Server::free_port();
my $server = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyUndeclared allow
Listen 127.0.0.1:$tls
Protocols h2 h2c http/1.1
H2WebSockets on
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
    ServerAlias other.example
</VirtualHost>
<VirtualHost 127.0.0.1:$tls>
    ServerName own.example
    SSLEngine on
    SSLCertificateFile "$ENV{CP_STATE}/../server.pem"
</VirtualHost>
CONFIG
$server->start or BAIL_OUT("no server: $server->{said}" . $server->log);

# --- The own origin ---------------------------------------------------------

# The answer to a request whose :authority is this, at the port of a scheme.
sub curl {
    my ($scheme, $authority, @arguments) = @_;
    my $port = $scheme eq 'https' ? $tls : $server->port;

    open my $out, '-|', 'curl', '-sS', '-i', '--max-time', 20, '--insecure',
        $scheme eq 'https' ? '--http2' : '--http2-prior-knowledge',
        '--connect-to', "::127.0.0.1:$port", '-H', 'Accept: application/json',
        @arguments, "$scheme://$authority/cgi/echo.pl"
        or die "curl: $!";
    local $/;
    my $said = <$out> // '';
    close $out;
    $said =~ s/\r//g;
    return $said;
}

my %jars;

sub jar {
    my ($host) = @_;

    return $jars{$host} //= do {
        my %cookies = curl('http', $host) =~ /^set-cookie: ([^=]+)=([^;]*)/mg;
        \%cookies;
    };
}

sub verdict {
    my ($answer) = @_;
    my ($status) = $answer =~ m{\AHTTP/2 (\d+)} or return "no HTTP/2: $answer";
    my ($json) = $answer =~ /\n\n(\{.*\})/s;

    return $status eq '403' ? decode_json($json)->{reason}
         : $status eq '200' ? 'pass' : "status $status";
}

# scheme, :authority, what the request says of its sender, verdict
for my $case (
    [ 'http', 'own.example', '', 'pass' ],
    [ 'http', 'own.example', 'Origin: http://own.example', 'pass' ],
    [ 'http', 'own.example', 'Origin: http://evil.example', 'origin' ],
    [ 'http', 'own.example', 'Origin: https://own.example', 'origin' ],
    [ 'http', 'own.example', 'Origin: http://own.example:8080', 'origin' ],
    [ 'http', 'own.example', 'Origin: null', 'null-origin' ],
    [ 'http', 'own.example', 'Sec-Fetch-Site: same-origin', 'pass' ],
    [ 'http', 'own.example', 'Sec-Fetch-Site: cross-site', 'cross-site' ],
    [ 'http', 'own.example:8080', 'Origin: http://own.example:8080', 'pass' ],
    [ 'http', 'own.example:8080', 'Origin: http://own.example', 'origin' ],
    [ 'http', 'other.example', 'Origin: http://other.example', 'pass' ],
    [ 'http', 'other.example', 'Origin: http://own.example', 'origin' ],
    [ 'http', '[::1]:8080', 'Origin: http://[::1]:8080', 'pass' ],
    [ 'http', '[::1]:8080', 'Origin: http://[::1]', 'origin' ],
    [ 'https', 'own.example', 'Origin: https://own.example', 'pass' ],
    [ 'https', 'own.example', 'Origin: http://own.example', 'origin' ],
    [ 'https', 'own.example:8443', 'Origin: https://own.example:8443', 'pass' ],
    [ 'https', 'own.example:8443', 'Origin: https://own.example', 'origin' ],
    [ 'https', 'own.example', 'Referer: https://own.example/a', 'pass' ],
    [ 'https', 'own.example', 'Referer: https://evil.example/', 'referer' ],
) {
    my ($scheme, $authority, $sender, $verdict) = @$case;
    my $jar = jar($authority =~ s/:\d+\z//r);
    my $cookies = join '; ', map { "$_=$jar->{$_}" } sort keys %$jar;

    is verdict(curl($scheme, $authority, '-X', 'POST', '-b', $cookies,
                    '-H', "X-CSRFToken: $jar->{csrftoken}",
                    $sender ? ('-H', $sender) : ())),
        $verdict, "$scheme://$authority, $sender: $verdict";
}

# --- Extended CONNECT -------------------------------------------------------

my ($DATA, $HEADERS, $SETTINGS) = (0, 1, 4);
my ($ACK, $END_HEADERS) = (1, 4);

sub frame {
    my ($type, $flags, $stream, $bytes) = @_;

    return pack('CnCCN', length($bytes) >> 16, length($bytes) & 0xffff, $type,
                $flags, $stream) . $bytes;
}

# A string without Huffman's code (RFC 7541 section 5.2).
sub hpack_string {
    my ($text) = @_;
    my $length = length $text;

    return chr($length) . $text if $length < 127;
    $length -= 127;
    return $length < 128 ? chr(127) . chr($length) . $text
        : chr(127) . chr($length & 127 | 128) . chr($length >> 7) . $text;
}

sub read_exactly {
    my ($socket, $count) = @_;
    my $bytes = '';

    while (length $bytes < $count) {
        sysread $socket, $bytes, $count - length $bytes, length $bytes
            or die "the server closed the connection\n";
    }
    return $bytes;
}

# The verdict on one request of a connection of its own.
sub ask {
    my (@fields) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $server->port, Proto => 'tcp')
        or die "no connection: $!\n";
    my ($status, $body, $asked) = (undef, '');

    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm 20;
    syswrite $socket, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        . frame($SETTINGS, 0, 0, '');
    while (1) {
        my ($high, $low, $type, $flags, $stream)
            = unpack 'CnCCN', read_exactly($socket, 9);
        my $bytes = read_exactly($socket, ($high << 16) + $low);

        if ($type == $SETTINGS && !($flags & $ACK)) {
            my $block = '';
            my @rest = $asked++ ? () : @fields;
            while (my ($name, $value) = splice @rest, 0, 2) {
                $block .= "\0" . hpack_string($name) . hpack_string($value);
            }
            syswrite $socket, frame($SETTINGS, $ACK, 0, '')
                . (length $block ? frame($HEADERS, $END_HEADERS, 1, $block)
                                 : '');
        }
        next if $stream != 1;
        return 'reset' if $type == 3;
        if ($type == $HEADERS && !defined $status) {
            # :status is first, behind a change of the table's size: out of
            # the static table, or spelled.
            $bytes =~ s/\A(?:\x3f[\x80-\xff]*[\0-\x7f]|[\x20-\x3e])+//;
            $status = $bytes =~ /\A\x8d/ ? 404
                    : $bytes =~ /\A\x48\x03(\d\d\d)/ ? $1
                    : 'status ' . unpack 'H8', $bytes;
            last if $status ne '403';
        }
        $body .= $bytes if $type == $DATA;
        last if $flags & 1 && $type <= $HEADERS;
    }
    alarm 0;
    close $socket;
    return $status eq '404' ? 'pass'
         : $status eq '403' ? decode_json($body)->{reason} : $status;
}

# Nothing is there that could answer; what passes the check is told so.
sub handshake {
    my (@fields) = @_;

    return ask(':method' => 'CONNECT', ':protocol' => 'websocket',
               ':scheme' => 'http', ':path' => '/missing',
               ':authority' => 'own.example', 'sec-websocket-version' => 13,
               accept => 'application/json', @fields);
}

is handshake(), 'pass', 'a WebSocket that says nothing';
is handshake(origin => 'http://own.example'), 'pass', 'of the own origin';
is handshake(origin => 'http://evil.example'), 'origin', 'of another one';
is handshake(origin => 'null'), 'null-origin', 'of none';
is handshake('sec-fetch-site' => 'same-origin'), 'pass', 'same-origin';
is handshake('sec-fetch-site' => 'cross-site'), 'cross-site', 'cross-site';

# --- What else a request can say of the host --------------------------------

sub post {
    my (@fields) = @_;

    return ask(':method' => 'POST', ':scheme' => 'http', @fields,
               accept => 'application/json');
}

is post(':authority' => 'own.example', ':path' => '/missing',
        origin => 'http://own.example'), 'no-cookie', ':authority alone';
is post(':authority' => 'own.example', ':path' => '/missing',
        host => 'evil.example', origin => 'http://evil.example'), 'origin',
    'a Host header beside :authority does not count';
is post(':path' => '/missing', host => 'own.example',
        origin => 'http://own.example'), 'no-cookie', 'it does without';
isnt post(':authority' => 'own.example',
          ':path' => 'http://evil.example/missing',
          origin => 'http://evil.example'), 'no-cookie',
    'nor does a host in :path';
is ask(':method' => 'CONNECT', ':authority' => 'own.example:80',
       accept => 'application/json'), 'no-cookie',
    'a plain CONNECT is no safe method';
is ask(':method' => 'GET', ':scheme' => 'http', ':authority' => 'own.example',
       ':path' => '/missing', origin => 'http://evil.example',
       accept => 'application/json'), 'pass', 'while a plain GET is not checked';

done_testing;
