#include "pages.h"
#include "answer.h"
#include "form_data.h"
#include "choice.h"
#include "csrf.h"
#include "language.h"
#include "page_banner.h"
#include "page_policy.h"
#include "page_report.h"
#include "preferences.h"
#include "problem.h"
#include "session.h"
#include "way_back.h"

#include <http_protocol.h>
#include <http_request.h>
#include <scoreboard.h>
#include <apr_strings.h>
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
    if (strncmp(path, server->path, base)) {
        return path[0] && path[1] == '.' && server->site.gpc
               && strcmp(path, "/.well-known/gpc.json") == 0
               ? CP_PAGE_GPC : CP_PAGE_NONE;
    }
    if (path[base] && path[base] != '/' && strcmp(path + base, ".json")) {
        return CP_PAGE_NONE;
    }
    path += base;
    if (strncmp(path, "/banner.", 8) == 0) {
        return CP_PAGE_BANNER;
    }
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

/* --- Answers that go on ----------------------------------------------- */

static int redirect(const cp_exchange *exchange, request_rec *r,
                    const char *next)
{
    const char *to = next && cp_way_is_safe(next) ? next
                                                  : exchange->server->path;

    /* Host and scheme as the client addressed them are the browser's to
     * fill in (RFC 9110 section 10.2.2). */
    apr_table_setn(r->headers_out, "Location", to);
    r->status = HTTP_SEE_OTHER;
    ap_set_content_type(r, "text/plain; charset=utf-8");
    ap_rprintf(r, "See %s\n", to);
    return OK;
}

static bool wants_json(const cp_exchange *exchange, const request_rec *r)
{
    return exchange->json || cp_answer_is_json(r);
}

/* --- What can go wrong --------------------------------------------------- */

static const cp_problem bad_form = {
    .status = HTTP_BAD_REQUEST, .error = "bad-form",
    .title = "problem.form.title", .what = "problem.bad-form.what",
    .cure = "problem.form.cure"
};

static const cp_problem too_long = {
    .status = HTTP_REQUEST_ENTITY_TOO_LARGE, .error = "too-long",
    .title = "problem.form.title", .what = "problem.too-long.what"
};

static const cp_problem no_choice = {
    .status = HTTP_BAD_REQUEST, .error = "no-choice",
    .title = "problem.form.title", .what = "problem.no-choice.what",
    .cure = "problem.form.cure", .link = "choices.title"
};

static const cp_problem no_language = {
    .status = HTTP_BAD_REQUEST, .error = "no-language",
    .title = "problem.form.title", .what = "problem.no-language.what",
    .cure = "problem.form.cure"
};

static const cp_problem not_found = {
    .status = HTTP_NOT_FOUND, .error = "not-found",
    .title = "problem.not-found.title", .what = "problem.not-found.what",
    .link = "page.title"
};

static const cp_problem method = {
    .status = HTTP_METHOD_NOT_ALLOWED, .error = "method",
    .title = "problem.method.title", .what = "problem.method.what",
    .link = "page.title"
};

static const cp_problem no_token = {
    .status = HTTP_FORBIDDEN, .error = "no-token",
    .title = "problem.no-token.title", .what = "problem.no-token.what",
    .cure = "problem.no-token.cure", .link = "page.title"
};

static const cp_problem store_away = {
    .status = HTTP_SERVICE_UNAVAILABLE, .error = "store-away",
    .title = "problem.store-away.title", .what = "problem.store-away.what",
    .cure = "problem.later"
};

static const cp_problem log_away = {
    .status = HTTP_SERVICE_UNAVAILABLE, .error = "log-away",
    .title = "problem.log-away.title", .what = "problem.log-away.what",
    .cure = "problem.later", .link = "choices.title"
};

