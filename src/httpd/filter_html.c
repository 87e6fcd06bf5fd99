/*
 * Puts the token into the pages of an application that knows of none: a field
 * into each form that posts to the page's own origin, and a <meta> for script.
 * What goes through is passed on piece by piece; no more is held than the
 * begin of one tag.
 */
#include "csrf.h"
#include "filters.h"
#include "form.h"
#include "html.h"

#include <http_protocol.h>
#include <util_filter.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* So much may come together before it is passed on, in bytes. */
#define PASS_AT (32 * 1024)

typedef struct injector {
    cp_exchange *exchange;
    cp_html *html;
    const char *meta;               /* with the token, masked once for all of */
    const char *field;              /* the page */
    apr_bucket_brigade *out;
    apr_size_t out_length;
    char held[CP_HTML_HELD_MAX];    /* of pieces that are gone */
    apr_size_t held_length;
} injector;

static ap_filter_rec_t *html_filter;

/* --- Whether ---------------------------------------------------------- */

/* Whether the bytes of ASCII mean in a charset what they mean in ASCII. */
static bool is_superset(const char *charset)
{
    static const char *const others[] = {
        "utf-16", "utf16", "utf-32", "utf32", "utf-7", "ucs-", "iso-10646",
        "csucs", "unicode", "iso-2022", "csiso2022", "hz-gb", "x-imap",
        "ebcdic", "ibm0", "ibm5", "ibm1", "cp0", "cp5", "cp10", NULL
    };

    for (int i = 0; others[i]; i++) {
        if (strncasecmp(charset, others[i], strlen(others[i])) == 0) {
            return false;
        }
    }
    return true;
}

static bool is_html(const char *type)
{
    return type && strncasecmp(type, "text/html", 9) == 0
           && (!type[9] || strchr("; \t", type[9]));
}

static bool is_readable_html(const request_rec *r)
{
    const char *type = r->content_type;
    const char *charset;

    if (!is_html(type)
        || apr_table_get(r->headers_out, "Content-Encoding")
        || apr_table_get(r->err_headers_out, "Content-Encoding")
        || r->content_encoding) {
        return false;
    }
    charset = ap_strcasestr(type, "charset=");
    if (charset) {
        charset += strlen("charset=");
        charset += strspn(charset, "\"' ");
    }
    return !charset || is_superset(charset);
}

/* A page of two or four bytes a character that says so only by its first
 * ones. */
static bool begins_wide(apr_bucket_brigade *in)
{
    const char *text = NULL;
    apr_size_t length = 0;

    for (apr_bucket *bucket = APR_BRIGADE_FIRST(in);
         bucket != APR_BRIGADE_SENTINEL(in);
         bucket = APR_BUCKET_NEXT(bucket)) {
        if (APR_BUCKET_IS_METADATA(bucket)) {
            continue;
        }
        if (apr_bucket_read(bucket, &text, &length, APR_BLOCK_READ)
            != APR_SUCCESS || length) {
            break;
        }
    }
    return length >= 2
           && (memchr(text, '\0', length < 4 ? length : 4)
               || memcmp(text, "\xfe\xff", 2) == 0
               || memcmp(text, "\xff\xfe", 2) == 0);
}

static bool is_wanted(const cp_exchange *exchange, const request_rec *r,
                      apr_bucket_brigade *in)
{
    return !exchange->refusal && r->status != HTTP_PARTIAL_CONTENT
           && r->status != HTTP_NOT_MODIFIED && is_readable_html(r)
           && !begins_wide(in);
}

/* The page is not the one that was there, nor is it anybody's. */
static void headers_change(request_rec *r)
{
    static const char *const gone[] = {
        "Content-Length", "Content-MD5", "Digest", "ETag", "Last-Modified",
        "Accept-Ranges", NULL
    };

    for (int i = 0; gone[i]; i++) {
        apr_table_unset(r->headers_out, gone[i]);
        if (!apr_is_empty_table(r->err_headers_out)) {
            apr_table_unset(r->err_headers_out, gone[i]);
        }
    }
    apr_table_unset(r->headers_in, "Range");
    r->no_cache = 1;
}

/* A visitor who may not be given a cookie now gets a page whose forms would
 * be refused: no cache may give it to him, or to others, when they have one. */
static void page_forget(request_rec *r)
{
    headers_change(r);
    apr_table_unset(r->headers_out, "Cache-Control");
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
}

