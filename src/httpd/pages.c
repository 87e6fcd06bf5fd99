#include "pages.h"
#include "form_data.h"
#include "choice.h"
#include "csrf.h"
#include "language.h"
#include "page_policy.h"
#include "page_report.h"
#include "preferences.h"
#include "refusal.h"
#include "session.h"

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <scoreboard.h>
#include <util_filter.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <jansson.h>
#include <mod_core.h>

/* --- Which page ------------------------------------------------------- */

cp_page cp_page_find(const cp_server_config *server, const char *path,
                     bool *json)
{
    static const struct {
        const char *name;
        cp_page page;
    } pages[] = {
        { "", CP_PAGE_POLICY },
        { "/", CP_PAGE_POLICY },
        { "/preferences", CP_PAGE_PREFERENCES },
        { "/language", CP_PAGE_LANGUAGE },
        { "/csrf", CP_PAGE_CSRF },
        { "/logout", CP_PAGE_LOGOUT },
        { "/csp-report", CP_PAGE_REPORT },
    };
    size_t base = strlen(server->path);
    size_t length;

    *json = false;
    if (server->site.gpc && strcmp(path, "/.well-known/gpc.json") == 0) {
        return CP_PAGE_GPC;
    }
    if (strncmp(path, server->path, base)
        || (path[base] && path[base] != '/' && strcmp(path + base, ".json"))) {
        return CP_PAGE_NONE;
    }
    path += base;
    length = strlen(path);
    if (length >= 5 && strcmp(path + length - 5, ".json") == 0) {
        *json = true;
        length -= 5;
    }
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (strlen(pages[i].name) == length
            && strncmp(pages[i].name, path, length) == 0) {
            return pages[i].page;
        }
    }
    return CP_PAGE_UNKNOWN;
}

/* --- Where to go back to ---------------------------------------------- */

#define VISIBLE_ASCII "!\"#$%&'()*+,-./0123456789:;<=>?@" \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

/* A path on this host, as every browser reads it: one slash, and neither a
 * second nor a backslash after it; nothing that is not visible ASCII. What a
 * server on the way might decode in the path counts as if it were. */
static bool next_is_safe(const char *next)
{
    char *decoded = strndup(next, strcspn(next, "?#"));
    const char *texts[] = { next, decoded };
    bool safe = decoded && ap_unescape_url_keep2f(decoded, 1) == OK
                && next[strspn(next, VISIBLE_ASCII)] == '\0';

    for (int i = 0; safe && i < 2; i++) {
        safe = texts[i][0] == '/' && texts[i][1] != '/';
        for (const char *c = texts[i]; safe && *c; c++) {
            safe = !apr_iscntrl(*c) && *c != '\\';
        }
    }
    free(decoded);
    return safe;
}

static int redirect(const cp_exchange *exchange, request_rec *r,
                    const char *next)
{
    const char *to = next && next_is_safe(next) ? next
                                                : exchange->server->path;

    /* Host and scheme as the client addressed them are the browser's to
     * fill in (RFC 9110 section 10.2.2). */
    apr_table_setn(r->headers_out, "Location", to);
    r->status = HTTP_SEE_OTHER;
    ap_set_content_type(r, "text/plain; charset=utf-8");
    ap_rprintf(r, "See %s\n", to);
    return OK;
}

static int json_answer(request_rec *r, json_t *answer)
{
    char *text = answer ? json_dumps(answer, JSON_INDENT(2)) : NULL;

    json_decref(answer);
    if (!text) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_set_content_type(r, "application/json");
    ap_rputs(text, r);
    ap_rputs("\n", r);
    free(text);
    return OK;
}

static bool wants_json(const cp_exchange *exchange, const request_rec *r)
{
    return exchange->json || cp_accepts_json(r);
}

/* --- The pages -------------------------------------------------------- */

