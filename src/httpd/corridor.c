#include "authz_session.h"
#include "bridge_session.h"
#include "corridor.h"
#include "csrf_check.h"
#include "enforcement.h"
#include "exchange.h"
#include "export.h"
#include "filters.h"
#include "insertion.h"
#include "login.h"
#include "memo.h"
#include "origin.h"
#include "pages.h"
#include "refusal.h"
#include "session.h"
#include "store_socache.h"
#include "throttle.h"

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>

static cp_throttle attacks = { .lines = 10, .period = 1 };
static cp_throttle absence = { .lines = 1, .period = 60 };

/* --- Deciding --------------------------------------------------------- */

static void cookie_set(request_rec *r, const char *cookie)
{
    if (cookie) {
        apr_table_setn(r->headers_in, "Cookie", cookie);
    }
    else {
        apr_table_unset(r->headers_in, "Cookie");
    }
}

/* Whoever answers sends back what it saw. */
static bool reflects(const request_rec *r)
{
    return r->method_number == M_TRACE;
}

/* What content may see of the cookies. */
static const char *visible(const cp_exchange *exchange, const request_rec *r)
{
    return reflects(r) ? NULL : cp_visit_cookie(exchange->visit);
}

/* The field is where it was, and alone, but in rare cases. */
static void cookie_show(request_rec *r, const cp_fields *fields,
                        const char *cookie)
{
    if (cookie && fields->cookie && !fields->cookies) {
        fields->cookie->val = (char *)cookie;
    }
    else {
        cookie_set(r, cookie);
    }
}

/* What smells of an attack is told once a request. */
static void attack_log(const cp_exchange *exchange, request_rec *r)
{
    const cp_verdict *verdicts = exchange->visit->verdicts;

    if (verdicts[CP_SESSION].reason == CP_CONFLICT
        && cp_throttle_admits(&attacks)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, CP_LOG(0017)
                      "two different logged-in sessions in one request; it "
                      "goes on as anonymous");
    }
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (verdicts[i].reason == CP_FORGED && i != CP_CSRF
            && cp_throttle_admits(&attacks)) {
            ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, CP_LOG(0018)
                          "a %s that this server did not sign",
                          cp_rooms[i]->name);
        }
    }
    if (exchange->visit->cut && cp_throttle_admits(&attacks)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, CP_LOG(0019)
                      "a Cookie header with more than %d cookies, %d bytes "
                      "or %d of one managed name; the rest was left out",
                      CP_COOKIE_PAIRS_MAX, CP_COOKIE_LENGTH_MAX,
                      CP_DUPLICATES_MAX);
    }
}

static void store_away_log(const cp_exchange *exchange, request_rec *r)
{
    const cp_visit *visit = exchange->visit;

    /* Of a store that has a server this was said when it went away. */
    if (visit->verdicts[CP_SESSION].reason == CP_STORE_AWAY
        && !cp_store_socache_is_away(visit->site->store)
        && cp_throttle_admits(&absence)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, CP_LOG(0020)
                      "the session store is away or a record is damaged; "
                      "the request goes on as anonymous, its cookie "
                      "untouched");
    }
}

/* Decides by the configuration that is in force for this request now. */
static void decide(cp_exchange *exchange, request_rec *r, cp_memo_stage stage,
                   const cp_fields *fields)
{
    const cp_dir_config *dir = cp_dir_config_of(r);
    const cp_memo *memo;

    exchange->dir = dir;
    exchange->engine = cp_engine_of(dir);
    exchange->visit = NULL;
    if (exchange->engine == CP_ENGINE_OFF || !exchange->server->site.ring) {
        return;
    }
    memo = cp_memo_decide(exchange, r, stage, fields);
    if (!memo->settled) {
        attack_log(exchange, r);
        store_away_log(exchange, r);
    }
    if (exchange->engine == CP_ENGINE_ON) {
        cookie_show(r, fields, reflects(r) ? NULL : memo->cookie);
        if (fields->cookie2) {
            apr_table_unset(r->headers_in, "Cookie2");
        }
        cp_exports_say(&memo->exports, r);
    }
}

void cp_corridor_show(cp_exchange *exchange, request_rec *r)
{
    exchange->visit->token_seen = NULL;     /* content was not asked yet */
    cookie_set(r, visible(exchange, r));
    cp_export_withdraw(r);
    cp_export(r, exchange);
}

