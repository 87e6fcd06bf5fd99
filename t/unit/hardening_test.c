/**
 * @file hardening_test.c
 * @brief Set-Cookie lines with what a declaration asks for: added, tightened,
 *        never loosened.
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

static const char *times(char c, size_t count)
{
    char *text = apr_palloc(pool, count + 1);

    memset(text, c, count);
    text[count] = '\0';
    return text;
}

static cp_set_cookie read_of(cp_span line)
{
    cp_set_cookie cookie;

    cp_set_cookie_read(line, NOW, &cookie);
    return cookie;
}

/* --- Lines ------------------------------------------------------------ */

#define NONE CP_LIFETIME_NONE
#define SESSION CP_LIFETIME_SESSION
#define IN_AN_HOUR "Tue, 14 Nov 2023 23:13:20 GMT"
#define EPOCH "Thu, 01 Jan 1970 00:00:00 GMT"

/* A NULL for the result: nothing is needed. */
static const struct {
    const char *line;
    cp_hardening asked;         /* secure, http_only, same_site, lifetime */
    const char *hard;
} hardened[] = {
    /* nothing is asked for */
    { "a=1", { false, false, NULL, NONE }, NULL },
    { " a = 1 ;; Expires=x;;", { false, false, NULL, NONE }, NULL },
    { "a=1; Max-Age=99999999; SameSite=None", { false, false, NULL, NONE },
      NULL },
    { "", { false, false, NULL, NONE }, NULL },
    /* Secure */
    { "a=1", { true, false, NULL, NONE }, "a=1; Secure" },
    { "a=1;", { true, false, NULL, NONE }, "a=1; Secure" },
    { "a", { true, false, NULL, NONE }, "a; Secure" },
    { "=a", { true, false, NULL, NONE }, "=a; Secure" },
    { " a = 1 ; Path=/ ", { true, false, NULL, NONE },
      " a = 1 ; Path=/ ; Secure" },
    { "a=\"1;2\"", { true, false, NULL, NONE }, "a=\"1;2\"; Secure" },
    { "a=1; Secure", { true, false, NULL, NONE }, NULL },
    { "a=1;secure", { true, false, NULL, NONE }, NULL },
    { "a=1;\tSECURE\t; x", { true, false, NULL, NONE }, NULL },
    { "a=1; Secure=false", { true, false, NULL, NONE }, NULL },
    { "a=1; Secure=", { true, false, NULL, NONE }, NULL },
    { "a=1; Secured", { true, false, NULL, NONE }, "a=1; Secured; Secure" },
    { "a=1; xSecure", { true, false, NULL, NONE }, "a=1; xSecure; Secure" },
    { "a=1; Path=Secure", { true, false, NULL, NONE },
      "a=1; Path=Secure; Secure" },
    { "a=1; Sec ure", { true, false, NULL, NONE }, "a=1; Sec ure; Secure" },
    { "Secure", { true, false, NULL, NONE }, "Secure; Secure" },
    { "a=Secure", { true, false, NULL, NONE }, "a=Secure; Secure" },
    /* HttpOnly */
    { "a=1", { false, true, NULL, NONE }, "a=1; HttpOnly" },
    { "a=1; Secure", { false, true, NULL, NONE }, "a=1; Secure; HttpOnly" },
    { "a=1; httponly", { false, true, NULL, NONE }, NULL },
    { "a=1; HttpOnly=no", { false, true, NULL, NONE }, NULL },
    { "a=1; Http-Only", { false, true, NULL, NONE },
      "a=1; Http-Only; HttpOnly" },
    /* SameSite */
    { "a=1", { false, false, "Lax", NONE }, "a=1; SameSite=Lax" },
    { "a=1", { false, false, "Strict", NONE }, "a=1; SameSite=Strict" },
    { "a=1", { false, false, "None", NONE }, NULL },
    { "a=1; SameSite=None", { false, false, "Lax", NONE },
      "a=1; SameSite=Lax" },
    { "a=1; samesite=none; x", { false, false, "Strict", NONE },
      "a=1; x; SameSite=Strict" },
    { "a=1; SameSite=Lax", { false, false, "Lax", NONE }, NULL },
    { "a=1; SameSite=lax", { false, false, "Lax", NONE }, NULL },
    { "a=1; SameSite=Strict", { false, false, "Lax", NONE }, NULL },
    { "a=1; SAMESITE = strict ", { false, false, "Strict", NONE }, NULL },
    { "a=1; SameSite=Lax", { false, false, "Strict", NONE },
      "a=1; SameSite=Strict" },
    { "a=1; SameSite", { false, false, "Lax", NONE }, "a=1; SameSite=Lax" },
    { "a=1; SameSite=x", { false, false, "Lax", NONE }, "a=1; SameSite=Lax" },
    { "a=1; SameSite=\"Strict\"", { false, false, "Lax", NONE },
      "a=1; SameSite=Lax" },
    { "a=1; SameSite=Strict; SameSite=None", { false, false, "Lax", NONE },
      "a=1; SameSite=Lax" },
    { "a=1; SameSite=None; SameSite=Strict", { false, false, "Lax", NONE },
      NULL },
    { "a=1; SameSite=Strict", { false, false, "None", NONE }, NULL },
    /* lifetimes */
    { "a=1", { false, false, NULL, 3600 }, NULL },
    { "a=1; Max-Age=3600", { false, false, NULL, 3600 }, NULL },
    { "a=1; Max-Age=60", { false, false, NULL, 3600 }, NULL },
    { "a=1; Max-Age=0", { false, false, NULL, 3600 }, NULL },
    { "a=1; Max-Age=-1", { false, false, NULL, 3600 }, NULL },
    { "a=1; Max-Age=x", { false, false, NULL, 3600 }, NULL },
    { "a=1; Max-Age=3601", { false, false, NULL, 3600 },
      "a=1; Max-Age=3600" },
    { "a=1;max-age=3601;Path=/", { false, false, NULL, 3600 },
      "a=1;Path=/; Max-Age=3600" },
    { "a=1; Max-Age=99999999999999999999", { false, false, NULL, 3600 },
      "a=1; Max-Age=3600" },
    { "a=1; Max-Age=60; Max-Age=3601", { false, false, NULL, 3600 },
      "a=1; Max-Age=3600" },
    { "a=1; Max-Age=3601; Max-Age=60", { false, false, NULL, 3600 }, NULL },
    { "a=1; Expires=" IN_AN_HOUR, { false, false, NULL, 3600 }, NULL },
    { "a=1; Expires=" EPOCH, { false, false, NULL, 3600 }, NULL },
    { "a=1; Expires=" IN_AN_HOUR, { false, false, NULL, 3599 },
      "a=1; Max-Age=3599" },
    { "a=1; Expires=never", { false, false, NULL, 3600 }, NULL },
    { "a=1; Path=/; Expires=" IN_AN_HOUR "; Secure",
      { false, false, NULL, 60 }, "a=1; Path=/; Secure; Max-Age=60" },
    { "a=1; Max-Age=60; Expires=" IN_AN_HOUR, { false, false, NULL, 600 },
      NULL },
    { "a=1; Expires=" EPOCH "; Max-Age=601", { false, false, NULL, 600 },
      "a=1; Max-Age=600" },
    /* the end of the browser's session */
    { "a=1", { false, false, NULL, SESSION }, NULL },
    { "a=1; Max-Age=1", { false, false, NULL, SESSION }, "a=1" },
    { "a=1; Expires=" IN_AN_HOUR "; Path=/", { false, false, NULL, SESSION },
      "a=1; Path=/" },
    { "a=1; Max-Age=0", { false, false, NULL, SESSION }, NULL },
    { "a=; Expires=" EPOCH, { false, false, NULL, SESSION }, NULL },
    /* all together, what is left as it came */
    { "a=b=c; Max-Age=9;SameSite=None;  Path=/x;;Priority=High; Partitioned",
      { true, true, "Strict", 5 },
      "a=b=c;  Path=/x;;Priority=High; Partitioned; Max-Age=5; "
      "SameSite=Strict; Secure; HttpOnly" },
    { "a=1; HttpOnly; Secure; SameSite=Strict; Max-Age=5",
      { true, true, "Strict", 5 }, NULL },
    { "a=\xc3\xa4\t\x80; x=\xff", { true, false, NULL, NONE },
      "a=\xc3\xa4\t\x80; x=\xff; Secure" },
};

