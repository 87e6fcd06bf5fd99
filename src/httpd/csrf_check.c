#include "csrf_check.h"
#include "csrf.h"
#include "form.h"
#include "origin.h"
#include "refusal.h"
#include "session.h"
#include "throttle.h"

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>
#include <util_filter.h>

static cp_throttle refusals = { .lines = 10, .period = 1 };

#define REPLAY "CP_REPLAY"

/* --- Reading ahead ---------------------------------------------------- */

/* The window's bytes as one span. */
static apr_status_t window_flatten(cp_exchange *exchange, request_rec *r,
                                   cp_span *body)
{
    char *bytes = NULL;
    apr_size_t length = 0;
    apr_status_t status = apr_brigade_pflatten(exchange->window, &bytes,
                                               &length, r->pool);

    *body = cp_span_make(bytes ? bytes : "", length);
    return status;
}

/* Reads up to a window of the body into exchange->window, and sets aside
 * what lies in others' memory. @return OK or an HTTP status */
static int window_read(cp_exchange *exchange, request_rec *r, bool *complete)
{
    apr_bucket_brigade *piece = apr_brigade_create(
        r->pool, r->connection->bucket_alloc);
    apr_off_t length = 0;

    *complete = false;
    exchange->window = apr_brigade_create(r->pool,
                                          r->connection->bucket_alloc);
    while (!*complete && length < CP_FORM_WINDOW) {
        apr_status_t status = ap_get_brigade(r->input_filters, piece,
                                             AP_MODE_READBYTES,
                                             APR_BLOCK_READ,
                                             CP_FORM_WINDOW - length);
        apr_off_t more = 0;

        if (status == APR_SUCCESS) {
            status = apr_brigade_length(piece, 1, &more);
        }
        if (status != APR_SUCCESS) {
            return ap_map_http_request_error(status, HTTP_BAD_REQUEST);
        }
        if (APR_BRIGADE_EMPTY(piece)) {
            return HTTP_BAD_REQUEST;
        }
        *complete = APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(piece));
        length += more;
        ap_save_brigade(NULL, &exchange->window, &piece, r->pool);
    }
    return OK;
}

/* --- Giving back ------------------------------------------------------ */

/* The window's buckets first, as many as are asked for; when they are used
 * up the filter leaves. */
static apr_status_t replay(ap_filter_t *f, apr_bucket_brigade *out,
                           ap_input_mode_t mode, apr_read_type_e block,
                           apr_off_t readbytes)
{
    cp_exchange *exchange = f->ctx;
    apr_bucket *end = NULL;
    apr_status_t status;

    if (APR_BRIGADE_EMPTY(exchange->window)) {
        ap_remove_input_filter(f);
        return ap_get_brigade(f->next, out, mode, block, readbytes);
    }
    switch (mode) {
    case AP_MODE_READBYTES:
    case AP_MODE_SPECULATIVE:
        status = apr_brigade_partition(exchange->window, readbytes, &end);
        if (status != APR_SUCCESS && status != APR_INCOMPLETE) {
            return status;
        }
        break;
    case AP_MODE_GETLINE:
        return apr_brigade_split_line(out, exchange->window, block,
                                      HUGE_STRING_LEN);
    case AP_MODE_EXHAUSTIVE:
        end = APR_BRIGADE_SENTINEL(exchange->window);
        break;
    default:
        return ap_get_brigade(f->next, out, mode, block, readbytes);
    }
    while (!APR_BRIGADE_EMPTY(exchange->window)
           && APR_BRIGADE_FIRST(exchange->window) != end) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(exchange->window);

        if (mode == AP_MODE_SPECULATIVE) {
            apr_bucket *copy = NULL;

            for (; bucket != end
                   && bucket != APR_BRIGADE_SENTINEL(exchange->window);
                 bucket = APR_BUCKET_NEXT(bucket)) {
                status = apr_bucket_copy(bucket, &copy);
                if (status != APR_SUCCESS) {
                    return status;
                }
                APR_BRIGADE_INSERT_TAIL(out, copy);
            }
            break;
        }
        APR_BUCKET_REMOVE(bucket);
        APR_BRIGADE_INSERT_TAIL(out, bucket);
    }
    return APR_SUCCESS;
}

static bool has_filter(const request_rec *r)
{
    for (const ap_filter_t *f = r->input_filters; f; f = f->next) {
        if (f->frec->name && strcasecmp(f->frec->name, REPLAY) == 0) {
            return true;
        }
    }
    return false;
}

void cp_csrf_replay(const cp_exchange *exchange, request_rec *r)
{
    if (exchange->window && !APR_BRIGADE_EMPTY(exchange->window)
        && !has_filter(r)) {
        ap_add_input_filter(REPLAY, (void *)exchange, r, r->connection);
    }
}

/* --- The check -------------------------------------------------------- */

static bool is_urlencoded(const request_rec *r)
{
    static const char type[] = "application/x-www-form-urlencoded";
    const char *sent = apr_table_get(r->headers_in, "Content-Type");

    return sent && strncasecmp(sent, type, sizeof(type) - 1) == 0
           && (sent[sizeof(type) - 1] == '\0'
               || strchr("; \t", sent[sizeof(type) - 1]));
}

/* @return OK, with the reason of a refusal or NULL; or an HTTP status */
static int token_check(cp_exchange *exchange, request_rec *r,
                       cp_refusal *reason)
{
    cp_visit *visit = exchange->visit;
    const char *header = apr_table_get(r->headers_in, "X-CSRFToken");
    bool complete = true;
    cp_span body, token;
    int status;

    *reason = CP_REFUSAL_NONE;
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
    if (!is_urlencoded(r) || !ap_request_has_body(r)) {
        return OK;
    }
    status = window_read(exchange, r, &complete);
    if (status != OK) {
        return status;
    }
    cp_csrf_replay(exchange, r);
    if (window_flatten(exchange, r, &body) != APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (cp_form_token(body, complete, &token)) {
        *reason = cp_csrf_check(visit, token) ? CP_REFUSAL_NONE
                                             : CP_REFUSAL_TOKEN;
    }
    else if (!complete) {
        *reason = CP_REFUSAL_WINDOW;
    }
    return OK;
}

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

static bool is_safe(const request_rec *r)
{
    return r->method_number == M_GET || r->method_number == M_OPTIONS
           || r->method_number == M_TRACE;
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

int cp_csrf_check_request(cp_exchange *exchange, request_rec *r)
{
    cp_refusal reason = CP_REFUSAL_NONE;
    int status;

    /* Browsers send reports from where they like, and without a token. */
    if (exchange->checked || exchange->page == CP_PAGE_REPORT
        || (is_safe(r) && !is_websocket(r))) {
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
    if (exchange->engine != CP_ENGINE_ON) {
        return DECLINED;
    }
    exchange->refusal = reason;
    cp_visit_mute(exchange->visit);
    return cp_refusal_send(exchange, r);
}

void cp_csrf_check_register(apr_pool_t *pool)
{
    (void)pool;
    /* Next to the protocol's own filter, so that whatever decodes a body
     * reads it from here. */
    ap_register_input_filter(REPLAY, replay, NULL, AP_FTYPE_PROTOCOL - 1);
}
