# The verdicts of the CSRF check, a row each: what a request brings, and
# whether it passes or for which reason it does not.
use strict;
use warnings;

use JSON::PP qw(decode_json);
use Test::More;
use Text::ParseWords qw(shellwords);

use CookiePolicy::Client qw(fetch form_encode masked);
use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

plan skip_all => 'the same under each MPM: once is enough'
    if $ENV{CP_MPM} ne 'event';

# A row: HOST METHOD, what differs from a plain request, => the verdict.
# HOST is the first label of a virtual host below, `/https` behind it one that
# is asked by TLS. The request brings the cookies of a visitor of that host,
# and nothing else unless the row says so:
#
#   cookie=  own (as by default), none, session (without the csrftoken),
#            token (without the session), other (the csrftoken of another
#            visitor), realm (both cookies of another host), forged, short,
#            token-first and token-last (another visitor's csrftoken planted
#            before or behind the own), or what is said literally
#   header=, form=  the token in X-CSRFToken or in the form's field: plain,
#            masked, wrong, wrong-masked, short, long, 63, 65, signs, blank,
#            empty, other, realm, half; or what is said literally
#   jar=     the host whose visitor it is
#   path=    what is asked for, instead of the echo program
#   host= site= origin= referer= upgrade= and so on: request headers, also
#            several of a name; `own` is the host's own origin
#
# The verdict is `pass`, or the reason of the refusal; `refused` where an
# answer without a body cannot tell.
my $TABLE = <<'TABLE';
# --- Methods: GET, HEAD, OPTIONS and TRACE are safe, nothing else is.
on GET                                                         => pass
on HEAD                                                        => pass
on OPTIONS                                                     => pass
on TRACE                                                       => pass
on GET      site=cross-site origin=http://evil.example         => pass
on HEAD     site=cross-site origin=http://evil.example         => pass
on OPTIONS  site=cross-site origin=http://evil.example         => pass
on TRACE    site=cross-site origin=http://evil.example         => pass
on GET      origin=null                                        => pass
on GET      cookie=none site=cross-site                        => pass
on POST                                                        => no-token
on PUT                                                         => no-token
on PATCH                                                       => no-token
on DELETE                                                      => no-token
on PROPFIND                                                    => no-token
on PROPPATCH                                                   => no-token
on MKCOL                                                       => no-token
on COPY                                                        => no-token
on MOVE                                                        => no-token
on LOCK                                                        => no-token
on UNLOCK                                                      => no-token
on REPORT                                                      => no-token
on SEARCH                                                      => no-token
on MERGE                                                       => no-token
on BREW                                                        => no-token
on get                                                         => no-token
on Get                                                         => no-token
on head                                                        => no-token
on GETX                                                        => no-token
on PUT      header=plain                                       => pass
on PATCH    header=plain                                       => pass
on DELETE   header=masked                                      => pass
on PROPFIND header=plain                                       => pass
on REPORT   header=masked                                      => pass
on LOCK     header=plain                                       => pass
on BREW     header=plain                                       => pass
on get      header=plain                                       => pass
on PROPFIND header=plain site=cross-site                       => cross-site
on get      header=plain origin=http://evil.example            => origin

# --- CORS: a preflight is the application's to answer, what follows is not.
on OPTIONS  origin=http://evil.example acrm=POST acrh=x-csrftoken => pass
on OPTIONS  origin=null acrm=PUT site=cross-site               => pass
origin OPTIONS origin=http://evil.example acrm=POST            => pass
on POST     origin=http://evil.example acrm=POST header=plain  => origin

# --- Tokens
on POST     header=plain                                       => pass
on POST     header=masked                                      => pass
on POST     form=plain                                         => pass
on POST     form=masked                                        => pass
on POST     header=wrong                                       => token
on POST     header=wrong-masked                                => token
on POST     header=short                                       => token
on POST     header=long                                        => token
on POST     header=63                                          => token
on POST     header=65                                          => token
on POST     header=signs                                       => token
on POST     header=blank                                       => token
on POST     header=empty                                       => token
on POST     header=other                                       => token
on POST     header=realm                                       => token
on POST     header=half                                        => token
on POST     form=wrong                                         => token
on POST     form=wrong-masked                                  => token
on POST     form=short                                         => token
on POST     form=long                                          => token
on POST     form=signs                                         => token
on POST     form=empty                                         => token
on POST     form=other                                         => token
on POST     form=realm                                         => token
on POST     header=plain header=plain                          => token
on POST     header=plain form=wrong                            => pass
on POST     header=wrong form=plain                            => token
on POST     header=empty form=plain                            => token
on POST     header=plain type=multipart/form-data              => pass
on POST     form=plain type=multipart/form-data                => no-token
on POST     form=plain type=text/plain                         => no-token
on POST     form=plain type=application/json                   => no-token
on POST     form=plain type='APPLICATION/X-WWW-FORM-URLENCODED; charset=utf-8' => pass
on POST     query=plain                                        => no-token

