#include "csrf_check.h"
#include "csrf.h"
#include "form.h"
#include "origin.h"
#include "refusal.h"
#include "session.h"
#include "throttle.h"
#include "window.h"

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>

static cp_throttle refusals = { .lines = 10, .period = 1 };

/* --- The token -------------------------------------------------------- */

/* The name of Django's scripts first, then that of most others. */
static const char *header_token(const request_rec *r)
{
    const char *token = apr_table_get(r->headers_in, "X-CSRFToken");

    return token ? token : apr_table_get(r->headers_in, "X-CSRF-Token");
}

/* Whether there is a body that can be searched. What is compressed cannot. */
static bool form_begin(cp_form *form, const request_rec *r)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    const char *coding = apr_table_get(r->headers_in, "Content-Encoding");

    return ap_request_has_body((request_rec *)r)
           && (!coding || strcasecmp(coding, "identity") == 0)
           && cp_form_begin(form, cp_span_of(type));
}

static cp_form_result window_search(const cp_window *window, cp_form *form,
                                    cp_span *token)
{
    return window->bytes
           ? cp_form_search(form, cp_span_make(window->bytes,
                                               window->length),
                            window->complete, token)
           : CP_FORM_MORE;
}

/* Reads no further than the token, or to where it cannot be any more. What
 * has been read ahead is there for a second check. */
static int form_check(cp_exchange *exchange, request_rec *r, cp_form *form,
                      cp_refusal *reason)
{
    cp_window *window = exchange->window ? exchange->window
                                         : cp_window_open(r);
    cp_span token = CP_SPAN_NONE;
    cp_form_result result = window_search(window, form, &token);

    exchange->window = window;
    while (result == CP_FORM_MORE && !cp_window_full(window)) {
        int status = cp_window_read(window, r);

        if (status != OK) {
            return status;
        }
        result = window_search(window, form, &token);
    }
    switch (result) {
    case CP_FORM_FOUND:
        *reason = cp_csrf_check(exchange->visit, token) ? CP_REFUSAL_NONE
                                                      : CP_REFUSAL_TOKEN;
        break;
    case CP_FORM_MORE:
        *reason = CP_REFUSAL_WINDOW;
        break;
    default:
        *reason = CP_REFUSAL_NO_TOKEN;
        break;
    }
    return OK;
}

/* @return OK, with the reason of a refusal or none; or an HTTP status */
static int token_check(cp_exchange *exchange, request_rec *r,
                       cp_refusal *reason)
{
    cp_visit *visit = exchange->visit;
    const char *header = header_token(r);
    cp_form form;

    if (visit->verdicts[CP_CSRF].reason != CP_VALID) {
        *reason = CP_REFUSAL_NO_COOKIE;
        return OK;
    }
    if (header) {
        *reason = cp_csrf_check(visit, cp_span_of(header)) ? CP_REFUSAL_NONE
                                                         : CP_REFUSAL_TOKEN;
        return OK;
    }
    *reason = CP_REFUSAL_NO_TOKEN;
    return form_begin(&form, r) ? form_check(exchange, r, &form, reason)
                                : OK;
}

/* --- The check -------------------------------------------------------- */

static cp_refusal origin_reason(cp_provenance provenance)
{
    switch (provenance) {
    case CP_FOREIGN_SITE:
        return CP_REFUSAL_CROSS_SITE;
    case CP_FOREIGN_ORIGIN:
        return CP_REFUSAL_ORIGIN;
    case CP_NULL_ORIGIN:
        return CP_REFUSAL_NULL_ORIGIN;
    case CP_FOREIGN_REFERER:
        return CP_REFUSAL_REFERER;
    default:
        return CP_REFUSAL_NONE;
    }
}

static bool is_safe_method(int number)
{
    return number == M_GET || number == M_OPTIONS || number == M_TRACE;
}

static bool is_safe(const request_rec *r)
{
    return is_safe_method(r->method_number);
}

