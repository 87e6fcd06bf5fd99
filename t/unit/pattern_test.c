/**
 * @file pattern_test.c
 * @brief Patterns of cookie names: what does not compile, what all matching
 *        names begin with, and patterns that would take for ever.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pcre2.h>

#include "pattern.h"
#include "pool_fixture.h"

static const cp_pattern *pattern_of(const char *text)
{
    const char *error = NULL;
    const cp_pattern *pattern = cp_pattern_make(text, &error, pool);

    if (!pattern) {
        fail_msg("'%s': %s", text, error);
    }
    return pattern;
}

/* The name lies in memory of just its length, so that the sanitizers see a
 * read past its end. */
static bool matches(const cp_pattern *pattern, const char *name,
                    size_t length)
{
    char *bytes = malloc(length ? length : 1);
    bool found;

    memcpy(bytes, name, length);
    found = cp_pattern_match(pattern, cp_span_make(bytes, length))
            == CP_MATCHES;
    free(bytes);
    return found;
}

/* --- Compiling -------------------------------------------------------- */

static const struct {
    const char *text;
    unsigned long at;           /* counted from 1 */
} wrong[] = {
    { "(", 2 }, { "a(b", 4 }, { "(a", 3 }, { "a)", 2 }, { ")", 1 },
    { "[", 2 }, { "[]", 3 }, { "ab[", 4 }, { "*", 1 }, { "a***", 3 },
    { "^_ga(_.+$", 10 }, { "\\", 2 },
    { "[b-a]", 4 }, { "(?z)", 3 },
};

static void errors_have_their_position(void **state)
{
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *error = NULL;
        const char *place = apr_psprintf(pool, " at character %lu",
                                         wrong[i].at);
        bool refused = !cp_pattern_make(wrong[i].text, &error, pool);

        if (!refused || !error || strlen(error) <= strlen(place)
            || strcmp(error + strlen(error) - strlen(place), place)) {
            print_error("'%s': %s\n", wrong[i].text,
                        error ? error : "no error");
            bad++;
        }
    }
    assert_int_equal(bad, 0);
}

static void many_patterns_come_and_go(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        apr_pool_t *own;
        const char *error;
        const cp_pattern *pattern;

        apr_pool_create(&own, pool);
        pattern = cp_pattern_make("^_ga(_.+)?$", &error, own);
        assert_non_null(pattern);
        assert_true(CP_MATCHES == cp_pattern_match(pattern, CP_SPAN("_ga_1")));
        apr_pool_destroy(own);
    }
}

/* --- Matching --------------------------------------------------------- */

static const struct {
    const char *text;
    const char *name;
    bool matches;
} known[] = {
    { "^_ga(_.+)?$", "_ga", true }, { "^_ga(_.+)?$", "_ga_X", true },
    { "^_ga(_.+)?$", "_ga_", false }, { "^_ga(_.+)?$", "_gat", false },
    { "^_ga(_.+)?$", "x_ga", false }, { "^_ga(_.+)?$", "", false },
    { "^_ga(_.+)?$", "_GA", false },
    /* nothing anchors it */
    { "sess", "PHPsession", true }, { "sess", "SESS", false },
    { "(?i)sess", "SESS", true },
    /* the end is the end */
    { "^a$", "a", true }, { "^a$", "a\n", false }, { "^a$", "b\na", false },
    { "^a$", "a\nb", false },
    /* bytes, not characters */
    { "^\xc3\xa4$", "\xc3\xa4", true }, { "^.$", "\xc3\xa4", false },
    { "^..$", "\xc3\xa4", true }, { "^[\x80-\xff]+$", "\xc3\xa4", true },
    { "^\\x{e4}$", "\xe4", true },
    /* the empty name */
    { "", "", true }, { "", "a", true }, { "^$", "", true },
    { "^$", "a", false }, { ".", "", false }, { "^a*$", "", true },
};

