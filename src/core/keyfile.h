/**
 * @file keyfile.h
 * @brief The file that the keys are read from.
 *
 * Its lines are
 *
 *     ID NOT-BEFORE KEY [revoked]
 *
 * where ID is a number from 0 to 255, NOT-BEFORE the time in UTC from which
 * the key signs (2026-01-31T00:00:00Z) and KEY 32 random bytes in base64.
 * Empty lines and lines that begin with # are skipped. The youngest key that
 * has begun signs; all but revoked ones verify.
 */
#ifndef CP_KEYFILE_H
#define CP_KEYFILE_H

#include "span.h"

#define CP_KEY_LENGTH 32
#define CP_KEYS_MAX 16

typedef struct cp_key {
    unsigned char id;
    bool revoked;
    bool waiting;               /* verifies, but does not sign as yet */
    apr_uint32_t begins;        /* seconds since the epoch */
    unsigned char bytes[CP_KEY_LENGTH];
} cp_key;

/** Plain data, so that it can be kept where no code of this module lives. */
typedef struct cp_keys {
    int count;
    cp_key list[CP_KEYS_MAX];   /* the youngest first */
} cp_keys;

/**
 * Reads a key file.
 * @param keys   gets the keys
 * @param file   its path
 * @param error  on failure gets a sentence that names the file, the line and
 *               what is wrong, and never a key
 * @return APR_SUCCESS; APR_EACCES when others than owner and group may read
 *         it or others than the owner may write it; APR_EGENERAL for bad
 *         content; else why it could not be read
 */
apr_status_t cp_keyfile_read(cp_keys *keys, const char *file,
                             const char **error, apr_pool_t *pool);

/**
 * Makes a key file of one new key, mode 0600, complete or not at all. An
 * existing file is never replaced.
 * @param now    from when the key signs, seconds since the epoch
 * @param error  on failure gets a sentence
 * @return APR_SUCCESS; APR_EEXIST when somebody else made it meanwhile
 */
apr_status_t cp_keyfile_create(const char *file, apr_uint32_t now,
                               const char **error, apr_pool_t *pool);

/**
 * Adds a new key to a key file, which is replaced by one with another line
 * and the same owner and mode, complete or not at all.
 * @param now    its not-before, seconds since the epoch
 * @param id     gets its id: one above the highest, or the lowest free one
 * @param error  on failure gets a sentence
 * @return APR_SUCCESS; APR_ENOSPC when there are CP_KEYS_MAX; APR_EEXIST when
 *         somebody else is about to change it; or as cp_keyfile_read()
 */
apr_status_t cp_keyfile_add(const char *file, apr_uint32_t now,
                            unsigned char *id, const char **error,
                            apr_pool_t *pool);

/**
 * Makes @a keys the followers of the keys in force before a reload: one that
 * is new verifies, and signs from the next reload on, so that several
 * servers can take up a key without refusing each other's tokens.
 */
void cp_keys_follow(cp_keys *keys, const cp_keys *before);

#endif