static bool is_websocket(const request_rec *r)
{
    const char *upgrade = apr_table_get(r->headers_in, "Upgrade");

    return upgrade && ap_find_token(r->pool, upgrade, "websocket");
}

/* What the check consists of, for this request; Off leaves what the origin
 * says. */
static cp_csrf_mode mode_of(const cp_exchange *exchange,
                            const request_rec *r)
{
    switch (exchange->page) {
    case CP_PAGE_PREFERENCES:
    case CP_PAGE_LANGUAGE:
        return CP_CSRF_OFF;     /* a cached page must be able to refuse */
    default:
        break;
    }
    return is_safe(r) ? CP_CSRF_OFF : exchange->visit->terms->csrf;
}

static int reason_find(cp_exchange *exchange, request_rec *r,
                       cp_refusal *reason)
{
    cp_provenance provenance = cp_origin_judge(exchange);
    cp_csrf_mode mode = mode_of(exchange, r);

    *reason = origin_reason(provenance);
    if (*reason) {
        return OK;
    }
    if (mode == CP_CSRF_ON) {
        return token_check(exchange, r, reason);
    }
    if (mode == CP_CSRF_ORIGIN && provenance == CP_UNKNOWN
        && exchange->visit->session_sent) {
        *reason = CP_REFUSAL_NO_ORIGIN;
    }
    return OK;
}

/* The answer to a request that may be the visitor's own doing can carry what
 * a login or a choice brings. */
static void welcome(cp_exchange *exchange)
{
    cp_visit *visit = exchange->visit;

    if (!visit->session->grace) {
        visit->request.welcomes = true;
    }
}

static void body_shut(cp_exchange *exchange, request_rec *r)
{
    if (!exchange->window) {
        exchange->window = cp_window_open(r);
    }
    cp_window_shut(exchange->window, r);
}

/* What httpd turned down before a check could be made is answered by an
 * ErrorDocument, asked for by GET but with the body that came. */
static void unchecked_shut(cp_exchange *exchange, request_rec *r)
{
    const char *method = r->prev ? apr_table_get(r->subprocess_env,
                                                 "REDIRECT_REQUEST_METHOD")
                                 : NULL;

    if (method && !is_safe_method(ap_method_number_of(method))
        && exchange->engine == CP_ENGINE_ON
        && exchange->visit->terms->csrf != CP_CSRF_OFF) {
        body_shut(exchange, r);
    }
}

int cp_csrf_check_request(cp_exchange *exchange, request_rec *r)
{
    cp_refusal reason = CP_REFUSAL_NONE;
    int status;

    /* Browsers send reports from where they like, and without a token. */
    if (exchange->checked || exchange->page == CP_PAGE_REPORT) {
        return DECLINED;
    }
    if (is_safe(r) && !is_websocket(r)) {
        unchecked_shut(exchange, r);
        return DECLINED;
    }
    exchange->checked = true;
    if (exchange->page == CP_PAGE_NONE
        && exchange->visit->terms->csrf == CP_CSRF_OFF) {
        if (!origin_reason(cp_origin_judge(exchange))) {
            welcome(exchange);
        }
        return DECLINED;
    }
    status = reason_find(exchange, r, &reason);
    if (status != OK) {
        return status;
    }
    if (!reason) {
        welcome(exchange);
        return DECLINED;
    }
    if (cp_throttle_admits(&refusals)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, CP_LOG(0011)
                      "CSRF check %s %.32s: %s%s",
                      exchange->engine == CP_ENGINE_ON ? "refused"
                                                       : "would refuse",
                      ap_escape_logitem(r->pool, r->method),
                      cp_refusal_word(reason), cp_refusal_origin(r, reason));
    }
    if (exchange->server->counters) {
        exchange->server->counters->refusals[reason]++;
    }
    if (exchange->engine != CP_ENGINE_ON) {
        return DECLINED;
    }
    exchange->refusal = reason;
    cp_visit_mute(exchange->visit);
    body_shut(exchange, r);
    return cp_refusal_send(exchange, r);
}
