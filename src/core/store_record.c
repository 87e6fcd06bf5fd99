/**
 * @file store_record.c
 * @brief The records of one shard of the shared-memory store.
 */
#include "store_record.h"

_Static_assert(sizeof(union cp_shard_block) == CP_SHARD_BLOCK_SIZE,
               "a block is a cache line");

/* Where in a name the bucket is taken from; the shard comes from before. */
#define BUCKET_OFFSET 4

static bool list_insert(const cp_shard *shard, cp_list list,
                        apr_uint32_t *first, apr_uint32_t index)
{
    cp_block_link *link = &cp_block_head_at(shard, index)->links[list];
    apr_uint32_t next = *first;
    apr_uint32_t previous;

    if (next == CP_BLOCK_NONE) {
        link->previous = link->next = *first = index;
        return true;
    }
    if (!cp_block_valid(shard, next)) {
        return false;
    }
    previous = cp_block_head_at(shard, next)->links[list].previous;
    if (!cp_block_valid(shard, previous)) {
        return false;
    }
    link->previous = previous;
    link->next = next;
    cp_block_head_at(shard, previous)->links[list].next = index;
    cp_block_head_at(shard, next)->links[list].previous = index;
    *first = index;
    return true;
}

static bool list_remove(const cp_shard *shard, cp_list list,
                        apr_uint32_t *first, apr_uint32_t index)
{
    const cp_block_link *link = &cp_block_head_at(shard, index)->links[list];
    apr_uint32_t previous = link->previous;
    apr_uint32_t next = link->next;

    if (!cp_block_valid(shard, previous) || !cp_block_valid(shard, next)
        || cp_block_head_at(shard, previous)->links[list].next != index
        || cp_block_head_at(shard, next)->links[list].previous != index) {
        return false;
    }
    cp_block_head_at(shard, previous)->links[list].next = next;
    cp_block_head_at(shard, next)->links[list].previous = previous;
    if (*first == index) {
        *first = next == index ? CP_BLOCK_NONE : next;
    }
    return true;
}

static apr_uint32_t *use_list(const cp_shard *shard, apr_uint32_t index)
{
    apr_uint64_t owner = cp_block_head_at(shard, index)->owner;

    return &shard->state->lists[cp_class_of(owner)][cp_group_of(shard, owner)];
}

bool cp_record_use(const cp_shard *shard, apr_uint32_t index,
                   apr_uint32_t now)
{
    cp_block_head *head = cp_block_head_at(shard, index);
    apr_uint32_t *first = use_list(shard, index);

    if (head->used != now && *first != index
        && (!list_remove(shard, CP_LIST_USE, first, index)
            || !list_insert(shard, CP_LIST_USE, first, index))) {
        return false;
    }
    head->used = now;
    return true;
}

/* A slot holds what expires in its tick, of this round or a later one. The
 * hand goes back for a record that expires before it, which happens where the
 * clock was set back. */
static bool wheel_insert(const cp_shard *shard, apr_uint32_t index)
{
    struct cp_shard_state *state = shard->state;
    apr_uint32_t tick = cp_wheel_tick(cp_block_head_at(shard, index)->expires);

    if (tick <= state->hand) {
        state->hand = tick;
        state->cursor = CP_BLOCK_NONE;
    }
    return list_insert(shard, CP_LIST_WHEEL, cp_wheel_slot(shard, tick),
                       index);
}

static bool wheel_remove(const cp_shard *shard, apr_uint32_t index)
{
    struct cp_shard_state *state = shard->state;
    const cp_block_head *head = cp_block_head_at(shard, index);
    apr_uint32_t next = head->links[CP_LIST_WHEEL].next;
    apr_uint32_t *first = cp_wheel_slot(shard, cp_wheel_tick(head->expires));
    bool was_first = *first == index;

    if (!list_remove(shard, CP_LIST_WHEEL, first, index)) {
        return false;
    }
    if (state->cursor == index) {
        if (was_first) {
            state->cursor = CP_BLOCK_NONE;
        }
        else {
            cp_wheel_pass(state, *first, next);
        }
    }
    return true;
}

bool cp_record_expire(const cp_shard *shard, apr_uint32_t index,
                      apr_uint32_t expires)
{
    if (!wheel_remove(shard, index)) {
        return false;
    }
    cp_block_head_at(shard, index)->expires = expires;
    return wheel_insert(shard, index);
}

