/**
 * @file html_form.h
 * @brief What is known of a page's forms: which one is open, whether it posts
 *        to the page's own origin, and whether it has a token already.
 */
#ifndef CP_HTML_FORM_H
#define CP_HTML_FORM_H

#include "html_element.h"
#include "html_url.h"

typedef struct cp_html_form {
    const cp_html_origin *own;  /* the page's */
    const char *field;          /* the name of the token's field */
    bool base_seen;
    bool base_foreign;
    bool open;
    bool posts;
    bool foreign;
    bool files;                 /* it is sent as multipart/form-data */
    bool has_field;
} cp_html_form;

/** The start tag of a form has begun; its attributes follow. */
void cp_html_form_begin(cp_html_form *form);

/**
 * Takes an attribute of a form's start tag, of a field in the open form, or
 * of a <base>; others change nothing.
 * @param value  as it stands in the page; absent where it is too long to be
 *               looked at
 */
void cp_html_form_take(cp_html_form *form, cp_html_attribute attribute,
                       cp_span value);

/** Whether a form is open that is to have a token. */
static inline bool cp_html_form_is_due(const cp_html_form *form)
{
    return form->open && form->posts && !form->foreign && !form->has_field;
}

#endif
