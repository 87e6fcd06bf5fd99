/**
 * @file html_reader.h
 * @brief The state of the reader of HTML, and what its tags mean. Only html.c
 *        and html_place.c use it.
 */
#ifndef CP_HTML_READER_H
#define CP_HTML_READER_H

#include "html.h"
#include "html_comment.h"
#include "html_element.h"
#include "html_form.h"
#include "html_raw.h"

/** Longer values are not looked at; a form with such an action gets
 *  nothing. */
#define CP_HTML_VALUE_MAX 1024

/** Where the tokenizer stands between two bytes. */
typedef enum cp_html_state {
    CP_HTML_S_TEXT,
    CP_HTML_S_TAG_OPEN,         /* behind `<` */
    CP_HTML_S_END_TAG_OPEN,     /* behind `</` */
    CP_HTML_S_TAG_NAME,
    CP_HTML_S_ATTRIBUTES,       /* before an attribute's name */
    CP_HTML_S_ATTRIBUTE_NAME,
    CP_HTML_S_ATTRIBUTE_AFTER,  /* before its `=`, if it has one */
    CP_HTML_S_VALUE_BEFORE,
    CP_HTML_S_VALUE_DOUBLE,
    CP_HTML_S_VALUE_SINGLE,
    CP_HTML_S_VALUE_BARE,
    CP_HTML_S_MARKUP,           /* behind `<!` */
    CP_HTML_S_COMMENT,
    CP_HTML_S_BOGUS,            /* a comment that ends at the next `>` */
    CP_HTML_S_RAW,              /* the text of a script, a style, ... */
    CP_HTML_S_PLAIN             /* text to the end */
} cp_html_state;

struct cp_html {
    cp_html_form form;

    cp_html_state state;
    cp_html_word name;          /* of the tag */
    cp_html_element element;    /* whose tag it is */
    bool end_tag;
    bool skips;                 /* no attribute of it matters */
    cp_html_word attribute_name;
    cp_html_attribute attribute;    /* whose value is kept */
    bool seen[CP_HTML_A_COUNT];
    unsigned int value_length;  /* CP_HTML_VALUE_MAX + 1: longer */

    bool dash;                  /* the first one of `<!--` was read */
    cp_html_comment comment;
    cp_html_raw raw;

    bool name_known;            /* it was looked at before its end */
    bool whole;                 /* a DOCTYPE or an element html: it is no
                                   part of a page */
    bool begun;                 /* a tag, or what else begins with `<` */
    bool head_open;             /* the place of the head is still to come */
    bool head_only;             /* behind it nothing is looked at */
    bool rootless;              /* it is XML whose root is still to come */
    bool tag_charset;           /* of the tag that is being read */
    unsigned int templates;     /* that are open */
    apr_size_t held;
    const char *mark;           /* ahead in the piece, or NULL */

    char value[CP_HTML_VALUE_MAX];  /* its first value_length bytes */
};

/** The name of a tag is known: whether a place lies before the tag. */
cp_html_place cp_html_tag_named(cp_html *html, cp_span name);

/** Which attribute of the tag has begun, where its value matters. Of several
 *  of one name the first counts. */
cp_html_attribute cp_html_attribute_named(cp_html *html, cp_span name);

/** The value of that attribute is known. */
void cp_html_attribute_valued(cp_html *html, cp_html_attribute attribute,
                              cp_span value);

/** A tag has begun in which no place lies: the end of a script's and others'
 *  text. */
void cp_html_raw_ended(cp_html *html);

/** The `>` of the tag was read: whether a place lies behind it. */
cp_html_place cp_html_tag_ended(cp_html *html);

#endif
