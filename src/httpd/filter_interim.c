/*
 * A 101 that a backend sends goes straight to the connection: no filter of
 * the request sees it. For a request that asks for an upgrade this filter of
 * the connection reads the first bytes that go out, and leaves.
 */
#include "filters.h"

#include <http_connection.h>
#include <util_filter.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define SWITCHING "HTTP/1.1 101"

/* What a first brigade may at most have to be looked at, in bytes. */
#define HEAD_MAX (64 * 1024)

typedef struct watch {
    const cp_exchange *exchange;
    ap_filter_t *filter;
} watch;

static ap_filter_rec_t *interim_filter;

static bool field_is(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncasecmp(line, name, length) == 0 && line[length] == ':';
}

/* Whether a line of the head may go out. */
static bool line_passes(const cp_exchange *exchange, const char *line,
                        size_t length)
{
    const char *header = exchange->server->session_header;
    int managed;

    if (header && field_is(line, header)) {
        return false;
    }
    if (!field_is(line, "Set-Cookie")) {
        return true;
    }
    line += strlen("Set-Cookie:");
    length -= strlen("Set-Cookie:");
    return cp_visit_admits(exchange->visit, cp_span_make(line, length),
                           &managed);
}

/* Copies the head without what may not pass, and all that is behind it. */
static size_t head_clean(const cp_exchange *exchange, const char *text,
                         size_t length, char *out)
{
    const char *end = text + length;
    char *begin = out;

    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t line = stop ? (size_t)(stop - text) + 1
                           : (size_t)(end - text);
        size_t bare = line - (stop != NULL);

        bare -= bare > 0 && text[bare - 1] == '\r';
        if (bare == 0) {
            break;
        }
        if (line_passes(exchange, apr_pstrmemdup(exchange->r->pool, text,
                                                 bare), bare)) {
            memcpy(out, text, line);
            out += line;
        }
        text += line;
    }
    memcpy(out, text, (size_t)(end - text));
    return (size_t)(out - begin) + (size_t)(end - text);
}

static apr_status_t filter_interim(ap_filter_t *f, apr_bucket_brigade *in)
{
    watch *watched = f->ctx;
    apr_off_t size = 0;
    char *text = NULL;
    apr_size_t length = 0;

    if (APR_BRIGADE_EMPTY(in)
        || APR_BUCKET_IS_METADATA(APR_BRIGADE_FIRST(in))) {
        return ap_pass_brigade(f->next, in);
    }
    watched->filter = NULL;
    ap_remove_output_filter(f);
    if (apr_brigade_length(in, 0, &size) == APR_SUCCESS && size >= 0
        && size <= HEAD_MAX
        && apr_brigade_pflatten(in, &text, &length,
                                watched->exchange->r->pool) == APR_SUCCESS
        && length >= sizeof(SWITCHING) - 1
        && memcmp(text, SWITCHING, sizeof(SWITCHING) - 1) == 0) {
        char *clean = apr_palloc(watched->exchange->r->pool, length);

        length = head_clean(watched->exchange, text, length, clean);
        apr_brigade_cleanup(in);
        apr_brigade_write(in, NULL, NULL, clean, length);
        APR_BRIGADE_INSERT_TAIL(in,
                                apr_bucket_flush_create(in->bucket_alloc));
    }
    return ap_pass_brigade(f->next, in);
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
    watch *watched;

    if (!apr_table_get(r->headers_in, "Upgrade")) {
        return;
    }
    watched = apr_pcalloc(r->pool, sizeof(*watched));
    watched->exchange = exchange;
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
