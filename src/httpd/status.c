/*
 * One list of figures, written as HTML, JSON or Prometheus text. A figure is
 * a name and at most two labels, which are words of ours and need no
 * escaping.
 */
#include "status.h"
#include "answer.h"
#include "counters.h"
#include "lifeline.h"
#include "status_inventory.h"
#include "status_sessions.h"
#include "store_absent.h"
#include "store_socache.h"

#include <ap_expr.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>

typedef struct figure {
    const char *name;
    const char *cookie;         /* label, or NULL */
    const char *reason;         /* label, or NULL */
    apr_uint64_t value;
} figure;

static void add(apr_array_header_t *figures, const char *name,
                const char *cookie, const char *reason, apr_uint64_t value)
{
    *(figure *)apr_array_push(figures) =
        (figure){ name, cookie, reason, value };
}

static void counters_collect(apr_array_header_t *figures,
                             const cp_counters *counters)
{
    add(figures, "visits", NULL, NULL, counters->visits);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        for (int j = 0; j < CP_REASON_COUNT; j++) {
            add(figures, "cookies", cp_rooms[i]->name,
                cp_reason_word((cp_reason)j), counters->verdicts[i][j]);
        }
        add(figures, "issued", cp_rooms[i]->name, NULL, counters->issued[i]);
    }
    for (int i = CP_REFUSAL_NONE + 1; i < CP_REFUSAL_COUNT; i++) {
        add(figures, "csrf_refusals", NULL, cp_refusal_word((cp_refusal)i),
            counters->refusals[i]);
    }
}

/* What was decided of cookies that are not managed. */
static void decisions_collect(apr_array_header_t *figures,
                              const cp_counters *counters)
{
    for (int i = 0; i < CP_DECISION_COUNT; i++) {
        const char *word = cp_decision_word((cp_decision)i);

        add(figures, "set_cookies", NULL, word,
            counters->decisions[CP_SIDE_APPLICATION][i]);
        add(figures, "request_cookies", NULL, word,
            counters->decisions[CP_SIDE_BROWSER][i]);
    }
    add(figures, "deletions", NULL, NULL, counters->deletions);
}

/* @return whether the store tells how many sessions it has */
static bool store_collect(apr_array_header_t *figures, const request_rec *r)
{
    cp_store *store = cp_server_config_of(r->server)->site.store;
    cp_store_counts counts;
    apr_status_t status;

    if (!store) {
        return true;
    }
    add(figures, "store_away", NULL, NULL,
        cp_store_socache_is_away(store) || cp_store_is_absent(store));
    status = store->provider->count(
        store, (apr_uint32_t)apr_time_sec(r->request_time), &counts);
    if (status != APR_SUCCESS) {
        return status != APR_ENOTIMPL;
    }
    add(figures, "sessions_anonymous", NULL, NULL, counts.anonymous);
    add(figures, "sessions_logged_in", NULL, NULL, counts.owned);
    add(figures, "store_rosters", NULL, NULL, counts.rosters);
    add(figures, "store_bytes_used", NULL, NULL, counts.bytes_used);
    add(figures, "store_bytes", NULL, NULL, counts.bytes_total);
    add(figures, "store_evicted", NULL, NULL, counts.evicted);
    add(figures, "store_expired", NULL, NULL, counts.expired);
    add(figures, "store_repaired", NULL, NULL, counts.repaired);
    return true;
}

static void prometheus_send(request_rec *r, const apr_array_header_t *figures)
{
    ap_set_content_type(r, "text/plain; version=0.0.4; charset=utf-8");
    for (int i = 0; i < figures->nelts; i++) {
        const figure *one = &APR_ARRAY_IDX(figures, i, figure);
        const char *separator = "{";

        ap_rprintf(r, "cookiepolicy_%s", one->name);
        if (one->cookie) {
            ap_rprintf(r, "%scookie=\"%s\"", separator, one->cookie);
            separator = ",";
        }
        if (one->reason) {
            ap_rprintf(r, "%sreason=\"%s\"", separator, one->reason);
            separator = ",";
        }
        ap_rprintf(r, "%s %" APR_UINT64_T_FMT "\n",
                   *separator == ',' ? "}" : "", one->value);
    }
}

static void json_send(request_rec *r, const apr_array_header_t *figures)
{
    ap_set_content_type(r, "application/json");
    ap_rputs("[\n", r);
    for (int i = 0; i < figures->nelts; i++) {
        const figure *one = &APR_ARRAY_IDX(figures, i, figure);

        ap_rprintf(r, "  {\"name\": \"%s\"", one->name);
        if (one->cookie) {
            ap_rprintf(r, ", \"cookie\": \"%s\"", one->cookie);
        }
        if (one->reason) {
            ap_rprintf(r, ", \"reason\": \"%s\"", one->reason);
        }
        ap_rprintf(r, ", \"value\": %" APR_UINT64_T_FMT "}%s\n", one->value,
                   i + 1 < figures->nelts ? "," : "");
    }
    ap_rputs("]\n", r);
}

