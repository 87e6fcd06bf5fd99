/**
 * @file set_cookie.h
 * @brief Set-Cookie: read as browsers read it, and hardened.
 */
#ifndef CP_SET_COOKIE_H
#define CP_SET_COOKIE_H

#include "policy.h"
#include "span.h"

#include <apr_time.h>

/** What a browser makes of one Set-Cookie line (RFC 6265bis section 5.6). */
typedef struct cp_set_cookie {
    cp_span name;               /* empty for a nameless cookie */
    cp_span value;
    cp_span attributes;         /* what follows the first `;` */
    bool deletes;               /* it is over by the time it arrives, as
                                   every browser reads it */
    bool ignored;               /* a browser does not store it */
} cp_set_cookie;

/**
 * Reads a Set-Cookie line as a browser does; name and value also of one that
 * it ignores.
 * @param now  seconds since the epoch, against which Expires is judged
 */
void cp_set_cookie_read(cp_span line, apr_time_t now, cp_set_cookie *cookie);

/**
 * The name under which a cookie comes back. That of a nameless one is what
 * stands before the first `=` of its value, since browsers send the value
 * alone.
 */
cp_span cp_set_cookie_name(const cp_set_cookie *cookie);

/**
 * The line with what a declaration asks for: attributes are added or
 * tightened, never loosened.
 * @param now  seconds since the epoch
 * @return @a line itself where it has all that already, or browsers ignore it
 */
const char *cp_set_cookie_harden(const char *line,
                                 const cp_hardening *hardening,
                                 apr_time_t now, apr_pool_t *pool);

#endif
