# Set-Cookie lines of the application, well and badly formed, judged as a
# browser would store them. What bare httpd sends of each line is measured by
# a host with the engine Off.
use strict;
use warnings;

use Test::More;

use CookiePolicy::Backend ();
use CookiePolicy::Browser qw(line_read name_of);
use CookiePolicy::Client qw(exchange fetch form_encode);
use CookiePolicy::Server ();

my $LONG = 'x' x 5000;
my $PAST = 'Thu, 01 Jan 1970 00:00:00 GMT';
my $FUTURE = 'Fri, 31 Dec 2055 23:59:59 GMT';

# --- The lines ------------------------------------------------------------

my @names = ('a#b', qw(plain two_words UPPER MiXed a.b a-b a_b a!b a$b a%b a&b
               a'b a*b a+b a^b a`b a|b a~b 0 00 1a -a .a _a ~a $a $Version
               __Host-a __host-a __HOST-a __Secure-a __secure-A __SECURE-a
               __Http-a _ga _ga_1 _gid _fbp PHPSESSID JSESSIONID connect.sid
               ASP.NET_SessionId laravel_session XSRF-TOKEN
               session sessionidx xsessionid session_id csrf csrftoken2
               sessio nid sessionid- sessionid: __Host-sessionid
               __Host-csrftoken django_languages cookies_preference
               sessi0nid));
my @lines = map { ("$_=1", "$_=v; Path=/") } @names;

# Where the name ends, and what is trimmed.
push @lines, (
    'alone', 'alone;', 'alone; Path=/', '=', '=;', '= ', ' = ', '=value',
    '= value', '==', '===', '==value', '=name=value', '= name=value',
    "=\tname = value", '=a=b=c', 'a==b', 'a=b=c', 'a= =b', 'a = b', "a\t=\tb",
    'a =b', 'a= b', "a=\tb\t; Path=/", "two words=1", "two\twords=1",
    'a=one two', "a=one\ttwo", 'a=', 'a=; Path=/', 'a= ', 'a=;', 'a;=b',
    ';a=b', ';', ';;', '; ;a=b', ' ;a=b', ',a=b', 'a,b=c', 'a=b,c=d',
    'a=b, c=d', 'a=b; c=d', 'a=b;c=d;e=f', 'a&b=c&d', 'a:b=c', 'a/b=c',
    'a?b=c', 'a@b=c', '(a)=b', '<a>=b', '[a]=b', '{a}=b', 'a[]=b', 'a[1]=b',
    'a\\b=c', '"a"=b', '"a=b"', '"a=b";c="d"', 'a="b"', 'a="b', 'a=b"',
    'a="b;c"', 'a="b\\"c"', "a='b'", 'a=b c d', 'a=%20', '%61=b', 'a%3Db=c',
    'a%3bb=c', 'a=b%0d%0aSet-Cookie: c=d', "\xe9=1", "a=\xe9", "\xc3\xa9=1",
    "a=\xc3\xa9", "\xff\xfe=1", "a=\xff", "\xc2\xa0a=1", "a\xc2\xa0=1",
    "\xe2\x80\x8ba=1", "\x80=1", "\xa0a=1", "\x85a=1", "a=\x80\x9f",
    "\xef\xbb\xbfa=1", "=\xe9", "\xe9",
);

