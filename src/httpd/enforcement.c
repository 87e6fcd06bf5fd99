#include "enforcement.h"
#include "counters.h"
#include "throttle.h"

#include <http_protocol.h>
#include <apr_strings.h>

/* --- Telling ---------------------------------------------------------- */

/* Bytes of a name that a log line shows. */
#define NAME_SHOWN 64

static void managed_complain(const cp_exchange *exchange, request_rec *r,
                             cp_managed managed)
{
    static const char *const directives[CP_MANAGED_COUNT] = {
        [CP_SESSION] = "CookiePolicySession Application leaves it",
        [CP_CSRF] = "CookiePolicyCsrf Off leaves it",
        [CP_LANGUAGE] = "CookiePolicyLanguage Off leaves it",
        [CP_PREFERENCES] = "no directive leaves it"
    };
    /* These two are answered with a cookie of ours that does the same. */
    static const int levels[CP_MANAGED_COUNT] = {
        [CP_SESSION] = APLOG_ERR,
        [CP_CSRF] = APLOG_INFO,
        [CP_LANGUAGE] = APLOG_INFO,
        [CP_PREFERENCES] = APLOG_ERR
    };
    cp_counters *counters = exchange->server->counters;

    if (counters && !atomic_flag_test_and_set(&counters->told[managed])) {
        ap_log_rerror(APLOG_MARK, levels[managed], 0, r, CP_LOG(0016)
                      "the application sets the managed cookie %s, which is "
                      "dropped; %s to the application (this is logged once)",
                      cp_rooms[managed]->name, directives[managed]);
    }
}

static void decision_log(const cp_exchange *exchange, request_rec *r,
                         cp_side side, cp_span name, cp_decision decision)
{
    static cp_throttle throttles[CP_SIDE_COUNT] = {
        [CP_SIDE_APPLICATION] = { .lines = 100, .period = 1 },
        [CP_SIDE_BROWSER] = { .lines = 100, .period = 1 },
    };
    static const char *const deeds[CP_SIDE_COUNT] = {
        [CP_SIDE_APPLICATION] = "dropped",
        [CP_SIDE_BROWSER] = "withheld",
    };
    apr_size_t shown = name.length < NAME_SHOWN ? name.length : NAME_SHOWN;

    if (!APLOG_R_IS_LEVEL(r, APLOG_INFO)
        || !cp_throttle_admits(&throttles[side])) {
        return;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, CP_LOG(0035)
                  "cookie '%s' from the %s is %s and %s%s",
                  ap_escape_logitem(r->pool, apr_pstrmemdup(r->pool, name.at,
                                                            shown)),
                  cp_side_word(side), cp_decision_word(decision),
                  exchange->engine == CP_ENGINE_ON ? "" : "would be ",
                  deeds[side]);
}

static void tell(const cp_exchange *exchange, request_rec *r, cp_side side,
                 cp_span name, cp_decision decision, bool listed)
{
    const cp_server_config *server = exchange->server;
    const request_rec *first = exchange->r;

    if (server->counters) {
        cp_counters_add_decision(server->counters, side, decision);
    }
    if (decision == CP_UNDECLARED || decision == CP_NOT_ALLOWED) {
        decision_log(exchange, r, side, name, decision);
    }
    if (listed && server->inventory) {
        const char *host = first->server->server_hostname;

        cp_inventory_note(server->inventory, side, host ? host : "*", name,
                          first->uri ? first->uri : "",
                          exchange->visit->request.now);
    }
}

void cp_enforcement_tell_browser(const cp_exchange *exchange, request_rec *r)
{
    const cp_visit *visit = exchange->visit;

    for (int i = 0; i < visit->others->nelts; i++) {
        const cp_other *other = &APR_ARRAY_IDX(visit->others, i, cp_other);

        tell(exchange, r, CP_SIDE_BROWSER, other->pair.name,
             cp_decide(visit, other->declared), !other->declared);
    }
}

/* --- Set-Cookie ------------------------------------------------------- */

static cp_ruling line_rule(const cp_exchange *exchange, request_rec *r,
                           const char *line)
{
    cp_ruling ruling = cp_set_cookie_judge(exchange->visit, line);

    tell(exchange, r, CP_SIDE_APPLICATION, ruling.name, ruling.decision,
         !ruling.declared && !ruling.deletes
         && ruling.decision != CP_MANAGED);
    if (ruling.decision == CP_MANAGED) {
        managed_complain(exchange, r, ruling.managed);
    }
    if (exchange->engine != CP_ENGINE_ON) {
        ruling.line = line;
    }
    return ruling;
}

const char *cp_enforcement_line(const cp_exchange *exchange, request_rec *r,
                                const char *line)
{
    return line_rule(exchange, r, line).line;
}

typedef struct judge {
    const cp_exchange *exchange;
    request_rec *r;
    apr_array_header_t *kept;   /* of const char * */
    bool changed;
    cp_judgement *judgement;
} judge;

static int line_judge(void *data, const char *name, const char *value)
{
    judge *on = data;
    cp_ruling ruling = line_rule(on->exchange, on->r, value);

    (void)name;
    on->changed = on->changed || ruling.line != value;
    if (ruling.line) {
        *(const char **)apr_array_push(on->kept) = ruling.line;
    }
    else if (ruling.decision == CP_NOT_ALLOWED) {
        on->judgement->chosen = true;
    }
    return 1;
}

/* Mostly there is nothing at all in err_headers_out. */
static bool table_has_cookie(const apr_table_t *table)
{
    return !apr_is_empty_table(table) && apr_table_get(table, "Set-Cookie");
}

bool cp_enforcement_finds(const request_rec *r)
{
    return table_has_cookie(r->headers_out)
           || table_has_cookie(r->err_headers_out);
}

static void table_judge(const cp_exchange *exchange, request_rec *r,
                        apr_table_t *table, cp_judgement *judgement)
{
    judge on = { exchange, r, NULL, false, judgement };

    if (apr_is_empty_table(table)) {
        return;
    }
    if (exchange->engine == CP_ENGINE_ON) {
        apr_table_unset(table, "Set-Cookie2");  /* of RFC 2965 */
    }
    if (!apr_table_get(table, "Set-Cookie")) {
        return;
    }
    on.kept = apr_array_make(r->pool, 4, sizeof(char *));
    apr_table_do(line_judge, &on, table, "Set-Cookie", NULL);
    judgement->kept = judgement->kept || on.kept->nelts;
    if (!on.changed) {
        return;
    }
    apr_table_unset(table, "Set-Cookie");
    for (int i = 0; i < on.kept->nelts; i++) {
        apr_table_addn(table, "Set-Cookie",
                       APR_ARRAY_IDX(on.kept, i, const char *));
    }
}

cp_judgement cp_enforcement_judge(const cp_exchange *exchange, request_rec *r)
{
    cp_judgement judgement = { false, false };

    table_judge(exchange, r, r->headers_out, &judgement);
    table_judge(exchange, r, r->err_headers_out, &judgement);
    return judgement;
}

bool cp_enforcement_delete(const cp_exchange *exchange, request_rec *r)
{
    const char *lines[CP_DELETIONS_MAX];
    int count = cp_deletions(exchange->visit, lines);

    for (int i = 0; i < count; i++) {
        apr_table_addn(r->headers_out, "Set-Cookie", lines[i]);
    }
    if (count && exchange->server->counters) {
        atomic_fetch_add_explicit(&exchange->server->counters->deletions,
                                  (unsigned)count, memory_order_relaxed);
    }
    return count > 0;
}