static void match_table(void **state)
{
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (matches(pattern_of(known[i].text), known[i].name,
                    strlen(known[i].name)) != known[i].matches) {
            print_error("'%s' and '%s'\n", known[i].text, known[i].name);
            bad++;
        }
    }
    assert_int_equal(bad, 0);
    assert_true(matches(pattern_of("^a.b$"), "a\0b", 3));
    assert_false(matches(pattern_of("^a$"), "a\0b", 3));
    assert_false(CP_MATCHES == cp_pattern_match(pattern_of("^a"), CP_SPAN("")));
}

/* Each would take longer than the sun shines. */
static void traps_end_and_do_not_match(void **state)
{
    static const char *const traps[] = {
        "^(a+)+$", "^(a|aa)+$", "^(a*)*$", "^(a|a?)+$", "^(.*a){20}$",
        "^([a-zA-Z]+)*$", "(a+)+(a+)+(a+)+b$", "^(?:a?){40}a{4000}!b$",
        "^((a+)+)+$", "(?:(?:a+)+)+b", "^(a+?)+?$", "^(?=(a+)+$)"
    };
    char name[4096];

    (void)state;
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '!';
    for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
        const cp_pattern *pattern = pattern_of(traps[i]);

        assert_false(matches(pattern, name, sizeof(name)));
        assert_false(matches(pattern, name + 4000, 96));
    }
    assert_true(matches(pattern_of("^(a+)+$"), name, 30));
}

/* What patterns are written for stays far below the limit. */
static void plain_ones_do_not_reach_the_limit(void **state)
{
    static const char *const plain[] = {
        "^_hj.*", "^_pk_(id|ses)\\.", "_session_id$", "^wp-settings-\\d+$",
        "^[a-z]+(?:[-_.][a-z0-9]+)*$", "(?i)sess(ion)?[-_]?id"
    };
    static const char *const names[] = {
        "_hjSessionUser_1234567", "_pk_id.1.1fff",
        "_my_application_session_id", "wp-settings-1234",
        "optimizely-end.user_id.x-y-z",
        "application_ASP.NET_SessionId"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        assert_true(matches(pattern_of(plain[i]), names[i],
                            strlen(names[i])));
    }
}

/* --- Prefixes --------------------------------------------------------- */

/* The prefixes that a look-up needs, if it is to have few to try. */
static const struct {
    const char *text;
    const char *prefix;
} simple[] = {
    { "^_ga", "_ga" }, { "^_ga$", "_ga" }, { "^_ga(_.+)?$", "_ga" },
    { "^_ga_.*", "_ga_" }, { "^_ga_.+", "_ga_" }, { "^_pk_id", "_pk_id" },
    { "^_pk_(id|ses)", "_pk_" }, { "^_hj[A-Z]", "_hj" },
    { "^wp-settings-[0-9]+$", "wp-settings-" }, { "^a\\.b", "a.b" },
    { "^a\\-b", "a-b" }, { "^a\\\\b", "a\\b" }, { "^a\\^\\$", "a^$" },
    { "^__Host-x", "__Host-x" }, { "^\xc3\xa4.", "\xc3\xa4" },
    { "^ab+", "ab" }, { "^ab++c", "ab" }, { "^ab+?c", "ab" },
    { "^ab(c|d)", "ab" }, { "^ab((c|d)|(e|f))", "ab" },
};

