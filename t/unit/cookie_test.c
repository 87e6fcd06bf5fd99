/**
 * @file cookie_test.c
 * @brief Cookie headers of every kind, good and hostile, and names that pass
 *        for those of the managed cookies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "cookie.h"
#include "pool_fixture.h"

#define TCHARS "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz" \
               "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* --- Cookie ----------------------------------------------------------- */

/* A header in memory of just its length, so that the sanitizers see a read
 * past its end. */
static const char *pairs_of(const char *header, size_t length,
                            unsigned int *broken)
{
    char *bytes = malloc(length ? length : 1);
    cp_span rest = cp_span_make(bytes, length);
    const char *pairs = "";
    cp_pair pair;

    memcpy(bytes, header, length);
    *broken = 0;
    while (cp_cookie_next(&rest, &pair, broken)) {
        pairs = apr_pstrcat(pool, pairs, *pairs ? "|" : "",
                            cp_span_string(pool, pair.name), "=",
                            cp_span_string(pool, pair.value), NULL);
    }
    assert_int_equal(rest.length, 0);
    free(bytes);
    return pairs;
}

static const struct {
    const char *header;
    const char *pairs;          /* joined by | */
    unsigned int broken;
} headers[] = {
    /* plain */
    { "", "", 0 },
    { "a=1", "a=1", 0 },
    { "a=1; b=2", "a=1|b=2", 0 },
    { "a=1;b=2", "a=1|b=2", 0 },
    { "a=1;  b=2", "a=1|b=2", 0 },
    { "a=1;\tb=2", "a=1|b=2", 0 },
    { " a=1 ; b=2 ", "a=1|b=2", 0 },
    { "\ta=1\t;\tb=2\t", "a=1|b=2", 0 },
    { "a =1; b= 2; c = 3", "a=1|b=2|c=3", 0 },
    { "a\t=\t1", "a=1", 0 },
    { "a=1; a=2; a=1", "a=1|a=2|a=1", 0 },
    { "a=1; A=2", "a=1|A=2", 0 },
    { "a=", "a=", 0 },
    { "a=; b=", "a=|b=", 0 },
    { "a= ; b=\t", "a=|b=", 0 },
    { "a=1;", "a=1", 0 },
    { "a=1; ", "a=1", 0 },
    { ";a=1", "a=1", 0 },
    { ";", "", 0 },
    { ";;;", "", 0 },
    { " ; ;\t; ", "", 0 },
    { ";;a=1;;;b=2;;", "a=1|b=2", 0 },
    { "a=b=c", "a=b=c", 0 },
    { "a==", "a==", 0 },
    { "a==b", "a==b", 0 },
    { "a=====", "a=====", 0 },
    { "a=1 2", "a=1 2", 0 },
    { "a=1\t2", "a=1\t2", 0 },
    { "a=b c=d", "a=b c=d", 0 },
    { "a=&b=2", "a=&b=2", 0 },
    { "a=%3B%20b%3D1", "a=%3B%20b%3D1", 0 },
    { "a=/:<>@[]{}()?\\", "a=/:<>@[]{}()?\\", 0 },
    { "csrftoken=aB3; sessionid=x-_", "csrftoken=aB3|sessionid=x-_", 0 },
    { "__Host-s=1; __Secure-t=2", "__Host-s=1|__Secure-t=2", 0 },
    { "!#%&'*+-.^_`|~=1", "!#%&'*+-.^_`|~=1", 0 },
    { "0=1; 9a=2", "0=1|9a=2", 0 },
    { "a='x'", "a='x'", 0 },
    /* 8 bits */
    { "a=\xc3\xa4", "a=\xc3\xa4", 0 },
    { "a=\x80\xff\xa0", "a=\x80\xff\xa0", 0 },
    { "a=1\xc2\xa0", "a=1\xc2\xa0", 0 },
    { "\xc3\xa4=1", "", 1 },
    { "\xc2\xa0" "a=1", "", 1 },
    { "a\xc2\xa0=1; b=2", "b=2", 1 },
    { "\xe2\x80\x8bsessionid=1", "", 1 },
    { "\xef\xbb\xbf" "a=1; b=2", "b=2", 1 },
    /* quotes */
    { "a=\"1\"", "a=\"1\"", 0 },
    { "a=\"\"", "a=\"\"", 0 },
    { "a=\"1\"; b=\"2\"", "a=\"1\"|b=\"2\"", 0 },
    { "a=\"1 2\"", "a=\"1 2\"", 0 },
    { "a=x\"y\"z", "a=x\"y\"z", 0 },
    { "a=\"x\"y", "a=\"x\"y", 0 },
    { "a=\"", "", 1 },
    { "a=\"x", "", 1 },
    { "a=x\"", "", 1 },
    { "a=x\"y", "", 1 },
    { "a=\"\"\"", "", 1 },
    { "a=\"\"x\"; b=1", "b=1", 1 },
    { "a=\"1; b=2", "b=2", 1 },
    { "a=\"1; b=2\"", "", 2 },
    { "a=\"1; b=2\"; c=3", "c=3", 2 },
    { "a=\"1; b=2; c=\"", "b=2", 2 },
    { "a=\"; sessionid=x; b=\"", "sessionid=x", 2 },
    { "a=\"; sessionid=x\"", "", 2 },
    { "\"a\"=1", "", 1 },
    { "\"a=1\"", "", 1 },
    { "a\"=1", "", 1 },
    /* no names, no = */
    { "=", "", 1 },
    { "=1", "", 1 },
    { "=; a=1", "a=1", 1 },
    { " =1; a=1", "a=1", 1 },
    { "==1", "", 1 },
    { "a", "", 1 },
    { "a; b", "", 2 },
    { "a; b=1; c", "b=1", 2 },
    { "1 2 3", "", 1 },
    { "a b=1", "", 1 },
    { "a b; c=1", "c=1", 1 },
    { "a\tb=1", "", 1 },
    { "a, b", "", 1 },
    { "Cookie: a=1", "", 1 },
    { "Cookie: a=1; b=2", "b=2", 1 },
    /* names that are no token */
    { "a/b=1", "", 1 }, { "a:b=1", "", 1 }, { "a@b=1", "", 1 },
    { "a[b]=1", "", 1 }, { "a[]=1", "", 1 }, { "[a]=1", "", 1 },
    { "a(b)=1", "", 1 }, { "a{b}=1", "", 1 }, { "a<b=1", "", 1 },
    { "a>b=1", "", 1 }, { "a?b=1", "", 1 }, { "a\\b=1", "", 1 },
    { "a,b=1", "", 1 }, { ",a=1", "", 1 }, { ",=1", "", 1 },
    { "a[b]=1; c=2", "c=2", 1 },
    /* what begins with $ is of RFC 2965, not of the visitor */
    { "$Version=1", "", 1 },
    { "$Version=1; a=1; $Path=/; $Domain=x", "a=1", 3 },
    { "$Version=\"1\", a=1", "a=1", 1 },
    { "$=1", "", 1 },
    { "$a=1; a$=2; a$b=3", "a$=2|a$b=3", 1 },
    { " $Version=1", "", 1 },
    /* control characters */
    { "a=\x01", "", 1 }, { "a=1\x7f", "", 1 }, { "a=1\x1f" "2", "", 1 },
    { "a=1\n", "", 1 }, { "a=1\r", "", 1 }, { "a=1\r\nb=2", "", 1 },
    { "a=1\x0b; b=2", "b=2", 1 }, { "a=\x08; b=2", "b=2", 1 },
    { "a\x01=1; b=2", "b=2", 1 }, { "\x01" "a=1", "", 1 },
    { "a\n=1", "", 1 }, { "\na=1", "", 1 }, { "a=1;\nb=2", "a=1", 1 },
    /* joined by httpd */
    { "a=1, b=2", "a=1|b=2", 0 },
    { "a=1, b=2, c=3", "a=1|b=2|c=3", 0 },
    { "a=1; b=2, c=3; d=4", "a=1|b=2|c=3|d=4", 0 },
    { "a=1,  b=2", "a=1|b=2", 0 },
    { "a=1,\tb=2", "a=1|b=2", 0 },
    { "a=1 , b=2", "a=1|b=2", 0 },
    { "a=, b=", "a=|b=", 0 },
    { "a=1, sessionid=x", "a=1|sessionid=x", 0 },
    { "a=1, , b=2", "a=1,|b=2", 0 },
    { ", a=1", "a=1", 0 },
    { "a=1,", "a=1,", 0 },
    { "a=1, ", "a=1,", 0 },
    { "a=1,b=2", "a=1,b=2", 0 },
    { "a=1,b", "a=1,b", 0 },
    { "a=1, b", "a=1, b", 0 },
    { "a=1, b; c=2", "a=1, b|c=2", 0 },
    { "a=1, b c=2", "a=1, b c=2", 0 },
    { "a=1, =2", "a=1, =2", 0 },
    { "a=1, b:c=2", "a=1, b:c=2", 0 },
    { "a=1, \"b\"=2", "a=1, \"b\"=2", 0 },
    { "a=1, $Path=/", "a=1", 1 },
    { "a=Mon, 01 Jan 2026", "a=Mon, 01 Jan 2026", 0 },
    { "a=1,2,3", "a=1,2,3", 0 },
    { "a=[1, 2, 3]", "a=[1, 2, 3]", 0 },
    { "a={\"k\": 1, \"l\": 2}", "a={\"k\": 1, \"l\": 2}", 0 },
    { "a=\"1, b=2\"", "", 2 },
    { "a=\"1\", b=\"2\"", "a=\"1\"|b=\"2\"", 0 },
    { "a, b=1", "b=1", 1 },
    { "a=1, b=\x01, c=3", "a=1|c=3", 1 },
};

