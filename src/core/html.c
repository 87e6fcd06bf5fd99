#include "html.h"
#include "html_comment.h"
#include "html_element.h"
#include "html_form.h"
#include "html_raw.h"
#include "html_tag.h"

/* Longer values are not looked at; a form with such an action gets nothing. */
#define VALUE_MAX_LENGTH 1024

/* Where the tokenizer stands between two bytes. */
typedef enum state {
    TEXT,
    TAG_OPEN,                   /* behind `<` */
    END_TAG_OPEN,               /* behind `</` */
    TAG_NAME,
    ATTRIBUTES,                 /* before an attribute's name */
    ATTRIBUTE_NAME,
    ATTRIBUTE_AFTER,            /* before its `=`, if it has one */
    VALUE_BEFORE,
    VALUE_DOUBLE,
    VALUE_SINGLE,
    VALUE_BARE,
    MARKUP,                     /* behind `<!` */
    COMMENT,
    BOGUS,                      /* a comment that ends at the next `>` */
    RAW,                        /* the text of a script, a style, ... */
    PLAIN                       /* text to the end */
} state;

struct cp_html {
    cp_html_form form;

    state state;
    cp_html_word name;          /* of the tag */
    cp_html_element element;    /* whose tag it is */
    bool end_tag;
    bool skips;                 /* no attribute of it matters */
    cp_html_word attribute_name;
    cp_html_attribute attribute;    /* whose value is kept */
    bool seen[CP_HTML_A_COUNT];
    char value[VALUE_MAX_LENGTH];
    unsigned int value_length;  /* VALUE_MAX_LENGTH + 1: longer */

    bool dash;                  /* the first one of `<!--` was read */
    cp_html_comment comment;
    cp_html_raw raw;

    bool name_known;            /* it was looked at before its end */
    bool begun;                 /* a tag, or what else begins with `<` */
    bool head_open;             /* the place of the head is still to come */
    bool tag_charset;           /* of the tag that is being read */
    unsigned int templates;     /* that are open */
    apr_size_t held;
    const char *mark;           /* ahead in the piece, or NULL */
};

cp_html *cp_html_make(const cp_html_origin *own, const char *field,
                      apr_pool_t *pool)
{
    cp_html *html = apr_pcalloc(pool, sizeof(*html));

    html->form.own = own;
    html->form.field = field;
    html->head_open = true;
    return html;
}

/* --- Tags ------------------------------------------------------------- */

static bool is_content_type(cp_span value)
{
    static const char type[] = "content-type";

    return value.length == sizeof(type) - 1
           && strncasecmp(value.at, type, value.length) == 0;
}

static void attribute_take(cp_html *html, cp_html_attribute which,
                           cp_span value)
{
    if (value.length > VALUE_MAX_LENGTH) {
        value = CP_SPAN_NONE;
    }
    if (which == CP_HTML_A_CHARSET
        || (which == CP_HTML_A_HTTP_EQUIV && is_content_type(value))) {
        html->tag_charset = true;
    }
    cp_html_form_take(&html->form, which, value);
}

/* Which attribute has begun, where its value matters in this tag. Of several
 * of one name the first counts. */
static cp_html_attribute attribute_find(cp_html *html, cp_span name)
{
    cp_html_attribute found = cp_html_attribute_find(html->element, name);

    if (html->seen[found]) {
        return CP_HTML_A_OTHER;
    }
    html->seen[found] = true;
    return found;
}

/* Whether an attribute of the tag that is being read may matter. */
static bool tag_matters(const cp_html *html)
{
    if (html->end_tag || html->templates) {
        return false;
    }
    switch (html->element) {
    case CP_HTML_E_FORM:
        return !html->form.open;
    case CP_HTML_E_INPUT:
    case CP_HTML_E_BUTTON:
        return html->form.open;
    case CP_HTML_E_META:
        return html->head_open;
    default:
        return html->element == CP_HTML_E_BASE;
    }
}

/* A tag begins: what is known of forms begins anew with one that opens. */
static void tag_begin(cp_html *html)
{
    html->attribute = CP_HTML_A_OTHER;
    html->tag_charset = false;
    html->skips = !tag_matters(html);
    if (!html->skips) {
        memset(html->seen, 0, sizeof(html->seen));
        if (html->element == CP_HTML_E_FORM) {
            cp_html_form_begin(&html->form);
        }
    }
}

/* Of a body with files only the begin is searched for the token, so that in
 * such a form it goes first. */
static cp_html_place form_start(cp_html *html)
{
    bool begins = !html->form.open;

    html->form.open = true;
    if (!begins || !html->form.files || !cp_html_form_is_due(&html->form)) {
        return CP_HTML_NONE;
    }
    html->form.has_field = true;
    return CP_HTML_FORM;
}

