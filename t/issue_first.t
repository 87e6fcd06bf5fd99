# The first document sets the four cookies, the second sets none.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Visitor ();

my $FOUR = 'cookies_preferences csrftoken django_language sessionid';

my $visitor = CookiePolicy::Visitor->new('front.example');
my $first = $visitor->get('/index.html');

is $first->status, 200, 'the page is there';
is $first->issued, $FOUR, 'the first document sets four cookies';
is scalar(my @lines = $first->header('set-cookie')), 4, 'each of them once';

my $set = $first->cookies;
like $set->{sessionid}{value}, qr/\A[A-Za-z0-9_-]{48}\z/, 'sessionid';
like $set->{csrftoken}{value}, qr/\A[A-Za-z0-9]{32}\z/, 'csrftoken';
is $set->{django_language}{value}, 'en', 'django_language';
like $set->{cookies_preferences}{value},
    qr/\A1\.\d+\.\.\.[A-Za-z0-9_-]+\z/,
    'cookies_preferences says nothing but the day before any choice';

for my $name (sort keys %$set) {
    is $set->{$name}{path}, '/', "$name: Path";
    is $set->{$name}{samesite}, 'Lax', "$name: SameSite";
    ok !$set->{$name}{secure}, "$name: not Secure on http";
    ok !$set->{$name}{domain}, "$name: this host only";
    cmp_ok $set->{$name}{'max-age'} // 0, '<=', 400 * 86400,
        "$name: no longer than browsers keep it";
}
ok $set->{sessionid}{httponly}, 'sessionid is HttpOnly';
ok !$set->{csrftoken}{httponly}, 'csrftoken is for scripts, too';
ok !$set->{django_language}{httponly},
    'django_language too: a banner speaks it';
ok !$set->{cookies_preferences}{httponly},
    'cookies_preferences is for scripts, too';
like $first->header('cache-control'), qr/\bprivate\b/,
    'an answer with cookies is for no shared cache';

my $second = $visitor->get('/other.html');
is $second->issued, '', 'the second document sets none';
unlike $second->header('cache-control') // '', qr/private|no-store/,
    'and may be cached';

my $other = CookiePolicy::Visitor->new('front.example');
$other->get('/index.html');
isnt $other->cookie('sessionid'), $visitor->cookie('sessionid'),
    'another visitor gets another session';
isnt $other->cookie('csrftoken'), $visitor->cookie('csrftoken'),
    'and another token';
is $other->cookie('cookies_preferences'),
    $visitor->cookie('cookies_preferences'),
    'but before any choice the same preferences';

my $secure = CookiePolicy::Visitor->new('front.example', tls => 1);
$set = $secure->get('/index.html')->cookies;
is join(' ', sort keys %$set), $FOUR, 'https: four cookies';
ok $set->{$_}{secure}, "https: $_ is Secure" for sort keys %$set;
is $secure->get('/other.html')->issued, '', 'https: the second sets none';

# A page in a hurry: two first requests at once leave one valid pair, whichever
# answer came last.
my @hasty = map { CookiePolicy::Visitor->new('front.example') } 1 .. 2;
$_->get('/index.html') for @hasty;
for my $last (@hasty) {
    is $last->get('/other.html')->issued, '', 'a double first visit: the pair is valid';
}

# Nothing is issued twice when only one is missing.
for my $name (split / /, $FOUR) {
    my $forgetful = $visitor->twin;
    delete $forgetful->jar->{$name};
    my $again = $forgetful->get('/index.html');
    my $wanted = $name eq 'sessionid' ? 'csrftoken sessionid' : $name;
    is $again->issued, $wanted, "without $name: $wanted is set";
}

done_testing;
