/**
 * @file way_back.h
 * @brief Where a visitor may be led on to: a path on this host, or nothing.
 */
#ifndef CP_WAY_BACK_H
#define CP_WAY_BACK_H

#include "exchange.h"

/** Whether it is a path on this host as every browser reads it: one slash,
 *  neither a second nor a backslash after it, and nothing that is not visible
 *  ASCII. What a server on the way might decode in the path counts as if it
 *  were. */
bool cp_way_is_safe(const char *path);

/** The path, with its query, of the page that a request came from; NULL where
 *  that is not one of this origin. */
const char *cp_way_back(const cp_exchange *exchange, const request_rec *r);

#endif
