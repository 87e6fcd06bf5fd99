/**
 * @file lookup.h
 * @brief From a cookie's name to its declaration, at a cost that does not grow
 *        with their number.
 *
 * Exact names are hashed. The literal prefixes of all patterns are one tree
 * with a byte at each edge: the node where a walk over the name ends knows the
 * patterns that can match what was walked.
 */
#ifndef CP_LOOKUP_H
#define CP_LOOKUP_H

#include "policy.h"

/** So many patterns may at most be tried for one name. */
#define CP_LOOKUP_PATTERNS_MAX 32

/**
 * Builds both.
 * @param declared  must outlive it
 * @param error     gets what is wrong
 * @return NULL when too many patterns could match one name
 */
const cp_lookup *cp_lookup_make(const cp_declared *declared, int count,
                                const char **error, apr_pool_t *pool);

/** See cp_policy_find(). */
const cp_declared *cp_lookup_find(const cp_lookup *lookup, cp_span name,
                                  apr_pool_t *pool);

#endif
