# A visitor of one host: a browser as far as cookies and forms go. Headers
# given to new() are sent with every request; one that is undef never is.
#
# Every host name leads to 127.0.0.1. A response is HTTP::Tiny's, with what the
# tests ask for besides: {set} maps a cookie's name to its Set-Cookie lines.
package Visitor;

use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP qw(decode_json);

sub new {
    my ($class, $host, $port, %headers) = @_;
    return bless {
        origin => "http://$host:$port",
        headers => \%headers,
        jar => {},
        http => HTTP::Tiny->new(agent => 'Visitor', max_redirect => 0,
                                timeout => 60, keep_alive => 0),
    }, $class;
}

sub cookie {
    my ($self, $name) = @_;
    return $self->{jar}{$name};
}

sub cookies {
    my ($self) = @_;
    return sort keys %{ $self->{jar} };
}

# The last page's token, as Django put it into the form.
sub form_token {
    my ($self) = @_;
    return $self->{page} =~ /name="csrfmiddlewaretoken" value="(\w+)"/
           ? $1 : '';
}

# The value of a cookie in the Cookie header that Django saw when it made the
# last page: a list, since it might be there twice.
sub shown {
    my ($self, $name) = @_;
    my ($header) = $self->{page} =~ m{<pre id="cookie">(.*?)</pre>}s;
    return map { /^\Q$name\E=(.*)/s ? $1 : () } split /; /, $header // '';
}

sub get {
    my ($self, $path) = @_;
    my $response = $self->_send('GET', $path, {
        'Sec-Fetch-Site' => 'none',
        'Sec-Fetch-Mode' => 'navigate',
        'Sec-Fetch-Dest' => 'document',
    });

    $self->{page} = $response->{content};
    return $response;
}

# Posts a form, given as a list of names and values, from a page of this host.
sub post {
    my ($self, $path, @fields) = @_;
    return $self->_send('POST', $path, {
        'Origin' => $self->{origin},
        'Sec-Fetch-Site' => 'same-origin',
        'Sec-Fetch-Mode' => 'navigate',
        'Sec-Fetch-Dest' => 'document',
        'Content-Type' => 'application/x-www-form-urlencoded',
    }, $self->{http}->www_form_urlencode(\@fields));
}

# Sends JSON as a script in a page of this host does, with these headers more.
sub call {
    my ($self, $path, $body, %headers) = @_;
    return $self->_send('POST', $path, {
        'Origin' => $self->{origin},
        'Sec-Fetch-Site' => 'same-origin',
        'Sec-Fetch-Mode' => 'cors',
        'Sec-Fetch-Dest' => 'empty',
        'Content-Type' => 'application/json',
        'Accept' => 'application/json',
        %headers,
    }, $body);
}

sub _send {
    my ($self, $method, $path, $headers, $content) = @_;
    my $jar = $self->{jar};
    my %all = (Accept => 'text/html', %$headers, %{ $self->{headers} });
    my $response;

    $all{Cookie} = join '; ', map { "$_=$jar->{$_}" } sort keys %$jar
        if %$jar;
    delete @all{ grep { !defined $all{$_} } keys %all };
    $response = $self->{http}->request($method, $self->{origin} . $path, {
        headers => \%all,
        content => $content // '',
        peer => '127.0.0.1',
    });
    $self->_remember($response);
    $response->{json} = decode_json($response->{content})
        if ($response->{headers}{'content-type'} // '') =~ m{/json};
    return $response;
}

sub _remember {
    my ($self, $response) = @_;
    my $lines = $response->{headers}{'set-cookie'} // [];

    for my $line (ref $lines ? @$lines : $lines) {
        my ($name, $value) = $line =~ /^([^=;]+)=([^;]*)/ or next;
        push @{ $response->{set}{$name} }, $line;
        if ($line =~ /; *Max-Age=0/i) {
            delete $self->{jar}{$name};
        }
        else {
            $self->{jar}{$name} = $value;
        }
    }
}

1;