/* --- What ------------------------------------------------------------- */

static void bucket_add(injector *into, apr_bucket *bucket)
{
    APR_BRIGADE_INSERT_TAIL(into->out, bucket);
    into->out_length += bucket->length;
}

/* Copied, since a bucket that points into a pool keeps a note there of itself
 * to the end of the page. */
static void token_add(injector *into, cp_html_place place)
{
    const char *text = place == CP_HTML_HEAD ? into->meta : into->field;

    bucket_add(into, apr_bucket_heap_create(text, strlen(text), NULL,
                                            into->out->bucket_alloc));
}

/* --- Pieces ----------------------------------------------------------- */

/* Moves the first bytes of a bucket on. @return the bucket with the rest, or
 * NULL where there is none */
static apr_bucket *bytes_move(injector *into, apr_bucket *bucket,
                              apr_size_t bytes)
{
    apr_bucket *rest = NULL;

    if (bytes == 0) {
        return bucket;
    }
    if (bytes < bucket->length) {
        apr_bucket_split(bucket, bytes);
        rest = APR_BUCKET_NEXT(bucket);
    }
    APR_BUCKET_REMOVE(bucket);
    bucket_add(into, bucket);
    return rest;
}

/* Sends what is held of pieces that are gone, but for the last bytes. */
static void held_send(injector *into, apr_size_t kept)
{
    apr_size_t sent = into->held_length - kept;

    if (sent) {
        bucket_add(into, apr_bucket_heap_create(into->held, sent, NULL,
                                                into->out->bucket_alloc));
    }
    memmove(into->held, into->held + sent, kept);
    into->held_length = kept;
}

/* Of bytes that were read, and those held before them, the last @a held stay
 * back; the others go on. @return the bucket with what stays back of it and
 * all behind it */
static apr_bucket *bytes_send(injector *into, apr_bucket *bucket,
                              apr_size_t read, apr_size_t held)
{
    if (held > read) {
        held_send(into, held - read);
        return bucket;
    }
    held_send(into, 0);
    return bytes_move(into, bucket, read - held);
}

/* What stays back at the end of a piece is copied. */
static void tail_hold(injector *into, apr_bucket *bucket, const char *text,
                      apr_size_t length)
{
    memcpy(into->held + into->held_length, text, length);
    into->held_length += length;
    apr_bucket_delete(bucket);
}

/* Reads a piece and moves it on, with what is to be put in. */
static void piece_read(injector *into, apr_bucket *bucket, const char *text,
                       apr_size_t length)
{
    cp_span rest = cp_span_make(text, length);
    apr_size_t pending = 0;     /* bytes of the bucket before rest */

    while (rest.length) {
        const char *begin = rest.at;
        apr_size_t held = 0;
        cp_html_place place = cp_html_next(into->html, &rest, &held);

        pending += (apr_size_t)(rest.at - begin);
        bucket = bytes_send(into, bucket, pending, held);
        pending = held > pending ? pending : held;
        if (place != CP_HTML_NONE) {
            token_add(into, place);
        }
    }
    if (pending) {
        tail_hold(into, bucket, rest.at - pending, pending);
    }
}

static apr_status_t pass(ap_filter_t *f)
{
    injector *into = f->ctx;
    apr_status_t status = APR_SUCCESS;

    if (!APR_BRIGADE_EMPTY(into->out)) {
        status = ap_pass_brigade(f->next, into->out);
        apr_brigade_cleanup(into->out);
        into->out_length = 0;
    }
    return status;
}

/* What comes next may take its time: the client need not wait for what is
 * there. */
static apr_status_t pass_now(ap_filter_t *f)
{
    injector *into = f->ctx;

    APR_BRIGADE_INSERT_TAIL(into->out,
                            apr_bucket_flush_create(
                                into->out->bucket_alloc));
    return pass(f);
}

static void metadata_move(injector *into, apr_bucket *bucket)
{
    if (APR_BUCKET_IS_EOS(bucket)) {
        held_send(into, 0);
        if (cp_html_ends_in_form(into->html)) {
            token_add(into, CP_HTML_FORM);
        }
    }
    APR_BUCKET_REMOVE(bucket);
    APR_BRIGADE_INSERT_TAIL(into->out, bucket);
}

