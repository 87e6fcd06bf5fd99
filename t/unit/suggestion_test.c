/**
 * @file suggestion_test.c
 * @brief Lines of configuration out of hostile names and texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "suggestion.h"
#include "pool_fixture.h"

static cp_policy policy;

static int setup(void **state)
{
    static cp_category marketing = { .name = "marketing" };

    pool_setup(state);
    cp_policy_begin(&policy, pool);
    policy.categories[policy.category_count++] = marketing;
    return cp_policy_compile(&policy, apr_array_make(pool, 1, sizeof(void *)),
                             NULL, pool) ? -1 : 0;
}

/* --- Texts ------------------------------------------------------------ */

static void text_table(void **state)
{
    static const struct {
        const char *text;
        const char *safe;
    } rows[] = {
        { "Plain words, (all) of them!", "Plain words, (all) of them!" },
        { "", NULL },
        { "  \t\n ", NULL },
        { "a\r\n b\tc", "a b c" },
        { "say \"it\"", "say 'it'" },
        { "C:\\temp\\", "C:/temp/" },
        { "${HOME} $x %y @z 50%", "{HOME} x y z 50" },
        { "\x1b[31mred\x7f", "[31mred" },
        { "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8d\xaa",
          "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8d\xaa" },
        { "a\xffz \xc3 b\xe2\x82", "az b" },
        { "\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80", NULL },
        { "a\xe2\x80\xa8z", "a z" },                /* line separator */
        { "a\xe2\x80\xaez", "a z" },                /* right to left */
        { "a\xc2\x85z\xc2\xadq", "a z q" },         /* next line, soft hyphen */
        { "\xef\xbb\xbfmark", "mark" },
        { "<IfModule> # x", "<IfModule> # x" },
    };

    (void)state;
    assert_null(cp_suggestion_text(NULL, pool));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *safe = cp_suggestion_text(rows[i].text, pool);

        if (rows[i].safe) {
            assert_non_null(safe);
            assert_string_equal(safe, rows[i].safe);
        }
        else {
            assert_null(safe);
        }
    }
}

static void texts_are_cut_between_characters(void **state)
{
    char text[1000];

    (void)state;
    for (int shift = 0; shift < 4; shift++) {
        const char *safe;
        size_t length;

        memset(text, 'a', (size_t)shift);
        for (size_t i = (size_t)shift; i + 4 < sizeof(text); i += 3) {
            memcpy(text + i, "\xe2\x82\xac", 4);
        }
        safe = cp_suggestion_text(text, pool);
        length = strlen(safe);
        assert_true(length <= CP_SUGGESTION_TEXT_MAX);
        assert_true(length > CP_SUGGESTION_TEXT_MAX - 3);
        assert_int_equal((length - (size_t)shift) % 3, 0);
    }
}

/* Every byte alone, and every pair of bytes: nothing that ends the quotes,
 * the line, or begins a variable. */
static void no_byte_is_more_than_itself(void **state)
{
    apr_pool_t *scratch;

    (void)state;
    for (int i = 1; i < 256; i++) {
        apr_pool_create(&scratch, pool);
        for (int j = 1; j < 256; j++) {
            char text[] = { (char)i, (char)j, 'x', '\0' };
            const char *safe = cp_suggestion_text(text, scratch);

            for (const char *c = safe; c && *c; c++) {
                assert_true(*c < 0 || (*c >= ' ' && *c < 0x7f));
                assert_null(strchr("\"\\$%@", *c));
            }
        }
        apr_pool_destroy(scratch);
    }
}

static void lifetime_table(void **state)
{
    static const struct {
        const char *text;
        const char *lifetime;
    } rows[] = {
        { "2 years", "2y" }, { "1 Year", "1y" }, { "13 months", "13M" },
        { "1 day", "1d" }, { "session", "session" }, { "Session", "session" },
        { "30 minutes", "30m" }, { "30 mins", "30m" }, { "30 MIN", "30m" },
        { "5 seconds", "5s" }, { "3 weeks", "3w" }, { "24hours", "24h" },
        { "0 days", NULL }, { "-1 day", NULL }, { "forever", NULL },
        { "1 year and a day", NULL }, { "1.5 years", NULL }, { "", NULL },
        { "99999999999999999999 days", NULL }, { "100 years", NULL },
        { "2", NULL }, { "2 d", NULL }, { "2 years\"", NULL },
        { "1 s", NULL }, { "1 days days", NULL },
    };

    (void)state;
    assert_null(cp_suggestion_lifetime(NULL, pool));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *lifetime = cp_suggestion_lifetime(rows[i].text, pool);

        if (rows[i].lifetime) {
            assert_non_null(lifetime);
            assert_string_equal(lifetime, rows[i].lifetime);
        }
        else {
            assert_null(lifetime);
        }
    }
}

/* --- Lines ------------------------------------------------------------ */

static cp_sighting seen(const char *name, cp_side side)
{
    cp_sighting sighting = { .host = "www.example", .path = "/" };

    apr_cpystrn(sighting.name, name, sizeof(sighting.name));
    sighting.counts[side] = 1;
    return sighting;
}

