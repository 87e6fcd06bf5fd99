# The policy page: languages, joined rows, hostile texts, the form before and
# after a choice, the site's own frame, JSON.
use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8);
use JSON::PP qw(decode_json);
use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

plan skip_all => 'the same under each MPM: once is enough'
    if $ENV{CP_MPM} ne 'event';

binmode Test::More->builder->$_, ':encoding(UTF-8)'
    for qw(output failure_output todo_output);

my $server = CookiePolicy::Server->new;
$server->file('own.html', <<'HTML');
<!DOCTYPE html>
<html lang="{{language}}" dir="{{direction}}"><title>{{title}} - Ours</title>
<style>main { color: green }</style>
<p>{{title}}, {{language}}</p>
<main>{{content}}</main><p>Our foot</p>
HTML
$server->file('other.html', "<p>Inner</p>{{content}}\n");
my $config = <<'CONFIG';
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyLanguage en fr de es it nl pt pt-BR el
CookiePolicyCookie _ga statistics provider=Google provider-url=https://policies.example/?a&b function=Counting location=everywhere "purpose=To count" "purpose[fr]=Compter" lifetime=13M service="Analytics 4" party=third
CookiePolicyCookie ~^_gat_ statistics provider=Google function=Counting location=everywhere "purpose=To slow down" lifetime=60
CookiePolicyCookie plan necessary provider=Us function=Shop location=front "purpose=The plan"
CookiePolicyCookie _gid statistics provider=Google function=Counting location=everywhere "purpose=To tell apart" lifetime=1d
CookiePolicyCookie heat statistics provider=Google function=Heat location=everywhere lifetime=90d
CookiePolicyCookie theme first-party storage=local "purpose=The theme"
CookiePolicyCookie visits statistics-anonymous provider=Us lifetime=session
CookiePolicyThirdParty third-party https://maps.example https://*.tiles.example:8443
CookiePolicyConsentLifetime 90d
<VirtualHost 127.0.0.1:{PORT}>
    ServerName page.example
    CookiePolicyController "name=City \"of\" <Example>" url=https://city.example/?a&b contact=privacy@city.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName plain.example
    CookiePolicyCookie None
    CookiePolicyThirdParty None
    CookiePolicyUndeclared allow
    CookiePolicyAttributes sessionid name=__Host-sessionid secure=on
    CookiePolicyAttributes cookies_preferences max-age=session
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName hostile.example
    CookiePolicyCategory evil consent "title=<script>t</script>" "description=\"'&amp;<img src=x>"
    CookiePolicyCookie a evil "provider=\"><script>p</script>" "provider-url=https://x.example/\"onclick=\"y" "function=<f>" "location=</th></table>" "purpose=' onload=\"z\" &lt;" "service=<s>"
    CookiePolicyCookie ~^<b>\d evil
    CookiePolicyCookie "<i> &" evil storage=other
    CookiePolicyController "name=</main>" "contact=<x>@y.example"
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName spoken.example
    CookiePolicyLanguage fr de-AT eo
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName one.example
    CookiePolicyLanguage fr
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName mute.example
    CookiePolicyLanguage Off
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName framed.example
    CookiePolicyTemplate own.html
</VirtualHost>
CONFIG
$server->configure($config);
ok $server->start, 'a server of its own' or diag $server->log;

sub page_of {
    my ($host, @headers) = @_;
    my $answer = fetch(port => $server->port, host => $host,
                       path => '/cookie-policy', headers => [@headers]);

    is $answer->status, 200, "$host: the page";
    return decode_utf8($answer->body);
}