# --- Cookies
on POST     cookie=none header=plain                           => no-cookie
on POST     cookie=none                                        => no-cookie
on POST     cookie=session header=plain                        => no-cookie
on POST     cookie=token header=plain                          => no-cookie
on POST     cookie=token form=plain                            => no-cookie
on POST     cookie=other header=plain                          => no-cookie
on POST     cookie=other header=other                          => no-cookie
on POST     cookie=realm header=realm                          => no-cookie
on POST     cookie=forged header=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa => no-cookie
on POST     cookie=short header=short                          => no-cookie
on POST     cookie=token-first header=plain                    => pass
on POST     cookie=token-last header=plain                     => pass
on POST     cookie=token-first header=other                    => token
on POST     cookie=token-last header=other                     => token
on POST     cookie=token-first form=masked                     => pass
on POST     cookie=token-last form=wrong                       => token

# --- Sec-Fetch-Site comes first, and does not replace the token.
on POST     site=same-origin header=plain                      => pass
on POST     site=none header=plain                             => pass
on POST     site=same-origin                                   => no-token
on POST     site=none                                          => no-token
on POST     site=same-origin header=wrong                      => token
on POST     site=same-origin cookie=none                       => no-cookie
on POST     site=same-site header=plain                        => cross-site
on POST     site=cross-site header=plain                       => cross-site
on POST     site=cross-site                                    => cross-site
on POST     site=cross-site cookie=none                        => cross-site
on POST     site= header=plain                                 => cross-site
on POST     site=Same-Origin header=plain                      => cross-site
on POST     site=same-origin/x header=plain                    => cross-site
on POST     site=same-origin site=same-origin header=plain     => cross-site
on POST     site=cross-site site=same-origin header=plain      => cross-site
on POST     site=nonsense header=plain                         => cross-site
on POST     site=cross-site origin=own header=plain            => cross-site
on POST     site=same-site origin=own header=plain             => cross-site
on POST     site=same-origin origin=null header=plain          => pass
on POST     site=same-origin origin=http://evil.example header=plain => pass
on/https POST site=same-origin referer=https://evil.example/ header=plain => pass
on/https POST site=cross-site referer=own header=plain         => cross-site

# --- Origin
on POST     origin=own header=plain                            => pass
on POST     origin=own form=masked                             => pass
on POST     origin=own                                         => no-token
on POST     origin=http://on.example:80 header=plain           => pass
on POST     origin=HTTP://ON.EXAMPLE header=plain              => pass
on POST     origin=http://on.example./ header=plain            => origin
on POST     origin=http://on.example/ header=plain             => origin
on POST     origin=http://on.example/path header=plain         => origin
on POST     origin='http://on.example?q' header=plain          => origin
on POST     origin='http://on.example#f' header=plain          => origin
on POST     origin=http://on.example: header=plain             => origin
on POST     origin=http://on.example:81 header=plain           => origin
on POST     origin=http://on.example:0 header=plain            => origin
on POST     origin=http://on.example:65616 header=plain        => origin
on POST     origin=http://on.example:4294967376 header=plain   => origin
on POST     origin=http://on.example:80x header=plain          => origin
on POST     origin=http://on.example:+80 header=plain          => origin
on POST     origin=http://:80 header=plain                     => origin
on POST     origin=http:// header=plain                        => origin
on POST     origin=http://80 header=plain                      => origin
on POST     origin=https://on.example header=plain             => origin
on POST     origin=https://on.example:80 header=plain          => origin
on POST     origin=ws://on.example header=plain                => origin
on POST     origin=file:// header=plain                        => origin
on POST     origin=on.example header=plain                     => origin
on POST     origin=//on.example header=plain                   => origin
on POST     origin=http:on.example header=plain                => origin
on POST     origin=http://evil.example header=plain            => origin
on POST     origin=http://sub.on.example header=plain          => origin
on POST     origin=http://example header=plain                 => origin
on POST     origin=http://evilon.example header=plain          => origin
on POST     origin=http://on.example.evil.example header=plain => origin
on POST     origin=http://on.example@evil.example header=plain => origin
on POST     origin=http://evil.example@on.example header=plain => origin
on POST     origin=http://user:pass@on.example header=plain    => origin
on POST     origin='http://on.example\.evil.example' header=plain => origin
on POST     origin='http://evil.example\@on.example' header=plain => origin
on POST     origin=http://evil.example/on.example header=plain => origin
on POST     origin=http://evil.example#on.example header=plain => origin
on POST     origin='http://on.example http://evil.example' header=plain => origin
on POST     origin=own origin=own header=plain                 => origin
on POST     origin=own origin=http://evil.example header=plain => origin
on POST     origin=http://evil.example origin=own header=plain => origin
on POST     origin=null origin=own header=plain                => origin
on POST     origin= header=plain                               => origin
on POST     origin=http://on%2Eexample header=plain            => origin
on POST     origin=http://münchen.example header=plain         => origin
on POST     origin=http://xn--mnchen-3ya.example header=plain  => origin
on POST     origin=http://[::1] header=plain                   => origin
on POST     origin=http://127.0.0.1 header=plain               => origin
on POST     origin=very-long header=plain                      => origin
on POST     origin=null header=plain                           => null-origin
on POST     origin=null                                        => null-origin
on POST     origin=null cookie=none                            => null-origin
on POST     origin=NULL header=plain                           => origin
on POST     origin=http://null header=plain                    => origin
on POST     origin=http://evil.example referer=own header=plain => origin
on POST     origin=own referer=http://evil.example/ header=plain => pass
on/https POST origin=own header=plain                          => pass
on/https POST origin=https://on.example:443 header=plain       => pass
on/https POST origin=https://on.example:444 header=plain       => origin
on/https POST origin=http://on.example header=plain            => origin
on/https POST origin=http://on.example:443 header=plain        => origin
on/https POST origin=own referer=https://evil.example/ header=plain => pass
on/https POST origin=null referer=own header=plain             => null-origin

