/**
 * @file document.h
 * @brief Which answers are documents: what a person looks at.
 */
#ifndef CP_DOCUMENT_H
#define CP_DOCUMENT_H

#include "fields.h"

/** How a page is read. */
typedef enum cp_markup {
    CP_MARKUP_NONE,             /* it is none */
    CP_MARKUP_HTML,             /* text/html */
    CP_MARKUP_XML               /* application/xhtml+xml */
} cp_markup;

/** Of which type the answer is, as far as that is known. */
cp_markup cp_document_markup(const request_rec *r);

/** Whether a person looks at the answer: HTML, and no redirect. */
bool cp_is_document(const request_rec *r);

/** Whether something can be put into an answer that is markup: it is no
 *  redirect and no part, not encoded, and in a charset in which the bytes of
 *  ASCII are ASCII. */
bool cp_document_is_readable(const request_rec *r,
                             const cp_page_fields *fields);

/** Whether a page is of two or four bytes a character, which it may say by
 *  its first ones alone. */
bool cp_document_begins_wide(apr_bucket_brigade *in);

#endif
