# What reaches the application of a hostile Cookie header.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(exchange fetch);
use CookiePolicy::Response ();
use CookiePolicy::Visitor ();

my $visitor = CookiePolicy::Visitor->new('front.example');
$visitor->get('/index.html');
my $GOOD = join '; ', map { "$_=" . $visitor->cookie($_) }
                      sort keys %{ $visitor->jar };

sub answer {
    my ($more) = @_;

    return fetch(host => 'front.example', path => '/cgi/echo.pl',
                 headers => [ Cookie => $more ]);
}

# The cookies that the application saw, but for the four.
sub others {
    my ($response) = @_;

    return join '; ', map { join '=', grep { defined } @$_ }
        grep { $_->[0] !~ /\A(?:sessionid|csrftoken|django_language
                                |cookies_preferences)\z/x }
        @{ $response->seen_cookies };
}

for my $case (
    [ 'a name alone', 'alone' ],
    [ 'an empty name', '=value' ],
    [ 'a blank in the name', 'two words=1' ],
    [ 'a name with $', '$Version=1' ],
    [ 'a name with $ that mimics', '$sessionid=1' ],
    [ 'a name with brackets', 'csrftoken[]=1' ],
    [ 'a name with parentheses', 'a(b)=1' ],
    [ 'an unbalanced quote', 'quote="open' ],
    [ 'an unbalanced quote in the middle', 'quote=a"b' ],
    [ 'another case', 'SessionID=1' ],
    [ 'capitals', 'CSRFTOKEN=1' ],
    [ 'percent-encoding', 'session%69d=1' ],
    [ 'double percent-encoding of %', 'session%2569d=1', 'double' ],
    [ 'a dot for an underscore', 'cookies.preferences=1' ],
    [ 'a bracket for an underscore', 'django[language=1' ],
    [ 'a bracket behind', 'csrftoken[=1' ],
    [ 'a no-break space in front', "\xc2\xa0sessionid=1" ],
    [ 'a Unicode blank behind', "sessionid\xe2\x80\x83=1" ],
    [ 'an encoded blank in front', '%20sessionid=1' ],
    [ 'an encoded NUL behind', 'sessionid%00x=1' ],
) {
    my ($what, $cookie, $double) = @$case;
    my $response = answer("before=1; $cookie; $GOOD; after=2");

    SKIP: {
        skip 'read once, this is another name', 1 if $double;
        is others($response), 'before=1; after=2', "$what does not pass";
    }
    is $response->seen_cookie('sessionid'), $visitor->cookie('sessionid'),
        "$what leaves the session alone";
    is $response->issued, '', "$what makes nothing be issued";
}

is others(answer("a=1; b=\"two words\"; c=; d=x=y; $GOOD")),
    'a=1; b="two words"; c=; d=x=y', 'ordinary cookies pass as they came';

# The managed ones come unquoted, once, whatever came.
my $seen = answer("$GOOD; $GOOD; $GOOD")->seen('HTTP_COOKIE');
for my $name (sort keys %{ $visitor->jar }) {
    my $count = () = $seen =~ /(?:^|; )\Q$name\E=/g;
    is $count, 1, "$name is there once";
}
unlike $seen, qr/"/, 'and nothing is quoted';

# Two Cookie headers are one.
my $two = fetch(host => 'front.example', path => '/cgi/echo.pl',
                headers => [ Cookie => 'first=1', Cookie => $GOOD ]);
is $two->issued, '', 'two Cookie headers are read as one';
is others($two), 'first=1', 'and both reach the application';

# Much of it: bounded work, and the valid ones in front still count.
my $many = answer("$GOOD; " . join '; ', map { "c$_=$_" } 1 .. 500);
is $many->status, 200, '500 cookies';
is $many->issued, '', 'the four still count';
my $huge = answer("$GOOD; big=" . 'x' x 8192);
is $huge->status, 200, '8 KB';
is $huge->issued, '', 'the four still count';
my $stuffed = answer(join('; ', map { 'sessionid=' . 'A' x 48 } 1 .. 100)
                     . "; $GOOD");
is $stuffed->status, 200, '100 planted sessions';

# Junk of every byte. A bare CR, LF or NUL is httpd's to refuse.
my @bytes = grep { $_ != 0 && $_ != 10 && $_ != 13 } 1 .. 255;
my @bad;
for my $byte (@bytes) {
    my $response = answer(sprintf 'a=1; %sx%s=%s; %s', (chr $byte) x 3, $GOOD);
    push @bad, $byte
        unless $response->status == 400
               || ($response->status == 200 && $response->issued eq ''
                   && ($response->seen('HTTP_COOKIE') // '')
                      !~ /[\x00-\x08\x0a-\x1f\x7f]/);
}
is "@bad", '', 'no byte disturbs the session or passes as a control character';

srand 4711;
my $broken = 0;
for (1 .. 60) {
    my $junk = join '', map { chr 32 + int rand 95 } 1 .. 200;
    my $response = answer("$junk; $GOOD");
    my %count;
    $count{ $_->[0] }++ for @{ $response->seen_cookies };
    $broken++ if $response->status != 200
              || grep { ($count{$_} // 0) > 1 } keys %{ $visitor->jar };
}
is $broken, 0, 'random junk: always an answer, no managed name twice';

# Connection: Cookie would make mod_proxy drop the header.
my $dropped = exchange(host => 'front.example', bytes =>
    "GET /proxied/echo.pl HTTP/1.1\r\nHost: front.example\r\n"
    . "Cookie: $GOOD\r\nConnection: close, Cookie\r\n\r\n");
is(CookiePolicy::Response->new($dropped)->seen_cookie('sessionid'),
   $visitor->cookie('sessionid'), 'Connection: Cookie takes nothing away');

# A request that httpd itself refuses.
my $bad = exchange(host => 'x', bytes =>
    "GET / HTTP/1.1\r\nHost: bad host\r\nConnection: close\r\n\r\n");
like $bad, qr{\AHTTP/1\.1 400 }, 'a bad Host is 400';
$bad = exchange(host => 'x', bytes =>
    "GET / HTTP/1.1\r\nHost: front.example\r\nCookie: a=\0b\r\n"
    . "Connection: close\r\n\r\n");
like $bad, qr{\AHTTP/1\.1 400 }, 'a NUL is 400';

done_testing;
