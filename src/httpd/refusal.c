#include "refusal.h"
#include "problem.h"

#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>

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
    if (cp_problem_is_documented(r, HTTP_FORBIDDEN)) {
        apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
        return HTTP_FORBIDDEN;
    }
    r->status = HTTP_FORBIDDEN;
    r->output_filters = r->proto_output_filters;
    ap_run_insert_error_filter(r);
    cp_problem_tell(exchange, r, &problem, NULL);
    return DONE;
}
