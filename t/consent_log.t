# The proof of consent: a line for each choice, what digests stand for, and
# what a choice is worth when its line cannot be written.
use strict;
use warnings;

use File::Path ();
use IO::Socket::INET ();
use JSON::PP qw(decode_json);
use Test::More;

use CookiePolicy::Response ();
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $POLICY = <<'CONFIG';
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session login
CookiePolicyLanguage en fr
CookiePolicyBanner On
CookiePolicyCategory comfort objectable "title=Comfort" "title[fr]=Confort"
CookiePolicyCookie _ga statistics "provider=Example Analytics" lifetime=13M "purpose=To count visits" "purpose[fr]=Compter les visites"
CookiePolicyCookie ad_id first-party provider=Ads domain=own.example
CookiePolicyCookie font_size comfort "purpose=To read well"
CookiePolicyThirdParty third-party https://maps.example
CONFIG
my $CHOOSE = '/cookie-policy/preferences';

sub server {
    my (@lines) = @_;

    return CookiePolicy::Server->new(config => join '', $POLICY,
                                     map { "$_\n" } @lines);
}

sub visitor {
    my ($server, $host) = @_;
    my $visitor = CookiePolicy::Visitor->new($host // 'own.example',
                                             port => $server->port);
    $visitor->get('/');
    return $visitor;
}

sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or return '';
    local $/;
    return <$in> // '';
}

# The lines of a log of one type, or of all; each must be JSON.
sub lines {
    my ($file, $type) = @_;
    my @all = map { decode_json($_) } grep { length } split /\n/, slurp($file);

    return grep { !$type || $_->{type} eq $type } @all;
}

sub choose_json {
    my ($visitor, $json, @headers) = @_;

    return $visitor->request('POST', $CHOOSE, body => $json, headers => [
        'Content-Type' => 'application/json', Accept => 'application/json',
        @headers ]);
}

sub id_of { return (split /\./, $_[0]->cookie('cookies_preferences'))[3] }

# What the visitor's cookie says of each category.
sub states {
    my ($visitor) = @_;
    my $states = (split /\./, $visitor->cookie('cookies_preferences'))[2];

    return join ' ', sort map { /^(.*):([yn]):/ ? "$1=$2" : "?" }
                          split /~/, $states;
}

# --- A file -----------------------------------------------------------------

my $server = server('CookiePolicyConsentLog logs/consent');
my $log = $server->dir . '/logs/consent';
ok $server->start, 'a server that keeps a log' or diag $server->log;
is sprintf('%04o', (stat $log)[2] & 07777), '0640', 'with mode 0640';
unlike $server->log, qr/CP0032/, 'there is nothing to warn of';

my $visitor = visitor($server);
$visitor->command(':user=ann');
$visitor->post('/cookie-policy/language', [ language => 'fr' ]);
my $answer = $visitor->post($CHOOSE,
    [ choice => 'save', category => 'statistics', next => '/' ],
    headers => [ 'User-Agent' => 'Browser/1.0' ]);
is $answer->status, 303, 'a choice on the page';
my ($line) = lines($log, 'choice');
is join(' ', sort keys %$line),
    'categories gpc host id language previous realm source texts time type',
    'has these members and no others';
is $line->{id}, id_of($visitor), 'the id is that of the cookie';
is $line->{previous}, undef, 'nothing was agreed to before';
like $line->{time}, qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/, 'the time';
is $line->{host}, 'own.example', 'the host';
is $line->{realm}, 'own.example', 'the realm';
is $line->{source}, 'page', 'a form is the page';
ok !$line->{gpc}, 'there was no signal';
is $line->{language}, 'fr', 'the language';
is_deeply { map { $_ => $line->{categories}{$_}{state} }
            keys %{ $line->{categories} } },
    { statistics => 'granted', 'first-party' => 'refused',
      'third-party' => 'refused', comfort => 'refused' },
    'each category that can be chosen';
