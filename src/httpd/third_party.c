#include "third_party.h"
#include "document.h"
#include "preferences.h"

#include <apr_lib.h>
#include <apr_strings.h>

/* What a document may load, kind by kind (Content Security Policy Level 3).
 * The unsafe- words take nothing away from a policy of the site's own, since
 * a browser obeys both. */
static const struct {
    const char *directive;
    const char *also;
} kinds[] = {
    { "script-src", " data: blob: 'unsafe-inline' 'unsafe-eval'" },
    { "style-src", " data: blob: 'unsafe-inline'" },
    { "img-src", " data: blob:" },
    { "font-src", " data: blob:" },
    { "media-src", " data: blob:" },
    { "connect-src", " data: blob:" },
    { "frame-src", " data: blob:" },
    { "worker-src", " data: blob:" },
    { "object-src", "" },
};

/* In report mode a site without a line learns which ones it needs. Our own
 * pages load nothing but what the site's template around them does. */
static bool is_sandboxed(const cp_exchange *exchange)
{
    return (exchange->dir->third_parties->nelts > 0
            || exchange->engine == CP_ENGINE_REPORT)
           && (exchange->page == CP_PAGE_NONE || exchange->server->frame);
}

/* A 304 takes the policy along, or the one that the browser stored, of an
 * earlier choice, would stay in force. Of one that a backend sends the type
 * is not known. */
static bool needs_policy(const request_rec *r)
{
    return cp_is_document(r)
           || (r->status == HTTP_NOT_MODIFIED && !r->content_type);
}

/* The origins of the categories that are allowed now. */
static const char *sources(const cp_exchange *exchange)
{
    const apr_array_header_t *all = exchange->dir->third_parties;
    const cp_visit *visit = exchange->visit;
    const char *list = " 'self'";

    for (int i = 0; i < all->nelts; i++) {
        const cp_third_party *one = &APR_ARRAY_IDX(all, i, cp_third_party);
        int category = cp_policy_category(visit->site->policy,
                                          cp_span_of(one->category));

        if (category >= 0 && cp_preferences_allow(visit, category)) {
            list = apr_pstrcat(visit->pool, list, " ", one->origin, NULL);
        }
    }
    return list;
}

/* The site's own web sockets, which some browsers do not see in 'self'. */
static const char *sockets(const cp_exchange *exchange)
{
    const cp_origin *own = &exchange->origin;
    bool https = strcmp(own->scheme, "https") == 0;

    for (const char *c = own->host; *c; c++) {
        if (!apr_isalnum(*c) && *c != '.' && *c != '-') {
            return "";
        }
    }
    return own->port == (https ? 443 : 80)
           ? apr_pstrcat(exchange->r->pool, https ? " wss://" : " ws://",
                         own->host, NULL)
           : apr_psprintf(exchange->r->pool, "%s%s:%d",
                          https ? " wss://" : " ws://", own->host,
                          own->port);
}

static const char *policy_write(const cp_exchange *exchange)
{
    apr_pool_t *pool = exchange->r->pool;
    const char *allowed = sources(exchange);
    const char *policy = "";

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        bool connects = strcmp(kinds[i].directive, "connect-src") == 0;

        policy = apr_pstrcat(pool, policy, i ? "; " : "", kinds[i].directive,
                             allowed, kinds[i].also,
                             connects ? sockets(exchange) : "", NULL);
    }
    return policy;
}

bool cp_third_party_send(const cp_exchange *exchange, request_rec *r)
{
    const char *policy;

    if (!is_sandboxed(exchange) || !needs_policy(r)) {
        return false;
    }
    policy = policy_write(exchange);
    if (exchange->engine == CP_ENGINE_ON) {
        apr_table_addn(r->headers_out, "Content-Security-Policy", policy);
        return true;
    }
    apr_table_addn(r->headers_out, "Content-Security-Policy-Report-Only",
                   apr_pstrcat(r->pool, policy, "; report-uri ",
                               exchange->server->path, "/csp-report", NULL));
    return false;
}
