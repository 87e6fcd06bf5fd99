/*
 * Who may come here the administrator's Require says. To end a session it
 * takes a POST that has passed the CSRF check with a token: where that check
 * is not made, nothing can be ended.
 */
#include "status_sessions.h"
#include "answer.h"
#include "csrf.h"
#include "exchange.h"
#include "form.h"
#include "form_data.h"
#include "listing.h"

#include <http_core.h>
#include <http_protocol.h>
#include <util_script.h>
#include <apr_strings.h>
#include <jansson.h>

#define QUERY "sessions"

/* So many are shown at once. */
#define SHOWN_MAX 200

typedef struct row {
    bool readable;
    unsigned int key;
    const char *reference;
    const char *user;           /* NULL: nobody */
    const char *realm;
    apr_uint32_t age;           /* seconds, as the others */
    apr_uint32_t idle;
    apr_uint32_t expires;
} row;

typedef struct view {
    request_rec *r;
    apr_uint32_t now;
    cp_whose whose;
    apr_array_header_t *rows;   /* of row */
    bool more;                  /* than are shown */
    apr_status_t status;
    const char *token;          /* for the forms; NULL: there are none */
    cp_store_counts counts;
} view;

/* --- Collecting ------------------------------------------------------- */

static bool listing_make(request_rec *r, cp_listing *where)
{
    const cp_site *site = &cp_server_config_of(r->server)->site;

    *where = (cp_listing){ site->ring, site->store,
                           (apr_uint32_t)apr_time_sec(r->request_time) };
    return site->store && site->ring;
}

static apr_uint32_t since(apr_uint32_t time, apr_uint32_t now)
{
    return now > time ? now - time : 0;
}

static bool row_add(void *data, const cp_listed *one)
{
    view *all = data;
    apr_pool_t *pool = all->r->pool;
    row *added;

    all->more = all->rows->nelts == SHOWN_MAX;
    if (all->more) {
        return false;
    }
    added = apr_array_push(all->rows);
    added->readable = one->status == APR_SUCCESS;
    added->key = one->label.key;
    added->expires = since(all->now, one->expires);
    if (added->readable) {
        added->reference = apr_pstrdup(pool, one->reference);
        added->user = apr_pstrdup(pool, one->label.user);
        added->realm = cp_span_string(pool, one->label.realm);
        added->age = since(one->label.created, all->now);
        added->idle = since(one->used, all->now);
    }
    return true;
}

static const char *given(apr_table_t *values, const char *name)
{
    const char *value = apr_table_get(values, name);

    return value && *value ? value : NULL;
}

/* Whether here a POST needs a token. */
static bool is_guarded(const cp_exchange *exchange, const request_rec *r)
{
    return exchange && exchange->visit && exchange->r == r
           && exchange->engine == CP_ENGINE_ON
           && exchange->visit->terms->csrf == CP_CSRF_ON;
}

static const char *token_get(cp_exchange *exchange, const request_rec *r)
{
    if (!is_guarded(exchange, r)) {
        return NULL;
    }
    cp_visit_need(exchange->visit, CP_CSRF);
    exchange->tokened = true;
    return cp_csrf_masked(exchange->visit);
}

static void view_make(view *all, request_rec *r)
{
    apr_table_t *values = NULL;
    cp_listing where;

    memset(all, 0, sizeof(*all));
    ap_args_to_table(r, &values);
    all->r = r;
    all->whose = (cp_whose){ given(values, "user"), given(values, "realm"),
                             given(values, "session") };
    all->rows = apr_array_make(r->pool, 16, sizeof(row));
    all->token = token_get(cp_exchange_of(r), r);
    if (!listing_make(r, &where)) {
        all->status = APR_ENOTIMPL;
        return;
    }
    all->now = where.now;
    where.store->provider->count(where.store, where.now, &all->counts);
    all->status = cp_listing_walk(&where, &all->whose, row_add, all, r->pool);
}

/* --- HTML ------------------------------------------------------------- */

static const char *html(const view *all, const char *text)
{
    return ap_escape_html2(all->r->pool, text, 0);
}