my $secrets = join '|', map { quotemeta } '127.0.0.1', 'Browser/1.0', 'ann"',
              $visitor->cookie('sessionid'), $visitor->cookie('csrftoken');
unlike slurp($log), qr/$secrets/,
    'no address, user agent, user, session or token';

# What the digests stand for.
my %policy = map { $_->{category} => $_ } lines($log, 'policy');
is join(' ', sort keys %policy), 'comfort first-party statistics third-party',
    'each category is explained once';
is $line->{categories}{$_}{digest}, $policy{$_}{digest}, "by the digest: $_"
    for sort keys %policy;
is_deeply $policy{statistics}{cookies},
    [ { name => '_ga', provider => 'Example Analytics', domain => undef,
        lifetime => '13M', storage => 'cookie' } ], 'its cookies';
is_deeply $policy{'first-party'}{cookies}[0]{domain}, 'own.example',
    'with their domain';
is_deeply $policy{'third-party'}{third_parties}, ['https://maps.example'],
    'its third parties';
is $policy{comfort}{rule}, 'objectable', 'its rule';
is $policy{comfort}{part}, 1, 'in one part';
ok !$policy{comfort}{more}, 'and no more';
my %texts = map { $_->{language} => $_ } lines($log, 'texts');
is join(' ', sort keys %texts), 'en fr', 'the texts of each language';
is $line->{texts}, $texts{fr}{digest}, 'the choice has the digest of its own';
isnt $texts{en}{digest}, $texts{fr}{digest}, 'which is one for each';
is $texts{fr}{categories}{comfort}{title}, 'Confort', 'titles as shown';
is +(grep { $_->{name} eq '_ga' } @{ $texts{fr}{cookies} })[0]{purpose},
    'Compter les visites', 'and purposes';

# Changing one's mind.
my $first = id_of($visitor);
$visitor->post($CHOOSE, [ choice => 'accept-all' ]);
$line = (lines($log, 'choice'))[-1];
is $line->{previous}, $first, 'the next choice names the one before';
isnt $line->{id}, $first, 'and has an id of its own';
my $second = $line->{id};
$visitor->post($CHOOSE, [ choice => 'reject-all' ]);
$line = (lines($log, 'choice'))[-1];
is $line->{id}, undef, 'a refusal has none';
is $line->{previous}, $second, 'but names what it ends';
$visitor->post($CHOOSE, [ choice => 'reject-all' ]);
is +(lines($log, 'choice'))[-1]{previous}, undef, 'once';

# Where it was made.
for my $case (
    [ banner => 'banner', 'banner' ], [ page => 'page', 'page' ],
    [ other => 'page', 'api' ], [ undef, 'page', 'api' ],
    [ api => 'page', 'api' ],
) {
    my ($said, $form, $json) = @$case;
    my $what = $said // 'nothing';

    $visitor->post($CHOOSE, [ choice => 'reject-all',
                              defined $said ? (source => $said) : () ]);
    is +(lines($log, 'choice'))[-1]{source}, $form, "a form that says $what";
    choose_json($visitor, '{"choice": "reject-all"'
                . (defined $said ? ", \"source\": \"$said\"" : '') . '}');
    is +(lines($log, 'choice'))[-1]{source}, $json, "JSON that says $what";
}
# The banner goes by the language of the page.
for my $case (
    [ banner => 'en', 'en' ], [ banner => 'EN', 'en' ], [ banner => 'de', 'fr' ],
    [ banner => '', 'fr' ], [ page => 'en', 'fr' ], [ api => 'en', 'fr' ],
) {
    my ($source, $said, $wanted) = @$case;

    choose_json($visitor, qq({"choice": "reject-all", "source": "$source",)
                . qq( "language": "$said"}));
    $line = (lines($log, 'choice'))[-1];
    is $line->{language}, $wanted, "$source in '$said'";
    is $line->{texts}, $texts{$wanted}{digest}, 'with the texts of that';
}
my $count = lines($log);
is $visitor->post($CHOOSE, [ choice => 'perhaps' ])->status, 400, 'no choice';
is $visitor->post($CHOOSE, [ choice => 'accept-all' ],
    headers => [ Origin => 'http://evil.example' ])->status, 403,
    'another site\'s form';
