#include "validators.h"
#include "banner.h"

#include <apr_date.h>

#include <stddef.h>

/* Characters of the banner's name that the mark has. */
#define NAME_LENGTH 8
#define MARK "-cp"
#define MARK_LENGTH (sizeof(MARK) - 1 + NAME_LENGTH)

#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
    "0123456789-_"

/* The mark of an entity tag, at its end or before what mod_deflate and others
 * put there. Of whichever banner it is, the page behind it is the same.
 * @param banner  its mark alone counts; NULL: any */
static const char *mark_find(cp_span tag, const cp_banner *banner)
{
    const char *end = tag.at + tag.length;
    const char *at = tag.at;

    while (end - at > (ptrdiff_t)MARK_LENGTH
           && (at = memchr(at, *MARK, (size_t)(end - at) - MARK_LENGTH))) {
        const char *name = at + sizeof(MARK) - 1;
        char next = at[MARK_LENGTH];

        if ((next == '"' || next == '-')
            && memcmp(at, MARK, sizeof(MARK) - 1) == 0
            && (banner ? memcmp(name, banner->hash, NAME_LENGTH) == 0
                       : strspn(name, BASE64URL) >= NAME_LENGTH)) {
            return at;
        }
        at++;
    }
    return NULL;
}

/* The next entity tag of a list, quotes and W/ included; empty at its end or
 * where it is none. */
static cp_span tag_take(const char **list)
{
    const char *begin = *list + strspn(*list, " \t,");
    const char *quote = begin + (strncmp(begin, "W/", 2) == 0 ? 2 : 0);
    const char *end = *quote == '"' ? strchr(quote + 1, '"') : NULL;

    *list = end ? end + 1 : begin + strlen(begin);
    return end ? cp_span_make(begin, (apr_size_t)(*list - begin))
               : cp_span_make(begin, 0);
}

/* Of a list of tags those that may be compared, each with its mark and
 * without.
 * @param banner  its mark counts alone, and tags without it are dropped;
 *                NULL: any mark counts, and all tags stay
 * @return NULL where none is left */
static const char *tags_rewrite(apr_pool_t *pool, const char *list,
                                const cp_banner *banner)
{
    /* A tag has two bytes at least, and its mark more than two ", ". */
    char *kept = apr_palloc(pool, strlen(list) * 2 + 1);
    char *to = kept;
    cp_span tag;

    while ((tag = tag_take(&list)).length) {
        const char *mark = mark_find(tag, banner);
        const char *behind = mark ? mark + MARK_LENGTH : NULL;

        if (mark || !banner) {
            to = cp_span_put(to, tag);
            to = cp_span_put(to, CP_SPAN(", "));
        }
        if (mark) {
            to = cp_span_put(to, cp_span_make(tag.at,
                                              (apr_size_t)(mark - tag.at)));
            to = cp_span_put(to, cp_span_make(
                behind, (apr_size_t)(tag.at + tag.length - behind)));
            to = cp_span_put(to, CP_SPAN(", "));
        }
    }
    if (to == kept) {
        return NULL;
    }
    to[-2] = '\0';
    return kept;
}

static bool is_any(const char *list)
{
    return list[strspn(list, " \t")] == '*';
}

/* Without an ETag the time tells whether the page had the banner. */
static void time_ask(const cp_banner *banner, request_rec *r)
{
    const char *since = apr_table_get(r->headers_in, "If-Modified-Since");

    if (since && apr_date_parse_http(since) < banner->made) {
        apr_table_unset(r->headers_in, "If-Modified-Since");
    }
}

static void match_ask(request_rec *r)
{
    const char *some = apr_table_get(r->headers_in, "If-Match");
    const char *kept = some && !is_any(some)
                       ? tags_rewrite(r->pool, some, NULL) : NULL;

    if (kept) {
        apr_table_setn(r->headers_in, "If-Match", kept);
    }
}

static void none_match_ask(const cp_banner *banner, request_rec *r,
                           const char *none)
{
    const char *kept = tags_rewrite(r->pool, none, banner);

    if (kept) {
        apr_table_setn(r->headers_in, "If-None-Match", kept);
    }
    else {
        apr_table_unset(r->headers_in, "If-None-Match");
        apr_table_unset(r->headers_in, "If-Modified-Since");
    }
}

/* The bytes of a page are those that are sent, which only httpd can count. */
static void range_ask(cp_exchange *exchange, request_rec *r)
{
    const char *range = apr_table_get(r->headers_in, "Range");

    if (range) {
        exchange->range = range;
        apr_table_unset(r->headers_in, "Range");
    }
}

void cp_validators_ask(cp_exchange *exchange, request_rec *r, bool page)
{
    const char *none = apr_table_get(r->headers_in, "If-None-Match");

    match_ask(r);
    if (none ? !is_any(none) && (page || cp_validators_asked(exchange, r))
             : page) {
        if (none) {
            none_match_ask(exchange->server->banner, r, none);
        }
        else {
            time_ask(exchange->server->banner, r);
        }
    }
    if (page) {
        range_ask(exchange, r);
    }
}

void cp_validators_answered(cp_exchange *exchange, request_rec *r)
{
    if (exchange->range) {
        apr_table_setn(r->headers_in, "Range", exchange->range);
        exchange->range = NULL;
    }
}

bool cp_validators_asked(const cp_exchange *exchange, const request_rec *r)
{
    const char *none = apr_table_get(r->headers_in, "If-None-Match");

    return none && mark_find(cp_span_of(none), exchange->server->banner);
}

static void tag_mark(const cp_banner *banner, apr_table_t *headers,
                     apr_pool_t *pool)
{
    cp_span tag = cp_span_of(apr_table_get(headers, "ETag"));
    char *marked, *to;

    if (tag.length < 2 || tag.at[tag.length - 1] != '"'
        || mark_find(tag, banner)) {
        return;
    }
    marked = apr_palloc(pool, tag.length + MARK_LENGTH + 1);
    to = cp_span_put(marked, cp_span_make(tag.at, tag.length - 1));
    to = cp_span_put(to, CP_SPAN(MARK));
    to = cp_span_put(to, cp_span_make(banner->hash, NAME_LENGTH));
    cp_span_put(to, CP_SPAN("\"\0"));
    apr_table_setn(headers, "ETag", marked);
}

static void time_raise(const cp_banner *banner, apr_table_t *headers,
                       apr_time_t known)
{
    const char *modified = apr_table_get(headers, "Last-Modified");

    if (modified && (known ? known : apr_date_parse_http(modified))
                    < banner->made) {
        apr_table_setn(headers, "Last-Modified", banner->date);
    }
}

void cp_validators_mark(const cp_exchange *exchange, request_rec *r)
{
    const cp_banner *banner = exchange->server->banner;

    tag_mark(banner, r->headers_out, r->pool);
    time_raise(banner, r->headers_out, r->mtime);
    if (!apr_is_empty_table(r->err_headers_out)) {
        tag_mark(banner, r->err_headers_out, r->pool);
        time_raise(banner, r->err_headers_out, 0);
    }
}
