/**
 * @file set_cookie_test.c
 * @brief Set-Cookie lines of every kind, read as browsers read them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "set_cookie.h"
#include "pool_fixture.h"

#define NOW 1700000000

/* --- Reading ---------------------------------------------------------- */

#define LONG_32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_64 LONG_32 LONG_32

/* RFC 6265bis section 5.6. NOW is 2023-11-14 22:13:20. */
static const struct {
    const char *line;
    const char *name;           /* NULL: browsers ignore it */
    const char *value;
    bool deletes;
} lines[] = {
    { "a=1", "a", "1", false },
    { "a=1; Path=/; HttpOnly", "a", "1", false },
    { "  a  =  1  ", "a", "1", false },
    { "\ta\t=\t1\t; x", "a", "1", false },
    { "a=1;", "a", "1", false },
    { "a=1;;;", "a", "1", false },
    { "a=", "a", "", false },
    { "a=b=c", "a", "b=c", false },
    { "a=\"1; 2\"", "a", "\"1", false },
    { "a=\"1\"", "a", "\"1\"", false },
    { "a b=1", "a b", "1", false },
    { "a[b]=1", "a[b]", "1", false },
    { "\xc3\xa4=1", "\xc3\xa4", "1", false },
    { "a=1, b=2", "a", "1, b=2", false },
    { "a=1\t2", "a", "1\t2", false },
    { "$a=1", "$a", "1", false },
    { "a=1\xc2\xa0", "a", "1\xc2\xa0", false },
    { "\xc2\xa0" "a=1", "\xc2\xa0" "a", "1", false },
    { "a=\xff\x80", "a", "\xff\x80", false },
    { " \t a \t b \t = \t 1 \t 2 \t ; x", "a \t b", "1 \t 2", false },
    { "a\t=", "a", "", false },
    { "a===", "a", "==", false },
    { "a==b; =", "a", "=b", false },
    { "a=\"1, 2\"", "a", "\"1, 2\"", false },
    { "a=\"", "a", "\"", false },
    { "\"a\"=\"b\"", "\"a\"", "\"b\"", false },
    { "a=\"x; Max-Age=0\"", "a", "\"x", false },
    { "a,b=1", "a,b", "1", false },
    { "a=1; b=2; c=3", "a", "1", false },
    { "__HOST-a=1", "__HOST-a", "1", false },
    { "sessionid =1", "sessionid", "1", false },
    { "%61=1", "%61", "1", false },
    { "Set-Cookie: a=1", "Set-Cookie: a", "1", false },
    { "Secure; Secure", "", "Secure", false },
    { "a=1;\t;\t", "a", "1", false },
    /* nameless */
    { "=1", "", "1", false },
    { "\t=\t1", "", "1", false },
    { "=\"a=1\"", "", "\"a=1\"", false },
    { "===", "", "==", false },
    { " a ", "", "a", false },
    { "a b, c", "", "a b, c", false },
    { "=1; Max-Age=0", "", "1", true },
    { "1", "", "1", false },
    { "=a=1", "", "a=1", false },
    { "==", "", "=", false },
    { " = 1", "", "1", false },
    { "a; b=1", "", "a", false },
    /* ignored */
    { "", NULL, NULL, false },
    { "=", NULL, NULL, false },
    { " = ", NULL, NULL, false },
    { ";", NULL, NULL, false },
    { "; a=1", NULL, NULL, false },
    { "=; a=1", NULL, NULL, false },
    { "a=\x01", NULL, NULL, false },
    { "a\x01=1", NULL, NULL, false },
    { "a=1; Path=\x02", NULL, NULL, false },
    { "a=1\r", NULL, NULL, false },
    { "a=1\n; b", NULL, NULL, false },
    { "a=1\x7f", NULL, NULL, false },
    { "a=1\x0b", NULL, NULL, false },
    { "a=1\x1f", NULL, NULL, false },
    { "a=1; x\x0c", NULL, NULL, false },
    { "\x01", NULL, NULL, false },
    { "a=1; Max-Age=0\x7f", NULL, NULL, false },
    { "a=1\r\n\tb", NULL, NULL, false },
    { " ", NULL, NULL, false },
    { "\t", NULL, NULL, false },
    { " =\t; Max-Age=0", NULL, NULL, false },
    /* Max-Age */
    { "a=; Max-Age=0", "a", "", true },
    { "a=1; Max-Age=0", "a", "1", true },
    { "a=1; max-age=0", "a", "1", true },
    { "a=1; MAX-AGE=0", "a", "1", true },
    { "a=1;Max-Age=0", "a", "1", true },
    { "a=1;\tMax-Age\t=\t0\t", "a", "1", true },
    { "a=1; Max-Age=-1", "a", "1", true },
    { "a=1; Max-Age=-99999999999999999999", "a", "1", true },
    { "a=1; Max-Age=-0", "a", "1", true },
    { "a=1; Max-Age=000", "a", "1", true },
    { "a=1; Max-Age=1", "a", "1", false },
    { "a=1; Max-Age=0001", "a", "1", false },
    { "a=1; Max-Age=99999999999999999999", "a", "1", false },
    { "a=1; Max-Age=18446744073709551616", "a", "1", false },
    { "a=1; Max-Age=4294967296", "a", "1", false },
    { "a=1; Max-Age", "a", "1", false },
    { "a=1; Max-Age=", "a", "1", false },
    { "a=1; Max-Age=+0", "a", "1", false },
    { "a=1; Max-Age=0x0", "a", "1", false },
    { "a=1; Max-Age=0.0", "a", "1", false },
    { "a=1; Max-Age=0 0", "a", "1", false },
    { "a=1; Max-Age=--1", "a", "1", false },
    { "a=1; Max-Age=\"0\"", "a", "1", false },
    { "a=1; Max-Age=0=0", "a", "1", false },
    { "a=1; Max-Age =0", "a", "1", true },
    { "a=1; XMax-Age=0", "a", "1", false },
    { "a=1; Max-Agex=0", "a", "1", false },
    { "a=1; Max-Age=1; Max-Age=0", "a", "1", true },
    { "a=1; Max-Age=0; Max-Age=1", "a", "1", false },
    { "a=1; Max-Age=0; Max-Age=x", "a", "1", false },
    { "a=1; Max-Age=0; Max-Age", "a", "1", false },
    { "a=1; Max-Age=-", "a", "1", false },
    { "a=1; Max-Age=- 1", "a", "1", false },
    { "a=1; Max-Age=1-", "a", "1", false },
    { "a=1; Max-Age=0,", "a", "1", false },
    { "a=1; Max-Age=0s", "a", "1", false },
    { "a=1; Max-Age=1e0", "a", "1", false },
    { "a=1; Max-Age=\xd9\xa0", "a", "1", false },
    { "a=1; Max-Age==0", "a", "1", false },
    { "a=1; Max_Age=0", "a", "1", false },
    { "a=1; Max-Age:0", "a", "1", false },
    { "a=1, Max-Age=0", "a", "1, Max-Age=0", false },
    { "a=1; x, Max-Age=0", "a", "1", false },
    { "a=1; x=\"; Max-Age=0; y=\"", "a", "1", true },
    { "a=1; Max-Age=9223372036854775808", "a", "1", false },
    { "a=1; Max-Age=-9223372036854775809", "a", "1", true },
    { "Max-Age=0", "Max-Age", "0", false },
    { "Max-Age=0; Max-Age=0", "Max-Age", "0", true },
    /* Expires */
    { "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a", "", true },
    { "a=; expires=Thu, 01-Jan-1970 00:00:00 GMT", "a", "", true },
    { "a=; expires=Thu, 01-Jan-70 00:00:00 GMT", "a", "", true },
    { "a=; expires=Thursday, 01-Jan-70 00:00:01 GMT", "a", "", true },
    { "a=; expires=Thu Jan  1 00:00:01 1970", "a", "", true },
    { "a=; expires=Tue, 14 Nov 2023 22:13:19 GMT", "a", "", true },
    { "a=; expires=Tue, 14 Nov 2023 22:13:21 GMT", "a", "", false },
    { "a=; expires=Tue, 14-Nov-2023 22:13:21 GMT", "a", "", false },
    { "a=; expires=Wed, 01 Jan 2070 00:00:00 GMT", "a", "", false },
    { "a=; expires=Fri, 31 Dec 9999 23:59:59 GMT", "a", "", false },
    { "a=; expires=Tue, 01-Jan-69 00:00:00 GMT", "a", "", false },
    { "a=; expires=", "a", "", false },
    { "a=; expires", "a", "", false },
    { "a=; expires=0", "a", "", false },
    { "a=; expires=-1", "a", "", false },
    { "a=; expires=never", "a", "", false },
    { "a=; expires=" LONG_64 LONG_64, "a", "", false },
    { "a=1; Expires=\"Thu, 01 Jan 1970 00:00:00 GMT\"", "a", "1", true },
    { "a=1; EXPIRES=thu, 01 jan 1970 00:00:00 gmt", "a", "1", true },
    { "a=1; Expires=01 Jan 1970 0:0:0", "a", "1", true },
    { "a=1; Expires=1970 January 1 00:00:00", "a", "1", true },
    { "a=1; Expires=00:00:00 1 Jan 1970", "a", "1", true },
    { "a=1; Expires=Mon, 01 Jan 1601 00:00:00 GMT", "a", "1", true },
    { "a=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT", "a", "1", false },
    { "a=1; Expires=Mon, 29 Feb 2016 00:00:00 GMT", "a", "1", true },
    /* no such dates: browsers do not heed them */
    { "a=1; Expires=Sun, 31 Dec 1600 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Thu, 01 Jan 1970 24:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Thu, 01 Jan 1970 00:60:00 GMT", "a", "1", false },
    { "a=1; Expires=Thu, 01 Jan 1970 00:00:60 GMT", "a", "1", false },
    { "a=1; Expires=Thu, 00 Jan 1970 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Thu, 32 Jan 1970 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Sun, 31 Feb 2016 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Sun, 30 Feb 2016 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Sun, 29 Feb 2015 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Sun, 29 Feb 1900 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Sun, 31 Apr 2016 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Sun, 31 Feb 1950 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Thu, 01 Jan 1970", "a", "1", false },
    { "a=1; Expires=Thu, 01 Jan 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Thu, 01 1970 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Jan 1970 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Thu, 01 Jan 1970 00:00 GMT", "a", "1", false },
    { "a=1; Expires=Thu, 01 Jan 1970 000:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Thu, 01 Jan 19700 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Thu, 001 Jan 1970 00:00:00 GMT", "a", "1", false },
    /* Max-Age wins, wherever it stands */
    { "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=1", "a", "1",
      false },
    { "a=1; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a", "1",
      false },
    { "a=1; Max-Age=0; Expires=Wed, 01 Jan 2070 00:00:00 GMT", "a", "1",
      true },
    { "a=1; Max-Age=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a", "1",
      false },
    { "a=1; Expires=Wed, 01 Jan 2070 00:00:00 GMT; "
      "Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a", "1", true },
    { "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; "
      "Expires=Wed, 01 Jan 2070 00:00:00 GMT", "a", "1", false },
    { "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=x", "a", "1",
      false },
    { "a=1; Expires=Wed, 01 Jan 2070 00:00:00 GMT; Max-Age=0", "a", "1",
      true },
    { "a=1; Max-Age=-1; Expires=x", "a", "1", true },
    { "a=1; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=x",
      "a", "1", false },
    /* browsers do not agree about zones */
    { "a=1; Expires=Tue, 14 Nov 2023 22:30:00 +0500", "a", "1", false },
    { "a=1; Expires=Tue, 14 Nov 2023 22:00:00 -0500", "a", "1", false },
};

