/**
 * @file store_record.h
 * @brief The records of one shard of the shared-memory store: 64-byte blocks,
 *        and the lists that records are in. Only store_shard.c uses it.
 *
 * A record is one head block and a chain of data blocks. Nothing here takes
 * the shard's lock; the caller has it, but for those that only look.
 *
 * A function that returns bool says false when it met damage: an index out of
 * range, a link that does not lead back, a chain of the wrong length. The
 * shard is to be repaired then.
 */
#ifndef CP_STORE_RECORD_H
#define CP_STORE_RECORD_H

#include <pthread.h>
#include <apr_errno.h>

#include "store_shard.h"

/** No block has this index, so that zeroed memory holds empty lists. */
#define CP_BLOCK_NONE 0u

/** The status of an operation that met damage. */
#define CP_SHARD_DAMAGED APR_EGENERAL

/** A round of the wheel is 18 hours: idle and absolute timeouts fit into one,
 *  and a record that lives 13 months is passed over some 500 times. */
#define CP_WHEEL_TICK_SHIFT 6
#define CP_WHEEL_SLOTS 1024u

/** What a block is. Only a repair sees claimed blocks: data whose record it
 *  has found; as a bit mask they are data, too. */
enum {
    CP_BLOCK_FREE = 0,
    CP_BLOCK_DATA = 1,
    CP_BLOCK_HEAD = 2,
    CP_BLOCK_CLAIMED = 5
};

/** Anonymous and owned records are counted and listed apart. */
enum { CP_CLASS_ANONYMOUS, CP_CLASS_OWNED, CP_CLASSES };

/** Of each class, those of one group of realms are listed apart. Each shard
 *  groups them otherwise, so that a realm shares but one part in so many of
 *  its room with any other. */
#define CP_GROUPS 64u

/** The lists that each record is in: of its class and group, by use, and of
 *  its slot in the wheel. Both are circular, so that the first index is all of
 *  a list. */
typedef enum cp_list { CP_LIST_USE, CP_LIST_WHEEL, CP_LISTS } cp_list;

typedef struct cp_block_link {
    apr_uint32_t previous;
    apr_uint32_t next;
} cp_block_link;

typedef struct cp_block_head {
    cp_store_name name;
    apr_uint64_t owner;
    cp_block_link links[CP_LISTS];
    apr_uint32_t next;              /* in the bucket */
    apr_uint32_t expires;
    apr_uint32_t revision;
    apr_uint32_t used;              /* the second in which it was last used */
    apr_uint32_t length;            /* of the value */
    apr_uint32_t data;              /* the first block of the value */
} cp_block_head;

#define CP_BLOCK_DATA_SIZE (CP_SHARD_BLOCK_SIZE - sizeof(apr_uint32_t))

typedef struct cp_block_data {
    apr_uint32_t next;              /* of the value, or of the free list */
    char bytes[CP_BLOCK_DATA_SIZE];
} cp_block_data;

union cp_shard_block {
    cp_block_head head;
    cp_block_data data;
};

struct cp_shard_state {
    pthread_mutex_t lock;
    atomic_uint writing;            /* counted up before and after each change:
                                       odd while links may be inconsistent */
    apr_uint32_t free;
    apr_uint32_t free_count;
    apr_uint32_t revision;          /* the last one given out */
    apr_uint32_t hand;              /* the wheel's: the tick to sweep next */
    apr_uint32_t cursor;            /* in its slot; none: from the start */
    apr_uint32_t salt;              /* of the grouping */
    apr_uint32_t lists[CP_CLASSES][CP_GROUPS];  /* most recently used first */
    apr_uint32_t shares[CP_CLASSES][CP_GROUPS]; /* their blocks */
    apr_uint32_t records[CP_CLASSES];
    apr_uint32_t blocks[CP_CLASSES];
    apr_uint32_t rosters;           /* among the owned records */
    apr_uint64_t evicted;
    apr_uint64_t expired;
    apr_uint64_t repaired;
};

static inline bool cp_block_valid(const cp_shard *shard, apr_uint32_t index)
{
    return index != CP_BLOCK_NONE && index < shard->block_count;
}

static inline cp_block_head *cp_block_head_at(const cp_shard *shard,
                                              apr_uint32_t index)
{
    return &shard->blocks[index].head;
}

