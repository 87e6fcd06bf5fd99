/**
 * @file span.h
 * @brief A length that travels with its pointer.
 *
 * A span points at bytes that somebody else owns; it is never freed and need
 * not end in NUL. An absent span has a NULL pointer, an empty one has not.
 */
#ifndef CP_SPAN_H
#define CP_SPAN_H

#include <stdbool.h>
#include <string.h>
#include <apr_pools.h>
#include <apr_strings.h>

typedef struct cp_span {
    const char *at;
    apr_size_t length;
} cp_span;

/** A span over a string literal, its terminating NUL left out. */
#define CP_SPAN(literal) ((cp_span){ "" literal, sizeof(literal) - 1 })

#define CP_SPAN_NONE ((cp_span){ NULL, 0 })

/** A span over a C string; NULL gives the absent span. */
static inline cp_span cp_span_of(const char *string)
{
    return (cp_span){ string, string ? strlen(string) : 0 };
}

static inline cp_span cp_span_make(const void *at, apr_size_t length)
{
    return (cp_span){ at, length };
}

/** Not for secrets: the time it takes tells where the two differ. */
static inline bool cp_span_equal(cp_span a, cp_span b)
{
    return a.length == b.length
           && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

/** What surrounds a name or a value in a header: blanks and tabs. */
static inline bool cp_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/** A span without the blanks around it. */
static inline cp_span cp_span_trimmed(cp_span span)
{
    while (span.length && cp_is_blank(span.at[0])) {
        span.at++;
        span.length--;
    }
    while (span.length && cp_is_blank(span.at[span.length - 1])) {
        span.length--;
    }
    return span;
}

/** A copy in @a pool that ends in NUL; NULL for the absent span. */
static inline const char *cp_span_string(apr_pool_t *pool, cp_span span)
{
    return span.at ? apr_pstrmemdup(pool, span.at, span.length) : NULL;
}

/** Writes a span where there is room for it. @return where it ends */
static inline char *cp_span_put(char *to, cp_span span)
{
    if (span.length) {
        memcpy(to, span.at, span.length);
    }
    return to + span.length;
}

#endif
