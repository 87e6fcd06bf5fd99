#include "document.h"
#include "enforcement.h"
#include "filters.h"
#include "origin.h"
#include "preferences.h"
#include "third_party.h"
#include "validators.h"

#include <http_protocol.h>
#include <util_filter.h>
#include <apr_strings.h>

static ap_filter_rec_t *issue_filter;

/* --- What is issued --------------------------------------------------- */

static const char *table_says(const request_rec *r, const apr_table_t *table)
{
    return apr_is_empty_table(table) || !apr_table_get(table, "Cache-Control")
           ? NULL : apr_table_getm(r->pool, table, "Cache-Control");
}

/* What Cache-Control says in both tables, in one line; or NULL. */
static const char *cache_control(const request_rec *r)
{
    const char *one = table_says(r, r->headers_out);
    const char *two = table_says(r, r->err_headers_out);

    return one && two ? apr_pstrcat(r->pool, one, ", ", two, NULL)
                      : one ? one : two;
}

/* What lets a browser use an answer again without asking. */
static bool is_freshness(const char *word)
{
    return strncasecmp(word, "max-age", 7) == 0
           || strncasecmp(word, "stale-", 6) == 0
           || strcasecmp(word, "immutable") == 0
           || strcasecmp(word, "no-cache") == 0;
}

/* No cache that is shared may keep an answer with somebody's cookies; and
 * what must follow a change of mind, no cache may give again unasked. */
static void private_make(request_rec *r, bool revalidated)
{
    const char *control = cache_control(r);
    const char *kept = revalidated ? "private, no-cache" : "private";
    char *rest = NULL;

    if (control && ap_find_token(r->pool, control, "no-store")) {
        return;
    }
    for (char *word = control ? apr_strtok(apr_pstrdup(r->pool, control),
                                           ",", &rest) : NULL;
         word; word = apr_strtok(NULL, ",", &rest)) {
        word += strspn(word, " \t");
        if (strcasecmp(word, "public") && strcasecmp(word, "private")
            && strncasecmp(word, "s-maxage", 8)
            && !(revalidated && is_freshness(word))) {
            kept = apr_pstrcat(r->pool, kept, ", ", word, NULL);
        }
    }
    apr_table_unset(r->err_headers_out, "Cache-Control");
    apr_table_setn(r->headers_out, "Cache-Control", kept);
    if (revalidated) {
        apr_table_unset(r->headers_out, "Expires");
        apr_table_unset(r->err_headers_out, "Expires");
    }
}

/* Whoever throws this header away, as is done for a range that is not there,
 * has this filter put in again: what it adds need not outlive errors.
 * @return whether there were any */
static bool cookies_issue(const cp_exchange *exchange, request_rec *r)
{
    const char *lines[CP_MANAGED_COUNT];
    cp_counters *counters = exchange->server->counters;
    bool issued = false;

    if (!cp_visit_may_issue(exchange->visit)) {
        return false;
    }
    cp_visit_issue(exchange->visit, cp_is_document(r), lines);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (lines[i]) {
            apr_table_addn(r->headers_out, "Set-Cookie", lines[i]);
            issued = true;
            if (counters) {
                counters->issued[i]++;
            }
        }
    }
    return issued;
}

/* A request that another site made comes without the choice, which may have
 * been to agree. */
static bool may_delete(const cp_exchange *exchange, const request_rec *r)
{
    const cp_visit *visit = exchange->visit;

    return visit->preferences->withdraws
           || (visit->others->nelts && !visit->cut && cp_is_document(r)
               && cp_origin_is_top_level(exchange->r)
               && (visit->request.welcomes
                   || visit->verdicts[CP_PREFERENCES].received_count));
}

/* @param sets  whether it sets a cookie without our doing */
static void answer(const cp_exchange *exchange, request_rec *r, bool sets)
{
    bool loads;

    if (!exchange->refusal) {
        sets = cookies_issue(exchange, r) || sets;
        sets = (may_delete(exchange, r)
                && cp_enforcement_delete(exchange, r)) || sets;
    }
    loads = cp_third_party_send(exchange, r);
    if (loads || sets || exchange->tokened || exchange->personal) {
        private_make(r, loads || exchange->tokened);
    }
}

/* The answer to a request that httpd refused before anything was known of
 * it. */
static void strip(request_rec *r)
{
    apr_table_unset(r->headers_out, "Set-Cookie");
    apr_table_unset(r->err_headers_out, "Set-Cookie");
}

static void answer_see(cp_exchange *exchange, request_rec *r)
{
    const char *commands = exchange->server->session_header;
    cp_judgement judgement;

    cp_validators_answered(exchange, r);    /* a cache may have left CP_HTML
                                               out */
    cp_filter_content_stand_in(exchange, r);
    judgement = cp_enforcement_judge(exchange, r);
    exchange->issued = true;
    exchange->personal = exchange->personal || judgement.chosen;
    if (commands) {
        apr_table_unset(r->headers_out, commands);
        apr_table_unset(r->err_headers_out, commands);
    }
    if (exchange->engine == CP_ENGINE_ON) {
        answer(exchange, r, judgement.kept);
    }
    else {
        cp_third_party_send(exchange, r);
    }
}

static apr_status_t filter_issue(ap_filter_t *f, apr_bucket_brigade *in)
{
    request_rec *r = f->r;
    cp_exchange *exchange = cp_exchange_of(r);

    ap_remove_output_filter(f);
    if (!exchange) {
        strip(r);
    }
    else if (exchange->visit) {
        answer_see(exchange, r);
    }
    return ap_pass_brigade(f->next, in);
}

void cp_filters_insert(request_rec *r)
{
    cp_exchange *exchange = cp_exchange_of(r);

    if (r->main) {
        return;
    }
    if (exchange && exchange->visit) {
        cp_filter_html_insert(exchange, r);
        cp_filter_content_insert(r);
        ap_add_output_filter_handle(issue_filter, NULL, r, r->connection);
    }
    else if (!exchange && cp_engine_of(cp_dir_config_of(r))
                          == CP_ENGINE_ON) {
        ap_add_output_filter_handle(issue_filter, NULL, r, r->connection);
    }
}

void cp_filter_issue_register(void)
{
    issue_filter = ap_register_output_filter(CP_FILTER_ISSUE, filter_issue,
                                             NULL, AP_FTYPE_PROTOCOL - 1);
}
