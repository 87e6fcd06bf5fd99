/*
 * Puts the banner's script into the head of pages, the same for all visitors;
 * and the token into the pages of an application that knows of none: a field
 * into each form that posts to the page's own origin, and a <meta> for script.
 * What goes through is passed on piece by piece; no more is held than the
 * begin of one tag. Where no token is wanted the filter leaves with the head;
 * and a short page that is there whole becomes another one at once.
 */
#include "banner.h"
#include "csrf.h"
#include "document.h"
#include "filters.h"
#include "form.h"
#include "html.h"
#include "html_head.h"
#include "insertion.h"
#include "nonce.h"
#include "status_sessions.h"
#include "validators.h"

#include <http_protocol.h>
#include <util_filter.h>
#include <apr_strings.h>

/* So much may come together before it is passed on, in bytes. */
#define PASS_AT (32 * 1024)

typedef struct injector {
    cp_exchange *exchange;
    cp_html *html;
    cp_insertion add;
    apr_bucket_brigade *out;
    apr_size_t out_length;
    const char *length;             /* of the page as it came; NULL: it is not
                                       known, or matters no more */
    apr_size_t put;                 /* bytes that were put in */
    char held[CP_HTML_HELD_MAX];    /* of pieces that are gone */
    apr_size_t held_length;
} injector;

static ap_filter_rec_t *html_filter;

/* --- Whether ---------------------------------------------------------- */

/* Our own pages ask by themselves. One that says no to a request is sent in
 * its place, while an ErrorDocument is the site's. */
static bool banner_is_on(const cp_exchange *exchange, const request_rec *r)
{
    return exchange->server->banner && cp_dir_config_of(r)->banner == 1
           && exchange->page == CP_PAGE_NONE
           && (!exchange->refusal || r->prev)
           && !(r->handler && strcmp(r->handler, CP_STATUS_HANDLER) == 0);
}

static bool tokens_are_on(const cp_exchange *exchange)
{
    return exchange->dir->inject == 1 && exchange->page == CP_PAGE_NONE
           && !exchange->refusal
           && exchange->visit->terms->csrf == CP_CSRF_ON;
}

static void headers_drop(request_rec *r, const char *const *names)
{
    bool both = !apr_is_empty_table(r->err_headers_out);

    for (; *names; names++) {
        apr_table_unset(r->headers_out, *names);
        if (both) {
            apr_table_unset(r->err_headers_out, *names);
        }
    }
}

/* The page is not the one that was there. */
static void length_forget(request_rec *r, const cp_page_fields *fields)
{
    static const char *const lengths[] = { "Content-Length", NULL };
    static const char *const digests[] = {
        "Content-MD5", "Digest", "Content-Digest", "Repr-Digest", NULL
    };

    if (fields->length) {
        headers_drop(r, lengths);
    }
    if (fields->digest) {
        headers_drop(r, digests);
    }
}

/* Nor is it anybody's. */
static void headers_change(request_rec *r, const cp_page_fields *fields)
{
    static const char *const gone[] = {
        "ETag", "Last-Modified", "Accept-Ranges", NULL
    };

    length_forget(r, fields);
    headers_drop(r, gone);
    apr_table_unset(r->headers_in, "Range");
    r->no_cache = 1;
}

/* A visitor who may not be given a cookie now gets a page whose forms would
 * be refused: no cache may give it to him, or to others, when they have one. */
static void page_forget(request_rec *r, const cp_page_fields *fields)
{
    headers_change(r, fields);
    apr_table_unset(r->headers_out, "Cache-Control");
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
}

/* --- What ------------------------------------------------------------- */

static void bucket_add(injector *into, apr_bucket *bucket)
{
    APR_BRIGADE_INSERT_TAIL(into->out, bucket);
    into->out_length += bucket->length;
}

/* The script that pages without a nonce share outlives them. */
static apr_bucket *script_bucket(const cp_exchange *exchange, cp_span script,
                                 apr_bucket_alloc_t *alloc)
{
    return script.at == exchange->server->banner->tag.at
           ? apr_bucket_immortal_create(script.at, script.length, alloc)
           : apr_bucket_heap_create(script.at, script.length, NULL, alloc);
}

/* Copied, since a bucket that points into a pool keeps a note there of itself
 * to the end of the page. */
static void text_add(injector *into, cp_span text)
{
    bucket_add(into, apr_bucket_heap_create(text.at, text.length, NULL,
                                            into->out->bucket_alloc));
    into->put += text.length;
}

