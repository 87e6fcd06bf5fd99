/*
 * A 100 or 101 that a backend sends goes straight to the connection, and from
 * mod_proxy_wstunnel so does whatever it sends: no filter of the request sees
 * it. For a request that asks for an upgrade, or waits for a 100, this filter
 * of the connection holds the head that goes out, cleans it, and leaves.
 */
#include "enforcement.h"
#include "filters.h"

#include <http_connection.h>
#include <util_filter.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* A head that is longer is none, in bytes. */
#define HEAD_MAX (1024 * 1024)

typedef struct watch {
    const cp_exchange *exchange;
    ap_filter_t *filter;
    const char *text;           /* of the head, as far as it came */
    size_t held;
} watch;

static ap_filter_rec_t *interim_filter;

static bool field_is(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncasecmp(line, name, length) == 0 && line[length] == ':';
}

/* A line of the head as it may go out, or NULL. */
static const char *line_clean(const cp_exchange *exchange, const char *line)
{
    const char *header = exchange->server->session_header;
    const char *value, *kept;

    if (header && field_is(line, header)) {
        return NULL;
    }
    if (field_is(line, "Set-Cookie2")) {
        return NULL;
    }
    if (!field_is(line, "Set-Cookie")) {
        return line;
    }
    value = line + strlen("Set-Cookie:");
    kept = cp_enforcement_line(exchange, exchange->r, value);
    return !kept ? NULL : kept == value ? line
           : apr_pstrcat(exchange->r->pool, "Set-Cookie:", kept, NULL);
}

/* Writes the head without what may not pass, and all that is behind it. */
static void head_clean(const cp_exchange *exchange, const char *text,
                       size_t length, apr_bucket_brigade *out)
{
    const char *end = text + length;

    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t line = stop ? (size_t)(stop - text) + 1
                           : (size_t)(end - text);
        size_t bare = line - (stop != NULL);
        const char *kept;

        bare -= bare > 0 && text[bare - 1] == '\r';
        if (bare == 0) {
            break;
        }
        kept = line_clean(exchange, apr_pstrmemdup(exchange->r->pool, text,
                                                   bare));
        if (kept) {
            apr_brigade_puts(out, NULL, NULL, kept);
            apr_brigade_write(out, NULL, NULL, text + bare, line - bare);
        }
        text += line;
    }
    apr_brigade_write(out, NULL, NULL, text, (size_t)(end - text));
}

/* Where the head ends in what is held, or 0. */
static size_t head_end(const char *text, size_t length)
{
    for (size_t i = 0; i + 1 < length; i++) {
        if (text[i] == '\n'
            && (text[i + 1] == '\n'
                || (i + 2 < length && text[i + 1] == '\r'
                    && text[i + 2] == '\n'))) {
            return i + 1;
        }
    }
    return 0;
}

/* Whether what is held is a head, or may become one. */
static bool is_head(const watch *watched)
{
    static const char begin[] = "HTTP/";
    size_t known = sizeof(begin) - 1;

    return memcmp(watched->text, begin,
                  watched->held < known ? watched->held : known) == 0;
}

/* Whether another head follows: 1xx, but not 101. */
static bool is_interim(const watch *watched)
{
    const char *status = memchr(watched->text, ' ', watched->held);
    size_t rest = status ? watched->held
                           - (size_t)(status - watched->text) : 0;

    return rest > 3 && status[1] == '1' && memcmp(status + 1, "101", 3) != 0;
}

static bool has_data(const apr_bucket_brigade *in)
{
    for (const apr_bucket *bucket = APR_BRIGADE_FIRST(in);
         bucket != APR_BRIGADE_SENTINEL(in);
         bucket = APR_BUCKET_NEXT(bucket)) {
        if (!APR_BUCKET_IS_METADATA(bucket)) {
            return true;
        }
    }
    return false;
}

/* Adds a brigade to what is held. */
static apr_status_t hold(watch *watched, apr_bucket_brigade *in)
{
    apr_pool_t *pool = watched->exchange->r->pool;
    char *text = NULL;
    apr_size_t length = 0;
    apr_status_t status = apr_brigade_pflatten(in, &text, &length, pool);

    apr_brigade_cleanup(in);
    if (status == APR_SUCCESS && watched->held + length > HEAD_MAX) {
        status = APR_ENOSPC;
    }
    if (status == APR_SUCCESS) {
        char *all = apr_palloc(pool, watched->held + length + 1);

        memcpy(all, watched->text, watched->held);
        memcpy(all + watched->held, text, length);
        watched->text = all;
        watched->held += length;
    }
    return status;
}

static apr_status_t leave(ap_filter_t *f, apr_bucket_brigade *in)
{
    watch *watched = f->ctx;

    watched->filter = NULL;
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, in);
}

static apr_status_t filter_interim(ap_filter_t *f, apr_bucket_brigade *in)
{
    watch *watched = f->ctx;
    apr_status_t status;

    if (!watched->held && watched->exchange->issued) {
        return leave(f, in);    /* an answer of httpd's own */
    }
    if (!watched->held && !has_data(in)) {
        return ap_pass_brigade(f->next, in);
    }
    status = hold(watched, in);
    if (status != APR_SUCCESS) {
        f->c->aborted = 1;      /* rather nothing than what was not read */
        return status;
    }
    if (!is_head(watched)) {
        apr_brigade_write(in, NULL, NULL, watched->text, watched->held);
        APR_BRIGADE_INSERT_TAIL(in,
                                apr_bucket_flush_create(in->bucket_alloc));
        return leave(f, in);
    }
    if (!head_end(watched->text, watched->held)) {
        return APR_SUCCESS;
    }
    head_clean(watched->exchange, watched->text, watched->held, in);
    APR_BRIGADE_INSERT_TAIL(in, apr_bucket_flush_create(in->bucket_alloc));
    if (is_interim(watched)) {
        watched->held = 0;
        return ap_pass_brigade(f->next, in);
    }
    return leave(f, in);
}

static apr_status_t watch_end(void *data)
{
    watch *watched = data;

    if (watched->filter) {
        ap_remove_output_filter(watched->filter);
    }
    return APR_SUCCESS;
}

void cp_filter_interim_insert(const cp_exchange *exchange, request_rec *r)
{
    watch *watched = apr_pcalloc(r->pool, sizeof(*watched));

    watched->exchange = exchange;
    watched->text = "";
    watched->filter = ap_add_output_filter_handle(interim_filter, watched,
                                                  NULL, r->connection);
    apr_pool_cleanup_register(r->pool, watched, watch_end,
                              apr_pool_cleanup_null);
}

void cp_filter_interim_register(void)
{
    interim_filter = ap_register_output_filter(CP_FILTER_INTERIM,
                                               filter_interim, NULL,
                                               AP_FTYPE_CONNECTION);
}
