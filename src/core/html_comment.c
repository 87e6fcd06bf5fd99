#include "html_comment.h"

static cp_html_comment next_of(cp_html_comment comment, char c)
{
    switch (comment) {
    case CP_HTML_COMMENT_BEGUN:
        return c == '-' ? CP_HTML_COMMENT_BEGUN_DASH : CP_HTML_COMMENT_TEXT;
    case CP_HTML_COMMENT_BEGUN_DASH:
    case CP_HTML_COMMENT_DASH:
        return c == '-' ? CP_HTML_COMMENT_DASHES : CP_HTML_COMMENT_TEXT;
    case CP_HTML_COMMENT_DASHES:
        if (c == '-' || c == '!') {
            return c == '-' ? CP_HTML_COMMENT_DASHES : CP_HTML_COMMENT_BANG;
        }
        break;
    default:
        break;
    }
    return c == '-' ? CP_HTML_COMMENT_DASH : CP_HTML_COMMENT_TEXT;
}

static bool ends(cp_html_comment comment)
{
    return comment != CP_HTML_COMMENT_TEXT && comment != CP_HTML_COMMENT_DASH;
}

bool cp_html_comment_read(cp_html_comment *comment, cp_span *piece)
{
    const char *end = piece->at + piece->length;
    const char *at = piece->at;
    bool ended = false;

    while (at < end && !ended) {
        if (*comment == CP_HTML_COMMENT_TEXT) {
            const char *dash = memchr(at, '-', (size_t)(end - at));

            at = dash ? dash : end;
        }
        if (at < end) {
            ended = *at == '>' && ends(*comment);
            *comment = next_of(*comment, *at++);
        }
    }
    *piece = cp_span_make(at, (apr_size_t)(end - at));
    return ended;
}
