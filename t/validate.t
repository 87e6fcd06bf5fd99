# What a managed cookie must be to count, and that nothing else does.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Visitor ();

my $FOUR = 'cookies_preferences csrftoken django_language sessionid';

sub visitor {
    my ($host, @with) = @_;
    my $visitor = CookiePolicy::Visitor->new($host, @with);

    $visitor->get('/index.html');
    return $visitor;
}

# Gets a page with a Cookie header of its own; the jar stays as it is.
sub answer {
    my ($host, $header, %with) = @_;

    return fetch(host => $host, path => '/cgi/echo.pl', %with,
                 headers => [ Cookie => $header ]);
}

sub header_of {
    my ($visitor, %instead) = @_;
    my %jar = (%{ $visitor->jar }, %instead);

    return join '; ', map { "$_=$jar{$_}" } sort keys %jar;
}

my $visitor = visitor('front.example');
is answer('front.example', header_of($visitor))->issued, '',
    'the four as they are count';

# One character of any of them: every place for the fixed formats.
for my $name (qw(sessionid csrftoken cookies_preferences)) {
    my $value = $visitor->cookie($name);
    my @wrong;

    for my $at (0 .. length($value) - 1) {
        my $changed = $value;
        my $old = substr $value, $at, 1;
        substr $changed, $at, 1, $old eq 'a' ? 'b' : $old eq '1' ? '2' : 'a';
        my $again = answer('front.example',
                           header_of($visitor, $name => $changed));
        push @wrong, $at
            unless defined $again->cookie($name)
                   && $again->cookie($name) ne $changed
                   && ($again->seen_cookie($name) // '')
                      eq $again->cookie($name);
    }
    is "@wrong", '', "$name: any changed character gets a new one";
}
is answer('front.example', header_of($visitor, django_language => 'xx'))
    ->cookie('django_language'), 'en', 'a language that is not spoken';

for my $name (qw(sessionid csrftoken cookies_preferences)) {
    my $value = $visitor->cookie($name);
    for my $case ([ 'cut', substr $value, 0, -1 ], [ 'longer', $value . 'A' ],
                  [ 'empty', '' ], [ 'twice', $value . $value ],
                  [ 'padded', $value . '=' ],
                  [ 'in capitals', uc $value ],
                  [ 'of 4 KB', 'A' x 4096 ]) {
        my $again = answer('front.example',
                           header_of($visitor, $name => $case->[1]));
        isnt $again->cookie($name), undef, "$name $case->[0]: a new one";
        isnt $again->seen_cookie($name), $case->[1],
            "$name $case->[0]: does not reach the application";
    }
}
is answer('front.example',
          header_of($visitor, sessionid => '"' . $visitor->cookie('sessionid')
                                           . '"'))->seen_cookie('sessionid'),
    $visitor->cookie('sessionid'), 'a quoted one reaches it unquoted';

# What another host issued is worth nothing here, and the other way round.
my $abroad = visitor('back.example');
for my $name (qw(sessionid csrftoken cookies_preferences)) {
    my $there = answer('front.example',
                       header_of($visitor, $name => $abroad->cookie($name)));
    isnt $there->cookie($name), undef, "$name of another host: a new one";
    isnt $there->seen_cookie($name), $abroad->cookie($name),
        "$name of another host is not seen";
}
is answer('front.example', header_of($visitor), tls => 1)->issued, '',
    'a realm knows no scheme';

# A wildcard alias: each host name is a realm of its own.
my $alice = visitor('alice.wild.example');
my $bob = answer('bob.wild.example', header_of($alice));
like $bob->issued, qr/sessionid/, 'under a wildcard alias each name is a realm';
is answer('ALICE.wild.example', header_of($alice))->issued, '',
    'whatever the case of its letters';
is answer('alice.wild.example:80', header_of($alice))->issued, '',
    'and whatever its port';

# Hosts that the configuration joins.
my $joined = CookiePolicy::Visitor->new('one.joined.example');
my $set = $joined->get('/index.html')->cookies;
is $set->{$_}{domain}, 'joined.example', "joined: Domain of $_"
    for sort keys %$set;
is answer('two.joined.example', header_of($joined))->issued, '',
    'joined: what one issued the other takes';

# Duplicates, in front and behind.
my $planted = visitor('front.example');
for my $name (qw(sessionid csrftoken cookies_preferences)) {
    for my $junk ('x', 'A' x 48, $abroad->cookie($name)) {
        my $front = answer('front.example',
                           "$name=$junk; " . header_of($visitor));
        is $front->issued, '', "$name planted in front: nothing is issued";
        is $front->seen_cookie($name), $visitor->cookie($name),
            'and the valid one is seen, once';
        my $behind = answer('front.example',
                            header_of($visitor) . "; $name=$junk");
        is $behind->issued, '', "$name planted behind: nothing is issued";
        is $behind->seen_cookie($name), $visitor->cookie($name),
            'and the valid one is seen, once';
    }
}

# A genuine pair of somebody else's: whichever session is taken, the token
# that fits it is taken with it.
my $both = answer('front.example', header_of($visitor) . '; '
                                   . header_of($planted));
is $both->issued, '', 'two genuine pairs: nothing is issued';
my ($whose) = grep { $both->seen_cookie('sessionid') eq $_->cookie('sessionid') }
              $visitor, $planted;
ok $whose, 'one session is seen';
is $both->seen_cookie('csrftoken'), $whose->cookie('csrftoken'),
    'with the token that fits it';

# A stored session beats a stateless one, a logged-in one beats both.
my $stored = visitor('front.example');
$stored->command('count=1');
my $user = visitor('front.example');
$user->command(':user=ann');
for my $order (0, 1) {
    my @pair = map { header_of($_) } $order ? ($visitor, $stored)
                                            : ($stored, $visitor);
    is answer('front.example', join '; ', @pair)
        ->seen('COOKIEPOLICY_SESSION_ATTR_count'), '1',
        'a stored session beats a stateless one';
    @pair = map { header_of($_) } $order ? ($stored, $user) : ($user, $stored);
    is answer('front.example', join '; ', @pair)->seen('COOKIEPOLICY_USER'),
        'ann', 'a logged-in one beats a stored one';
}

# Two different logged-in ones: anonymous, and nothing overwritten.
my $mallory = visitor('front.example');
$mallory->command(':user=mallory');
my $conflict = answer('front.example',
                      header_of($user) . '; ' . header_of($mallory));
is $conflict->seen('COOKIEPOLICY_USER'), undef, 'two users: nobody';
is $conflict->seen_cookie('sessionid'), undef, 'and no session';
is $conflict->issued, '', 'nothing is overwritten';
is answer('front.example', header_of($user))->seen('COOKIEPOLICY_USER'), 'ann',
    'and each is what it was';

done_testing;
