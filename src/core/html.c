#include "html.h"
#include "html_raw.h"


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

/* The elements that matter. */
typedef enum element {
    OTHER,
    E_HTML,
    E_HEAD,
    E_BODY,
    E_META,
    E_BASE,
    E_FORM,
    E_TEMPLATE,
    E_PLAINTEXT,
    E_SCRIPT,                   /* this one and those that follow are RAW */
    E_STYLE,
    E_TITLE,
    E_TEXTAREA,
    E_IFRAME,
    E_XMP,
    E_NOEMBED,
    E_NOFRAMES
} element;

static const char *const element_names[] = {
    [OTHER] = "",
    [E_HTML] = "html",
    [E_HEAD] = "head",
    [E_BODY] = "body",
    [E_META] = "meta",
    [E_BASE] = "base",
    [E_FORM] = "form",
    [E_TEMPLATE] = "template",
    [E_PLAINTEXT] = "plaintext",
    [E_SCRIPT] = "script",
    [E_STYLE] = "style",
    [E_TITLE] = "title",
    [E_TEXTAREA] = "textarea",
    [E_IFRAME] = "iframe",
    [E_XMP] = "xmp",
    [E_NOEMBED] = "noembed",
    [E_NOFRAMES] = "noframes",
};

/* The attributes that matter. */
typedef enum attribute {
    A_NONE,
    A_ACTION,
    A_CHARSET,
    A_FORMACTION,
    A_HREF,
    A_HTTP_EQUIV,
    A_METHOD,
    A_NAME,
    A_COUNT
} attribute;

static const char *const attribute_names[A_COUNT] = {
    [A_NONE] = "",
    [A_ACTION] = "action",
    [A_CHARSET] = "charset",
    [A_FORMACTION] = "formaction",
    [A_HREF] = "href",
    [A_HTTP_EQUIV] = "http-equiv",
    [A_METHOD] = "method",
    [A_NAME] = "name",
};

struct cp_html {
    const cp_html_origin *own;
    const char *field;

    state state;
    cp_html_word name;                  /* of the tag */
    element element;            /* whose tag it is */
    bool end_tag;
    bool skips;                 /* no attribute of it matters */
    cp_html_word attribute_name;
    attribute attribute;        /* whose value is kept; A_NONE: nobody's */
    bool seen[A_COUNT];
    char value[VALUE_MAX_LENGTH + 1];
    unsigned int value_length;  /* VALUE_MAX_LENGTH + 1: longer */

    unsigned int matched;       /* of a mark in MARKUP and COMMENT */
    cp_html_raw raw;

    bool name_known;            /* it was looked at before its end */
    bool head_open;             /* the place of the head is still to come */
    bool tag_charset;           /* of the tag that is being read */
    unsigned int templates;
    bool base_seen;
    bool base_foreign;
    bool form_open;
    bool form_posts;
    bool form_foreign;
    bool form_has_field;
    apr_size_t held;
};

cp_html *cp_html_make(const cp_html_origin *own, const char *field,
                      apr_pool_t *pool)
{
    cp_html *html = apr_pcalloc(pool, sizeof(*html));

    html->own = own;
    html->field = field;
    html->head_open = true;
    return html;
}

/* --- Elements --------------------------------------------------------- */

/* The shortest name that matters. */
#define ELEMENT_NAME_MIN 3

static element element_find(const cp_html_word *name)
{
    if (name->length < ELEMENT_NAME_MIN) {
        return OTHER;
    }
    for (int i = OTHER + 1; i <= E_NOFRAMES; i++) {
        if (element_names[i][0] == name->text[0]
            && cp_html_word_is(name, element_names[i])) {
            return (element)i;
        }
    }
    return OTHER;
}

/* --- Tags ------------------------------------------------------------- */

/* Whether the value that was read leads to the page's origin. */
static bool value_is_own(const cp_html *html, bool relative_is_own)
{
    return html->value_length <= VALUE_MAX_LENGTH
           && cp_html_url_is_own(html->own,
                                 cp_span_make(html->value,
                                              html->value_length),
                                 relative_is_own);
}

