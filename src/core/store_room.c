/**
 * @file store_room.c
 * @brief Making room in a shard of the shared-memory store.
 */
#include "store_room.h"

/* Steps of a sweep that needs room: each is one record or one empty slot. */
#define SWEEP_STEPS_FOR_ROOM CP_WHEEL_SLOTS

bool cp_record_reclaim(const cp_shard *shard, apr_uint32_t index)
{
    shard->state->expired++;
    return cp_record_drop(shard, index);
}

bool cp_wheel_sweep(const cp_shard *shard, apr_uint32_t now,
                    apr_uint32_t steps, apr_uint32_t needed)
{
    struct cp_shard_state *state = shard->state;
    apr_uint32_t tick = cp_wheel_tick(now);

    if (tick > CP_WHEEL_SLOTS && state->hand < tick - CP_WHEEL_SLOTS) {
        state->hand = tick - CP_WHEEL_SLOTS;
        state->cursor = CP_BLOCK_NONE;
    }
    while (state->hand < tick && steps-- > 0 && state->free_count < needed) {
        apr_uint32_t *slot = cp_wheel_slot(shard, state->hand);
        apr_uint32_t index = state->cursor ? state->cursor : *slot;
        const cp_block_head *head;

        if (index == CP_BLOCK_NONE) {
            state->hand++;
            continue;
        }
        if (!cp_block_valid(shard, index)) {
            return false;
        }
        head = cp_block_head_at(shard, index);
        if (cp_wheel_slot(shard, cp_wheel_tick(head->expires)) != slot) {
            return false;
        }
        if (head->expires > now) {
            cp_wheel_pass(state, *slot, head->links[CP_LIST_WHEEL].next);
        }
        else if (!cp_record_reclaim(shard, index)) {
            return false;
        }
    }
    return true;
}

/* As cp_wheel_sweep(), for the tick that is not over yet. */
static bool wheel_sweep_last(const cp_shard *shard, apr_uint32_t now,
                             apr_uint32_t steps, apr_uint32_t needed)
{
    apr_uint32_t *slot = cp_wheel_slot(shard, cp_wheel_tick(now));
    apr_uint32_t index = *slot;

    while (index != CP_BLOCK_NONE && steps-- > 0
           && shard->state->free_count < needed) {
        const cp_block_head *head = cp_block_head_at(shard, index);
        apr_uint32_t next;

        if (!cp_block_valid(shard, index)) {
            return false;
        }
        next = head->links[CP_LIST_WHEEL].next;
        if (next == *slot) {
            next = CP_BLOCK_NONE;
        }
        if (head->expires <= now && !cp_record_reclaim(shard, index)) {
            return false;
        }
        index = next;
    }
    return true;
}

/* The group that has the most of a class, @a spared aside. */
static apr_uint32_t group_largest(const cp_shard *shard, int class,
                                  apr_uint32_t spared)
{
    const apr_uint32_t *shares = shard->state->shares[class];
    apr_uint32_t largest = 0, most = 0;
    apr_uint32_t group;

    for (group = 0; group < CP_GROUPS; group++) {
        apr_uint32_t share = shares[group];

        if (spared != CP_BLOCK_NONE) {
            const cp_block_head *head = cp_block_head_at(shard, spared);

            if (cp_class_of(head->owner) == class
                && cp_group_of(shard, head->owner) == group) {
                share -= cp_blocks_needed(head->length);
            }
        }
        if (share > most) {
            most = share;
            largest = group;
        }
    }
    return largest;
}

/* The record of a class that goes first: of the group that has the most, the
 * least recently used one. Never @a spared. */
static apr_uint32_t use_last(const cp_shard *shard, int class,
                             apr_uint32_t spared)
{
    apr_uint32_t group = group_largest(shard, class, spared);
    apr_uint32_t first = shard->state->lists[class][group];
    apr_uint32_t last;

    if (!cp_block_valid(shard, first)) {
        return CP_BLOCK_NONE;
    }
    last = cp_block_head_at(shard, first)->links[CP_LIST_USE].previous;
    if (last == spared && last != first && cp_block_valid(shard, last)) {
        last = cp_block_head_at(shard, last)->links[CP_LIST_USE].previous;
    }
    return cp_block_valid(shard, last) && last != spared
           ? last : CP_BLOCK_NONE;
}

/* How many blocks could be free for a record of @a class in the stead of
 * @a spared, which itself stays until the new one is there. */
static apr_uint32_t room_count(const cp_shard *shard, int class,
                               apr_uint32_t spared)
{
    const struct cp_shard_state *state = shard->state;
    apr_uint32_t room = state->free_count;
    int from;

    for (from = CP_CLASS_ANONYMOUS; from <= class; from++) {
        room += state->blocks[from];
    }
    if (spared != CP_BLOCK_NONE) {
        const cp_block_head *head = cp_block_head_at(shard, spared);

        if (cp_class_of(head->owner) <= class) {
            room -= cp_blocks_needed(head->length);
        }
    }
    return room;
}

apr_status_t cp_room_make(const cp_shard *shard, apr_uint32_t now,
                          apr_uint32_t needed, int class,
                          apr_uint32_t spared)
{
    struct cp_shard_state *state = shard->state;
    int from;

    if (state->free_count >= needed) {
        return APR_SUCCESS;
    }
    if (!cp_wheel_sweep(shard, now, SWEEP_STEPS_FOR_ROOM, needed)
        || !wheel_sweep_last(shard, now, SWEEP_STEPS_FOR_ROOM, needed)) {
        return CP_SHARD_DAMAGED;
    }
    if (room_count(shard, class, spared) < needed) {
        return APR_ENOSPC;
    }
    for (from = CP_CLASS_ANONYMOUS; from <= class; from++) {
        while (state->free_count < needed) {
            apr_uint32_t last = use_last(shard, from, spared);

            if (last == CP_BLOCK_NONE) {
                break;
            }
            if (!cp_record_drop(shard, last)) {
                return CP_SHARD_DAMAGED;
            }
            state->evicted++;
        }
    }
    return state->free_count >= needed ? APR_SUCCESS : CP_SHARD_DAMAGED;
}