is scalar(my @all = lines($log)), $count, 'leave no line';

# Many at once: no line is mixed with another.
{
    my @children;

    for my $child (1 .. 8) {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my $one = CookiePolicy::Visitor->new('own.example',
                                                 port => $server->port);
            $one->post($CHOOSE, [ choice => 'accept-all' ]) for 1 .. 20;
            require POSIX;
            POSIX::_exit(0);
        }
        push @children, $pid;
    }
    waitpid $_, 0 for @children;
    my @new = eval { (lines($log))[$count .. $count + 159] };
    my %ids = map { $_->{id} // '' => 1 } @new;
    is scalar(keys %ids), 160, '160 choices of 8 visitors are 160 whole lines'
        or diag $@;
}

# --- Over a reload ----------------------------------------------------------

my $explained = () = lines($log, 'policy');
ok $server->graceful, 'graceful';
$visitor->post($CHOOSE, [ choice => 'accept-all' ]);
is scalar(@all = lines($log, 'policy')), $explained,
    'what is explained is not explained again';
ok $server->restart, 'restart';
is scalar(@all = lines($log, 'policy')), $explained, 'not then either';

# A line that was torn off does not take the next one with it.
open my $out, '>>', $log or die "$log: $!";
print $out '{"type":"cho';
close $out;
$visitor->post($CHOOSE, [ choice => 'accept-all' ]);
like slurp($log), qr/^\{"type":"cho\n\{"type":"choice",.*\}\n\z/m,
    'after a torn line a new one is begun';

# Rotation: the new file explains itself.
rename $log, "$log.1" or die "$log: $!";
ok $server->graceful, 'reloaded for a new file';
is scalar(@all = lines($log, 'policy')), 4, 'that explains its digests';

# A policy that changed explains what is new.
$server->configure($POLICY =~ s/Example Analytics/Somebody Else/r
                   . "CookiePolicyConsentLog logs/consent\n");
ok $server->graceful, 'reloaded with another provider';
is scalar(@all = lines($log, 'policy')), 5, 'that alone is explained';

# --- What cannot be written -------------------------------------------------

# The directory goes away.
File::Path::make_path($server->dir . '/gone');
$server->configure("$POLICY\nCookiePolicyConsentLog gone/consent\n");
ok $server->graceful, 'a log elsewhere';
is $visitor->post($CHOOSE, [ choice => 'accept-all' ])->status, 303,
    'is written';
File::Path::remove_tree($server->dir . '/gone');
is $visitor->post($CHOOSE, [ choice => 'accept-all' ])->status, 503,
    'until its directory is removed';
ok $server->graceful, 'a reload that cannot open it does not end httpd';
like $server->log, qr/:crit\].*CP0030: consent log \S+gone/, 'it is logged';
is $visitor->post($CHOOSE, [ choice => 'accept-all' ])->status, 503,
    'and nothing is granted';
is $visitor->post($CHOOSE, [ choice => 'reject-all' ])->status, 303,
    'but refused';
ok $server->stop, 'stopped';
ok !$server->start, 'at a start it does keep httpd from starting';
like $server->{said} . $server->log, qr/CP0030.*gone/, 'and says so';

# The disk is full.
my $full = server('CookiePolicyConsentLog /dev/full');
ok $full->start, 'a server on a full disk' or diag $full->log;
my $from = int(time / 60);
like $full->log, qr/:error\].*CP0033: consent log/,
    'that digests are not explained is logged';
$visitor = visitor($full);
$answer = $visitor->post($CHOOSE, [ choice => 'save',
                                    category => 'statistics' ]);
