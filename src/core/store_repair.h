/**
 * @file store_repair.h
 * @brief Makes a shard of the shared-memory store whole again, from what its
 *        blocks' kinds say. Only store_shard.c uses it, with the lock held.
 */
#ifndef CP_STORE_REPAIR_H
#define CP_STORE_REPAIR_H

#include "store_record.h"

/** Keeps every whole record, of two with one name the newer, frees all other
 *  blocks, and makes all links anew, the lists in the order of use.
 *  @return false if there is no memory for it, or somebody else keeps
 *          damaging the shard: it is to be tried again later */
bool cp_repair_shard(const cp_shard *shard);

/** Empties all links; the revision and the statistics stay. */
void cp_repair_reset(const cp_shard *shard);

/** Puts each block that is of no record on the free list, lowest first. */
void cp_repair_free(const cp_shard *shard);

#endif