/* With MergeTrailers On whoever reads a body to its end may have brought in
 * header fields behind our back. */
static void trailers_guard(const cp_exchange *exchange, request_rec *r)
{
    if (!r->trailers_in || apr_is_empty_table(r->trailers_in)) {
        return;
    }
    apr_table_unset(r->trailers_in, "Cookie");
    apr_table_unset(r->trailers_in, "Cookie2");
    cp_export_guard(r);
    if (exchange->engine == CP_ENGINE_ON) {
        apr_table_unset(r->headers_in, "Cookie2");
        cookie_set(r, visible(exchange, r));
        cp_export(r, exchange);
    }
}

/* No output filter of the request sees an interim response. */
static void interim_watch(cp_exchange *exchange, request_rec *r)
{
    exchange->waits = r->expecting_100 && ap_request_has_body(r);
    if (exchange->waits || exchange->upgrades) {
        cp_filter_interim_insert(exchange, r);
    }
}

/* Of a backend's answer mod_proxy_http need pass on none, but where the client
 * waits for its 100: without it the body is lost. */
static void interim_suppress(const cp_exchange *exchange, request_rec *r)
{
    bool proxied = r->proxyreq
                   || (r->handler && *r->handler == 'p'
                       && strncmp(r->handler, "proxy", 5) == 0);

    if (proxied && exchange->engine == CP_ENGINE_ON && exchange->visit
        && !exchange->waits) {
        apr_table_setn(r->subprocess_env, "proxy-interim-response",
                       "Suppress");
    }
}

/* --- Hooks ------------------------------------------------------------ */

static int corridor_post_read_request(request_rec *r)
{
    cp_exchange *exchange;
    cp_fields fields;

    if (r->main) {
        return DECLINED;
    }
    exchange = cp_exchange_of(r);
    if (exchange) {
        /* Decided once, for the request as it came; but httpd has renamed
         * the variables. */
        if (exchange->engine == CP_ENGINE_ON) {
            cp_export(r, exchange);
        }
        return DECLINED;
    }
    cp_fields_read(&fields, r);
    if ((fields.spoofed || fields.connection) && cp_export_guard(r)) {
        cp_fields_read(&fields, r);
    }
    exchange = cp_exchange_make(r);
    exchange->cookie = fields.cookie ? fields.cookie->val : NULL;
    exchange->upgrades = fields.upgrade;
    decide(exchange, r, CP_MEMO_ARRIVAL, &fields);
    if (r->prev && exchange->visit) {
        /* httpd refused the request before it came here, and answers it with
         * an ErrorDocument. */
        cp_visit_mute(exchange->visit);
    }
    return DECLINED;
}

/* In report mode there are no pages but the one that takes reports. */
static bool page_answers(const cp_exchange *exchange)
{
    return exchange->page != CP_PAGE_NONE
           && (exchange->engine == CP_ENGINE_ON
               || (exchange->engine == CP_ENGINE_REPORT
                   && exchange->page == CP_PAGE_REPORT));
}

#define PAGE_PREFIX "cookiepolicy:"

/* Our pages come before ProxyPass and rewrite rules can take them. Where an
 * ErrorDocument leads to one, it is the policy. */
static int corridor_translate_name(request_rec *r)
{
    cp_exchange *exchange = cp_exchange_of(r);

    if (r->main || !exchange || !exchange->visit) {
        return DECLINED;
    }
    exchange->page = cp_page_find(exchange->server, r->uri, &exchange->json);
    if (!page_answers(exchange)
        || (r->prev && (exchange->page != CP_PAGE_POLICY
                        || r->method_number != M_GET))) {
        exchange->page = CP_PAGE_NONE;
        return DECLINED;
    }
    r->filename = apr_pstrcat(r->pool, PAGE_PREFIX, r->uri, NULL);
    return OK;
}

static bool is_own_page(const request_rec *r)
{
    const cp_exchange *exchange = cp_exchange_of(r);

    return !r->main && exchange && exchange->page != CP_PAGE_NONE
           && r->filename
           && strncmp(r->filename, PAGE_PREFIX, sizeof(PAGE_PREFIX) - 1)
              == 0;
}

static int corridor_map_to_storage(request_rec *r)
{
    return is_own_page(r) ? OK : DECLINED;
}