# Attributes: case, blanks, doubles, unknown ones.
push @lines, map { "at=1; $_" } (
    'path=/', 'PATH=/', 'pAtH = / ', "Path\t=\t/", 'Path', 'Path=', 'Path=x',
    'Path=/x; Path=/', 'Path="/"', 'Path=/;Path', 'Domain=own.example',
    'Domain=.own.example', 'Domain=OWN.example', 'domain=own.EXAMPLE',
    'Domain=example', 'Domain=other.example', 'Domain=', 'Domain',
    'Domain=own.example; Domain=other.example',
    'Domain=other.example; Domain=own.example', 'Domain=127.0.0.1',
    "Domain=\xe9.example", 'Secure', 'secure', 'SECURE', 'Secure=', 'Secure=0',
    'Secure=false', ' secure ', "\tSecure\t", 'Secured', 'HttpOnly',
    'httponly', 'HTTPONLY=1', 'SameSite=Lax', 'samesite=STRICT',
    'SameSite=None', 'SameSite=None; Secure', 'SameSite', 'SameSite=',
    'SameSite=Odd', 'SameSite=Lax; SameSite=None', 'Partitioned',
    'Secure; Partitioned; Path=/', 'Priority=High', 'SameParty', 'Version=1',
    'Comment="a;b"', 'Foo', 'Foo=bar', 'Foo=bar=baz', '=', '=foo', ';;;',
    ' ; ; ', '; Path=/', 'Path=/ ; ', 'Path=/,HttpOnly', 'Path=/&Secure',
    "\xe9=\xe9", 'max-age', 'Max-Age=', 'Max-Age=x', 'Max-Age=1x',
    'Max-Age=1', 'Max-Age=60', 'max-age = 60', 'MAX-AGE=60', 'Max-Age=+60',
    'Max-Age=60.5', 'Max-Age=6e1', 'Max-Age="60"', 'Max-Age=99999999999999',
    'Max-Age=' . '9' x 40, 'Max-Age=0x10', 'Max-Age=60; Max-Age=120',
    'Max-Age=0; Max-Age=60', 'Max-Age=-1; Max-Age=x; Max-Age=60',
    'Max-Age=' . '0' x 1025, "Max-Age=60; Expires=$PAST",
    "Expires=$PAST; Max-Age=60", "Expires=$FUTURE",
    "Expires=$PAST; Expires=$FUTURE", 'Max-Age=--1', 'Max-Age=-',
    'Max-Age=- 1', 'Max-Age=0 0', "Max-Age=0\x{a0}", 'Max-Age=0, x',
    'Max-Age=0x', '"Max-Age"=0', 'Max-Age==0', 'Max_Age=0', 'MaxAge=0',
    'Max-Age:0', 'Max-Age 0', 'Comment="; Max-Age=60', 'Path=/ Max-Age=0',
    'Path=/,Max-Age=0',
);

# Dates that lie ahead, that are none, and that no calendar has.
push @lines, map { "date=1; Expires=$_" } (
    '', 'soon', '0', '-1', '1', 'Thu', '1970', '01 Jan 1970',
    'Thu, 01 Jan 1970', '00:00:00', 'Jan 1970 00:00:00',
    '01 1970 00:00:00', '01 Jan 00:00:00', '01 Jan 70', '01 Jan 1970 00:00',
    '01 Jan 1970 0000:00', '01 Jan 1970 24:00:00', '01 Jan 1970 00:60:00',
    '01 Jan 1970 00:00:60', '00 Jan 1970 00:00:00', '32 Jan 1970 00:00:00',
    '01 Jan 1600 00:00:00', '01 Foo 1970 00:00:00', '01 Ja 1970 00:00:00',
    '001 Jan 1970 00:00:00', '01 Jan 19700 00:00:00', '01 Jan 1 00:00:00',
    '30 Feb 1970 00:00:00', '29 Feb 2021 00:00:00', '30 Feb 2020 00:00:00',
    '31 Apr 2020 00:00:00', '31 Jun 1999 00:00:00', '31 Sep 2001 00:00:00',
    '31 Nov 2010 00:00:00', '30 Feb 1969 00:00:00', '29 Feb 1900 00:00:00',
    '29 Feb 1969 00:00:00', '31 Feb 1601 00:00:00', '29 Feb 2100 00:00:00',
    '01 Jan 2068 00:00:00', '01 Jan 68 00:00:00', '01 Jan 69 00:00:00',
    '01 Jan 0068 00:00:00', '31 Dec 9999 23:59:59', '31-Dec-55 23:59:59',
    '23:59:59 31 december 2055 GMT', '2055 Dec 31 23:59:59',
    'Dec/31/2055;23:59:59', 'Dec:31:2055', '31 Dec 2055 23:59:59' . ' ' x 3,
    '31 Dec 2055 23:59:59' . 'x' x 1024, $PAST . ' ' . 'x' x 1024,
    "\"$FUTURE\"",
);

