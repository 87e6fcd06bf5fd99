# What is logged of an attack: one line with the client's address, limited in
# rate, and nothing that a client wrote without escapes.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $server = CookiePolicy::Server->new(config => <<'CONFIG');
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session login
RemoteIPHeader X-Client-IP
RemoteIPInternalProxy 127.0.0.1
CONFIG
ok $server->start, 'a server of its own' or diag $server->log;
my @at = (host => 'own.example', port => $server->port);

sub refuse {
    my ($client, @headers) = @_;

    return fetch(@at, path => '/cgi/echo.pl', method => 'POST', body => '',
                 headers => [ 'X-Client-IP' => $client, @headers ])->status;
}

$server->log_news;
is refuse('192.0.2.7', Origin => 'http://evil.example'), 403, 'a refusal';
my @told = grep { /CP\d{4}/ } $server->log_news;
is scalar(@told), 1, 'is one line' or diag @told;
like $told[0] // '', qr/\[cookiepolicy:warn\].*\[client 192\.0\.2\.7/,
    'with the address that mod_remoteip gives';
is refuse('192.0.2.8', 'X-CSRFToken' => "a\"b\\c\x1b[31m\xff" =~ s/\x1b//r),
    403, 'a token of junk';
unlike join("\n", $server->log_news), qr/[^\x09\x20-\x7e\n]/,
    'the log has no byte that a terminal takes for a command';

# Two users in one request.
my @users = map { CookiePolicy::Visitor->new($at[1], @at[2, 3]) } 1 .. 2;
$users[$_]->command(':user=' . ('ann', 'bob')[$_]) for 0 .. 1;
$server->log_news;
fetch(@at, path => '/', headers => [ 'X-Client-IP' => '192.0.2.9',
    Cookie => join '; ', map { 'sessionid=' . $_->cookie('sessionid') } @users ]);
@told = grep { /CP\d{4}/ } $server->log_news;
is scalar(@told), 1, 'two users are one line';
like $told[0] // '', qr/:warn\].*\[client 192\.0\.2\.9/,
    'a warning with the address';
unlike $told[0] // '', qr/\Q${\ $users[0]->cookie('sessionid')}\E/,
    'and no credential';

# A flood.
my $flood = 300;
refuse('192.0.2.10') for 1 .. $flood;
@told = grep { /CP\d{4}/ } $server->log_news;
cmp_ok scalar(@told), '>', 0, 'a flood of refusals is logged';
cmp_ok scalar(@told), '<', $flood, 'but not each of them';

ok $server->stop, 'stopped';

done_testing;
