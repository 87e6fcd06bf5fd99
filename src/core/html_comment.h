/**
 * @file html_comment.h
 * @brief Where a comment ends (the HTML standard, sections 13.2.5.43 to
 *        13.2.5.52).
 */
#ifndef CP_HTML_COMMENT_H
#define CP_HTML_COMMENT_H

#include "span.h"

/** What was read last. */
typedef enum cp_html_comment {
    CP_HTML_COMMENT_BEGUN,      /* `<!--` */
    CP_HTML_COMMENT_BEGUN_DASH, /* `<!---` */
    CP_HTML_COMMENT_TEXT,
    CP_HTML_COMMENT_DASH,       /* `-` */
    CP_HTML_COMMENT_DASHES,     /* `--`, or more */
    CP_HTML_COMMENT_BANG        /* `--!` */
} cp_html_comment;

static inline void cp_html_comment_begin(cp_html_comment *comment)
{
    *comment = CP_HTML_COMMENT_BEGUN;
}

/**
 * Reads on to the comment's end. `-->` and `--!>` end it, and so do `>` and
 * `->` at its begin.
 * @param piece  moved on behind the end, or to its own end
 * @return whether the comment has ended
 */
bool cp_html_comment_read(cp_html_comment *comment, cp_span *piece);

#endif
