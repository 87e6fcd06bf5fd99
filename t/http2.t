# HTTP/2: the same four cookies, and streams of one connection apart.
use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use File::Temp ();
use Test::More;

plan skip_all => 'mod_http2 does not work under prefork'
    if $ENV{CP_MPM} eq 'prefork';

my $base = "http://front.example:$ENV{CP_PORT}";

sub curl_by {
    my (@arguments) = @_;

    open my $out, '-|', 'curl', '-sS', '--max-time', 20, '--resolve',
        "front.example:$ENV{CP_PORT}:127.0.0.1", @arguments
        or die "curl: $!";
    local $/;
    my $said = <$out>;
    close $out;
    $said =~ s/\r//g;
    return $said;
}

sub curl { return curl_by('--http2-prior-knowledge', @_) }

sub cookies_of { return { $_[0] =~ /^set-cookie: ([^=]+)=([^;]*)/mg } }

my $first = curl('-i', "$base/index.html");
like $first, qr{\AHTTP/2 200}, 'HTTP/2';
my $cookies = cookies_of($first);
is join(' ', sort keys %$cookies),
    'cookies_preferences csrftoken django_language sessionid', 'four cookies';
my $jar = join '; ', map { "$_=$cookies->{$_}" } sort keys %$cookies;

my $second = curl('-i', '-b', $jar, "$base/cgi/echo.pl");
is_deeply cookies_of($second), {}, 'the second answer sets none';
like $second, qr/^HTTP_COOKIE: .*sessionid=\Q$cookies->{sessionid}\E/m,
    'the application sees them';

like curl('-i', '-b', $jar, '-d', 'a=1', "$base/cgi/echo.pl"),
    qr{\AHTTP/2 403}, 'a POST without a token';
like curl('-i', '-b', $jar, '-d', "csrfmiddlewaretoken=$cookies->{csrftoken}",
          "$base/cgi/echo.pl"), qr{\AHTTP/2 200}, 'a POST with it';

# Begun in HTTP/1.1, which httpd reads a second time for HTTP/2.
my $upgraded = curl_by('--http2', '-i', "$base/index.html");
like $upgraded, qr{\AHTTP/1\.1 101 .*^HTTP/2 200}ms, 'an upgrade to HTTP/2';
is join(' ', sort keys %{ cookies_of($upgraded) }), join(' ', sort keys %$cookies),
    'has the cookies for a newcomer';
$upgraded = curl_by('--http2', '-i', '-b', "$jar; bad[name]=1",
                    "$base/cgi/echo.pl");
is_deeply cookies_of($upgraded), {}, 'and none for who has them';
for my $way ([ '--http2' ], [ '-H', 'Upgrade: x', '-H', 'Connection: Upgrade' ]) {
    my $seen = curl_by(@$way, '-i', '-b', "$jar; bad[name]=1",
                       "$base/cgi/echo.pl");
    like $seen, qr/^HTTP_COOKIE: .*sessionid=\Q$cookies->{sessionid}\E/m,
        "@$way: the application sees them";
    unlike $seen, qr/^HTTP_COOKIE: .*bad/m, 'and no other';
}

# Bodies longer than the window, in a form with files.
my $dir = File::Temp::tempdir(CLEANUP => 1);
my $field = "--b\r\nContent-Disposition: form-data; name=";
my $token = "$field\"csrfmiddlewaretoken\"\r\n\r\n$cookies->{csrftoken}\r\n";
my $file = "$field\"f\"; filename=\"f\"\r\n\r\n" . "\0\r\n--x" x 50_000
    . "\r\n";
my %bodies = ('in front' => [ "$token$file--b--\r\n", 200 ],
              'behind' => [ "$file$token--b--\r\n", 403 ]);
for my $where (sort keys %bodies) {
    my ($body, $status) = @{ $bodies{$where} };
    open my $out, '>', "$dir/body" or die "$dir/body: $!";
    binmode $out;
    print $out $body;
    close $out;
    for my $path ('/cgi/echo.pl', '/proxied/echo.pl') {
        for my $more ([], [ '-H', 'Content-Length:' ],
                      [ '-H', 'Expect: 100-continue' ],
                      [ '-H', "X-CSRF-Token: $cookies->{csrftoken}" ]) {
            my $expected = "@$more" =~ /Token/ ? 200 : $status;
            # Refused, and not read on: there may be no end.
            next if $expected != 200 && "@$more" =~ /Length/;
            my $answer = curl('-i', '-b', $jar, '-H',
                              'Content-Type: multipart/form-data; boundary=b',
                              @$more, '--data-binary', "\@$dir/body",
                              "$base$path");
            like $answer, qr{^HTTP/2 $expected}m,
                "$path, token $where, @$more: $expected";
            next if $expected != 200;
            is $answer =~ /^BODY_SHA1: (.*)/m && $1, sha1_hex($body),
                'the body as it was sent';
        }
    }
}

# Many streams at once: newcomers and returning visitors mixed.
open my $out, '-|', 'nghttp', '-v', '-n', '-m', 40, '-H', ':authority: front.example',
    "http://127.0.0.1:$ENV{CP_PORT}/index.html" or die "nghttp: $!";
my (%seen, %status, $count);
while (<$out>) {
    s/\e\[[0-9;]*m//g;
    $status{$1}++ if /recv \(stream_id=\d+.*\) :status: (\d+)/;
    $seen{$1}{$2}++, $count++
        if /recv \(stream_id=\d+.*\) set-cookie: ([^=]+)=([^;]*)/;
}
close $out;
is_deeply \%status, { 200 => 40 }, '40 streams of one connection';
is $count, 160, 'four cookies each';
is scalar(keys %{ $seen{sessionid} }), 40, 'no two with the same session';
is scalar(keys %{ $seen{csrftoken} }), 40, 'nor token';

done_testing;
