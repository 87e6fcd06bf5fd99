/**
 * @file store_shm.h
 * @brief The store in a named segment of APR shared memory.
 *
 * The segment outlives the processes that use it. It is cut into shards,
 * each with its own lock, hash table, free list, least-recently-used lists
 * and expiry wheel; no operation walks a shard, but for the repair of one in
 * which a writer died.
 */
#ifndef CP_STORE_SHM_H
#define CP_STORE_SHM_H

#include "store.h"

#include <apr_shm.h>

/** What a segment of records must at least have, in bytes. */
#define CP_STORE_SHM_SIZE_MIN (1024 * 1024)

/** How cp_store_shm_open() came by its segment. */
typedef enum cp_store_shm_origin {
    CP_STORE_SHM_CREATED,       /* there was none */
    CP_STORE_SHM_ATTACHED,      /* there was one of the same size */
    CP_STORE_SHM_CARRIED,       /* there was one of another size: its
                                   records are in the new one */
    CP_STORE_SHM_REPLACED       /* there was one that cannot be read by this
                                   version, or was damaged: it is gone */
} cp_store_shm_origin;

/**
 * Attaches to the segment called @a file or creates it. To be called by the
 * parent process, before it starts children; they inherit the mapping.
 * @param store   gets the store
 * @param origin  gets how the segment was come by
 * @param file    absolute path that names the segment; no such file is made
 * @param size    bytes, at least CP_STORE_SHM_SIZE_MIN
 * @param now     seconds since the epoch
 * @param error   on failure gets a sentence that says what is wrong and what
 *                to do, allocated in @a pool
 * @param pool    must live as long as the process and never be cleared (an
 *                unmanaged pool): destroying it unlinks the segment
 * @return APR_SUCCESS; APR_EACCES when the segment belongs to somebody else
 *         or others may read it; APR_ENOSPC when the machine has no room for
 *         it (its pages are reserved here, not when they are first used)
 */
apr_status_t cp_store_shm_open(cp_store **store, cp_store_shm_origin *origin,
                               const char *file, apr_size_t size,
                               apr_uint32_t now, const char **error,
                               apr_pool_t *pool);

/**
 * Attaches to the segment called @a file as another process than httpd's. It
 * is neither made nor replaced, and no lock in it is taken.
 * @param error  on failure gets a sentence
 * @return APR_SUCCESS; APR_ENOENT where there is none; APR_EOF where it is
 *         of another version or damaged; APR_EACCES where it is not this
 *         user's; or why not
 */
apr_status_t cp_store_shm_attach(cp_store **store, const char *file,
                                 const char **error, apr_pool_t *pool);

/**
 * The segment behind a store, which stays mapped when the store's own memory
 * and this code are gone.
 */
apr_shm_t *cp_store_shm_segment(const cp_store *store);

/**
 * A store on a segment that this process has mapped before.
 * @param pool  the store's; the segment's may outlive it
 * @return NULL when the segment is not of this version
 */
cp_store *cp_store_shm_adopt(apr_shm_t *shm, apr_pool_t *pool);

/** The segment's size in bytes, as asked for when it was created. */
apr_size_t cp_store_shm_size(const cp_store *store);

/**
 * Adds to @a counts what went wrong: records evicted and shards repaired. It
 * takes no lock, and so may be one behind.
 * @param store  any; those of other kinds have nothing to tell
 */
void cp_store_shm_mishaps(const cp_store *store, cp_store_counts *counts);

#endif
