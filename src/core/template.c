#include "template.h"
#include "share.h"

#include <apr_tables.h>

#define OPENING "{{"
#define CLOSING "}}"
#define MARK 2

typedef struct piece {
    cp_span text;
    cp_place place;             /* behind the text */
} piece;

struct cp_template {
    const apr_array_header_t *pieces;
};

static cp_span mark_find(cp_span text, const char *mark)
{
    for (apr_size_t i = 0; i + MARK <= text.length; i++) {
        if (memcmp(text.at + i, mark, MARK) == 0) {
            return cp_span_make(text.at + i, text.length - i);
        }
    }
    return CP_SPAN_NONE;
}

static cp_place place_of(cp_span name)
{
    static const struct {
        const char *name;
        cp_place place;
    } places[] = {
        { "content", CP_PLACE_CONTENT },
        { "title", CP_PLACE_TITLE },
        { "language", CP_PLACE_LANGUAGE },
        { "direction", CP_PLACE_DIRECTION },
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (cp_span_equal(name, cp_span_of(places[i].name))) {
            return places[i].place;
        }
    }
    return CP_PLACE_END;
}

static int line_of(cp_span text, const char *at)
{
    int line = 1;

    for (const char *c = text.at; c < at; c++) {
        line += *c == '\n';
    }
    return line;
}

/* Takes the text up to the next place off, and the place. */
static bool piece_take(cp_span *rest, piece *taken)
{
    cp_span opening = mark_find(*rest, OPENING);
    cp_span name, closing;

    *taken = (piece){ *rest, CP_PLACE_END };
    if (!opening.at) {
        *rest = cp_span_make(rest->at + rest->length, 0);
        return true;
    }
    taken->text.length = (apr_size_t)(opening.at - rest->at);
    name = cp_span_make(opening.at + MARK, opening.length - MARK);
    closing = mark_find(name, CLOSING);
    if (!closing.at) {
        return false;
    }
    name.length = (apr_size_t)(closing.at - name.at);
    taken->place = place_of(name);
    *rest = cp_span_make(closing.at + MARK, closing.length - MARK);
    return taken->place != CP_PLACE_END;
}

const cp_template *cp_template_make(cp_span text, const char **error,
                                    apr_pool_t *pool)
{
    cp_template *frame = apr_palloc(pool, sizeof(*frame));
    apr_array_header_t *pieces = apr_array_make(pool, 8, sizeof(piece));
    cp_span rest = text;
    int contents = 0;
    piece one;

    frame->pieces = pieces;
    do {
        if (!piece_take(&rest, &one)) {
            *error = apr_psprintf(pool, "line %d has a {{ that begins none of "
                                  "{{content}}, {{title}}, {{language}} and "
                                  "{{direction}}",
                                  line_of(text, one.text.at
                                                + one.text.length));
            return NULL;
        }
        *(piece *)apr_array_push(pieces) = one;
        contents += one.place == CP_PLACE_CONTENT;
    } while (one.place != CP_PLACE_END);
    if (contents != 1) {
        *error = contents ? "it has {{content}} more than once"
                          : "it has no {{content}}";
        return NULL;
    }
    return frame;
}

cp_place cp_template_next(const cp_template *frame, int *at, cp_span *text)
{
    const piece *next;

    if (*at >= frame->pieces->nelts) {
        *text = CP_SPAN("");
        return CP_PLACE_END;
    }
    next = &APR_ARRAY_IDX(frame->pieces, *at, piece);
    *text = next->text;
    (*at)++;
    return next->place;
}

const cp_template *cp_template_standard(apr_pool_t *pool)
{
    const char *error;

    return cp_template_make(cp_share_find("template.html"), &error, pool);
}
