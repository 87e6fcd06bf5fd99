#include "html_reader.h"
#include "html_tag.h"

#include <stddef.h>

cp_html *cp_html_make(const cp_html_origin *own, const char *field,
                      apr_pool_t *pool)
{
    cp_html *html = apr_palloc(pool, sizeof(*html));

    memset(html, 0, offsetof(cp_html, value));
    html->form.own = own;
    html->form.field = field;
    html->head_open = true;
    return html;
}

cp_html *cp_html_head_make(bool xml, apr_pool_t *pool)
{
    cp_html *html = cp_html_make(NULL, "", pool);

    html->head_only = true;
    html->rootless = xml;
    return html;
}

void cp_html_head_pass(cp_html *html)
{
    html->begun = true;
    html->whole = true;
    html->head_open = false;
}

bool cp_html_head_is_open(const cp_html *html)
{
    return html->head_open;
}

/* Behind `<!`: a comment, or something that ends at the next `>`. */
static void markup_read(cp_html *html, cp_span *piece)
{
    if (piece->at[0] != '-') {
        html->state = CP_HTML_S_BOGUS;
        html->whole = true;
        return;
    }
    if (html->dash) {
        html->state = CP_HTML_S_COMMENT;
        cp_html_comment_begin(&html->comment);
    }
    html->dash = !html->dash;
    piece->at++;
    piece->length--;
}

/* --- Bytes ------------------------------------------------------------ */

static void value_add(cp_html *html, cp_span bytes)
{
    if (html->attribute == CP_HTML_A_OTHER) {
        return;
    }
    if (html->value_length + bytes.length > CP_HTML_VALUE_MAX) {
        html->value_length = CP_HTML_VALUE_MAX + 1;
        return;
    }
    memcpy(html->value + html->value_length, bytes.at, bytes.length);
    html->value_length += (unsigned int)bytes.length;
}

static void attribute_begin(cp_html *html)
{
    html->value_length = 0;
    cp_html_word_clear(&html->attribute_name);
    html->state = CP_HTML_S_ATTRIBUTE_NAME;
}

/* The name of an attribute has ended. */
static void attribute_name_end(cp_html *html)
{
    cp_span name = cp_span_make(html->attribute_name.text,
                                html->attribute_name.length);

    html->attribute = html->skips ? CP_HTML_A_OTHER
                                  : cp_html_attribute_named(html, name);
    html->value_length = 0;
}

static void attribute_end(cp_html *html)
{
    cp_html_attribute_valued(html, html->attribute,
                   cp_span_make(html->value, html->value_length));
    html->attribute = CP_HTML_A_OTHER;
}

/* One byte of a tag behind its name. */
static cp_html_place tag_read(cp_html *html, char c)
{
    switch (html->state) {
    case CP_HTML_S_ATTRIBUTE_NAME:
        if (!cp_html_ends_name(c) && c != '=') {
            if (!html->skips) {
                cp_html_word_add(&html->attribute_name, c);
            }
            return CP_HTML_NONE;
        }
        attribute_name_end(html);
        html->state = CP_HTML_S_ATTRIBUTE_AFTER;
        /* fall through */
    case CP_HTML_S_ATTRIBUTE_AFTER:
        if (cp_html_is_space(c)) {
            return CP_HTML_NONE;
        }
        if (c == '=') {
            html->state = CP_HTML_S_VALUE_BEFORE;
            return CP_HTML_NONE;
        }
        attribute_end(html);
        html->state = CP_HTML_S_ATTRIBUTES;
        /* fall through */
    case CP_HTML_S_ATTRIBUTES:
        if (c == '>') {
            return cp_html_tag_ended(html);
        }
        if (!cp_html_is_space(c) && c != '/') {
            attribute_begin(html);
            cp_html_word_add(&html->attribute_name, c);
        }
        return CP_HTML_NONE;
    case CP_HTML_S_VALUE_BEFORE:
        if (cp_html_is_space(c)) {
            return CP_HTML_NONE;
        }
        if (c == '"' || c == '\'') {
            html->state = c == '"' ? CP_HTML_S_VALUE_DOUBLE
                                   : CP_HTML_S_VALUE_SINGLE;
            return CP_HTML_NONE;
        }
        html->state = CP_HTML_S_VALUE_BARE;
        /* fall through */
    default:                    /* CP_HTML_S_VALUE_BARE */
        if (c == '>' || cp_html_is_space(c)) {
            attribute_end(html);
            html->state = CP_HTML_S_ATTRIBUTES;
            return c == '>' ? cp_html_tag_ended(html) : CP_HTML_NONE;
        }
        value_add(html, cp_span_make(&c, 1));
        return CP_HTML_NONE;
    }
}

