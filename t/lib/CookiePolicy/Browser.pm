# What a browser makes of Set-Cookie lines: the algorithm of RFC 6265bis,
# sections 5.1.1 (dates), 5.6 (reading), 5.7 (storing) and 5.8 (sending), step
# by step, for one host.
package CookiePolicy::Browser;

use strict;
use warnings;

use Exporter 'import';
use Time::Local qw(timegm_modern);

our @EXPORT_OK = qw(line_read date_read name_of);

my $PAIR_MAX = 4096;
my $ATTRIBUTE_MAX = 1024;

my $CONTROL = qr/[\x00-\x08\x0a-\x1f\x7f]/;
my $DELIMITER = qr/[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]/;
my %MONTH = (jan => 1, feb => 2, mar => 3, apr => 4, may => 5, jun => 6,
             jul => 7, aug => 8, sep => 9, oct => 10, nov => 11, dec => 12);

# Section 5.1.1. @return seconds since the epoch, or undef
sub date_read {
    my ($text) = @_;
    my (@time, $day, $month, $year);

    for my $token (grep { length } split /$DELIMITER+/, $text) {
        if (!@time && $token =~ /\A(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)/) {
            @time = ($1, $2, $3);
        }
        elsif (!defined $day && $token =~ /\A(\d{1,2})(?!\d)/) {
            $day = $1;
        }
        elsif (!defined $month && $token =~ /\A([A-Za-z]{3})/
               && $MONTH{ lc $1 }) {
            $month = $MONTH{ lc $1 };
        }
        elsif (!defined $year && $token =~ /\A(\d{2,4})(?!\d)/) {
            $year = $1;
        }
    }
    return unless @time && defined $day && $month && defined $year;
    $year += 1900 if $year >= 70 && $year <= 99;
    $year += 2000 if $year >= 0 && $year <= 69;
    return if $day < 1 || $day > 31 || $year < 1601
              || $time[0] > 23 || $time[1] > 59 || $time[2] > 59;
    # "If no such date exists", it has failed.
    return eval { timegm_modern($time[2], $time[1], $time[0], $day,
                                $month - 1, $year) };
}

sub _trim {
    my ($text) = @_;

    $text =~ s/\A[ \t]+//;
    $text =~ s/[ \t]+\z//;
    return $text;
}

# Section 5.6. @return name, value and what the attributes come to, or undef
# for a line that is ignored as a whole
sub line_read {
    my ($line, $now) = @_;
    my ($pair, $rest) = $line =~ /\A([^;]*)(.*)\z/s;
    my ($name, $value) = ('', $pair);
    my %read = (expires => undef, domain => '', path => '', same_site => '');
    my ($max_age, $expires);

    $now //= time;
    return if $line =~ $CONTROL;
    ($name, $value) = ($1, $2) if $pair =~ /\A([^=]*)=(.*)\z/s;
    $name = _trim($name);
    $value = _trim($value);
    return if length($name) + length($value) > $PAIR_MAX;
    while ($rest =~ s/\A;([^;]*)//s) {
        my ($key, $with) = $1 =~ /\A([^=]*)=?(.*)\z/s;

        $key = lc _trim($key);
        $with = _trim($with);
        next if length $with > $ATTRIBUTE_MAX;
        if ($key eq 'expires') {
            $expires = date_read($with) // $expires;
        }
        elsif ($key eq 'max-age' && $with =~ /\A-?[0-9]+\z/) {
            $max_age = $with;
        }
        elsif ($key eq 'domain') {
            $read{domain} = lc($with =~ s/\A\.//r);
        }
        elsif ($key eq 'path') {
            $read{path} = $with =~ m{\A/} ? $with : '';
        }
        elsif ($key eq 'secure') { $read{secure} = 1 }
        elsif ($key eq 'httponly') { $read{http_only} = 1 }
        elsif ($key eq 'samesite') { $read{same_site} = lc $with }
    }
    if (defined $max_age) {
        $read{expires} = $max_age <= 0 ? 0 : $now + $max_age;
    }
    elsif (defined $expires) {
        $read{expires} = $expires;
    }
    return { name => $name, value => $value, %read,
             deletes => defined $read{expires} && $read{expires} <= $now };
}

# The name that a server reads when the cookie comes back: a browser sends a
# nameless cookie as its value alone.
sub name_of {
    my ($cookie) = @_;

    return $cookie->{name} if length $cookie->{name};
    return $cookie->{value} =~ /\A([^=]*)=/ ? _trim($1) : '';
}

# A browser that visits one host.
sub new {
    my ($class, %with) = @_;

    return bless { host => $with{host} // 'own.example',
                   secure => $with{secure}, jar => {} }, $class;
}

# Section 5.7. @return 'ignored', 'deleted' or 'stored'
sub take {
    my ($self, $line, $path) = @_;
    my $cookie = line_read($line);
    my $host = $self->{host};

    return 'ignored' unless $cookie;
    return 'ignored' unless length $cookie->{name} || length $cookie->{value};
    return 'ignored' if $cookie->{domain} =~ /[^\x00-\x7f]/;
    if (length $cookie->{domain}) {
        return 'ignored' unless $host =~ /(?:\A|\.)\Q$cookie->{domain}\E\z/;
    }
    return 'ignored' if $cookie->{secure} && !$self->{secure};
    for my $text ($cookie->{name}, length $cookie->{name} ? ()
                                                          : $cookie->{value}) {
        return 'ignored' if !length $cookie->{name}
                            && $text =~ /\A__(?:secure|host)-/i;
        return 'ignored' if $text =~ /\A__(?:secure|host)-/i
                            && !$cookie->{secure};
        return 'ignored' if $text =~ /\A__host-/i
                            && (length $cookie->{domain}
                                || $cookie->{path} ne '/');
    }
    if (!length $cookie->{path}) {
        $cookie->{path} = ($path // '/') =~ m{\A(/.*)/} ? $1 : '/';
    }
    my $key = join "\0", map { $cookie->{$_} } qw(name domain path);
    if ($cookie->{deletes}) {
        delete $self->{jar}{$key};
        return 'deleted';
    }
    $self->{jar}{$key} = $cookie;
    return 'stored';
}

# All cookies that are there, in no order.
sub cookies { return values %{ $_[0]{jar} } }

# The names by which they come back, sorted, each once.
sub names {
    my ($self) = @_;
    my %names = map { name_of($_) => 1 } $self->cookies;

    return sort keys %names;
}

# Section 5.8. @return the Cookie header for a path, or undef
sub header {
    my ($self, $path) = @_;
    my @pairs;

    $path =~ s/\?.*//s;
    for my $key (sort keys %{ $self->{jar} }) {
        my $cookie = $self->{jar}{$key};

        next unless $path eq $cookie->{path}
                    || $path =~ m{\A\Q$cookie->{path}\E(?:(?<=/)|/)};
        next if $cookie->{secure} && !$self->{secure};
        push @pairs, length $cookie->{name}
                     ? "$cookie->{name}=$cookie->{value}" : $cookie->{value};
    }
    return @pairs ? join '; ', @pairs : undef;
}

1;
