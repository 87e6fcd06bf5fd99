/**
 * @file store_shard.c
 * @brief One shard of the shared-memory store: its geometry, the lock, and
 *        the operations.
 */
#include <errno.h>
#include <time.h>

#include "store_repair.h"
#include "store_room.h"
#include "token.h"

#define BLOCKS_PER_BUCKET 4u

/* Steps of the sweep that every writer does, and of one that counts. */
#define SWEEP_STEPS 8u
#define SWEEP_STEPS_FOR_COUNT 128u
#define SWEEP_ALL APR_UINT32_MAX

/* Who holds the lock for so many slices, two seconds, is stopped, not slow. */
#define LOCK_SLICE (50 * 1000 * 1000)   /* nanoseconds */
#define LOCK_SLICES 40
#define NANOSECONDS (1000 * 1000 * 1000)

static apr_size_t block_align(apr_size_t size)
{
    return (size + CP_SHARD_BLOCK_SIZE - 1)
           / CP_SHARD_BLOCK_SIZE * CP_SHARD_BLOCK_SIZE;
}

static apr_uint32_t bucket_count(apr_size_t blocks)
{
    apr_uint32_t count = 1;

    while (count < blocks / BLOCKS_PER_BUCKET) {
        count *= 2;
    }
    return count;
}

apr_uint32_t cp_shard_blocks(apr_size_t size)
{
    apr_size_t fixed = block_align(sizeof(struct cp_shard_state))
                       + CP_WHEEL_SLOTS * sizeof(apr_uint32_t)
                       + bucket_count(size / CP_SHARD_BLOCK_SIZE)
                         * sizeof(apr_uint32_t)
                       + 2 * CP_SHARD_BLOCK_SIZE;

    if (size <= fixed) {
        return 0;
    }
    return (apr_uint32_t)((size - fixed) / (CP_SHARD_BLOCK_SIZE + 1));
}

apr_uint32_t cp_shard_layout(void)
{
    return (apr_uint32_t)(sizeof(struct cp_shard_state) << 16
                          | sizeof(pthread_mutex_t));
}

void cp_shard_map(cp_shard *shard, void *memory, apr_uint32_t blocks)
{
    char *at = memory;

    shard->block_count = blocks;
    shard->bucket_mask = bucket_count(blocks) - 1;
    shard->state = (void *)at;
    at += block_align(sizeof(*shard->state));
    shard->slots = (void *)at;
    at += CP_WHEEL_SLOTS * sizeof(*shard->slots);
    shard->buckets = (void *)at;
    at += block_align(bucket_count(blocks) * sizeof(*shard->buckets));
    shard->kinds = (void *)at;
    at += block_align(blocks);
    shard->blocks = (void *)at;
}

/* The lock. */

/* The stores between the two are those that a dead writer may have left half
 * done, and that whoever looks without the lock may see half done; the fences
 * keep them in. Only the lock's owner calls these. */
