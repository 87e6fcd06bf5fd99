#include "html_page.h"
#include "form.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <apr_hash.h>

/* Where a page may be remembered is said by its length and so many of its
 * bytes. Whichever else comes to lie there takes its place. */
#define PLACES 64
#define SAMPLE 16

/* Origins with longer parts, in bytes, are none of ours to remember. */
#define SCHEME_MAX 15
#define HOST_MAX 255

typedef struct known_page {
    cp_html_spots spots;
    bool crowded;               /* it has more places than there are spots */
    char scheme[SCHEME_MAX + 1];
    char host[HOST_MAX + 1];
    unsigned int port;
    apr_size_t length;
    char bytes[CP_HTML_PAGE_MAX];
} known_page;

/* Whoever looks at one has taken it out, and puts it back; who finds none
 * meanwhile reads the page. */
static _Atomic(known_page *) known[PLACES];

static _Atomic(known_page *) *known_place(cp_span page)
{
    unsigned short length = (unsigned short)page.length;
    char sample[SAMPLE + sizeof(length)];
    apr_ssize_t size = sizeof(sample);
    unsigned int hash;

    for (int i = 0; i < SAMPLE; i++) {
        sample[i] = page.at[page.length / SAMPLE * (apr_size_t)i];
    }
    memcpy(sample + SAMPLE, &length, sizeof(length));
    hash = apr_hashfunc_default(sample, &size);
    /* Its last bits alone are little more than a sum. */
    return &known[(hash ^ hash >> 16) % PLACES];
}

static void known_put(_Atomic(known_page *) *place, known_page *one)
{
    free(atomic_exchange(place, one));
}

static bool is_same(const known_page *one, cp_span page,
                    const cp_html_origin *own)
{
    return one->length == page.length && one->port == own->port
           && memcmp(one->bytes, page.at, page.length) == 0
           && strcmp(one->host, own->host) == 0
           && strcmp(one->scheme, own->scheme) == 0;
}

static bool spot_add(cp_html_spots *spots, cp_html_place place, apr_size_t at)
{
    if (spots->count == CP_HTML_SPOTS_MAX) {
        return false;
    }
    spots->spots[spots->count++] = (cp_html_spot){ place, at };
    return true;
}

/* @return false where there are more places than spots */
static bool spots_find(cp_html_spots *spots, cp_span page,
                       const cp_html_origin *own, apr_pool_t *pool)
{
    cp_html *html = cp_html_make(own, CP_FORM_FIELD, pool);
    cp_span rest = page;

    spots->count = 0;
    while (rest.length) {
        apr_size_t held = 0;
        cp_html_place place = cp_html_next(html, &rest, &held);

        if (place != CP_HTML_NONE
            && !spot_add(spots, place,
                         (apr_size_t)(rest.at - page.at) - held)) {
            return false;
        }
    }
    return !cp_html_ends_in_form(html)
           || spot_add(spots, CP_HTML_FORM, page.length);
}

/* What is read is the copy: a file may be written to meanwhile. */
static void page_read(known_page *one, cp_span page, const cp_html_origin *own,
                      apr_pool_t *pool)
{
    memcpy(one->bytes, page.at, page.length);
    one->length = page.length;
    strcpy(one->scheme, own->scheme);
    strcpy(one->host, own->host);
    one->port = own->port;
    one->crowded = !spots_find(&one->spots,
                               cp_span_make(one->bytes, page.length), own,
                               pool);
}

static bool is_within_bounds(cp_span page, const cp_html_origin *own)
{
    return page.length > 0 && page.length <= CP_HTML_PAGE_MAX
           && strlen(own->scheme) <= SCHEME_MAX
           && strlen(own->host) <= HOST_MAX;
}

static void spots_copy(cp_html_spots *spots, const known_page *one)
{
    spots->count = one->spots.count;
    memcpy(spots->spots, one->spots.spots,
           spots->count * sizeof(*spots->spots));
}

bool cp_html_page_read(cp_span page, const cp_html_origin *own,
                       cp_html_spots *spots, apr_pool_t *pool)
{
    _Atomic(known_page *) *place;
    known_page *one;
    bool read;

    if (!is_within_bounds(page, own)) {
        return false;
    }
    place = known_place(page);
    one = atomic_exchange(place, NULL);
    if (!one) {
        one = malloc(sizeof(*one));
        if (!one) {
            return false;
        }
        one->length = 0;
    }
    if (!is_same(one, page, own)) {
        page_read(one, page, own, pool);
    }
    spots_copy(spots, one);
    read = !one->crowded;
    known_put(place, one);
    return read;
}

void cp_html_pages_forget(void)
{
    for (int i = 0; i < PLACES; i++) {
        known_put(&known[i], NULL);
    }
}
