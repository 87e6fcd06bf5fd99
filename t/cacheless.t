# Where mod_cache is not loaded one filter does what two do elsewhere: commands
# are taken and obeyed, the rooms hear, Vary is completed, and all that is set
# is judged.
use strict;
use warnings;

use File::Temp ();
use Test::More;

use CookiePolicy::Client qw(form_encode);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

my $modules = File::Temp->new;
open my $in, '<', $ENV{CP_MODULES} or die "$ENV{CP_MODULES}: $!";
print $modules grep { !/^LoadModule cache/ } <$in>;
close $in;
close $modules;

local $ENV{CP_MODULES} = "$modules";
my $server = CookiePolicy::Server->new(config => <<'CONFIG');
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session login
CookiePolicyLanguage en fr
CookiePolicyCookie theme necessary
CookiePolicyCookie count statistics
CONFIG
ok $server->start, 'without mod_cache' or BAIL_OUT($server->log);

my $visitor = CookiePolicy::Visitor->new('own.example', port => $server->port);

sub answer_with {
    return $visitor->get('/cgi/echo.pl?' . form_encode([ map { (h => $_) } @_ ]));
}

is $visitor->get('/')->issued,
    'cookies_preferences csrftoken django_language sessionid',
    'a newcomer gets four cookies';
my $answer = answer_with('X-Session: :user=ann&colour=green');
is $answer->header('x-session'), undef, 'commands do not reach the browser';
is $answer->issued, 'csrftoken sessionid', 'and are obeyed';
$answer = $visitor->look;
is $answer->seen('COOKIEPOLICY_USER'), 'ann', 'ann is logged in';
is $answer->seen('COOKIEPOLICY_SESSION_ATTR_colour'), 'green', 'with an attribute';
is $answer->issued, '', 'and is given nothing more';
$answer = answer_with('Set-Cookie: theme=dark', 'Set-Cookie: other=1',
                      'Set-Cookie: count=1', 'Set-Cookie2: a=b');
is $answer->issued, 'theme', 'what is declared and allowed passes alone';
is $answer->header('set-cookie2'), undef, 'and nothing of old';
like $answer->header('cache-control'), qr/private/, 'to nobody else';
is answer_with('Set-Cookie: django_language=fr')->cookie('django_language'),
    'fr', 'a language that the application sets is heard';
is $visitor->look->seen('COOKIEPOLICY_LANGUAGE'), 'fr', 'and spoken';
like answer_with('Vary: Accept-Language')->header('vary'), qr/Cookie/,
    'Vary is completed';

done_testing;