static void writing_begin(const cp_shard *shard)
{
    atomic_uint *writing = &shard->state->writing;

    atomic_store_explicit(writing,
                          atomic_load_explicit(writing, memory_order_relaxed)
                          | 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static void writing_end(const cp_shard *shard)
{
    atomic_uint *writing = &shard->state->writing;

    atomic_store_explicit(writing,
                          (atomic_load_explicit(writing, memory_order_relaxed)
                           | 1) + 1, memory_order_release);
}

static apr_status_t shard_repair(const cp_shard *shard)
{
    writing_begin(shard);
    if (!cp_repair_shard(shard)) {
        return CP_SHARD_DAMAGED;
    }
    shard->state->repaired++;
    writing_end(shard);
    return APR_SUCCESS;
}

static void shard_leave(const cp_shard *shard)
{
    pthread_mutex_unlock(&shard->state->lock);
}

/* In slices, as a wake-up can be lost: the one who got it is killed before it
 * has the lock, a third takes the lock, sees nobody wait, and wakes nobody.
 * By the clock of the day, as POSIX has no other here: if that is set forward
 * just now, the store is away for one request. */
static int lock_wait(pthread_mutex_t *lock)
{
    struct timespec until;
    int slices = LOCK_SLICES;
    int rv;

    do {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOCK_SLICE;
        if (until.tv_nsec >= NANOSECONDS) {
            until.tv_nsec -= NANOSECONDS;
            until.tv_sec++;
        }
        rv = pthread_mutex_timedlock(lock, &until);
    } while (rv == ETIMEDOUT && --slices > 0);
    return rv;
}

static apr_status_t shard_enter(const cp_shard *shard)
{
    pthread_mutex_t *lock = &shard->state->lock;
    int rv = pthread_mutex_trylock(lock);

    if (rv == EBUSY) {
        rv = lock_wait(lock);
    }
    if (rv == EOWNERDEAD) {
        rv = pthread_mutex_consistent(lock);
    }
    if (rv != 0) {
        return rv == ETIMEDOUT ? APR_TIMEUP : rv;
    }
    if (atomic_load_explicit(&shard->state->writing, memory_order_acquire) & 1
        && shard_repair(shard) != APR_SUCCESS) {
        shard_leave(shard);
        return CP_SHARD_DAMAGED;
    }
    return APR_SUCCESS;
}

static apr_status_t writer_enter(const cp_shard *shard)
{
    apr_status_t rv = shard_enter(shard);

    if (rv == APR_SUCCESS) {
        writing_begin(shard);
    }
    return rv;
}

/* What is still damaged stays marked, for the next one to repair. */
static void writer_leave(const cp_shard *shard, apr_status_t rv)
{
    if (rv != CP_SHARD_DAMAGED) {
        writing_end(shard);
    }
    shard_leave(shard);
}

/* Whether an operation met damage and is to start over. */
static bool damage_repaired(const cp_shard *shard, apr_status_t rv)
{
    if (rv != CP_SHARD_DAMAGED || shard_repair(shard) != APR_SUCCESS) {
        return false;
    }
    writing_begin(shard);
    return true;
}

apr_status_t cp_shard_format(cp_shard *shard)
{
    struct cp_shard_state *state = shard->state;
    pthread_mutexattr_t kind;
    int rv = pthread_mutexattr_init(&kind);

    if (rv != 0) {
        return rv;
    }
    memset(state, 0, sizeof(*state));
    memset(shard->kinds, CP_BLOCK_FREE, shard->block_count);
    if (!cp_random_bytes(&state->salt, sizeof(state->salt))) {
        pthread_mutexattr_destroy(&kind);
        return APR_EGENERAL;
    }
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    rv = pthread_mutex_init(&state->lock, &kind);
    pthread_mutexattr_destroy(&kind);
    if (rv == 0) {
        cp_repair_reset(shard);
        cp_repair_free(shard);
    }
    return rv;
}

apr_status_t cp_shard_check(cp_shard *shard)
{
    apr_status_t rv = shard_enter(shard);

    if (rv == APR_SUCCESS) {
        shard_leave(shard);
    }
    return rv;
}

/* The operations. */

static apr_status_t record_get(const cp_shard *shard,
                               const cp_store_name *name, apr_uint32_t now,
                               cp_store_record *record, apr_uint32_t *index,
                               apr_pool_t *pool)
{
    apr_status_t rv = cp_record_find(shard, name, index);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (cp_block_head_at(shard, *index)->expires <= now) {
        return APR_NOTFOUND;
    }
    return cp_record_read(shard, *index, record, pool) ? APR_SUCCESS
                                                       : CP_SHARD_DAMAGED;
}

/* Looks without the lock, so that those who only read write nothing and do not
 * wait for each other. What was found counts where nobody wrote meanwhile.
 * @return false if it does not count, or the record's use is to be noted */
static bool record_glance(const cp_shard *shard, const cp_store_name *name,
                          apr_uint32_t now, bool noted,
                          cp_store_record *record, apr_status_t *rv,
                          apr_pool_t *pool)
{
    atomic_uint *writing = &shard->state->writing;
    unsigned int before = atomic_load_explicit(writing, memory_order_acquire);
    apr_uint32_t index;
    bool done;

    if (before & 1) {
        return false;
    }
    *rv = record_get(shard, name, now, record, &index, pool);
    done = *rv == APR_NOTFOUND
           || (*rv == APR_SUCCESS
               && (!noted || cp_block_head_at(shard, index)->used == now));
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(writing, memory_order_relaxed) == before
           && done;
}

static apr_status_t record_load(const cp_shard *shard,
                                const cp_store_name *name, apr_uint32_t now,
                                cp_store_record *record, apr_pool_t *pool)
{
    apr_uint32_t index;
    apr_status_t rv = record_get(shard, name, now, record, &index, pool);

    if (rv == APR_SUCCESS && cp_block_head_at(shard, index)->used != now) {
        writing_begin(shard);
        if (!cp_record_use(shard, index, now)) {
            return CP_SHARD_DAMAGED;
        }
        writing_end(shard);
    }
    return rv;
}

apr_status_t cp_shard_load(cp_shard *shard, const cp_store_name *name,
                           apr_uint32_t now, cp_store_record *record,
                           apr_pool_t *pool)
{
    apr_status_t rv;

    cp_record_prefetch(shard, name);
    if (record_glance(shard, name, now, true, record, &rv, pool)) {
        return rv;
    }
    rv = shard_enter(shard);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = record_load(shard, name, now, record, pool);
    if (damage_repaired(shard, rv)) {
        rv = record_load(shard, name, now, record, pool);
        writer_leave(shard, rv);
        return rv;
    }
    shard_leave(shard);
    return rv;
}

apr_status_t cp_shard_peek(cp_shard *shard, const cp_store_name *name,
                           apr_uint32_t now, cp_store_record *record,
                           apr_pool_t *pool)
{
    apr_uint32_t index;
    apr_status_t rv;

    cp_record_prefetch(shard, name);
    if (record_glance(shard, name, now, false, record, &rv, pool)) {
        return rv;
    }
    rv = shard_enter(shard);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = record_get(shard, name, now, record, &index, pool);
    if (damage_repaired(shard, rv)) {
        rv = record_get(shard, name, now, record, &index, pool);
        writer_leave(shard, rv);
        return rv;
    }
    shard_leave(shard);
    return rv;
}

/* An expired record that is met on the way is reclaimed. */
static apr_status_t record_find_live(const cp_shard *shard,
                                     const cp_store_name *name,
                                     apr_uint32_t now, apr_uint32_t *found)
{
    apr_status_t rv;

    if (!cp_wheel_sweep(shard, now, SWEEP_STEPS, SWEEP_ALL)) {
        return CP_SHARD_DAMAGED;
    }
    rv = cp_record_find(shard, name, found);
    if (rv == APR_SUCCESS
        && cp_block_head_at(shard, *found)->expires <= now) {
        rv = cp_record_reclaim(shard, *found) ? APR_NOTFOUND : CP_SHARD_DAMAGED;
    }
    if (rv != APR_SUCCESS) {
        *found = CP_BLOCK_NONE;
    }
    return rv;
}

static apr_status_t record_save(const cp_shard *shard,
                                const cp_store_name *name, apr_uint32_t now,
                                cp_store_record *record)
{
    apr_uint32_t old;
    apr_uint32_t index;
    apr_status_t rv = record_find_live(shard, name, now, &old);

    if (rv == APR_NOTFOUND ? record->revision != 0 : rv != APR_SUCCESS) {
        return rv;
    }
    if (rv == APR_SUCCESS
        && record->revision != cp_block_head_at(shard, old)->revision) {
        return APR_EEXIST;
    }
    rv = cp_room_make(shard, now, cp_blocks_needed(record->value.length),
                      cp_class_of(record->owner), old);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    index = cp_record_build(shard, name, now, record);
    if (index == CP_BLOCK_NONE) {
        return CP_SHARD_DAMAGED;
    }
    record->revision = cp_block_head_at(shard, index)->revision;
    cp_block_kind_set(shard, index, CP_BLOCK_HEAD);
    /* From here on a repair keeps the new record: it is saved. */
    if (!cp_record_link(shard, index)
        || (old != CP_BLOCK_NONE && !cp_record_drop(shard, old))) {
        return shard_repair(shard);
    }
    return APR_SUCCESS;
}

apr_status_t cp_shard_save(cp_shard *shard, const cp_store_name *name,
                           apr_uint32_t now, cp_store_record *record)
{
    apr_status_t rv;

    if (record->value.length > CP_STORE_VALUE_MAX) {
        return APR_ENOSPC;
    }
    rv = writer_enter(shard);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = record_save(shard, name, now, record);
    if (damage_repaired(shard, rv)) {
        rv = record_save(shard, name, now, record);
    }
    writer_leave(shard, rv);
    return rv;
}

static apr_status_t record_touch(const cp_shard *shard,
                                 const cp_store_name *name, apr_uint32_t now,
                                 apr_uint32_t expires)
{
    apr_uint32_t index;
    apr_status_t rv = record_find_live(shard, name, now, &index);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    return cp_record_expire(shard, index, expires)
           && cp_record_use(shard, index, now)
           ? APR_SUCCESS : CP_SHARD_DAMAGED;
}

apr_status_t cp_shard_touch(cp_shard *shard, const cp_store_name *name,
                            apr_uint32_t now, apr_uint32_t expires)
{
    apr_status_t rv = writer_enter(shard);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = record_touch(shard, name, now, expires);
    if (damage_repaired(shard, rv)) {
        rv = record_touch(shard, name, now, expires);
    }
    writer_leave(shard, rv);
    return rv;
}

static apr_status_t record_remove(const cp_shard *shard,
                                  const cp_store_name *name, apr_uint32_t now)
{
    apr_uint32_t index;
    apr_status_t rv = record_find_live(shard, name, now, &index);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    return cp_record_drop(shard, index) ? APR_SUCCESS : CP_SHARD_DAMAGED;
}

apr_status_t cp_shard_remove(cp_shard *shard, const cp_store_name *name,
                             apr_uint32_t now)
{
    apr_status_t rv = writer_enter(shard);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = record_remove(shard, name, now);
    if (damage_repaired(shard, rv)) {
        rv = record_remove(shard, name, now);
    }
    writer_leave(shard, rv);
    return rv;
}

apr_status_t cp_shard_count(cp_shard *shard, apr_uint32_t now,
                            cp_store_counts *counts)
{
    const struct cp_shard_state *state = shard->state;
    apr_status_t rv = writer_enter(shard);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cp_wheel_sweep(shard, now, SWEEP_STEPS_FOR_COUNT, SWEEP_ALL)) {
        rv = shard_repair(shard);
    }
    counts->anonymous += state->records[CP_CLASS_ANONYMOUS];
    counts->owned += state->records[CP_CLASS_OWNED] - state->rosters;
    counts->rosters += state->rosters;
    counts->bytes_used += (apr_uint64_t)CP_SHARD_BLOCK_SIZE
                          * (state->blocks[CP_CLASS_ANONYMOUS]
                             + state->blocks[CP_CLASS_OWNED]);
    counts->bytes_total += (apr_uint64_t)CP_SHARD_BLOCK_SIZE
                           * (shard->block_count - 1);
    counts->expired += state->expired;
    cp_shard_mishaps(shard, counts);
    writer_leave(shard, rv);
    return rv;
}

void cp_shard_mishaps(const cp_shard *shard, cp_store_counts *counts)
{
    const struct cp_shard_state *state = shard->state;

    counts->evicted += __atomic_load_n(&state->evicted, __ATOMIC_RELAXED);
    counts->repaired += __atomic_load_n(&state->repaired, __ATOMIC_RELAXED);
}

apr_status_t cp_shard_list(cp_shard *shard, apr_uint32_t now,
                           apr_array_header_t *entries)
{
    apr_status_t rv = shard_enter(shard);
    apr_uint32_t index;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (index = 1; index < shard->block_count; index++) {
        const cp_block_head *head = cp_block_head_at(shard, index);
        cp_store_entry *entry;

        if (cp_block_kind(shard, index) == CP_BLOCK_HEAD
            && head->expires > now) {
            entry = apr_array_push(entries);
            entry->name = head->name;
            entry->owner = head->owner;
            entry->expires = head->expires;
            entry->used = head->used;
        }
    }
    shard_leave(shard);
    return APR_SUCCESS;
}
