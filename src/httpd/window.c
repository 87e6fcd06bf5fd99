#include "window.h"
#include "form.h"

#include <http_protocol.h>
#include <util_filter.h>

/* The buffer's first size where the body is longer, or of unknown length. */
#define FIRST_CAPACITY (8 * 1024)

/* A body left over that is longer is not worth reading. */
#define DISCARD_MAX (1024 * 1024)

/* So many bytes are asked for at once: httpd reads on as long as there is
 * something, and keeps 8,000 bytes for each packet, be it of a single byte. */
#define PIECE_MAX 128

static ap_filter_rec_t *replay_filter;

/* --- Reading ahead ---------------------------------------------------- */

cp_window *cp_window_open(request_rec *r)
{
    cp_window *window = apr_pcalloc(r->pool, sizeof(*window));

    window->pool = r->pool;
    window->piece = apr_brigade_create(r->pool,
                                       r->connection->bucket_alloc);
    return window;
}

bool cp_window_full(const cp_window *window)
{
    return window->complete || window->length == CP_FORM_WINDOW;
}

/* @return the length that the client claims, or 0 */
static apr_off_t length_sent(const request_rec *r)
{
    const char *sent = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t length = 0;

    return sent && ap_parse_strict_length(&length, sent) ? length : 0;
}

static void window_begin(cp_window *window, const request_rec *r)
{
    apr_off_t length = length_sent(r);

    window->capacity = length > 0 && length <= CP_FORM_WINDOW
                       ? (apr_size_t)length : FIRST_CAPACITY;
    window->bytes = apr_palloc(window->pool, window->capacity);
}

static void window_grow(cp_window *window)
{
    char *bytes;

    window->capacity = window->capacity < CP_FORM_WINDOW / 2
                       ? window->capacity * 2 : CP_FORM_WINDOW;
    bytes = apr_palloc(window->pool, window->capacity);
    memcpy(bytes, window->bytes, window->length);
    window->bytes = bytes;
}

/* Copies a bucket's bytes and lets go of it. */
static apr_status_t bucket_take(cp_window *window, apr_bucket *bucket)
{
    const char *bytes = NULL;
    apr_size_t length = 0;
    apr_status_t status;

    if (APR_BUCKET_IS_EOS(bucket)) {
        window->complete = true;
    }
    if (APR_BUCKET_IS_METADATA(bucket)) {
        apr_bucket_delete(bucket);
        return APR_SUCCESS;
    }
    status = apr_bucket_read(bucket, &bytes, &length, APR_BLOCK_READ);
    if (status == APR_SUCCESS && length > window->capacity - window->length) {
        status = APR_EGENERAL;  /* more than was asked for */
    }
    if (status == APR_SUCCESS) {
        memcpy(window->bytes + window->length, bytes, length);
        window->length += length;
        apr_bucket_delete(bucket);
    }
    return status;
}

static apr_status_t piece_read(cp_window *window, request_rec *r)
{
    apr_size_t before = window->length;
    apr_size_t room = window->capacity - window->length;
    apr_status_t status = ap_get_brigade(
        r->input_filters, window->piece, AP_MODE_READBYTES, APR_BLOCK_READ,
        room < PIECE_MAX ? (apr_off_t)room : PIECE_MAX);

    while (status == APR_SUCCESS && !APR_BRIGADE_EMPTY(window->piece)) {
        status = bucket_take(window, APR_BRIGADE_FIRST(window->piece));
    }
    apr_brigade_cleanup(window->piece);
    if (status == APR_SUCCESS && window->length == before
        && !window->complete) {
        status = APR_EGENERAL;  /* or it would never end */
    }
    return status;
}

static void body_shut(cp_window *window, request_rec *r)
{
    window->shut = true;
    apr_table_unset(r->headers_in, "Content-Length");
    apr_table_unset(r->headers_in, "Transfer-Encoding");
    cp_window_replay(window, r);
}

int cp_window_read(cp_window *window, request_rec *r)
{
    apr_status_t status;

    if (!window->bytes) {
        window_begin(window, r);
    }
    else if (window->length == window->capacity) {
        window_grow(window);
    }
    status = piece_read(window, r);
    if (status == APR_SUCCESS) {
        return OK;
    }
    r->connection->keepalive = AP_CONN_CLOSE;
    body_shut(window, r);
    return ap_map_http_request_error(status, HTTP_BAD_REQUEST);
}

