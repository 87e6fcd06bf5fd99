/**
 * @file memo.h
 * @brief What is decided of a request's cookies, remembered on its connection
 *        and, for the next one, by the process.
 *
 * The requests of one connection mostly bring the same cookies to the same
 * host. So the connection remembers what was decided last, with everything
 * that hung on, and where a request brings the very same the decision is taken
 * over: nothing is parsed, checked or written anew but what time and other
 * requests can change, the expiry of values and the record of a session.
 *
 * Only visits that are settled are remembered; a newcomer's never are, since
 * a proxy may send several of them along one connection. Threads share memos,
 * those of an HTTP/2 connection as its streams do, and nobody changes one.
 */
#ifndef CP_MEMO_H
#define CP_MEMO_H

#include "exchange.h"
#include "export.h"
#include "fields.h"

#include <stdatomic.h>

typedef struct cp_memo {
    bool settled;               /* there is nothing to tell of the visit, and
                                   the exchange has a copy of it */
    const cp_visit *visit;
    const char *cookie;         /* the header that the application sees, or
                                   NULL */
    cp_exports exports;

    /* What all this hangs on, but for the visit's request. */
    const cp_server_config *server;
    cp_terms terms;
    const char *host;           /* the Host header; NULL: none */
    cp_origin origin;

    apr_pool_t *pool;           /* its own; NULL: it is the request's */
    atomic_uint holders;
} cp_memo;

/** A request is decided as it came, and where its directory has other terms
 *  once more; the connection remembers one of each. */
typedef enum cp_memo_stage {
    CP_MEMO_ARRIVAL,
    CP_MEMO_DIRECTORY,
    CP_MEMO_STAGES
} cp_memo_stage;

/**
 * Decides on the cookies of a request, by memory where that serves: sets the
 * exchange's visit and origin. Its server, its directory and its cookie are
 * known, and it has no visit.
 * @param fields  of the request as it is now
 * @return what was decided; it lives as long as the request
 */
const cp_memo *cp_memo_decide(cp_exchange *exchange, request_rec *r,
                              cp_memo_stage stage, const cp_fields *fields);

void cp_memo_register(void);

#endif