static void hardening_table(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(hardened) / sizeof(hardened[0]); i++) {
        const char *line = hardened[i].line;
        const char *hard = cp_set_cookie_harden(line, &hardened[i].asked,
                                                NOW, pool);

        if (hardened[i].hard ? strcmp(hard, hardened[i].hard) : hard != line) {
            print_error("'%s': '%s'\n", line, hard);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* What is too long to count is no attribute. */
static void long_attributes_do_not_count(void **state)
{
    cp_hardening asked = { true, true, "Lax", 60 };
    const char *longer = times('x', 1025);
    const char *line = apr_pstrcat(pool, "a=1; Secure=", longer, "; HttpOnly=",
                                   longer, "; SameSite=", longer,
                                   "; Max-Age=70; Max-Age=",
                                   times('0', 1025), NULL);

    (void)state;
    assert_string_equal(cp_set_cookie_harden(line, &asked, NOW, pool),
                        apr_pstrcat(pool, "a=1; Secure=", longer,
                                    "; HttpOnly=", longer, "; Max-Age=60; "
                                    "SameSite=Lax; Secure; HttpOnly", NULL));
}

/* What browsers do not store they do not store hardened either. */
static void what_is_ignored_stays_ignored(void **state)
{
    static const char *const ignored[] = {
        "", "=", ";", "; Secure", "a=1\x01", "a=1; Expires=\x01",
        "a=1; Max-Age=9999; Expires=x\x02", "a=1; SameSite=\x7f"
    };
    cp_hardening asked = { true, true, "Strict", 60 };

    (void)state;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        const char *hard = cp_set_cookie_harden(ignored[i], &asked, NOW,
                                                pool);

        assert_true(read_of(cp_span_of(ignored[i])).ignored);
        assert_true(read_of(cp_span_of(hard)).ignored);
    }
}

/* --- Any lines --------------------------------------------------------- */

static unsigned int draw(unsigned int *seed, size_t below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16 & 0x7fff) % (unsigned int)below;
}

