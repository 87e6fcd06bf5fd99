#!/usr/bin/perl
# Writes its own headers, as the name nph- says.
print "HTTP/1.1 200 OK\r\nSet-Cookie: sessionid=mine\r\n"
    . "Content-Type: text/html\r\nConnection: close\r\n\r\nRaw.\n";
