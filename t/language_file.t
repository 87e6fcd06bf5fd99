# A site's own language files: over a language that is built in, for one that
# is not, for a region; by virtual host, over a reload, and what is refused.
use strict;
use warnings;
use utf8;

use Encode qw(decode encode);
use JSON::PP ();
use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

plan skip_all => 'the same under each MPM: once is enough'
    if $ENV{CP_MPM} ne 'event';

my $CHOOSE = '/cookie-policy/preferences';
my $json = JSON::PP->new->utf8->canonical;
my $server = CookiePolicy::Server->new;

binmode Test::More->builder->$_, ':encoding(UTF-8)'
    for qw(output failure_output todo_output);

sub language_file {
    my ($name, %words) = @_;

    return $server->file($name, $json->encode(\%words));
}

mkdir $server->dir . "/$_" or die "$_: $!" for qw(own tenant bad htdocs/dir);
language_file('own/fr.json', 'page.title' => 'Nos <cookies>',
    'banner.text' => 'Dites-nous : {categories} ?');
language_file('own/nb.json', 'language.name' => 'Norsk bokmål',
    'language.direction' => 'ltr', 'page.title' => 'Informasjonskapsler',
    'category.statistics.title' => 'Statistikk (no)',
    'banner.text' => 'Vi spør om {categories}.',
    'refusal.title' => 'Avvist', 'refusal.reason' => 'Grunn: {reason}',
    'problem.not-found.title' => 'Finnes ikke',
    'time.months.one' => '{n} måned', 'time.months.other' => '{n} måneder');
language_file('own/de-CH.json', 'page.title' => 'Güezi-Richtlinie');
language_file('own/fa.json', 'language.name' => 'فارسی',
    'language.direction' => 'rtl', 'page.title' => 'کوکی‌ها');
language_file('tenant/fr.json', 'page.title' => 'Chez nous');
language_file('tenant/nb.json', 'banner.text' => 'Hos oss: {categories}');

my $CONFIG = <<'CONFIG';
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyBanner On
CookiePolicyConsentLog logs/consent
CookiePolicyLanguage en fr de de-CH nb fa
CookiePolicyCookie _ga statistics lifetime=13M "purpose=To count" "purpose[nb]=Å telle"
CookiePolicyCategory statistics consent "description[nb]=Fra linjen"
CookiePolicyLanguageFile own/fr.json own/nb.json own/de-CH.json
CookiePolicyLanguageFile own/fa.json
<VirtualHost 127.0.0.1:{PORT}>
    ServerName own.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName tenant.example
    CookiePolicyConsentLog logs/tenant
    CookiePolicyLanguageFile {DIR}/tenant/fr.json tenant/nb.json
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName bare.example
    CookiePolicyConsentLog logs/bare
    CookiePolicyLanguageFile none
</VirtualHost>
CONFIG
$server->configure(encode('UTF-8', $CONFIG));
ok $server->start, 'a server with files of its own' or diag $server->log;

