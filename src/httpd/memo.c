#include "memo.h"
#include "origin.h"
#include "session.h"
#include "token.h"

#include <http_connection.h>
#include <http_protocol.h>
#include <apr_allocator.h>
#include <apr_hash.h>
#include <apr_thread_mutex.h>

/* --- Held by connections, by the process and by requests --------------- */

/* Where there may be a memo, or a sign that it is being looked at. */
typedef _Atomic(cp_memo *) place;

static cp_memo looked_at;

/* Looking takes no longer than to count one up: a thread that comes upon the
 * sign looks again, at most so many times. */
#define LOOKS 1000

/* The memos of a connection. */
typedef struct memory {
    place places[CP_MEMO_STAGES];
} memory;

/* Of so many visitors the process remembers what was decided last, for their
 * next connection. A memo takes 8 KB, or more where its header does. */
#define KNOWN 256

/* Bytes of a header that say where. */
#define SAMPLE 32

static place known[KNOWN];

/* Gives memos their memory and keeps up to so many bytes of what they leave:
 * to have each ask the system costs more than to decide. */
#define SPARE_MAX (4 * 1024 * 1024)

static apr_allocator_t *allocator;

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
static void memo_put(place *at, cp_memo *memo)
{
    cp_memo *other = atomic_exchange(at, memo);

    if (other && other != &looked_at) {
        memo_release(other);
    }
}

/* @return the memo that lies there, which has one holder more; NULL: there is
 *         none, or others look too long */
static cp_memo *memo_see(place *at)
{
    cp_memo *memo = atomic_load(at);
    int looks = LOOKS;

    if (!memo) {
        return NULL;
    }
    do {
        memo = atomic_exchange(at, &looked_at);
    } while (memo == &looked_at && --looks);
    if (memo == &looked_at) {
        return NULL;
    }
    if (memo) {
        atomic_fetch_add(&memo->holders, 1);
    }
    memo_put(at, memo);
    return memo;
}

/* Puts it where it is another one's to hold, too. */
static void memo_share(place *at, cp_memo *memo)
{
    atomic_fetch_add(&memo->holders, 1);
    memo_put(at, memo);
}

static apr_status_t memory_end(void *ended)
{
    memory *all = ended;

    for (int i = 0; i < CP_MEMO_STAGES; i++) {
        memo_put(&all->places[i], NULL);
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

static apr_status_t known_end(void *data)
{
    (void)data;
    for (int i = 0; i < KNOWN; i++) {
        memo_put(&known[i], NULL);
    }
    return APR_SUCCESS;
}

/* Threads may have memos as long as there is the process.
 * @return NULL where there is no memory for it: then each has its own */
static apr_allocator_t *allocator_make(void)
{
    apr_allocator_t *made = NULL;
    apr_thread_mutex_t *mutex = NULL;
    apr_pool_t *lasting = NULL;

    if (apr_pool_create_unmanaged_ex(&lasting, NULL, NULL) == APR_SUCCESS
        && apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, lasting)
           == APR_SUCCESS
        && apr_allocator_create(&made) == APR_SUCCESS) {
        apr_allocator_mutex_set(made, mutex);
        apr_allocator_max_free_set(made, SPARE_MAX);
    }
    return made;
}

static void known_begin(apr_pool_t *pchild, server_rec *main_server)
{
    (void)main_server;
    allocator = allocator_make();
    apr_pool_cleanup_register(pchild, NULL, known_end, apr_pool_cleanup_null);
}

/* Where the process may know a header. Whoever else's comes to lie there takes
 * its place. Of an id that is random some bytes tell visitors apart. */
static place *known_place(cp_span cookie, cp_memo_stage stage)
{
    char sample[SAMPLE];
    apr_size_t step = cookie.length / SAMPLE + 1;
    apr_ssize_t length = 0;

    for (apr_size_t i = 0; i < cookie.length; i += step) {
        sample[length++] = cookie.at[i];
    }
    return &known[(apr_hashfunc_default(sample, &length)
                   + (unsigned int)stage) % KNOWN];
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

/* @return the memo that lies there, held by the request, where it serves */
static cp_memo *memo_recall(place *at, cp_exchange *exchange, request_rec *r,
                            const cp_fields *fields, cp_request *request)
{
    cp_memo *memo = memo_see(at);

    if (!memo) {
        return NULL;
    }
    if (memo_fits(memo, exchange, r, fields, request)) {
        exchange->visit = visit_recall(memo, exchange, r, fields, request);
    }
    if (!exchange->visit) {
        memo_release(memo);
        return NULL;
    }
    apr_pool_cleanup_register(r->pool, memo, memo_release,
                              apr_pool_cleanup_null);
    return memo;
}

/* The languages of an .htaccess file live no longer than its request; and what
 * is remembered of a host that stood in the request line would be taken for
 * that of the Host header. */
static bool may_remember(const cp_exchange *exchange, const request_rec *r)
{
    const cp_dir_config *defaults = cp_dir_defaults_of(r->server);

    return exchange->cookie && memory_of(r->connection)
           && (exchange->server->forwarded->nelts || !r->parsed_uri.hostname)
           && exchange->dir->terms.languages == defaults->terms.languages;
}

static cp_memo *memo_make(const cp_exchange *exchange, request_rec *r)
{
    apr_pool_t *pool = NULL;
    cp_memo *memo;

    if (!may_remember(exchange, r)
        || apr_pool_create_unmanaged_ex(&pool, NULL, allocator)
           != APR_SUCCESS) {
        return apr_pcalloc(r->pool, sizeof(*memo));
    }
    memo = apr_pcalloc(pool, sizeof(*memo));
    memo->pool = pool;
    memo_hold(memo, r->pool);
    return memo;
}

static cp_memo *decide_anew(cp_exchange *exchange, request_rec *r,
                            const cp_fields *fields, cp_request *request)
{
    cp_memo *memo = memo_make(exchange, r);
    apr_pool_t *pool = memo->pool ? memo->pool : r->pool;
    cp_visit *visit;

    memo->server = exchange->server;
    memo->terms = exchange->dir->terms;
    memo->host = fields->host;
    memo->origin = cp_origin_own(r, exchange->server);
    if (memo->pool) {
        memo->host = apr_pstrdup(pool, memo->host);
        memo->origin.host = apr_pstrdup(pool, memo->origin.host);
    }
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
    }
    return memo;
}

/* What a record holds is remembered no longer than a connection lasts. */
static void memo_make_known(place *at, cp_memo *memo)
{
    if (!memo->visit->session->stored) {
        memo_share(at, memo);
    }
}

const cp_memo *cp_memo_decide(cp_exchange *exchange, request_rec *r,
                              cp_memo_stage stage, const cp_fields *fields)
{
    memory *all = exchange->cookie ? memory_of(r->connection) : NULL;
    place *mine = all ? &all->places[stage] : NULL;
    place *other;
    cp_request request;
    cp_memo *memo;

    request_read(&request, exchange, fields);
    if (!mine) {
        return decide_anew(exchange, r, fields, &request);
    }
    memo = memo_recall(mine, exchange, r, fields, &request);
    if (memo) {
        return memo;
    }
    other = known_place(request.cookie, stage);
    memo = memo_recall(other, exchange, r, fields, &request);
    if (!memo) {
        memo = decide_anew(exchange, r, fields, &request);
        if (memo->settled) {
            memo_make_known(other, memo);
        }
    }
    if (memo->settled) {
        memo_share(mine, memo);
    }
    return memo;
}

void cp_memo_register(void)
{
    ap_hook_child_init(known_begin, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_connection(memory_begin, NULL, NULL, APR_HOOK_MIDDLE);
}
