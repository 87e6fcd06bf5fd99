#!/usr/bin/perl
# Says how long a body is, and keeps nothing of it.
use strict;
use warnings;

my ($length, $piece) = (0, '');

binmode STDIN;
while (my $got = sysread STDIN, $piece, 1 << 20) {
    $length += $got;
}
print "Content-Type: text/plain\n\nBODY_LENGTH: $length\n";
