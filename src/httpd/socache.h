/**
 * @file socache.h
 * @brief One of httpd's socache providers as a cache for session records.
 *
 * Those that need a mutex of their user (shmcb, dbm) keep their data on this
 * machine; httpd makes their one instance. The others (redis, memcache) have
 * a server. Of them each child process has instances of its own, made when
 * they are needed, so that no two processes share a connection; one with
 * which something failed is not used again, since apr_redis and apr_memcache
 * say for five seconds after a failure that nothing is found.
 */
#ifndef CP_SOCACHE_H
#define CP_SOCACHE_H

#include "store_cache.h"

#include <ap_socache.h>
#include <apr_thread_mutex.h>
#include <httpd.h>
#include <http_config.h>

/** What CookiePolicySessionStore chose. */
typedef struct cp_socache_choice {
    const char *word;           /* as it was written */
    const char *argument;       /* NULL: the provider's default */
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *local;   /* NULL where there is a server */
    apr_uint32_t lifetime_max;  /* seconds */
} cp_socache_choice;

/** Before the configuration is read: makes the mutex known to the directive
 *  Mutex. @param pool  the configuration's */
apr_status_t cp_socache_register(apr_pool_t *pool);

/**
 * Reads "PROVIDER[:ARGUMENT]" and tries it as far as that is possible without
 * a server or a file.
 * @param what    after "socache:"
 * @return NULL, or a message that names the directive
 */
const char *cp_socache_choose(cmd_parms *cmd, const char *word,
                              const char *what, cp_socache_choice **choice);

typedef struct cp_socache cp_socache;

/**
 * @param choice  whose local instance is initialized here
 * @param server  the main server
 * @param pool    the configuration's
 * @return as the provider does; it has logged why
 */
apr_status_t cp_socache_open(cp_socache **socache,
                             const cp_socache_choice *choice,
                             server_rec *server, apr_pool_t *pool);

/** In each child process, before anything else is done with it. */
apr_status_t cp_socache_child(cp_socache *socache, apr_pool_t *pool);

/** An instance that is lent for one operation. */
typedef struct cp_socache_loan {
    cp_cache cache;             /* first; works on the instance */
    cp_socache *socache;
    struct cp_socache_instance *instance;
    bool proven;                /* it has worked before */
    unsigned int refused;       /* bytes of the last value that it refused */
    volatile apr_uint32_t *abandoned;   /* nothing is written once set */
} cp_socache_loan;

/**
 * Takes an instance; of a local provider the only one, when no other process
 * or thread has it.
 * @param fresh  one that nobody has used yet
 * @param pool   for the operation
 */
apr_status_t cp_socache_borrow(cp_socache *socache, cp_socache_loan *loan,
                               bool fresh, apr_pool_t *pool);

/** @param failed  so that nobody gets the instance any more */
void cp_socache_return(cp_socache_loan *loan, bool failed);

/** Nobody gets the instance that is in use any more. */
void cp_socache_doubt(cp_socache *socache);

#endif