/* What httpd says of a body that could not be read. */
static int form_failed(const cp_exchange *exchange, request_rec *r,
                       int status)
{
    switch (status) {
    case HTTP_BAD_REQUEST:
        return cp_problem_answer(exchange, r, &bad_form);
    case HTTP_REQUEST_ENTITY_TOO_LARGE:
        return cp_problem_answer(exchange, r, &too_long);
    default:
        return status;
    }
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

/* The cookie goes out with this answer, so that ErrorDocument has no say. */
static int choice_failed(const cp_exchange *exchange, request_rec *r)
{
    return cp_problem_tell(exchange, r, &log_away,
                           preferences_json(exchange->visit));
}

static int page_preferences(cp_exchange *exchange, request_rec *r)
{
    cp_choice choices[CP_CATEGORIES_MAX];
    const cp_form_data *form = NULL;
    int status;

    if (r->method_number == M_GET) {
        return wants_json(exchange, r)
               ? cp_answer_json(r, preferences_json(exchange->visit))
               : cp_page_policy(exchange, r);
    }
    status = cp_form_data_read(&form, r);
    if (status != OK) {
        return form_failed(exchange, r, status);
    }
    if (!choices_read(exchange->visit, form, choices)) {
        return cp_problem_answer(exchange, r, &no_choice);
    }
    status = cp_choice_make(exchange, choices, form);
    if (status == HTTP_SERVICE_UNAVAILABLE) {
        return choice_failed(exchange, r);
    }
    if (status != OK) {
        return status;
    }
    return wants_json(exchange, r)
           ? cp_answer_json(r, preferences_json(exchange->visit))
           : redirect(exchange, r, cp_form_data_get(form, "next"));
}

static int page_language(cp_exchange *exchange, request_rec *r)
{
    const cp_form_data *form = NULL;
    const char *tag;
    int status = cp_form_data_read(&form, r);

    if (status != OK) {
        return form_failed(exchange, r, status);
    }
    tag = cp_form_data_get(form, "language");
    if (!tag || !cp_language_choose(exchange->visit, cp_span_of(tag))) {
        return cp_problem_answer(exchange, r, &no_language);
    }
    return wants_json(exchange, r)
           ? cp_answer_json(r, json_pack("{s:s}", "language",
                                         cp_language(exchange->visit)))
           : redirect(exchange, r, cp_form_data_get(form, "next"));
}

static int page_csrf(cp_exchange *exchange, request_rec *r)
{
    const char *token;

    if (exchange->visit->terms->csrf != CP_CSRF_ON) {
        return cp_problem_answer(exchange, r, &not_found);
    }
    cp_visit_need(exchange->visit, CP_CSRF);
    token = cp_csrf_masked(exchange->visit);
    return token
           ? cp_answer_json(r, json_pack("{s:s, s:s}", "csrftoken", token,
                                         "header", "X-CSRFToken"))
           : cp_problem_answer(exchange, r, &no_token);
}

static int page_logout(cp_exchange *exchange, request_rec *r)
{
    const cp_form_data *form = NULL;
    int status = cp_form_data_read(&form, r);

    if (status != OK) {
        return form_failed(exchange, r, status);
    }
    if (cp_session_end(exchange->visit) != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, CP_LOG(0023)
                      "a logout could not be done: the session store is "
                      "away");
        return cp_problem_answer(exchange, r, &store_away);
    }
    return wants_json(exchange, r)
           ? cp_answer_json(r, json_pack("{s:b}", "logged_out", 1))
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
    return cp_answer_json(r, json_pack(
        "{s:b, s:s}", "gpc", 1, "lastUpdate",
        apr_psprintf(r->pool, "%04d-%02d-%02d", day.tm_year + 1900,
                     day.tm_mon + 1, day.tm_mday)));
}

static int page_policy(cp_exchange *exchange, request_rec *r)
{
    return wants_json(exchange, r)
           ? cp_answer_json(r, cp_page_policy_json(exchange, r))
           : cp_page_policy(exchange, r);
}

static int page_report(cp_exchange *exchange, request_rec *r)
{
    int status = cp_page_report(exchange, r);

    return status == OK ? OK : form_failed(exchange, r, status);
}

static int page_banner(cp_exchange *exchange, request_rec *r)
{
    const char *name = r->uri + strlen(exchange->server->path)
                       + strlen("/banner.");
    int status = cp_page_banner(exchange, r, name);

    return status == HTTP_NOT_FOUND
           ? cp_problem_answer(exchange, r, &not_found) : status;
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
    [CP_PAGE_REPORT] = { page_report, false, true },
    [CP_PAGE_BANNER] = { page_banner, true, false },
};

/* What may be sent: for ErrorDocument, and in the header. */
static void methods_tell(const page *asked, request_rec *r)
{
    ap_allow_methods(r, REPLACE_ALLOW, "OPTIONS", NULL);
    if (asked->gets) {
        ap_allow_methods(r, MERGE_ALLOW, "GET", "HEAD", NULL);
    }
    if (asked->posts) {
        ap_allow_methods(r, MERGE_ALLOW, "POST", NULL);
    }
}

static int method_refuse(const cp_exchange *exchange, request_rec *r,
                         const page *asked)
{
    apr_table_setn(r->err_headers_out, "Allow",
                   apr_pstrcat(r->pool, "OPTIONS",
                               asked->gets ? ",GET,HEAD" : "",
                               asked->posts ? ",POST" : "", NULL));
    return cp_problem_answer(exchange, r, &method);
}

int cp_page_handle(cp_exchange *exchange, request_rec *r)
{
    const page *asked = &pages[exchange->page];

    if (exchange->page == CP_PAGE_UNKNOWN) {
        return cp_problem_answer(exchange, r, &not_found);
    }
    cp_answer_headers(exchange, r);
    if (r->method_number == M_OPTIONS
        || !(r->method_number == M_GET ? asked->gets
             : r->method_number == M_POST && asked->posts)) {
        methods_tell(asked, r);
        return r->method_number == M_OPTIONS
               ? ap_send_http_options(r)
               : method_refuse(exchange, r, asked);
    }
    return asked->handle(exchange, r);
}