static cp_suggestion suggested(const char *name, cp_side side,
                               const cp_known *known)
{
    cp_sighting *sighting = apr_palloc(pool, sizeof(*sighting));

    *sighting = seen(name, side);
    return cp_suggest(sighting, known, &policy, pool);
}

static const char *line_of(const char *name, cp_side side,
                           const cp_known *known)
{
    cp_suggestion suggestion = suggested(name, side, known);

    assert_null(suggestion.refusal);
    return cp_suggestion_line(&suggestion, pool);
}

static void what_gets_a_line(void **state)
{
    static const cp_known known = { .name = "x", .category = "Analytics" };
    static const char *const hostile[] = {
        "", "a b", "a\"b", "a'b", "~^.*", "a$b", "${a}", "a%b", "a\\", "a\n",
        "a=b", "a#b", "#a", "<a", "\xc3\xa9", "None", "none", "@a", "a;b",
        "a/b", "a:b", "*", NULL
    };
    cp_sighting cut = seen("cut", CP_SIDE_APPLICATION);

    (void)state;
    for (int i = 0; hostile[i]; i++) {
        assert_non_null(suggested(hostile[i], CP_SIDE_APPLICATION,
                                  &known).refusal);
    }
    cut.cut = true;
    assert_non_null(cp_suggest(&cut, &known, &policy, pool).refusal);
    assert_non_null(suggested("made-up", CP_SIDE_BROWSER, NULL).refusal);
    assert_null(suggested("set", CP_SIDE_APPLICATION, NULL).refusal);
    assert_null(suggested("x", CP_SIDE_BROWSER, &known).refusal);
    assert_null(suggested("https://a.test:81", CP_SIDE_THIRD_PARTY,
                          NULL).refusal);
    assert_non_null(suggested("https://a.test/", CP_SIDE_THIRD_PARTY,
                              NULL).refusal);
    assert_non_null(suggested("https://a b", CP_SIDE_THIRD_PARTY,
                              NULL).refusal);
    assert_non_null(suggested("a.test", CP_SIDE_THIRD_PARTY, NULL).refusal);
}

static void categories_are_found(void **state)
{
    static const struct {
        const char *word;
        const char *category;
        bool guessed;
    } rows[] = {
        { "Analytics", "statistics", false },
        { "MARKETING", "marketing", false },    /* the policy has it */
        { "Functional", "first-party", false },
        { "Personalization", "first-party", false },
        { "Security", "necessary", false },
        { "Necessary", "necessary", false },
        { "Statistics-Anonymous", "statistics-anonymous", false },
        { "no such\"", "first-party", true },
        { NULL, "first-party", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cp_known known = { .name = "n", .category = rows[i].word };
        cp_suggestion suggestion = suggested("n", CP_SIDE_BROWSER, &known);

        assert_string_equal(suggestion.category, rows[i].category);
        assert_int_equal(suggestion.guessed, rows[i].guessed);
    }
    /* The server would not start with one that needs consent. */
    assert_string_equal(suggested("sessionid", CP_SIDE_APPLICATION,
                                  NULL).category, "necessary");
}

static void lines_are_written(void **state)
{
    cp_known known = {
        .name = "_swan.", .wildcard = true, .platform = "Swan Counter",
        .category = "Analytics", .description = "Counts \"swans\"\\",
        .retention = "13 months", .controller = "Swan ${Ltd}"
    };

    (void)state;
    assert_string_equal(line_of("cart", CP_SIDE_APPLICATION, NULL),
                        "CookiePolicyCookie cart first-party");
    assert_string_equal(line_of("_swan.1", CP_SIDE_BROWSER, &known),
                        "CookiePolicyCookie ~^_swan[.] statistics "
                        "provider=\"Swan {Ltd}\" "
                        "purpose=\"Counts 'swans'/\" lifetime=13M");
    known.controller = NULL;
    known.description = "\n";
    known.retention = "until it ends";
    known.wildcard = false;
    assert_string_equal(line_of("_swan.", CP_SIDE_BROWSER, &known),
                        "CookiePolicyCookie _swan. statistics "
                        "provider=\"Swan Counter\"");
    /* A beginning that is no plain name makes no pattern. */
    known.wildcard = true;
    known.name = "_sw(";
    assert_string_equal(line_of("_sw", CP_SIDE_BROWSER, &known),
                        "CookiePolicyCookie _sw statistics "
                        "provider=\"Swan Counter\"");
    known.name = apr_pstrdup(pool, "...................................."
                             "...................................."
                             "....................");
    assert_string_equal(suggested(known.name, CP_SIDE_BROWSER, &known).name,
                        known.name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_table),
        cmocka_unit_test(texts_are_cut_between_characters),
        cmocka_unit_test(no_byte_is_more_than_itself),
        cmocka_unit_test(lifetime_table),
        cmocka_unit_test(what_gets_a_line),
        cmocka_unit_test(categories_are_found),
        cmocka_unit_test(lines_are_written),
    };

    return cmocka_run_group_tests_name("suggestion", tests, setup,
                                       pool_teardown);
}
