/**
 * @file html_element.h
 * @brief The elements and attributes that matter to the reader of HTML.
 */
#ifndef CP_HTML_ELEMENT_H
#define CP_HTML_ELEMENT_H

#include "span.h"

/** The elements, the shorter names first. */
typedef enum cp_html_element {
    CP_HTML_E_OTHER,
    CP_HTML_E_XMP,
    CP_HTML_E_BASE,
    CP_HTML_E_BODY,
    CP_HTML_E_FORM,
    CP_HTML_E_HEAD,
    CP_HTML_E_HTML,
    CP_HTML_E_META,
    CP_HTML_E_INPUT,
    CP_HTML_E_STYLE,
    CP_HTML_E_TITLE,
    CP_HTML_E_BUTTON,
    CP_HTML_E_IFRAME,
    CP_HTML_E_SCRIPT,
    CP_HTML_E_NOEMBED,
    CP_HTML_E_NOFRAMES,
    CP_HTML_E_TEMPLATE,
    CP_HTML_E_TEXTAREA,
    CP_HTML_E_PLAINTEXT,
    CP_HTML_E_COUNT
} cp_html_element;

/** The attributes, each of certain elements. */
typedef enum cp_html_attribute {
    CP_HTML_A_OTHER,
    CP_HTML_A_ACTION,
    CP_HTML_A_CHARSET,
    CP_HTML_A_ENCTYPE,
    CP_HTML_A_FORMACTION,
    CP_HTML_A_HREF,
    CP_HTML_A_HTTP_EQUIV,
    CP_HTML_A_METHOD,
    CP_HTML_A_NAME,
    CP_HTML_A_COUNT
} cp_html_attribute;

/** The element of that name, in any case of letters. */
cp_html_element cp_html_element_find(cp_span name);

/** Its name, in small letters. */
const char *cp_html_element_name(cp_html_element element);

/** Whether its content is text up to its end tag. */
bool cp_html_element_is_raw(cp_html_element element);

/** Whether it is a part of a table, which no page can begin with. */
bool cp_html_element_is_of_table(cp_span name);

/** The attribute of that name, where it matters in a tag of that element. */
cp_html_attribute cp_html_attribute_find(cp_html_element element,
                                         cp_span name);

#endif
