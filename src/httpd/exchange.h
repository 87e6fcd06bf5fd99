/**
 * @file exchange.h
 * @brief The state of one request and its answer, which the corridor owns.
 */
#ifndef CP_EXCHANGE_H
#define CP_EXCHANGE_H

#include "config.h"
#include "counters.h"
#include "window.h"

/** The module's own pages, below CookiePolicyPath. */
typedef enum cp_page {
    CP_PAGE_NONE,
    CP_PAGE_POLICY,
    CP_PAGE_PREFERENCES,
    CP_PAGE_LANGUAGE,
    CP_PAGE_CSRF,
    CP_PAGE_LOGOUT,
    CP_PAGE_REPORT,
    CP_PAGE_BANNER,             /* script, style sheet and texts */
    CP_PAGE_GPC,                /* not below it, but a well-known one */
    CP_PAGE_UNKNOWN
} cp_page;

typedef struct cp_exchange {
    request_rec *r;             /* the main request, as it came */
    const cp_server_config *server;
    const cp_dir_config *dir;   /* by which was decided */
    cp_engine engine;
    cp_visit *visit;            /* NULL with the engine Off */
    const char *cookie;         /* the Cookie header as it came, or NULL */
    bool upgrades;              /* it came with an Upgrade */
    bool waits;                 /* for a 100, before it sends its body */
    cp_origin origin;           /* what the client addressed */
    cp_page page;
    bool json;                  /* the page was asked for as .json */
    bool personal;              /* what is answered hangs on the visitor's
                                   choice or session */
    const char *range;          /* that the client asks for, put aside; or
                                   NULL */
    bool tokened;               /* it has a token of this visitor in it */
    bool heard;                 /* the rooms have heard the application */
    bool passed;                /* the answer has passed CP_CONTENT */
    bool issued;                /* and CP_ISSUE */
    bool checked;               /* the CSRF check has been made */
    bool checked_in;            /* header_parser let the request in: it is
                                   decided, and no request of others */
    cp_refusal refusal;         /* its reason */
    cp_window *window;          /* of the body, read ahead; or NULL */
    struct cp_bridge *bridge;   /* to mod_session; NULL until it asks */
    const char *named;          /* what r->user is where Require session-user
                                   let in; or NULL */
} cp_exchange;

/** That of the request that this one was redirected from or is a part of, or
 *  NULL. */
cp_exchange *cp_exchange_inherit(const request_rec *r);

/**
 * The exchange that a request belongs to: its own, or that of the request
 * that it was redirected from or is a part of. NULL for one that was refused
 * before it could be read, and for none.
 */
static inline cp_exchange *cp_exchange_of(const request_rec *r)
{
    cp_exchange *own = r ? ap_get_module_config(r->request_config,
                                                &cookiepolicy_module) : NULL;

    return own || !r ? own : cp_exchange_inherit(r);
}

/** Makes the exchange of a main request. */
cp_exchange *cp_exchange_make(request_rec *r);

#endif