is $answer->status, 503, 'a grant that cannot be proved is refused service';
like $answer->header('content-type'), qr{^text/html}, 'with a page';
like $answer->body, qr/could not be recorded.*refused\s+counts/si,
    'that says what counts';
is $answer->header('cache-control'), 'no-store', 'that no cache keeps';
is states($visitor), 'comfort=n first-party=n third-party=n',
    'what was refused counts, what was granted does not';
is id_of($visitor), '', 'and there is no id of a proof';
is $visitor->look->seen('COOKIEPOLICY_CONSENT'), 'necessary',
    'content sees the same';
is $visitor->look->seen('COOKIEPOLICY_DECIDED'), 'no',
    'the visitor is asked again';
$answer = choose_json($visitor, '{"choice": "accept-all"}');
is $answer->status, 503, 'the same as JSON';
my $json = decode_json($answer->body);
is $json->{error}, 'log-away', 'with an error';
is $json->{categories}{$_}{choice}, 'undecided', "and the state: $_"
    for qw(statistics first-party third-party comfort);
is states($visitor), '', 'which is that of the cookie';
is $visitor->post($CHOOSE, [ choice => 'reject-all' ])->status, 303,
    'who refuses everything notices nothing';
is states($visitor), 'comfort=n first-party=n statistics=n third-party=n',
    'it counts';
choose_json($visitor, '{"choice": "accept-all"}') for 1 .. 20;
my @told = $full->log =~ /\[pid (\d+)[^\]]*\].*CP0031: consent log/g;
my %by = map { $_ => 1 } @told;
cmp_ok scalar(@told), '>=', 1, 'it is logged';
cmp_ok scalar(@told), '<=', keys(%by) * (int(time / 60) - $from + 1),
    'once a minute in a process';
cmp_ok scalar(@told), '<', 20, 'and not for each visitor';
$full->stop;

# --- A program --------------------------------------------------------------

my $piped = server('CookiePolicyConsentLog "|{DIR}/keep {DIR}/logs/kept"');
my $kept = $piped->dir . '/logs/kept';
my $keep = $piped->file('keep', "#!/bin/sh\nexec cat >> \"\$1\"\n", 0755);
ok $piped->start, 'a log through a program' or diag $piped->log;
$visitor = visitor($piped);
is $visitor->post($CHOOSE, [ choice => 'accept-all' ])->status, 303,
    'a choice';

# The program writes when it likes.
sub until_lines {
    my ($file, $number) = @_;

    for (1 .. 1200) {
        my @have = eval { lines($file, 'choice') };
        return \@have if @have >= $number;
        select undef, undef, undef, 0.05;
    }
    return [];
}
is until_lines($kept, 1)->[0]{id}, id_of($visitor), 'reaches it';
is scalar(@all = lines($kept, 'policy')), 4, 'as do the digests';
ok $piped->graceful, 'graceful';
is $visitor->post($CHOOSE, [ choice => 'accept-all' ])->status, 303,
    'a choice after it';
is until_lines($kept, 2)->[1]{id}, id_of($visitor), 'reaches it, too';
is scalar(@all = lines($kept, 'policy')), 4, 'the digests do not again';

# Who is still being answered by a process of before a reload has its program
# taken away, and must not be told that a choice counts which is nowhere.
{
    my $body = 'choice=accept-all';
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $piped->port);
    local $SIG{PIPE} = 'IGNORE';

    syswrite $socket, "POST $CHOOSE HTTP/1.1\r\nHost: own.example\r\n"
        . "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
        . length($body) . "\r\nConnection: close\r\n\r\n" . substr $body, 0, 5;
    sleep 1;
    ok $piped->graceful, 'a reload in the middle of a choice';
    sleep 1;
    syswrite $socket, substr $body, 5;
    my $late = CookiePolicy::Response->new(join '', <$socket>);
    ok $late->status == 503 || @{ until_lines($kept, 3) } == 3,
        'does not count without its line' or diag $late->status;
}