# Lengths about what browsers store.
push @lines, 'long=' . 'x' x 4091, 'long=' . 'x' x 4092, 'long=' . 'x' x 4093,
    "long=$LONG", "$LONG=1", $LONG, "=$LONG", 'a=1; Path=/' . 'x' x 1100,
    'a=1; Foo=' . 'x' x 4000, 'a' x 4096, '=' . 'a' x 4096,
    'a=1' . '; Path=/' x 300;

# Lines of which browsers make this or that: some store them. They are judged
# as if all did.
push @lines, map { "doubtful=x; $_" } "Expires=$PAST; Expires=never",
    "Expires=$PAST; Expires=", "Expires=$PAST; Max-Age=x", 'Max-Age=0; Max-Age=x',
    'Max-Age=0; Max-Age=', 'Max-Age=-1; Max-Age=5x', map { "Expires=$_" }
    '01 Jan 2020 00:00:00x', '1st Jan 2020 1:2:3', '01x Jan 1970 00:00:00',
    '01 Jan 1970x 00:00:00', '01 Jan 1970 00:00:00:00',
    '01 Jan 1970 00:00:00 31 Dec 2055', '01 Jan 1970 00:00:00.5 +0000 2055',
    '01 Jan 1970 00:00:00 +0100';

# Lines that delete. They pass, declared or not.
my @deletions = (
    (map { "gone=x; $_" } (
        'Max-Age=0', 'max-age=0', 'MAX-AGE = 0', "Max-Age\t=\t0",
        'Max-Age=-1', 'Max-Age=-0', 'Max-Age=00', 'Max-Age=-99999999999999',
        'Max-Age=60; Max-Age=0', 'Max-Age=0; Path=/x; Domain=own.example',
        "Max-Age=0; Expires=$FUTURE", "Expires=$FUTURE; Max-Age=0",
        "Expires=$PAST", "expires=$PAST", "EXPIRES = $PAST",
        "Expires=$FUTURE; Expires=$PAST", "Expires=\"$PAST\"", '; Max-Age=0',
        'Foo=bar; Max-Age=0; Foo')),
    (map { "gone=; Expires=$_" } (
        'Thu, 01-Jan-1970 00:00:00 GMT', 'Thu, 01-Jan-70 00:00:00 GMT',
        'Thu Jan  1 00:00:00 1970', '1 jan 1970 0:0:0', '00:00:00 1 1970 JAN',
        '01/JANUARY/1970/00:00:00', '1970 1 Jan 00:00:00',
        '01 Jan 0070 00:00:00', '01 Jan 99 00:00:00',
        '29 Feb 2020 00:00:00', '31 Dec 1969 23:59:59', '29 Feb 1904 1:1:1',
        '01 Jan 1601 00:00:00', '(01) [Jan] {1970} <00:00:00>')),
    'Max-Age=0; Max-Age=0', '=gone; Max-Age=0', '=gone=x; Max-Age=0',
    "gone=$LONG; Max-Age=0", "\xe9=; Max-Age=0", 'two words=; Max-Age=0',
    '__Host-gone=; Path=/; Max-Age=0', 'gone; Max-Age=0',
);