/* The longest prefix that is right; a shorter one is too. */
static const struct {
    const char *text;
    const char *prefix;
} longest[] = {
    /* none */
    { "", "" }, { "^", "" }, { "^$", "" }, { "_ga", "" }, { ".*_ga", "" },
    { "^.*_ga", "" }, { "(^_ga)", "" }, { "(?i)^_ga", "" },
    { "^(?i)_ga", "" }, { "$^a", "" }, { "^[_P]ga", "" }, { "^\\d", "" },
    { "^\\w+", "" }, { "^*a", "" }, { "\\^a", "" },
    /* what the quantifier belongs to may be absent */
    { "^ab?", "a" }, { "^ab*", "a" }, { "^ab{0}", "a" },
    { "^ab{0,1}c", "a" }, { "^ab{2}", "abb" }, { "^ab??", "a" },
    { "^ab*?", "a" }, { "^ab?+", "a" }, { "^a?b", "" }, { "^a\\.?b", "a" },
    { "^a\\.*", "a" }, { "^\xc3\xa4?", "\xc3" },
    /* alternatives */
    { "^a|b", "" }, { "^a|^b", "" }, { "^ab|", "" }, { "^ab(c|d)|e", "" },
    { "^a(b|c)d|e", "" }, { "^a|(b)", "" }, { "^ab(?:c|d)e", "ab" },
    { "^ab((c|d)|(e|f))|g", "" }, { "^ab(?|c|d)", "ab" },
    /* what only looks like one, or like none */
    { "^ab[|]c", "ab|c" }, { "^ab[c|d]", "ab" }, { "^ab[]|]c", "ab" },
    { "^ab[^]|]c", "ab" }, { "^ab[]]|c", "" }, { "^ab[^]]|c", "" },
    { "^ab[(]|c", "" }, { "^ab[(]c", "ab(c" }, { "^ab[)]|c", "" },
    { "^ab[\\]|]c", "ab" }, { "^ab[\\]]|c", "" }, { "^ab\\(|c", "" },
    { "^ab(\\)|c)", "ab" }, { "^ab\\[|c]", "" }, { "^ab(c[)|]d)", "abc" },
    { "^a\\-b\\|c\\(d\\[e", "a-b|c(d[e" },
};

static bool begins(const char *name, cp_span prefix)
{
    return strlen(name) >= prefix.length
           && memcmp(name, prefix.at, prefix.length) == 0;
}

static void prefix_table(void **state)
{
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
        assert_string_equal(cp_span_string(pool, cp_pattern_prefix(
                                pattern_of(simple[i].text))),
                            simple[i].prefix);
    }
    for (size_t i = 0; i < sizeof(longest) / sizeof(longest[0]); i++) {
        const char *error = NULL;
        const cp_pattern *pattern = cp_pattern_make(longest[i].text, &error,
                                                    pool);

        /* Not all compile with each version of PCRE2. */
        if (pattern && !begins(longest[i].prefix,
                               cp_pattern_prefix(pattern))) {
            print_error("'%s': '%s'\n", longest[i].text,
                        cp_span_string(pool, cp_pattern_prefix(pattern)));
            bad++;
        }
    }
    assert_int_equal(bad, 0);
}

