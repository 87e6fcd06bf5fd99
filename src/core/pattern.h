/**
 * @file pattern.h
 * @brief A regular expression over cookie names.
 */
#ifndef CP_PATTERN_H
#define CP_PATTERN_H

#include "span.h"

typedef struct cp_pattern cp_pattern;

/**
 * Compiles a pattern (PCRE2), with JIT where there is one.
 * @param error  gets what is wrong, with its position
 * @param pool   owns the pattern
 * @return NULL when it does not compile
 */
const cp_pattern *cp_pattern_make(const char *text, const char **error,
                                  apr_pool_t *pool);

/** What every name begins with that the pattern matches; may be empty. */
cp_span cp_pattern_prefix(const cp_pattern *pattern);

typedef enum cp_match {
    CP_MATCHES_NOT,
    CP_MATCHES,
    CP_MATCH_UNKNOWN            /* it would need more steps than a cookie's
                                   name may cost */
} cp_match;

/** Whether a name matches. */
cp_match cp_pattern_match(const cp_pattern *pattern, cp_span name);

#endif
