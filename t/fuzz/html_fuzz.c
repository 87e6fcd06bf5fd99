/**
 * @file html_fuzz.c
 * @brief A page, whole and in pieces, read and recognised: the same places,
 *        and the page itself untouched between them.
 */
#include "fuzz_sample.h"
#include "html_page.h"

#define FIELD "csrfmiddlewaretoken"
#define MARK_LENGTH 1

/* A page with a mark at each place. */
typedef struct marked {
    char *text;
    size_t length;
    bool open;                  /* a form at its end is to have a token */
} marked;

static const cp_html_origin origin = { "https", "www.example.org", 443 };

static void mark_put(marked *page, size_t held, cp_html_place place)
{
    char *at = page->text + page->length - held;

    memmove(at + MARK_LENGTH, at, held);
    *at = place == CP_HTML_HEAD ? '\1' : '\2';
    page->length += MARK_LENGTH;
}

/* The reader that an input asks for: of all places, or of the head alone. */
static cp_html *reader_make(unsigned int which, apr_pool_t *pool)
{
    return which < 2 ? cp_html_make(&origin, FIELD, pool)
                     : cp_html_head_make(which == 3, pool);
}

/* Reads a page in pieces of so many bytes, each in memory of its own. */
static marked page_read(const unsigned char *data, size_t size, size_t piece,
                        unsigned int which, apr_pool_t *pool)
{
    cp_html *html = reader_make(which, pool);
    marked page = { malloc(size * 2 + 2), 0, false };

    for (size_t begin = 0; begin < size; begin += piece) {
        size_t length = size - begin < piece ? size - begin : piece;
        char *copy = fuzz_copy(data + begin, length, false);
        cp_span rest = cp_span_make(copy, length);

        while (rest.length) {
            const char *from = rest.at;
            apr_size_t held = 0;
            cp_html_place place = cp_html_next(html, &rest, &held);

            FUZZ_ASSERT(rest.at >= from
                        && rest.at + rest.length == copy + length);
            memcpy(page.text + page.length, from, (size_t)(rest.at - from));
            page.length += (size_t)(rest.at - from);
            FUZZ_ASSERT(held <= CP_HTML_HELD_MAX && held <= page.length);
            if (place != CP_HTML_NONE) {
                mark_put(&page, held, place);
            }
        }
        free(copy);
    }
    page.open = cp_html_ends_in_form(html);
    return page;
}

/* Where a page that is there whole has places, and once more as it comes
 * again; but for that at the end, which no mark stands for. */
static void spots_compare(const marked *page, cp_span bare, apr_pool_t *pool)
{
    for (int again = 0; again < 2; again++) {
        cp_html_spots spots;
        size_t seen = 0;

        if (!cp_html_page_read(bare, &origin, &spots, pool)) {
            return;
        }
        for (size_t i = 0; i < page->length; i++) {
            char c = page->text[i];

            if (c == '\1' || c == '\2') {
                FUZZ_ASSERT(seen < spots.count
                            && spots.spots[seen].at == i - seen
                            && (spots.spots[seen].place == CP_HTML_HEAD)
                               == (c == '\1'));
                seen++;
            }
        }
        FUZZ_ASSERT(seen + page->open == spots.count);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    sample *site = fuzz_begin();
    size_t cut = size ? 1 + data[0] % 64 : 1;
    unsigned int which = size ? data[0] / 64 : 0;
    marked whole, pieces;
    int marks = 0;

    data += size > 0;
    size -= size > 0;
    if (memchr(data, '\1', size) || memchr(data, '\2', size)) {
        fuzz_end(site);
        return 0;
    }
    whole = page_read(data, size, size + 1, which, site->pool);
    pieces = page_read(data, size, cut, which, site->pool);
    FUZZ_ASSERT(whole.length == pieces.length && whole.open == pieces.open
                && memcmp(whole.text, pieces.text, whole.length) == 0);
    for (size_t i = 0; i < whole.length; i++) {
        bool is_mark = whole.text[i] == '\1' || whole.text[i] == '\2';

        FUZZ_ASSERT(is_mark || whole.text[i] == (char)data[i - (size_t)marks]);
        marks += is_mark;
    }
    FUZZ_ASSERT(whole.length == size + (size_t)marks);
    FUZZ_ASSERT(which < 2 || marks <= 1);
    if (which < 2) {
        spots_compare(&whole, cp_span_make((const char *)data, size),
                      site->pool);
    }
    free(whole.text);
    free(pieces.text);
    fuzz_end(site);
    return 0;
}