# Whether each tag is closed in its turn, and nothing is open at the end.
sub is_balanced {
    my ($page) = @_;
    my @open;

    $page =~ s/<!DOCTYPE html>//;
    while ($page =~ m{<(/?)([a-z0-9]+)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)>}g) {
        next if $2 =~ /^(?:br|meta|input)$/;
        push @open, $2 unless $1;
        return 0 if $1 && (pop @open // '') ne $2;
    }
    return 0 if @open;
    $page =~ s{</?[a-z0-9]+(?:\s+[a-z-]+(?:="[^"<>]*")?)*>}{}g;
    return $page !~ /[<>]|&(?!(?:lt|gt|amp|quot|#39);)/;
}

# --- What it says ------------------------------------------------------------

my $page = page_of('page.example');
ok is_balanced($page), 'tags are closed, and nothing else looks like one';
like $page, qr/<html lang="en" dir="ltr">/, 'its language and direction';
like $page, qr/<meta name="viewport"/, 'small screens';
unlike $page, qr/<script|<style| style=/, 'neither script nor style';
for my $id (qw(what kinds server list choices rights controller)) {
    like $page, qr/<h2 id="$id">/, "a heading $id";
    like $page, qr/<a href="#$id">/, 'that the contents lead to';
}
my @kinds = $page =~ /<dt>/g;
is @kinds, 4, 'four kinds of cookies';
like $page, qr/not listed on this page is dropped/, 'what is undeclared';
like $page, qr/out of this server's reach/, 'what third parties do';
like $page, qr/hold back cookies only/, 'what is no cookie';
like $page, qr/in the cookie <code>cookies_preferences<\/code>, and hold for 3 months/,
    'where and for how long choices are kept';
like $page, qr/data protection authority/, 'where to complain';
like $page, qr{<a href="https://city\.example/\?a&amp;b">City &quot;of&quot; &lt;Example&gt;</a>},
    'who answers';
like $page, qr{<a href="mailto:privacy\@city\.example">}, 'and how to reach them';

# --- The tables --------------------------------------------------------------

my ($statistics) = $page =~ m{(<h3 id="category-statistics".*?</section>)}s;
my @groups = $statistics =~ m{<tbody>(.*?)</tbody>}sg;
is @groups, 2, 'a group for each provider, function and location';
like $groups[0], qr{rowspan="3"[^>]*><a href="https://policies\.example/\?a&amp;b">Google</a></th>},
    'rows are joined, the provider leads to its address';
like $groups[0], qr{scope="rowgroup" rowspan="3"[^>]*>Counting<br>everywhere</th>},
    'function and location likewise';
my @rows = $groups[0] =~ /<tr>/g;
is @rows, 3, 'with a row for each cookie';
like $groups[0], qr{<code>_ga</code></th>\n<td dir="auto">Analytics 4<br>To count</td>\n<td>13 months</td>},
    'name, service, purpose, lifetime';
like $groups[0], qr{all names that match <code>\^_gat_</code></th>}, 'a pattern without its ~';
like $groups[0], qr{<td>1 minute</td>}, 'a time without a unit';
like $groups[0], qr{<code>_gid</code>}, 'a line further down joins in';
like $groups[1], qr{rowspan="1".*<td>90 days</td>}s, 'the unit that was written';
like $statistics, qr/Allowed only if you agree\. You have not decided yet\. At present it is not allowed\./,
    'the rule and the state';
like $page, qr{<code>theme</code><br>local storage</th>}, 'another storage';
like $page, qr{<code>theme</code>.*?<td>not stated</td>}s, 'no lifetime';
like $page, qr{<code>visits</code>.*?<td>until you close the browser</td>}s, 'a session\'s';
like $page, qr{<code>csrftoken</code>.*?<td>until you close the browser</td>}s,
    'a managed cookie\'s lifetime';
like $page, qr{<code>django_language</code>.*?<td>1 year</td>}s, 'from its attributes';
like $page, qr{City &quot;of&quot; &lt;Example&gt;</th>\n<th[^>]*>API \(CSRF\)<br>},
    'its provider answers for the policy';
my ($third) = $page =~ m{(<h3 id="category-third-party".*?</section>)}s;
like $third, qr{<li><code>https://maps\.example</code></li>\n<li><code>https://\*\.tiles\.example:8443</code></li>},
    'the third parties of a category';
unlike $third, qr/<table/, 'which has no cookie of its own';

my $plain = page_of('plain.example');
ok is_balanced($plain), 'a host that declares nothing';
like $plain, qr{<code>sessionid</code><br>called <code>__Host-sessionid</code> in your browser},
    'the name on the wire';
like $plain, qr{<code>cookies_preferences</code>.*?<td>until you close the browser</td>}s,
    'a lifetime that was configured';
unlike $plain, qr/not listed on this page is dropped|this server's reach|hold back cookies only/,
    'nothing that is not done here';
unlike $plain, qr{/preferences"|category-statistics},
    'nothing to choose, no form';
like $plain, qr/no cookies that you have to choose about/, 'and it says so';
like $plain, qr/operator of this site answers/, 'nobody was named';
like $plain, qr{>This site</th>}, 'nor as provider';

# --- Hostile texts -----------------------------------------------------------

my $hostile = page_of('hostile.example');
ok is_balanced($hostile), 'hostile texts leave the page whole';
unlike $hostile, qr/<script|<img|<b>\\d|<i>|<s>|<f>|<x>|"onclick|" onload/, 'none is markup';
like $hostile, qr{&quot;&gt;&lt;script&gt;p&lt;/script&gt;}, 'they are shown';
like $hostile, qr{href="https://x\.example/&quot;onclick=&quot;y"}, 'an address likewise';
unlike $hostile, qr/href="mailto/, 'what is no mail address is no link';

# --- Languages ---------------------------------------------------------------

for my $case (
    [ fr => 'fr', 'Politique de cookies', 'Compter', '13 mois' ],
    [ de => 'de', 'Cookie-Richtlinie', 'Anmeldung', '13 Monate' ],
    [ es => 'es', 'Política de cookies', 'Autenticación', '13 meses' ],
    [ it => 'it', 'Informativa sui cookie', 'Autenticazione', '13 mesi' ],
    [ nl => 'nl', 'Cookiebeleid', 'Aanmelding', '13 maanden' ],
    [ pt => 'pt', 'Política de cookies', 'Autenticação', '13 meses' ],
    [ 'pt-BR' => 'pt', 'Política de cookies', 'Autenticação', '13 meses' ],
    [ el => 'el', 'Πολιτική cookies', 'Έλεγχος ταυτότητας', '13 μήνες' ],
    [ fi => 'en', 'Cookie policy', 'Authentication', '13 months' ],
) {
    my ($tag, $language, @words) = @$case;
    my $spoken = page_of('page.example', 'Accept-Language' => $tag);

    ok is_balanced($spoken), "$tag: well formed";
    like $spoken, qr/<html lang="$language"/, "$tag: the language of our words";
    like $spoken, qr/\Q$_\E/, "$tag: $_" for @words;
    unlike $spoken, qr/[{}]|[a-z]\.title/, "$tag: nothing left over";
}

# --- The form ----------------------------------------------------------------

sub boxes_of {
    my ($who, @headers) = @_;
    my $form = decode_utf8($who->get('/cookie-policy', headers => [@headers])->body);
    my %boxes;

    while ($form =~ /<input type="checkbox" name="category" value="([^"]+)"([^>]*)>/g) {
        $boxes{$1} = $2;
    }
    return join ',', map { "$_$boxes{$_}" } sort keys %boxes;
}

my $visitor = CookiePolicy::Visitor->new('page.example', port => $server->port);
$visitor->get('/index.html');
is boxes_of($visitor),
    'first-party,necessary checked disabled,statistics,statistics-anonymous checked,third-party',
    'before a choice';
my ($form) = $page =~ m{(<form[^>]*/preferences">.*?</form>)}s;
like $form, qr{^<form method="post" action="/cookie-policy/preferences">}, 'it posts';
is_deeply [ $form =~ /<button name="choice" value="([^"]+)">/g ],
    [qw(save accept-all reject-all)], 'three buttons, alike';
is_deeply [ $form =~ /<input type="hidden" name="([^"]+)" value="([^"]+)">/g ],
    [ next => '/cookie-policy#choices', source => 'page' ], 'and what goes along';
my $answer = $visitor->post('/cookie-policy/preferences', [
    category => 'statistics', next => '/cookie-policy#choices',
    source => 'page', choice => 'save' ]);
is $answer->status, 303, 'as the form sends it';
is $answer->header('location'), '/cookie-policy#choices', 'back to the form';
is boxes_of($visitor),
    'first-party,necessary checked disabled,statistics checked,statistics-anonymous,third-party',
    'after it';
my $after = decode_utf8($visitor->get('/cookie-policy')->body);
like $after, qr/You have allowed this category\.</, 'what was granted';
like $after, qr/You have refused this category\.</, 'what was refused';
unlike $after, qr/You have not decided yet/, 'nothing is undecided';
$visitor->post('/cookie-policy/preferences', { choice => 'accept-all' });
is boxes_of($visitor), join(',', 'first-party checked',
    'necessary checked disabled', 'statistics checked',
    'statistics-anonymous checked', 'third-party checked'), 'accept all';
$visitor->post('/cookie-policy/preferences', { choice => 'reject-all' });
is boxes_of($visitor), 'first-party,necessary checked disabled,statistics,'
    . 'statistics-anonymous,third-party', 'refuse all';

my $signals = CookiePolicy::Visitor->new('page.example', port => $server->port);
is boxes_of($signals, 'Sec-GPC' => '1'), 'first-party,necessary checked disabled,'
    . 'statistics,statistics-anonymous,third-party', 'Sec-GPC unticks';
like page_of('page.example', 'Sec-GPC' => '1'), qr/This site honours it/, 'and is told of';
unlike $page, qr/This site honours it/, 'not where it is not sent';

# --- Its language ------------------------------------------------------------

my $switch = CookiePolicy::Visitor->new('spoken.example',
                                        port => $server->port);
my $spoken = decode_utf8($switch->get('/cookie-policy')->body);
ok is_balanced($spoken), 'a page with a choice of languages';
my ($languages) = $spoken
    =~ m{(<form[^>]*action="/cookie-policy/language">.*?</form>)}s;
is_deeply [ $languages =~ m{<option value="([^"]+)" lang="[^"]+"([^>]*)>([^<]+)<}g ],
    [ fr => ' selected', "Fran\x{e7}ais", 'de-AT' => '', 'Deutsch (de-AT)',
      eo => '', 'eo' ], 'each by its own name, the one in force first';
like $languages, qr{<label>Langue <select name="language">}, 'labelled';
like $languages, qr{<button>[^<]+</button>}, 'and sent without script';
my $chosen = $switch->post('/cookie-policy/language', [ language => 'de-AT' ]);
is $chosen->status, 303, 'as the form sends it';
is $chosen->header('location'), '/cookie-policy', 'back to the page';
like decode_utf8($switch->get('/cookie-policy')->body),
    qr{<option value="de-AT" lang="de-AT" selected>}, 'which speaks it';
unlike page_of($_), qr{/language"}, "nothing to switch: $_"
    for qw(one.example mute.example);

# --- JSON --------------------------------------------------------------------

my $json = decode_json($visitor->get('/cookie-policy.json',
    headers => [ 'Accept-Language' => 'en' ])->body);
my %of = map { $_->{name} => $_ } @{ $json->{categories} };
my %cookie = map { $_->{name} => $_ } @{ $of{statistics}{cookies} };
is $json->{language}, 'en', 'JSON: language';
is $json->{consent_days}, 90, 'for how long a choice holds';
is $json->{gpc}, JSON::PP::false, 'no signal';
is $json->{controller}{contact}, 'privacy@city.example', 'who answers';
is $of{statistics}{choice}, 'refused', 'the choice';
is $of{statistics}{allowed}, JSON::PP::false, 'not allowed';
is $of{statistics}{rule}, 'consent', 'the rule';
like $of{statistics}{digest}, qr/\A[\w-]{8}\z/, 'the digest';
is $of{statistics}{title}, 'Statistics', 'the title';
is_deeply $of{'third-party'}{third_parties},
    [ 'https://maps.example', 'https://*.tiles.example:8443' ], 'third parties';
is_deeply $cookie{_ga}, {
    name => '_ga', storage => 'cookie', provider => 'Google',
    'provider-url' => 'https://policies.example/?a&b', function => 'Counting',
    location => 'everywhere', purpose => 'To count', lifetime => '13 months',
    seconds => 13 * 2592000, service => 'Analytics 4', party => 'third' },
    'a cookie';
is $cookie{'~^_gat_'}{seconds}, 60, 'a pattern';
is $of{'first-party'}{cookies}[0]{storage}, 'local', 'another storage';
is $of{'statistics-anonymous'}{cookies}[0]{seconds}, 0, 'a session\'s';
is decode_json(fetch(port => $server->port, host => 'plain.example',
    path => '/cookie-policy.json')->body)->{categories}[0]{cookies}[0]{wire_name},
    '__Host-sessionid', 'the name on the wire';

# --- The site's own frame ----------------------------------------------------

my $framed = fetch(port => $server->port, host => 'framed.example',
                   path => '/cookie-policy', headers => [ 'Accept-Language' => 'fr' ]);
my $inside = decode_utf8($framed->body);
like $inside, qr{\A<!DOCTYPE html>\n<html lang="fr" dir="ltr"><title>Politique de cookies - Ours</title>},
    'the site\'s head';
like $inside, qr{<p>Politique de cookies, fr</p>\n<main><h1>.*</main><p>Our foot</p>\n\z}s,
    'and foot around the page';
my ($own, $third_parties) = split /, /, $framed->header('content-security-policy');
is $own, "frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    'whose styles may work';
like $third_parties, qr/style-src 'self' data: blob: 'unsafe-inline';/,
    'while it loads nothing of third parties that are not allowed';
is fetch(port => $server->port, host => 'page.example', path => '/cookie-policy')
    ->header('content-security-policy'),
    "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    'without it nothing of others may';
$server->stop;

$server->file('bytes.html', "\xff{{content}}");
$server->file('nul.html', "a\0{{content}}");
$server->file('long.html', 'x' x (1024 * 1024) . '{{content}}');
$server->file('full.html', 'x' x (1024 * 1024 - 11) . '{{content}}');
$server->file('none.html', '<p>');
$server->file('two.html', '{{content}}{{content}}');
$server->file('odd.html', "{{content}}\n{{menu}}");
for my $case (
    [ 'absent.html', 'cannot be read' ], [ 'logs', 'no file' ],
    [ 'bytes.html', 'UTF-8' ], [ 'nul.html', 'UTF-8' ],
    [ 'long.html', '1 MB' ], [ 'none.html', 'no \{\{content' ],
    [ 'two.html', 'more than once' ], [ 'odd.html', 'line 2' ],
) {
    my ($name, $why) = @$case;

    $server->configure("CookiePolicy On\nCookiePolicyStateDir {STATE}\n"
                       . "CookiePolicyTemplate $name\n");
    my ($good, $said) = $server->check;
    ok !$good, "refused: $name";
    like $said, qr/CookiePolicyTemplate .*\Q$name\E: .*$why/, 'and why';
}
$server->configure("CookiePolicy On\nCookiePolicyStateDir {STATE}\n"
                   . "CookiePolicyTemplate full.html\n");
ok +($server->check)[0], 'as long as it may be';
$server->configure($config . "CookiePolicyTemplate other.html\n");
ok $server->start, 'a template of the main server' or diag $server->log;
like page_of('plain.example'), qr/\A<p>Inner/, 'is around the pages of its hosts';
like page_of('framed.example'), qr/Our foot/, 'but for those with one of their own';

done_testing;