# The managed four, as what some browser or application would take for them.
my @managed = (
    'sessionid=x', 'csrftoken=x', 'django_language=xx',
    'cookies_preferences=x', 'sessionid=x; Path=/x',
    'sessionid=x; Domain=own.example', ' sessionid=x', "\tsessionid=x",
    'sessionid =x', "sessionid\t=x", 'sessionid=', 'sessionid= x',
    '=sessionid=x', '= sessionid =x', "=\tcsrftoken=x",
    'SessionID=x', 'SESSIONID=x', 'CSRFToken=x', 'Django_Language=xx',
    'COOKIES_PREFERENCES=x', 'session%69d=x', '%73essionid=x',
    'csrf%74oken=x', 'django%5flanguage=xx', 'django.language=xx',
    'django language=xx', 'django[language=xx', 'cookies.preferences=x',
    'cookies preferences=x', 'csrftoken[]=x', 'csrftoken[a]=x',
    'sessionid[=x', "\xc2\xa0sessionid=x", "sessionid\xc2\xa0=x",
    "\xe2\x80\x83csrftoken=x", "sessionid\xe2\x80\x83=x", "\xa0sessionid=x",
    "\x85sessionid=x", '%20sessionid=x', 'sessionid%20=x', 'sessionid%00x=x',
    '%09csrftoken=x', 'sessionid=; Max-Age=0', 'csrftoken=; Max-Age=0',
    "sessionid=; Expires=$PAST", 'cookies_preferences=; Max-Age=0; Path=/',
    'SessionID=; Max-Age=0', "sessionid=$LONG", 'sessionid=x; Secure',
    'django.language=xx; Max-Age=0', '=SessionID=x',
);

# Control characters, of which only an httpd that is told to be unsafe lets
# some pass. Each in a batch of its own.
my @controls = map { my $c = chr; ("a$c=1", "a=1$c", "${c}a=1", "a=1; P$c=1",
                                   "a=1${c}; Max-Age=0", "=${c}a=1") }
               1 .. 8, 11, 12, 14 .. 31, 127;

# Folded, as bare httpd joins them.
my @folded = ("fold=1;\r\n Path=/", "fold\r\n =1", "fold=\r\n\t1",
              "fold=1\r\n ; Max-Age=0", "fold=1; Max-Age=\r\n 0",
              "fold\r\n alone", "fold=1;\r\n Max-Age=0;\r\n Max-Age=60",
              "session\r\n id=1", "fold=1; Expires=Thu,\r\n 01 Jan 1970"
              . "\r\n 00:00:00 GMT");

# --- The servers ----------------------------------------------------------

sub answer {
    return join '', "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n",
        (map { "Set-Cookie: $_\r\n" } @_),
        "Content-Length: 2\r\nConnection: close\r\n\r\nok";
}

my (@batches, @batch);
my @all = (@lines, @deletions, @managed);
# Spread, so that each batch has some of all.
push @{ $batches[ $_ % 20 ] }, $all[$_] for 0 .. $#all;
push @batches, [$_] for @controls, @folded;

my %answers = map { ("/b/$_" => answer(@{ $batches[$_] })) } 0 .. $#batches;
$answers{'/b/thousand'} = answer(map { "c$_=$_; Path=/" } 1 .. 1000);
$answers{'/b/mega'} = answer(map { "m$_=" . 'y' x 1020 } 1 .. 1030);
$answers{'/b/semicolons'} = answer(map { "a$_=1" . ';' x 4000 } 1 .. 200);
$answers{'/b/early'} = "HTTP/1.1 103 Early Hints\r\nSet-Cookie: early=1\r\n\r\n"
    . answer('late=1');
my $backend = CookiePolicy::Backend->new(%answers);

my $server = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyIssue lazy
CookiePolicyLanguage en fr
HttpProtocolOptions Unsafe
LimitRequestFieldSize 65536
ProxyPass /b/ http://127.0.0.1:@{[ $backend->port ]}/b/ disablereuse=on retry=0 responsefieldsize=65536
<IfModule mod_http2.c>
    <IfModule !mpm_prefork_module>
        Protocols h2c http/1.1
    </IfModule>
</IfModule>
RewriteEngine On
RewriteRule ^/gone - [G,CO=rewritten:1:own.example]
RewriteRule ^/away http://own.example/index.html [R=302,L,CO=rewritten:1:own.example]
<Location /headers>
    Header add Set-Cookie "out_one=1"
    Header add Set-Cookie "out_two=1; Max-Age=0"
    Header always add Set-Cookie "err_one=1"
    Header always add Set-Cookie "err_two=1; Max-Age=0"
    Header always add Set-Cookie "sessionid=evil"
    Header always add Set-Cookie "wanted=1"
