#include "validators.h"
#include "banner.h"

#include <http_protocol.h>
#include <scoreboard.h>
#include <apr_date.h>
#include <apr_strings.h>

/* Characters of the banner's name that the mark has. */
#define NAME_LENGTH 8
#define MARK "-cp"
#define MARK_LENGTH (sizeof(MARK) - 1 + NAME_LENGTH)

/* What the marks of all banners have in common is looked for where a page is
 * to be changed: of whichever banner, the page behind it is the same. */
static const char *mark_find(cp_span tag, const cp_banner *banner)
{
    for (apr_size_t i = 0; i + MARK_LENGTH <= tag.length; i++) {
        if (memcmp(tag.at + i, MARK, sizeof(MARK) - 1) == 0
            && (!banner || memcmp(tag.at + i + sizeof(MARK) - 1, banner->hash,
                                  NAME_LENGTH) == 0)) {
            return tag.at + i;
        }
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

/* Behind the first, each begins with the blank that follows a comma. */
static void tag_add(apr_array_header_t *tags, cp_span begin, cp_span end)
{
    const char *tag = apr_psprintf(tags->pool, "%s%.*s%.*s",
                                   tags->nelts ? " " : "", (int)begin.length,
                                   begin.at, (int)end.length, end.at);

    *(const char **)apr_array_push(tags) = tag;
}

/* Of a list of tags those that may be compared, each with mark and without.
 * @param banner  its mark counts alone, and tags without it are dropped;
 *                NULL: any mark counts, and all tags stay
 * @return NULL where none is left */
static const char *tags_rewrite(apr_pool_t *pool, const char *list,
                                const cp_banner *banner)
{
    apr_array_header_t *kept = apr_array_make(pool, 4, sizeof(char *));
    cp_span tag;

    while ((tag = tag_take(&list)).length) {
        const char *mark = mark_find(tag, banner);

        if (mark || !banner) {
            tag_add(kept, tag, CP_SPAN(""));
        }
        if (mark) {
            const char *behind = mark + MARK_LENGTH;

            tag_add(kept, cp_span_make(tag.at, (apr_size_t)(mark - tag.at)),
                    cp_span_make(behind, (apr_size_t)(tag.at + tag.length
                                                      - behind)));
        }
    }
    return kept->nelts ? apr_array_pstrcat(pool, kept, ',') : NULL;
}

static bool is_any(const char *list)
{
    return list[strspn(list, " \t")] == '*';
}

static apr_time_t configured_at(void)
{
    return apr_time_from_sec(
        apr_time_sec(ap_get_scoreboard_global()->restart_time));
}

/* Without an ETag the time tells whether the page had the banner. */
static void time_ask(request_rec *r)
{
    const char *since = apr_table_get(r->headers_in, "If-Modified-Since");

    if (since && apr_date_parse_http(since) < configured_at()) {
        apr_table_unset(r->headers_in, "If-Modified-Since");
    }
}

void cp_validators_ask(const cp_exchange *exchange, request_rec *r)
{
    const char *none = apr_table_get(r->headers_in, "If-None-Match");
    const char *some = apr_table_get(r->headers_in, "If-Match");

    if (some && !is_any(some)) {
        some = tags_rewrite(r->pool, some, NULL);
        if (some) {
            apr_table_setn(r->headers_in, "If-Match", some);
        }
    }
    if (!none) {
        time_ask(r);
        return;
    }
    if (is_any(none)) {
        return;
    }
    none = tags_rewrite(r->pool, none, exchange->server->banner);
    if (none) {
        apr_table_setn(r->headers_in, "If-None-Match", none);
    }
    else {
        apr_table_unset(r->headers_in, "If-None-Match");
        apr_table_unset(r->headers_in, "If-Modified-Since");
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
    const char *tag = apr_table_get(headers, "ETag");
    size_t length = tag ? strlen(tag) : 0;

    if (length >= 2 && tag[length - 1] == '"'
        && !mark_find(cp_span_make(tag, length), banner)) {
        apr_table_setn(headers, "ETag",
                       apr_psprintf(pool, "%.*s" MARK "%.*s\"",
                                    (int)length - 1, tag, NAME_LENGTH,
                                    banner->hash));
    }
}

static void time_raise(apr_table_t *headers, apr_pool_t *pool)
{
    const char *modified = apr_table_get(headers, "Last-Modified");
    apr_time_t earliest = configured_at();
    char *date;

    if (modified && apr_date_parse_http(modified) < earliest) {
        date = apr_palloc(pool, APR_RFC822_DATE_LEN);
        apr_rfc822_date(date, earliest);
        apr_table_setn(headers, "Last-Modified", date);
    }
}

void cp_validators_mark(const cp_exchange *exchange, request_rec *r)
{
    tag_mark(exchange->server->banner, r->headers_out, r->pool);
    time_raise(r->headers_out, r->pool);
    if (!apr_is_empty_table(r->err_headers_out)) {
        tag_mark(exchange->server->banner, r->err_headers_out, r->pool);
        time_raise(r->err_headers_out, r->pool);
    }
}
