/**
 * @file insertion.h
 * @brief What is put into a page, and how it gets into one that is there
 *        whole.
 */
#ifndef CP_INSERTION_H
#define CP_INSERTION_H

#include "html_url.h"

#include <stdbool.h>
#include <httpd.h>
#include <util_filter.h>

/** The bytes belong to others, who outlive the page's filter. */
typedef struct cp_insertion {
    cp_span script;             /* the banner's, for the head; absent: none */
    cp_span meta;               /* behind it, with the token; absent: none */
    cp_span field;              /* with the token, for forms; absent: none */
} cp_insertion;

/**
 * Sets the meta and the field.
 * @param token  masked, of CP_CSRF_MASKED_LENGTH bytes
 * @param pool   owns what they point to
 */
void cp_insertion_set_token(cp_insertion *add, const char *token,
                            apr_pool_t *pool);

/**
 * Puts it into a page that is a file, there whole: one bucket and the end. Such
 * a page is recognised when it comes again (html_page.h).
 * @param own  the page's origin
 * @param in   gets the new page in the old one's place
 * @return false where the page is no such, or cp_html_page_read() leaves it to
 *         the reader: it is as it was, though its file may have been read
 */
bool cp_insertion_whole(const cp_insertion *add, const cp_html_origin *own,
                        request_rec *r, apr_bucket_brigade *in);

void cp_insertion_register(void);

#endif
