/**
 * @file lookup_test.c
 * @brief From names to declarations: exact ones, patterns, prefixes in any
 *        case, limits; and the same as who tries all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lookup.h"
#include "pool_fixture.h"

/* A place in the look-up for a line; a pattern's begins with `~`. */
static cp_declared declared_of(const char *name, int order)
{
    cp_declaration *declaration = apr_pcalloc(pool, sizeof(*declaration));
    cp_declared declared = { .declaration = declaration, .order = order };
    const char *error = NULL;

    declaration->name = name;
    if (*name == '~') {
        declaration->pattern = cp_pattern_make(name + 1, &error, pool);
        if (!declaration->pattern) {
            fail_msg("'%s': %s", name, error);
        }
    }
    return declared;
}

/* All lines, in their order, up to one that is NULL. */
static cp_declared *declared_all(const char *const *names, int *count)
{
    cp_declared *all;

    for (*count = 0; names[*count]; ++*count) {
    }
    all = apr_palloc(pool, ((size_t)*count + 1) * sizeof(*all));
    for (int i = 0; i < *count; i++) {
        all[i] = declared_of(names[i], i);
    }
    return all;
}

static const cp_lookup *lookup_of(const cp_declared *declared, int count)
{
    const char *error = NULL;
    const cp_lookup *lookup = cp_lookup_make(declared, count, &error, pool);

    if (!lookup) {
        fail_msg("%s", error);
    }
    return lookup;
}

static const cp_lookup *lookup_make(const char *const *names)
{
    int count;
    const cp_declared *declared = declared_all(names, &count);

    return lookup_of(declared, count);
}

/* What is found for a name in memory of just its length: the declaration's
 * name, "-" for none. */
static const char *found(const cp_lookup *lookup, const char *name)
{
    size_t length = strlen(name);
    char *bytes = malloc(length ? length : 1);
    const cp_declared *one;

    memcpy(bytes, name, length);
    one = cp_lookup_find(lookup, cp_span_make(bytes, length), pool);
    free(bytes);
    return one ? one->declaration->name : "-";
}

#define LOOKUP(...) lookup_make((const char *const []){ __VA_ARGS__, NULL })

static void nothing_is_declared(void **state)
{
    const cp_lookup *lookup = lookup_of(NULL, 0);

    (void)state;
    assert_string_equal(found(lookup, ""), "-");
    assert_string_equal(found(lookup, "a"), "-");
    assert_null(cp_lookup_find(lookup, CP_SPAN_NONE, pool));
}

static void exact_names(void **state)
{
    const cp_lookup *lookup = LOOKUP("_ga", "_gid", "_g", "a", "PHPSESSID");

    (void)state;
    assert_string_equal(found(lookup, "_ga"), "_ga");
    assert_string_equal(found(lookup, "_gid"), "_gid");
    assert_string_equal(found(lookup, "_g"), "_g");
    assert_string_equal(found(lookup, "a"), "a");
    assert_string_equal(found(lookup, "PHPSESSID"), "PHPSESSID");
    /* Shorter, longer, beside it, of another case. */
    assert_string_equal(found(lookup, "_"), "-");
    assert_string_equal(found(lookup, "_gi"), "-");
    assert_string_equal(found(lookup, "_gat"), "-");
    assert_string_equal(found(lookup, "_ga_"), "-");
    assert_string_equal(found(lookup, "_gb"), "-");
    assert_string_equal(found(lookup, "_Ga"), "-");
    assert_string_equal(found(lookup, "A"), "-");
    assert_string_equal(found(lookup, "b"), "-");
    assert_string_equal(found(lookup, "phpsessid"), "-");
    assert_string_equal(found(lookup, ""), "-");
    assert_null(cp_lookup_find(lookup, cp_span_make("_ga\0", 4), pool));
}

static void exact_before_patterns(void **state)
{
    const cp_lookup *lookup = LOOKUP("_ga", "~^_ga", "~_ga", "~^_.*$",
                                     "_pk", "~^_pk");

    (void)state;
    assert_string_equal(found(lookup, "_ga"), "_ga");
    assert_string_equal(found(lookup, "_pk"), "_pk");
    assert_string_equal(found(lookup, "_gat"), "~^_.*$");
    assert_string_equal(found(lookup, "x_ga"), "~_ga");
    assert_string_equal(found(lookup, "_pk_id"), "~^_pk");
}

