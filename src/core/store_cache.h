/**
 * @file store_cache.h
 * @brief Session records in a cache of somebody else's.
 *
 * Such a cache keeps values under keys and knows neither revisions nor
 * compare-and-swap, and one behind a network may say "not found" because its
 * server is away. So
 *
 * - removing a record leaves a tombstone under a second key, which outlives
 *   every copy of the record; whoever looks for the record looks at both, and
 *   a save that came at the same moment cannot bring it back;
 * - a miss counts only where a canary, a value that is always there, is found
 *   after it. A value that is found vouches for the misses before it.
 *
 * What a cache cannot give: of two changes of one record at the same moment
 * the last may overwrite the first.
 */
#ifndef CP_STORE_CACHE_H
#define CP_STORE_CACHE_H

#include "store.h"

/** A key's length: a record's name and what is kept under it. */
#define CP_CACHE_KEY_LENGTH (CP_STORE_NAME_LENGTH + 1)

/** So much is put before a record's value. */
#define CP_CACHE_OVERHEAD 9

#define CP_CACHE_VALUE_MAX (CP_STORE_VALUE_MAX + CP_CACHE_OVERHEAD)

/** Seconds for which the canary is written, and after which it is written
 *  anew. */
#define CP_CACHE_CANARY_LIFE 86400
#define CP_CACHE_CANARY_PERIOD 3600

typedef struct cp_cache cp_cache;

/** A cache for as long as one of the operations below. */
struct cp_cache {
    /**
     * @param value   room for CP_CACHE_VALUE_MAX bytes
     * @param length  gets the value's; 0 for one that has no room
     * @return APR_SUCCESS; APR_NOTFOUND, which is no proof where it may be
     *         away; any other: it failed
     */
    apr_status_t (*get)(cp_cache *cache, const unsigned char *key,
                        unsigned char *value, unsigned int *length);

    /** @return APR_SUCCESS; APR_ENOSPC: it answers, and refuses the value;
     *          any other: it failed. Never APR_NOTFOUND */
    apr_status_t (*put)(cp_cache *cache, const unsigned char *key,
                        unsigned char *value, unsigned int length,
                        apr_uint32_t expires);

    /** @return as get() */
    apr_status_t (*drop)(cp_cache *cache, const unsigned char *key);

    apr_pool_t *pool;           /* for the operation */
    bool may_be_away;           /* it has a server, so that misses need the
                                   canary */
    apr_uint32_t lifetime;      /* seconds that no record outlives */
    apr_uint32_t lifetime_max;  /* seconds that it keeps anything at most */
    volatile apr_uint32_t *renewed;     /* when the canary was last written,
                                   0: never; of all who share it */
    bool forgot;                /* set when it answers, and the canary that was
                                   written is gone */
};

/* As in store.h. */

/** @param record  its value is allocated in the cache's pool */
apr_status_t cp_cache_load(cp_cache *cache, const cp_store_name *name,
                           apr_uint32_t now, cp_store_record *record);

apr_status_t cp_cache_save(cp_cache *cache, const cp_store_name *name,
                           apr_uint32_t now, cp_store_record *record);

apr_status_t cp_cache_touch(cp_cache *cache, const cp_store_name *name,
                            apr_uint32_t now, apr_uint32_t expires);

apr_status_t cp_cache_remove(cp_cache *cache, const cp_store_name *name,
                             apr_uint32_t now);

/**
 * Asks whether the cache answers, and writes the canary where it is missing.
 * @return APR_SUCCESS when it does; never APR_NOTFOUND
 */
apr_status_t cp_cache_check(cp_cache *cache, apr_uint32_t now);

#endif
