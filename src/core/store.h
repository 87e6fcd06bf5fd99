/**
 * @file store.h
 * @brief Where session records live: the interface that every store has.
 *
 * A store knows neither users nor sessions. It files opaque values under
 * 16-byte names, forgets them when they expire, and says how many it has.
 * All times are seconds since the epoch. Every function may be called from
 * any thread of any process that shares the store.
 *
 * Each function returns APR_SUCCESS, or
 *   APR_NOTFOUND  nothing is filed under that name, or it has expired;
 *   APR_EEXIST    the record was changed since it was loaded (save only);
 *   APR_ENOSPC    the value is longer than CP_STORE_VALUE_MAX, or no room
 *                 could be made for it;
 *   any other     the store is away: nothing is known of the record.
 */
#ifndef CP_STORE_H
#define CP_STORE_H

#include "span.h"

#include <apr_tables.h>

#define CP_STORE_NAME_LENGTH 16
#define CP_STORE_VALUE_MAX (16 * 1024)

/** The name that a record is filed under; uniformly distributed. */
typedef struct cp_store_name {
    unsigned char bytes[CP_STORE_NAME_LENGTH];
} cp_store_name;

/*
 * Whose a record is. Those of nobody make room before those of users. Where
 * there is no room for all, the realms share it: of the one that has the most
 * the least recently used record goes.
 */
#define CP_OWNER_ROSTER ((apr_uint64_t)1 << 63)     /* no session: a list of
                                                       a user's sessions */
#define CP_OWNER_ANONYMOUS ((apr_uint64_t)1 << 62)
#define CP_OWNER_REALM_SHIFT 40
#define CP_OWNER_REALM ((apr_uint64_t)0x3fffff << CP_OWNER_REALM_SHIFT)
#define CP_OWNER_USER (((apr_uint64_t)1 << CP_OWNER_REALM_SHIFT) - 1)

static inline bool cp_owner_is_anonymous(apr_uint64_t owner)
{
    return owner == 0 || owner & CP_OWNER_ANONYMOUS;
}

typedef struct cp_store_record {
    cp_span value;
    apr_uint32_t expires;       /* the record is gone from this second on */
    apr_uint32_t revision;      /* of the record as loaded; 0: a new one */
    apr_uint64_t owner;         /* as above; 0 is nobody's, of no realm */
} cp_store_record;

/** What list tells of a record. */
typedef struct cp_store_entry {
    cp_store_name name;
    apr_uint64_t owner;
    apr_uint32_t expires;
    apr_uint32_t used;          /* the second in which it was last used */
} cp_store_entry;

typedef struct cp_store_counts {
    apr_uint64_t anonymous;
    apr_uint64_t owned;         /* but for rosters */
    apr_uint64_t rosters;
    apr_uint64_t bytes_used;
    apr_uint64_t bytes_total;
    apr_uint64_t evicted;       /* live records that had to make room */
    apr_uint64_t expired;       /* records reclaimed after their time */
    apr_uint64_t repaired;      /* shards repaired after a writer died */
} cp_store_counts;

typedef struct cp_store cp_store;

typedef struct cp_store_provider {
    const char *name;

    /** Copies the record into @a pool. */
    apr_status_t (*load)(cp_store *store, const cp_store_name *name,
                         apr_uint32_t now, cp_store_record *record,
                         apr_pool_t *pool);

    /**
     * Files @a record. With revision 0 it must be new under its name; else
     * it replaces the record of just that revision. On success
     * record->revision is the new one.
     */
    apr_status_t (*save)(cp_store *store, const cp_store_name *name,
                         apr_uint32_t now, cp_store_record *record);

    /** Sets when a live record expires; its revision stays as it is. */
    apr_status_t (*touch)(cp_store *store, const cp_store_name *name,
                          apr_uint32_t now, apr_uint32_t expires);

    apr_status_t (*remove)(cp_store *store, const cp_store_name *name,
                           apr_uint32_t now);

    /** APR_ENOTIMPL where a store cannot tell. */
    apr_status_t (*count)(cp_store *store, apr_uint32_t now,
                          cp_store_counts *counts);

    /**
     * Appends an entry for each live record of one part of the store. The
     * parts are numbered from 0; their number and size are bounded, so that
     * nobody waits long for one to be listed.
     * @param entries  of cp_store_entry
     * @return APR_EOF when there is no part of that number; APR_ENOTIMPL
     *         where a store does not know what it has
     */
    apr_status_t (*list)(cp_store *store, apr_uint32_t part,
                         apr_uint32_t now, apr_array_header_t *entries);

    /** As load, but the record does not count as used, where the store
     *  knows of use. */
    apr_status_t (*peek)(cp_store *store, const cp_store_name *name,
                         apr_uint32_t now, cp_store_record *record,
                         apr_pool_t *pool);
} cp_store_provider;

/** Providers embed this as their first member. */
struct cp_store {
    const cp_store_provider *provider;
};

#endif
