/*
 * A page is mostly text and tags that do not matter, and its reader shall
 * cost less than what serves the page. No loop here needs a bound: a `>` that
 * is known to lie ahead ends each of them.
 */
#include "html_tag.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    BLANK = 1,
    SPACE = 2,                  /* blanks, and the `/` between attributes */
    NAME_ENDS = 4,              /* of an attribute */
    TAG_NAME_ENDS = 8,
    BARE_ENDS = 16,             /* a value without quotes */
    LETTER = 32
};

#define A_BLANK (BLANK | SPACE | NAME_ENDS | TAG_NAME_ENDS | BARE_ENDS)

static const unsigned char classes[256] = {
    ['\t'] = A_BLANK, ['\n'] = A_BLANK, ['\f'] = A_BLANK, ['\r'] = A_BLANK,
    [' '] = A_BLANK,
    ['/'] = SPACE | NAME_ENDS | TAG_NAME_ENDS,
    ['='] = NAME_ENDS,
    ['>'] = NAME_ENDS | TAG_NAME_ENDS | BARE_ENDS,
    ['A' ... 'Z'] = LETTER, ['a' ... 'z'] = LETTER
};

static inline bool is_a(const char *at, int class)
{
    return classes[(unsigned char)*at] & class;
}

/* --- Marks ------------------------------------------------------------ */

/* So far ahead the last `>` is looked for: far enough for many tags, and not
 * so far that a page of few tags is searched again and again. */
#define SIGHT 1024

bool cp_html_mark_find(const char **mark, cp_span piece)
{
    *mark = memrchr(piece.at, '>', piece.length < SIGHT ? piece.length : SIGHT);
    return *mark != NULL;
}

/* The next byte of one kind, or the end. Most are near, where memchr() costs
 * more to call than to do. */
static inline const char *byte_find(const char *at, const char *end,
                                    char byte)
{
#ifdef __SSE2__
    if (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        int found = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes,
                                                     _mm_set1_epi8(byte)));

        if (found) {
            return at + __builtin_ctz((unsigned int)found);
        }
        at += 16;
    }
#endif
    at = memchr(at, byte, (size_t)(end - at));
    return at ? at : end;
}

/* --- Tags ------------------------------------------------------------- */

const char *cp_html_name_end(const char *at)
{
    while (!is_a(at, TAG_NAME_ENDS)) {
        at++;
    }
    return at;
}

static inline cp_html_found attribute_next(const char **next,
                                           const char *mark, cp_span *name,
                                           cp_span *value)
{
    const char *at = *next;
    const char *begin;

    while (is_a(at, SPACE)) {
        at++;
    }
    begin = at;
    if (*at == '>') {
        *next = at;
        return CP_HTML_TAG_ENDS;
    }
    do {
        at++;                   /* a name may begin with `=` */
    } while (!is_a(at, NAME_ENDS));
    *name = cp_span_make(begin, (apr_size_t)(at - begin));
    *value = cp_span_make(at, 0);
    while (is_a(at, BLANK)) {
        at++;
    }
    *next = at;
    if (*at != '=') {
        return CP_HTML_ATTRIBUTE;
    }
    do {
        at++;
    } while (is_a(at, BLANK));
    begin = at;
    if (*at == '"' || *at == '\'') {
        at = byte_find(++begin, mark, *at);
        *next = at + 1;
        if (at == mark) {
            return CP_HTML_TAG_CUT;
        }
    }
    else {
        while (!is_a(at, BARE_ENDS)) {
            at++;
        }
        *next = at;
    }
    *value = cp_span_make(begin, (apr_size_t)(at - begin));
    return CP_HTML_ATTRIBUTE;
}

cp_html_found cp_html_attribute_next(const char **at, const char *mark,
                                     cp_span *name, cp_span *value)
{
    return attribute_next(at, mark, name, value);
}

/* The `>` of the tag whose name begins at @a at, or NULL. */
static inline const char *tag_end(const char *at, const char *mark)
{
    cp_html_found found = CP_HTML_ATTRIBUTE;
    cp_span name, value;

    at = cp_html_name_end(at);
    if (*at == '>') {
        return at;
    }
    while (found == CP_HTML_ATTRIBUTE) {
        found = attribute_next(&at, mark, &name, &value);
    }
    return found == CP_HTML_TAG_ENDS ? at : NULL;
}

/* --- What matters ----------------------------------------------------- */

/* A set of letters, of either case. */
#define SET(letter) (1u << ((letter) & 31))
#define IS_IN(set, letter) ((set) >> ((letter) & 31) & 1)

/* By the first letter of a name: the second ones with which it may matter. */
#define ROW(letter) [(letter) & 31]

/* Start tags: base, form, iframe, noembed, noframes, plaintext, script,
 * style, template, textarea, title, xmp. */
#define STARTS \
    ROW('f') = SET('o'), ROW('n') = SET('o'), ROW('p') = SET('l'), \
    ROW('s') = SET('c') | SET('t'), ROW('t') = SET('e') | SET('i'), \
    ROW('x') = SET('m')

static const unsigned int starts[32] = {
    STARTS, ROW('b') = SET('a'), ROW('i') = SET('f')
};

/* And in a form: button, input. */
static const unsigned int starts_in_form[32] = {
    STARTS, ROW('b') = SET('a') | SET('u'), ROW('i') = SET('f') | SET('n')
};

/* End tags: body, form, html, template. */
static const unsigned int ends[32] = {
    ROW('b') = SET('o'), ROW('f') = SET('o'), ROW('h') = SET('t'),
    ROW('t') = SET('e')
};

/* The `>` of the tag whose `<` is before @a at; NULL where it is no tag, may
 * matter, or is not whole. */
static inline const char *tag_skip(const char *at, const char *mark,
                                   const unsigned int *rows)
{
    if (*at == '/') {
        at++;
        rows = ends;
    }
    return is_a(at, LETTER) && !IS_IN(rows[*at & 31], at[1])
           ? tag_end(at, mark) : NULL;
}

void cp_html_text_skip(cp_span *piece, const char **mark, bool in_form)
{
    const char *end = piece->at + piece->length;
    const char *at = byte_find(piece->at, end, '<');
    const unsigned int *rows = in_form ? starts_in_form : starts;

    while (at < end
           && cp_html_mark(mark, cp_span_make(at, (apr_size_t)(end - at)))) {
        const char *tag = tag_skip(at + 1, *mark, rows);

        if (!tag) {
            break;
        }
        at = byte_find(tag + 1, end, '<');
    }
    *piece = cp_span_make(at, (apr_size_t)(end - at));
}
