/**
 * @file inventory.h
 * @brief The bounded table of what was seen and is not declared.
 *
 * It lies in memory that all processes share, without a lock. Names that only
 * browsers brought have places of their own, so that made-up ones cannot push
 * out those that a server set.
 */
#ifndef CP_INVENTORY_H
#define CP_INVENTORY_H

#include "span.h"

#include <apr_tables.h>

/** Longer ones are cut, in bytes. */
#define CP_INVENTORY_NAME_MAX 96
#define CP_INVENTORY_HOST_MAX 96
#define CP_INVENTORY_PATH_MAX 96

/** Where a name was seen. */
typedef enum cp_side {
    CP_SIDE_APPLICATION,        /* a Set-Cookie of the server's */
    CP_SIDE_BROWSER,            /* a Cookie header */
    CP_SIDE_THIRD_PARTY,        /* an origin, in a report of violation */
    CP_SIDE_COUNT
} cp_side;

/** The word for a side, as it is logged and shown. */
const char *cp_side_word(cp_side side);

typedef struct cp_inventory cp_inventory;

/** What is known of one name on one host. */
typedef struct cp_sighting {
    char host[CP_INVENTORY_HOST_MAX + 1];
    char name[CP_INVENTORY_NAME_MAX + 1];   /* or an origin */
    char path[CP_INVENTORY_PATH_MAX + 1];   /* where it was first seen */
    bool cut;                   /* the name was longer, or had a NUL in it */
    apr_uint32_t first;         /* seconds since the epoch */
    apr_uint64_t counts[CP_SIDE_COUNT];
} cp_sighting;

/** The bytes that an inventory takes. */
apr_size_t cp_inventory_size(void);

/** An empty inventory in that much memory, which it does not own. */
cp_inventory *cp_inventory_make(void *memory);

/**
 * The inventory that another process, or this one before a reload, made
 * there.
 * @return NULL when it is of another version
 */
cp_inventory *cp_inventory_adopt(void *memory);

/**
 * Notes a name. Where there is no place left, what was seen least of the same
 * kind makes room, by and by, for what is seen more often.
 * @param host  the virtual host's own name rather than the one that a client
 *              made up
 */
void cp_inventory_note(cp_inventory *inventory, cp_side side,
                       const char *host, cp_span name, const char *path,
                       apr_uint32_t now);

/**
 * What was noted, by host and name, each once.
 * @param missed  gets how many sightings found no free place, and passed
 *                unnoted or took one that was seen less
 * @return an array of cp_sighting in @a pool
 */
apr_array_header_t *cp_inventory_list(const cp_inventory *inventory,
                                      apr_uint64_t *missed, apr_pool_t *pool);

#endif