static void the_latest_pattern_wins(void **state)
{
    static const char *const lines[] = { "~a", "~^a", "~^ab", "~b$", "~^abc",
                                         NULL };
    cp_declared *declared;
    int count;

    (void)state;
    assert_string_equal(found(lookup_make(lines), "a"), "~^a");
    assert_string_equal(found(lookup_make(lines), "ab"), "~b$");
    assert_string_equal(found(lookup_make(lines), "abc"), "~^abc");
    assert_string_equal(found(lookup_make(lines), "abd"), "~^ab");
    assert_string_equal(found(lookup_make(lines), "xa"), "~a");
    assert_string_equal(found(lookup_make(lines), "x"), "-");
    assert_string_equal(found(LOOKUP("~^abc", "~^ab", "~^a", "~a"), "abc"),
                        "~a");
    assert_string_equal(found(LOOKUP("~^ab", "~b", "~^a"), "ab"), "~^a");
    /* It is the line that counts, not the place in the array. */
    declared = declared_all(lines, &count);
    for (int i = 0; i < count; i++) {
        declared[i].order = count - i;
    }
    assert_string_equal(found(lookup_of(declared, count), "ab"), "~a");
    assert_string_equal(found(lookup_of(declared, count), "abc"), "~a");
}

static void names_longer_than_the_tree(void **state)
{
    const cp_lookup *lookup = LOOKUP("a", "~^ab", "~^ab.*z$");
    char name[8001];

    (void)state;
    memset(name, 'b', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_string_equal(found(lookup, name), "-");
    name[0] = 'a';
    assert_string_equal(found(lookup, name), "~^ab");
    name[sizeof(name) - 2] = 'z';
    assert_string_equal(found(lookup, name), "~^ab.*z$");
    name[1] = 'a';
    assert_string_equal(found(lookup, name), "-");
    /* And declarations that long. */
    assert_string_equal(found(LOOKUP("b", name), name), name);
}

static void the_empty_name(void **state)
{
    (void)state;
    assert_string_equal(found(LOOKUP("a", "~^a", "~b"), ""), "-");
    assert_string_equal(found(LOOKUP("a", "~^a*$"), ""), "~^a*$");
    assert_string_equal(found(LOOKUP("a", "~^$"), ""), "~^$");
    assert_string_equal(found(LOOKUP("a", "~^$"), "a"), "a");
}

static void bytes_that_are_no_letters(void **state)
{
    const cp_lookup *lookup = LOOKUP("\xc3\xa4", "\xff", "\x80", "a\xff",
                                     "a", "~^\xc3\xb6", "~^\xfe.$");

    (void)state;
    assert_string_equal(found(lookup, "\xc3\xa4"), "\xc3\xa4");
    assert_string_equal(found(lookup, "\xff"), "\xff");
    assert_string_equal(found(lookup, "\x80"), "\x80");
    assert_string_equal(found(lookup, "a\xff"), "a\xff");
    assert_string_equal(found(lookup, "a"), "a");
    assert_string_equal(found(lookup, "\xc3\xb6x"), "~^\xc3\xb6");
    assert_string_equal(found(lookup, "\xfe\xfe"), "~^\xfe.$");
    assert_string_equal(found(lookup, "\xc3"), "-");
    assert_string_equal(found(lookup, "\x81"), "-");
    assert_string_equal(found(lookup, "\x7f"), "-");
    assert_string_equal(found(lookup, "\x01"), "-");
    assert_string_equal(found(lookup, "a\x80"), "-");
    for (int byte = 1; byte < 256; byte++) {
        const char name[] = { (char)byte, '\0' };

        assert_string_equal(found(LOOKUP("m", "\xff", "\x01", name), name),
                            name);
        assert_string_equal(found(LOOKUP(name, "\x01", "m", "\xff"), name),
                            name);
    }
}

/* --- Prefixes that mean something to browsers --------------------------- */

static void prefixes_in_any_case(void **state)
{
    static const char *const hosts[] = {
        "__Host-x", "__host-x", "__HOST-x", "__hOsT-x"
    };
    static const char *const secures[] = {
        "__Secure-x", "__secure-x", "__SECURE-x", "__sEcUrE-x"
    };

    (void)state;
    for (int i = 0; i < 4; i++) {
        const cp_lookup *lookup = LOOKUP(hosts[i], secures[i]);

        for (int j = 0; j < 4; j++) {
            assert_string_equal(found(lookup, hosts[j]), hosts[i]);
            assert_string_equal(found(lookup, secures[j]), secures[i]);
        }
        /* In what follows it counts, and nothing else is folded. */
        assert_string_equal(found(lookup, "__Host-X"), "-");
        assert_string_equal(found(lookup, "__host-X"), "-");
        assert_string_equal(found(lookup, "__Secure-X"), "-");
        assert_string_equal(found(lookup, "__Hostx"), "-");
        assert_string_equal(found(lookup, "__Host"), "-");
        assert_string_equal(found(lookup, "__Host-"), "-");
        assert_string_equal(found(lookup, "_Host-x"), "-");
    }
    assert_string_equal(found(LOOKUP("__Hos-x", "__Http-x"), "__hos-x"),
                        "-");
    assert_string_equal(found(LOOKUP("__Host-"), "__host-"), "__Host-");
}

static void prefixes_and_patterns(void **state)
{
    static const char *const names[] = {
        "__Host-ab", "__host-ab", "__HOST-ab"
    };
    int wrong = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        static const char *const patterns[] = {
            "~^__Host-", "~^__Host-a.$", "~^__Host-ab$", "~^__H", "~^__",
            "~-ab$", "~(?i)^__host-", "~^__[Hh]"
        };

        for (int j = 0; j < 8; j++) {
            if (strcmp(found(LOOKUP(patterns[j]), names[i]), patterns[j])) {
                print_error("'%s' and '%s'\n", patterns[j], names[i]);
                wrong++;
            }
        }
    }
    assert_string_equal(found(LOOKUP("~^__Host-a"), "__Host-A"), "-");
    assert_string_equal(found(LOOKUP("~^__Host-a"), "__host-A"), "-");
    assert_int_equal(wrong, 0);
}

