# A visitor with a browser that keeps cookies.
package CookiePolicy::Visitor;

use strict;
use warnings;

use CookiePolicy::Client qw(fetch form_encode);

sub new {
    my ($class, $host, %with) = @_;

    return bless { host => $host, jar => {}, with => \%with }, $class;
}

# A second browser that has the same cookies.
sub twin {
    my ($self) = @_;
    my $twin = ref($self)->new($self->{host}, %{ $self->{with} });

    $twin->{jar} = { %{ $self->{jar} } };
    return $twin;
}

sub jar { return $_[0]{jar} }
sub cookie { return $_[0]{jar}{ $_[1] } }

sub request {
    my ($self, $method, $path, %with) = @_;
    my @headers = @{ delete $with{headers} || [] };
    my %given = map { $_ % 2 ? () : (lc $headers[$_] => 1) } 0 .. $#headers;
    my $jar = $self->{jar};
    my $response;

    if (%$jar && !$given{cookie}) {
        push @headers, Cookie => join '; ', map { "$_=$jar->{$_}" }
                                            sort keys %$jar;
    }
    $response = fetch(%{ $self->{with} }, host => $self->{host}, %with,
                      method => $method, path => $path, headers => \@headers);
    $self->keep($response);
    return $response;
}

sub keep {
    my ($self, $response) = @_;
    my $cookies = $response->cookies;

    for my $name (keys %$cookies) {
        if (defined $cookies->{$name}{'max-age'}
            && $cookies->{$name}{'max-age'} <= 0) {
            delete $self->{jar}{$name};
        }
        else {
            $self->{jar}{$name} = $cookies->{$name}{value};
        }
    }
    return;
}

sub get { my ($self, $path, @with) = @_; return $self->request('GET', $path, @with) }

# Posts a form, with the visitor's token unless another or none is asked for.
sub post {
    my ($self, $path, $form, %with) = @_;
    my @pairs = ref $form eq 'HASH' ? map { ($_ => $form->{$_}) } sort keys %$form
                                    : @{ $form || [] };
    my $token = exists $with{token} ? delete $with{token}
                                    : $self->{jar}{csrftoken};

    unshift @pairs, csrfmiddlewaretoken => $token if defined $token;
    return $self->request(
        'POST', $path, body => form_encode(\@pairs), %with,
        headers => [ 'Content-Type' => 'application/x-www-form-urlencoded',
                     @{ $with{headers} || [] } ]);
}

# What the application saw of a plain GET.
sub look { return $_[0]->get('/cgi/echo.pl') }

# Has the application send the session commands given.
sub command {
    my ($self, $commands, %with) = @_;

    return $self->get('/cgi/echo.pl?' . form_encode(
        [ h => "X-Session: $commands" ]), %with);
}

1;
