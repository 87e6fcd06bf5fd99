#include "hosts.h"

#include <apr_strings.h>

/* Hosts that one line names. */
#define NAMED_MAX 5

/* The port of ServerName, else that of the section's address. */
static apr_port_t port_of(const server_rec *s)
{
    return !s->port && s->addrs ? s->addrs->host_port : s->port;
}

const char *cp_host_name(const server_rec *s, apr_pool_t *pool)
{
    const char *name = s->server_hostname ? s->server_hostname : "*";
    apr_port_t port = port_of(s);

    return port ? apr_psprintf(pool, "%s:%u", name, port) : name;
}

void cp_hosts_add(cp_hosts *hosts, const server_rec *s, apr_pool_t *pool)
{
    if (hosts->count < NAMED_MAX) {
        hosts->names = apr_pstrcat(pool, hosts->count ? hosts->names : "",
                                   hosts->count ? ", " : "",
                                   cp_host_name(s, pool), NULL);
    }
    hosts->count++;
}

const char *cp_hosts_say(const cp_hosts *hosts, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%d (%s%s)", hosts->count,
                        hosts->count ? hosts->names : "",
                        hosts->count > NAMED_MAX ? ", ..." : "");
}
