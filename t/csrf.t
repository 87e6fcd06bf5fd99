# The check that a request was meant: origin first, then the token.
use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use JSON::PP qw(decode_json);
use Test::More;

use CookiePolicy::Client qw(fetch form_encode masked);
use CookiePolicy::Visitor ();

my @FORM = ('Content-Type' => 'application/x-www-form-urlencoded');

sub visitor {
    my ($host) = @_;
    my $visitor = CookiePolicy::Visitor->new($host // 'front.example');

    $visitor->get('/index.html');
    return $visitor;
}

my $visitor = visitor();
my $TOKEN = $visitor->cookie('csrftoken');

sub post_with {
    my ($body, @headers) = @_;

    return $visitor->twin->request('POST', '/cgi/echo.pl', body => $body,
                                   headers => [ @FORM, @headers ]);
}

# --- Methods and tokens ---------------------------------------------------

my $wrong = reverse $TOKEN;
my $abroad = visitor('back.example')->cookie('csrftoken');
my $other = visitor()->cookie('csrftoken');
my %tokens = (
    'plain' => [ $TOKEN, 200 ], 'masked' => [ masked($TOKEN), 200 ],
    'wrong' => [ $wrong, 403 ], 'wrong, masked' => [ masked($wrong), 403 ],
    'none' => [ undef, 403 ], 'empty' => [ '', 403 ],
    'cut' => [ substr($TOKEN, 1), 403 ], 'too long' => [ "${TOKEN}a", 403 ],
    'of another host' => [ $abroad, 403 ],
    'of another visitor' => [ $other, 403 ],
    'half of a masked one' => [ substr(masked($TOKEN), 0, 32), 403 ],
);
for my $method (qw(POST PUT PATCH DELETE MERGE)) {
    for my $kind (sort keys %tokens) {
        my ($token, $status) = @{ $tokens{$kind} };
        my $answer = $visitor->twin->request(
            $method, '/cgi/echo.pl',
            headers => defined $token ? [ 'X-CSRFToken' => $token ] : []);
        is $answer->status, $status, "$method, header token $kind: $status";
    }
}
for my $kind (sort keys %tokens) {
    my ($token, $status) = @{ $tokens{$kind} };
    my $body = form_encode([ a => 1, defined $token
                             ? (csrfmiddlewaretoken => $token) : (), b => 2 ]);
    is post_with($body)->status, $status, "form token $kind: $status";
}
is $visitor->twin->request($_, '/cgi/echo.pl')->status, 200, "$_ needs none"
    for qw(GET HEAD OPTIONS);
is post_with(form_encode([ csrfmiddlewaretoken => $wrong ]),
             'X-CSRFToken' => $TOKEN)->status, 200, 'the header counts first';
is post_with(form_encode([ csrfmiddlewaretoken => $TOKEN ]),
             'X-CSRFToken' => $wrong)->status, 403, 'also where it is wrong';
is post_with("xcsrfmiddlewaretoken=$TOKEN")->status, 403,
    'a field of another name';
is post_with(form_encode([ csrfmiddlewaretoken => $TOKEN ]),
             Cookie => 'csrftoken=' . $TOKEN)->status, 403,
    'a token without the session that it is bound to';
is post_with(form_encode([ csrfmiddlewaretoken => 'a' x 32 ]),
             Cookie => 'sessionid=' . $visitor->cookie('sessionid')
                       . '; csrftoken=' . 'a' x 32)->status, 403,
    'a cookie of the sender\'s own making';
is fetch(host => 'front.example', path => '/cgi/echo.pl', method => 'POST',
         body => 'a=1', headers => \@FORM)->status, 403, 'no cookie at all';
is fetch(host => 'front.example', path => '/cgi/echo.pl', method => 'POST',
         headers => [])->status, 403, 'no cookie and no body';
is $visitor->twin->request('POST', '/cgi/echo.pl', body => qq({"a":1}),
       headers => [ 'Content-Type' => 'application/json' ])->status, 403,
    'JSON without the header';
is $visitor->twin->request('POST', '/cgi/echo.pl', body => qq({"a":1}),
       headers => [ 'Content-Type' => 'application/json',
                    'X-CSRFToken' => masked($TOKEN) ])->status, 200,
    'JSON with it';

# The header has two names.
for my $case ([ 'X-CSRF-Token', $TOKEN, undef, 200 ],
              [ 'X-CSRF-Token', $wrong, undef, 403 ],
              [ 'X-CSRF-Token', $TOKEN, $wrong, 403 ],
              [ 'X-CSRF-Token', $TOKEN, '', 403 ],
              [ 'X-CSRF-Token', $wrong, $TOKEN, 200 ]) {
    my ($name, $token, $first, $status) = @$case;
    is $visitor->twin->request(
        'POST', '/cgi/echo.pl', headers =>
        [ $name => $token, defined $first ? ('X-CSRFToken' => $first) : () ])
        ->status, $status, "$name, with "
        . (defined $first ? 'another X-CSRFToken' : 'no other') . ": $status";
}

# What content is given to put into its forms.
my $page = $visitor->get('/cgi/echo.pl');
my $given = $page->seen('COOKIEPOLICY_CSRF_TOKEN');
like $given, qr/\A[A-Za-z0-9]{64}\z/, 'content is given a masked token';
isnt $visitor->get('/cgi/echo.pl')->seen('COOKIEPOLICY_CSRF_TOKEN'), $given,
    'masked anew each time';
is post_with("csrfmiddlewaretoken=$given")->status, 200, 'and it is valid';
my $newcomer = CookiePolicy::Visitor->new('front.example');
$given = $newcomer->look->seen('COOKIEPOLICY_CSRF_TOKEN');
is $newcomer->post('/cgi/echo.pl', {}, token => $given)->status, 200,
    'the form of the very first page posts';

# --- Bodies: what is read ahead is given back ------------------------------

my $long = join '&', map { "field$_=" . 'v' x 90 } 1 .. 2500;
my $first = form_encode([ csrfmiddlewaretoken => $TOKEN ]) . "&$long";
my $last = "$long&" . form_encode([ csrfmiddlewaretoken => $TOKEN ]);
my @MULTIPART = ('Content-Type' => 'multipart/form-data; boundary="--- x"');
my $part = "----- x\r\nContent-Disposition: form-data; name=";
my $token_part = "$part\"csrfmiddlewaretoken\"\r\n\r\n$TOKEN\r\n";
my $small_file = "$part\"f\"; filename=\"a.bin\"\r\n"
    . "Content-Type: application/octet-stream\r\n\r\n"
    . "\0\1\r\n----- x \r\xff\n" x 30 . "\r\n";
my $large_file = $small_file =~ s/\xff/"\xff" x 10_000/ger;
my $end = "----- x--\r\n";

my $short = form_encode([ a => 'b' x 3000, csrfmiddlewaretoken => $TOKEN,
                          c => "\0\1\2" ]);

sub pieces_of {
    my ($bytes, $size) = @_;

    return [ unpack "(a$size)*", $bytes ];
}

for my $path (qw(/cgi/echo.pl /proxied/echo.pl)) {
    for my $case (
        [ 'short', $short, 200 ],
        [ 'longer than the window, token in front', $first, 200 ],
        [ 'longer than the window, token behind', $last, 403 ],
        [ 'multipart', "$small_file$token_part$end", 200, @MULTIPART ],
        [ 'multipart, no last boundary', "$small_file$token_part", 403,
          @MULTIPART ],
        [ 'multipart, token in front', "$token_part$large_file$end", 200,
          @MULTIPART ],
        [ 'multipart, token behind', "$large_file$token_part$end", 403,
          @MULTIPART ],
        [ 'multipart of another type', "$token_part$end", 403,
          'Content-Type' => 'multipart/mixed; boundary="--- x"' ]) {
        my ($what, $body, $status, @type) = @$case;
        for my $how ([ 'by length', body => $body ],
                     [ 'in pieces', pieces => pieces_of($body, 16_000) ],
                     [ 'in chunks', chunks => pieces_of($body, 9_000) ]) {
            my ($name, %with) = @$how;
            my $answer = $visitor->twin->request(
                'POST', $path, %with, headers => @type ? \@type : \@FORM);
            is $answer->status, $status, "$path, $what, $name: $status";
            next if $status != 200;
            is $answer->seen('BODY_LENGTH'), length $body,
                'all of it arrives';
            is $answer->seen('BODY_SHA1'), sha1_hex($body), 'unchanged';
        }
    }
    my $answer = $visitor->twin->request(
        'POST', $path, chunks => pieces_of($last, 9_000),
        headers => [ @FORM, 'X-CSRFToken' => $TOKEN ]);
    is $answer->status, 200, "$path, longer, token in the header";
    is $answer->seen('BODY_SHA1'), sha1_hex($last), 'streamed on unchanged';
}
for my $case ([ form_encode([ csrfmiddlewaretoken => $TOKEN ]), @FORM ],
              [ "$token_part$end", @MULTIPART ]) {
    my ($body, @type) = @$case;
    my $answer = $visitor->twin->request('POST', '/cgi/echo.pl',
                                         headers => \@type,
                                         chunks => [ split //, $body ]);
    is $answer->status, 200, 'a token in chunks of one character';
    is $answer->seen('BODY_SHA1'), sha1_hex($body), 'given back';
}

# The token must be there whole at the window's end, with what ends it.
for my $case ([ 'form', 'a=', "&csrfmiddlewaretoken=$TOKEN&", @FORM ],
              [ 'multipart', substr($small_file, 0, -2), "\r\n$token_part$part",
                @MULTIPART ]) {
    my ($what, $begin, $token, @type) = @$case;
    my $ends = length $token;
    $ends = index($token, $part, 10) + length "----- x\r\n"
        if $what eq 'multipart';
    for my $late (0, 1) {
        my $body = $begin . 'v' x (65536 - length($begin) - $ends + $late)
            . "$token$small_file";
        my $answer = $visitor->twin->request(
            'POST', '/cgi/echo.pl', pieces => pieces_of($body, 30_000),
            headers => [ @type, Accept => 'application/json' ]);
        is $answer->status, $late ? 403 : 200,
            "$what, token " . ($late ? 'a byte too late' : 'just in time');
        if ($late) {
            is decode_json($answer->body)->{reason}, 'window', 'says why';
        }
        else {
            is $answer->seen('BODY_SHA1'), sha1_hex($body), 'given back';
        }
    }
}
my $packed = $visitor->twin->request(
    'POST', '/cgi/echo.pl', body => $short,
    headers => [ @FORM, 'Content-Encoding' => 'x',
                 Accept => 'application/json' ]);
is decode_json($packed->body)->{reason}, 'no-token',
    'a body that is encoded is not searched';

# --- The refusal -----------------------------------------------------------

my $refused = post_with('a=1', Accept => 'text/html,*/*;q=0.8');
like $refused->header('content-type'), qr{^text/html}, 'a page for a person';
like $refused->body, qr/\S/, 'that says something';
like $refused->header('cache-control'), qr/no-store/, 'not to be kept';
$refused = post_with('a=1', Accept => 'application/json');
like $refused->header('content-type'), qr{^application/json}, 'JSON for scripts';
my $json = decode_json($refused->body);
ok $json->{reason}, 'it says which check failed';
isnt decode_json(post_with("csrfmiddlewaretoken=$wrong",
                           Accept => 'application/json')->body)->{reason},
    $json->{reason}, 'a wrong token is another reason than none';
$refused = post_with('a=1', Accept => 'text/plain');
like $refused->header('content-type'), qr{^text/plain}, 'else plain text';
unlike $refused->raw, qr/BODY_SHA1/, 'the application was not asked';
is $refused->issued, '', 'a refusal sets no cookie';

my $own = visitor('errordoc.example');
$refused = $own->request('POST', '/cgi/echo.pl', body => 'a=1',
                         headers => \@FORM);
is $refused->status, 403, 'ErrorDocument 403';
like $refused->body, qr/in its own words/, 'is the site\'s own page';

done_testing;
