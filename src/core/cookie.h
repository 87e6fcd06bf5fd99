/**
 * @file cookie.h
 * @brief Cookie, read as browsers write it and applications read it; and the
 *        managed cookies, written.
 */
#ifndef CP_COOKIE_H
#define CP_COOKIE_H

#include "span.h"

/** What one Cookie header may have; the rest is left out. */
#define CP_COOKIE_PAIRS_MAX 200
#define CP_COOKIE_LENGTH_MAX (32 * 1024)

/** Browsers keep no cookie longer than this, in seconds (400 days). */
#define CP_COOKIE_AGE_MAX (400 * 86400)

/** The max_age of a cookie that ends with the browser's session, and of one
 *  for which none was configured. */
#define CP_COOKIE_AGE_SESSION (-1)
#define CP_COOKIE_AGE_UNSET (-2)

typedef struct cp_pair {
    cp_span name;
    cp_span value;
} cp_pair;

/**
 * Takes the next well-formed pair off a Cookie header. Pairs end at `;`, and
 * at `, ` where a token and `=` follow, which is how httpd joins a second
 * Cookie line. Passed over are pairs without a name or `=`, names that are no
 * token (RFC 9110 section 5.6.2) or begin with `$`, values with control
 * characters or unbalanced quotes.
 * @param rest    what is left of the header; moved on
 * @param pair    gets spans into the header; quotes are part of the value
 * @param broken  counts the pairs that were passed over
 * @return false at the end
 */
bool cp_cookie_next(cp_span *rest, cp_pair *pair, unsigned int *broken);

/** A value without the pair of quotes around it, where there is one. */
cp_span cp_cookie_unquoted(cp_span value);

/**
 * Whether some application would read @a name as @a managed though it is
 * another name: after percent-decoding, without blanks, with `.`, `[` and
 * blank read as `_`, and with case folded.
 */
bool cp_cookie_mimics(cp_span name, cp_span managed);

typedef enum cp_secure {
    CP_SECURE_AUTO,             /* on https */
    CP_SECURE_ON,
    CP_SECURE_OFF
} cp_secure;

/** How a managed cookie is written. */
typedef struct cp_attributes {
    const char *name;           /* on the wire */
    const char *path;
    const char *domain;         /* NULL: host-only */
    const char *same_site;      /* Lax, Strict or None */
    cp_secure secure;
    bool http_only;
    bool partitioned;
    bool secure_set;            /* which of the three were configured */
    bool http_only_set;
    bool partitioned_set;
    int max_age;                /* seconds, or CP_COOKIE_AGE_SESSION */

    /* What follows the value, made by cp_attributes_compile(). */
    cp_span tail;
    cp_span tail_secure;
    cp_span tail_deletion;
    cp_span tail_deletion_secure;
} cp_attributes;

/**
 * Checks the attributes against each other and prepares what is written with
 * every cookie.
 * @return what is wrong, in words that follow the cookie's name; or NULL
 */
const char *cp_attributes_compile(cp_attributes *attributes,
                                  apr_pool_t *pool);

/**
 * A Set-Cookie line.
 * @param value   NULL deletes the cookie
 * @param secure  whether the visitor came by https
 */
const char *cp_cookie_write(const cp_attributes *attributes,
                            const char *value, bool secure,
                            apr_pool_t *pool);

#endif
