/**
 * @file html_raw.h
 * @brief The text of a script, a style and others, up to their end tag (the
 *        HTML standard, sections 13.2.5.2 to 13.2.5.31).
 */
#ifndef CP_HTML_RAW_H
#define CP_HTML_RAW_H

#include "html_word.h"

/** What is inside of a script decides where it ends. */
typedef enum cp_html_escape {
    CP_HTML_PLAIN,
    CP_HTML_ESCAPED,            /* behind `<!--` */
    CP_HTML_DOUBLE              /* behind a `<script` in there */
} cp_html_escape;

/** What was read of something that may matter. */
typedef enum cp_html_raw_step {
    CP_HTML_RAW_TEXT,
    CP_HTML_RAW_LESS,           /* `<` */
    CP_HTML_RAW_NAME,           /* `</` or a name behind it or behind `<` */
    CP_HTML_RAW_BANG,           /* `<!` */
    CP_HTML_RAW_BANG_DASH       /* `<!-` */
} cp_html_raw_step;

typedef struct cp_html_raw {
    const char *element;        /* whose text it is */
    apr_size_t length;          /* of its name */
    bool is_script;
    cp_html_escape escape;
    cp_html_raw_step step;
    unsigned int dashes;        /* that came last */
    cp_html_word name;
    bool is_end;
} cp_html_raw;

/** The start tag of such an element was read. */
void cp_html_raw_begin(cp_html_raw *raw, const char *element);

/**
 * Reads on to the end of the text.
 * @param piece  moved on behind the name of the end tag, whose attributes or
 *               `>` follow; or to its own end
 * @return whether the text has ended
 */
bool cp_html_raw_read(cp_html_raw *raw, cp_span *piece);

#endif