static void line_table(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        /* In memory of just its length: the sanitizers see a read past it. */
        size_t length = strlen(lines[i].line);
        char *bytes = malloc(length ? length : 1);
        cp_set_cookie cookie;

        memcpy(bytes, lines[i].line, length);
        cp_set_cookie_read(cp_span_make(bytes, length), NOW, &cookie);
        if (cookie.ignored != (lines[i].name == NULL)
            || (lines[i].name
                && (!cp_span_equal(cookie.name, cp_span_of(lines[i].name))
                    || !cp_span_equal(cookie.value,
                                      cp_span_of(lines[i].value))
                    || cookie.deletes != lines[i].deletes))) {
            print_error("%s\n", lines[i].line);
            wrong++;
        }
        free(bytes);
    }
    assert_int_equal(wrong, 0);
}

static cp_set_cookie read_of(cp_span line)
{
    cp_set_cookie cookie;

    cp_set_cookie_read(line, NOW, &cookie);
    return cookie;
}

static void nul_in_a_line(void **state)
{
    (void)state;
    assert_true(read_of(CP_SPAN("a=1\0")).ignored);
    assert_true(read_of(CP_SPAN("a=1; Path=/\0; x")).ignored);
    assert_true(read_of(CP_SPAN("a\0=1")).ignored);
    assert_true(read_of(CP_SPAN_NONE).ignored);
}

