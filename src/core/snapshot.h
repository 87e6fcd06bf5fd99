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

#include <apr_file_io.h>

/** A file that is being written. */
typedef struct cp_snapshot {
    const char *file;           /* whose place it is to take */
    const char *path;           /* its own */
    apr_file_t *out;
} cp_snapshot;

/*
 * Writing has three steps, so that who makes the file and who reads the store
 * need not be the same process. Each gives APR_SUCCESS; or why not, and sets
 * @a error to a sentence: the old file is there still.
 */

/** Makes a file beside @a file, mode 0600. What was left of an earlier one
 *  goes. */
apr_status_t cp_snapshot_begin(cp_snapshot *draft, const char *file,
                               const char **error, apr_pool_t *pool);

/**
 * Writes all live records of a store that can list, to disk. It is locked no
 * longer than it takes to list one part of it.
 * @param count  gets how many
 * @return also APR_ENOTIMPL
 */
apr_status_t cp_snapshot_fill(const cp_snapshot *draft, const cp_listing *from,
                              apr_uint32_t *count, const char **error,
                              apr_pool_t *pool);

/** Closes it, and gives it its place if it is @a complete; or else removes
 *  it. */
apr_status_t cp_snapshot_end(const cp_snapshot *draft, bool complete,
                             const char **error, apr_pool_t *pool);

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
