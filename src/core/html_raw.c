#include "html_raw.h"

void cp_html_raw_begin(cp_html_raw *raw, const char *element)
{
    memset(raw, 0, sizeof(*raw));
    raw->element = element;
    raw->length = strlen(element);
    raw->is_script = strcmp(element, "script") == 0;
}

/* A name has ended. @return whether the element ends with it */
static bool name_end(cp_html_raw *raw)
{
    if (!cp_html_word_is(&raw->name, raw->element)) {
        return false;
    }
    if (!raw->is_script || raw->escape == CP_HTML_PLAIN) {
        return raw->is_end;
    }
    if (raw->escape == CP_HTML_DOUBLE) {
        raw->escape = raw->is_end ? CP_HTML_ESCAPED : CP_HTML_DOUBLE;
        return false;
    }
    raw->escape = raw->is_end ? CP_HTML_ESCAPED : CP_HTML_DOUBLE;
    return raw->is_end;
}

/* `-->` ends what `<!--` began. */
static void dash_note(cp_html_raw *raw, char c)
{
    if (c == '>' && raw->dashes >= 2) {
        raw->escape = CP_HTML_PLAIN;
    }
    raw->dashes = c != '-' ? 0 : raw->dashes < 2 ? raw->dashes + 1 : 2;
}

static cp_html_raw_step step_next(cp_html_raw *raw, char c)
{
    switch (raw->step) {
    case CP_HTML_RAW_LESS:
        if (c == '!') {
            return CP_HTML_RAW_BANG;
        }
        if (c == '/') {
            raw->is_end = true;
            return CP_HTML_RAW_NAME;
        }
        /* fall through */
    case CP_HTML_RAW_NAME:
        if (apr_isalpha(c)) {
            cp_html_word_add(&raw->name, c);
            return CP_HTML_RAW_NAME;
        }
        return CP_HTML_RAW_TEXT;
    case CP_HTML_RAW_BANG:
        return c == '-' ? CP_HTML_RAW_BANG_DASH : CP_HTML_RAW_TEXT;
    case CP_HTML_RAW_BANG_DASH:
        if (c == '-' && raw->is_script && raw->escape == CP_HTML_PLAIN) {
            raw->escape = CP_HTML_ESCAPED;
            raw->dashes = 2;
        }
        return CP_HTML_RAW_TEXT;
    default:
        return CP_HTML_RAW_TEXT;
    }
}

/* @return false when the byte stands behind the name of the end tag */
static bool byte_read(cp_html_raw *raw, char c)
{
    if (raw->escape != CP_HTML_PLAIN) {
        dash_note(raw, c);
    }
    if (raw->step == CP_HTML_RAW_NAME && cp_html_ends_name(c)
        && name_end(raw)) {
        return false;
    }
    if (c == '<') {
        raw->step = CP_HTML_RAW_LESS;
        raw->is_end = false;
        cp_html_word_clear(&raw->name);
    }
    else {
        raw->step = step_next(raw, c);
    }
    return true;
}

/* Reads over text in which only the end tag matters, as long as it can be
 * seen whole. @return whether it was reached */
static bool plain_read(const cp_html_raw *raw, cp_span *piece)
{
    const char *end = piece->at + piece->length;
    const char *at = piece->at;
    bool ended = false;

    while ((at = memchr(at, '<', (size_t)(end - at)))
           && (apr_size_t)(end - at) > raw->length + 2
           && !(at[1] == '!' && raw->is_script)) {
        if (at[1] == '/'
            && strncasecmp(at + 2, raw->element, raw->length) == 0
            && cp_html_ends_name(at[raw->length + 2])) {
            at += raw->length + 2;
            ended = true;
            break;
        }
        at++;
    }
    at = at ? at : end;
    *piece = cp_span_make(at, (apr_size_t)(end - at));
    return ended;
}

bool cp_html_raw_read(cp_html_raw *raw, cp_span *piece)
{
    while (piece->length) {
        if (raw->step == CP_HTML_RAW_TEXT && raw->escape == CP_HTML_PLAIN
            && plain_read(raw, piece)) {
            return true;
        }
        if (piece->length) {
            if (!byte_read(raw, piece->at[0])) {
                return true;
            }
            piece->at++;
            piece->length--;
        }
    }
    return false;
}
