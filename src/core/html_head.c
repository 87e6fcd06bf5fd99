#include "html_head.h"
#include "html_word.h"

#include <stddef.h>
#include <strings.h>
#include <apr_lib.h>

/* So much of a page is remembered, in bytes. */
#define LAST_MAX 256

/* What of a page is still to be read; at is NULL once it begins otherwise. */
typedef struct glance {
    const char *at;
    const char *end;
} glance;

static void blanks_pass(glance *page)
{
    while (page->at && page->at < page->end && cp_html_is_space(*page->at)) {
        page->at++;
    }
}

static void word_pass(glance *page, cp_span word)
{
    if (page->at && (apr_size_t)(page->end - page->at) >= word.length
        && memcmp(page->at, word.at, word.length) == 0) {
        page->at += word.length;
    }
    else {
        page->at = NULL;
    }
}

static void doctype_pass(glance *page)
{
    static const char doctype[] = "<!doctype html>";

    if (page->end - page->at < (ptrdiff_t)sizeof(doctype)
        || strncasecmp(page->at, doctype, sizeof(doctype) - 1)) {
        page->at = NULL;
        return;
    }
    page->at += sizeof(doctype) - 1;
}

/* The attributes of a tag, with values in quotes or none, and its end. */
static void attributes_pass(glance *page)
{
    const char *at = page->at;

    while (at && at < page->end && *at != '>') {
        if (*at == '=') {
            at = apr_islower(at[-1]) && page->end - at > 1 && at[1] == '"'
                 ? memchr(at + 2, '"', (apr_size_t)(page->end - at - 2))
                 : NULL;
        }
        else if (!apr_islower(*at) && !cp_html_is_space(*at) && *at != '-') {
            at = NULL;
        }
        at += at != NULL;
    }
    page->at = at && at < page->end ? at + 1 : NULL;
}

static void charset_pass(glance *page)
{
    word_pass(page, CP_SPAN("<meta charset=\""));
    while (page->at && page->at < page->end
           && (apr_isalnum(*page->at) || *page->at == '-')) {
        page->at++;
    }
    word_pass(page, CP_SPAN("\">"));
}

static apr_size_t place_find(cp_span page)
{
    glance rest = { page.at, page.at + page.length };

    doctype_pass(&rest);
    blanks_pass(&rest);
    word_pass(&rest, CP_SPAN("<html"));
    if (rest.at && rest.at < rest.end && !cp_html_is_space(*rest.at)
        && *rest.at != '>') {
        return 0;
    }
    attributes_pass(&rest);
    blanks_pass(&rest);
    word_pass(&rest, CP_SPAN("<head>"));
    blanks_pass(&rest);
    charset_pass(&rest);
    return rest.at ? (apr_size_t)(rest.at - page.at) : 0;
}

/* The pages of a site begin alike; and where the place is hangs on nothing
 * behind it. */
apr_size_t cp_html_head_glance(cp_span page)
{
    static _Thread_local char last[LAST_MAX];   /* up to the place */
    static _Thread_local apr_size_t length;
    apr_size_t place;

    if (length && page.length >= length
        && memcmp(page.at, last, length) == 0) {
        return length;
    }
    place = place_find(page);
    if (place && place <= sizeof(last)) {
        memcpy(last, page.at, place);
        length = place;
    }
    return place;
}