# --- Referer counts on https, where it is all there is.
on POST     referer=http://evil.example/ header=plain          => pass
on POST     referer=http://evil.example/                       => no-token
on/https POST header=plain                                     => pass
on/https POST referer=https://on.example/ header=plain         => pass
on/https POST referer=https://on.example/a?b=https://evil.example/ header=plain => pass
on/https POST referer=https://on.example header=plain          => pass
on/https POST referer=https://on.example:443/a header=plain    => pass
on/https POST referer=HTTPS://On.Example/a header=plain        => pass
on/https POST referer=https://on.example/a                     => no-token
on/https POST referer=long-path header=plain                   => pass
on/https POST referer=very-long header=plain                   => referer
on/https POST referer=https://on.example:8443/ header=plain    => referer
on/https POST referer=http://on.example/ header=plain          => referer
on/https POST referer=https://evil.example/ header=plain       => referer
on/https POST referer=https://evil.example/on.example header=plain => referer
on/https POST referer=https://evil.example?https://on.example/ header=plain => referer
on/https POST referer=https://evil.example#@on.example/ header=plain => referer
on/https POST referer='https://evil.example\@on.example/' header=plain => referer
on/https POST referer=https://on.example@evil.example/ header=plain => referer
on/https POST referer=https://on.example.evil.example/ header=plain => referer
on/https POST referer= header=plain                            => referer
on/https POST referer=about:client header=plain                => referer
on/https POST referer=/relative header=plain                   => referer
on/https POST referer=own referer=own header=plain             => referer
on/https POST referer=https://evil.example/ referer=own header=plain => referer

# --- The host that was addressed: ports, addresses, spelling.
on POST     host=on.example:8080 origin=http://on.example:8080 header=plain => pass
on POST     host=on.example:8080 origin=http://on.example header=plain => origin
on POST     host=on.example:80 origin=http://on.example header=plain => pass
on POST     host=on.example:443 origin=https://on.example header=plain => origin
on/https POST host=on.example:8443 origin=https://on.example:8443 header=plain => pass
on/https POST host=on.example:8443 origin=https://on.example header=plain => origin
on/https POST host=on.example:443 origin=https://on.example header=plain => pass
on/https POST host=on.example:80 origin=https://on.example header=plain => origin
on POST     host=ON.Example jar=on.example origin=http://on.example header=plain => pass
on POST     host=on.example. jar=on.example origin=http://on.example. header=plain => pass
on POST     host=on.example. jar=on.example origin=http://on.example header=plain => pass
on POST     host=on.example.:8080 jar=on.example origin=http://on.example.:8080 header=plain => pass
on POST     host=on.example. jar=on.example origin=http://example. header=plain => origin
on POST     host=[::1] origin=http://[::1] header=plain        => pass
on POST     host=[::1] origin=http://[::1]:80 header=plain     => pass
on POST     host=[::1] origin=http://[::1]:8080 header=plain   => origin
on POST     host=[::1] origin=http://[::2] header=plain        => origin
on POST     host=[::1] origin=http://::1 header=plain          => origin
on POST     host=[::1]:8080 origin=http://[::1]:8080 header=plain => pass
on POST     host=[::1]:8080 origin=http://[::1] header=plain   => origin
on POST     host=[::1] origin=http://[::1].example header=plain => origin
on POST     host=[::1] origin=http://[0:0:0:0:0:0:0:1] header=plain => pass
on POST     host=[2001:DB8::A] origin=http://[2001:db8::a] header=plain => pass
on/https POST host=[::1]:8443 origin=https://[::1]:8443 header=plain => pass
on/https POST host=[::1]:8443 referer=https://[::1]:8443/ header=plain => pass
on POST     host=127.0.0.1:8080 origin=http://127.0.0.1:8080 header=plain => pass
on POST     host=alias.example origin=http://alias.example header=plain => pass
on POST     host=alias.example origin=http://on.example header=plain => origin
on POST     host=a.wild.example origin=http://a.wild.example header=plain => pass
on POST     host=a.wild.example origin=http://b.wild.example header=plain => origin
on POST     host=a.wild.example jar=b.wild.example origin=http://a.wild.example header=plain => no-cookie

# --- The target in absolute form counts, and the Host header beside it not.
on POST     path=http://on.example/cgi/echo.pl host=evil.example jar=on.example origin=http://on.example header=plain => pass
on POST     path=http://on.example/cgi/echo.pl host=evil.example jar=on.example origin=http://evil.example header=plain => origin
on POST     path=http://on.example:8080/cgi/echo.pl host=on.example origin=http://on.example:8080 header=plain => pass
on POST     path=http://on.example:8080/cgi/echo.pl host=on.example origin=http://on.example header=plain => origin
on POST     path=http://ON.example/cgi/echo.pl host=on.example origin=http://on.example header=plain => pass
on POST     path=http://[::1]:8080/cgi/echo.pl host=on.example jar=[::1] origin=http://[::1]:8080 header=plain => pass
lenient POST path=http://lenient.example:8080/cgi/echo.pl host=evil.example jar=lenient.example origin=http://lenient.example:8080 header=plain => pass
lenient POST path=http://lenient.example/cgi/echo.pl host=evil.example jar=lenient.example origin=http://evil.example header=plain => origin
lenient POST path=http://lenient.example./cgi/echo.pl host=evil.example jar=lenient.example origin=http://lenient.example header=plain => pass
lenient POST path=http://lenient.example/cgi/echo.pl host=lenient.example:81 jar=lenient.example origin=http://lenient.example header=plain => pass