static apr_status_t bucket_read(ap_filter_t *f, apr_bucket *bucket)
{
    const char *text = NULL;
    apr_size_t length = 0;
    apr_status_t status = apr_bucket_read(bucket, &text, &length,
                                          APR_NONBLOCK_READ);

    if (APR_STATUS_IS_EAGAIN(status)) {
        status = pass_now(f);
        if (status == APR_SUCCESS) {
            status = apr_bucket_read(bucket, &text, &length, APR_BLOCK_READ);
        }
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (length == 0) {
        apr_bucket_delete(bucket);
        return APR_SUCCESS;
    }
    piece_read(f->ctx, bucket, text, length);
    return APR_SUCCESS;
}

static apr_status_t brigade_read(ap_filter_t *f, apr_bucket_brigade *in)
{
    injector *into = f->ctx;

    while (!APR_BRIGADE_EMPTY(in)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(in);
        apr_status_t status = APR_SUCCESS;

        if (APR_BUCKET_IS_METADATA(bucket)) {
            metadata_move(into, bucket);
        }
        else {
            status = bucket_read(f, bucket);
        }
        if (status == APR_SUCCESS && into->out_length >= PASS_AT) {
            status = pass(f);
        }
        if (status != APR_SUCCESS) {
            return status;
        }
    }
    return pass(f);
}

/* @return NULL where no token can be had */
static injector *injector_make(cp_exchange *exchange, request_rec *r)
{
    const char *token = cp_csrf_masked(exchange->visit);
    injector *into = apr_pcalloc(r->pool, sizeof(*into));
    cp_html_origin *own = apr_pcalloc(r->pool, sizeof(*own));

    if (!token) {
        return NULL;
    }
    own->scheme = exchange->origin.scheme;
    own->host = exchange->origin.host;
    own->port = exchange->origin.port;
    into->exchange = exchange;
    into->meta = apr_pstrcat(r->pool, "<meta name=\"csrf-token\" content=\"",
                             token, "\">", NULL);
    into->field = apr_pstrcat(r->pool, "<input type=\"hidden\" name=\""
                              CP_FORM_FIELD "\" value=\"", token, "\">",
                              NULL);
    into->html = cp_html_make(own, CP_FORM_FIELD, r->pool);
    into->out = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    return into;
}

/* What becomes of the page. @return NULL where it is left alone */
static injector *page_begin(cp_exchange *exchange, request_rec *r,
                            apr_bucket_brigade *in)
{
    injector *into;

    cp_filter_content_look(exchange, r);
    if (!is_wanted(exchange, r, in)) {
        return NULL;
    }
    into = injector_make(exchange, r);
    if (!into) {
        page_forget(r);
        return NULL;
    }
    headers_change(r);
    exchange->tokened = true;
    cp_visit_need(exchange->visit, CP_CSRF);
    return into;
}

static apr_status_t filter_html(ap_filter_t *f, apr_bucket_brigade *in)
{
    cp_exchange *exchange = cp_exchange_of(f->r);

    if (!f->ctx && exchange && exchange->visit) {
        f->ctx = page_begin(exchange, f->r, in);
    }
    if (!f->ctx) {
        ap_remove_output_filter(f);
        return ap_pass_brigade(f->next, in);
    }
    return brigade_read(f, in);
}

/* The copy of a page that a client asks to have confirmed is from before the
 * page had tokens, since with one it has no validator. Of which type the
 * answer will be is known of files alone; but browsers say where they want a
 * page. */
static void conditions_drop(request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");

    if (is_html(r->content_type)
        || (accept && ap_strcasestr(accept, "text/html"))) {
        apr_table_unset(r->headers_in, "If-None-Match");
        apr_table_unset(r->headers_in, "If-Modified-Since");
    }
}

void cp_filter_html_insert(const cp_exchange *exchange, request_rec *r)
{
    if (exchange->dir->inject == 1 && exchange->engine == CP_ENGINE_ON
        && exchange->page == CP_PAGE_NONE
        && exchange->visit->terms->csrf == CP_CSRF_ON) {
        conditions_drop(r);
        ap_add_output_filter_handle(html_filter, NULL, r, r->connection);
    }
}

void cp_filter_html_register(void)
{
    /* Before mod_deflate, behind mod_include. */
    html_filter = ap_register_output_filter(CP_FILTER_HTML, filter_html, NULL,
                                            AP_FTYPE_CONTENT_SET - 1);
}