static void html_send(request_rec *r, const apr_array_header_t *figures,
                      bool counted)
{
    ap_set_content_type(r, "text/html; charset=utf-8");
    ap_rputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
             "<meta charset=\"utf-8\">\n<title>Cookie policy: status</title>"
             "\n</head>\n<body>\n<h1>Cookie policy: status</h1>\n"
             "<p>mod_cookiepolicy " CP_VERSION ". "
             "<a href=\"?inventory\">The inventory</a>, "
             "<a href=\"?sessions\">the sessions</a></p>\n"
             "<table>\n<thead><tr>"
             "<th scope=\"col\">Figure</th><th scope=\"col\">Cookie</th>"
             "<th scope=\"col\">Reason</th><th scope=\"col\">Value</th></tr>"
             "</thead>\n<tbody>\n", r);
    for (int i = 0; i < figures->nelts; i++) {
        const figure *one = &APR_ARRAY_IDX(figures, i, figure);

        ap_rprintf(r, "<tr><th scope=\"row\">%s</th><td>%s</td><td>%s</td>"
                   "<td>%" APR_UINT64_T_FMT "</td></tr>\n", one->name,
                   one->cookie ? one->cookie : "",
                   one->reason ? one->reason : "", one->value);
    }
    ap_rputs("</tbody>\n</table>\n", r);
    if (!counted) {
        ap_rputs("<p>The session store does not tell how many sessions it "
                 "has.</p>\n", r);
    }
    ap_rputs("</body>\n</html>\n", r);
}

/* --- Who made this page ------------------------------------------------ */

/* httpd keeps what SetHandler says as an expression. */
static bool sets_handler(request_rec *r, const core_dir_config *core)
{
    const char *wrong = NULL;
    const char *word = core->expr_handler
                       ? ap_expr_str_exec(r, core->expr_handler, &wrong)
                       : core->handler;

    return !wrong && word && strcmp(word, CP_STATUS_HANDLER) == 0;
}

/* Also within a section. @param core  NULL: nothing of core's is in it */
static bool may_set_handler(request_rec *r, const core_dir_config *core)
{
    return core && (sets_handler(r, core) || core->sec_file || core->sec_if);
}

/* Sessions and inventory are of all virtual hosts. Whoever writes an .htaccess
 * file may be in charge of a directory only, and can choose handlers in many
 * ways. */
static bool is_of_administrator(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(
        r->per_dir_config);

    for (const struct htaccess_result *file = r->htaccess; file;
         file = file->next) {
        if (file->htaccess
            && may_set_handler(r, ap_get_core_module_config(
                                      file->htaccess))) {
            return false;
        }
    }
    return sets_handler(r, core);
}

/* --- The answer -------------------------------------------------------- */

static int status_answer(request_rec *r)
{
    const cp_server_config *server = cp_server_config_of(r->server);
    apr_array_header_t *figures;
    bool counted;
    bool sessions = cp_status_sessions_is_wanted(r->args);
    bool inventory = cp_status_inventory_is_wanted(r->args);

    if (r->method_number != M_GET
        && !(sessions && r->method_number == M_POST)) {
        r->allowed = AP_METHOD_BIT << M_GET;
        r->allowed |= sessions ? AP_METHOD_BIT << M_POST : 0;
        return r->method_number == M_OPTIONS ? DECLINED
                                             : HTTP_METHOD_NOT_ALLOWED;
    }
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    if ((sessions || inventory) && !is_of_administrator(r)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, CP_LOG(0097)
                      "neither sessions nor the inventory are here: "
                      "SetHandler " CP_STATUS_HANDLER " is not in httpd's "
                      "configuration, or an .htaccess file may have set it");
        return HTTP_FORBIDDEN;
    }
    if (sessions) {
        return cp_status_sessions(r);
    }
    if (inventory) {
        return cp_status_inventory(r);
    }
    figures = apr_array_make(r->pool, 64, sizeof(figure));
    if (server->counters) {
        counters_collect(figures, server->counters);
        decisions_collect(figures, server->counters);
    }
    counted = store_collect(figures, r);
    if (r->args && strcmp(r->args, "prometheus") == 0) {
        prometheus_send(r, figures);
    }
    else if ((r->args && strcmp(r->args, "json") == 0)
             || cp_answer_is_json(r)) {
        json_send(r, figures);
    }
    else {
        html_send(r, figures, counted);
    }
    return OK;
}

static int status_handler(request_rec *r)
{
    return r->handler && strcmp(r->handler, CP_STATUS_HANDLER) == 0
           ? status_answer(r) : DECLINED;
}

void cp_status_register(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_handler(status_handler, NULL, NULL, APR_HOOK_MIDDLE);
}