# --- UseCanonicalName is about links that the server writes.
canonical POST origin=own header=plain                         => pass
canonical POST host=other-name.example origin=http://other-name.example header=plain => pass
canonical POST host=other-name.example origin=http://canonical.example header=plain => origin
canonical POST host=canonical.example:8080 origin=http://canonical.example:8080 header=plain => pass

# --- ServerName https://...: what httpd itself takes for the scheme.
offloaded POST origin=https://offloaded.example header=plain   => pass
offloaded POST origin=http://offloaded.example header=plain    => origin
offloaded POST referer=https://evil.example/ header=plain      => referer

# --- Trusted origins: they pass the origin check, and need a token.
trust POST  origin=https://partner.example header=plain        => pass
trust POST  origin=https://partner.example:443 header=plain    => pass
trust POST  origin=https://PARTNER.example header=plain        => pass
trust POST  origin=https://partner.example                     => no-token
trust POST  origin=https://partner.example cookie=none         => no-cookie
trust POST  site=cross-site origin=https://partner.example header=plain => pass
trust POST  site=same-site origin=https://partner.example header=plain => pass
trust POST  site=cross-site origin=https://partner.example header=wrong => token
trust POST  site=cross-site origin=http://trust.example header=plain => cross-site
trust POST  site=cross-site referer=https://partner.example/ header=plain => cross-site
trust POST  origin=http://partner.example header=plain         => origin
trust POST  origin=https://partner.example:80 header=plain     => origin
trust POST  origin=https://partner.example:444 header=plain    => origin
trust POST  origin=https://partner.example/ header=plain       => origin
trust POST  origin=https://sub.partner.example header=plain    => origin
trust POST  origin=https://a.friends.example header=plain      => pass
trust POST  origin=https://a.b.friends.example header=plain    => pass
trust POST  origin=https://friends.example header=plain        => origin
trust POST  origin=https://.friends.example header=plain       => origin
trust POST  origin=https://*.friends.example header=plain      => origin
trust POST  origin=https://evilfriends.example header=plain    => origin
trust POST  origin=https://a.friends.example.evil.example header=plain => origin
trust POST  origin='https://evil/.friends.example' header=plain => origin
trust POST  origin='https://evil\.friends.example' header=plain => origin
trust POST  origin='https://evil .friends.example' header=plain => origin
trust POST  origin=https://evil@a.friends.example header=plain => origin
trust POST  origin=https://folded.example header=plain         => pass
trust POST  origin=http://odd.example:8081 header=plain        => pass
trust POST  origin=http://odd.example header=plain             => origin
trust POST  origin=https://[2001:db8::5]:8443 header=plain     => pass
trust POST  origin=https://[2001:DB8::5]:8443 header=plain     => pass
trust POST  origin=https://[2001:db8::5] header=plain          => origin
trust POST  origin=null header=plain                           => null-origin
trust POST  site=cross-site origin=null header=plain           => cross-site
trust POST  origin=https://partner.example origin=https://partner.example header=plain => origin
trust/https POST referer=https://partner.example/a header=plain => pass
trust/https POST referer=http://partner.example/a header=plain => referer
trust GET   origin=https://partner.example upgrade=websocket   => pass

# --- CookiePolicyCsrf Origin: the first half alone.
origin POST                                                    => no-origin
origin POST cookie=none                                        => pass
origin POST cookie=forged                                      => no-origin
origin POST cookie=none site=same-origin                       => pass
origin POST site=same-origin                                   => pass
origin POST site=none                                          => pass
origin POST site=same-site                                     => cross-site
origin POST site=cross-site                                    => cross-site
origin POST site=cross-site cookie=none                        => cross-site
origin POST origin=own                                         => pass
origin POST origin=own cookie=none                             => pass
origin POST origin=http://evil.example                         => origin
origin POST origin=http://evil.example cookie=none             => origin
origin POST origin=null                                        => null-origin
origin POST origin=null cookie=none                            => null-origin
origin POST origin=                                            => origin
origin POST origin=own header=wrong                            => pass
origin POST cookie='sessionid=junk'                            => no-origin
origin POST cookie='csrftoken=junk'                            => pass
origin POST cookie='other=1'                                   => pass
apporigin POST cookie='sessionid=of-the-application'           => no-origin
apporigin POST cookie='sessionid=of-the-application' origin=own => pass
apporigin POST cookie=none                                     => pass
lessorigin POST cookie='sessionid=of-the-application'          => no-origin
lessorigin POST cookie='sessionid=of-the-application' site=same-origin => pass
renamed POST cookie='sess=junk'                                => no-origin
renamed POST cookie='sess=junk' origin=own                     => pass
renamed POST cookie='sess=junk' origin=http://evil.example     => origin
origin POST referer=own                                        => no-origin
origin POST referer=http://evil.example/ cookie=none           => pass
origin PROPFIND                                                => no-origin
origin DELETE cookie=none                                      => pass
origin get                                                     => no-origin
origin GET                                                     => pass
origin/https POST                                              => no-origin
origin/https POST cookie=none                                  => pass
origin/https POST referer=own                                  => pass
origin/https POST referer=https://evil.example/                => referer
origin/https POST referer=https://evil.example/ cookie=none    => referer
origin/https POST referer=                                     => referer

