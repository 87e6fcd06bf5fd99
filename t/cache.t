# mod_cache before and after: nobody gets another's cookie, and what the
# module issues enters no cache.
use strict;
use warnings;

use File::Find ();
use Test::More;

use CookiePolicy::Client qw(fetch form_encode);
use CookiePolicy::Visitor ();

my $FOUR = 'cookies_preferences csrftoken django_language sessionid';

sub hit { return ($_[0]->header('x-cache') // '') =~ /^HIT/ ? 1 : 0 }

sub echo {
    my (@headers) = @_;

    return '/cgi/echo.pl?' . form_encode(
        [ type => 'text/html', map { (h => $_) } @headers ]);
}

for my $host (qw(quick.example normal.example)) {
    # A page that may be cached.
    my @visitors = map { CookiePolicy::Visitor->new($host) } 1 .. 4;
    my @answers = map { $_->get('/index.html') } @visitors;
    my %ids = map { ($_->cookie('sessionid') // '') => 1 } @visitors;

    is join(' ', map { hit($_) } @answers), '0 1 1 1',
        "$host: the page comes out of the cache";
    is scalar(grep { $_->issued eq $FOUR } @answers), 4,
        "$host: each newcomer gets four cookies all the same";
    is scalar(keys %ids), 4, "$host: each another session";
    is scalar(grep { $_->body eq $answers[0]->body } @answers), 4,
        "$host: the page is the same";
    like $answers[1]->header('cache-control'), qr/private/,
        "$host: the answer is for no shared cache downstream";
    my $return = $visitors[0]->get('/index.html');
    ok hit($return), "$host: a returning visitor, too";
    is $return->issued, '', "$host: gets none";

    my $fresh = $visitors[0]->get('/index.html', headers => [
        'If-None-Match' => scalar $answers[0]->header('etag') ]);
    is $fresh->status, 304, "$host: a 304 out of the cache";
    is $fresh->issued, '', "$host: with no cookies of others";

    # What shows that the cache would keep an answer of a program.
    my @fresh = ('Cache-Control: max-age=60', "X-Test: $host-plain");
    fetch(host => $host, path => echo(@fresh));
    ok hit(fetch(host => $host, path => echo(@fresh))),
        "$host: a program's answer may be kept";

    # What the application says for one visitor is kept for none.
    my %personal = (
        'session command' => [ 'X-Session: count=1' ],
        'login' => [ 'X-Session: :user=ann' ],
        'cookie' => [ 'Set-Cookie: cart=1' ],
        'managed cookie' => [ 'Set-Cookie: sessionid=x' ],
        'choice of language' => [ 'Set-Cookie: django_language=fr' ],
    );
    for my $what (sort keys %personal) {
        my $path = echo('Cache-Control: max-age=60', @{ $personal{$what} });
        my ($first, $second) = map { CookiePolicy::Visitor->new($host) } 1, 2;
        $first->get('/index.html');
        $first->get($path);
        my $answer = $second->get($path);
        ok !hit($answer), "$host: an answer with a $what is not kept";
        is $answer->header('x-session'), undef, 'no command is seen';
        isnt $second->cookie('sessionid'), $first->cookie('sessionid'),
            'nobody gets another\'s session';
    }

    # A page that was negotiated by language.
    for my $tongue (qw(fr en fr en)) {
        my $page = fetch(host => $host, path => '/nego.html', headers => [
            Cookie => "django_language=$tongue", 'Accept-Language' => 'en' ]);
        like $page->body, $tongue eq 'fr' ? qr/Bonjour/ : qr/Hello/,
            "$host: a page in $tongue";
    }
}

# Nothing of anybody's lies in the cache.
my ($files, @found) = (0);
File::Find::find(sub {
    return unless -f;
    open my $in, '<:raw', $_ or return;
    local $/;
    my $bytes = <$in>;
    $files++;
    push @found, $File::Find::name
        if $bytes =~ /Set-Cookie|^X-Session/mi;
}, "$ENV{CP_STATE}/../cache");
cmp_ok $files, '>', 0, 'there is a cache';
is "@found", '', 'and no cookie or command lies in it';

done_testing;
