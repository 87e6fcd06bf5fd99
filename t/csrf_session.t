# A token is worth as much as the session that it is bound to: what a login,
# a logout, a rotation and planted cookies leave of it.
use strict;
use warnings;

use JSON::PP qw(decode_json);
use Test::More;

use CookiePolicy::Client qw(fetch);
use CookiePolicy::Visitor ();

my $HOST = 'front.example';

sub visitor {
    my $visitor = CookiePolicy::Visitor->new($HOST);

    $visitor->get('/index.html');
    return $visitor;
}

# The answer to a POST with just these cookies and this token.
sub post {
    my ($cookies, $token, $path) = @_;

    return fetch(
        host => $HOST, method => 'POST', path => $path // '/cgi/echo.pl',
        body => '', headers => [ Accept => 'application/json',
                                 Cookie => join('; ', @$cookies),
                                 'X-CSRFToken' => $token ]);
}

sub pair {
    my ($jar) = @_;

    return map { "$_=$jar->{$_}" } qw(sessionid csrftoken);
}

sub verdict {
    my ($answer) = @_;

    return $answer->status == 200 ? 'pass'
         : $answer->status == 403 ? decode_json($answer->body)->{reason}
         : 'status ' . $answer->status;
}

sub is_verdict {
    my ($jar, $token, $verdict, $what) = @_;

    return is verdict(post([ pair($jar) ], $token)), $verdict, $what;
}

# The jar before and after the application has sent a command.
sub commanded {
    my ($visitor, $command) = @_;
    my $before = { %{ $visitor->jar } };

    $visitor->command($command);
    return ($before, { %{ $visitor->jar } });
}

# --- Something is stored: another id, the same token.
my $visitor = visitor();
my ($before, $after) = commanded($visitor, 'colour=red');
isnt $after->{sessionid}, $before->{sessionid}, 'stored: another id';
is_verdict($after, $before->{csrftoken}, 'pass', 'an open form still posts');

# --- Login
($before, $after) = commanded($visitor, ':user=ada');
isnt $after->{sessionid}, $before->{sessionid}, 'login: another id';
isnt $after->{csrftoken}, $before->{csrftoken}, 'and another token';
is_verdict($after, $after->{csrftoken}, 'pass', 'which passes');
is_verdict($after, $before->{csrftoken}, 'token', 'the one before does not');
is_verdict({ %$after, csrftoken => $before->{csrftoken} },
           $before->{csrftoken}, 'no-cookie', 'nor with its cookie');
is_verdict($before, $before->{csrftoken}, 'no-cookie',
           'nor in the session before, which is gone');

# --- Another user, and the same user once more
for my $user (qw(grace grace)) {
    ($before, $after) = commanded($visitor, ":user=$user");
    isnt $after->{csrftoken}, $before->{csrftoken}, 'a user: another token';
    is_verdict($after, $after->{csrftoken}, 'pass', 'which passes');
    is_verdict($after, $before->{csrftoken}, 'token',
               'the one before does not');
}

# --- Rotation: the session goes on, and so do its forms.
($before, $after) = commanded($visitor, ':rotate=1');
isnt $after->{sessionid}, $before->{sessionid}, 'rotation: another id';
is_verdict($after, $after->{csrftoken}, 'pass', 'the token passes');
is_verdict($after, $before->{csrftoken}, 'pass', 'the one in open forms too');
my $grace = post([ pair($before) ], $before->{csrftoken});
is verdict($grace), 'pass', 'and with the id before, in its grace';
is $grace->seen('COOKIEPOLICY_USER'), 'grace', 'it is the same session';
is $grace->issued, '', 'that is answered with no cookie';
is_verdict($before, $after->{csrftoken}, 'pass', 'either token there');
is_verdict($before, visitor()->cookie('csrftoken'), 'token',
           'but no other visitor\'s');
$grace = post([ pair($before) ], $before->{csrftoken},
              '/cgi/echo.pl?h=X-Session:+:user%3Dmallory');
is $grace->issued, '', 'no login is made in grace';

# --- Planted beside the session of somebody who is logged in
my $other = visitor()->jar;
my $stored = visitor();
$stored->command('colour=blue');
$stored = $stored->jar;
for my $plant ([ 'a pair', $other ], [ 'a pair that is stored', $stored ]) {
    my ($what, $jar) = @$plant;
    for my $order ([ 'before', pair($jar), pair($after) ],
                   [ 'behind', pair($after), pair($jar) ]) {
        my ($where, @cookies) = @$order;
        my $own = post(\@cookies, $after->{csrftoken});
        is verdict($own), 'pass', "$what planted $where: the own token passes";
        is $own->seen('COOKIEPOLICY_USER'), 'grace', 'in the own session';
        is verdict(post(\@cookies, $jar->{csrftoken})), 'token',
            'the planted one does not';
    }
}
my $second = visitor();
$second->command(':user=mallory');
$second = $second->jar;
for my $token ($after->{csrftoken}, $second->{csrftoken}) {
    is verdict(post([ pair($after), pair($second) ], $token)), 'no-cookie',
        'of two who are logged in neither posts';
}

# --- Logout
($before, $after) = commanded($visitor, ':logout=1');
isnt $after->{csrftoken}, $before->{csrftoken}, 'logout: another token';
is_verdict($after, $after->{csrftoken}, 'pass', 'which passes');
is_verdict($after, $before->{csrftoken}, 'token', 'the one before does not');
is_verdict($before, $before->{csrftoken}, 'no-cookie',
           'nor in the session that was ended');

# --- A login by a form that passed the check, and by one that did not
$visitor = visitor();
my $login = '/cgi/echo.pl?h=X-Session:+:user%3Dada';
$before = { %{ $visitor->jar } };
my $refused = $visitor->twin->request('POST', $login, body => '');
is $refused->status, 403, 'a login without a token';
is $refused->issued, '', 'brings no session';
$visitor->request('POST', $login, body => '',
                  headers => [ 'X-CSRFToken' => $before->{csrftoken} ]);
is $visitor->look->seen('COOKIEPOLICY_USER'), 'ada', 'with one it does';
is_verdict($visitor->jar, $visitor->cookie('csrftoken'), 'pass',
           'and a token of its own');
is_verdict($visitor->jar, $before->{csrftoken}, 'token',
           'that of the login form is used up');
my $anonymous = post([ pair($before) ], $before->{csrftoken});
is verdict($anonymous), 'pass', 'but for the newcomer that it was made for';
is $anonymous->seen('COOKIEPOLICY_USER'), undef, 'who is nobody';

done_testing;