/* A pattern that matches the very name that came is not passed by. */
static void patterns_that_are_spelled_otherwise(void **state)
{
    static const char *const pairs[][2] = {
        { "~^__host-", "__host-ab" }, { "~^__host-ab$", "__host-ab" },
        { "~^__HOST-", "__HOST-ab" }, { "~^__h", "__host-ab" },
        { "~^__ho.*", "__host-ab" }, { "~^__secure-", "__secure-x" },
        { "~^__s", "__secure-x" },
    };
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (strcmp(found(LOOKUP(pairs[i][0]), pairs[i][1]), pairs[i][0])) {
            print_error("'%s' and '%s'\n", pairs[i][0], pairs[i][1]);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* --- Limits ------------------------------------------------------------ */

/* So many patterns with each of these prefixes. @return the error or NULL */
static const char *patterns_try(const char *const *prefixes, int each,
                                cp_storage storage)
{
    cp_declared *all = apr_palloc(pool, 64 * (size_t)each * sizeof(*all));
    const char *error = NULL;
    const cp_lookup *lookup;
    int count = 0;

    for (int i = 0; prefixes[i]; i++) {
        for (int j = 0; j < each; j++) {
            all[count] = declared_of(apr_psprintf(pool, "~^%s[%d]",
                                                  prefixes[i], j), count);
            ((cp_declaration *)all[count].declaration)->storage = storage;
            count++;
        }
    }
    lookup = cp_lookup_make(all, count, &error, pool);
    assert_int_equal(lookup == NULL, error != NULL);
    return error;
}

#define TRY(each, ...) patterns_try((const char *const []){ __VA_ARGS__, \
                                                            NULL }, each, \
                                    CP_STORAGE_COOKIE)