# --- CookiePolicyCsrf Off, for a host and by <Location> for a webhook.
off POST    site=cross-site origin=http://evil.example         => pass
off POST    origin=null cookie=none                            => pass
off DELETE                                                     => pass
off GET     origin=http://evil.example upgrade=websocket       => pass
on POST     path=/hook/echo.pl cookie=none                     => pass
on POST     path=/hook/echo.pl origin=http://evil.example site=cross-site => pass
on POST     path=/hook/echo.pl header=wrong                    => pass
on POST     path=/hook/../cgi/echo.pl                          => no-token
on POST     path=/hook/%2e%2e/cgi/echo.pl                      => no-token
on POST     path=//hook/echo.pl cookie=none                    => pass
on POST     path=/nohook/echo.pl cookie=none                   => no-cookie
on POST     path=/machine/echo.pl cookie=none                  => pass
on POST     path=/machine/echo.pl                              => no-origin
on POST     path=/machine/echo.pl origin=http://evil.example   => origin
on PROPFIND path=/machine/echo.pl cookie=none                  => pass

# --- WebSocket handshakes: the origin, no token.
on GET      upgrade=websocket                                  => pass
on GET      upgrade=websocket origin=own                       => pass
on GET      upgrade=websocket site=same-origin                 => pass
on GET      upgrade=websocket site=cross-site                  => cross-site
on GET      upgrade=websocket site=same-site origin=own        => cross-site
on GET      upgrade=websocket origin=http://evil.example       => origin
on GET      upgrade=websocket origin=http://evil.example cookie=none => origin
on GET      upgrade=websocket origin=null                      => null-origin
on GET      upgrade=WebSocket origin=http://evil.example       => origin
on GET      upgrade=WEBSOCKET origin=http://evil.example       => origin
on GET      upgrade='h2c, websocket' origin=http://evil.example => origin
on GET      upgrade='websocket,foo/2' origin=http://evil.example => origin
on GET      upgrade='foo/2 , WebSocket' origin=http://evil.example => origin
on GET      upgrade=foo upgrade=websocket origin=http://evil.example => origin
on GET      upgrade=websocket/13 origin=http://evil.example    => origin
on GET      upgrade=websockets origin=http://evil.example      => pass
on GET      upgrade=h2c origin=http://evil.example             => pass
on GET      upgrade=websocket origin=ws://on.example           => origin
on HEAD     upgrade=websocket origin=http://evil.example       => refused
on OPTIONS  upgrade=websocket origin=http://evil.example       => origin
on POST     upgrade=websocket origin=own                       => no-token
on POST     upgrade=websocket origin=own header=plain          => pass
on/https GET upgrade=websocket referer=https://evil.example/   => referer
origin GET  upgrade=websocket                                  => pass
origin GET  upgrade=websocket origin=http://evil.example       => origin

# --- Report refuses nothing.
report POST                                                    => pass
report POST site=cross-site                                    => pass
report POST origin=null                                        => pass
report GET  upgrade=websocket origin=http://evil.example       => pass

# --- Sessions of the application, or none: the token alone.
app POST    header=plain                                       => pass
app POST    header=wrong                                       => token
app POST    cookie=none header=plain                           => no-cookie
app POST    cookie=realm header=realm                          => no-cookie
less POST   header=plain                                       => pass
less POST   cookie=token header=masked                         => pass
less POST   header=other                                       => token
less POST   cookie=realm header=realm                          => no-cookie
less POST   origin=http://evil.example header=plain            => origin

# --- ErrorDocument 403: the reason is in its environment.
page POST                                                      => no-token
page POST   header=wrong                                       => token
page POST   site=cross-site header=plain                       => cross-site
page PUT    origin=null                                        => null-origin
page POST   header=plain                                       => pass

