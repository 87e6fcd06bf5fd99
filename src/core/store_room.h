/**
 * @file store_room.h
 * @brief Making room in a shard of the shared-memory store: what has expired,
 *        and what has to go. Only store_shard.c uses it, with the lock held.
 */
#ifndef CP_STORE_ROOM_H
#define CP_STORE_ROOM_H

#include "store_record.h"

/** Drops a record that has expired. @return false when it met damage */
bool cp_record_reclaim(const cp_shard *shard, apr_uint32_t index);

/** Reclaims what expired in ticks that are over, in at most @a steps, each of
 *  them one record or one empty slot, and until @a needed blocks are free.
 *  @return false when it met damage */
bool cp_wheel_sweep(const cp_shard *shard, apr_uint32_t now,
                    apr_uint32_t steps, apr_uint32_t needed);

/** Makes @a needed blocks free: of expired records first, then of anonymous
 *  ones, and for an owned record of owned ones, too; of either kind from the
 *  group that has the most. None goes in vain.
 *  @param spared  goes in no case, or CP_BLOCK_NONE
 *  @return APR_SUCCESS, APR_ENOSPC or CP_SHARD_DAMAGED */
apr_status_t cp_room_make(const cp_shard *shard, apr_uint32_t now,
                          apr_uint32_t needed, int class,
                          apr_uint32_t spared);

#endif