static const char *times(char c, size_t count)
{
    char *text = apr_palloc(pool, count + 1);

    memset(text, c, count);
    text[count] = '\0';
    return text;
}

/* Name and value have 4,096 bytes at most. */
static void pairs_as_long_as_may_be(void **state)
{
    static const size_t names[] = { 0, 1, 2000, 4095, 4096 };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *name = times('n', names[i]);
        const char *value = times('v', 4096 - names[i]);
        const char *line = apr_pstrcat(pool, name, " = ", value, " ; x",
                                       NULL);
        cp_set_cookie cookie = read_of(cp_span_of(line));

        assert_false(cookie.ignored);
        assert_true(cp_span_equal(cookie.name, cp_span_of(name)));
        assert_true(cp_span_equal(cookie.value, cp_span_of(value)));
        line = apr_pstrcat(pool, name, "=", value, "v", NULL);
        cookie = read_of(cp_span_of(line));
        assert_true(cookie.ignored);
        /* The name of what is ignored is known too. */
        assert_true(cp_span_equal(cookie.name, cp_span_of(name)));
    }
    assert_false(read_of(cp_span_of(times('v', 4096))).ignored);
    assert_true(read_of(cp_span_of(times('v', 4097))).ignored);
}

/* An attribute's value has 1,024 bytes at most, or it does not count. */
static void attributes_as_long_as_may_be(void **state)
{
    const char *just = times('0', 1024);

    (void)state;
    assert_true(read_of(cp_span_of(apr_pstrcat(
        pool, "a=1; Max-Age=", just, NULL))).deletes);
    assert_true(read_of(cp_span_of(apr_pstrcat(
        pool, "a=1; Max-Age= ", just, " ; x", NULL))).deletes);
    assert_false(read_of(cp_span_of(apr_pstrcat(
        pool, "a=1; Max-Age=0", just, NULL))).deletes);
    assert_true(read_of(cp_span_of(apr_pstrcat(
        pool, "a=1; Max-Age=0; Max-Age=1", just, NULL))).deletes);
    assert_true(read_of(cp_span_of(apr_pstrcat(
        pool, "a=1; Expires=Thu, 01 Jan 1970 00:00:00", times(' ', 990),
        NULL))).deletes);
    assert_true(read_of(cp_span_of(apr_pstrcat(
        pool, "a=1; Expires=Thu, 01 Jan 1970 00:00:00", times('-', 994),
        NULL))).deletes);
    assert_false(read_of(cp_span_of(apr_pstrcat(
        pool, "a=1; Expires=Thu, 01 Jan 1970 00:00:00", times('-', 1000),
        NULL))).deletes);
    /* That another one is too long does not matter. */
    assert_true(read_of(cp_span_of(apr_pstrcat(
        pool, "a=1; Path=/", just, just, just, just, just, "; Max-Age=0",
        NULL))).deletes);
}

