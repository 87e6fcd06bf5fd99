# An answer, taken apart.
package CookiePolicy::Response;

use strict;
use warnings;

sub new {
    my ($class, $bytes, $method) = @_;
    my $self = bless { raw => $bytes, fields => [], status => 0, body => '' },
        $class;

    while ($bytes =~ s/\AHTTP\/1\.1 1\d\d[^\n]*\r\n(?:[^\r\n]+\r\n)*\r\n//) {
        # An interim answer is not the answer.
        $self->{interim}++;
    }
    my ($head, $body) = split /\r\n\r\n/, $bytes, 2;
    my ($line, @fields) = split /\r\n/, $head // '';
    ($self->{status}) = ($line // '') =~ /\AHTTP\/1\.1 (\d+)/;
    $self->{status} //= 0;
    for my $field (@fields) {
        my ($name, $value) = $field =~ /\A([^:]+):[ \t]*(.*?)[ \t]*\z/s or next;
        push @{ $self->{fields} }, [ lc $name, $value ];
    }
    $self->{body} = $body // '';
    if (($self->header('transfer-encoding') // '') =~ /chunked/i) {
        $self->{body} = _dechunk($self->{body});
    }
    return $self;
}

sub _dechunk {
    my ($bytes) = @_;
    my $body = '';

    while ($bytes =~ s/\A([0-9A-Fa-f]+)[^\r\n]*\r\n//) {
        my $length = hex $1;
        return $body if $length == 0;
        $body .= substr $bytes, 0, $length, '';
        $bytes =~ s/\A\r\n//;
    }
    return $body;
}

sub status { return $_[0]{status} }
sub body { return $_[0]{body} }
sub raw { return $_[0]{raw} }

# All values of a field, or in scalar context all of them joined.
sub header {
    my ($self, $name) = @_;
    my @values = map { $_->[1] } grep { $_->[0] eq lc $name }
                 @{ $self->{fields} };

    return wantarray ? @values : @values ? join(', ', @values) : undef;
}

# The cookies that were set: name => { value, attributes in small letters }.
sub cookies {
    my ($self) = @_;
    my %cookies;

    for my $line ($self->header('set-cookie')) {
        my ($pair, @attributes) = split /;\s*/, $line;
        my ($name, $value) = split /=/, $pair, 2;
        $cookies{$name} = { value => $value, line => $line };
        for my $attribute (@attributes) {
            my ($key, $with) = split /=/, $attribute, 2;
            $cookies{$name}{ lc $key } = defined $with ? $with : 1;
        }
    }
    return \%cookies;
}

sub cookie {
    my ($self, $name) = @_;
    my $cookie = $self->cookies->{$name};

    return $cookie ? $cookie->{value} : undef;
}

# The names of the cookies that were set, sorted and joined by blanks.
sub issued { return join ' ', sort keys %{ $_[0]->cookies } }

# What the echo program says of the request that it saw.
sub seen {
    my ($self, $name) = @_;

    return $self->{body} =~ /^\Q$name\E: (.*)$/m ? $1 : undef;
}

# The cookies in the header that the application saw, as a list of pairs.
sub seen_cookies {
    my ($self) = @_;
    my $header = $self->seen('HTTP_COOKIE') // '';

    return [ map { [ split /=/, $_, 2 ] } split /; /, $header ];
}

sub seen_cookie {
    my ($self, $name) = @_;
    my @values = map { $_->[1] } grep { $_->[0] eq $name }
                 @{ $self->seen_cookies };

    return @values > 1 ? "twice: @values" : $values[0];
}

1;