static cp_html_place start_tag_end(cp_html *html, cp_html_element which)
{
    if (which == CP_HTML_E_TEMPLATE) {
        html->templates++;
    }
    else if (which == CP_HTML_E_FORM && !html->templates) {
        return form_start(html);
    }
    else if (which == CP_HTML_E_PLAINTEXT) {
        html->state = PLAIN;
    }
    else if (cp_html_element_is_raw(which)) {
        html->state = RAW;
        cp_html_raw_begin(&html->raw, cp_html_element_name(which));
    }
    if (html->head_open && which == CP_HTML_E_META && html->tag_charset) {
        html->head_open = false;
        return CP_HTML_HEAD;
    }
    return CP_HTML_NONE;
}

/* The `>` of a tag was read. */
static cp_html_place tag_end(cp_html *html)
{
    cp_html_element which = html->element;

    html->state = TEXT;
    if (!html->end_tag) {
        return start_tag_end(html, which);
    }
    if (which == CP_HTML_E_TEMPLATE && html->templates) {
        html->templates--;
    }
    return CP_HTML_NONE;
}

/* Whether a head's content cannot have begun yet with this tag. */
static bool is_before_content(const cp_html *html)
{
    bool structure = html->element == CP_HTML_E_HTML
                     || html->element == CP_HTML_E_HEAD;

    if (html->end_tag) {        /* of something that was never begun */
        return !structure && html->element != CP_HTML_E_BODY;
    }
    return structure || html->element == CP_HTML_E_META;
}

static bool ends_form(const cp_html *html)
{
    return html->end_tag && !html->templates
           && (html->element == CP_HTML_E_FORM
               || html->element == CP_HTML_E_BODY
               || html->element == CP_HTML_E_HTML);
}

/* The name of a tag is known: whether a place lies before the tag. */
static cp_html_place name_end(cp_html *html, cp_span name)
{
    cp_html_place place = CP_HTML_NONE;

    html->begun = true;
    html->element = cp_html_element_find(name);
    if (html->head_open && !is_before_content(html)) {
        html->head_open = false;
        place = CP_HTML_HEAD;
    }
    else if (ends_form(html)) {
        place = cp_html_form_is_due(&html->form) ? CP_HTML_FORM
                                                 : CP_HTML_NONE;
        html->form.open = false;
    }
    tag_begin(html);
    return place;
}

