/**
 * @file origin.h
 * @brief Where a request comes from and what it addressed.
 */
#ifndef CP_ORIGIN_H
#define CP_ORIGIN_H

#include "exchange.h"
#include "fields.h"

/**
 * What the client addressed: scheme, host and port, from the request or,
 * for the peers of CookiePolicyForwarded, from Forwarded (RFC 7239) or
 * X-Forwarded-Proto, -Host and -Port. Of several proxies' entries the last
 * counts, which the trusted peer itself wrote; what is no scheme, host or
 * port does not count.
 * @return never without a host and a port; they lie in the request's pool
 */
cp_origin cp_origin_own(request_rec *r, const cp_server_config *server);

/** Whether they are the same, letter by letter. */
bool cp_origin_equal(const cp_origin *a, const cp_origin *b);

/** The verdict on where a request comes from. */
typedef enum cp_provenance {
    CP_OWN,                     /* of this origin, typed in, or trusted */
    CP_FOREIGN_SITE,            /* Sec-Fetch-Site says so */
    CP_FOREIGN_ORIGIN,
    CP_NULL_ORIGIN,
    CP_FOREIGN_REFERER,
    CP_UNKNOWN                  /* no header tells */
} cp_provenance;

/** Sec-Fetch-Site first, else Origin, else on https the Referer. A header
 *  that is there and cannot be read is foreign. */
cp_provenance cp_origin_judge(const cp_exchange *exchange);

/** Whether the origin of a URL is the one that was addressed. */
bool cp_origin_is_own(const cp_exchange *exchange, const char *url);

/** Whether the answer may give a newcomer cookies. */
bool cp_origin_welcomes(const cp_exchange *exchange,
                        const cp_fields *fields);

/** Whether a person looks at the answer in a window of its own, as far as
 *  the browser tells. */
bool cp_origin_is_top_level(const request_rec *r);

/** Whether the request carries the signal of Global Privacy Control. */
bool cp_origin_objects(const cp_fields *fields);

#endif
