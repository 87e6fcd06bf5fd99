# The handler cookiepolicy-status: what happened, counted by reason.
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
<Location "/status">
    CookiePolicy Off
    SetHandler cookiepolicy-status
</Location>
CONFIG
ok $server->start, 'a server of its own' or diag $server->log;

# The figures as Prometheus reads them: name and labels => value.
sub figures {
    my $answer = fetch(host => 'own.example', port => $server->port,
                       path => '/status?prometheus');
    my %figures;

    for my $line (split /\n/, $answer->body) {
        like $line, qr/\Acookiepolicy_\w+(\{\w+="[\w-]+"(,\w+="[\w-]+")?\})? \d+\z/,
            'a line of Prometheus text' or last;
        my ($what, $value) = $line =~ /\Acookiepolicy_(\S+) (\d+)\z/;
        $figures{$what} = $value;
    }
    return \%figures;
}

sub grown {
    my ($before, $after, $what) = @_;

    return $after->{$what} - $before->{$what};
}

my $before = figures();
my $visitor = CookiePolicy::Visitor->new('own.example',
                                         port => $server->port);
$visitor->get('/index.html');
my $after = figures();
is grown($before, $after, 'visits'), 1, 'a visit is counted';
is grown($before, $after, qq(cookies{cookie="$_",reason="absent"})), 1,
    "$_: absent" for qw(sessionid csrftoken django_language
                        cookies_preferences);
is grown($before, $after, 'issued{cookie="sessionid"}'), 1, 'and issued';

$before = $after;
$visitor->get('/index.html');
my $forged = $visitor->cookie('sessionid');
substr $forged, 0, 1, substr($forged, 0, 1) eq 'A' ? 'B' : 'A';
fetch(host => 'own.example', port => $server->port, path => '/index.html',
      headers => [ Cookie => "sessionid=$forged; csrftoken=short" ]);
$visitor->post('/index.html', {}, token => undef);
$after = figures();
is grown($before, $after, 'cookies{cookie="sessionid",reason="forged"}'), 1,
    'a forged one is counted';
is grown($before, $after, 'cookies{cookie="csrftoken",reason="malformed"}'),
    1, 'a malformed one, too';
is grown($before, $after, 'cookies{cookie="sessionid",reason="valid"}'), 2,
    'and valid ones';
is grown($before, $after, 'csrf_refusals{reason="no-token"}'), 1,
    'a refused request is counted by its reason';

$before = $after;
$visitor->command(':user=ann');
is grown($before, figures(), 'sessions_logged_in'), 1,
    'a session that is logged in';

my $page = fetch(host => 'own.example', port => $server->port,
                 path => '/status', headers => [ Accept => 'text/html' ]);
like $page->header('Content-Type'), qr/\Atext\/html/, 'it is a page';
is $page->header('Cache-Control'), 'no-store', 'which no cache keeps';
my $json = fetch(host => 'own.example', port => $server->port,
                 path => '/status?json');
is $json->header('Content-Type'), 'application/json', 'or JSON';
like $json->body, qr/\A\[\n(  \{"name": [^\n]*\},?\n)+\]\n\z/, 'of figures';
is fetch(host => 'own.example', port => $server->port, path => '/status',
         method => 'DELETE')->status, 405, 'nothing can be sent to it';

$server->stop;
done_testing;