static void so_many_patterns_for_a_name(void **state)
{
    const char *error = TRY(CP_LOOKUP_PATTERNS_MAX + 1, "");

    (void)state;
    assert_non_null(error);
    assert_non_null(strstr(error, "CookiePolicyCookie"));
    assert_non_null(strstr(error, "32"));
    assert_null(TRY(CP_LOOKUP_PATTERNS_MAX, ""));
    assert_non_null(TRY(CP_LOOKUP_PATTERNS_MAX + 1, "abc"));
    assert_null(TRY(CP_LOOKUP_PATTERNS_MAX, "abc"));
    /* Those of shorter prefixes could match as well, others could not. */
    assert_null(TRY(CP_LOOKUP_PATTERNS_MAX, "a", "b", "c", "dd", "de"));
    assert_null(TRY(CP_LOOKUP_PATTERNS_MAX / 2, "", "a", "b", "cc"));
    assert_non_null(TRY(CP_LOOKUP_PATTERNS_MAX / 2, "", "a", "ab"));
    assert_non_null(TRY(CP_LOOKUP_PATTERNS_MAX / 2, "ab", "", "a"));
    assert_non_null(TRY(CP_LOOKUP_PATTERNS_MAX / 2 + 1, "abcd", ""));
    assert_null(TRY(CP_LOOKUP_PATTERNS_MAX / 4, "a", "ab", "abc", "abcd"));
    assert_non_null(TRY(CP_LOOKUP_PATTERNS_MAX / 4 + 1, "a", "ab", "abc",
                        "abcd"));
    /* What is no cookie does not count. */
    assert_null(patterns_try((const char *const []){ "", NULL },
                             CP_LOOKUP_PATTERNS_MAX + 1, CP_STORAGE_LOCAL));
}

static void other_storage_is_not_found(void **state)
{
    cp_declared declared[3];

    (void)state;
    for (int storage = CP_STORAGE_LOCAL; storage <= CP_STORAGE_OTHER;
         storage++) {
        declared[0] = declared_of("a", 0);
        declared[1] = declared_of("~^b", 1);
        declared[2] = declared_of("c", 2);
        for (int i = 0; i < 2; i++) {
            ((cp_declaration *)declared[i].declaration)->storage =
                (cp_storage)storage;
        }
        assert_string_equal(found(lookup_of(declared, 3), "a"), "-");
        assert_string_equal(found(lookup_of(declared, 3), "b"), "-");
        assert_string_equal(found(lookup_of(declared, 3), "c"), "c");
    }
}

#define MANY 5000

static const char *many_name(int i)
{
    return i % 10 == 0 ? apr_psprintf(pool, "~^p%04d_[a-z]+$", i)
                       : apr_psprintf(pool, "c%d_%d", i % 7, i);
}

static void five_thousand_declarations(void **state)
{
    cp_declared *all = apr_palloc(pool, MANY * sizeof(*all));
    const cp_lookup *lookup;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        all[i] = declared_of(many_name(i), i);
    }
    lookup = lookup_of(all, MANY);
    for (int i = 0; i < MANY; i++) {
        const char *name = i % 10 == 0 ? apr_psprintf(pool, "p%04d_xy", i)
                                       : all[i].declaration->name;

        assert_ptr_equal(cp_lookup_find(lookup, cp_span_of(name), pool),
                         &all[i]);
        assert_string_equal(found(lookup, apr_pstrcat(pool, name, "!",
                                                      NULL)), "-");
        assert_string_equal(found(lookup, apr_pstrcat(pool, "!", name,
                                                      NULL)), "-");
    }
}

/* --- Who tries all of them ---------------------------------------------- */

static unsigned int draw(unsigned int *seed, size_t below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16 & 0x7fff) % (unsigned int)below;
}

static const char *name_draw(unsigned int *seed)
{
    static const char *const parts[] = {
        "a", "b", "A", "_", "-", "\xc3", "\xff", "__Host-", "__host-",
        "__HOST-", "__Secure-", "__secure-", "__", "H", "ab", "ba"
    };
    unsigned int count = draw(seed, 5);
    const char *name = "";

    for (unsigned int i = 0; i < count; i++) {
        name = apr_pstrcat(pool, name, parts[draw(seed, sizeof(parts)
                                                        / sizeof(parts[0]))],
                           NULL);
    }
    return name;
}

