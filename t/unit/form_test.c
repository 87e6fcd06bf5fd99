/**
 * @file form_test.c
 * @brief The token out of a form's body, cut anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "form.h"

#define FIELD CP_FORM_FIELD

static const struct {
    const char *body;
    const char *complete;       /* the token of all of it; NULL: none */
    const char *cut;            /* of a beginning */
} bodies[] = {
    { "", NULL, NULL },
    { FIELD, NULL, NULL },
    { FIELD "=", "", NULL },
    { FIELD "=&", "", "" },
    { FIELD "=abc", "abc", NULL },
    { FIELD "=abc&", "abc", "abc" },
    { FIELD "=abc&x=1", "abc", "abc" },
    { "x=1&" FIELD "=abc", "abc", NULL },
    { "x=1&" FIELD "=abc&y=2", "abc", "abc" },
    { "x&y&" FIELD "=abc&y=2", "abc", "abc" },
    { "&&&" FIELD "=abc&", "abc", "abc" },
    { "x=1&" FIELD "=a&" FIELD "=b&", "a", "a" },
    { FIELD "=&" FIELD "=b&", "", "" },
    { FIELD "=a=b&", "a=b", "a=b" },
    { FIELD "=%41+&", "%41+", "%41+" },
    /* others' names and values */
    { "x" FIELD "=abc&", NULL, NULL },
    { FIELD "x=abc&", NULL, NULL },
    { FIELD "&x=" FIELD "=abc", NULL, NULL },
    { "x=" FIELD "=abc&", NULL, NULL },
    { "x=1;" FIELD "=abc&", NULL, NULL },
    { "CSRFMIDDLEWARETOKEN=abc&", NULL, NULL },
    { " " FIELD "=abc&", NULL, NULL },
    { FIELD " =abc&", NULL, NULL },
    { "csrfmiddlewaretoke=abc&n=1&", NULL, NULL },
    { "x=1\r\n" FIELD "=abc&", NULL, NULL },
    { "&", NULL, NULL },
    { "=", NULL, NULL },
    { "=&=&=", NULL, NULL },
};

static void found_is(const char *body, size_t length, bool complete,
                     const char *expected)
{
    char *bytes = malloc(length ? length : 1);
    cp_span token = CP_SPAN_NONE;
    bool found;

    memcpy(bytes, body, length);
    found = cp_form_token(cp_span_make(bytes, length), complete, &token);
    if (found != (expected != NULL)
        || (found && !cp_span_equal(token, cp_span_of(expected)))) {
        fail_msg("'%.*s' %s", (int)length, body,
                 complete ? "complete" : "cut");
    }
    free(bytes);
}

static void body_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        size_t length = strlen(bodies[i].body);

        found_is(bodies[i].body, length, true, bodies[i].complete);
        found_is(bodies[i].body, length, false, bodies[i].cut);
    }
}

/* A beginning gives the token of the whole, or none. */
static void cut_anywhere(void **state)
{
    static const char body[] = "a=1&" FIELD "=abcdefgh&b=2&" FIELD "=no&c=3";
    const size_t ends = strlen("a=1&" FIELD "=abcdefgh&");

    (void)state;
    for (size_t length = 0; length < sizeof(body); length++) {
        found_is(body, length, false, length >= ends ? "abcdefgh" : NULL);
    }
}

static void nul_bytes_are_bytes(void **state)
{
    static const char body[] = "x=\0&" FIELD "=a\0b&";
    cp_span token;

    (void)state;
    assert_true(cp_form_token(cp_span_make(body, sizeof(body) - 1), false,
                              &token));
    assert_int_equal(token.length, 3);
    assert_memory_equal(token.at, "a\0b", 3);
}

static void hostile_bodies_take_linear_time(void **state)
{
    static const char *const patterns[] = {
        "&", FIELD, FIELD "&", "x", "x&", "=", FIELD "=x"
    };
    size_t size = 4 * 1024 * 1024;
    char *body = malloc(size);

    (void)state;
    assert_non_null(body);
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        size_t length = strlen(patterns[i]);
        clock_t before = clock();
        cp_span token;

        for (size_t at = 0; at < size; at++) {
            body[at] = patterns[i][at % length];
        }
        assert_false(cp_form_token(cp_span_make(body, size), false, &token));
        assert_true(clock() - before < 10 * CLOCKS_PER_SEC);
    }
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_table),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(nul_bytes_are_bytes),
        cmocka_unit_test(hostile_bodies_take_linear_time),
    };

    return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
