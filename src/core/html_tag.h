/**
 * @file html_tag.h
 * @brief Tags that are whole in one piece of a page, read without a state
 *        (the HTML standard, sections 13.2.5.6 to 13.2.5.40).
 *
 * Where a tag is cut, or a mark is out of sight, these functions say so and
 * the reader goes on byte by byte.
 */
#ifndef CP_HTML_TAG_H
#define CP_HTML_TAG_H

#include "span.h"

/** What cp_html_attribute_next() found. */
typedef enum cp_html_found {
    CP_HTML_ATTRIBUTE,
    CP_HTML_TAG_ENDS,           /* at its `>` */
    CP_HTML_TAG_CUT             /* it is not known where it ends */
} cp_html_found;

/** What cp_html_mark() does where none is known ahead. */
bool cp_html_mark_find(const char **mark, cp_span piece);

/**
 * Looks ahead in a piece for a `>` that ends each tag before it.
 * @param mark  what was found before in this piece, or NULL; gets one that is
 *              not before the piece's begin
 * @return false where there is none in sight
 */
static inline bool cp_html_mark(const char **mark, cp_span piece)
{
    return (*mark && *mark >= piece.at) || cp_html_mark_find(mark, piece);
}

/** Where the name of a tag ends that begins at @a at, before @a mark. */
const char *cp_html_name_end(const char *at);

/**
 * Takes the next attribute of a tag.
 * @param at     behind the tag's name or another attribute; moved on
 * @param mark   a `>` that is not before @a at
 * @param name   gets the attribute's name as it stands there
 * @param value  gets its value without quotes; empty where it has none
 */
cp_html_found cp_html_attribute_next(const char **at, const char *mark,
                                     cp_span *name, cp_span *value);

/**
 * Reads on from text, over tags that cannot matter.
 * @param piece    moved on to the `<` of what may matter, or of what is not
 *                 known to be a tag; or to its end
 * @param mark     as cp_html_mark() has it
 * @param in_form  whether a form is open, so that its fields matter
 */
void cp_html_text_skip(cp_span *piece, const char **mark, bool in_form);

#endif
