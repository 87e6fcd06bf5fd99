/**
 * @file csp_test.c
 * @brief The nonce that a page's own Content-Security-Policy asks of scripts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "csp.h"

static const struct {
    const char *header;
    const char *nonce;          /* NULL: none */
} cases[] = {
    { "", NULL },
    { ";;, ;", NULL },
    { "script-src 'nonce-abc'", "abc" },
    { "script-src 'nonce-aB3+/-_=='", "aB3+/-_==" },
    { "  SCRIPT-SRC\t'self'  'Nonce-x' ; img-src *", "x" },
    { "default-src 'nonce-d'", "d" },
    { "default-src 'nonce-d'; script-src 'self'", NULL },
    { "script-src 'self'; default-src 'nonce-d'", NULL },
    { "default-src 'nonce-d'; script-src 'nonce-s'; "
      "script-src-elem 'nonce-e'", "e" },
    { "script-src-elem 'nonce-e'; script-src 'nonce-s'", "e" },
    { "script-src-attr 'nonce-a'; style-src 'nonce-b'", NULL },
    { "script-src 'nonce-one' 'nonce-two'", "one" },
    { "script-src 'self'; script-src 'nonce-second'", NULL },
    { "img-src *, script-src 'nonce-x'", "x" },
    { "script-src 'self', script-src 'nonce-x'", "x" },
    { "script-src 'nonce-a', script-src 'nonce-b'", "a" },
    { "script-src 'nonce-'", NULL },
    { "script-src 'nonce-='", NULL },
    { "script-src 'nonce-a==='", NULL },
    { "script-src 'nonce-a=b'", NULL },
    { "script-src 'nonce-a\"'", NULL },
    { "script-src 'nonce-a>'", NULL },
    { "script-src 'nonce-a b'", NULL },
    { "script-src 'nonce-a&b'", NULL },
    { "script-src 'nonce-\xc3\xa4'", NULL },
    { "script-src nonce-abc", NULL },
    { "script-src 'nonce-abc", NULL },
    { "script-src 'nonce-a\"' 'nonce-good'", "good" },
    { "script-src 'sha256-abc' 'strict-dynamic' 'nonce-n'", "n" },
};

/* Memory of just the header's length, so that no byte behind it is read. */
static void nonces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t length = strlen(cases[i].header);
        char *header = malloc(length ? length : 1);
        cp_span nonce;

        assert_non_null(header);
        memcpy(header, cases[i].header, length);
        nonce = cp_csp_nonce(cp_span_make(header, length));
        if (cases[i].nonce) {
            assert_int_equal(nonce.length, strlen(cases[i].nonce));
            assert_memory_equal(nonce.at, cases[i].nonce, nonce.length);
        }
        else {
            assert_null(nonce.at);
        }
        free(header);
    }
}

static void what_a_nonce_is(void **state)
{
    (void)state;
    assert_true(cp_csp_is_nonce(CP_SPAN("ab+/-_09==")));
    assert_false(cp_csp_is_nonce(CP_SPAN_NONE));
    assert_false(cp_csp_is_nonce(CP_SPAN("a@b")));
    assert_false(cp_csp_is_nonce(cp_span_make("a\0", 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonces),
        cmocka_unit_test(what_a_nonce_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