static const char *line_draw(unsigned int *seed)
{
    static const char *const patterns[] = {
        "~^a", "~^ab", "~^a.*b$", "~^ab?$", "~^(a|b)", "~^b|a$", "~b", "~_$",
        "~^__Host-a", "~^__host-", "~^__Secure-[ab]", "~^__", "~^\xc3",
        "~^__h", "~^__HOST-b?$", "~^__sec", "~^__S",
        "~^[\x80-\xff]", "~^aa*", "~^\\_", "~^a\\-b", "~^$", "~^b{2}"
    };
    const char *name;

    if (draw(seed, 3) == 0) {
        return patterns[draw(seed, sizeof(patterns) / sizeof(patterns[0]))];
    }
    name = name_draw(seed);
    return *name ? name : "x";
}

/* The name as it is compared. */
static const char *canonical(const char *name)
{
    if (strncasecmp(name, "__host-", 7) == 0) {
        return apr_pstrcat(pool, "__Host-", name + 7, NULL);
    }
    if (strncasecmp(name, "__secure-", 9) == 0) {
        return apr_pstrcat(pool, "__Secure-", name + 9, NULL);
    }
    return name;
}

static const cp_declared *tried(const cp_declared *declared, int count,
                                const char *name)
{
    const char *asked = canonical(name);

    for (int i = count; i-- > 0;) {
        if (!declared[i].declaration->pattern
            && strcmp(canonical(declared[i].declaration->name), asked) == 0) {
            return &declared[i];
        }
    }
    for (int i = count; i-- > 0;) {
        if (declared[i].declaration->pattern
            && (cp_pattern_match(declared[i].declaration->pattern,
                                 cp_span_of(asked)) == CP_MATCHES
                || cp_pattern_match(declared[i].declaration->pattern,
                                    cp_span_of(name)) == CP_MATCHES)) {
            return &declared[i];
        }
    }
    return NULL;
}

static void the_same_as_trying_all(void **state)
{
    unsigned int seed = 3;
    int exact = 0, pattern = 0, none = 0;

    (void)state;
    for (int round = 0; round < 400; round++) {
        int count = (int)draw(&seed, 60);
        cp_declared declared[60];
        const cp_lookup *lookup;

        for (int i = 0; i < count; i++) {
            const char *line = line_draw(&seed);

            /* Few enough patterns that no name has too many. */
            declared[i] = declared_of(i < 30 ? line
                                      : *line == '~' ? line + 1 : line, i);
        }
        lookup = lookup_of(declared, count);
        for (int i = 0; i < 100; i++) {
            const char *name = i < count ? declared[i].declaration->name
                                         : name_draw(&seed);
            const cp_declared *one = cp_lookup_find(lookup,
                                                    cp_span_of(name), pool);

            if (one != tried(declared, count, name)) {
                fail_msg("'%s' in round %d", name, round);
            }
            exact += one && !one->declaration->pattern;
            pattern += one && one->declaration->pattern;
            none += !one;
        }
        apr_pool_clear(pool);
    }
    assert_true(exact > 1000 && pattern > 1000 && none > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_declared),
        cmocka_unit_test(exact_names),
        cmocka_unit_test(exact_before_patterns),
        cmocka_unit_test(the_latest_pattern_wins),
        cmocka_unit_test(names_longer_than_the_tree),
        cmocka_unit_test(the_empty_name),
        cmocka_unit_test(bytes_that_are_no_letters),
        cmocka_unit_test(prefixes_in_any_case),
        cmocka_unit_test(prefixes_and_patterns),
        cmocka_unit_test(patterns_that_are_spelled_otherwise),
        cmocka_unit_test(so_many_patterns_for_a_name),
        cmocka_unit_test(other_storage_is_not_found),
        cmocka_unit_test(five_thousand_declarations),
        cmocka_unit_test(the_same_as_trying_all),
    };

    return cmocka_run_group_tests_name("lookup", tests, pool_setup,
                                       pool_teardown);
}
