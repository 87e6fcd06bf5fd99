/**
 * @file form_test.c
 * @brief The token out of a form's body, cut anywhere and fed in any pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "form.h"
#include "parameter.h"

#define FIELD CP_FORM_FIELD
#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data; boundary=x"
#define LINE "\r\n"
#define DISPOSITION "Content-Disposition: form-data; name="
#define NAMED(name) DISPOSITION name LINE LINE
#define TOKEN_PART "--x" LINE NAMED("\"" FIELD "\"") "abc" LINE
#define OTHER_PART "--x" LINE NAMED("\"a\"") "1" LINE
#define FILE_PART "--x" LINE DISPOSITION "\"file\"; filename=\"a.png\"" LINE \
    "Content-Type: image/png" LINE LINE "\x89PNG\r\n\x1a\n\xff\xfe" LINE
#define LAST "--x--" LINE

typedef struct example {
    const char *body;
    const char *complete;       /* the token of all of it; NULL: none */
    const char *cut;            /* of a beginning */
} example;

static const example urlencoded[] = {
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
    { TOKEN_PART LAST, NULL, NULL },
    { NULL, NULL, NULL },
};

static const example multipart[] = {
    { "", NULL, NULL },
    { "--x", NULL, NULL },
    { LAST, NULL, NULL },
    { "--x" LINE LAST, NULL, NULL },
    { TOKEN_PART LAST, "abc", "abc" },
    { TOKEN_PART "--x--", "abc", "abc" },
    { TOKEN_PART OTHER_PART LAST, "abc", "abc" },
    { TOKEN_PART "--x" LINE, "abc", "abc" },
    { OTHER_PART TOKEN_PART LAST, "abc", "abc" },
    { FILE_PART FILE_PART TOKEN_PART LAST, "abc", "abc" },
    { "preamble\r\n\r\n" TOKEN_PART LAST, "abc", "abc" },
    { "\r\n" TOKEN_PART LAST, "abc", "abc" },
    { "--xy" LINE TOKEN_PART LAST, "abc", "abc" },
    { "--x \t " LINE NAMED("\"" FIELD "\"") "abc\r\n--x\t--\r\n--x  \r\n",
      "abc\r\n--x\t--", "abc\r\n--x\t--" },
    { "--x" LINE NAMED("\"" FIELD "\"") LINE LAST, "", "" },
    { "--x" LINE NAMED("\"" FIELD "\"") LAST, "", "" },
    { "--x" LINE LINE "1" LINE TOKEN_PART LAST, "abc", "abc" },
    { "--x" LINE NAMED("\"" FIELD "\"") "a" LINE TOKEN_PART LAST, "a", "a" },
    { "--x" LINE "x: " DISPOSITION "\"" FIELD "\"" LINE LINE "1" LINE
      TOKEN_PART LAST, "abc", "abc" },
    /* how the headers can be written */
    { "--x" LINE NAMED(FIELD) "abc" LINE LAST, "abc", "abc" },
    { "--x" LINE "content-DISPOSITION:FORM-data ;\tNAME = " FIELD " ; a"
      LINE LINE "abc" LINE LAST, "abc", "abc" },
    { "--x" LINE "Content-Type: text/plain; charset=utf-8" LINE
      DISPOSITION "\"" FIELD "\"" LINE "X: y" LINE LINE "abc" LINE LAST,
      "abc", "abc" },
    { "--x" LINE "Content-Disposition: form-data;" LINE " a=\"\\\";b\";"
      LINE "\tname=\"" FIELD "\"" LINE LINE "abc" LINE LAST, "abc", "abc" },
    { "--x" LINE "X\ry: z" LINE NAMED("\"" FIELD "\"") "abc" LINE LAST,
      "abc", "abc" },
    { "--x" LINE DISPOSITION "\"" FIELD "\"; name=a" LINE LINE "abc" LINE
      LAST, "abc", "abc" },
    /* what looks like a boundary */
    { "--x" LINE NAMED("\"" FIELD "\"") "a--x--\r\n--xy\r\n--X\r--x\n--x\r\n"
      "-x" LINE LAST, "a--x--\r\n--xy\r\n--X\r--x\n--x\r\n-x",
      "a--x--\r\n--xy\r\n--X\r--x\n--x\r\n-x" },
    { "--x" LINE NAMED("\"" FIELD "\"") "a\r\n--x \r" LINE LAST,
      "a\r\n--x \r", "a\r\n--x \r" },
    { "--x" LINE NAMED("\"" FIELD "\"") "\r\r\n\r\n" LINE LAST,
      "\r\r\n\r\n", "\r\r\n\r\n" },
    /* no field of that name */
    { "--x" LINE NAMED("\"a\"") TOKEN_PART, NULL, NULL },
    { "--x" LINE NAMED("\"" FIELD "\"; filename=a") "abc" LINE LAST,
      NULL, NULL },
    { "--x" LINE NAMED("\"" FIELD "\"; filename*=utf-8''a") "abc" LINE LAST,
      NULL, NULL },
    { "--x" LINE NAMED("\"" FIELD "x\"") "abc" LINE LAST, NULL, NULL },
    { "--x" LINE NAMED("\"\"") "abc" LINE LAST, NULL, NULL },
    { "--x" LINE NAMED("\"csrfMiddlewareToken\"") "abc" LINE LAST,
      NULL, NULL },
    { "--x" LINE NAMED("\"csrfmiddleware\\token\"") "abc" LINE LAST,
      NULL, NULL },
    { "--x" LINE DISPOSITION "a; name=" FIELD LINE LINE "abc" LINE LAST,
      NULL, NULL },
    { "--x" LINE DISPOSITION "a" LINE DISPOSITION FIELD LINE LINE "abc" LINE
      LAST, NULL, NULL },
    { "--x" LINE DISPOSITION "\"a;name=" FIELD "\"" LINE LINE "abc" LINE
      LAST, NULL, NULL },
    { "--x" LINE "Content-Disposition: form-data; name*=utf-8''" FIELD LINE
      LINE "abc" LINE LAST, NULL, NULL },
    { "--x" LINE "Content-Disposition: form-data; name" LINE LINE "abc" LINE
      LAST, NULL, NULL },
    { "--x" LINE "Content-Disposition: attachment; name=" FIELD LINE LINE
      "abc" LINE LAST, NULL, NULL },
    { "--x" LINE "Content-Disposition : form-data; name=" FIELD LINE LINE
      "abc" LINE LAST, NULL, NULL },
    { "--x" LINE "Content-Type: form-data; name=" FIELD LINE LINE "abc" LINE
      LAST, NULL, NULL },
    /* no such part */
    { LAST TOKEN_PART LAST, NULL, NULL },
    { OTHER_PART LAST TOKEN_PART LAST, NULL, NULL },
    { "--x" LINE "Content-Disposition: form-data; name=" FIELD LINE "abc"
      LINE LAST, NULL, NULL },
    { "--y" LINE NAMED(FIELD) "abc" LINE "--y--" LINE, NULL, NULL },
    { "--x\n" "Content-Disposition: form-data; name=" FIELD "\n\nabc\n--x--",
      NULL, NULL },
    { "-" TOKEN_PART LAST, NULL, NULL },
    { FIELD "=abc&", NULL, NULL },
    /* no end */
    { TOKEN_PART, NULL, NULL },
    { TOKEN_PART "--x", NULL, NULL },
    { TOKEN_PART "--x-", NULL, NULL },
    { TOKEN_PART "--x   ", NULL, NULL },
    { TOKEN_PART "--x\r", NULL, NULL },
    { NULL, NULL, NULL },
};

