#include "refusal.h"
#include "problem.h"

#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>
#include <apr_strings.h>

/* A body left over that is longer is not worth reading: the connection is
 * closed instead. */
#define DISCARD_MAX (1024 * 1024)

#define SHIELD "CP_SHIELD"

/* --- The body ------------------------------------------------------------- */

/* What is left of a short body is read, so that the connection can go on. */
static bool rest_read(request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t bytes = 0;

    return length && ap_parse_strict_length(&bytes, length)
           && bytes <= DISCARD_MAX && ap_discard_request_body(r) == OK;
}

/* No trace of it may reach what answers: it might wait for it. */
static void body_drop(request_rec *r)
{
    if (ap_request_has_body(r) && !rest_read(r)) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    apr_table_unset(r->headers_in, "Content-Length");
    apr_table_unset(r->headers_in, "Transfer-Encoding");
}

static apr_status_t nothing(ap_filter_t *f, apr_bucket_brigade *out,
                            ap_input_mode_t mode, apr_read_type_e block,
                            apr_off_t readbytes)
{
    (void)mode;
    (void)block;
    (void)readbytes;
    APR_BRIGADE_INSERT_TAIL(out, apr_bucket_eos_create(f->c->bucket_alloc));
    return APR_SUCCESS;
}

void cp_refusal_shield(request_rec *r)
{
    ap_add_input_filter(SHIELD, NULL, r, r->connection);
}

/* --- The log -------------------------------------------------------------- */

#define ORIGIN_MAX 100

#define ORIGIN_CHARACTERS "abcdefghijklmnopqrstuvwxyz" \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/.-_[]"

/* Of a Referer no more than its origin: the rest may be a secret. */
static apr_size_t origin_length(const char *text)
{
    const char *authority = strstr(text, "://");

    return authority ? (apr_size_t)(authority + 3 - text)
                       + strcspn(authority + 3, "/?#")
                     : strcspn(text, "/?#");
}

const char *cp_refusal_origin(const request_rec *r, cp_refusal refusal)
{
    const char *named = refusal == CP_REFUSAL_CROSS_SITE
                        || refusal == CP_REFUSAL_ORIGIN
                        ? apr_table_get(r->headers_in, "Origin") : NULL;
    apr_size_t length;
    char *shown;

    if (!named && (refusal == CP_REFUSAL_CROSS_SITE
                   || refusal == CP_REFUSAL_REFERER)) {
        named = apr_table_get(r->headers_in, "Referer");
    }
    length = named ? origin_length(named) : 0;
    if (length == 0) {
        return "";
    }
    shown = apr_pstrmemdup(r->pool, named,
                           length < ORIGIN_MAX ? length : ORIGIN_MAX);
    for (char *c = shown; *c; c++) {
        *c = strchr(ORIGIN_CHARACTERS, *c) ? *c : '?';
    }
    return apr_pstrcat(r->pool, " from ", shown, NULL);
}

/* --- The answer ----------------------------------------------------------- */

/* The policy page says what is done with cookies, and how to choose. */
static cp_problem problem_of(cp_refusal refusal, apr_pool_t *pool)
{
    const char *word = cp_refusal_word(refusal);

    return (cp_problem){
        .status = HTTP_FORBIDDEN,
        .error = "csrf",
        .reason = word,
        .title = "refusal.title",
        .what = apr_pstrcat(pool, "refusal.", word, ".what", NULL),
        .cure = apr_pstrcat(pool, "refusal.", word, ".cure", NULL),
        .link = refusal == CP_REFUSAL_NO_COOKIE ? "page.title" : NULL,
    };
}

int cp_refusal_send(const cp_exchange *exchange, request_rec *r)
{
    cp_problem problem = problem_of(exchange->refusal, r->pool);

    apr_table_setn(r->subprocess_env, "COOKIEPOLICY_REFUSED",
                   problem.reason);
    r->status = HTTP_FORBIDDEN; /* so that nobody asks for a body to come */
    body_drop(r);
    if (cp_problem_is_documented(r, HTTP_FORBIDDEN)) {
        /* httpd takes another status for an error of ErrorDocument's. */
        r->status = HTTP_OK;
        apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
        return HTTP_FORBIDDEN;
    }
    r->output_filters = r->proto_output_filters;
    ap_run_insert_error_filter(r);
    cp_problem_tell(exchange, r, &problem, NULL);
    return DONE;
}

void cp_refusal_register(void)
{
    ap_register_input_filter(SHIELD, nothing, NULL, AP_FTYPE_PROTOCOL - 1);
}
