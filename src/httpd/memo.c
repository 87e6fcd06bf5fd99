#include "memo.h"
#include "origin.h"
#include "token.h"

#include <http_connection.h>
#include <http_protocol.h>

/* --- Held by a connection and by requests ------------------------------ */

/* The memos of a connection. */
typedef struct memory {
    _Atomic(cp_memo *) memos[CP_MEMO_STAGES];
} memory;

static memory *memory_of(const conn_rec *c)
{
    return ap_get_module_config((c->master ? c->master : c)->conn_config,
                                &cookiepolicy_module);
}

static apr_status_t memo_release(void *released)
{
    cp_memo *memo = released;

    if (atomic_fetch_sub(&memo->holders, 1) == 1) {
        apr_pool_destroy(memo->pool);
    }
    return APR_SUCCESS;
}

static void memo_hold(cp_memo *memo, apr_pool_t *pool)
{
    atomic_fetch_add(&memo->holders, 1);
    apr_pool_cleanup_register(pool, memo, memo_release,
                              apr_pool_cleanup_null);
}

/* Puts a memo, or none, in the place of another. */
static void memo_put(memory *all, cp_memo_stage stage, cp_memo *memo)
{
    cp_memo *other = atomic_exchange(&all->memos[stage], memo);

    if (other) {
        memo_release(other);
    }
}

static apr_status_t memory_end(void *ended)
{
    for (int i = 0; i < CP_MEMO_STAGES; i++) {
        memo_put(ended, (cp_memo_stage)i, NULL);
    }
    return APR_SUCCESS;
}

/* The streams of HTTP/2 come on connections of their own, whose master has
 * the memory. */
static int memory_begin(conn_rec *c, void *socket)
{
    memory *all;

    (void)socket;
    if (!c->master) {
        all = apr_pcalloc(c->pool, sizeof(*all));
        ap_set_module_config(c->conn_config, &cookiepolicy_module, all);
        apr_pool_cleanup_register(c->pool, all, memory_end,
                                  apr_pool_cleanup_null);
    }
    return OK;
}

/* --- Whether a memo fits ---------------------------------------------- */

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_terms(const cp_terms *a, const cp_terms *b)
{
    return a->lazy == b->lazy && a->all == b->all && a->csrf == b->csrf
           && a->languages == b->languages && a->undeclared == b->undeclared;
}

/* Whether the client addressed this host, which without a proxy's word and
 * without a host in the request line hangs on the Host header alone. */
static bool is_same_origin(const cp_memo *memo, const cp_exchange *exchange,
                           request_rec *r, const cp_fields *fields)
{
    cp_origin own;

    if (!exchange->server->forwarded->nelts && !r->parsed_uri.hostname) {
        return is_same_text(memo->host, fields->host)
               && strcmp(memo->origin.scheme, ap_http_scheme(r)) == 0;
    }
    own = cp_origin_own(r, exchange->server);
    return cp_origin_equal(&memo->origin, &own);
}

static bool memo_fits(const cp_memo *memo, const cp_exchange *exchange,
                      request_rec *r, const cp_fields *fields,
                      const cp_request *request)
{
    return memo->server == exchange->server
           && is_same_terms(&memo->terms, &exchange->dir->terms)
           && memo->visit->request.gpc == request->gpc
           && is_same_origin(memo, exchange, r, fields)
           /* A proxy may send the cookies of several visitors along one
            * connection: none may find out another's by the time it takes. */
           && cp_secret_equal(memo->visit->request.cookie, request->cookie);
}

/* --- Deciding --------------------------------------------------------- */

/* What does not hang on where the request is addressed to. */
static void request_read(cp_request *request, const cp_exchange *exchange,
                         const cp_fields *fields)
{
    request->cookie = cp_span_of(exchange->cookie);
    request->accept_language = fields->accept_language;
    request->now = (apr_uint32_t)apr_time_sec(exchange->r->request_time);
    request->gpc = exchange->server->site.gpc && cp_origin_objects(fields);
}

/* And what does: the origin of the exchange is known. */
static void request_address(cp_request *request, const cp_exchange *exchange,
                            const cp_fields *fields)
{
    const cp_origin *origin = &exchange->origin;
    const char *realm = exchange->server->realm;

    request->host = cp_span_of(origin->host);
    request->realm = realm ? cp_span_of(realm) : request->host;
    request->secure = strcmp(origin->scheme, "https") == 0;
    request->welcomes = cp_origin_welcomes(exchange, fields);
}