/** Reads an index, or a length, that another process may be writing: once, so
 *  that what was checked is what is used. */
static inline apr_uint32_t cp_index_read(const apr_uint32_t *at)
{
    return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static inline int cp_block_kind(const cp_shard *shard, apr_uint32_t index)
{
    return atomic_load_explicit(&shard->kinds[index], memory_order_relaxed);
}

/** What was written before is there whenever the new kind is. */
static inline void cp_block_kind_set(const cp_shard *shard,
                                     apr_uint32_t index, int kind)
{
    atomic_store_explicit(&shard->kinds[index], (unsigned char)kind,
                          memory_order_release);
}

/** How many blocks a record takes whose value has @a length bytes. */
static inline apr_uint32_t cp_blocks_needed(apr_size_t length)
{
    return 1 + (apr_uint32_t)((length + CP_BLOCK_DATA_SIZE - 1)
                              / CP_BLOCK_DATA_SIZE);
}

static inline int cp_class_of(apr_uint64_t owner)
{
    return cp_owner_is_anonymous(owner) ? CP_CLASS_ANONYMOUS : CP_CLASS_OWNED;
}

/** By Knuth's multiplicative hashing: the upper bits depend on all. */
static inline apr_uint32_t cp_group_of(const cp_shard *shard,
                                       apr_uint64_t owner)
{
    apr_uint32_t realm = (apr_uint32_t)((owner & CP_OWNER_REALM)
                                        >> CP_OWNER_REALM_SHIFT);

    return (realm ^ shard->state->salt) * 2654435769u >> 26;
}
_Static_assert(CP_GROUPS == 1u << (32 - 26), "as many as six bits tell");

static inline apr_uint32_t cp_wheel_tick(apr_uint32_t seconds)
{
    return seconds >> CP_WHEEL_TICK_SHIFT;
}

/** The first record of the slot for a tick. */
static inline apr_uint32_t *cp_wheel_slot(const cp_shard *shard,
                                          apr_uint32_t tick)
{
    return &shard->slots[tick & (CP_WHEEL_SLOTS - 1)];
}

/** Moves the wheel's hand past a record of the slot that begins with
 *  @a first; @a next is what follows that record. */
static inline void cp_wheel_pass(struct cp_shard_state *state,
                                 apr_uint32_t first, apr_uint32_t next)
{
    if (next == first) {
        state->hand++;
        state->cursor = CP_BLOCK_NONE;
    }
    else {
        state->cursor = next;
    }
}

/** Starts to bring into the cache what cp_record_find() reads first; needs no
 *  lock, and so the time to take it is not lost. */
void cp_record_prefetch(const cp_shard *shard, const cp_store_name *name);

/** Finds the record of that name, expired or not. Without the lock it may say
 *  anything, but does no harm.
 *  @return APR_SUCCESS, APR_NOTFOUND or CP_SHARD_DAMAGED */
apr_status_t cp_record_find(const cp_shard *shard, const cp_store_name *name,
                            apr_uint32_t *found);

/** Copies a record into @a pool. Without the lock, as cp_record_find(). */
bool cp_record_read(const cp_shard *shard, apr_uint32_t index,
                    cp_store_record *record, apr_pool_t *pool);

/** Writes a record into free blocks, of which there must be enough. It is not
 *  there before its kind is set to head, nor found before it is linked.
 *  @return the head's index, or CP_BLOCK_NONE for damage */
apr_uint32_t cp_record_build(const cp_shard *shard, const cp_store_name *name,
                             apr_uint32_t now, const cp_store_record *record);

/** Puts a record into its bucket and lists, and counts it. */
bool cp_record_link(const cp_shard *shard, apr_uint32_t index);

/** Makes a linked record's blocks free. */
bool cp_record_drop(const cp_shard *shard, apr_uint32_t index);

/** Moves a record to the front of its list, once a second at most: the lists
 *  are as exact as the clock, and most loads write nothing. */
bool cp_record_use(const cp_shard *shard, apr_uint32_t index,
                   apr_uint32_t now);

/** Sets when a record expires. */
bool cp_record_expire(const cp_shard *shard, apr_uint32_t index,
                      apr_uint32_t expires);

/** Claims the blocks of a head that a repair has found.
 *  @return false if they do not make a record, or others have claimed them */
bool cp_record_claim(const cp_shard *shard, apr_uint32_t index);

#endif