static void attribute_end(cp_html *html)
{
    html->value[html->value_length <= VALUE_MAX_LENGTH
                ? html->value_length : VALUE_MAX_LENGTH] = '\0';
    switch (html->attribute) {
    case A_ACTION:
        /* An empty one is the page's own address, whatever the base. */
        if (html->value_length
            && !value_is_own(html, !html->base_foreign)) {
            html->form_foreign = true;
        }
        break;
    case A_FORMACTION:
        if (html->form_open && !html->templates && html->value_length
            && !value_is_own(html, !html->base_foreign)) {
            html->form_foreign = true;
        }
        break;
    case A_METHOD:
        html->form_posts = strcasecmp(html->value, "post") == 0;
        break;
    case A_NAME:
        if (html->form_open && !html->templates
            && strcmp(html->value, html->field) == 0) {
            html->form_has_field = true;
        }
        break;
    case A_HREF:
        if (!html->base_seen && !html->templates) {
            html->base_seen = true;
            html->base_foreign = !value_is_own(html, true);
        }
        break;
    case A_CHARSET:
    case A_HTTP_EQUIV:
        html->tag_charset = html->attribute == A_CHARSET
                            || strcasecmp(html->value, "content-type") == 0;
        break;
    default:
        break;
    }
    html->attribute = A_NONE;
}

/* Whether the tag that is being read opens a form. */
static bool opens_form(const cp_html *html)
{
    return !html->end_tag && !html->form_open && !html->templates
           && html->element == E_FORM;
}

/* Which attribute has begun, where its value matters in this tag. Of several
 * of one name the first counts. */
static attribute attribute_find(cp_html *html)
{
    attribute found = A_NONE;

    for (int i = A_NONE + 1; i < A_COUNT && !html->skips; i++) {
        if (attribute_names[i][0] == html->attribute_name.text[0]
            && cp_html_word_is(&html->attribute_name, attribute_names[i])) {
            found = (attribute)i;
        }
    }
    if (found == A_NONE || html->end_tag || html->seen[found]) {
        return A_NONE;
    }
    html->seen[found] = true;
    switch (found) {
    case A_ACTION:
    case A_METHOD:
        return opens_form(html) ? found : A_NONE;
    case A_HREF:
        return cp_html_word_is(&html->name, "base") ? found : A_NONE;
    case A_CHARSET:
    case A_HTTP_EQUIV:
        return cp_html_word_is(&html->name, "meta") ? found : A_NONE;
    case A_NAME:
        return cp_html_word_is(&html->name, "input") ? found : A_NONE;
    default:
        return found;
    }
}

/* A tag begins: what is known of forms begins anew with one that opens. */
static void tag_begin(cp_html *html)
{
    memset(html->seen, 0, sizeof(html->seen));
    html->attribute = A_NONE;
    html->tag_charset = false;
    html->skips = html->end_tag
                  || !(html->form_open || html->element == E_FORM
                       || html->element == E_META
                       || html->element == E_BASE);
    if (opens_form(html)) {
        html->form_posts = false;
        html->form_foreign = false;
        html->form_has_field = false;
    }
}

static cp_html_place start_tag_end(cp_html *html, element which)
{
    if (which == E_TEMPLATE) {
        html->templates++;
    }
    else if (which == E_FORM && !html->templates) {
        html->form_open = true;
    }
    else if (which == E_PLAINTEXT) {
        html->state = PLAIN;
    }
    else if (which >= E_SCRIPT) {
        html->state = RAW;
        cp_html_raw_begin(&html->raw, element_names[which]);
    }
    if (html->head_open && which == E_META && html->tag_charset) {
        html->head_open = false;
        return CP_HTML_HEAD;
    }
    return CP_HTML_NONE;
}

/* The `>` of a tag was read. */
static cp_html_place tag_end(cp_html *html)
{
    element which = html->element;

    html->state = TEXT;
    if (!html->end_tag) {
        return start_tag_end(html, which);
    }
    if (which == E_TEMPLATE && html->templates) {
        html->templates--;
    }
    return CP_HTML_NONE;
}

static bool form_is_due(const cp_html *html)
{
    return html->form_open && html->form_posts && !html->form_foreign
           && !html->form_has_field;
}

