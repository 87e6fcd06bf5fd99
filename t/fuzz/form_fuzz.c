/**
 * @file form_fuzz.c
 * @brief A form's body and what it presents as a token: at once, in pieces,
 *        and cut. The first line of the input is the Content-Type.
 */
#include "form.h"
#include "fuzz_sample.h"

typedef struct outcome {
    cp_form_result result;
    cp_span token;
} outcome;

/* Small bodies have nothing behind the end of what is known of them. */
#define COPIED_MAX 300

static cp_form_result search(cp_form *form, cp_span body, apr_size_t known,
                             bool complete, cp_span *token)
{
    char *copy;
    cp_form_result result;

    if (body.length > COPIED_MAX) {
        return cp_form_search(form, cp_span_make(body.at, known), complete,
                              token);
    }
    copy = fuzz_copy((const unsigned char *)body.at, known, false);
    result = cp_form_search(form, cp_span_make(copy, known), complete, token);
    if (result == CP_FORM_FOUND) {
        FUZZ_ASSERT(token->at >= copy
                    && token->at + token->length <= copy + known);
        token->at = body.at + (token->at - copy);
    }
    free(copy);
    return result;
}

static outcome feed(cp_span type, cp_span body, apr_size_t step,
                    bool complete)
{
    outcome end = { CP_FORM_MORE, CP_SPAN_NONE };
    apr_size_t known = 0;
    cp_form form;

    FUZZ_ASSERT(cp_form_begin(&form, type));
    do {
        known = body.length - known < step ? body.length : known + step;
        end.result = search(&form, body, known,
                            complete && known == body.length, &end.token);
    } while (end.result == CP_FORM_MORE && known < body.length);
    return end;
}

static bool same(outcome a, outcome b)
{
    return a.result == b.result
           && (a.result != CP_FORM_FOUND
               || (a.token.at == b.token.at
                   && a.token.length == b.token.length));
}

static void body_check(cp_span type, cp_span body)
{
    static const apr_size_t steps[] = { 1, 2, 7, 100 };
    sample *site = fuzz_begin();
    outcome whole = feed(type, body, body.length + 1, true);
    outcome cut = feed(type, body, body.length + 1, false);

    FUZZ_ASSERT(whole.result != CP_FORM_MORE);
    FUZZ_ASSERT(cut.result == CP_FORM_MORE || same(cut, whole));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        FUZZ_ASSERT(same(feed(type, body, steps[i], true), whole));
        FUZZ_ASSERT(same(feed(type, body, steps[i], false), cut));
    }
    if (whole.result == CP_FORM_FOUND) {
        FUZZ_ASSERT(whole.token.at >= body.at
                    && whole.token.at + whole.token.length
                       <= body.at + body.length);
        sample_browse(site);
        FUZZ_ASSERT(!cp_csrf_check(sample_visit(site), whole.token));
    }
    fuzz_end(site);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const unsigned char *end = size ? memchr(data, '\n', size) : NULL;
    size_t line = end ? (size_t)(end - data) : size;
    char *type = fuzz_copy(data, line, false);
    char *body = end ? fuzz_copy(end + 1, size - line - 1, false)
                     : fuzz_copy(data, 0, false);
    cp_form form;

    if (cp_form_begin(&form, cp_span_make(type, line))) {
        body_check(cp_span_make(type, line),
                   cp_span_make(body, end ? size - line - 1 : 0));
    }
    free(type);
    free(body);
    return 0;
}
