/**
 * @file store_segment.h
 * @brief A named segment of APR shared memory that is ours alone, and whose
 *        pages are there.
 *
 * APR neither tells the file behind a segment nor lets its mode be chosen,
 * and trusts what the file says of its own size. Here the file is found by
 * its mapping and checked before a byte of it is believed.
 */
#ifndef CP_STORE_SEGMENT_H
#define CP_STORE_SEGMENT_H

#include <apr_errno.h>
#include <apr_shm.h>

#include "span.h"

typedef struct cp_segment {
    apr_shm_t *shm;
    char *memory;
    apr_size_t size;            /* of the memory, as asked for */
    const char *path;           /* the file behind it */
} cp_segment;

/**
 * Makes a segment that only this user can open and whose memory is zero.
 * @param error  on failure gets a sentence that says what is wrong and what
 *               to do, allocated in @a pool
 * @return APR_SUCCESS; APR_ENOSPC where there is no room for all of it, and
 *         no segment then; APR_EEXIST; or what APR says
 */
apr_status_t cp_segment_create(cp_segment *segment, const char *file,
                               apr_size_t size, const char **error,
                               apr_pool_t *pool);

/**
 * Attaches to a segment.
 * @param error  as above
 * @return APR_SUCCESS; APR_ENOENT where there is none, and no error is set;
 *         APR_EACCES where it belongs to somebody else or others may open it;
 *         APR_EOF where it is shorter than it says; or what APR says
 */
apr_status_t cp_segment_attach(cp_segment *segment, const char *file,
                               const char **error, apr_pool_t *pool);

#endif
