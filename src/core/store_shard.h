/**
 * @file store_shard.h
 * @brief One shard of the shared-memory store: a hash table of records in
 *        64-byte blocks, with its own lock.
 *
 * The shard lies in memory that several processes write, any of which may die
 * at any instruction. What must survive that is one byte a block, its kind; a
 * record is there from the instant its first block's kind says `head`, and
 * gone from the instant it no longer does. A new value is written beside the
 * old one, and whoever finds both keeps the newer. All else (links, lists,
 * counters) is made anew from the kinds by whoever next takes the lock.
 *
 * Whoever only looks takes no lock: a number that writers count up says whether
 * what was seen counts.
 *
 * A cp_shard lies in the process's own memory and is trusted; what it points
 * to is not: every index is checked before it is used.
 */
#ifndef CP_STORE_SHARD_H
#define CP_STORE_SHARD_H

#include <stdatomic.h>
#include <apr_tables.h>

#include "store.h"

#define CP_SHARD_BLOCK_SIZE 64

typedef struct cp_shard {
    struct cp_shard_state *state;
    apr_uint32_t *slots;            /* of the expiry wheel */
    apr_uint32_t *buckets;          /* of the hash table */
    atomic_uchar *kinds;            /* of each block */
    union cp_shard_block *blocks;
    apr_uint32_t block_count;
    apr_uint32_t bucket_mask;
} cp_shard;

/** How many blocks a shard of @a size bytes has room for; 0 if for none. */
apr_uint32_t cp_shard_blocks(apr_size_t size);

/** A number that differs between builds whose shards differ in layout. */
apr_uint32_t cp_shard_layout(void);

/** Sets @a shard up as a view of the shard of @a blocks blocks that begins
 *  at @a memory, which must be aligned to CP_SHARD_BLOCK_SIZE. */
void cp_shard_map(cp_shard *shard, void *memory, apr_uint32_t blocks);

/** Makes an empty shard. Nobody else may be using it yet. */
apr_status_t cp_shard_format(cp_shard *shard);

/** Takes the lock once, and so repairs what a dead writer left behind.
 *  @return APR_SUCCESS, or why the lock cannot be had */
apr_status_t cp_shard_check(cp_shard *shard);

/*
 * As in store.h, and APR_TIMEUP where the lock cannot be had, APR_EGENERAL
 * where damage cannot be repaired.
 */

apr_status_t cp_shard_load(cp_shard *shard, const cp_store_name *name,
                           apr_uint32_t now, cp_store_record *record,
                           apr_pool_t *pool);

apr_status_t cp_shard_peek(cp_shard *shard, const cp_store_name *name,
                           apr_uint32_t now, cp_store_record *record,
                           apr_pool_t *pool);

apr_status_t cp_shard_save(cp_shard *shard, const cp_store_name *name,
                           apr_uint32_t now, cp_store_record *record);

apr_status_t cp_shard_touch(cp_shard *shard, const cp_store_name *name,
                            apr_uint32_t now, apr_uint32_t expires);

apr_status_t cp_shard_remove(cp_shard *shard, const cp_store_name *name,
                             apr_uint32_t now);

/** Adds the shard's counts to @a counts. */
apr_status_t cp_shard_count(cp_shard *shard, apr_uint32_t now,
                            cp_store_counts *counts);

/** Adds to @a counts what of them says that something went wrong, without the
 *  lock. */
void cp_shard_mishaps(const cp_shard *shard, cp_store_counts *counts);

/** Appends a cp_store_entry for each live record to @a entries; walks the
 *  whole shard. */
apr_status_t cp_shard_list(cp_shard *shard, apr_uint32_t now,
                           apr_array_header_t *entries);

#endif
