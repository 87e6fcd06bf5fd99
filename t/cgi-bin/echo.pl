#!/usr/bin/perl
# Says what an application sees of a request, and answers as the query asks:
# h=Header: value (any number of them), type=, status=, silent=1.
use strict;
use warnings;

use Digest::SHA qw(sha1_hex);

my (%asked, @headers);
my $body = '';

for my $pair (split /&/, $ENV{QUERY_STRING} // '') {
    my ($name, $value) = map { tr/+/ /; s/%([0-9A-Fa-f]{2})/chr hex $1/ge; $_ }
                         split /=/, $pair, 2;
    if ($name eq 'h') {
        push @headers, $value;
    }
    else {
        $asked{$name} = $value;
    }
}
binmode STDIN;
binmode STDOUT;
1 while read STDIN, $body, 65536, length $body;

print "Status: $asked{status}\n" if $asked{status};
print "Content-Type: ", $asked{type} // 'text/html; charset=utf-8', "\n";
print "$_\n" for @headers;
print "\n";
exit if $asked{silent};
for my $name (sort keys %ENV) {
    print "$name: $ENV{$name}\n"
        if $name =~ /^(HTTP_|REDIRECT_|COOKIEPOLICY_|prefer-language$)/
           || $name =~ /^(REQUEST_METHOD|CONTENT_TYPE|CONTENT_LENGTH|REMOTE_USER|AUTH_TYPE)$/;
}
print "BODY_LENGTH: ", length $body, "\n";
print "BODY_SHA1: ", sha1_hex($body), "\n";
