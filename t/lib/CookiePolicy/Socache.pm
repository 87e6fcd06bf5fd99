# What the tests of stores of httpd's socache providers have in common.
package CookiePolicy::Socache;

use strict;
use warnings;

use Exporter 'import';
use Test::More;

use CookiePolicy::Server ();
use CookiePolicy::Visitor ();

our @EXPORT = qw(config is_nobody is_user lines logged_in log_out until_so
                 user_of visitor);

my $LOAD = join '', map {
    my $file = CookiePolicy::Server::module_file("socache_$_");
    "LoadModule socache_${_}_module $file\n";
} qw(redis memcache dbm);
my $COMMON = <<'CONFIG';
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionHeader X-Session login
<Location /cookiepolicy-status>
    SetHandler cookiepolicy-status
</Location>
<Location /cookie-policy/logout>
    CookiePolicyCsrf Origin
</Location>
CONFIG

sub config {
    my ($store, $more) = @_;

    return $LOAD . bare($store, $more);
}

# The same without the providers' modules.
sub bare {
    my ($store, $more) = @_;

    return $COMMON . ($more // '') . "CookiePolicySessionStore $store\n";
}

sub visitor {
    my ($server) = @_;

    return CookiePolicy::Visitor->new('own.example', port => $server->port);
}

sub logged_in {
    my ($server, $user) = @_;
    my $visitor = visitor($server);

    $visitor->get('/');
    $visitor->command(":user=$user&of=$user");
    return $visitor;
}

# @return the answer's status
sub log_out {
    my ($visitor) = @_;

    return $visitor->post('/cookie-policy/logout', {}, headers => [
        Origin => 'http://own.example' ])->status;
}

sub user_of { return $_[0]->look->seen('COOKIEPOLICY_USER') // '' }

sub is_user {
    my ($visitor, $user, $what) = @_;
    my $seen = $visitor->look;

    is $seen->seen('COOKIEPOLICY_USER') // '', $user, "$what: the user";
    is $seen->seen('COOKIEPOLICY_SESSION_ATTR_of'), $user,
        "$what: the attribute";
    is $seen->issued, '', "$what: nothing is issued";
    return;
}

sub until_so {
    my ($so) = @_;

    for (1 .. 600) {
        return 1 if $so->();
        select undef, undef, undef, 0.1;
    }
    return 0;
}

sub lines {
    my ($server, $tag) = @_;
    my $count = () = $server->log =~ /$tag/g;

    return $count;
}

# With the store away the visitor is nobody, loses nothing, and gets nothing.
sub is_nobody {
    my ($visitor, $what) = @_;
    my %before = %{ $visitor->jar };
    my $seen = $visitor->look;
    my $page = $visitor->get('/');

    is $seen->status, 200, "$what: content is there";
    is $seen->seen('COOKIEPOLICY_USER') // '', '', "$what: nobody";
    is $seen->issued, '', "$what: nothing is issued over it";
    is $page->status, 200, "$what: pages are there";
    is $page->issued, '', "$what: they issue nothing";
    is_deeply $visitor->jar, \%before, "$what: all cookies are left alone";
    return;
}

1;