</Location>
<Location /headers/denied>
    Require all denied
</Location>
Redirect 302 /headers/moved http://own.example/index.html
ErrorDocument 410 /cgi/echo.pl?h=Set-Cookie:+from_error=1
<VirtualHost 127.0.0.1:{PORT}>
    ServerName none.example
    RewriteEngine On
    RewriteOptions Inherit
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName bare.example
    CookiePolicy Off
    RewriteEngine On
    RewriteOptions Inherit
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName allow.example
    CookiePolicyUndeclared allow
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName pattern.example
    CookiePolicyCookie ~. necessary
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName anything.example
    CookiePolicyCookie ~ necessary
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName three.example
    CookiePolicyCookie a necessary
    CookiePolicyCookie plain necessary
    CookiePolicyCookie __Host-a necessary
    CookiePolicyCookie wanted necessary
    CookiePolicyCookie m7 necessary
    CookiePolicyCookie c1000 necessary
    CookiePolicyCookie undecided statistics
</VirtualHost>
CONFIG
ok $server->start, 'a server of its own' or diag $server->{said}, $server->log;

sub get {
    my ($host, $path, @with) = @_;

    return fetch(host => $host, port => $server->port, path => $path, @with);
}

# What the application sent of it, without what the module itself issues: an
# application that deletes the token makes it draw another.
sub lines_of {
    return [ grep { !/\A(?:sessionid=[\w-]{48}|csrftoken=[A-Za-z0-9]{32}
                       |django_language=en|cookies_preferences=1\.)(?:;|\z)/x }
             $_[0]->header('set-cookie') ];
}

# A browser takes all lines, and keeps them whatever they say of a domain or
# of https: other hosts would.
sub stored_of {
    my ($lines) = @_;
    my %kept;

    for my $line (@$lines) {
        my $cookie = line_read($line) or next;
        next unless length $cookie->{name} || length $cookie->{value};
        $kept{ name_of($cookie) }++ unless $cookie->{deletes};
    }
    return \%kept;
}