static void place_fill(injector *into, cp_html_place place)
{
    if (place == CP_HTML_FORM) {
        text_add(into, into->add.field);
        return;
    }
    if (into->add.script.at) {
        bucket_add(into, script_bucket(into->exchange, into->add.script,
                                       into->out->bucket_alloc));
        into->put += into->add.script.length;
    }
    if (into->add.meta.at) {
        text_add(into, into->add.meta);
    }
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
            place_fill(into, place);
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
        into->length = NULL;    /* the header is on its way */
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
            place_fill(into, CP_HTML_FORM);
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

/* The head came with the first bytes: of the page's length no more has become
 * unknown. Where all of it is there httpd counts itself.
 * @param said  of the page as it came, or NULL
 * @param put   bytes that were put in */
static void length_tell(const char *said, apr_size_t put, request_rec *r,
                        apr_bucket_brigade *in)
{
    apr_off_t length;
    char *end = NULL;

    if (said && !APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(in))
        && apr_strtoff(&length, said, &end, 10) == APR_SUCCESS
        && end != said && !*end && length >= 0) {
        ap_set_content_length(r, length + (apr_off_t)put);
    }
}

/* Whether nothing more is to be put in. */
static bool is_through(const injector *into)
{
    return !into->add.field.at && !cp_html_head_is_open(into->html);
}

/* What is left goes on as it is, together with what was read, so that httpd
 * sees the end of a page that came in one piece. */
static apr_status_t leave(ap_filter_t *f, apr_bucket_brigade *in)
{
    injector *into = f->ctx;

    length_tell(into->length, into->put, f->r, in);
    held_send(into, 0);
    APR_BRIGADE_CONCAT(into->out, in);
    ap_remove_output_filter(f);
    return pass(f);
}

static apr_status_t brigade_read(ap_filter_t *f, apr_bucket_brigade *in)
{
    injector *into = f->ctx;

    while (!APR_BRIGADE_EMPTY(in)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(in);
        apr_status_t status = APR_SUCCESS;

        if (is_through(into)) {
            return leave(f, in);
        }
        if (APR_BUCKET_IS_METADATA(bucket)) {
            metadata_move(into, bucket);
        }
        else {
            status = bucket_read(f, bucket);
        }
        if (status == APR_SUCCESS && into->out_length >= PASS_AT
            && !is_through(into)) {
            status = pass(f);
        }
        if (status != APR_SUCCESS) {
            return status;
        }
    }
    return pass(f);
}

static cp_span script_of(const cp_exchange *exchange, const request_rec *r,
                         const cp_page_fields *fields)
{
    return cp_banner_tag(exchange->server->banner, cp_nonce_of(r, fields),
                         r->pool);
}

static injector *injector_make(cp_exchange *exchange, request_rec *r,
                               const cp_insertion *add, cp_html *html)
{
    injector *into = apr_pcalloc(r->pool, sizeof(*into));

    into->exchange = exchange;
    into->html = html;
    into->add = *add;
    into->out = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    return into;
}

/* The bucket that ends where the script goes, in a page in which that can be
 * seen at a glance; NULL where it cannot. */
static apr_bucket *head_glance(apr_bucket_brigade *in)
{
    apr_bucket *first = APR_BRIGADE_FIRST(in);
    cp_span text = CP_SPAN_NONE;
    apr_size_t place;

    if (first == APR_BRIGADE_SENTINEL(in) || APR_BUCKET_IS_METADATA(first)
        || apr_bucket_read(first, &text.at, &text.length, APR_BLOCK_READ)
           != APR_SUCCESS) {
        return NULL;
    }
    place = cp_html_head_glance(text);
    return place && (place == text.length
                     || apr_bucket_split(first, place) == APR_SUCCESS)
           ? first : NULL;
}

static void head_put(injector *into, apr_bucket_brigade *in)
{
    apr_bucket *head = head_glance(in);

    if (head) {
        APR_BUCKET_REMOVE(head);
        bucket_add(into, head);
        place_fill(into, CP_HTML_HEAD);
        cp_html_head_pass(into->html);
    }
}

/* @return NULL where the page is done */
static injector *token_begin(cp_exchange *exchange, request_rec *r,
                             const cp_page_fields *fields, cp_span script,
                             const char *token, apr_bucket_brigade *in)
{
    cp_html_origin own = {
        exchange->origin.scheme, exchange->origin.host, exchange->origin.port
    };
    cp_insertion add = { .script = script };
    injector *into;

    cp_insertion_set_token(&add, token, r->pool);
    headers_change(r, fields);
    exchange->tokened = true;
    cp_visit_need(exchange->visit, CP_CSRF);
    if (cp_insertion_whole(&add, &own, r, in)) {
        return NULL;
    }
    into = injector_make(exchange, r, &add,
                         cp_html_make(apr_pmemdup(r->pool, &own, sizeof(own)),
                                      CP_FORM_FIELD, r->pool));
    head_put(into, in);
    return into;
}

/* With the banner alone, nothing behind the head is of interest.
 * @return NULL where the script is in its place already, or can be in none */
