#include "nonce.h"
#include "csp.h"

/* As mod_cspnonce calls it. */
#define VARIABLE "CSP_NONCE"

static cp_span nonce_in(const request_rec *r, const apr_table_t *table,
                        const char *header)
{
    const char *policies = apr_table_getm(r->pool, table, header);

    return policies ? cp_csp_nonce(cp_span_of(policies)) : CP_SPAN_NONE;
}

static cp_span nonce_by(const request_rec *r, const char *header)
{
    cp_span nonce = nonce_in(r, r->headers_out, header);

    return nonce.at ? nonce : nonce_in(r, r->err_headers_out, header);
}

cp_span cp_nonce_of(const request_rec *r, const cp_page_fields *fields)
{
    cp_span nonce = fields->policy ? nonce_by(r, "Content-Security-Policy")
                                   : CP_SPAN_NONE;
    cp_span said;

    if (nonce.at) {
        return nonce;
    }
    said = cp_span_of(apr_table_get(r->subprocess_env, VARIABLE));
    if (said.at && cp_csp_is_nonce(said)) {
        return said;
    }
    return fields->policy
           ? nonce_by(r, "Content-Security-Policy-Report-Only")
           : CP_SPAN_NONE;
}