/* The name of a tag is known: whether a place lies before the tag. */
static cp_html_place name_end(cp_html *html)
{
    element which = element_find(&html->name);
    cp_html_place place = CP_HTML_NONE;

    html->element = which;

    if (html->head_open
        && !(!html->end_tag && (which == E_HTML || which == E_HEAD
                                || which == E_META))) {
        html->head_open = false;
        place = CP_HTML_HEAD;
    }
    else if (html->end_tag && !html->templates
             && (which == E_FORM || which == E_BODY || which == E_HTML)) {
        place = form_is_due(html) ? CP_HTML_FORM : CP_HTML_NONE;
        html->form_open = false;
    }
    tag_begin(html);
    return place;
}

/* --- Comments --------------------------------------------------------- */

/* One byte of a comment. `-->` and `--!>` end it, and so do `>` and `->` at
 * its begin. */
static void comment_read(cp_html *html, char c)
{
    enum { BEGUN, BEGUN_DASH, IN, DASH, DASHES, BANG };

    switch (html->matched) {
    case BEGUN:
    case BEGUN_DASH:
        if (c == '>') {
            html->state = TEXT;
            return;
        }
        html->matched = c != '-' ? IN
                        : html->matched == BEGUN ? BEGUN_DASH : DASHES;
        return;
    case DASH:
        html->matched = c == '-' ? DASHES : IN;
        return;
    case DASHES:
    case BANG:
        if (c == '>') {
            html->state = TEXT;
            return;
        }
        if (html->matched == DASHES && (c == '-' || c == '!')) {
            html->matched = c == '-' ? DASHES : BANG;
            return;
        }
        break;
    default:
        break;
    }
    html->matched = c == '-' ? DASH : IN;
}

/* Behind `<!`: a comment, or something that ends at the next `>`. */
static void markup_read(cp_html *html, cp_span *piece)
{
    if (piece->at[0] != '-') {
        html->state = BOGUS;
        return;
    }
    if (html->matched) {
        html->state = COMMENT;
    }
    html->matched = !html->matched;
    piece->at++;
    piece->length--;
}

/* --- Bytes ------------------------------------------------------------ */

static void value_add(cp_html *html, cp_span bytes)
{
    if (html->attribute == A_NONE) {
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
    html->attribute = attribute_find(html);
    html->value_length = 0;
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

/* Takes bytes up to a mark, all of them where it is not there. */
static cp_span take_to(cp_span *piece, char mark)
{
    const char *end = memchr(piece->at, mark, piece->length);
    cp_span taken = { piece->at, end ? (apr_size_t)(end - piece->at)
                                     : piece->length };

    piece->at += taken.length;
    piece->length -= taken.length;
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
    if (html->head_open || html->form_open) {
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

static cp_html_place text_read(cp_html *html, cp_span *piece)
{
    if (html->head_open) {
        while (piece->length && is_before_head(piece->at[0])) {
            byte_take(piece);
        }
        if (piece->length && piece->at[0] != '<') {
            html->head_open = false;
            return CP_HTML_HEAD;
        }
    }
    take_to(piece, '<');
    if (piece->length) {
        byte_hold(html, piece);
        html->state = TAG_OPEN;
    }
    return CP_HTML_NONE;
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
    }
    else if (c == '!') {
        byte_take(piece);
        html->state = MARKUP;
        html->matched = 0;
    }
    else {
        html->state = TEXT;     /* it was no tag */
        if (html->head_open) {
            html->head_open = false;
            place = CP_HTML_HEAD;
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
    return place_before(html, name_end(html), held);
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
    if (cp_html_raw_may_skip(&html->raw)) {
        take_to(piece, '<');
    }
    if (!piece->length) {
        return;
    }
    if (cp_html_raw_read(&html->raw, piece->at[0])) {
        byte_take(piece);
        return;
    }
    html->element = OTHER;      /* the end of such text changes nothing */
    html->end_tag = true;
    html->state = ATTRIBUTES;
    tag_begin(html);
}

/* Text, comments and what else has no tags in it. */
static void other_read(cp_html *html, cp_span *piece)
{
    switch (html->state) {
    case MARKUP:
        markup_read(html, piece);
        break;
    case COMMENT:
        comment_read(html, byte_take(piece));
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
    return form_is_due(html);
}