/* Feeds a body in pieces of that size, each time at another address and with
 * nothing behind its end. @return what it gave in the end */
static cp_form_result feed(const char *type, cp_span body, size_t step,
                           bool complete, char *token, size_t *length)
{
    cp_form form;
    cp_form_result result = CP_FORM_MORE;
    size_t known = 0;

    assert_true(cp_form_begin(&form, cp_span_of(type)));
    do {
        char *copy;
        cp_span found = CP_SPAN_NONE;

        known = body.length - known < step ? body.length : known + step;
        copy = malloc(known ? known : 1);
        assert_non_null(copy);
        memcpy(copy, body.at, known);
        result = cp_form_search(&form, cp_span_make(copy, known),
                                complete && known == body.length, &found);
        if (result == CP_FORM_FOUND) {
            memcpy(token, found.at, found.length);
            *length = found.length;
        }
        free(copy);
    } while (result == CP_FORM_MORE && known < body.length);
    return result;
}

static void found_is(const char *type, cp_span body, bool complete,
                     const char *expected)
{
    static char token[128 * 1024];

    for (size_t step = 1; step <= body.length + 1; step++) {
        size_t length = 0;
        cp_form_result result = feed(type, body, step, complete, token,
                                     &length);

        if ((result == CP_FORM_FOUND) != (expected != NULL)
            || (complete && result == CP_FORM_MORE)
            || (expected
                && !cp_span_equal(cp_span_make(token, length),
                                  cp_span_of(expected)))) {
            fail_msg("'%.*s' %s, in pieces of %zu", (int)body.length,
                     body.at, complete ? "complete" : "cut", step);
        }
    }
}