sub ask {
    my ($path, $tag, %with) = @_;

    return fetch(port => $server->port, host => $with{host} // 'own.example',
                 path => $path, method => $with{method} // 'GET',
                 headers => [ 'Accept-Language' => $tag,
                              @{ $with{headers} // [] } ]);
}

sub page {
    my ($tag, $host) = @_;

    return decode('UTF-8', ask('/cookie-policy', $tag, host => $host)->body);
}

# --- The page -----------------------------------------------------------------

my $french = page('fr');
like $french, qr/<html lang="fr" dir="ltr">/, 'a language that is built in';
like $french, qr{<h1>Nos &lt;cookies&gt;</h1>}, 'says what the file says';
like $french, qr{<p>Cette page énumère}, 'and else what it said before';

my $answer = ask('/cookie-policy', 'nb-NO');
my $norse = decode('UTF-8', $answer->body);
like $norse, qr/<html lang="nb" dir="ltr">/, 'a new language';
is $answer->header('content-language'), 'nb', 'is what the page is in';
like $norse, qr{<h1>Informasjonskapsler</h1>}, 'says what its file says';
like $norse, qr{<h2 id="what">What a cookie is</h2>}, 'and else English';
like $norse, qr/13 måneder/, 'has its own plurals';
like $norse, qr/1 year/, 'or English ones';
like $norse, qr/Statistikk \(no\)/, 'and titles of categories';
like $norse, qr/Å telle/, 'a text of the configuration is there';
like $norse, qr/Fra linjen/, 'and goes first';

my $swiss = page('de-CH');
like $swiss, qr{<html lang="de-CH" dir="ltr">}, 'a region';
like $swiss, qr{<h1>Güezi-Richtlinie</h1>}, 'says what its file says';
like $swiss, qr/Was ein Cookie ist/, 'and else what its language says';
like page('de'), qr{<html lang="de" .*<h1>Cookie-Richtlinie</h1>}s,
    'which stays as it is';
like page('fa'), qr{<html lang="fa" dir="rtl">.*<code dir="ltr">}s,
    'a language that is written from right to left';

my ($switch) = $norse =~ m{(<select name="language">.*?</select>)}s;
like $switch, qr{<option value="nb" lang="nb" selected>Norsk bokmål</option>},
    'the switch has its name';
like $switch, qr{lang="de">Deutsch</option>}, 'a language';
like $switch, qr{lang="de-CH">Deutsch \(de-CH\)</option>},
    'is told from its region';

my $data = $json->decode(ask('/cookie-policy.json', 'nb')->body);
is $data->{language}, 'nb', 'JSON in the language';
is +(grep { $_->{name} eq 'statistics' } @{ $data->{categories} })[0]{title},
    'Statistikk (no)', 'with its texts';

# --- Answers that say no --------------------------------------------------------

$answer = ask('/', 'nb', method => 'POST');
is $answer->status, 403, 'a refusal';
like $answer->body, qr{<html lang="nb" .*<h1>Avvist</h1>.*Grunn: }s,
    'in the language';
$answer = ask('/cookie-policy/nowhere', 'nb');
is $answer->status, 404, 'no such page';
like $answer->body, qr/Finnes ikke/, 'in the language';

# --- The banner -----------------------------------------------------------------

sub banner_hash {
    my ($host) = @_;
    my ($hash) = ask('/index.html', 'en', host => $host)->body
        =~ m{banner\.([\w-]{16})\.js};

    return $hash // 'none';
}

sub banner_texts {
    my ($tag, $host) = @_;

    return $json->decode(ask('/cookie-policy/banner.' . banner_hash($host)
                             . ".$tag.json", 'en', host => $host)->body);
}

my $texts = banner_texts('nb');
is $texts->{text}, 'Vi spør om Statistikk (no).', 'the banner in a new language';
is $texts->{language}, 'nb', 'says so';
is banner_texts('fr')->{text}, 'Dites-nous : Statistiques ?', 'and in another';
is banner_texts('fa')->{direction}, 'rtl', 'with its direction';

# --- Virtual hosts ----------------------------------------------------------------

like page('fr', 'tenant.example'), qr{<h1>Chez nous</h1>},
    'a virtual host goes before the server';
is banner_texts('fr', 'tenant.example')->{text}, 'Dites-nous : Statistiques ?',
    'phrase by phrase';
like page('nb', 'tenant.example'), qr{<html lang="nb".*Informasjonskapsler}s,
    'in a new language, too';
is banner_texts('nb', 'tenant.example')->{text}, 'Hos oss: Statistikk (no)',
    'phrase by phrase there';
like page('fr', 'bare.example'), qr{<h1>Politique de cookies</h1>},
    'None drops the files';
like page('nb', 'bare.example'), qr{<html lang="en" .*<h1>Cookie policy</h1>}s,
    'and without one a language that is not built in is English';
my %hashes = map { banner_hash("$_.example") => 1 } qw(own tenant bare);
is scalar(keys %hashes), 3, 'a banner for each';

# --- The proof of consent ---------------------------------------------------------

sub lines {
    my ($log, $type) = @_;

    open my $in, '<', $server->dir . "/logs/$log" or return;
    return grep { $_->{type} eq $type } map { $json->decode($_) } <$in>;
}

sub texts_of { return grep { $_->{language} eq $_[1] } lines($_[0], 'texts') }

my %logs = (own => 'consent', tenant => 'tenant', bare => 'bare');
my %digests;
for my $host (sort keys %logs) {
    CookiePolicy::Visitor->new("$host.example", port => $server->port)
        ->post($CHOOSE, [ choice => 'accept-all' ],
               headers => [ 'Accept-Language' => 'nb' ]);
    my ($choice) = lines($logs{$host}, 'choice');
    is $choice->{language}, 'nb', "$host: a choice";
    my ($explained) = texts_of($logs{$host}, 'nb');
    is $choice->{texts}, $explained->{digest}, "$host: of texts that are there";
    $digests{ $choice->{texts} } = 1;
}
is scalar(keys %digests), 3, 'the digest is of the files\' texts';
my ($own) = texts_of('consent', 'nb');
my %said = map { $_->{name} => $_->{text} } @{ $own->{phrases} };
is $said{'banner.text'}, 'Vi spør om {categories}.', 'which are in the log';
ok !exists $said{'refusal.title'}, 'as far as they are about the policy';
ok !exists $said{'page.intro'}, 'and are the file\'s';
ok !exists +(texts_of('bare', 'nb'))[0]{phrases}, 'without files there are none';
is scalar(texts_of('consent', 'de')), 1, 'others are explained as ever';

# --- Over a reload -----------------------------------------------------------------

my ($before, $other) = map { banner_hash("$_.example") } qw(own bare);
ok $server->graceful, 'graceful';
is banner_hash(), $before, 'nothing changed';
is scalar(texts_of('consent', 'nb')), 1, 'nothing is explained again';
language_file('own/fr.json', 'banner.text' => 'Encore : {categories} ?');
like page('fr'), qr/Nos &lt;cookies&gt;/, 'a file that changed waits for it';
ok $server->graceful, 'graceful';
isnt banner_hash(), $before, 'the banner has another name';
is banner_hash('bare.example'), $other, 'but not where the file does not count';
is banner_texts('fr')->{text}, 'Encore : Statistiques ?', 'and its texts';
like page('fr'), qr{<h1>Politique de cookies</h1>}, 'so has the page';
is scalar(texts_of('consent', 'fr')), 2, 'and the log';
is scalar(texts_of('consent', 'nb')), 1, 'which has others once';

# What is long is parted, as all of the log is.
language_file('own/fr.json', 'page.intro' => 'x' x 20_000,
              'what.cookie' => 'y' x 20_000);
ok $server->graceful, 'graceful';
my %part = map { $_->{part} => $_ } (texts_of('consent', 'fr'))[-2, -1];
is join(' ', sort keys %part), '1 2', 'long phrases are in two parts';
is_deeply [ sort map { $_->{name} } map { @{ $_->{phrases} } } values %part ],
    [ 'page.intro', 'what.cookie' ], 'each once';
ok $part{1}{more} && !$part{2}{more}, 'and no more';

# --- .htaccess -----------------------------------------------------------------------

$server->file('htdocs/dir/index.html', 'Text');
is ask('/dir/index.html', 'en')->status, 200, 'a directory';
$server->file('htdocs/dir/.htaccess', "CookiePolicyLanguageFile own/fr.json\n");
is ask('/dir/index.html', 'en')->status, 500, 'may name no file';
ok $server->stop, 'stop';

# --- What is refused ------------------------------------------------------------------

my %nb = ('language.name' => 'N', 'language.direction' => 'ltr');
my $LONG = '{"page.title": "' . 'x' x (128 * 1024 - 18) . '"}';

sub checked {
    my ($lines) = @_;

    $server->configure("CookiePolicy On\nCookiePolicyStateDir {STATE}\n"
                       . "CookiePolicySessionStore shm:1M\n$lines\n");
    return $server->check;
}

for my $case (
    [ 'absent.json', undef, 'cannot be read' ],
    [ 'fr.JSON', '{}', 'no language tag' ],
    [ 'french.json', '{}', 'no language tag.*nb\.json' ],
    [ 'de_CH.json', '{}', 'no language tag' ],
    [ 'fr.json', '{ "page.title": "a"', 'line 1' ],
    [ 'fr.json', '', 'line 1' ],
    [ 'fr.json', "$LONG ", 'longer than 128 KB' ],
    [ 'fr.json', '[]', 'no JSON object' ],
    [ 'fr.json', '{"page.title": ["a"]}', 'page\.title is no text' ],
    [ 'fr.json', "{\"page.title\": \"\xff\"}", 'line 1' ],
    [ 'fr.json', '{"page.title": "a\u0007"}', 'control' ],
    [ 'fr.json', '{"page.titel": "a"}', q{'page\.titel'.*page\.title} ],
    [ 'fr.json', '{"banner.text": "a"}', 'without \{categories\}' ],
    [ 'fr.json', '{"page.title": "{cookie}"}', 'braces' ],
    [ 'fr.json', '{"time.days.two": "{n} jours"}', 'time\.days\.two.*many' ],
    [ 'fr.json', '{"language.direction": "rtl"}', 'must be ltr' ],
    [ 'nb.json', '{"language.name": "N"}', 'language\.direction' ],
    [ 'nb.json', $json->encode({ %nb, 'time.days.one' => 'en dag' }),
      'no time\.days\.other' ],
) {
    my ($name, $content, $why) = @$case;
    my $path = $server->dir . "/bad/$name";

    $server->file($path, $content) if defined $content;
    my ($good, $message) = checked("CookiePolicyLanguageFile bad/$name");
    ok !$good, "refused: $why";
    like $message, qr/CookiePolicyLanguageFile \Q$path\E: .*$why/,
        'with the file, and why';
    unlink $path;
}
my ($good, $message) = checked('CookiePolicyLanguageFile bad');
ok !$good, 'refused: a directory';
like $message, qr{/bad: it is no file}, 'and why';
($good, $message) = checked("CookiePolicyLanguageFile own/nb.json own/nb.json");
ok !$good, 'refused: a file twice';
like $message, qr/each file once/, 'and why';
($good, $message) = checked("<VirtualHost *>\nServerName a.example\n"
                            . "CookiePolicyLanguageFile tenant/nb.json\n"
                            . '</VirtualHost>');
ok !$good, 'refused: half a language';
like $message, qr{tenant/nb\.json: it has no language\..*a\.example},
    'with the virtual host';
$server->file('bad/fr.json', $LONG);
for my $lines ("CookiePolicyLanguageFile bad/fr.json",
               "CookiePolicyLanguageFile own/nb.json None own/fr.json",
               "CookiePolicyLanguageFile own/nb.json\n<VirtualHost *>\n"
               . "CookiePolicyLanguageFile own/nb.json tenant/nb.json\n"
               . '</VirtualHost>') {
    ($good, $message) = checked($lines);
    ok $good, 'taken' or diag $message;
}
unlink $server->dir . '/bad/fr.json';
$server->configure('CookiePolicyLanguageFile bad/fr.json');
($good) = $server->check;
ok !$good, 'refused where the engine is off, too';

done_testing;