# The program dies, and does so whenever httpd starts it.
$piped->file('keep', "#!/bin/sh\nexit 1\n", 0755);
ok $piped->graceful, 'a program that ends at once';
my @status = map { $visitor->post($CHOOSE, [ choice => 'accept-all' ])->status }
             1 .. 3;
is $status[-1], 503, 'is found out';
is $visitor->post($CHOOSE, [ choice => 'reject-all' ])->status, 303,
    'refusals count';
$piped->file('keep', "#!/bin/sh\nexec cat >> \"\$1\"\n", 0755);
for (1 .. 40) {
    $status[0] = $visitor->post($CHOOSE, [ choice => 'accept-all' ])->status;
    last if $status[0] == 303;
    select undef, undef, undef, 0.5;
}
is $status[0], 303, 'once it lives again, choices count again';
$piped->stop;

my $none = server('CookiePolicyConsentLog "|{DIR}/no-such-program"');
ok !$none->start, 'a program that is not there keeps httpd from starting';
like $none->{said} . $none->log, qr/CP0030.*no-such-program/, 'and it says so';

# --- Hosts that keep none ---------------------------------------------------

my $hosts = server(<<'CONFIG' =~ s/\n\z//r);
CookiePolicyConsentLog none
<VirtualHost *>
    ServerName logged.example
    CookiePolicyConsentLog logs/consent
</VirtualHost>
<VirtualHost *>
    ServerName again.example
    CookiePolicyConsentLog logs/consent
    CookiePolicyLanguage Off
</VirtualHost>
<VirtualHost *>
    ServerName none.example
</VirtualHost>
CONFIG
ok $hosts->start, 'hosts with one log and without' or diag $hosts->log;
unlike $hosts->log, qr/CP0032/, 'nobody warns of none';
$log = $hosts->dir . '/logs/consent';
is visitor($hosts, 'none.example')->post($CHOOSE, [ choice => 'accept-all' ])
    ->status, 303, 'without a log a choice counts';
is slurp($log) =~ /none\.example/ ? 1 : 0, 0, 'and leaves no line';
visitor($hosts, $_)->post($CHOOSE, [ choice => 'accept-all' ])
    for qw(logged.example again.example);
is join(' ', map { "$_->{host}/$_->{language}" } lines($log, 'choice')),
    'logged.example/en again.example/en', 'two hosts share one';
is scalar(@all = lines($log, 'policy')), 4,
    'and what their digests stand for';
$hosts->configure("$POLICY\n<VirtualHost *>\nServerName b.example\n"
                  . "CookiePolicyConsentLog none\n</VirtualHost>\n");
ok $hosts->graceful, 'the main server keeps none, without having said so';
like $hosts->log, qr/:warn\].*CP0032: hosts .*: 1 \(own\.example\)/,
    'which is warned of';
$hosts->stop;

# --- Large policies ---------------------------------------------------------

my $large = server('CookiePolicyConsentLog logs/consent',
    map { "CookiePolicyCookie c$_ statistics \"provider=" . 'p' x 100
          . "\" \"purpose=" . 'x' x 100 . '"' } 1 .. 1000);
ok $large->start, 'a thousand cookies' or diag $large->log;
$log = $large->dir . '/logs/consent';
my @parts = grep { $_->{category} eq 'statistics' } lines($log, 'policy');
cmp_ok scalar(@parts), '>', 1, 'are explained in parts';
is join(' ', map { $_->{part} } @parts), join(' ', 1 .. @parts), 'with numbers';
is join('', map { $_->{more} ? 1 : 0 } @parts), 1 x $#parts . 0,
    'up to the last';
is scalar(map { @{ $_->{cookies} } } @parts), 1001, 'that have them all';
is +(grep { length > 32 * 1024 } split /\n/, slurp($log)) + 0, 0,
    'no line is longer than 32 KB';
$large->stop;

done_testing;