static const char *duration(const view *all, apr_uint32_t seconds)
{
    return apr_psprintf(all->r->pool, "%u:%02u:%02u", seconds / 3600,
                        seconds / 60 % 60, seconds % 60);
}

static void form_begin(const view *all)
{
    ap_rprintf(all->r, "<form method=\"post\" action=\"?" QUERY "\">"
               "<input type=\"hidden\" name=\"" CP_FORM_FIELD "\" "
               "value=\"%s\">", all->token);
}

static void row_html(const view *all, const row *one)
{
    request_rec *r = all->r;

    if (!one->readable) {
        ap_rprintf(r, "<tr><td></td><td colspan=\"2\">(its key, %u, is "
                   "revoked or gone)</td><td></td><td></td><td>%s</td>"
                   "<td></td></tr>\n", one->key,
                   duration(all, one->expires));
        return;
    }
    ap_rprintf(r, "<tr><th scope=\"row\"><code>%s</code></th><td>%s</td>"
               "<td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>",
               one->reference, one->user ? html(all, one->user) : "",
               html(all, one->realm), duration(all, one->age),
               duration(all, one->idle), duration(all, one->expires));
    if (all->token) {
        form_begin(all);
        ap_rprintf(r, "<button name=\"session\" value=\"%s\">End it</button>"
                   "</form>", one->reference);
    }
    ap_rputs("</td></tr>\n", r);
}

/* The fields of a form, with what was asked for in them. */
static void fields_html(const view *all)
{
    ap_rprintf(all->r, "<label>User <input name=\"user\" value=\"%s\">"
               "</label> <label>Realm <input name=\"realm\" value=\"%s\">"
               "</label> ",
               all->whose.user ? html(all, all->whose.user) : "",
               all->whose.realm ? html(all, all->whose.realm) : "");
}

static void forms_html(const view *all)
{
    request_rec *r = all->r;

    ap_rputs("<form method=\"get\"><input type=\"hidden\" name=\"" QUERY "\" "
             "value=\"\">", r);
    fields_html(all);
    ap_rputs("<button>Show these</button></form>\n", r);
    if (all->token) {
        form_begin(all);
        fields_html(all);
        ap_rputs("<button>End all of these</button></form>\n", r);
    }
    else {
        ap_rputs("<p>To end sessions here, <code>CookiePolicy On</code> and "
                 "<code>CookiePolicyCsrf On</code> must be in force at this "
                 "address.</p>\n", r);
    }
}

static void html_send(const view *all)
{
    request_rec *r = all->r;

    ap_set_content_type(r, "text/html; charset=utf-8");
    ap_rprintf(r, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
               "<meta charset=\"utf-8\">\n"
               "<title>Cookie policy: sessions</title>\n</head>\n<body>\n"
               "<h1>Cookie policy: sessions</h1>\n"
               "<p>%" APR_UINT64_T_FMT " of users, %" APR_UINT64_T_FMT
               " anonymous.</p>\n", all->counts.owned, all->counts.anonymous);
    forms_html(all);
    if (all->status != APR_SUCCESS) {
        ap_rputs(all->status == APR_ENOTIMPL
                 ? "<p>The session store cannot say what is in it.</p>\n"
                 : "<p>The session store is away.</p>\n", r);
    }
    ap_rputs("<table>\n<thead><tr><th scope=\"col\">Session</th>"
             "<th scope=\"col\">User</th><th scope=\"col\">Realm</th>"
             "<th scope=\"col\">Age</th><th scope=\"col\">Idle</th>"
             "<th scope=\"col\">Expires in</th><th scope=\"col\">End</th>"
             "</tr></thead>\n<tbody>\n", r);
    for (int i = 0; i < all->rows->nelts; i++) {
        row_html(all, &APR_ARRAY_IDX(all->rows, i, row));
    }
    ap_rprintf(r, "</tbody>\n</table>\n%s</body>\n</html>\n",
               all->more ? "<p>There are more: ask for a user or a realm.</p>\n"
                         : "");
}

/* --- JSON ------------------------------------------------------------- */

/* What is no UTF-8 is escaped as in logs. */
static json_t *text_json(const char *text, apr_pool_t *pool)
{
    json_t *string = text ? json_string(text) : json_null();

    return string ? string : json_string(ap_escape_logitem(pool, text));
}

