/**
 * @file clerks.h
 * @brief Errands that may hang, run by threads that a request does not wait
 *        for longer than it wants.
 *
 * httpd's providers give a server that hangs all the time in the world:
 * mod_socache_memcache sets no timeout once it is connected, and that of
 * mod_socache_redis is in the wrong unit, so that it is never reached.
 */
#ifndef CP_CLERKS_H
#define CP_CLERKS_H

#include <apr_pools.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

/**
 * @param pool  gets a pool without a parent, of which, and of whose children,
 *              several threads may take at the same moment, each its own
 */
apr_status_t cp_threads_pool_make(apr_pool_t **pool);

/** The clerks of one process. */
typedef struct cp_clerks cp_clerks;

/** One errand; embedded as the first member of what it works on. */
typedef struct cp_errand {
    apr_pool_t *pool;           /* its own: it may outlive the request */
    void (*run)(struct cp_errand *errand);
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *change;
    int done;
    volatile apr_uint32_t abandoned;    /* nobody waits for it any more */
    volatile apr_uint32_t holders;
} cp_errand;

/**
 * To be called in a child process. Threads begin when they are needed and
 * stay. Nothing ends them but the end of the process, which so need not wait
 * for one that hangs.
 * @param most  threads
 */
apr_status_t cp_clerks_make(cp_clerks **clerks, apr_size_t most);

/**
 * @param size  of what embeds it; zeroed
 * @return the errand, with a pool of its own; NULL when there is no memory
 */
cp_errand *cp_errand_make(apr_size_t size, void (*run)(cp_errand *errand));

/** What the maker does last with it. */
void cp_errand_release(cp_errand *errand);

/**
 * Has an errand run and waits for its end.
 * @return APR_SUCCESS when it ended within @a patience. Else it is abandoned:
 *         it may still run, and what it works on must not be looked at
 */
apr_status_t cp_clerks_run(cp_clerks *clerks, cp_errand *errand,
                           apr_interval_time_t patience);

/** Has an errand run and does not wait. */
void cp_clerks_send(cp_clerks *clerks, cp_errand *errand);

#endif
