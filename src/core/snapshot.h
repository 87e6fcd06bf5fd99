/**
 * @file snapshot.h
 * @brief A store in a file, for what shared memory does not outlive.
 *
 * The file has a MAC under the key ring. Nothing in it is believed before it
 * was checked; the records in it are sealed as they are in the store.
 */
#ifndef CP_SNAPSHOT_H
#define CP_SNAPSHOT_H

#include "listing.h"

/**
 * Writes all live records of a store that can list: into a new file beside
 * @a file, mode 0600, that takes its place when it is complete and on disk.
 * The store is locked no longer than it takes to list one part of it.
 * @param count  gets how many
 * @param error  on failure gets a sentence
 * @return APR_SUCCESS; APR_ENOTIMPL; or why not: the old file is there still
 */
apr_status_t cp_snapshot_write(const cp_listing *from, const char *file,
                               apr_uint32_t *count, const char **error,
                               apr_pool_t *pool);

/**
 * Files what has not expired in a store, each record as used last when it
 * was. A file that is damaged, cut, of other keys, or somebody else's is
 * renamed to *.refused and not read.
 * @param count    gets how many there was room for
 * @param written  gets when the file was written, seconds since the epoch
 * @param error    on failure gets a sentence
 * @return APR_SUCCESS; APR_ENOENT where there is no file, and no error is
 *         set; APR_EACCES where it belongs to somebody else or others may
 *         open it; APR_EGENERAL where it is none of ours or damaged; or why
 *         it could not be read
 */
apr_status_t cp_snapshot_read(const cp_listing *into, const char *file,
                              apr_uint32_t *count, apr_uint32_t *written,
                              const char **error, apr_pool_t *pool);

#endif
