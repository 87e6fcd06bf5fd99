/**
 * @file token_test.c
 * @brief Randomness, base64url and comparison.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "token.h"

static void alphabet_is_djangos(void **state)
{
    (void)state;
    assert_string_equal(cp_alphanumeric,
                        "abcdefghijklmnopqrstuvwxyz"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
}

static void random_bytes_differ(void **state)
{
    unsigned char drawn[32][16];

    (void)state;
    for (int i = 0; i < 32; i++) {
        memset(drawn[i], 0, sizeof(drawn[i]));
        assert_true(cp_random_bytes(drawn[i], sizeof(drawn[i])));
        for (int j = 0; j < i; j++) {
            assert_memory_not_equal(drawn[i], drawn[j], sizeof(drawn[i]));
        }
    }
}

static void secrets_compare(void **state)
{
    char one[32], two[32];

    (void)state;
    memset(one, 'x', sizeof(one));
    memcpy(two, one, sizeof(two));
    assert_true(cp_secret_equal(cp_span_make(one, 32),
                                cp_span_make(two, 32)));
    for (size_t i = 0; i < sizeof(two); i++) {
        for (int bit = 0; bit < 8; bit++) {
            two[i] = (char)(two[i] ^ (1 << bit));
            assert_false(cp_secret_equal(cp_span_make(one, 32),
                                         cp_span_make(two, 32)));
            two[i] = (char)(two[i] ^ (1 << bit));
        }
        assert_false(cp_secret_equal(cp_span_make(one, 32),
                                     cp_span_make(two, i)));
        assert_false(cp_secret_equal(cp_span_make(one, i),
                                     cp_span_make(two, 32)));
    }
    assert_true(cp_secret_equal(CP_SPAN(""), CP_SPAN("")));
    assert_true(cp_secret_equal(CP_SPAN_NONE, CP_SPAN("")));
    assert_false(cp_secret_equal(CP_SPAN_NONE, CP_SPAN("x")));
}

/* RFC 4648 section 10, less the padding, and the two characters in which the
 * alphabets differ. */
static void base64url_known(void **state)
{
    static const struct {
        cp_span bytes;
        const char *text;
    } known[] = {
        { { "", 0 }, "" },
        { { "f", 1 }, "Zg" },
        { { "fo", 2 }, "Zm8" },
        { { "foo", 3 }, "Zm9v" },
        { { "foob", 4 }, "Zm9vYg" },
        { { "fooba", 5 }, "Zm9vYmE" },
        { { "foobar", 6 }, "Zm9vYmFy" },
        { { "\0\0\0", 3 }, "AAAA" },
        { { "\xfb\xef\xbe", 3 }, "----" },
        { { "\xff\xff\xff", 3 }, "____" },
        { { "\xff", 1 }, "_w" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        char text[32];
        unsigned char bytes[32];
        size_t length = 99;

        assert_int_equal(cp_base64url_encode(text, known[i].bytes.at,
                                             known[i].bytes.length),
                         strlen(known[i].text));
        assert_string_equal(text, known[i].text);
        assert_true(cp_base64url_decode(bytes, &length,
                                        cp_span_of(known[i].text)));
        assert_int_equal(length, known[i].bytes.length);
        assert_memory_equal(bytes, known[i].bytes.at, length);
    }
}

static void base64url_returns(void **state)
{
    unsigned char bytes[120], again[120 + 3];
    char text[120 * 4 / 3 + 4];

    (void)state;
    assert_true(cp_random_bytes(bytes, sizeof(bytes)));
    for (size_t length = 0; length <= sizeof(bytes); length++) {
        size_t characters = cp_base64url_encode(text, bytes, length);
        size_t got = 0;

        assert_int_equal(characters, CP_BASE64URL_LENGTH(length));
        assert_int_equal(strlen(text), characters);
        assert_true(cp_base64url_decode(again, &got,
                                        cp_span_make(text, characters)));
        assert_int_equal(got, length);
        assert_memory_equal(again, bytes, length);
    }
}

/* Of all texts that differ from a token in one character, only those are
 * read that encode other bytes: a token has one spelling. */
static void base64url_has_one_spelling(void **state)
{
    static const char *const texts[] = { "Zm9vYg", "Zm9vYmE", "Zm9vYmFy" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t length = strlen(texts[i]);

        for (size_t at = 0; at < length; at++) {
            for (int c = 0; c < 256; c++) {
                char text[16], back[16];
                unsigned char bytes[16];
                size_t got = 0;

                memcpy(text, texts[i], length);
                text[at] = (char)c;
                if (cp_base64url_decode(bytes, &got,
                                        cp_span_make(text, length))) {
                    assert_true(c && strchr("-_", c) ? true
                                : strchr(cp_alphanumeric, c) != NULL);
                    assert_int_equal(cp_base64url_encode(back, bytes, got),
                                     length);
                    assert_memory_equal(back, text, length);
                }
            }
        }
    }
}

static void base64url_refuses(void **state)
{
    static const char *const wrong[] = {
        "Z", "Zm9vY", "Zg==", "Zg=", "Zm8=", "Zh", "Zm9", "Zm9vYh", "Zm 9v",
        " Zm9v", "Zm9v ", "Zm9v\n", "Zm+v", "Zm/v", "=", "====", "Zm9v====",
        "Zm.v", "Zm9v\xc3\xa4",
    };
    unsigned char bytes[1024];
    size_t length = 0;
    char longest[1024];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(cp_base64url_decode(bytes, &length,
                                         cp_span_of(wrong[i])));
    }
    assert_false(cp_base64url_decode(bytes, &length, CP_SPAN("Zm\0v")));
    memset(longest, 'A', sizeof(longest));
    for (size_t i = 300; i <= sizeof(longest); i++) {
        assert_false(cp_base64url_decode(bytes, &length,
                                         cp_span_make(longest, i)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alphabet_is_djangos),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(secrets_compare),
        cmocka_unit_test(base64url_known),
        cmocka_unit_test(base64url_returns),
        cmocka_unit_test(base64url_has_one_spelling),
        cmocka_unit_test(base64url_refuses),
    };

    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