/* A name that matches, and where an unwary reader takes one away from it. */
static const struct {
    const char *text;
    const char *name;
} tricky[] = {
    /* classes */
    { "^a[[:alpha:](]|b", "b" }, { "^a[[:^alpha:](]|b", "b" },
    { "^a[^[:alpha:](]|b", "b" }, { "^a[]](|b)|c", "c" },
    { "^a[x[:digit:]y(]|b", "b" }, { "^a[[.(]|b", "b" },
    { "^a[\\E](]|b", "b" }, { "^a[\\E^](]|b", "b" },
    { "^a[x\\Q]\\E(]|b", "b" }, { "^a[\\Q]\\E(]|b", "b" },
    { "^a[\\c](]|b", "b" }, { "^a[\\\\](|)|b", "b" }, { "^a[\\](]|b", "b" },
    { "^a[(]|b", "b" }, { "^a[^(]|b", "b" }, { "^a[[](|)|b", "b" },
    /* escapes */
    { "^a\\Q(\\E|b", "b" }, { "^a\\Q\\E|b", "b" }, { "^a\\Q|\\E", "a|" },
    { "^a\\Qb", "ab" }, { "^ab\\E?", "a" }, { "^ab\\E*c", "ac" },
    { "^ab\\E\\E{0}", "a" }, { "^ab\\Q\\E?", "a" }, { "^\\Qab\\E?", "a" },
    { "^a\\c(|b", "b" }, { "^a\\c\\|b", "b" }, { "^a\\((|b)|c", "c" },
    { "^a\\\\|b", "b" }, { "^a\\\\(|b)|c", "c" }, { "^a\\[|b", "b" },
    { "^a\\E|b", "b" },
    /* comments, names of marks, strings of callouts */
    { "^a(?#(|)|b", "b" }, { "^a(?#()|b", "b" }, { "^a(?#[)|b", "b" },
    { "^ab(?#x)?", "a" }, { "^ab(?#x)*c", "ac" },
    { "^a(*:()|b", "b" }, { "^a(*MARK:()|b", "b" }, { "^a(*:[)|b", "b" },
    { "^a(*PRUNE:()|b", "b" }, { "^a(*THEN:((()|b", "b" },
    { "^a(?C\"(\")|b", "b" }, { "^a(?C'((')|b", "b" }, { "^a(?C{(})|b", "b" },
    { "^a(?C\"[\")|b", "b" }, { "^ab(?C1)?", "ab" },
    { "^(*ACCEPT)ab", "" }, { "^a(*ACCEPT)b", "a" },
    /* flags */
    { "^a(?x)#(\n|b", "b" }, { "^a(?x) #[\n|b", "b" },
    { "^a(?ix-s)#(\n|b", "b" }, { "^a(?xx)[ (]|b", "b" },
    { "^a(?x:b#(\n)|c", "c" }, { "^a(?i)b|c", "C" }, { "^a(?i)b", "aB" },
    { "^a(?n)(b)|c", "c" }, { "^a(?^x)#(\n|b", "b" },
    { "(?x)^ a b", "ab" }, { "(?i)^ab", "AB" }, { "(?m)^ab", "x\nab" },
    { "(*UTF)^a|b", "b" }, { "(*LF)(?m)^ab", "x\nab" },
    { "(*ANYCRLF)^a|b", "b" },
    /* groups */
    { "^(a)?b", "b" }, { "^(?:a)*b", "b" }, { "^a(b)?", "a" },
    { "^a(?=b|c)|d", "d" }, { "^a(?<n>b|c)|d", "d" }, { "^a(?'n'b)|d", "d" },
    { "^(?(?=a)b|c)", "c" }, { "^a(?(DEFINE)(b|c))|d", "d" },
    { "^a(?R)?b|c", "c" }, { "^a\\Kb", "ab" }, { "^a{b", "a{b" },
    { "^ab{,1}c", "ab{,1}c" },
};

static void no_prefix_says_too_much(void **state)
{
    int bad = 0, tried = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(tricky) / sizeof(tricky[0]); i++) {
        const char *error = NULL;
        const cp_pattern *pattern = cp_pattern_make(tricky[i].text, &error,
                                                    pool);

        if (!pattern || CP_MATCHES != cp_pattern_match(pattern,
                                            cp_span_of(tricky[i].name))) {
            continue;           /* of some version of PCRE2 */
        }
        tried++;
        if (!begins(tricky[i].name, cp_pattern_prefix(pattern))) {
            print_error("'%s' matches '%s', prefix '%s'\n", tricky[i].text,
                        tricky[i].name,
                        cp_span_string(pool, cp_pattern_prefix(pattern)));
            bad++;
        }
    }
    assert_int_equal(bad, 0);
    assert_true(tried >= 60);
}

/* --- Any patterns ------------------------------------------------------ */

static unsigned int draw(unsigned int *seed, size_t below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16 & 0x7fff) % (unsigned int)below;
}