# As the sender's server trims a field.
sub trimmed { return $_[0] =~ s/\A[ \t]+|[ \t]+\z//gr }

my %managed = map { (trimmed($_) => 1) } @managed;
my %three = map { ($_ => 1) } qw(a plain __Host-a wanted m7 c1000);

cmp_ok scalar(@all), '>', 400, scalar(@all) . ' lines';

# What the reference says of the deletions, lest it be a fool itself.
is_deeply [ grep { my $c = line_read($_); $c && !$c->{deletes} }
            grep { !/\AMax-Age/ } @deletions ], [],
    'the reference takes deletions for deletions';
is_deeply [ grep { my $c = line_read($_); $c && $c->{deletes} }
            grep { !/\Adoubtful/ } @lines ], [],
    'and nothing else';

# --- Nothing declared, everything allowed, three names declared ------------

# Prefixes count in any case, and names that begin with them as one name.
sub folded { return $_[0] =~ s/\A__host-/__Host-/ir =~ s/\A__secure-/__Secure-/ir }

my (%wrong, $compared, $survived);
for my $n (0 .. $#batches) {
    my $bare = get('bare.example', "/b/$n");
    my $none = get('none.example', "/b/$n");
    my $came = lines_of($bare);

    $survived++ if $n >= 20 && $bare->status == 200;
    if ($bare->status != 200) {
        # Not even a server without the module sends it.
        push @{ $wrong{refused} }, "$n: " . $none->status
            unless $none->status == 500 || $none->status == 502
                   || !%{ stored_of(lines_of($none)) };
        next;
    }
    $compared += @$came;

    # Nothing declared: nothing is stored, deletions come through.
    my $left = lines_of($none);
    push @{ $wrong{none} }, "$n: $_" for keys %{ stored_of($left) };
    my %left = map { ($_ => 1) } @$left;
    push @{ $wrong{deletion} }, "$n: $_"
        for grep { my $c = line_read($_);
                   $c && $c->{deletes} && !$managed{$_} && !$left{$_}
                   && !/\Adoubtful/ } @$came;
    push @{ $wrong{ours} }, "$n: $_" for grep { $managed{$_} } @$left;
    my %came = map { ($_ => 1) } @$came;
    push @{ $wrong{made} }, "$n: $_" for grep { !$came{$_} } @$left;

    # Everything allowed: byte for byte, in the order in which they came.
    my $expected = [ grep { !$managed{$_} } @$came ];
    for my $host (qw(allow.example anything.example)) {
        my $got = lines_of(get($host, "/b/$n"));

        push @{ $wrong{$host} }, "$n: " . first_difference($got, $expected)
            if "@$got" ne "@$expected";
    }
    # A pattern that needs a character leaves out what has no name.
    my $named = [ grep { my $c = line_read($_);
                         !$c || $c->{deletes} || length name_of($c) }
                  @$expected ];
    my $got = [ grep { line_read($_) } @{ lines_of(get('pattern.example',
                                                       "/b/$n")) } ];
    $named = [ grep { line_read($_) } @$named ];
    push @{ $wrong{'pattern.example'} }, "$n: "
        . first_difference($got, $named) if "@$got" ne "@$named";

    # Three names: these and no others.
    $got = lines_of(get('three.example', "/b/$n"));
    my $stored = stored_of($got);
    my $wanted = stored_of($expected);
    push @{ $wrong{three} }, "$n: $_"
        for grep { !$three{ folded($_) } } keys %$stored;
    push @{ $wrong{missing} }, "$n: $_"
        for grep { $three{ folded($_) }
                   && ($stored->{$_} // 0) != $wanted->{$_} } keys %$wanted;
}

sub first_difference {
    my ($got, $expected) = @_;

    for my $i (0 .. ($#$got > $#$expected ? $#$got : $#$expected)) {
        my ($is, $was) = ($got->[$i] // '(nothing)',
                          $expected->[$i] // '(nothing)');

        return sprintf 'got %.80s, expected %.80s', $is, $was if $is ne $was;
    }
    return 'none';
}

cmp_ok $compared, '>', 400, 'bare httpd sends most of them';
cmp_ok $survived, '>=', scalar(@folded), 'folded ones among them';
for my $case (
    [ none => 'nothing declared: a browser stores nothing' ],
    [ deletion => 'nothing declared: deletions pass as they came' ],
    [ made => 'nothing declared: no line is made up' ],
    [ ours => 'nobody but the module sets the four, in no disguise' ],
    [ 'allow.example' => 'CookiePolicyUndeclared allow: byte for byte' ],
    [ 'anything.example' => 'a pattern that matches all: byte for byte' ],
    [ 'pattern.example' => 'the pattern ~. : whatever has a name' ],
    [ three => 'names declared: nothing else is stored' ],
    [ missing => 'and they are all stored' ],
    [ refused => 'what httpd itself refuses is not let through' ],
) {
    my ($which, $what) = @$case;

    my @which = @{ $wrong{$which} // [] };

    splice @which, 20;
    is join("\n", @which), '', $what;
}

# --- Many and much ---------------------------------------------------------

my $thousand = get('bare.example', '/b/thousand');
is scalar(@{ lines_of($thousand) }), 1000, '1,000 lines through bare httpd';
is scalar(@{ lines_of(get('none.example', '/b/thousand')) }), 0,
    'of 1,000 lines none, where none is declared';
is_deeply lines_of(get('three.example', '/b/thousand')),
    ['c1000=1000; Path=/'], 'of 1,000 lines the one that is';
is_deeply lines_of(get('allow.example', '/b/thousand')),
    lines_of($thousand), 'all 1,000 where all may pass';

my $mega = get('bare.example', '/b/mega');
cmp_ok length $mega->raw, '>', 1 << 20, '1 MB of lines through bare httpd';
is scalar(@{ lines_of(get('none.example', '/b/mega')) }), 0,
    'of 1 MB of lines none';
is_deeply lines_of(get('three.example', '/b/mega')),
    [ 'm7=' . 'y' x 1020 ], 'of 1 MB of lines the one that is declared';
is_deeply lines_of(get('allow.example', '/b/mega')), lines_of($mega),
    'all of it where all may pass';
is scalar(@{ lines_of(get('none.example', '/b/semicolons')) }), 0,
    'lines with thousands of empty attributes';

# --- From where they come --------------------------------------------------

my $cgi = '/cgi/echo.pl?' . form_encode(
    [ map { (h => "Set-Cookie: $_") } 'wanted=1', 'other=1', 'sessionid=evil',
      'gone=; Max-Age=0', 'undecided=1' ]);
is_deeply lines_of(get('three.example', $cgi)),
    [ 'wanted=1', 'gone=; Max-Age=0' ], 'from CGI';
is_deeply lines_of(get('three.example', "$cgi&status=404")),
    [ 'wanted=1', 'gone=; Max-Age=0' ], 'from CGI with a 404';
is_deeply lines_of(get('three.example', "$cgi&status=302&h=Location:+/x")),
    [ 'wanted=1', 'gone=; Max-Age=0' ], 'from CGI with a redirect';
is_deeply lines_of(get('three.example', $cgi, method => 'HEAD')),
    [ 'wanted=1', 'gone=; Max-Age=0' ], 'from CGI in answer to HEAD';

my @headers = ('out_one=1', 'out_two=1; Max-Age=0', 'err_one=1',
               'err_two=1; Max-Age=0', 'sessionid=evil', 'wanted=1');
mkdir $server->dir . '/htdocs/headers' or die $!;
$server->file('htdocs/headers/page.html', "<title>P</title>\n");
for my $case (
    [ 'a page', '/headers/page.html', 200 ],
    [ 'HEAD', '/headers/page.html', 200, method => 'HEAD' ],
    [ 'a 404', '/headers/none.html', 404 ],
    [ 'a 403', '/headers/denied', 403 ],
    [ 'a redirect', '/headers/moved', 302 ],
    [ 'a part', '/headers/page.html', 206,
      headers => [ Range => 'bytes=1-3' ] ],
) {
    my ($what, $path, $status, @with) = @$case;
    my $bare = get('bare.example', $path, @with);
    my $got = get('three.example', $path, @with);
    my %came = map { ($_ => 1) } $bare->header('set-cookie');

    is $got->status, $status, "mod_headers on $what";
    is $bare->status, $status, 'as without the module';
    ok $came{'err_one=1'} && $came{'sessionid=evil'}, 'which has cookies';
    is_deeply [ sort $got->header('set-cookie') ],
        [ sort grep { /Max-Age=0|wanted/ } keys %came ],
        'keeps what is declared and what deletes';
}
my $etag = get('none.example', '/headers/page.html')->header('etag');
for my $host (qw(bare.example three.example)) {
    my $same = get($host, '/headers/page.html',
                   headers => [ 'If-None-Match' => $etag ]);
    my @got = $same->header('set-cookie');

    is $same->status, 304, "$host: a 304";
    is scalar(grep { /\Aerr_one|\Asessionid/ } @got),
        $host =~ /three/ ? 0 : 2, 'with the cookies that may pass';
    is scalar(grep { /\Awanted/ } @got), 1, 'among them what is declared';
}

is get('bare.example', '/gone')->issued, 'from_error rewritten',
    'mod_rewrite and an ErrorDocument both set one';
is get('none.example', '/gone')->issued, '', 'and neither passes';
is get('none.example', '/gone')->status, 410, 'the error does';
is get('bare.example', '/away')->issued, 'rewritten', 'on a redirect, too';
is get('none.example', '/away')->issued, '', 'nor does that';

my $hints = exchange(port => $server->port, host => 'none.example',
                     bytes => "GET /b/early HTTP/1.1\r\nHost: none.example\r\n"
                              . "Connection: close\r\n\r\n");
unlike $hints, qr/early=|late=/, 'nor what comes with a 103';
like $hints, qr/^HTTP\/1\.1 200 /m, 'the answer behind it does';

SKIP: {
    skip 'mod_http2 does not work under prefork', 3
        if $ENV{CP_MPM} eq 'prefork';
    my $ask = sub {
        my ($host, $path) = @_;

        open my $out, '-|', 'curl', '-sSi', '--http2-prior-knowledge',
            '--max-time', 20, '--resolve',
            "$host:" . $server->port . ':127.0.0.1',
            "http://$host:" . $server->port . $path or die "curl: $!";
        local $/;
        my $said = <$out>;
        close $out;
        return $said =~ s/\r//gr;
    };
    my @bare = $ask->('bare.example', '/headers/page.html')
               =~ /^set-cookie: (.*)$/mg;
    ok scalar(@bare) >= 4, 'HTTP/2: cookies without the module';
    is_deeply [ $ask->('three.example', '/headers/page.html')
                =~ /^set-cookie: (wanted.*|sessionid.*|.*_one.*)$/mg ],
        ['wanted=1'], 'HTTP/2: what is declared';
    is_deeply [ $ask->('none.example', '/b/thousand')
                =~ /^set-cookie: (.*)$/mg ], [], 'HTTP/2: of 1,000 none';
}

# --- An upgrade, which passes no filter of the request ---------------------

my $hostile = CookiePolicy::Backend->new(
    '/u/some' => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        . "Connection: Upgrade\r\nSet-Cookie: stray=1\r\n\r\n",
    '/u/large' => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        . "Connection: Upgrade\r\n"
        . join('', map { "Set-Cookie: stray$_=" . 'z' x 7000 . "\r\n" } 1 .. 20)
        . "\r\n",
);
my $upgrades = CookiePolicy::Server->new(config => <<"CONFIG");
CookiePolicy On
CookiePolicyStateDir {STATE}
CookiePolicySessionStore shm:1M
CookiePolicyIssue lazy
ProxyPass /u/ http://127.0.0.1:@{[ $hostile->port ]}/u/ upgrade=websocket
Header always add Set-Cookie "refused=1"
Header always add Set-Cookie "sessionid=evil"
<VirtualHost 127.0.0.1:{PORT}>
    ServerName none.example
</VirtualHost>
<VirtualHost 127.0.0.1:{PORT}>
    ServerName bare.example
    CookiePolicy Off
</VirtualHost>
CONFIG
ok $upgrades->start, 'a server of upgrades' or diag $upgrades->log;
for my $path (qw(/u/some /u/large)) {
    my %got = map {
        ($_ => exchange(port => $upgrades->port, host => $_, bytes =>
            "GET $path HTTP/1.1\r\nHost: $_\r\nOrigin: http://$_\r\n"
            . "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"))
    } qw(bare.example none.example);

    ok $got{'bare.example'} =~ /stray/, "$path: a 101 brings a cookie";
    ok $got{'none.example'} !~ /stray/, 'which does not pass';
}

# --- Requests that httpd refuses before it has read them -------------------

for my $case (
    [ 'a bad Host', 400, 'GET / HTTP/1.1', 'Host: bad host' ],
    [ 'no Host', 400, 'GET / HTTP/1.1' ],
    [ 'a line that is no field', 400, 'GET / HTTP/1.1', 'Host: none.example',
      'Bad Field' ],
    [ 'a long URI', 414, 'GET /' . 'x' x 9000 . ' HTTP/1.1',
      'Host: none.example' ],
    [ 'a foreign expectation', 417, 'GET / HTTP/1.1', 'Host: none.example',
      'Expect: wonders' ],
    [ 'a foreign encoding', 400, 'GET / HTTP/1.1', 'Host: none.example',
      'Transfer-Encoding: strange' ],
) {
    my ($what, $status, @head) = @$case;
    my $answer = exchange(port => $upgrades->port, host => 'none.example',
                          bytes => join "\r\n", @head, 'Connection: close',
                                        '', '');

    like $answer, qr/\AHTTP\/1\.1 $status /, "$what: $status";
    unlike $answer, qr/^Set-Cookie:/mi,
        'refused before, and nobody\'s cookies with it';
}

done_testing;