/* The same, where the memo of another request fits. */
static void request_address_again(cp_request *request,
                                  const cp_exchange *exchange,
                                  const cp_fields *fields,
                                  const cp_request *other)
{
    request->host = other->host;
    request->realm = other->realm;
    request->secure = other->secure;
    request->welcomes = cp_origin_welcomes(exchange, fields);
}

/* The visit by a memo that fits. @return NULL where it no longer stands */
static cp_visit *visit_recall(const cp_memo *memo, cp_exchange *exchange,
                              request_rec *r, const cp_fields *fields,
                              cp_request *request)
{
    cp_visit *visit;

    exchange->origin = memo->origin;
    request_address_again(request, exchange, fields, &memo->visit->request);
    visit = cp_visit_copy(memo->visit, &exchange->dir->terms, request,
                          r->pool);
    return cp_visit_stands(visit, memo->visit) ? visit : NULL;
}

static const cp_memo *memo_recall(cp_exchange *exchange, request_rec *r,
                                  cp_memo_stage stage,
                                  const cp_fields *fields,
                                  cp_request *request)
{
    memory *all = request->cookie.at ? memory_of(r->connection) : NULL;
    cp_memo *memo = all ? atomic_exchange(&all->memos[stage], NULL) : NULL;

    if (!memo) {
        return NULL;
    }
    if (memo_fits(memo, exchange, r, fields, request)) {
        exchange->visit = visit_recall(memo, exchange, r, fields, request);
    }
    if (exchange->visit) {
        memo_hold(memo, r->pool);
    }
    memo_put(all, stage, memo);
    return exchange->visit ? memo : NULL;
}

/* The languages of an .htaccess file live no longer than its request; and
 * where the client says that it was the last one there is nothing to gain. */
static bool may_remember(const cp_exchange *exchange, const request_rec *r,
                         const cp_fields *fields)
{
    const cp_dir_config *defaults = ap_get_module_config(
        r->server->lookup_defaults, &cookiepolicy_module);

    return exchange->cookie && memory_of(r->connection)
           && !(fields->connection
                && strcasecmp(fields->connection, "close") == 0)
           && exchange->dir->terms.languages == defaults->terms.languages;
}

static cp_memo *memo_make(const cp_exchange *exchange, request_rec *r,
                          const cp_fields *fields)
{
    apr_pool_t *pool = NULL;
    cp_memo *memo;

    if (!may_remember(exchange, r, fields)
        || apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return apr_pcalloc(r->pool, sizeof(*memo));
    }
    memo = apr_pcalloc(pool, sizeof(*memo));
    memo->pool = pool;
    memo_hold(memo, r->pool);
    return memo;
}

static const cp_memo *decide_anew(cp_exchange *exchange, request_rec *r,
                                  cp_memo_stage stage,
                                  const cp_fields *fields,
                                  cp_request *request)
{
    cp_memo *memo = memo_make(exchange, r, fields);
    apr_pool_t *pool = memo->pool ? memo->pool : r->pool;
    cp_visit *visit;

    memo->server = exchange->server;
    memo->terms = exchange->dir->terms;
    memo->host = apr_pstrdup(pool, fields->host);
    memo->origin = cp_origin_own(r, exchange->server);
    memo->origin.host = apr_pstrdup(pool, memo->origin.host);
    exchange->origin = memo->origin;
    request_address(request, exchange, fields);
    request->cookie.at = apr_pmemdup(pool, request->cookie.at,
                                     request->cookie.length);
    visit = cp_visit_begin(&exchange->server->site, &memo->terms, request,
                           pool);
    memo->visit = exchange->visit = visit;
    memo->cookie = cp_visit_cookie(visit);
    memo->exports = cp_exports_make(visit, exchange->server);
    memo->settled = memo->pool && cp_visit_is_settled(visit);
    if (memo->settled) {
        exchange->visit = cp_visit_copy(visit, &exchange->dir->terms,
                                        request, r->pool);
        atomic_fetch_add(&memo->holders, 1);
        memo_put(memory_of(r->connection), stage, memo);
    }
    return memo;
}

const cp_memo *cp_memo_decide(cp_exchange *exchange, request_rec *r,
                              cp_memo_stage stage, const cp_fields *fields)
{
    cp_request request;
    const cp_memo *memo;

    request_read(&request, exchange, fields);
    memo = memo_recall(exchange, r, stage, fields, &request);
    return memo ? memo : decide_anew(exchange, r, stage, fields, &request);
}

void cp_memo_register(void)
{
    ap_hook_pre_connection(memory_begin, NULL, NULL, APR_HOOK_MIDDLE);
}