static json_t *preferences_json(const cp_visit *visit)
{
    const cp_policy *policy = visit->site->policy;
    json_t *categories = json_object();

    for (int i = 0; i < policy->category_count; i++) {
        const cp_category *category = &policy->categories[i];

        if (category->used) {
            json_object_set_new(
                categories, category->name,
                json_pack("{s:s, s:s, s:b}", "rule",
                          cp_rule_word(category->rule), "choice",
                          cp_choice_word(cp_preferences_choice(visit, i)),
                          "allowed", cp_preferences_allow(visit, i)));
        }
    }
    return json_pack("{s:b, s:o}", "decided", cp_preferences_decided(visit),
                     "categories", categories);
}

/* @return false when what was sent is no choice */
static bool choices_read(const cp_visit *visit, const cp_form_data *form,
                         cp_choice *choices)
{
    const cp_policy *policy = visit->site->policy;
    const char *choice = cp_form_data_get(form, "choice");
    cp_choice others;

    if (!choice || (strcmp(choice, "accept-all")
                    && strcmp(choice, "reject-all")
                    && strcmp(choice, "save"))) {
        return false;
    }
    others = strcmp(choice, "accept-all") == 0 ? CP_GRANTED : CP_REFUSED;
    for (int i = 0; i < policy->category_count; i++) {
        choices[i] = others;
        if (strcmp(choice, "save") == 0
            && cp_form_data_has(form, "category",
                                policy->categories[i].name)) {
            choices[i] = CP_GRANTED;
        }
    }
    return true;
}

/* The cookie goes out with this answer, so that it is no error of httpd's. */
static int choice_failed(const cp_exchange *exchange, request_rec *r)
{
    json_t *answer;

    r->status = HTTP_SERVICE_UNAVAILABLE;
    if (!wants_json(exchange, r)) {
        return cp_choice_explain(exchange, r);
    }
    answer = preferences_json(exchange->visit);
    json_object_set_new(answer, "error", json_string("log-away"));
    return json_answer(r, answer);
}

static int page_preferences(cp_exchange *exchange, request_rec *r)
{
    cp_choice choices[CP_CATEGORIES_MAX];
    const cp_form_data *form = NULL;
    int status;

    if (r->method_number == M_GET) {
        return wants_json(exchange, r)
               ? json_answer(r, preferences_json(exchange->visit))
               : cp_page_policy(exchange, r);
    }
    status = cp_form_data_read(&form, r);
    if (status != OK) {
        return status;
    }
    if (!choices_read(exchange->visit, form, choices)) {
        return HTTP_BAD_REQUEST;
    }
    status = cp_choice_make(exchange, choices, form);
    if (status == HTTP_SERVICE_UNAVAILABLE) {
        return choice_failed(exchange, r);
    }
    if (status != OK) {
        return status;
    }
    return wants_json(exchange, r)
           ? json_answer(r, preferences_json(exchange->visit))
           : redirect(exchange, r, cp_form_data_get(form, "next"));
}

static int page_language(cp_exchange *exchange, request_rec *r)
{
    const cp_form_data *form = NULL;
    const char *tag;
    int status = cp_form_data_read(&form, r);

    if (status != OK) {
        return status;
    }
    tag = cp_form_data_get(form, "language");
    if (!tag || !cp_language_choose(exchange->visit, cp_span_of(tag))) {
        return HTTP_BAD_REQUEST;
    }
    return wants_json(exchange, r)
           ? json_answer(r, json_pack("{s:s}", "language",
                                      cp_language(exchange->visit)))
           : redirect(exchange, r, cp_form_data_get(form, "next"));
}

static int page_csrf(cp_exchange *exchange, request_rec *r)
{
    const char *token;

    if (exchange->visit->terms->csrf != CP_CSRF_ON) {
        return HTTP_NOT_FOUND;
    }
    cp_visit_need(exchange->visit, CP_CSRF);
    token = cp_csrf_masked(exchange->visit);
    return token ? json_answer(r, json_pack("{s:s, s:s}", "csrftoken", token,
                                            "header", "X-CSRFToken"))
                 : HTTP_FORBIDDEN;
}