static void every_byte_in_a_line(void **state)
{
    static const char *const shapes[] = { "?b=1; c", "ab=?1; c",
                                          "ab=1; c?" };

    (void)state;
    for (int shape = 0; shape < 3; shape++) {
        for (int c = 0; c < 256; c++) {
            char line[16];
            size_t length = strlen(shapes[shape]);
            bool control = (c < ' ' && c != '\t') || c == 0x7f;

            memcpy(line, shapes[shape], length);
            *(char *)memchr(line, '?', length) = (char)c;
            assert_int_equal(read_of(cp_span_make(line, length)).ignored,
                             control || (shape == 0 && c == ';'));
        }
    }
}

static const struct {
    const char *line;
    const char *name;
} returning[] = {
    { "a=1", "a" }, { " a = b=c", "a" }, { "a==", "a" },
    { "=sessionid=x", "sessionid" }, { " = sessionid = x", "sessionid" },
    { "=\tsessionid\t=x", "sessionid" }, { "=a=b=c", "a" },
    { "==", "" }, { "===", "" }, { "==a", "" }, { "= =a=b", "" },
    { "a", "" }, { "=a", "" }, { "a; b=c", "" }, { "=a; b=c", "" },
    { "=a, b=c", "a, b" }, { "", "" }, { "=", "" },
};

static void names_they_come_back_under(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(returning) / sizeof(returning[0]); i++) {
        cp_set_cookie cookie = read_of(cp_span_of(returning[i].line));

        assert_string_equal(cp_span_string(pool,
                                           cp_set_cookie_name(&cookie)),
                            returning[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_table),
        cmocka_unit_test(nul_in_a_line),
        cmocka_unit_test(pairs_as_long_as_may_be),
        cmocka_unit_test(attributes_as_long_as_may_be),
        cmocka_unit_test(every_byte_in_a_line),
        cmocka_unit_test(names_they_come_back_under),
    };

    return cmocka_run_group_tests_name("set_cookie", tests, pool_setup,
                                       pool_teardown);
}