static void header_table(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        unsigned int broken;
        const char *pairs = pairs_of(headers[i].header,
                                     strlen(headers[i].header), &broken);

        if (strcmp(pairs, headers[i].pairs)
            || broken != headers[i].broken) {
            print_error("'%s': '%s' and %u broken, not '%s' and %u\n",
                        headers[i].header, pairs, broken, headers[i].pairs,
                        headers[i].broken);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* Each byte at the begin, in the middle and at the end of a name. */
static void every_byte_in_a_name(void **state)
{
    static const char *const shapes[] = { "?bc=1; z=9", "a?c=1; z=9",
                                          "ab?=1; z=9" };

    (void)state;
    for (int shape = 0; shape < 3; shape++) {
        for (int c = 0; c < 256; c++) {
            char header[16];
            size_t length = strlen(shapes[shape]);
            bool token = c && strchr(TCHARS, c) && (shape || c != '$');
            unsigned int broken;
            const char *pairs;

            if (c == ';' || c == '=' || c == ' ' || c == '\t') {
                continue;       /* they part what is there */
            }
            memcpy(header, shapes[shape], length);
            header[shape] = (char)c;
            pairs = pairs_of(header, length, &broken);
            assert_int_equal(broken, !token);
            assert_string_equal(pairs, token
                                ? apr_psprintf(pool, "%.3s=1|z=9", header)
                                : "z=9");
        }
    }
}

static void every_byte_in_a_value(void **state)
{
    static const char *const shapes[] = { "a=?yz; q=9", "a=x?z; q=9",
                                          "a=xy?; q=9" };

    (void)state;
    for (int shape = 0; shape < 3; shape++) {
        for (int c = 0; c < 256; c++) {
            char header[16];
            size_t length = strlen(shapes[shape]);
            bool good = (c >= ' ' || c == '\t') && c != 0x7f && c != '"';
            unsigned int broken;
            const char *pairs;

            if (c == ';' || ((c == ' ' || c == '\t') && shape != 1)) {
                continue;
            }
            memcpy(header, shapes[shape], length);
            header[2 + shape] = (char)c;
            pairs = pairs_of(header, length, &broken);
            assert_int_equal(broken, !good);
            assert_string_equal(pairs, good
                                ? apr_psprintf(pool, "a=%.3s|q=9", header + 2)
                                : "q=9");
        }
    }
}

static void nul_bytes(void **state)
{
    unsigned int broken;

    (void)state;
    assert_string_equal(pairs_of("a=1\0; b=2", 9, &broken), "b=2");
    assert_int_equal(broken, 1);
    assert_string_equal(pairs_of("a\0=1; b=2", 9, &broken), "b=2");
    assert_string_equal(pairs_of("\0", 1, &broken), "");
    assert_string_equal(pairs_of("a=1\0, b=2", 9, &broken), "b=2");
}

static unsigned int draw(unsigned int *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16 & 0x7fff;
}

/* Whatever comes: what is taken out of it, put together again, is read again
 * as just that. An application sees what was judged. */
static void what_is_read_is_read_again(void **state)
{
    static const char alphabet[] = "ab$=;, \t\"\\%\x01\x7f\xc3\xa4[,;= ";
    unsigned int seed = 20;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char header[40];
        size_t length = draw(&seed) % sizeof(header);
        const char *built = "";
        const char *pairs;
        unsigned int broken;
        cp_span rest;
        cp_pair pair;

        for (size_t i = 0; i < length; i++) {
            header[i] = alphabet[draw(&seed) % (sizeof(alphabet) - 1)];
        }
        pairs = pairs_of(header, length, &broken);
        rest = cp_span_make(header, length);
        while (cp_cookie_next(&rest, &pair, &broken)) {
            built = apr_pstrcat(pool, built, *built ? "; " : "",
                                cp_span_string(pool, pair.name), "=",
                                cp_span_string(pool, pair.value), NULL);
        }
        assert_string_equal(pairs_of(built, strlen(built), &broken), pairs);
        assert_int_equal(broken, 0);
        apr_pool_clear(pool);
    }
}

/* A megabyte that would take hours, were any part of it looked at again for
 * each byte. */
static void hostile_headers_take_linear_time(void **state)
{
    static const char *const patterns[] = {
        ",", ", ", ",\t", ", a", ", a, ", ",a", ";", "; ", "=", "a", " ",
        "\t", "a=", "a=,", "a= ", "\"", "a=\"", ", aaaaaaaaaaaaaaaaaaaaaaaa",
        ",                        ", "$", "%", "\xff", "\x01", ", a=, ",
        "a=1, ", "a;", "a ", ", a ="
    };
    size_t size = 1024 * 1024;
    char *header = malloc(size);

    (void)state;
    assert_non_null(header);
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        size_t length = strlen(patterns[i]);
        cp_span rest = cp_span_make(header, size);
        unsigned int broken = 0;
        clock_t before = clock();
        cp_pair pair;

        for (size_t at = 0; at < size; at++) {
            header[at] = patterns[i][at % length];
        }
        while (cp_cookie_next(&rest, &pair, &broken)) {
            assert_true(pair.name.length > 0);
        }
        if (clock() - before > 10 * CLOCKS_PER_SEC) {
            fail_msg("'%s' again and again takes too long", patterns[i]);
        }
    }
    free(header);
}