static int corridor_post_perdir_config(request_rec *r)
{
    const cp_dir_config *dir = cp_dir_config_of(r);

    if (dir->refused) {
        ap_log_rerror(APLOG_MARK, APLOG_ALERT, 0, r, CP_LOG(0021) "%s "
                      "(CookiePolicyAllowOverride)", dir->refused);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return DECLINED;
}

static bool terms_differ(const cp_dir_config *a, const cp_dir_config *b)
{
    return a->engine != b->engine || a->terms.lazy != b->terms.lazy
           || a->terms.all != b->terms.all || a->terms.csrf != b->terms.csrf
           || a->terms.languages != b->terms.languages
           || a->terms.undeclared != b->terms.undeclared
           || a->third_parties != b->third_parties;
}

/* For the request as it came its directory decides. A hop of an internal
 * redirect can only be stricter, or one lax path would lead past the policy of
 * all others. */
static void decide_again(cp_exchange *exchange, request_rec *r)
{
    const cp_dir_config *dir = cp_dir_config_of(r);
    cp_fields fields;

    if (dir == exchange->dir) {
        return;
    }
    if (r == exchange->r ? terms_differ(dir, exchange->dir)
                         : cp_engine_of(dir) > exchange->engine) {
        cp_export_withdraw(r);
        cookie_set(r, exchange->cookie);
        cp_fields_read(&fields, r);
        decide(exchange, r, CP_MEMO_DIRECTORY, &fields);
        exchange->checked = false;
    }
    else if (r == exchange->r) {
        exchange->dir = dir;    /* which may differ in what the answer gets */
    }
}

static int corridor_header_parser(request_rec *r)
{
    cp_exchange *exchange = cp_exchange_of(r);
    int status;

    if (!exchange) {
        return DECLINED;
    }
    decide_again(exchange, r);
    if (exchange->page != CP_PAGE_NONE && !page_answers(exchange)) {
        return HTTP_NOT_FOUND;  /* Off in the page's own <Location> */
    }
    if (!exchange->visit) {
        return DECLINED;
    }
    status = cp_csrf_check_request(exchange, r);
    if (exchange->window) {
        cp_window_replay(exchange->window, r);
    }
    if (exchange->engine == CP_ENGINE_ON) {
        interim_watch(exchange, r);
    }
    trailers_guard(exchange, r);
    if (status == DECLINED && exchange->visit->token_seen
        && exchange->engine == CP_ENGINE_ON) {
        cookie_set(r, cp_visit_cookie(exchange->visit));
    }
    exchange->checked_in = exchange->checked_in
                           || (status == DECLINED && r == exchange->r);
    return status;
}

/* A login is known from here on: to what is authorized, and to content.
 * @param authenticated  whether r->user has just been authenticated */
static void logins_see(cp_exchange *exchange, request_rec *r,
                       bool authenticated)
{
    bool changed = cp_bridge_session_see(exchange, r);

    changed = cp_login_bind(exchange, r, authenticated) || changed;
    if (changed) {
        cp_corridor_show(exchange, r);
    }
}

static int corridor_auth_checker(request_rec *r)
{
    cp_exchange *exchange = cp_exchange_of(r);

    if (!r->main && exchange && exchange->visit
        && exchange->engine == CP_ENGINE_ON) {
        logins_see(exchange, r, true);
    }
    return DECLINED;
}

/* mod_dir and mod_negotiation put another file in the place of what was asked
 * for, behind every hook in which a request is let in. */
static bool is_elsewhere(const cp_exchange *exchange, const request_rec *r)
{
    return exchange && !r->main
           && cp_engine_of(cp_dir_config_of(r)) > exchange->engine;
}

static int corridor_fixups(request_rec *r)
{
    cp_exchange *exchange = cp_exchange_of(r);
    int status = is_elsewhere(exchange, r) ? corridor_header_parser(r)
                                           : DECLINED;

    if (status != DECLINED) {
        return status;
    }
    if (!exchange || !exchange->visit || exchange->engine != CP_ENGINE_ON) {
        return DECLINED;
    }
    trailers_guard(exchange, r);
    if (!r->main) {
        logins_see(exchange, r, false);
    }
    cp_authz_session_name(exchange, r);
    cp_export_token(r, exchange);
    return DECLINED;
}

static void corridor_insert_filter(request_rec *r)
{
    cp_exchange *exchange = cp_exchange_of(r);

    cp_filters_insert(r);
    if (exchange) {
        interim_suppress(exchange, r);
    }
    if (exchange && !r->main) {
        if (!exchange->refusal) {
            /* A login of the handler, before mod_session obeys a header. */
            cp_bridge_session_see(exchange, r);
        }
        if (exchange->window) {
            cp_window_replay(exchange->window, r);
        }
    }
}

/* A script whose name begins with nph- writes its own headers, which no
 * filter sees. */
static bool is_nph(const request_rec *r)
{
    const char *name;

    if (!r->handler || (*r->handler != 'c' && *r->handler != 'a')
        || (strcmp(r->handler, "cgi-script")
            && strcmp(r->handler, CGI_MAGIC_TYPE))) {
        return false;
    }
    name = r->filename ? strrchr(r->filename, '/') : NULL;
    return name && strncmp(name + 1, "nph-", 4) == 0;
}

static bool asks_for_upgrade(const cp_exchange *exchange,
                             const request_rec *r)
{
    return !r->main && exchange && exchange->engine == CP_ENGINE_ON
           && exchange->visit && r->method_number != M_TRACE
           && exchange->upgrades;
}

/* A request with "Upgrade: h2c" is read anew by mod_http2, out of these
 * headers: it must be the visitor's cookies then that we decide on, not what
 * the application would have seen of them. */
static int corridor_upgrade(request_rec *r)
{
    const cp_exchange *exchange = cp_exchange_of(r);

    if (asks_for_upgrade(exchange, r)) {
        cookie_set(r, exchange->cookie);
    }
    return DECLINED;
}

static int corridor_handler(request_rec *r)
{
    cp_exchange *exchange = cp_exchange_of(r);

    if (asks_for_upgrade(exchange, r)) {    /* and did not get it */
        cookie_set(r, cp_visit_cookie(exchange->visit));
    }
    if (is_nph(r) && exchange && exchange->engine == CP_ENGINE_ON) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, CP_LOG(0022)
                      "refused an nph- script: it writes its own headers, "
                      "past the cookie policy: %s", r->filename);
        return HTTP_FORBIDDEN;
    }
    return is_own_page(r) ? cp_page_handle(exchange, r) : DECLINED;
}

