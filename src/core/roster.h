/**
 * @file roster.h
 * @brief Which records are a user's, in a record of its own: it bounds them,
 *        so that one account cannot push others out of the store, and finds
 *        them in a store that cannot list.
 *
 * A roster is filed under a MAC of user and realm, and written when a session
 * gets a new name while somebody is logged in; read as often as the idle time
 * of one of them is written anew. It is changed by the store's
 * compare-and-swap. With a store that has none, or that has evicted the roster,
 * some sessions may not be on it: they live on, and do not count.
 */
#ifndef CP_ROSTER_H
#define CP_ROSTER_H

#include "listing.h"

/** So many sessions a user may have in a realm; fewer where the store takes no
 *  value that is long enough. */
#define CP_ROSTER_MAX 64

/** A session that is to be made. */
typedef struct cp_enrolment {
    unsigned char key;          /* that its id is signed with */
    cp_span realm;
    const char *user;
    const cp_store_name *name;
    const cp_store_name *former;    /* the name it had before, or NULL */
    apr_uint32_t ends;          /* when it is certainly over */
} cp_enrolment;

/**
 * Puts a session on its user's roster, before its record is made. Where there
 * are CP_ROSTER_MAX, the least recently made one is ended.
 * @return APR_SUCCESS; or what the store says
 */
apr_status_t cp_roster_enter(const cp_listing *where,
                             const cp_enrolment *session, apr_pool_t *pool);

/** Lets the store know that a user's roster is in use, so that it does not make
 *  room before the sessions that are on it. */
void cp_roster_use(const cp_listing *where, unsigned char key, cp_span realm,
                   const char *user, apr_pool_t *pool);

/**
 * Ends all sessions on a user's roster.
 * @param ended  gets how many there were
 * @return as the store does; not APR_NOTFOUND
 */
apr_status_t cp_roster_end(const cp_listing *where, const char *realm,
                           const char *user, apr_uint32_t *ended,
                           apr_pool_t *pool);

#endif