# --- Behind a proxy whose word counts.
behind POST origin=own header=plain                            => pass
behind POST xfp=https origin=https://behind.example header=plain => pass
behind POST xfp=https origin=http://behind.example header=plain => origin
behind POST xfp=HTTPS origin=https://behind.example header=plain => pass
behind POST xfp=http origin=http://behind.example header=plain => pass
behind POST xfp=wss origin=http://behind.example header=plain  => pass
behind POST xfp=wss origin=https://behind.example header=plain => origin
behind POST xfp= origin=http://behind.example header=plain     => pass
behind POST xfp=https referer=https://evil.example/ header=plain => referer
behind POST xfp=https xfh=www.example jar=www.example origin=https://www.example header=plain => pass
behind POST xfp=https xfh=www.example jar=www.example origin=https://behind.example header=plain => origin
behind POST xfp=https xfh=www.example origin=https://www.example header=plain => no-cookie
behind POST xfp=https xfh=WWW.Example. jar=www.example origin=https://www.example header=plain => pass
behind POST xfp=https xfh=www.example:8443 jar=www.example origin=https://www.example:8443 header=plain => pass
behind POST xfp=https xfh=www.example:8443 jar=www.example origin=https://www.example header=plain => origin
behind POST xfp=https xfport=8443 origin=https://behind.example:8443 header=plain => pass
behind POST xfp=https xfport=8443 origin=https://behind.example header=plain => origin
behind POST xfp=https xfport=443 origin=https://behind.example header=plain => pass
behind POST xfp=https xfh=www.example xfport=8443 jar=www.example origin=https://www.example:8443 header=plain => pass
behind POST xfp=https xfh=www.example:9443 xfport=8443 jar=www.example origin=https://www.example:9443 header=plain => pass
behind POST xfp=https xfport='80, 8443' origin=https://behind.example:8443 header=plain => pass
behind POST xfp=https xfport=0 origin=https://behind.example header=plain => pass
behind POST xfp=https xfport=65979 origin=https://behind.example header=plain => pass
behind POST xfp=https xfport=https origin=https://behind.example header=plain => pass
behind POST xfp=https xfport=-8443 origin=https://behind.example header=plain => pass
behind POST xfp='http, https' origin=https://behind.example header=plain => pass
behind POST xfp='https, http' origin=https://behind.example header=plain => origin
behind POST xfp=http xfp=https origin=https://behind.example header=plain => pass
behind POST xfh='evil.example, www.example' jar=www.example origin=http://www.example header=plain => pass
behind POST xfh='evil.example, www.example' jar=www.example origin=http://evil.example header=plain => origin
behind POST xfh='evil.example,' origin=http://evil.example header=plain => origin
behind POST xfh='a b' origin=http://behind.example header=plain => pass
behind POST xfh='evil.example/' origin=http://behind.example header=plain => pass
behind POST xfh='www.example:x' origin=http://behind.example header=plain => pass
behind POST xfh=user@www.example origin=http://behind.example header=plain => pass
behind POST xfh=[::1]:8080 jar=[::1] origin=http://[::1]:8080 header=plain => pass
behind POST forwarded='host=www.example;proto=https' jar=www.example origin=https://www.example header=plain => pass
behind POST forwarded='for=192.0.2.1; Proto="https"; HOST="www.example:8443"' jar=www.example origin=https://www.example:8443 header=plain => pass
behind POST forwarded='for="[2001:db8::1]:47011";proto=https;host="[::1]:8443"' jar=[::1] origin=https://[::1]:8443 header=plain => pass
behind POST forwarded='host=evil.example;proto=http, host=www.example;proto=https' jar=www.example origin=https://www.example header=plain => pass
behind POST forwarded='host=evil.example, for=192.0.2.1' origin=http://evil.example header=plain => origin
behind POST forwarded='for="unclosed, host=www.example;proto=https' jar=www.example origin=https://www.example header=plain => pass
behind POST forwarded='proto=https' origin=https://behind.example header=plain => pass
behind POST forwarded='proto=https' xfh=evil.example xfp=http origin=https://behind.example header=plain => pass
behind POST forwarded=garbage xfp=https origin=http://behind.example header=plain => pass
behind POST forwarded='host="a\"b"' origin=http://behind.example header=plain => pass
behind/https POST xfp=http origin=http://behind.example header=plain => pass
behind/https POST origin=https://behind.example header=plain   => pass

# --- Whoever else says so is not heard.
on POST     xfp=https origin=https://on.example header=plain   => origin
on POST     xfp=https origin=http://on.example header=plain    => pass
on POST     xfh=evil.example origin=http://evil.example header=plain => origin
on POST     xfport=8080 origin=http://on.example:8080 header=plain => origin
on POST     forwarded='host=evil.example;proto=http' origin=http://evil.example header=plain => origin
elsewhere POST xfp=https xfh=evil.example origin=https://evil.example header=plain => origin
elsewhere POST xfh=evil.example origin=http://elsewhere.example header=plain => pass

# --- The module's own pages: choices need no token, a logout does.
on POST     path=/cookie-policy/preferences own=choice         => pass
on POST     path=/cookie-policy/preferences own=choice cookie=none => pass
on POST     path=/cookie-policy/preferences own=choice origin=http://evil.example => origin
on POST     path=/cookie-policy/preferences own=choice origin=null => null-origin
on POST     path=/cookie-policy/preferences own=choice site=same-site => cross-site
on POST     path=/cookie-policy/language own=language          => pass
on POST     path=/cookie-policy/language own=language site=cross-site => cross-site
on POST     path=/cookie-policy/logout                         => no-token
on POST     path=/cookie-policy/logout header=wrong            => token
on POST     path=/cookie-policy/logout header=plain            => pass
on POST     path=/cookie-policy/logout header=plain origin=http://evil.example => origin
origin POST path=/cookie-policy/preferences own=choice         => pass
origin POST path=/cookie-policy/logout                         => no-origin
origin POST path=/cookie-policy/logout origin=own              => pass
origin POST path=/cookie-policy/logout site=cross-site         => cross-site
off POST    path=/cookie-policy/preferences own=choice site=cross-site => cross-site
off POST    path=/cookie-policy/logout                         => pass
off POST    path=/cookie-policy/logout origin=http://evil.example => origin
TABLE