static apr_uint32_t *bucket_of(const cp_shard *shard,
                               const cp_store_name *name)
{
    apr_uint32_t hash;

    memcpy(&hash, name->bytes + BUCKET_OFFSET, sizeof(hash));
    return &shard->buckets[hash & shard->bucket_mask];
}

static bool bucket_remove(const cp_shard *shard, apr_uint32_t index)
{
    apr_uint32_t *link = bucket_of(shard,
                                   &cp_block_head_at(shard, index)->name);
    apr_uint32_t steps;

    for (steps = 0; steps < shard->block_count; steps++) {
        apr_uint32_t at = *link;

        if (!cp_block_valid(shard, at)) {
            return false;
        }
        if (at == index) {
            *link = cp_block_head_at(shard, at)->next;
            return true;
        }
        link = &cp_block_head_at(shard, at)->next;
    }
    return false;
}

void cp_record_prefetch(const cp_shard *shard, const cp_store_name *name)
{
    __builtin_prefetch(bucket_of(shard, name));
}

apr_status_t cp_record_find(const cp_shard *shard, const cp_store_name *name,
                            apr_uint32_t *found)
{
    apr_uint32_t index = cp_index_read(bucket_of(shard, name));
    apr_uint32_t steps;

    for (steps = 0; steps < shard->block_count; steps++) {
        const cp_block_head *head;

        if (index == CP_BLOCK_NONE) {
            return APR_NOTFOUND;
        }
        if (!cp_block_valid(shard, index)) {
            return CP_SHARD_DAMAGED;
        }
        head = cp_block_head_at(shard, index);
        /* Most values lie right behind their heads. */
        __builtin_prefetch(head + 1);
        __builtin_prefetch(head + 2);
        __builtin_prefetch(head + 3);
        __builtin_prefetch(head + 4);
        if (memcmp(&head->name, name, sizeof(*name)) == 0) {
            *found = index;
            return APR_SUCCESS;
        }
        index = cp_index_read(&head->next);
    }
    return CP_SHARD_DAMAGED;
}

bool cp_record_link(const cp_shard *shard, apr_uint32_t index)
{
    struct cp_shard_state *state = shard->state;
    cp_block_head *head = cp_block_head_at(shard, index);
    apr_uint32_t *bucket = bucket_of(shard, &head->name);
    apr_uint32_t blocks = cp_blocks_needed(head->length);
    int class = cp_class_of(head->owner);

    head->next = *bucket;
    *bucket = index;
    state->records[class]++;
    state->rosters += (head->owner & CP_OWNER_ROSTER) != 0;
    state->blocks[class] += blocks;
    state->shares[class][cp_group_of(shard, head->owner)] += blocks;
    return list_insert(shard, CP_LIST_USE, use_list(shard, index), index)
           && wheel_insert(shard, index);
}

static apr_uint32_t block_take(const cp_shard *shard)
{
    struct cp_shard_state *state = shard->state;
    apr_uint32_t index = state->free;

    if (!cp_block_valid(shard, index)
        || cp_block_kind(shard, index) != CP_BLOCK_FREE) {
        return CP_BLOCK_NONE;
    }
    state->free = shard->blocks[index].data.next;
    state->free_count--;
    cp_block_kind_set(shard, index, CP_BLOCK_DATA);
    return index;
}

/* Gives a record's blocks back in the order in which they will be taken, so
 * that what lies together stays together. */
static bool blocks_release(const cp_shard *shard, apr_uint32_t index)
{
    struct cp_shard_state *state = shard->state;
    const cp_block_head *head = cp_block_head_at(shard, index);
    apr_uint32_t needed = cp_blocks_needed(head->length);
    apr_uint64_t owner = head->owner;
    int class = cp_class_of(owner);
    apr_uint32_t next = head->data;
    apr_uint32_t last = index;
    apr_uint32_t count = 1;

    shard->blocks[index].data.next = next;
    while (next != CP_BLOCK_NONE) {
        if (!cp_block_valid(shard, next) || count++ == needed
            || !(cp_block_kind(shard, next) & CP_BLOCK_DATA)) {
            return false;
        }
        cp_block_kind_set(shard, next, CP_BLOCK_FREE);
        last = next;
        next = shard->blocks[next].data.next;
    }
    if (count != needed) {
        return false;
    }
    shard->blocks[last].data.next = state->free;
    state->free = index;
    state->free_count += count;
    state->blocks[class] -= count;
    state->shares[class][cp_group_of(shard, owner)] -= count;
    state->records[class]--;
    state->rosters -= (owner & CP_OWNER_ROSTER) != 0;
    return true;
}

