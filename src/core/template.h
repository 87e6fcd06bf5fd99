/**
 * @file template.h
 * @brief A page of HTML with places for what the module writes.
 *
 * The places are {{content}}, which must be there once, {{title}},
 * {{language}} and {{direction}} (ltr or rtl), which may be there as often as
 * is liked.
 */
#ifndef CP_TEMPLATE_H
#define CP_TEMPLATE_H

#include "span.h"

typedef struct cp_template cp_template;

/** What may be in a template's place. */
typedef enum cp_place {
    CP_PLACE_END,
    CP_PLACE_CONTENT,
    CP_PLACE_TITLE,
    CP_PLACE_LANGUAGE,
    CP_PLACE_DIRECTION
} cp_place;

/**
 * Reads a template.
 * @param text   must outlive it
 * @param error  gets what is wrong: no {{content}}, or two, or an unknown place
 */
const cp_template *cp_template_make(cp_span text, const char **error,
                                    apr_pool_t *pool);

/** The one that is built in. */
const cp_template *cp_template_standard(apr_pool_t *pool);

/**
 * Takes a template apart: a piece of text and the place behind it.
 * @param at  0 at first, moved on
 * @return the place; CP_PLACE_END behind the last piece
 */
cp_place cp_template_next(const cp_template *frame, int *at, cp_span *text);

#endif