static void table_check(const char *type, const example *examples)
{
    for (; examples->body; examples++) {
        cp_span body = cp_span_of(examples->body);

        found_is(type, body, true, examples->complete);
        found_is(type, body, false, examples->cut);
    }
}

static void urlencoded_table(void **state)
{
    (void)state;
    table_check(URLENCODED, urlencoded);
}

static void multipart_table(void **state)
{
    (void)state;
    table_check(MULTIPART, multipart);
}

/* A beginning gives the token of the whole, or none. */
static void cut_anywhere(void **state)
{
    static const char pairs[] = "a=1&" FIELD "=abcdefgh&b=2&" FIELD "=no&c=3";
    static const char parts[] = "p\r\n" FILE_PART TOKEN_PART "--x" LINE
        NAMED(FIELD) "no" LINE LAST;
    const size_t pairs_end = strlen("a=1&" FIELD "=abcdefgh&");
    const size_t parts_end = strlen("p\r\n" FILE_PART TOKEN_PART "--x" LINE);

    (void)state;
    for (size_t length = 0; length < sizeof(pairs); length++) {
        found_is(URLENCODED, cp_span_make(pairs, length), false,
                 length >= pairs_end ? "abcdefgh" : NULL);
    }
    for (size_t length = 0; length < sizeof(parts); length++) {
        found_is(MULTIPART, cp_span_make(parts, length), false,
                 length >= parts_end ? "abc" : NULL);
        found_is(MULTIPART, cp_span_make(parts, length), true,
                 length >= parts_end ? "abc" : NULL);
    }
}

static void nul_bytes_are_bytes(void **state)
{
    static const char pairs[] = "x=\0&" FIELD "=a\0b&";
    static const char parts[] = "\0\r\n--x\0\r\n--x" LINE "\0: \0" LINE
        DISPOSITION "\0; name=" FIELD LINE LINE "a\0b" LINE LAST;
    char token[sizeof(parts)];
    size_t length = 0;

    (void)state;
    assert_int_equal(feed(URLENCODED, cp_span_make(pairs, sizeof(pairs) - 1),
                          3, false, token, &length), CP_FORM_FOUND);
    assert_int_equal(length, 3);
    assert_memory_equal(token, "a\0b", 3);
    assert_int_equal(feed(MULTIPART, cp_span_make(parts, sizeof(parts) - 1),
                          3, true, token, &length), CP_FORM_WITHOUT);
}

/* What comes after the last boundary need not be waited for. */
static void the_last_boundary_ends_it(void **state)
{
    static const char body[] = OTHER_PART "--x--";
    char token[sizeof(body)];
    size_t length = 0;

    (void)state;
    assert_int_equal(feed(MULTIPART, cp_span_make(body, sizeof(body) - 1),
                          sizeof(body), false, token, &length),
                     CP_FORM_WITHOUT);
    assert_int_equal(feed(MULTIPART, cp_span_make(body, sizeof(body) - 2),
                          sizeof(body), false, token, &length),
                     CP_FORM_MORE);
}

static const struct {
    const char *type;
    const char *boundary;       /* NULL: not searched; "": urlencoded */
} types[] = {
    { URLENCODED, "" },
    { "Application/X-WWW-Form-Urlencoded; charset=UTF-8", "" },
    { URLENCODED "\t", "" },
    { URLENCODED "x", NULL },
    { "application/json", NULL },
    { "text/plain", NULL },
    { "", NULL },
    { MULTIPART, "x" },
    { "MULTIPART/Form-Data;BOUNDARY=x", "x" },
    { "multipart/form-data ; charset=utf-8 ; boundary = x ", "x" },
    { "multipart/form-data; boundary=\"x\"", "x" },
    { "multipart/form-data; boundary=\"x y\"; a", "x y" },
    { "multipart/form-data; boundary=----=_Part/1:2?(3)'+,.",
      "----=_Part/1:2?(3)'+,." },
    { "multipart/form-data; boundary=x y", "x" },
    { "multipart/form-data; boundary=x; boundary=y", "x" },
    { "multipart/form-data; a=\"; boundary=y\"; boundary=x", "x" },
    { "multipart/form-data; boundary=\"x", "x" },
    { "multipart/form-data; boundary=1234567890123456789012345678901234567890"
      "123456789012345678901234567890", "1234567890123456789012345678901234567"
      "890123456789012345678901234567890" },
    { "multipart/form-data; boundary=1234567890123456789012345678901234567890"
      "1234567890123456789012345678901", NULL },
    { "multipart/form-data", NULL },
    { "multipart/form-data boundary=x", NULL },
    { "multipart/form-data; boundary", NULL },
    { "multipart/form-data; boundary=", NULL },
    { "multipart/form-data; boundary=\"\"", NULL },
    { "multipart/form-data; boundary=\"x \"", NULL },
    { "multipart/form-data; boundary=\"x\ty\"", NULL },
    { "multipart/form-data; boundary=\"x\r\ny\"", NULL },
    { "multipart/form-data; boundary=\"x\\y\"", NULL },
    { "multipart/form-data; boundary=x\"y\"", NULL },
    { "multipart/form-data; boundary=\xc3\xa9", NULL },
    { "multipart/form-data; xboundary=x", NULL },
    { "multipart/form-data; boundary*=x", NULL },
    { "multipart/mixed; boundary=x", NULL },
    { "multipart/form-datax; boundary=x", NULL },
};