static injector *banner_begin(cp_exchange *exchange, request_rec *r,
                              const cp_page_fields *fields, cp_span script,
                              cp_markup markup, apr_bucket_brigade *in)
{
    apr_bucket *head = markup == CP_MARKUP_HTML ? head_glance(in) : NULL;
    cp_insertion add = { .script = script };
    injector *into;

    if (!head && cp_document_begins_wide(in)) {
        return NULL;
    }
    cp_validators_mark(exchange, r, fields);
    length_forget(r, fields);
    if (head) {
        APR_BUCKET_INSERT_AFTER(head, script_bucket(exchange, script,
                                                    in->bucket_alloc));
        length_tell(fields->length, script.length, r, in);
        return NULL;
    }
    into = injector_make(exchange, r, &add,
                         cp_html_head_make(markup == CP_MARKUP_XML, r->pool));
    into->length = fields->length;
    return into;
}

/* It confirms a page, which has the banner in it. */
static void confirmation_mark(const cp_exchange *exchange, request_rec *r)
{
    cp_page_fields fields;

    if (cp_document_markup(r)
        || cp_validators_asked(exchange, apr_table_get(r->headers_in,
                                                       "If-None-Match"))) {
        cp_page_fields_read(&fields, r);
        cp_validators_mark(exchange, r, &fields);
    }
}

/* What becomes of a page. @return NULL where no more is to be done */
static injector *page_begin(cp_exchange *exchange, request_rec *r,
                            cp_markup markup, bool banner, bool tokens,
                            apr_bucket_brigade *in)
{
    cp_page_fields fields;
    cp_span script = CP_SPAN_NONE;

    cp_page_fields_read(&fields, r);
    if (!cp_document_is_readable(r, &fields)) {
        return NULL;
    }
    if (banner) {
        script = script_of(exchange, r, &fields);
    }
    if (tokens && markup == CP_MARKUP_HTML && !cp_document_begins_wide(in)) {
        const char *token = cp_csrf_masked(exchange->visit);

        if (token) {
            return token_begin(exchange, r, &fields, script, token, in);
        }
        page_forget(r, &fields);
        cp_page_fields_read(&fields, r);
    }
    return banner ? banner_begin(exchange, r, &fields, script, markup, in)
                  : NULL;
}

static injector *answer_begin(cp_exchange *exchange, request_rec *r,
                              apr_bucket_brigade *in)
{
    bool banner = banner_is_on(exchange, r);
    bool tokens = tokens_are_on(exchange);
    cp_markup markup = cp_document_markup(r);

    if (tokens) {
        cp_filter_content_look(exchange, r);
    }
    if (r->status != HTTP_NOT_MODIFIED) {
        return markup ? page_begin(exchange, r, markup, banner, tokens, in)
                      : NULL;
    }
    if (banner) {
        confirmation_mark(exchange, r);
    }
    return NULL;
}

static apr_status_t filter_html(ap_filter_t *f, apr_bucket_brigade *in)
{
    cp_exchange *exchange = cp_exchange_of(f->r);

    if (!f->ctx && exchange && exchange->visit) {
        cp_validators_answered(exchange, f->r);
        f->ctx = answer_begin(exchange, f->r, in);
    }
    if (!f->ctx) {
        ap_remove_output_filter(f);
        return ap_pass_brigade(f->next, in);
    }
    return brigade_read(f, in);
}

/* Of which type the answer will be is known of files alone; but browsers say
 * where they want a page. */
static bool may_be_page(const request_rec *r, const cp_conditions *asked)
{
    return cp_document_markup(r)
           || (asked->accept && ap_strcasestr(asked->accept, "html"));
}

/* The copy of a page that a client asks to have confirmed, or to have the rest
 * of, is from before the page had tokens, since with one it has no
 * validator. */
static void conditions_see(cp_exchange *exchange, request_rec *r,
                           const cp_conditions *asked, bool tokens,
                           bool banner)
{
    bool page = may_be_page(r, asked);

    if (tokens && page) {
        apr_table_unset(r->headers_in, "If-None-Match");
        apr_table_unset(r->headers_in, "If-Modified-Since");
        apr_table_unset(r->headers_in, "Range");
    }
    else if (banner) {
        cp_validators_ask(exchange, r, asked, page);
    }
}

void cp_filter_html_insert(cp_exchange *exchange, request_rec *r)
{
    cp_conditions asked;
    bool tokens, banner;

    if (exchange->engine != CP_ENGINE_ON) {
        return;
    }
    tokens = tokens_are_on(exchange);
    banner = banner_is_on(exchange, r);
    if (!tokens && !banner) {
        return;
    }
    if (cp_conditions_read(&asked, r)) {
        conditions_see(exchange, r, &asked, tokens, banner);
    }
    ap_add_output_filter_handle(html_filter, NULL, r, r->connection);
}

void cp_filter_html_register(void)
{
    /* Before mod_deflate, behind mod_include. */
    html_filter = ap_register_output_filter(CP_FILTER_HTML, filter_html, NULL,
                                            AP_FTYPE_CONTENT_SET - 1);
}