/* --- Pieces ----------------------------------------------------------- */

static void take(cp_span *piece, apr_size_t length)
{
    piece->at += length;
    piece->length -= length;
}

/* Takes bytes up to a mark, all of them where it is not there. */
static cp_span take_to(cp_span *piece, char mark)
{
    const char *end = memchr(piece->at, mark, piece->length);
    cp_span taken = { piece->at, end ? (apr_size_t)(end - piece->at)
                                     : piece->length };

    take(piece, taken.length);
    return taken;
}

static char byte_take(cp_span *piece)
{
    piece->length--;
    return *piece->at++;
}

/* A byte of what may turn out to be a tag with a place before it. */
static char byte_hold(cp_html *html, cp_span *piece)
{
    if (html->head_open || html->form.open) {
        html->held++;
    }
    return byte_take(piece);
}

/* What is held belongs behind the place. */
static cp_html_place place_before(cp_html *html, cp_html_place place,
                                  apr_size_t *held)
{
    *held = html->held;
    html->held = 0;
    return place;
}

/* Whether it may stand before the head: blanks, and the mark of UTF-8. */
static bool is_before_head(char c)
{
    return cp_html_is_space(c) || c == '\xef' || c == '\xbb' || c == '\xbf';
}

/* A tag that is whole in the piece is read at once. A place before it is
 * given first, and the tag then read anew.
 * @return whether there is such a tag; if not, nothing was read */
static bool tag_read_whole(cp_html *html, cp_span *piece,
                           cp_html_place *place)
{
    const char *at = piece->at + 1;
    cp_html_found found;
    cp_span name, value;

    if (!cp_html_mark(&html->mark, *piece)) {
        return false;
    }
    html->end_tag = *at == '/';
    at += html->end_tag;
    if (!apr_isalpha(*at)) {
        return false;
    }
    name = cp_span_make(at, (apr_size_t)(cp_html_name_end(at) - at));
    *place = cp_html_tag_named(html, name);
    if (*place != CP_HTML_NONE) {
        return true;
    }
    at += name.length;
    while ((found = cp_html_attribute_next(&at, html->mark, &name, &value))
           == CP_HTML_ATTRIBUTE) {
        if (!html->skips) {
            cp_html_attribute_valued(html,
                                     cp_html_attribute_named(html, name),
                                     value);
        }
    }
    if (found == CP_HTML_TAG_CUT) {
        return false;
    }
    take(piece, (apr_size_t)(at + 1 - piece->at));
    *place = cp_html_tag_ended(html);
    return true;
}

/* Text, with which the head is over. Before any tag it is no page, whatever
 * it is called: a script may be going to read it, as JSON for one. */
static cp_html_place head_end(cp_html *html, char c)
{
    html->head_open = false;
    if (html->rootless) {
        return CP_HTML_NONE;
    }
    if (html->begun) {
        return CP_HTML_HEAD;
    }
    if (c == '{' || c == '[') {
        html->state = CP_HTML_S_PLAIN;
    }
    return CP_HTML_NONE;
}

static cp_html_place text_read(cp_html *html, cp_span *piece)
{
    cp_html_place place = CP_HTML_NONE;

    if (html->head_open) {
        while (piece->length && is_before_head(piece->at[0])) {
            byte_take(piece);
        }
        if (piece->length && piece->at[0] != '<') {
            return head_end(html, piece->at[0]);
        }
    }
    else {
        cp_html_text_skip(piece, &html->mark, html->form.open);
    }
    if (piece->length && !tag_read_whole(html, piece, &place)) {
        byte_hold(html, piece);
        html->state = CP_HTML_S_TAG_OPEN;
    }
    return place;
}

/* Behind `<` or `</`. */
static cp_html_place open_read(cp_html *html, cp_span *piece,
                               apr_size_t *held)
{
    bool end_tag = html->state == CP_HTML_S_END_TAG_OPEN;
    char c = piece->at[0];
    cp_html_place place = CP_HTML_NONE;

    if (apr_isalpha(c)) {
        html->end_tag = end_tag;
        html->name_known = false;
        cp_html_word_clear(&html->name);
        html->state = CP_HTML_S_TAG_NAME;
        return CP_HTML_NONE;
    }
    if (!end_tag && c == '/') {
        byte_hold(html, piece);
        html->state = CP_HTML_S_END_TAG_OPEN;
        return CP_HTML_NONE;
    }
    if (end_tag || c == '?') {
        html->state = CP_HTML_S_BOGUS;
        html->begun = true;
    }
    else if (c == '!') {
        byte_take(piece);
        html->state = CP_HTML_S_MARKUP;
        html->dash = false;
        html->begun = true;
    }
    else {
        html->state = CP_HTML_S_TEXT;     /* it was no tag */
        if (html->head_open) {
            place = head_end(html, '<');
        }
    }
    return place_before(html, place, held);
}

