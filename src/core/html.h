/**
 * @file html.h
 * @brief A streaming reader of HTML that finds the places to insert at.
 *
 * It reads as browsers tokenize (the HTML standard, section 13.2.5), whatever
 * pieces the page comes in, and changes nothing. It keeps no more of a page
 * than the attributes of one tag.
 */
#ifndef CP_HTML_H
#define CP_HTML_H

#include "html_url.h"

/** Bytes of a tag that a place may lie before, and that are not known to be
 *  that tag yet: `</` and a name. */
#define CP_HTML_HELD_MAX 18

typedef enum cp_html_place {
    CP_HTML_NONE,               /* the end of the piece */
    CP_HTML_HEAD,               /* where a head's content may begin: behind
                                   an early <meta charset> */
    CP_HTML_FORM                /* the end of a form that is to have a token,
                                   or the begin of one with files */
} cp_html_place;

typedef struct cp_html cp_html;

/**
 * @param own    the page's origin; a form gets a token only if it posts there
 * @param field  the name of the token's field; a form that has one gets none
 * @param pool   owns the reader
 */
cp_html *cp_html_make(const cp_html_origin *own, const char *field,
                      apr_pool_t *pool);

/**
 * A reader that finds the head alone; nothing need be read behind it.
 * @param xml  the page is read as XML: there is a head only within an element
 *             html, and what an internal subset leads astray has none
 */
cp_html *cp_html_head_make(bool xml, apr_pool_t *pool);

/** The place of the head was found otherwise; what is read begins behind it. */
void cp_html_head_pass(cp_html *html);

/** Whether the place of the head may still come. */
bool cp_html_head_is_open(const cp_html *html);

/**
 * Reads on to the next place.
 * @param piece  moved on to what was not read. The place lies before it, or,
 *               where @a held is not 0, so many bytes before that
 * @param held   gets how many of the bytes before @a piece, which may have
 *               come with pieces before, belong behind the place. At the end
 *               of the piece: how many may not be sent yet
 */
cp_html_place cp_html_next(cp_html *html, cp_span *piece, apr_size_t *held);

/** The page is at its end: whether a form is open that is to have a token,
 *  and one could be put there. */
bool cp_html_ends_in_form(const cp_html *html);

#endif
