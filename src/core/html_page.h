/**
 * @file html_page.h
 * @brief The places of a page that is there whole. Sites send the same pages
 *        again and again: one that was read before is recognised.
 *
 * A process remembers up to 64 pages, in up to 18 KB each, for all of its
 * threads. A page is recognised by all of its bytes.
 */
#ifndef CP_HTML_PAGE_H
#define CP_HTML_PAGE_H

#include "html.h"

/** Longer pages are not remembered, in bytes. */
#define CP_HTML_PAGE_MAX (16 * 1024)

/** Nor are those with more places. */
#define CP_HTML_SPOTS_MAX 64

typedef struct cp_html_spot {
    cp_html_place place;
    apr_size_t at;              /* bytes of the page before it */
} cp_html_spot;

typedef struct cp_html_spots {
    unsigned int count;
    cp_html_spot spots[CP_HTML_SPOTS_MAX];  /* by where they are */
} cp_html_spots;

/**
 * Finds what a reader of html.h finds in a page that posts forms to its own
 * origin, whose field has the name CP_FORM_FIELD.
 * @param page   all of it
 * @param own    its origin
 * @param spots  gets the places
 * @param pool   owns the reader, where the page is read
 * @return false where it is for the reader: the page is empty, too long or has
 *         too many places, or the parts of its origin are too long
 */
bool cp_html_page_read(cp_span page, const cp_html_origin *own,
                       cp_html_spots *spots, apr_pool_t *pool);

/** Forgets all pages, but for those that a thread is just looking at. */
void cp_html_pages_forget(void);

#endif