static cp_html_place name_read(cp_html *html, cp_span *piece,
                               apr_size_t *held)
{
    char c = piece->at[0];
    bool ends = cp_html_ends_name(c);

    if (!ends && html->name.length < CP_HTML_WORD_MAX) {
        cp_html_word_add(&html->name, byte_hold(html, piece));
        return CP_HTML_NONE;
    }
    if (!ends) {
        cp_html_word_add(&html->name, c);   /* none that matters */
    }
    if (ends) {
        html->state = CP_HTML_S_ATTRIBUTES;
    }
    if (html->name_known) {
        if (!ends) {
            byte_take(piece);
        }
        return CP_HTML_NONE;
    }
    html->name_known = true;
    return place_before(html,
                        cp_html_tag_named(html, cp_span_make(html->name.text,
                                                    html->name.length)),
                        held);
}

static void value_read(cp_html *html, cp_span *piece)
{
    value_add(html, take_to(piece, html->state == CP_HTML_S_VALUE_DOUBLE ? '"'
                                                               : '\''));
    if (piece->length) {
        byte_take(piece);
        attribute_end(html);
        html->state = CP_HTML_S_ATTRIBUTES;
    }
}

static void raw_read(cp_html *html, cp_span *piece)
{
    if (cp_html_raw_read(&html->raw, piece)) {
        html->state = CP_HTML_S_ATTRIBUTES;
        cp_html_raw_ended(html);
    }
}

/* Text, comments and what else has no tags in it. */
static void other_read(cp_html *html, cp_span *piece)
{
    switch (html->state) {
    case CP_HTML_S_MARKUP:
        markup_read(html, piece);
        break;
    case CP_HTML_S_COMMENT:
        if (cp_html_comment_read(&html->comment, piece)) {
            html->state = CP_HTML_S_TEXT;
        }
        break;
    case CP_HTML_S_RAW:
        raw_read(html, piece);
        break;
    case CP_HTML_S_BOGUS:
        take_to(piece, '>');
        if (piece->length) {
            byte_take(piece);
            html->state = CP_HTML_S_TEXT;
        }
        break;
    default:                    /* CP_HTML_S_PLAIN */
        *piece = cp_span_make(piece->at + piece->length, 0);
        break;
    }
}

static cp_html_place step(cp_html *html, cp_span *piece, apr_size_t *held)
{
    switch (html->state) {
    case CP_HTML_S_TEXT:
        return text_read(html, piece);
    case CP_HTML_S_TAG_OPEN:
    case CP_HTML_S_END_TAG_OPEN:
        return open_read(html, piece, held);
    case CP_HTML_S_TAG_NAME:
        return name_read(html, piece, held);
    case CP_HTML_S_ATTRIBUTES:
    case CP_HTML_S_ATTRIBUTE_NAME:
    case CP_HTML_S_ATTRIBUTE_AFTER:
    case CP_HTML_S_VALUE_BEFORE:
    case CP_HTML_S_VALUE_BARE:
        return tag_read(html, byte_take(piece));
    case CP_HTML_S_VALUE_DOUBLE:
    case CP_HTML_S_VALUE_SINGLE:
        value_read(html, piece);
        return CP_HTML_NONE;
    default:
        other_read(html, piece);
        return CP_HTML_NONE;
    }
}

cp_html_place cp_html_next(cp_html *html, cp_span *piece, apr_size_t *held)
{
    cp_html_place place = CP_HTML_NONE;

    html->mark = NULL;
    while (piece->length && place == CP_HTML_NONE) {
        if (html->head_only && !html->head_open) {
            html->state = CP_HTML_S_PLAIN;
        }
        *held = 0;
        place = step(html, piece, held);
    }
    if (place == CP_HTML_NONE) {
        *held = html->held;
    }
    return place;
}

bool cp_html_ends_in_form(const cp_html *html)
{
    return html->state == CP_HTML_S_TEXT && !html->templates
           && cp_html_form_is_due(&html->form);
}