static json_t *row_json(const row *one, apr_pool_t *pool)
{
    if (!one->readable) {
        return json_pack("{s:n, s:i, s:i}", "session", "key", (int)one->key,
                         "expires", (int)one->expires);
    }
    return json_pack("{s:s, s:o, s:o, s:I, s:I, s:I}", "session",
                     one->reference, "user", text_json(one->user, pool),
                     "realm", text_json(one->realm, pool),
                     "age", (json_int_t)one->age, "idle",
                     (json_int_t)one->idle, "expires",
                     (json_int_t)one->expires);
}

static int json_send(const view *all)
{
    json_t *sessions = json_array();

    for (int i = 0; i < all->rows->nelts; i++) {
        json_array_append_new(sessions,
                              row_json(&APR_ARRAY_IDX(all->rows, i, row),
                                       all->r->pool));
    }
    return cp_answer_json(all->r, json_pack(
        "{s:I, s:I, s:b, s:b, s:o}", "logged_in",
        (json_int_t)all->counts.owned, "anonymous",
        (json_int_t)all->counts.anonymous, "listed",
        all->status == APR_SUCCESS, "more", all->more, "sessions",
        sessions));
}

/* --- Ending ----------------------------------------------------------- */

static const char *or_any(request_rec *r, const char *word)
{
    return word ? ap_escape_logitem(r->pool, word) : "any";
}

static int sessions_end(request_rec *r)
{
    const cp_exchange *exchange = cp_exchange_of(r);
    const cp_form_data *form = NULL;
    cp_whose whose;
    cp_listing where;
    apr_uint32_t ended = 0;
    apr_status_t rv;
    int status;

    if (!is_guarded(exchange, r) || !exchange->checked || exchange->refusal
        || !listing_make(r, &where)) {
        return HTTP_FORBIDDEN;
    }
    status = cp_form_data_read(&form, r);
    if (status != OK) {
        return status;
    }
    whose = (cp_whose){ given(form->values, "user"),
                        given(form->values, "realm"),
                        given(form->values, "session") };
    if (!whose.user && !whose.realm && !whose.reference) {
        return HTTP_BAD_REQUEST;
    }
    rv = cp_listing_end(&where, &whose, &ended, r->pool);
    ap_log_rerror(APLOG_MARK, APLOG_NOTICE, rv, r, CP_LOG(0096)
                  "%s ended %u sessions (user %s, realm %s, session %s)",
                  r->user ? ap_escape_logitem(r->pool, r->user) : "somebody",
                  ended, or_any(r, whose.user), or_any(r, whose.realm),
                  or_any(r, whose.reference));
    if (rv != APR_SUCCESS) {
        return HTTP_SERVICE_UNAVAILABLE;
    }
    if (form->json || cp_answer_is_json(r)) {
        return cp_answer_json(r, json_pack("{s:I}", "ended",
                                        (json_int_t)ended));
    }
    apr_table_setn(r->headers_out, "Location",
                   apr_pstrcat(r->pool, ap_os_escape_path(r->pool, r->uri, 1),
                               "?" QUERY, NULL));
    return HTTP_SEE_OTHER;
}

/* --- The answer ------------------------------------------------------- */

bool cp_status_sessions_is_wanted(const char *query)
{
    return query && strncmp(query, QUERY, sizeof(QUERY) - 1) == 0
           && strchr("&=", query[sizeof(QUERY) - 1]);
}

static bool asks_json(request_rec *r)
{
    apr_table_t *values = NULL;

    ap_args_to_table(r, &values);
    return apr_table_get(values, "json") || cp_answer_is_json(r);
}

int cp_status_sessions(request_rec *r)
{
    view all;

    apr_table_setn(r->err_headers_out, "Content-Security-Policy",
                   "default-src 'none'; form-action 'self'; "
                   "frame-ancestors 'none'; base-uri 'none'");
    apr_table_setn(r->err_headers_out, "Referrer-Policy", "same-origin");
    if (r->method_number == M_POST) {
        return sessions_end(r);
    }
    view_make(&all, r);
    if (asks_json(r)) {
        return json_send(&all);
    }
    html_send(&all);
    return OK;
}