# --- The server ------------------------------------------------------------

my %HOSTS = (
    on => "ServerAlias alias.example *.wild.example\n"
        . "ScriptAlias /hook/ \"$ENV{CP_CGI}/\"\n"
        . "ScriptAlias /nohook/ \"$ENV{CP_CGI}/\"\n"
        . "ScriptAlias /machine/ \"$ENV{CP_CGI}/\"\n"
        . "<Location /hook/>\nCookiePolicyCsrf Off\n</Location>\n"
        . "<Location /machine/>\nCookiePolicyCsrf Origin\n</Location>",
    origin => 'CookiePolicyCsrf Origin',
    off => 'CookiePolicyCsrf Off',
    report => 'CookiePolicy Report',
    trust => 'CookiePolicyCsrfTrustedOrigin https://partner.example'
        . ' https://*.friends.example http://odd.example:8081'
        . ' HTTPS://Folded.EXAMPLE https://[2001:DB8::5]:8443',
    app => 'CookiePolicySession Application',
    less => 'CookiePolicySession Off',
    apporigin => "CookiePolicySession Application\nCookiePolicyCsrf Origin",
    lessorigin => "CookiePolicySession Off\nCookiePolicyCsrf Origin",
    renamed => "CookiePolicyCsrf Origin\n"
        . 'CookiePolicyAttributes sessionid name=sess',
    page => 'ErrorDocument 403 /cgi/echo.pl',
    lenient => 'HttpProtocolOptions Unsafe',
    canonical => "ServerAlias other-name.example\nUseCanonicalName On",
    offloaded => '',
    behind => 'CookiePolicyForwarded from=127.0.0.1/32',
    elsewhere => 'CookiePolicyForwarded from=192.0.2.0/24,2001:db8::/32',
);

sub hosts {
    my ($listener, @with) = @_;
    my $text = '';

    # The first one answers for hosts that no other has.
    for my $name (sort { ($b eq 'on') <=> ($a eq 'on') || $a cmp $b }
                  keys %HOSTS) {
        my $scheme = $name eq 'offloaded' ? 'https://' : '';
        $text .= join "\n", "<VirtualHost 127.0.0.1:$listener>",
            "ServerName $scheme$name.example", @with, $HOSTS{$name},
            "</VirtualHost>\n";
    }
    return $text;
}

my $tls = CookiePolicy::Server::free_port();
my $server = CookiePolicy::Server->new(config => <<"CONFIG"
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicySessionHeader X-Session login
CookiePolicyLanguage en fr
CookiePolicyUndeclared allow
Listen 127.0.0.1:$tls
CONFIG
    . hosts('{PORT}')
    . hosts($tls, 'SSLEngine on',
            "SSLCertificateFile \"$ENV{CP_STATE}/../server.pem\""));
$server->start or BAIL_OUT("no server: $server->{said}" . $server->log);

# --- What a row stands for --------------------------------------------------

my %HEADERS = (
    host => 'Host', site => 'Sec-Fetch-Site', origin => 'Origin',
    referer => 'Referer', upgrade => 'Upgrade', type => 'Content-Type',
    acrm => 'Access-Control-Request-Method',
    acrh => 'Access-Control-Request-Headers', forwarded => 'Forwarded',
    xfp => 'X-Forwarded-Proto', xfh => 'X-Forwarded-Host',
    xfport => 'X-Forwarded-Port', header => 'X-CSRFToken',
);

my %visitors;

# A visitor of a host, the same one for the same number.
sub visitor {
    my ($host, $number) = @_;

    return $visitors{"$host $number"} //= do {
        my $visitor = CookiePolicy::Visitor->new($host,
                                                 port => $server->port);
        $visitor->get('/index.html');
        $visitor;
    };
}

# Another token of the same form: the last character is another one.
sub spoiled {
    my ($token) = @_;

    substr $token, -1, 1, substr($token, -1) eq 'a' ? 'b' : 'a';
    return $token;
}

sub token_of {
    my ($kind, $host) = @_;
    my $own = visitor($host, 1)->cookie('csrftoken') // 'n' x 32;
    my %tokens = (
        plain => $own, masked => masked($own), wrong => spoiled($own),
        'wrong-masked' => masked(spoiled($own)),
        short => substr($own, 1), long => "${own}a",
        63 => substr(masked($own), 1), 65 => masked($own) . 'a',
        signs => substr($own, 1) . '-', blank => substr($own, 1) . ' a',
        empty => '', other => visitor($host, 2)->cookie('csrftoken'),
        realm => visitor('realm.wild.example', 1)->cookie('csrftoken'),
        half => substr(masked($own), 0, 32),
    );

    return $tokens{$kind} // $kind;
}

