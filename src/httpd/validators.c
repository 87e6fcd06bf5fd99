#include "validators.h"
#include "banner.h"
#include "token.h"

#include <apr_date.h>

#include <stddef.h>

/* Characters of the banner's name that the mark has. */
#define NAME_LENGTH 8
#define MARK "-cp"
#define MARK_LENGTH (sizeof(MARK) - 1 + NAME_LENGTH)

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
                       : strspn(name, CP_BASE64URL_ALPHABET) >= NAME_LENGTH)) {
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
static void time_ask(const cp_banner *banner, request_rec *r,
                     const char *since)
{
    if (since && apr_date_parse_http(since) < banner->made) {
        apr_table_unset(r->headers_in, "If-Modified-Since");
    }
}

static void match_ask(request_rec *r, const char *some)
{
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

void cp_validators_ask(cp_exchange *exchange, request_rec *r,
                       const cp_conditions *asked, bool page)
{
    const cp_banner *banner = exchange->server->banner;
    const char *none = asked->none_match;

    match_ask(r, asked->match);
    if (none && !is_any(none)
        && (page || cp_validators_asked(exchange, none))) {
        none_match_ask(banner, r, none);
    }
    if (page && !none) {
        time_ask(banner, r, asked->since);
    }
    /* The bytes of a page are those that are sent, which only httpd can
     * count. */
    if (page && asked->range) {
        exchange->range = asked->range;
        apr_table_unset(r->headers_in, "Range");
    }
}

void cp_validators_answered(cp_exchange *exchange, request_rec *r)
{
    if (exchange->range) {
        apr_table_setn(r->headers_in, "Range", exchange->range);
        exchange->range = NULL;
    }
}

bool cp_validators_asked(const cp_exchange *exchange, const char *none_match)
{
    return none_match
           && mark_find(cp_span_of(none_match), exchange->server->banner);
}

static void tag_mark(const cp_banner *banner, apr_table_entry_t *entry,
                     apr_pool_t *pool)
{
    cp_span tag = cp_span_of(entry->val);
    char *to;

    if (tag.length < 2 || tag.at[tag.length - 1] != '"'
        || mark_find(tag, banner)) {
        return;
    }
    to = entry->val = apr_palloc(pool, tag.length + MARK_LENGTH + 1);
    to = cp_span_put(to, cp_span_make(tag.at, tag.length - 1));
    to = cp_span_put(to, CP_SPAN(MARK));
    to = cp_span_put(to, cp_span_make(banner->hash, NAME_LENGTH));
    cp_span_put(to, CP_SPAN("\"\0"));
}

static void time_raise(const cp_banner *banner, apr_table_entry_t *entry,
                       apr_time_t known)
{
    if ((known ? known : apr_date_parse_http(entry->val)) < banner->made) {
        entry->val = (char *)banner->date;
    }
}

void cp_validators_mark(const cp_exchange *exchange, const request_rec *r,
                        const cp_page_fields *fields)
{
    const cp_banner *banner = exchange->server->banner;
    apr_time_t known[] = { r->mtime, 0 };   /* by table */

    for (int i = 0; i < 2; i++) {
        if (fields->tags[i]) {
            tag_mark(banner, fields->tags[i], r->pool);
        }
        if (fields->times[i]) {
            time_raise(banner, fields->times[i], known[i]);
        }
    }
}