static void type_table(void **state)
{
    cp_form form;

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const char *boundary = types[i].boundary;
        bool searched = cp_form_begin(&form, cp_span_of(types[i].type));

        if (searched != (boundary != NULL)
            || (searched && *boundary
                && !cp_span_equal(cp_span_make(form.delimiter + 4,
                                               form.delimiter_length - 4),
                                  cp_span_of(boundary)))) {
            fail_msg("%s", types[i].type);
        }
    }
    assert_false(cp_form_begin(&form, CP_SPAN_NONE));
}

static void feed_bytes(const char *type, const char *body, size_t size)
{
    cp_form form;
    cp_span token;

    assert_true(cp_form_begin(&form, cp_span_of(type)));
    for (size_t known = 1; known <= size; known++) {
        cp_form_search(&form, cp_span_make(body, known), false, &token);
    }
}

static void hostile_bodies_in_single_bytes_take_linear_time(void **state)
{
    static const struct {
        const char *type;
        const char *pattern;
    } bodies[] = {
        { URLENCODED, "&" }, { URLENCODED, FIELD }, { URLENCODED, "x&" },
        { URLENCODED, FIELD "=x" }, { URLENCODED, "=" },
        { MULTIPART, "\r" }, { MULTIPART, "\r\n--x" },
        { MULTIPART, "\r\n--x " }, { MULTIPART, "--x\r\n" },
        { MULTIPART, "\r\n--x\r\n" }, { MULTIPART, "\r\n--x\r\nx\r\n " },
        { MULTIPART, "\r\n--x\r\nContent-Disposition: form-data; " },
        { MULTIPART, "\r\n--x\r\nContent-Disposition: form-data; "
                     "name=\"" FIELD "\"\r\n\r\r\n--x" },
    };
    size_t size = 4 * 1024 * 1024;
    char *body = malloc(size);

    (void)state;
    assert_non_null(body);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        size_t length = strlen(bodies[i].pattern);
        clock_t before = clock();

        /* All of the pattern, then its last character over and over. */
        for (size_t at = 0; at < size; at++) {
            body[at] = bodies[i].pattern[at < length ? at : length - 1];
        }
        feed_bytes(bodies[i].type, body, size);
        for (size_t at = 0; at < size; at++) {
            body[at] = bodies[i].pattern[at % length];
        }
        feed_bytes(bodies[i].type, body, size);
        assert_true(clock() - before < 20 * CLOCKS_PER_SEC);
    }
    free(body);
}

static void parameter_table(void **state)
{
    static const struct {
        const char *parameters;
        const char *value;      /* of "name" */
    } cases[] = {
        { "", NULL }, { ";", NULL }, { "; ", NULL }, { "name=a", NULL },
        { ";name=a", "a" }, { ";;; ;name=a;", "a" }, { "; name=", "" },
        { "; name=\"a;b\"", "a;b" }, { "; name=\"a\\\"b\"", "a\\\"b" },
        { "; name=\"a", "a" }, { "; name=\"a\\", "a\\" },
        { "; name =\r\n a b", "a" }, { "; b; name=a", "a" },
        { "; name; name=a", "a" }, { "; b=\";name=c\"x;name=a", "a" },
        { "; =; name=a", "a" }, { "; name==a", "=a" }, { "; names=a", NULL },
        { "; nam=a", NULL }, { "; name*=a", NULL }, { "; x name=a", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cp_span value = cp_parameter_find(cp_span_of(cases[i].parameters),
                                          "name");
        cp_span expected = cp_span_of(cases[i].value);

        if (!value.at != !expected.at || !cp_span_equal(value, expected)) {
            fail_msg("%s", cases[i].parameters);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameter_table),
        cmocka_unit_test(type_table),
        cmocka_unit_test(urlencoded_table),
        cmocka_unit_test(multipart_table),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(nul_bytes_are_bytes),
        cmocka_unit_test(the_last_boundary_ends_it),
        cmocka_unit_test(hostile_bodies_in_single_bytes_take_linear_time),
    };

    return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
