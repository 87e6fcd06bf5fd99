/**
 * @file listing.h
 * @brief The sessions of a store as administration sees them, and how it ends
 *        them: by the key ring, without their cookies.
 *
 * A store is listed part by part, so memory is bounded by the largest part
 * and no lock is held while somebody looks. What is made meanwhile may or may
 * not be seen.
 */
#ifndef CP_LISTING_H
#define CP_LISTING_H

#include "label.h"

/** Where to list, and by which keys. */
typedef struct cp_listing {
    const cp_keyring *ring;
    cp_store *store;
    apr_uint32_t now;           /* seconds since the epoch */
} cp_listing;

/** Which sessions are meant; what is NULL does not matter. */
typedef struct cp_whose {
    const char *user;
    const char *realm;
    const char *reference;      /* as in logs */
} cp_whose;

/** One session. */
typedef struct cp_listed {
    cp_store_name name;
    apr_status_t status;        /* of its label, as cp_label_open() says */
    cp_label label;
    char reference[CP_REFERENCE_LENGTH + 1];
    apr_uint32_t expires;
    apr_uint32_t used;          /* the second in which it was last used */
} cp_listed;

/** @return whether to go on */
typedef bool (*cp_listed_visitor)(void *data, const cp_listed *one);

/**
 * Shows each session that is meant. Those whose label does not open are shown
 * where no user, realm or reference is asked for.
 * @param visitor  what it is given is gone when it returns
 * @param pool     for what is needed meanwhile
 * @return APR_SUCCESS, also where the visitor stopped; APR_ENOTIMPL where the
 *         store cannot list; or why it could not be listed to its end
 */
apr_status_t cp_listing_walk(const cp_listing *listing,
                             const cp_whose *whose,
                             cp_listed_visitor visitor, void *data,
                             apr_pool_t *pool);

/**
 * Ends each session that is meant. Somebody must be meant: a choice of
 * nothing ends nothing. Of a store that cannot list all sessions of one user
 * in one realm can be ended, by the user's roster.
 * @param ended  gets how many
 * @return as above; some may have been ended then
 */
apr_status_t cp_listing_end(const cp_listing *listing,
                            const cp_whose *whose, apr_uint32_t *ended,
                            apr_pool_t *pool);

#endif
