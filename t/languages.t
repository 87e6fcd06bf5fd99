# The policy page in each language that is built in: its language and
# direction, well-formed text, and no word that is missing or left unfilled;
# and the size of what the banner needs of it at first.
use strict;
use warnings;
use utf8;

use Encode qw(decode FB_CROAK);
use File::Basename qw(basename);
use JSON::PP qw(decode_json);
use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Server ();

plan skip_all => 'the same under each MPM: once is enough'
    if $ENV{CP_MPM} ne 'event';

binmode Test::More->builder->$_, ':encoding(UTF-8)'
    for qw(output failure_output todo_output);

# Bytes of the texts that are fetched before the first choice.
my $FIRST_MAX = 1500;

sub words_of {
    my ($path) = @_;

    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/;
    return decode_json(<$file>);
}

my %words = map { basename($_, '.json') => words_of($_) }
    glob 'share/languages/*.json';
my @tags = sort keys %words;
my $server = CookiePolicy::Server->new;

ok $words{en}, 'languages are found';
$server->configure(<<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicyLanguage @tags
CookiePolicyCookie _ga statistics lifetime=13M
CookiePolicyCookie ~^_gat_ statistics lifetime=2d
CookiePolicyCookie theme first-party storage=local
CookiePolicyCookie visits statistics-anonymous lifetime=session
CookiePolicyThirdParty third-party https://maps.example
CookiePolicyAttributes sessionid name=__Host-sessionid secure=on
CookiePolicyConsentLog none
CookiePolicyBanner On
CookiePolicyController name=City contact=privacy\@city.example
CONFIG
ok $server->start, 'a server that speaks them all' or diag $server->log;

# As it stands in HTML.
sub written {
    my ($text) = @_;
    my %entity = ('&' => 'amp', '<' => 'lt', '>' => 'gt', '"' => 'quot',
                  "'" => '#39');

    $text =~ s/([&<>"'])/&$entity{$1};/g;
    return $text;
}

for my $tag (@tags) {
    my $own = $words{$tag};
    my $answer = fetch(port => $server->port, host => 'page.example',
                       path => '/cookie-policy',
                       headers => [ "Accept-Language" => $tag ]);
    my $page = eval { decode('UTF-8', $answer->body, FB_CROAK) } // '';

    is $answer->status, 200, "$tag: the page";
    like $page, qr/<html lang="$tag" dir="\Q$own->{'language.direction'}\E">/,
        "$tag: is UTF-8, in its language and direction";
    for my $key (qw(page.intro what.cookie rights.withdraw rights.complain
        choices.reject-all choices.accept-all time.session)) {
        ok index($page, written($own->{$key})) >= 0, "$tag: $key";
    }
    unlike $page, qr/[{}]/, "$tag: no place left unfilled";
    my @bare = grep { $page =~ /(?<![\w.-])\Q$_\E(?![\w.-])/ } keys %$own;
    is "@bare", '', "$tag: no key for a text";
    my $first = fetch(port => $server->port, host => 'page.example',
                      path => "/cookie-policy/banner.x.$tag.json")->body;
    is decode_json($first)->{accept}, $own->{'choices.accept-all'},
        "$tag: the banner's texts";
    cmp_ok length $first, '<=', $FIRST_MAX, "$tag: are few bytes";
    next if $own->{'language.direction'} ne 'rtl';
    like $page, qr/<code dir="ltr">cookies_preferences</,
        "$tag: a name is read from left to right";
}

done_testing;