static int corridor_log_transaction(request_rec *r)
{
    const cp_exchange *exchange = cp_exchange_of(r);

    if (exchange && exchange->visit && exchange->server->counters) {
        cp_counters_add_visit(exchange->server->counters, exchange->visit);
    }
    if (exchange && exchange->visit && exchange->r == r) {
        cp_enforcement_tell_browser(exchange, r);
    }
    return DECLINED;
}

void cp_corridor_register(void)
{
    /* Not after mod_ssl, which comes after mod_setenvif: that one would see
     * the header as it came. */
    static const char *const after_remoteip[] = { "mod_remoteip.c", NULL };
    /* Whose handler is the one that upgrades. */
    static const char *const core[] = { "core.c", NULL };

    ap_hook_post_read_request(corridor_post_read_request, after_remoteip,
                              NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(corridor_translate_name, NULL, NULL,
                           APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(corridor_map_to_storage, NULL, NULL,
                           APR_HOOK_REALLY_FIRST);
    ap_hook_post_perdir_config(corridor_post_perdir_config, NULL, NULL,
                               APR_HOOK_FIRST);
    ap_hook_header_parser(corridor_header_parser, NULL, NULL,
                          APR_HOOK_REALLY_LAST);
    ap_hook_check_authz(corridor_auth_checker, NULL, NULL,
                        APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_fixups(corridor_fixups, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_insert_filter(corridor_insert_filter, NULL, NULL,
                          APR_HOOK_LAST);
    ap_hook_insert_error_filter(corridor_insert_filter, NULL, NULL,
                                APR_HOOK_LAST);
    ap_hook_handler(corridor_upgrade, NULL, core, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(corridor_handler, core, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(corridor_log_transaction, NULL, NULL,
                            APR_HOOK_MIDDLE);
    cp_bridge_session_register();
    cp_memo_register();
    cp_window_register();
    cp_filter_content_register();
    cp_filter_html_register();
    cp_insertion_register();
    cp_filter_issue_register();
    cp_filter_interim_register();
}