static const char *line_draw(unsigned int *seed)
{
    static const char *const parts[] = {
        "; Secure", ";secure=x", "; HttpOnly", "; SameSite=None",
        "; SameSite=Lax", "; samesite = STRICT", "; SameSite=?", ";SameSite",
        "; Max-Age=0", "; Max-Age=5", "; max-age=5000", "; Max-Age=-7",
        "; Max-Age=x", "; Max-Age", "; Expires=" IN_AN_HOUR,
        "; Expires=" EPOCH, ";expires=?", "; Path=/a", "; Domain=b", ";",
        ";;", " ", "\t", "=", ",", "; Partitioned", "a", "; \xc3\xa4"
    };
    static const char *const pairs[] = {
        "a=1", "a=", "=b", "c", " a = b=c ", "a=\"x\"", "__Host-a=1", ""
    };
    const char *line = pairs[draw(seed, sizeof(pairs) / sizeof(pairs[0]))];
    unsigned int count = draw(seed, 9);

    for (unsigned int i = 0; i < count; i++) {
        line = apr_pstrcat(pool, line, parts[draw(seed, sizeof(parts)
                                                        / sizeof(parts[0]))],
                           NULL);
    }
    return line;
}

/* What a browser makes of the attributes, read in the plainest way: nothing
 * here is longer than browsers take. */
typedef struct plain {
    bool secure, http_only, persistent;
    bool doubtful;              /* browsers may read an age otherwise */
    int same_site;
    long age;
} plain;

static void plain_attribute(char *name, plain *read, bool *aged)
{
    char *value = strchr(name, '=');

    if (value) {
        *value++ = '\0';
        apr_collapse_spaces(value, value);
    }
    apr_collapse_spaces(name, name);
    if (strcasecmp(name, "secure") == 0) {
        read->secure = true;
    }
    else if (strcasecmp(name, "httponly") == 0) {
        read->http_only = true;
    }
    else if (strcasecmp(name, "samesite") == 0) {
        read->same_site = value && strcasecmp(value, "strict") == 0 ? 2
                          : value && strcasecmp(value, "lax") == 0;
    }
    else if (strcasecmp(name, "max-age") == 0 && value && *value
             && strspn(value, "-0123456789") == strlen(value)) {
        read->age = strtol(value, NULL, 10);
        read->persistent = *aged = true;
    }
    else if (strcasecmp(name, "expires") == 0 && value && !*aged
             && strlen(value) > 20) {
        read->age = strstr(value, "1970") ? -1700000000 : 3600;
        read->persistent = true;
        read->doubtful = read->doubtful
                         || strcmp(value + strlen(value) - 3, "GMT");
    }
    else if (strcasecmp(name, "max-age") == 0
             || (strcasecmp(name, "expires") == 0 && !*aged)) {
        read->doubtful = true;
    }
}