static void quotes_are_taken_off(void **state)
{
    static const char *const known[][2] = {
        { "", "" }, { "a", "a" }, { "\"", "\"" }, { "\"\"", "" },
        { "\"a\"", "a" }, { "\"a", "\"a" }, { "a\"", "a\"" },
        { "\"\"\"", "\"" }, { "\"\"a\"\"", "\"a\"" }, { "'a'", "'a'" },
        { " \"a\"", " \"a\"" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        cp_span bare = cp_cookie_unquoted(cp_span_of(known[i][0]));

        assert_string_equal(cp_span_string(pool, bare), known[i][1]);
    }
    assert_int_equal(cp_cookie_unquoted(CP_SPAN_NONE).length, 0);
}

/* --- Names that pass for others --------------------------------------- */

static const struct {
    const char *name;
    const char *managed;
    bool mimics;
} names[] = {
    /* the very name, and others */
    { "sessionid", "sessionid", false },
    { "", "sessionid", false },
    { "session", "sessionid", false },
    { "sessionid2", "sessionid", false },
    { "xsessionid", "sessionid", false },
    { "sessionidx", "sessionid", false },
    { "session-id", "sessionid", false },
    { "session_id", "sessionid", false },
    { "sessio", "sessionid", false },
    { "PHPSESSID", "sessionid", false },
    { "csrf-token", "csrftoken", false },
    { "_ga", "sessionid", false },
    { "%", "sessionid", false },
    { "%%%", "sessionid", false },
    { "_", "sessionid", false },
    { "sessionid%2", "sessionid", false },
    { "sessionid%", "sessionid", false },
    { "sessionid%zz", "sessionid", false },
    /* case */
    { "SESSIONID", "sessionid", true },
    { "SessionId", "sessionid", true },
    { "CSRFToken", "csrftoken", true },
    { "__host-sessionid", "__Host-sessionid", true },
    /* percent-decoded, also twice */
    { "%73essionid", "sessionid", true },
    { "session%69d", "sessionid", true },
    { "session%49D", "sessionid", true },
    { "%73%65%73%73%69%6f%6e%69%64", "sessionid", true },
    { "%73%65%73%73%69%6F%6E%69%64", "sessionid", true },
    { "%2573essionid", "sessionid", true },
    { "%252573essionid", "sessionid", true },
    { "sessionid%00", "sessionid", true },
    { "sessionid%00x", "sessionid", true },
    { "django%5Flanguage", "django_language", true },
    { "django%5flanguage", "django_language", true },
    /* . [ blank + as _ */
    { "django.language", "django_language", true },
    { "django+language", "django_language", true },
    { "django%20language", "django_language", true },
    { "django%2Elanguage", "django_language", true },
    { "django%5Blanguage", "django_language", true },
    { "django[language", "django_language", true },
    { "django language", "django_language", true },
    { "cookies.preferences", "cookies_preferences", true },
    { "Cookies.Preferences", "cookies_preferences", true },
    { "django-language", "django_language", false },
    { "djangolanguage", "django_language", false },
    /* blanks around, of Unicode too */
    { "%20sessionid", "sessionid", true },
    { "sessionid%20", "sessionid", true },
    { "%09sessionid%0A", "sessionid", true },
    { "+sessionid", "sessionid", true },
    { "sessionid+", "sessionid", true },
    { ".sessionid", "sessionid", true },
    { "%C2%A0sessionid", "sessionid", true },
    { "sessionid%E2%80%83", "sessionid", true },
    { "%E3%80%80sessionid", "sessionid", true },
    { "sessionid%C2%85", "sessionid", true },
    { "sessionid\xc2\xa0", "sessionid", true },
    { "\xe2\x80\x83sessionid", "sessionid", true },
    /* an array, which hides the plain one in PHP */
    { "sessionid%5B%5D", "sessionid", true },
    { "sessionid%5Bx%5D", "sessionid", true },
    { "sessionid[x]", "sessionid", true },
};

static void name_table(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t length = strlen(names[i].name);
        char *bytes = malloc(length ? length : 1);

        memcpy(bytes, names[i].name, length);
        if (cp_cookie_mimics(cp_span_make(bytes, length),
                             cp_span_of(names[i].managed))
            != names[i].mimics) {
            print_error("'%s' as '%s'\n", names[i].name, names[i].managed);
            wrong++;
        }
        free(bytes);
    }
    assert_int_equal(wrong, 0);
}