/* Behind `<!`: a comment, or something that ends at the next `>`. */
static void markup_read(cp_html *html, cp_span *piece)
{
    if (piece->at[0] != '-') {
        html->state = BOGUS;
        return;
    }
    if (html->dash) {
        html->state = COMMENT;
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
    if (html->value_length + bytes.length > VALUE_MAX_LENGTH) {
        html->value_length = VALUE_MAX_LENGTH + 1;
        return;
    }
    memcpy(html->value + html->value_length, bytes.at, bytes.length);
    html->value_length += (unsigned int)bytes.length;
}

static void attribute_begin(cp_html *html)
{
    html->value_length = 0;
    cp_html_word_clear(&html->attribute_name);
    html->state = ATTRIBUTE_NAME;
}

/* The name of an attribute has ended. */
static void attribute_name_end(cp_html *html)
{
    cp_span name = cp_span_make(html->attribute_name.text,
                                html->attribute_name.length);

    html->attribute = html->skips ? CP_HTML_A_OTHER
                                  : attribute_find(html, name);
    html->value_length = 0;
}

static void attribute_end(cp_html *html)
{
    attribute_take(html, html->attribute,
                   cp_span_make(html->value, html->value_length));
    html->attribute = CP_HTML_A_OTHER;
}

/* One byte of a tag behind its name. */
static cp_html_place tag_read(cp_html *html, char c)
{
    switch (html->state) {
    case ATTRIBUTE_NAME:
        if (!cp_html_ends_name(c) && c != '=') {
            if (!html->skips) {
                cp_html_word_add(&html->attribute_name, c);
            }
            return CP_HTML_NONE;
        }
        attribute_name_end(html);
        html->state = ATTRIBUTE_AFTER;
        /* fall through */
    case ATTRIBUTE_AFTER:
        if (cp_html_is_space(c)) {
            return CP_HTML_NONE;
        }
        if (c == '=') {
            html->state = VALUE_BEFORE;
            return CP_HTML_NONE;
        }
        attribute_end(html);
        html->state = ATTRIBUTES;
        /* fall through */
    case ATTRIBUTES:
        if (c == '>') {
            return tag_end(html);
        }
        if (!cp_html_is_space(c) && c != '/') {
            attribute_begin(html);
            cp_html_word_add(&html->attribute_name, c);
        }
        return CP_HTML_NONE;
    case VALUE_BEFORE:
        if (cp_html_is_space(c)) {
            return CP_HTML_NONE;
        }
        if (c == '"' || c == '\'') {
            html->state = c == '"' ? VALUE_DOUBLE : VALUE_SINGLE;
            return CP_HTML_NONE;
        }
        html->state = VALUE_BARE;
        /* fall through */
    default:                    /* VALUE_BARE */
        if (c == '>' || cp_html_is_space(c)) {
            attribute_end(html);
            html->state = ATTRIBUTES;
            return c == '>' ? tag_end(html) : CP_HTML_NONE;
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
    *place = name_end(html, name);
    if (*place != CP_HTML_NONE) {
        return true;
    }
    at += name.length;
    while ((found = cp_html_attribute_next(&at, html->mark, &name, &value))
           == CP_HTML_ATTRIBUTE) {
        if (!html->skips) {
            attribute_take(html, attribute_find(html, name), value);
        }
    }
    if (found == CP_HTML_TAG_CUT) {
        return false;
    }
    take(piece, (apr_size_t)(at + 1 - piece->at));
    *place = tag_end(html);
    return true;
}

/* Text, with which the head is over. Before any tag it is no page, whatever
 * it is called: a script may be going to read it, as JSON for one. */
static cp_html_place head_end(cp_html *html, char c)
{
    html->head_open = false;
    if (html->begun) {
        return CP_HTML_HEAD;
    }
    if (c == '{' || c == '[') {
        html->state = PLAIN;
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
        html->state = TAG_OPEN;
    }
    return place;
}

/* Behind `<` or `</`. */
static cp_html_place open_read(cp_html *html, cp_span *piece,
                               apr_size_t *held)
{
    bool end_tag = html->state == END_TAG_OPEN;
    char c = piece->at[0];
    cp_html_place place = CP_HTML_NONE;

    if (apr_isalpha(c)) {
        html->end_tag = end_tag;
        html->name_known = false;
        cp_html_word_clear(&html->name);
        html->state = TAG_NAME;
        return CP_HTML_NONE;
    }
    if (!end_tag && c == '/') {
        byte_hold(html, piece);
        html->state = END_TAG_OPEN;
        return CP_HTML_NONE;
    }
    if (end_tag || c == '?') {
        html->state = BOGUS;
        html->begun = true;
    }
    else if (c == '!') {
        byte_take(piece);
        html->state = MARKUP;
        html->dash = false;
        html->begun = true;
    }
    else {
        html->state = TEXT;     /* it was no tag */
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
        html->state = ATTRIBUTES;
    }
    if (html->name_known) {
        if (!ends) {
            byte_take(piece);
        }
        return CP_HTML_NONE;
    }
    html->name_known = true;
    return place_before(html,
                        name_end(html, cp_span_make(html->name.text,
                                                    html->name.length)),
                        held);
}

static void value_read(cp_html *html, cp_span *piece)
{
    value_add(html, take_to(piece, html->state == VALUE_DOUBLE ? '"'
                                                               : '\''));
    if (piece->length) {
        byte_take(piece);
        attribute_end(html);
        html->state = ATTRIBUTES;
    }
}

static void raw_read(cp_html *html, cp_span *piece)
{
    if (cp_html_raw_read(&html->raw, piece)) {
        /* The end of such text changes nothing. */
        html->element = CP_HTML_E_OTHER;
        html->end_tag = true;
        html->state = ATTRIBUTES;
        tag_begin(html);
    }
}

/* Text, comments and what else has no tags in it. */
static void other_read(cp_html *html, cp_span *piece)
{
    switch (html->state) {
    case MARKUP:
        markup_read(html, piece);
        break;
    case COMMENT:
        if (cp_html_comment_read(&html->comment, piece)) {
            html->state = TEXT;
        }
        break;
    case RAW:
        raw_read(html, piece);
        break;
    case BOGUS:
        take_to(piece, '>');
        if (piece->length) {
            byte_take(piece);
            html->state = TEXT;
        }
        break;
    default:                    /* PLAIN */
        *piece = cp_span_make(piece->at + piece->length, 0);
        break;
    }
}

static cp_html_place step(cp_html *html, cp_span *piece, apr_size_t *held)
{
    switch (html->state) {
    case TEXT:
        return text_read(html, piece);
    case TAG_OPEN:
    case END_TAG_OPEN:
        return open_read(html, piece, held);
    case TAG_NAME:
        return name_read(html, piece, held);
    case ATTRIBUTES:
    case ATTRIBUTE_NAME:
    case ATTRIBUTE_AFTER:
    case VALUE_BEFORE:
    case VALUE_BARE:
        return tag_read(html, byte_take(piece));
    case VALUE_DOUBLE:
    case VALUE_SINGLE:
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
    return html->state == TEXT && !html->templates
           && cp_html_form_is_due(&html->form);
}