sub cookies_of {
    my ($kind, $host) = @_;
    my ($own, $other) = map { visitor($host, $_) } 1, 2;
    my $realm = visitor('realm.wild.example', 1);
    my ($session, $token) = map {
        my $name = $_;
        sub { "$name=" . ($_[0]->cookie($name) // '') }
    } 'sessionid', 'csrftoken';
    my @own = map { "$_=" . $own->cookie($_) } sort keys %{ $own->jar };
    my %cookies = (
        own => \@own, none => [],
        session => [ $session->($own) ], token => [ $token->($own) ],
        other => [ $session->($own), $token->($other) ],
        realm => [ $session->($realm), $token->($realm) ],
        forged => [ $session->($own), 'csrftoken=' . 'a' x 32 ],
        short => [ $session->($own), substr $token->($own), 0, -1 ],
        'token-first' => [ $token->($other), @own ],
        'token-last' => [ @own, $token->($other) ],
    );

    return @{ $cookies{$kind} // [$kind] };
}

# The headers, the cookies, the body and the rest of a row.
sub request_of {
    my ($row) = @_;
    my ($host, $method, @words) = shellwords($row);
    my $https = $host =~ s{/https\z}{};
    my %with = (path => '/cgi/echo.pl', cookie => 'own');
    my @headers;

    $host .= '.example';
    for my $word (@words) {
        my ($key, $value) = split /=/, $word, 2;
        if ($HEADERS{$key}) {
            push @headers, [ $key, $value ];
        }
        else {
            $with{$key} = $value;
        }
    }
    my ($addressed) = map { $_->[1] } grep { $_->[0] eq 'host' } @headers;
    my $jar = $with{jar} // ($addressed // $host) =~ s/:\d*\z//r;
    my $own = ($https ? 'https' : 'http') . "://$host";
    my %meanings = (own => $own, 'very-long' => $own . 'e' x 7000,
                    'long-path' => "$own/" . 'e' x 7000);
    my @lines = map {
        my ($key, $value) = @$_;
        $HEADERS{$key} => $key eq 'header' ? token_of($value, $jar)
                                           : $meanings{$value} // $value
    } @headers;
    my @cookies = cookies_of($with{cookie}, $jar);
    my $form = $with{form} // $with{query};
    my $pair = defined $form
               && form_encode([ csrfmiddlewaretoken => token_of($form, $jar) ]);

    $with{path} .= "?$pair" if defined $with{query};
    push @lines, Cookie => join '; ', @cookies if @cookies;
    push @lines, Connection => 'Upgrade, close' if $row =~ /upgrade=/;
    push @lines, 'Content-Type' => 'application/x-www-form-urlencoded'
        if (defined $with{form} || $with{own}) && $row !~ /type=/;
    return (
        method => $method, host => $addressed // $host, path => $with{path},
        headers => [ @lines, Accept => 'application/json' ],
        port => $https ? $tls : $server->port, tls => $https,
        defined $with{form} ? (body => $pair)
        : $with{own} ? own_form($with{own})
        : $method =~ /\A(?:GET|HEAD|OPTIONS|TRACE)\z/ ? () : (body => ''));
}

sub own_form {
    my ($page) = @_;
    my $body = $page eq 'language' ? 'language=fr' : 'choice=reject-all';

    return (body => $body);
}

sub verdict_of {
    my ($answer) = @_;

    return 'pass' if $answer->status =~ /\A(?:2|30)/;
    return 'status ' . $answer->status if $answer->status != 403;
    return 'refused' if $answer->body eq '';
    return $answer->seen('REDIRECT_COOKIEPOLICY_REFUSED')
           // eval { decode_json($answer->body)->{reason} }
           // 'forbidden, by something else';
}

# --- What is logged, before the table takes the ten lines of a second -------

# The lines of CP0011 that a request brings; the log has its tag in front.
sub logged {
    my ($row) = @_;
    my $before = length $server->log;

    fetch(request_of($row));
    return grep { /CP0011/ } split /\n/, substr $server->log, $before;
}

for my $case ([ 'on POST header=wrong', 'CSRF check refused POST: token' ],
              [ 'on BREW origin=null', 'CSRF check refused BREW: null-origin' ],
              [ 'report POST site=cross-site',
                'CSRF check would refuse POST: cross-site' ],
              [ 'report get', 'CSRF check would refuse get: no-cookie' ],
              [ 'report GET upgrade=websocket origin=http://evil.example',
                'CSRF check would refuse GET: origin' ]) {
    my ($row, $said) = @$case;
    my @lines = logged($row);
    my $token = visitor('on.example', 1)->cookie('csrftoken');

    is @lines, 1, "$row: one line";
    like $lines[0] // '', qr/CP0011: \Q$said\E/, 'that says why';
    unlike $lines[0] // '', qr/\Q@{[ substr $token, 0, 31 ]}\E/,
        'and not the token';
}
is logged('report POST site=same-origin header=none cookie=none') , 1,
    'without a token it would be refused, too';
is logged('on POST header=plain'), 0, 'what passes is not logged';
is logged('off POST origin=null'), 0, 'nor what is not checked';

# --- The table --------------------------------------------------------------

my $rows = 0;
for my $line (split /\n/, $TABLE) {
    next if $line !~ /\S/ || $line =~ /\A#/;
    my ($row, $verdict) = split /\s*=>\s*/, $line;
    my $answer = fetch(request_of($row));

    $rows++;
    is verdict_of($answer), $verdict, $line =~ s/\s+/ /gr
        or diag substr $answer->raw, 0, 400;
    is $answer->issued, '', 'and no cookie comes with the refusal'
        if $verdict ne 'pass';
}
cmp_ok $rows, '>=', 150, "$rows rows";

done_testing;
