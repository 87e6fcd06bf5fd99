#include "refusal.h"

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <jansson.h>
#include <mod_core.h>

/* A body left over that is longer is not worth reading: the connection is
 * closed instead. */
#define DISCARD_MAX (1024 * 1024)

typedef struct explanation {
    const char *what;
    const char *cure;
} explanation;

#define FROM_THE_PAGE \
    "Go to the page on this site and send the form from there."
#define ONCE_MORE "Load the page again and send the form once more."

static const explanation explanations[CP_REFUSAL_COUNT] = {
    [CP_REFUSAL_CROSS_SITE] = {
        "Your browser says that another site sent this request.",
        FROM_THE_PAGE },
    [CP_REFUSAL_ORIGIN] = {
        "The request was sent by a page of another site.", FROM_THE_PAGE },
    [CP_REFUSAL_NULL_ORIGIN] = {
        "The request hides which site it was sent from.", FROM_THE_PAGE },
    [CP_REFUSAL_REFERER] = {
        "The request was sent by a page of another site.", FROM_THE_PAGE },
    [CP_REFUSAL_NO_ORIGIN] = {
        "The request does not say which site it was sent from.",
        "Send it with an Origin header, or with a token." },
    [CP_REFUSAL_NO_COOKIE] = {
        "The request came without a valid csrftoken cookie.",
        "Allow cookies for this site. " ONCE_MORE },
    [CP_REFUSAL_NO_TOKEN] = {
        "The request came without a CSRF token.",
        ONCE_MORE " A program sends the token of the csrftoken cookie in "
        "the header X-CSRFToken." },
    [CP_REFUSAL_TOKEN] = {
        "The CSRF token of the request is not the visitor's.", ONCE_MORE },
    [CP_REFUSAL_WINDOW] = {
        "The CSRF token was not within the first 64 KB of the request.",
        "Put the token first in the form, or into the header X-CSRFToken." },
};

static bool accepts(const request_rec *r, const char *type)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");

    return accept && ap_strcasestr(accept, type);
}

bool cp_accepts_json(const request_rec *r)
{
    return accepts(r, "application/json") && !accepts(r, "text/html");
}

static void json_send(request_rec *r, cp_refusal refusal)
{
    const explanation *why = &explanations[refusal];
    json_t *answer = json_pack("{s:s, s:s, s:s, s:s}", "error", "csrf",
                               "reason", cp_refusal_word(refusal), "detail",
                               why->what, "cure", why->cure);
    char *text = answer ? json_dumps(answer, 0) : NULL;

    ap_set_content_type(r, "application/json");
    if (text) {
        ap_rputs(text, r);
        ap_rputs("\n", r);
    }
    free(text);
    json_decref(answer);
}

static void body_send(request_rec *r, cp_refusal refusal)
{
    const explanation *why = &explanations[refusal];

    if (cp_accepts_json(r)) {
        json_send(r, refusal);
    }
    else if (accepts(r, "text/html")) {
        ap_set_content_type(r, "text/html; charset=utf-8");
        ap_rprintf(r, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
                   "<meta charset=\"utf-8\">\n"
                   "<title>403 Request refused</title>\n</head>\n<body>\n"
                   "<h1>Request refused</h1>\n<p>%s</p>\n<p>%s</p>\n"
                   "<p>Reason: <code>%s</code></p>\n</body>\n</html>\n",
                   why->what, why->cure, cp_refusal_word(refusal));
    }
    else {
        ap_set_content_type(r, "text/plain; charset=utf-8");
        ap_rprintf(r, "403 Request refused (%s)\n%s\n%s\n",
                   cp_refusal_word(refusal), why->what, why->cure);
    }
}

/* What is left of a short body is read, so that the connection can go on. */
static void rest_discard(request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t bytes = 0;

    if (!ap_request_has_body(r)) {
        return;
    }
    if (length && ap_parse_strict_length(&bytes, length)
        && bytes <= DISCARD_MAX) {
        ap_discard_request_body(r);
    }
    else {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
}

int cp_refusal_send(const cp_exchange *exchange, request_rec *r)
{
    cp_refusal refusal = exchange->refusal;

    apr_table_setn(r->subprocess_env, "COOKIEPOLICY_REFUSED",
                   cp_refusal_word(refusal));
    if (ap_response_code_string(r,
                                ap_index_of_response(HTTP_FORBIDDEN))) {
        return HTTP_FORBIDDEN;
    }
    rest_discard(r);
    r->status = HTTP_FORBIDDEN;
    r->no_cache = 1;
    r->no_local_copy = 1;
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options",
                   "nosniff");
    r->output_filters = r->proto_output_filters;
    ap_run_insert_error_filter(r);
    body_send(r, refusal);
    return DONE;
}