/* Each letter of a name spelled in each way by itself. */
static void every_letter_can_be_disguised(void **state)
{
    static const char managed[] = "cookies_preferences";

    (void)state;
    for (size_t i = 0; i < sizeof(managed) - 1; i++) {
        const char *before = apr_pstrndup(pool, managed, i);
        const char *after = managed + i + 1;
        int c = managed[i];
        const char *spellings[] = {
            apr_psprintf(pool, "%s%%%02x%s", before, c, after),
            apr_psprintf(pool, "%s%%%02X%s", before, c, after),
            apr_psprintf(pool, "%s%%25%02x%s", before, c, after),
            apr_psprintf(pool, "%s%c%s", before,
                         c == '_' ? '.' : c - 'a' + 'A', after),
        };

        for (int j = 0; j < 4; j++) {
            assert_true(cp_cookie_mimics(cp_span_of(spellings[j]),
                                         cp_span_of(managed)));
        }
        assert_false(cp_cookie_mimics(
            cp_span_of(apr_pstrcat(pool, before, after, NULL)),
            cp_span_of(managed)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_table),
        cmocka_unit_test(every_byte_in_a_name),
        cmocka_unit_test(every_byte_in_a_value),
        cmocka_unit_test(nul_bytes),
        cmocka_unit_test(what_is_read_is_read_again),
        cmocka_unit_test(hostile_headers_take_linear_time),
        cmocka_unit_test(quotes_are_taken_off),
        cmocka_unit_test(name_table),
        cmocka_unit_test(every_letter_can_be_disguised),
    };

    return cmocka_run_group_tests_name("cookie", tests, pool_setup,
                                       pool_teardown);
}