static int page_logout(cp_exchange *exchange, request_rec *r)
{
    const cp_form_data *form = NULL;
    int status = cp_form_data_read(&form, r);

    if (status != OK) {
        return status;
    }
    if (cp_session_end(exchange->visit) != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, CP_LOG(0023)
                      "a logout could not be done: the session store is "
                      "away");
        return HTTP_SERVICE_UNAVAILABLE;
    }
    return wants_json(exchange, r)
           ? json_answer(r, json_pack("{s:b}", "logged_out", 1))
           : redirect(exchange, r, cp_form_data_get(form, "next"));
}

/* What the site says of the signal, for whoever asks before visiting. The
 * statement holds since the configuration that makes it. */
static int page_gpc(cp_exchange *exchange, request_rec *r)
{
    apr_time_t since = ap_get_scoreboard_global()->restart_time;
    apr_time_exp_t day;

    (void)exchange;
    apr_time_exp_gmt(&day, since);
    apr_table_setn(r->err_headers_out, "Cache-Control", "max-age=86400");
    r->no_cache = 0;
    r->no_local_copy = 0;
    return json_answer(r, json_pack(
        "{s:b, s:s}", "gpc", 1, "lastUpdate",
        apr_psprintf(r->pool, "%04d-%02d-%02d", day.tm_year + 1900,
                     day.tm_mon + 1, day.tm_mday)));
}

static int page_policy(cp_exchange *exchange, request_rec *r)
{
    return wants_json(exchange, r)
           ? json_answer(r, cp_page_policy_json(exchange, r))
           : cp_page_policy(exchange, r);
}

/* --- Handling --------------------------------------------------------- */

typedef struct page {
    int (*handle)(cp_exchange *exchange, request_rec *r);
    bool gets;
    bool posts;
} page;

static const page pages[] = {
    [CP_PAGE_POLICY] = { page_policy, true, false },
    [CP_PAGE_PREFERENCES] = { page_preferences, true, true },
    [CP_PAGE_LANGUAGE] = { page_language, false, true },
    [CP_PAGE_CSRF] = { page_csrf, true, false },
    [CP_PAGE_LOGOUT] = { page_logout, false, true },
    [CP_PAGE_GPC] = { page_gpc, true, false },
    [CP_PAGE_REPORT] = { cp_page_report, false, true },
};

/* With a template of the site's own the pages may load what that needs. */
static void headers_set(const cp_exchange *exchange, request_rec *r)
{
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->err_headers_out, "Content-Security-Policy",
                   exchange->server->frame
                   ? "frame-ancestors 'none'; form-action 'self'; "
                     "base-uri 'none'"
                   : "default-src 'self'; frame-ancestors 'none'; "
                     "form-action 'self'; base-uri 'none'");
    apr_table_setn(r->err_headers_out, "Cross-Origin-Resource-Policy",
                   "same-origin");
    apr_table_setn(r->err_headers_out, "Referrer-Policy", "same-origin");
    r->no_cache = 1;
    r->no_local_copy = 1;
}

int cp_page_handle(cp_exchange *exchange, request_rec *r)
{
    const page *asked = &pages[exchange->page];

    if (exchange->page == CP_PAGE_UNKNOWN) {
        return HTTP_NOT_FOUND;
    }
    headers_set(exchange, r);
    if (r->method_number == M_OPTIONS
        || !(r->method_number == M_GET ? asked->gets
             : r->method_number == M_POST && asked->posts)) {
        ap_allow_methods(r, REPLACE_ALLOW, "OPTIONS", NULL);
        if (asked->gets) {
            ap_allow_methods(r, MERGE_ALLOW, "GET", "HEAD", NULL);
        }
        if (asked->posts) {
            ap_allow_methods(r, MERGE_ALLOW, "POST", NULL);
        }
        return r->method_number == M_OPTIONS ? ap_send_http_options(r)
                                             : HTTP_METHOD_NOT_ALLOWED;
    }
    return asked->handle(exchange, r);
}
