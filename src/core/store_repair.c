/**
 * @file store_repair.c
 * @brief Makes a shard of the shared-memory store whole again.
 *
 * It may itself be cut short at any instruction: the kinds are always such
 * that a second repair comes to the same end.
 */
#include <stdlib.h>

#include "store_repair.h"

typedef struct repair_entry {
    apr_uint32_t used;
    apr_uint32_t index;
} repair_entry;

static int repair_compare(const void *left, const void *right)
{
    const repair_entry *a = left;
    const repair_entry *b = right;

    if (a->used != b->used) {
        return a->used < b->used ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

void cp_repair_reset(const cp_shard *shard)
{
    struct cp_shard_state *state = shard->state;

    memset(shard->slots, 0, CP_WHEEL_SLOTS * sizeof(*shard->slots));
    memset(shard->buckets, 0,
           ((apr_size_t)shard->bucket_mask + 1) * sizeof(*shard->buckets));
    memset(state->lists, 0, sizeof(state->lists));
    memset(state->records, 0, sizeof(state->records));
    memset(state->blocks, 0, sizeof(state->blocks));
    memset(state->shares, 0, sizeof(state->shares));
    state->rosters = 0;
    state->hand = 0;
    state->cursor = CP_BLOCK_NONE;
    state->free = CP_BLOCK_NONE;
    state->free_count = 0;
}

/* Links a record in; if there are two of one name, the newer one stays. */
static bool repair_adopt(const cp_shard *shard, apr_uint32_t index)
{
    struct cp_shard_state *state = shard->state;
    const cp_block_head *head = cp_block_head_at(shard, index);
    apr_uint32_t revision = head->revision;
    apr_uint32_t other = CP_BLOCK_NONE;
    apr_status_t rv = cp_record_find(shard, &head->name, &other);

    if ((apr_int32_t)(revision - state->revision) > 0) {
        state->revision = revision;
    }
    if (rv == CP_SHARD_DAMAGED || !cp_record_link(shard, index)) {
        return false;
    }
    if (rv == APR_NOTFOUND) {
        return true;
    }
    if ((apr_int32_t)(cp_block_head_at(shard, other)->revision
                      - revision) > 0) {
        other = index;
    }
    return cp_record_drop(shard, other);
}

/* Finds the whole records; gives how many there are. */
static apr_uint32_t repair_claim(const cp_shard *shard)
{
    apr_uint32_t heads = 0;
    apr_uint32_t index;

    for (index = 1; index < shard->block_count; index++) {
        int kind = cp_block_kind(shard, index);

        if (kind == CP_BLOCK_CLAIMED) {
            cp_block_kind_set(shard, index, CP_BLOCK_DATA);
        }
    }
    for (index = 1; index < shard->block_count; index++) {
        if (cp_block_kind(shard, index) != CP_BLOCK_HEAD) {
            continue;
        }
        if (cp_record_claim(shard, index)) {
            heads++;
        }
        else {
            cp_block_kind_set(shard, index, CP_BLOCK_FREE);
        }
    }
    return heads;
}

/* Links the records in, the least recently used first. */
static bool repair_link(const cp_shard *shard, apr_uint32_t heads)
{
    bool sound = true;
    apr_pool_t *pool = NULL;
    repair_entry *entries;
    apr_uint32_t count = 0;
    apr_uint32_t index;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return false;
    }
    entries = apr_palloc(pool, (heads + 1) * sizeof(*entries));
    if (!entries) {
        apr_pool_destroy(pool);
        return false;
    }
    for (index = 1; index < shard->block_count && count < heads; index++) {
        if (cp_block_kind(shard, index) == CP_BLOCK_HEAD) {
            entries[count].used = cp_block_head_at(shard, index)->used;
            entries[count++].index = index;
        }
    }
    qsort(entries, count, sizeof(*entries), repair_compare);
    for (index = 0; index < count && sound; index++) {
        sound = repair_adopt(shard, entries[index].index);
    }
    apr_pool_destroy(pool);
    return sound;
}

void cp_repair_free(const cp_shard *shard)
{
    struct cp_shard_state *state = shard->state;
    apr_uint32_t index;

    state->free = CP_BLOCK_NONE;
    state->free_count = 0;
    for (index = shard->block_count - 1; index > 0; index--) {
        switch (cp_block_kind(shard, index)) {
        case CP_BLOCK_HEAD:
            break;
        case CP_BLOCK_CLAIMED:
            cp_block_kind_set(shard, index, CP_BLOCK_DATA);
            break;
        default:
            cp_block_kind_set(shard, index, CP_BLOCK_FREE);
            shard->blocks[index].data.next = state->free;
            state->free = index;
            state->free_count++;
        }
    }
}

bool cp_repair_shard(const cp_shard *shard)
{
    cp_repair_reset(shard);
    if (!repair_link(shard, repair_claim(shard))) {
        return false;
    }
    cp_repair_free(shard);
    return true;
}
