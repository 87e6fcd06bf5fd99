# What an error log tells of crashes and of sanitizers' findings.
#
# One is httpd's own, with this module or without: where a child has to end at
# once, the event and worker MPMs close their workers' sockets while those
# threads end and free them. A core says which it was: by the thread that wrote
# it, or, since httpd raises the signal once more for whichever thread takes it,
# by the one that had it first. Without a core, or without gdb to read it, a
# crash counts.
package CookiePolicy::Crash;

use strict;
use warnings;

# The lines of a log, less that crash of httpd's own. dir is where the core
# lies: the server's root.
sub lines {
    my ($log, $dir) = @_;
    my @lines = $log =~ /^.*(?:exit signal|runtime error:|Sanitizer).*$/mg;

    return if @lines == 1
        && $lines[0] =~ /exit signal Segmentation fault/
        && _is_of_mpm($dir);
    return @lines;
}

sub _is_of_mpm {
    my ($dir) = @_;
    my ($core) = glob "$dir/core*" or return 0;

    local $ENV{DEBUGINFOD_URLS} = '';
    open my $gdb, '-|', 'sh', '-c', 'exec "$@" 2> /dev/null', 'sh',
        'gdb', '-nx', '-batch', '-ex', 'bt 2', '-ex', 'echo ALL\n',
        '-ex', 'thread apply all bt 8', $ENV{CP_HTTPD_PROGRAM}, $core
        or return 0;
    local $/;
    my $frames = <$gdb> // '';
    close $gdb;
    my ($one, $all) = split /^ALL$/m, $frames;
    return $one =~ /^\#0 .*\bapr_os_sock_get\b.*\n
                    \#1 .*mod_mpm_(?:event|worker)\.so$/mx
        || ($all // '') =~ /<signal\ handler\ called>\n
                            \#\d+ .*\bapr_os_sock_get\b.*\n
                            \#\d+ .*mod_mpm_(?:event|worker)\.so$/mx;
}

1;
