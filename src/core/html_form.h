/**
 * @file html_form.h
 * @brief What is known of a page's forms: which one is open, whether it posts
 *        to the page's own origin, and whether it has a token already.
 *
 * A value is a span of the attribute as it stands in the page; an absent span
 * is one that is too long to be looked at.
 */
#ifndef CP_HTML_FORM_H
#define CP_HTML_FORM_H

#include "html_url.h"

typedef struct cp_html_form {
    const cp_html_origin *own;  /* the page's */
    const char *field;          /* the name of the token's field */
    bool base_seen;
    bool base_foreign;
    bool open;
    bool posts;
    bool foreign;
    bool has_field;
} cp_html_form;

/** The start tag of a form has begun; its attributes follow. */
void cp_html_form_begin(cp_html_form *form);

/** An action; one that is empty is the page's own address. */
void cp_html_form_action(cp_html_form *form, cp_span value);

/** The formaction of a button in the open form. */
void cp_html_form_button(cp_html_form *form, cp_span value);

void cp_html_form_method(cp_html_form *form, cp_span value);

/** The name of a field in the open form. */
void cp_html_form_name(cp_html_form *form, cp_span value);

/** The href of a <base>, of which the first counts. */
void cp_html_form_base(cp_html_form *form, cp_span value);

/** Whether a form is open that is to have a token. */
static inline bool cp_html_form_is_due(const cp_html_form *form)
{
    return form->open && form->posts && !form->foreign && !form->has_field;
}

#endif
