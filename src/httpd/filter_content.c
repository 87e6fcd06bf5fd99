#include "command.h"
#include "enforcement.h"
#include "export.h"
#include "filters.h"
#include "language.h"

#include <http_protocol.h>
#include <util_filter.h>

static ap_filter_rec_t *content_filter;

/* Whether anything can stand between this filter and CP_ISSUE that keeps what
 * passes for others. */
static bool caches;

static int set_cookie_hear(void *data, const char *name, const char *value)
{
    cp_visit_hear(data, cp_span_of(value));
    (void)name;
    return 1;
}

/* What was negotiated by language hangs on django_language as much as on
 * Accept-Language; and which cookies the application sees hangs, where some
 * may be objected to, on Sec-GPC as well. */
static void vary_add(const cp_visit *visit, request_rec *r)
{
    apr_table_t *tables[] = { r->headers_out, r->err_headers_out };
    bool speaks = visit->terms->languages && visit->terms->languages[1]
                  && cp_language(visit);
    bool objects = visit->site->gpc && visit->site->policy->objectable;

    for (int i = 0; i < 2 && (speaks || objects); i++) {
        const char *vary = apr_table_get(tables[i], "Vary");
        bool cookie = vary && ap_find_token(r->pool, vary, "cookie");

        if (speaks && vary && !cookie
            && ap_find_token(r->pool, vary, "accept-language")) {
            apr_table_mergen(tables[i], "Vary", "Cookie");
            cookie = true;
        }
        if (objects && cookie && !ap_find_token(r->pool, vary, "sec-gpc")) {
            apr_table_mergen(tables[i], "Vary", "Sec-GPC");
        }
    }
}

/* The parts of such a page are asked for when its header is on its way, and
 * what they are may hang on the visitor's choice or session. */
static bool has_parts(const cp_exchange *exchange, const request_rec *r)
{
    for (const ap_filter_t *f = r->output_filters;
         exchange->server->requires_visitor && f; f = f->next) {
        if (f->frec->name && strcasecmp(f->frec->name, "INCLUDES") == 0) {
            return true;
        }
    }
    return false;
}

static void application_hear(const cp_exchange *exchange, request_rec *r)
{
    apr_table_do(set_cookie_hear, exchange->visit, r->headers_out,
                 "Set-Cookie", NULL);
    apr_table_do(set_cookie_hear, exchange->visit, r->err_headers_out,
                 "Set-Cookie", NULL);
}

void cp_filter_content_look(cp_exchange *exchange, request_rec *r)
{
    cp_session_change change;
    bool commanded = cp_command_take(exchange, r, &change);
    bool sets = cp_enforcement_finds(r);

    exchange->personal = exchange->personal
                         || (exchange->engine == CP_ENGINE_ON
                             && has_parts(exchange, r));
    if (commanded || exchange->personal || exchange->tokened
        || (exchange->engine == CP_ENGINE_ON && sets)) {
        r->no_cache = 1;
    }
    if (exchange->engine == CP_ENGINE_ON && !exchange->refusal) {
        if (commanded) {
            cp_command_obey(exchange, r, &change);
        }
        if (sets && !exchange->heard) {
            application_hear(exchange, r);
        }
        exchange->heard = true;
        vary_add(exchange->visit, r);
    }
}

static void content_see(cp_exchange *exchange, request_rec *r)
{
    cp_filter_content_look(exchange, r);
    exchange->passed = true;
}

static apr_status_t filter_content(ap_filter_t *f, apr_bucket_brigade *in)
{
    cp_exchange *exchange = cp_exchange_of(f->r);

    ap_remove_output_filter(f);
    if (exchange && exchange->visit) {
        content_see(exchange, f->r);
    }
    return ap_pass_brigade(f->next, in);
}

void cp_filter_content_insert(request_rec *r)
{
    if (caches) {
        ap_add_output_filter_handle(content_filter, NULL, r, r->connection);
    }
}

void cp_filter_content_stand_in(cp_exchange *exchange, request_rec *r)
{
    if (!caches) {
        content_see(exchange, r);
    }
}

static int caches_find(apr_pool_t *pconf, apr_pool_t *plog,
                       apr_pool_t *ptemp, server_rec *main_server)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    (void)main_server;
    caches = ap_find_linked_module("mod_cache.c") != NULL;
    return OK;
}

void cp_filter_content_register(void)
{
    content_filter = ap_register_output_filter(CP_FILTER_CONTENT,
                                               filter_content, NULL,
                                               AP_FTYPE_CONTENT_SET);
    ap_hook_post_config(caches_find, NULL, NULL, APR_HOOK_MIDDLE);
}