static plain plain_read(const char *line)
{
    char *rest = apr_pstrdup(pool, line);
    plain read = { .secure = false };
    bool aged = false;
    char *next = strchr(rest, ';');

    while (next) {
        char *name = next + 1;

        next = strchr(name, ';');
        if (next) {
            *next = '\0';
        }
        plain_attribute(name, &read, &aged);
    }
    return read;
}

static bool is_at_least(plain after, plain before)
{
    return after.secure >= before.secure
           && after.http_only >= before.http_only
           && after.same_site >= before.same_site
           && (before.persistent || !after.persistent)
           && (!after.persistent || after.age <= before.age);
}

static bool is_as_asked(plain read, const cp_hardening *asked)
{
    int same_site = !asked->same_site ? 0 : *asked->same_site == 'S' ? 2
                    : *asked->same_site == 'L';

    return (read.secure || !asked->secure)
           && (read.http_only || !asked->http_only)
           && read.same_site >= same_site
           && (asked->lifetime == NONE || !read.persistent
               || read.age <= asked->lifetime);
}

/* Tightened to what is asked for, never loosened, the same cookie; and what
 * has all of it already leaves as it came. */
static void never_loosened(void **state)
{
    static const char *const same_sites[] = { NULL, "None", "Lax", "Strict" };
    static const int lifetimes[] = { NONE, SESSION, 1, 5, 3600, 100000 };
    unsigned int seed = 11;
    int same = 0, changed = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        const char *line = line_draw(&seed);
        cp_hardening asked = { .secure = draw(&seed, 2),
                               .http_only = draw(&seed, 2),
                               .same_site = same_sites[draw(&seed, 4)],
                               .lifetime = lifetimes[draw(&seed, 6)] };
        const char *hard = cp_set_cookie_harden(line, &asked, NOW, pool);
        cp_set_cookie before = read_of(cp_span_of(line));
        cp_set_cookie after = read_of(cp_span_of(hard));
        plain read = plain_read(line);
        bool had = is_as_asked(read, &asked);

        if (!before.ignored
            && ((!had && hard == line)
                || (had && hard != line && !read.doubtful)
                || !is_as_asked(plain_read(hard), &asked)
                || (!is_at_least(plain_read(hard), read)
                    && !read.doubtful))) {
            fail_msg("'%s' became '%s'", line, hard);
        }
        assert_true(cp_span_equal(before.name, after.name));
        assert_true(cp_span_equal(before.value, after.value));
        assert_int_equal(before.deletes, after.deletes);
        assert_int_equal(before.ignored, after.ignored);
        assert_ptr_equal(cp_set_cookie_harden(hard, &asked, NOW, pool),
                         hard);
        same += hard == line;
        changed += hard != line;
        apr_pool_clear(pool);
    }
    assert_true(same > 1000 && changed > 1000);
}

/* A megabyte that would take hours, were any part of it looked at again for
 * each byte. */
static void hostile_lines_take_linear_time(void **state)
{
    static const char *const patterns[] = {
        "a", ";", "; ", "=", " ", "\t", ";=", "; Secure", "; Max-Age=0",
        ";Max-Age=99999", "; SameSite=None", ";Expires=1 ", ": ", "=;",
        "\xff", "\x01", (";Expires=" IN_AN_HOUR)
    };
    cp_hardening asked = { true, true, "Strict", 60 };
    size_t size = 1024 * 1024;
    char *line = malloc(size + 1);

    (void)state;
    assert_non_null(line);
    line[size] = '\0';
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        size_t length = strlen(patterns[i]);
        const char *hard;

        for (size_t at = 0; at < size; at++) {
            line[at] = patterns[i][at % length];
        }
        memcpy(line, "a=1", 3);
        hard = cp_set_cookie_harden(line, &asked, NOW, pool);
        assert_true(strlen(hard) <= size + 100);
        assert_true(is_as_asked(plain_read(hard), &asked)
                    || read_of(cp_span_of(line)).ignored);
        apr_pool_clear(pool);
    }
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hardening_table),
        cmocka_unit_test(long_attributes_do_not_count),
        cmocka_unit_test(what_is_ignored_stays_ignored),
        cmocka_unit_test(never_loosened),
        cmocka_unit_test(hostile_lines_take_linear_time),
    };

    return cmocka_run_group_tests_name("hardening", tests, pool_setup,
                                       pool_teardown);
}