bool cp_record_drop(const cp_shard *shard, apr_uint32_t index)
{
    if (cp_block_kind(shard, index) != CP_BLOCK_HEAD) {
        return false;
    }
    cp_block_kind_set(shard, index, CP_BLOCK_FREE);
    return bucket_remove(shard, index)
           && list_remove(shard, CP_LIST_USE, use_list(shard, index), index)
           && wheel_remove(shard, index)
           && blocks_release(shard, index);
}

/* Writes a value into blocks; @a link gets the first one's index. */
static bool value_write(const cp_shard *shard, cp_span value,
                        apr_uint32_t *link)
{
    apr_size_t done = 0;

    while (done < value.length) {
        apr_size_t part = value.length - done;
        apr_uint32_t index = block_take(shard);

        if (index == CP_BLOCK_NONE) {
            return false;
        }
        part = part < CP_BLOCK_DATA_SIZE ? part : CP_BLOCK_DATA_SIZE;
        memcpy(shard->blocks[index].data.bytes, value.at + done, part);
        done += part;
        *link = index;
        link = &shard->blocks[index].data.next;
    }
    *link = CP_BLOCK_NONE;
    return true;
}

apr_uint32_t cp_record_build(const cp_shard *shard, const cp_store_name *name,
                             apr_uint32_t now, const cp_store_record *record)
{
    struct cp_shard_state *state = shard->state;
    apr_uint32_t index = block_take(shard);
    cp_block_head *head = cp_block_head_at(shard, index);

    if (index == CP_BLOCK_NONE
        || !value_write(shard, record->value, &head->data)) {
        return CP_BLOCK_NONE;
    }
    if (++state->revision == 0) {
        state->revision = 1;
    }
    head->name = *name;
    head->owner = record->owner;
    head->expires = record->expires;
    head->revision = state->revision;
    head->used = now;
    head->length = (apr_uint32_t)record->value.length;
    return index;
}

bool cp_record_read(const cp_shard *shard, apr_uint32_t index,
                    cp_store_record *record, apr_pool_t *pool)
{
    const cp_block_head *head = cp_block_head_at(shard, index);
    apr_size_t length = cp_index_read(&head->length);
    apr_uint32_t next = cp_index_read(&head->data);
    apr_size_t done;
    char *value;

    if (length > CP_STORE_VALUE_MAX) {
        return false;
    }
    /* Whole blocks, as copies of a constant size are quick. */
    value = apr_palloc(pool, length + CP_BLOCK_DATA_SIZE);
    for (done = 0; done < length; done += CP_BLOCK_DATA_SIZE) {
        if (!cp_block_valid(shard, next)) {
            return false;
        }
        memcpy(value + done, shard->blocks[next].data.bytes,
               CP_BLOCK_DATA_SIZE);
        next = cp_index_read(&shard->blocks[next].data.next);
    }
    value[length] = '\0';
    record->value = cp_span_make(value, length);
    record->expires = head->expires;
    record->revision = head->revision;
    record->owner = head->owner;
    return next == CP_BLOCK_NONE;
}

bool cp_record_claim(const cp_shard *shard, apr_uint32_t index)
{
    const cp_block_head *head = cp_block_head_at(shard, index);
    apr_uint32_t length = head->length;
    apr_uint32_t first = head->data;
    apr_uint32_t next = first;
    apr_uint32_t count = 1;

    if (length > CP_STORE_VALUE_MAX) {
        return false;
    }
    while (cp_block_valid(shard, next) && count < cp_blocks_needed(length)
           && cp_block_kind(shard, next) == CP_BLOCK_DATA) {
        cp_block_kind_set(shard, next, CP_BLOCK_CLAIMED);
        next = shard->blocks[next].data.next;
        count++;
    }
    if (count == cp_blocks_needed(length) && next == CP_BLOCK_NONE) {
        return true;
    }
    for (next = first; count > 1 && cp_block_valid(shard, next); count--) {
        cp_block_kind_set(shard, next, CP_BLOCK_DATA);
        next = shard->blocks[next].data.next;
    }
    return false;
}
