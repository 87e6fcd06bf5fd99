/**
 * @file label.h
 * @brief What administration may know of a session without its cookie.
 *
 * A label lies before the sealed record. It is sealed too, but under a key of
 * the ring alone: a dump of the store gives no user away, the store and the
 * key ring together do, and still not what is in the session.
 */
#ifndef CP_LABEL_H
#define CP_LABEL_H

#include "keyring.h"
#include "store.h"

/** Bytes and characters of a session's reference in logs. */
#define CP_REFERENCE_BYTES 8
#define CP_REFERENCE_LENGTH 11

/** More than the longest label takes, as it lies in the store. */
#define CP_LABEL_MAX 768

typedef struct cp_label {
    unsigned char key;          /* the id of the key that it is sealed under */
    bool moved;                 /* the session goes on under another name */
    apr_uint32_t created;
    unsigned char reference[CP_REFERENCE_BYTES];
    cp_span realm;
    const char *user;           /* NULL: nobody is logged in */
} cp_label;

/**
 * Writes a label as it lies before a record.
 * @param front  gets room for CP_LABEL_MAX bytes
 * @return its length; 0 where the key is gone, OpenSSL fails, or realm or
 *         user is longer than 255 bytes
 */
apr_size_t cp_label_seal(const cp_keyring *ring, const cp_store_name *name,
                         const cp_label *label, unsigned char *front);

/** How many bytes before the record are its label; 0 for no good value. */
apr_size_t cp_label_length(cp_span value);

/**
 * Reads the label of a record.
 * @param label  gets it, with strings in @a pool; where the key is gone, its
 *               id
 * @return APR_SUCCESS; APR_EACCES where its key is revoked or not in the
 *         ring; APR_EGENERAL where it does not open
 */
apr_status_t cp_label_open(const cp_keyring *ring, const cp_store_name *name,
                           cp_span value, cp_label *label, apr_pool_t *pool);

#endif
