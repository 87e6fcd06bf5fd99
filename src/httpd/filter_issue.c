#include "filters.h"

#include <http_protocol.h>
#include <util_filter.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* --- What the application sent ---------------------------------------- */

typedef struct judgement {
    const cp_exchange *exchange;
    request_rec *r;
    apr_array_header_t *kept;   /* of const char * */
    bool dropped;
} judgement;

static void managed_complain(const judgement *on, int managed)
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
    cp_counters *counters = on->exchange->server->counters;

    if (counters && !atomic_flag_test_and_set(&counters->told[managed])) {
        ap_log_rerror(APLOG_MARK, levels[managed], 0, on->r, CP_LOG(0016)
                      "the application sets the managed cookie %s, which is "
                      "dropped; %s to the application (this is logged once)",
                      cp_rooms[managed]->name, directives[managed]);
    }
}

static int set_cookie_judge(void *data, const char *name, const char *value)
{
    judgement *on = data;
    int managed = -1;

    (void)name;
    if (cp_visit_admits(on->exchange->visit, cp_span_of(value),
                        &managed)) {
        *(const char **)apr_array_push(on->kept) = value;
        return 1;
    }
    on->dropped = true;
    if (managed >= 0) {
        managed_complain(on, managed);
    }
    return 1;
}

static void table_judge(const cp_exchange *exchange, request_rec *r,
                        apr_table_t *table)
{
    judgement on = { exchange, r, NULL, false };

    if (!apr_table_get(table, "Set-Cookie")) {
        return;
    }
    on.kept = apr_array_make(r->pool, 4, sizeof(char *));
    apr_table_do(set_cookie_judge, &on, table, "Set-Cookie", NULL);
    if (!on.dropped || exchange->engine != CP_ENGINE_ON) {
        return;
    }
    apr_table_unset(table, "Set-Cookie");
    for (int i = 0; i < on.kept->nelts; i++) {
        apr_table_addn(table, "Set-Cookie",
                       APR_ARRAY_IDX(on.kept, i, const char *));
    }
}

/* --- What is issued --------------------------------------------------- */

static bool is_document(const request_rec *r)
{
    const char *type = r->content_type;
    size_t length = type ? strcspn(type, "; \t") : 0;

    if (ap_is_HTTP_REDIRECT(r->status) && r->status != HTTP_NOT_MODIFIED) {
        return false;
    }
    return (length == 9 && strncasecmp(type, "text/html", 9) == 0)
           || (length == 21
               && strncasecmp(type, "application/xhtml+xml", 21) == 0);
}

/* No cache that is shared may keep an answer with somebody's cookies. */
static void private_make(request_rec *r)
{
    apr_table_t *tables[] = { r->headers_out, r->err_headers_out };
    const char *kept = "private";
    char *rest = NULL;

    for (int i = 0; i < 2; i++) {
        const char *control = apr_table_get(tables[i], "Cache-Control");

        if (!control) {
            continue;
        }
        if (ap_find_token(r->pool, control, "no-store")) {
            return;
        }
        for (char *word = apr_strtok(apr_pstrdup(r->pool, control), ",",
                                     &rest);
             word; word = apr_strtok(NULL, ",", &rest)) {
            word += strspn(word, " \t");
            if (strcasecmp(word, "public") && strcasecmp(word, "private")
                && strncasecmp(word, "s-maxage", 8)) {
                kept = apr_pstrcat(r->pool, kept, ", ", word, NULL);
            }
        }
        apr_table_unset(tables[i], "Cache-Control");
    }
    apr_table_setn(r->err_headers_out, "Cache-Control", kept);
}

static void cookies_issue(const cp_exchange *exchange, request_rec *r)
{
    const char *lines[CP_MANAGED_COUNT];
    cp_counters *counters = exchange->server->counters;
    int count = 0;

    cp_visit_issue(exchange->visit, is_document(r), lines);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (lines[i]) {
            apr_table_addn(r->err_headers_out, "Set-Cookie", lines[i]);
            count++;
            if (counters) {
                counters->issued[i]++;
            }
        }
    }
    if (count) {
        private_make(r);
    }
}

static apr_status_t filter_issue(ap_filter_t *f, apr_bucket_brigade *in)
{
    request_rec *r = f->r;
    const cp_exchange *exchange = cp_exchange_of(r);

    ap_remove_output_filter(f);
    if (exchange && exchange->visit) {
        table_judge(exchange, r, r->headers_out);
        table_judge(exchange, r, r->err_headers_out);
        if (exchange->server->session_header) {
            apr_table_unset(r->headers_out, exchange->server->session_header);
            apr_table_unset(r->err_headers_out,
                            exchange->server->session_header);
        }
        if (exchange->engine == CP_ENGINE_ON && !exchange->refusal) {
            cookies_issue(exchange, r);
        }
    }
    return ap_pass_brigade(f->next, in);
}

void cp_filters_insert(request_rec *r)
{
    const cp_exchange *exchange = cp_exchange_of(r);

    if (!r->main && exchange && exchange->visit) {
        ap_add_output_filter(CP_FILTER_CONTENT, NULL, r, r->connection);
        ap_add_output_filter(CP_FILTER_ISSUE, NULL, r, r->connection);
    }
}

void cp_filter_issue_register(void)
{
    ap_register_output_filter(CP_FILTER_ISSUE, filter_issue, NULL,
                              AP_FTYPE_PROTOCOL - 1);
}