static const char *pattern_draw(unsigned int *seed)
{
    static const char *const parts[] = {
        "a", "b", "c", "ab", "_", "-", "(", ")", "|", "?", "*", "+", "{0}",
        "{0,1}", "{2}", "{,2}", "{", "}", "??", "*+", "[ab]", "[^a]", "[]a]",
        "[^]a]", "[a|b]", "[(]", "[)a]", "[[:alpha:](]", "[a\\]b]", "[\\E]",
        "[\\Qa]\\E]", "[\\c]a]", "[", "]", "\\.", "\\|", "\\(", "\\)", "\\]",
        "\\[", "\\\\", "\\_", "\\d", "\\w", "\\x61", "\\c(", "\\c\\", "\\Q",
        "\\E", "\\Q(\\E", "(?:", "(?i)", "(?x)", "(?-x)", "(?i:", "(?#c)",
        "(?#(|)", "(?=", "(?!", "(?>", "(?|", "(?<n>", "(*:x)", "(*:()",
        "(?C1)", "(?C\"(\")", "^", "$", ".", " ", "#", "\n", "\\K", "\\b"
    };
    const char *text = draw(seed, 8) ? "^" : "";
    unsigned int count = 1 + draw(seed, 7);

    for (unsigned int i = 0; i < count; i++) {
        text = apr_pstrcat(pool, text, parts[draw(seed, sizeof(parts)
                                                        / sizeof(parts[0]))],
                           NULL);
    }
    /* So that more of them compile. */
    for (int open = 0; open < 3; open++) {
        const char *error;
        apr_pool_t *own;
        bool good;

        apr_pool_create(&own, pool);
        good = cp_pattern_make(text, &error, own) != NULL;
        apr_pool_destroy(own);
        if (good) {
            break;
        }
        text = apr_pstrcat(pool, text, ")", NULL);
    }
    return text;
}

static void name_draw(unsigned int *seed, cp_span prefix, char *name)
{
    static const char letters[] = "aabbcABC_-()[]|\\?{}2 #\n^$.E";
    unsigned int length = draw(seed, 5);
    size_t kept = draw(seed, 2) ? draw(seed, prefix.length + 1) : 0;

    memcpy(name, prefix.at, kept);
    name += kept;
    for (unsigned int i = 0; i < length; i++) {
        *name++ = letters[draw(seed, sizeof(letters) - 1)];
    }
    *name = '\0';
}

/* What PCRE2 says when nobody stands between. */
static bool plainly_matches(pcre2_code *code, const char *name)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    int found = pcre2_match(code, (PCRE2_SPTR)name, strlen(name), 0,
                            PCRE2_NO_JIT, data, NULL);

    pcre2_match_data_free(data);
    return found >= 0;
}

static void whatever_matches_begins_with_the_prefix(void **state)
{
    unsigned int seed = 7;
    int compiled = 0, matched = 0, prefixed = 0, bad = 0;

    (void)state;
    for (int round = 0; round < 8000; round++) {
        const char *text = pattern_draw(&seed);
        const char *error;
        const cp_pattern *pattern = cp_pattern_make(text, &error, pool);
        PCRE2_SIZE at;
        int number;
        pcre2_code *code = pcre2_compile((PCRE2_SPTR)text,
                                         PCRE2_ZERO_TERMINATED,
                                         PCRE2_DOLLAR_ENDONLY, &number, &at,
                                         NULL);

        assert_int_equal(pattern != NULL, code != NULL);
        for (int i = 0; code && i < 40; i++) {
            char name[64];
            bool found;

            name_draw(&seed, cp_pattern_prefix(pattern), name);
            found = plainly_matches(code, name);
            assert_int_equal(cp_pattern_match(pattern, cp_span_of(name))
                             == CP_MATCHES, found);
            matched += found;
            prefixed += found && cp_pattern_prefix(pattern).length;
            if (found && !begins(name, cp_pattern_prefix(pattern))) {
                print_error("'%s' matches '%s', prefix '%s'\n", text, name,
                            cp_span_string(pool,
                                           cp_pattern_prefix(pattern)));
                bad++;
                break;
            }
        }
        compiled += code != NULL;
        pcre2_code_free(code);
        apr_pool_clear(pool);
    }
    assert_int_equal(bad, 0);
    /* They are worth something. */
    assert_true(compiled > 4000);
    assert_true(matched > 20000);
    assert_true(prefixed > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_their_position),
        cmocka_unit_test(many_patterns_come_and_go),
        cmocka_unit_test(match_table),
        cmocka_unit_test(traps_end_and_do_not_match),
        cmocka_unit_test(plain_ones_do_not_reach_the_limit),
        cmocka_unit_test(prefix_table),
        cmocka_unit_test(no_prefix_says_too_much),
        cmocka_unit_test(whatever_matches_begins_with_the_prefix),
    };

    return cmocka_run_group_tests_name("pattern", tests, pool_setup,
                                       pool_teardown);
}
