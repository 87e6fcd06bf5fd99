/**
 * @file hosts.h
 * @brief Virtual hosts, as log lines name them.
 */
#ifndef CP_HOSTS_H
#define CP_HOSTS_H

#include <httpd.h>

/** Hosts of which one thing is to be said. Zeroed, it has none. */
typedef struct cp_hosts {
    const char *names;
    int count;
} cp_hosts;

/** NAME:PORT, or NAME where it has no port of its own; `*` for a host without
 *  a name. */
const char *cp_host_name(const server_rec *s, apr_pool_t *pool);

void cp_hosts_add(cp_hosts *hosts, const server_rec *s, apr_pool_t *pool);

/** How many they are, and the names of the first: `7 (a.example:80, ...)`. */
const char *cp_hosts_say(const cp_hosts *hosts, apr_pool_t *pool);

#endif