/* --- Giving back ------------------------------------------------------ */

/* How much of the rest a read gets. */
static apr_size_t slice_length(const cp_window *window, ap_input_mode_t mode,
                               apr_off_t readbytes)
{
    const char *begin = window->bytes + window->given;
    apr_size_t rest = window->length - window->given;
    const char *stop;

    switch (mode) {
    case AP_MODE_GETLINE:
        if (rest > HUGE_STRING_LEN) {
            rest = HUGE_STRING_LEN;
        }
        stop = memchr(begin, APR_ASCII_LF, rest);
        return stop ? (apr_size_t)(stop - begin) + 1 : rest;
    case AP_MODE_EXHAUSTIVE:
        return rest;
    default:
        return readbytes < (apr_off_t)rest ? (apr_size_t)readbytes : rest;
    }
}

static void eos_append(const ap_filter_t *f, apr_bucket_brigade *out)
{
    APR_BRIGADE_INSERT_TAIL(out, apr_bucket_eos_create(f->c->bucket_alloc));
}

/* Slices of the window, as httpd's HTTP_IN gives them of a body: the end comes
 * with the last one. When all is given the filter leaves. */
static apr_status_t replay(ap_filter_t *f, apr_bucket_brigade *out,
                           ap_input_mode_t mode, apr_read_type_e block,
                           apr_off_t readbytes)
{
    cp_window *window = f->ctx;
    apr_size_t length;

    if (mode == AP_MODE_INIT || mode == AP_MODE_EATCRLF) {
        return ap_get_brigade(f->next, out, mode, block, readbytes);
    }
    if (window->shut) {
        eos_append(f, out);
        return APR_SUCCESS;
    }
    if (window->given == window->length) {
        ap_remove_input_filter(f);
        return ap_get_brigade(f->next, out, mode, block, readbytes);
    }
    length = slice_length(window, mode, readbytes);
    APR_BRIGADE_INSERT_TAIL(out, apr_bucket_pool_create(
        window->bytes + window->given, length, window->pool,
        f->c->bucket_alloc));
    if (mode == AP_MODE_SPECULATIVE) {
        return APR_SUCCESS;
    }
    window->given += length;
    if (window->given == window->length) {
        if (window->complete) {
            eos_append(f, out);
        }
        ap_remove_input_filter(f);
    }
    return APR_SUCCESS;
}

static bool has_replay(const request_rec *r)
{
    for (const ap_filter_t *f = r->input_filters; f; f = f->next) {
        if (f->frec == replay_filter) {
            return true;
        }
    }
    return false;
}

void cp_window_replay(cp_window *window, request_rec *r)
{
    if ((window->shut || window->given < window->length)
        && !has_replay(r)) {
        ap_add_input_filter_handle(replay_filter, window, r, r->connection);
    }
}

/* --- Shutting --------------------------------------------------------- */

/* ap_discard_request_body() would do nothing on a connection that is not to
 * be kept, as each stream of HTTP/2 is; but a client may not hear an answer
 * before it has sent its body. @return whether the end was read */
static bool rest_read(const cp_window *window, request_rec *r)
{
    apr_bucket_brigade *piece = window->piece;
    bool goes_on = true, ended = false;

    while (goes_on && !ended) {
        goes_on = ap_get_brigade(r->input_filters, piece, AP_MODE_READBYTES,
                                 APR_BLOCK_READ, PIECE_MAX)
                  == APR_SUCCESS && !APR_BRIGADE_EMPTY(piece);
        ended = goes_on && APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(piece));
        apr_brigade_cleanup(piece);
    }
    return ended;
}

/* A client that waits to be asked for the body is not asked, and a stream
 * without a length may be meant never to end. */
static bool rest_discard(const cp_window *window, request_rec *r)
{
    apr_off_t length = length_sent(r);

    if (window->complete || !ap_request_has_body(r)) {
        return true;
    }
    return length > 0 && length <= DISCARD_MAX && !r->expecting_100
           && rest_read(window, r);
}

void cp_window_shut(cp_window *window, request_rec *r)
{
    if (!rest_discard(window, r)) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    body_shut(window, r);
}

void cp_window_register(void)
{
    /* Next to the protocol's own filter, so that whatever decodes a body
     * reads it from here. */
    replay_filter = ap_register_input_filter("CP_REPLAY", replay, NULL,
                                             AP_FTYPE_PROTOCOL - 1);
}
