/**
 * @file phrases_test.c
 * @brief Our own words: every language has all of them, and the right forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>

#include "phrasebook.h"
#include "plural.h"
#include "share.h"
#include "pool_fixture.h"

static const cp_phrases *phrases;

static int setup(void **state)
{
    const char *error = NULL;

    pool_setup(state);
    phrases = cp_phrases_make(&error, pool);
    if (!phrases) {
        print_error("%s\n", error);
    }
    return phrases ? 0 : -1;
}

/* --- The files ---------------------------------------------------------- */

#define TIMES "time."

static json_t *words_of(const cp_share *file)
{
    json_t *words = NULL;

    if (strncmp(file->name, "languages/", 10) == 0) {
        words = json_loadb(file->content.at, file->content.length,
                           JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(words);
    }
    return words;
}

static json_t *english(void)
{
    cp_span content = cp_share_find("languages/en.json");
    json_t *words = json_loadb(content.at, content.length, 0, NULL);

    assert_non_null(words);
    return words;
}

/* The last part of a plural's key; NULL for another key. */
static const char *form_of(const char *key)
{
    const char *form = strncmp(key, TIMES, strlen(TIMES)) == 0
                       ? strchr(key + strlen(TIMES), '.') : NULL;

    return form ? form + 1 : NULL;
}

static bool has_placeholders_of(const char *text, const char *other)
{
    for (const char *at = strchr(text, '{'); at; at = strchr(at + 1, '{')) {
        size_t length = strcspn(at, "}") + 1;

        if (!strstr(other, apr_pstrmemdup(pool, at, length))) {
            return false;
        }
    }
    return true;
}

/* Same keys, none empty, same placeholders, no markup. */
static void languages_are_complete(void **state)
{
    json_t *model = english();

    (void)state;
    for (const cp_share *file = cp_shares; file->name; file++) {
        json_t *words = words_of(file);
        const char *key;
        json_t *word;

        json_object_foreach(words, key, word) {
            const char *text = json_string_value(word);
            const char *same = json_string_value(json_object_get(model, key));

            if (!text || !*text || strpbrk(text, "<>&\n\t")
                || (!form_of(key)
                    && (!same || !has_placeholders_of(text, same)))) {
                fail_msg("%s: %s", file->name, key);
            }
        }
        if (words) {
            json_object_foreach(model, key, word) {
                const char *text = json_string_value(json_object_get(words,
                                                                     key));

                if (!form_of(key)
                    && (!text || !has_placeholders_of(
                                     json_string_value(word), text))) {
                    fail_msg("%s: %s", file->name, key);
                }
            }
        }
        json_decref(words);
    }
    json_decref(model);
}

/* The forms that the language's rule can ask for, `other`, and no more. */
static void languages_have_their_plurals(void **state)
{
    static const char *const units[] = {
        "years", "months", "weeks", "days", "hours", "minutes", "seconds"
    };

    (void)state;
    for (const cp_share *file = cp_shares; file->name; file++) {
        json_t *words = words_of(file);
        const char *tag = words ? apr_pstrndup(pool, file->name + 10,
                                               strlen(file->name) - 15)
                                : NULL;
        bool needed[CP_PLURAL_COUNT] = { [CP_PLURAL_OTHER] = true };

        for (int n = 1; words && n < 1000; n++) {
            needed[cp_plural_of(tag, n)] = true;
        }
        for (int i = 0; words && i < 7 * CP_PLURAL_COUNT; i++) {
            cp_plural form = (cp_plural)(i % CP_PLURAL_COUNT);
            const char *key = apr_pstrcat(pool, TIMES,
                                          units[i / CP_PLURAL_COUNT], ".",
                                          cp_plural_word(form), NULL);
            const char *text = json_string_value(json_object_get(words, key));

            if ((text != NULL) != needed[form]
                || (text && !has_placeholders_of(text, "{n}"))) {
                fail_msg("%s: %s", file->name, key);
            }
        }
        json_decref(words);
    }
}

static void directions(void **state)
{
    (void)state;
    for (const cp_share *file = cp_shares; file->name; file++) {
        json_t *words = words_of(file);
        const char *direction = json_string_value(
            json_object_get(words, "language.direction"));
        bool leftward = strstr(file->name, "/ar.")
                        || strstr(file->name, "/he.");

        if (words) {
            assert_string_equal(direction, leftward ? "rtl" : "ltr");
        }
        json_decref(words);
    }
}

/* --- Finding ------------------------------------------------------------ */

static void nearest_language(void **state)
{
    static const struct {
        const char *tag;
        const char *nearest;
    } known[] = {
        { "en", "en" }, { "fr", "fr" }, { "FR", "fr" }, { "fr-CA", "fr" },
        { "fr-Latn-CA-x-y", "fr" }, { "pt-BR", "pt" }, { "en-GB", "en" },
        { "tlh", "en" }, { "f", "en" }, { "fra", "en" }, { "", "en" },
        { "-", "en" }, { "-fr", "en" }, { "fr-", "fr" }, { "x-fr", "en" },
        { NULL, "en" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_string_equal(cp_phrases_language(phrases, known[i].tag),
                            known[i].nearest);
    }
}

static void phrases_by_language(void **state)
{
    (void)state;
    assert_string_equal(cp_phrase(phrases, "en", "page.title"),
                        "Cookie policy");
    assert_string_equal(cp_phrase(phrases, "fr-BE", "page.title"),
                        "Politique de cookies");
    assert_string_equal(cp_phrase(phrases, "tlh", "page.title"),
                        "Cookie policy");
    assert_null(cp_phrase(phrases, "fr", "no.such.key"));
    assert_null(cp_phrase(phrases, "fr", ""));
}

static void places_filled(void **state)
{
    static const struct {
        const char *text;
        const char *filled;
    } known[] = {
        { "Reason: {x}", "Reason: {x}{y}" }, { "{x}", "{x}{y}" },
        { "{x} and {x}", "{x}{y} and {x}" }, { "none", "none" }, { "", "" },
        { "{x", "{x" }, { "{y}{x}.", "{y}{x}{y}." },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_string_equal(cp_phrase_fill(known[i].text, "{x}", "{x}{y}",
                                           pool), known[i].filled);
    }
}

/* --- Numbers ------------------------------------------------------------ */

/* After the samples of CLDR's rules. */
static const struct {
    const char *language;
    cp_plural plural;
    int numbers[8];             /* -1 ends them */
} plurals[] = {
    { "en", CP_PLURAL_ONE, { 1, -1 } },
    { "en", CP_PLURAL_OTHER, { 0, 2, 11, 21, 101, 1000000, -1 } },
    { "fr", CP_PLURAL_ONE, { 0, 1, -1 } },
    { "fr", CP_PLURAL_OTHER, { 2, 17, 100, 1000001, -1 } },
    { "fr", CP_PLURAL_MANY, { 1000000, 3000000, -1 } },
    { "es", CP_PLURAL_ONE, { 1, -1 } },
    { "es", CP_PLURAL_OTHER, { 0, 2, 16, 100, -1 } },
    { "es", CP_PLURAL_MANY, { 1000000, -1 } },
    { "it", CP_PLURAL_OTHER, { 0, 2, -1 } },
    { "pt", CP_PLURAL_ONE, { 1, -1 } },
    { "pt", CP_PLURAL_OTHER, { 0, 2, -1 } },
    { "de", CP_PLURAL_ONE, { 1, -1 } },
    { "bg", CP_PLURAL_OTHER, { 0, 2, 21, -1 } },
    { "hu", CP_PLURAL_ONE, { 1, -1 } },
    { "cs", CP_PLURAL_ONE, { 1, -1 } },
    { "cs", CP_PLURAL_FEW, { 2, 3, 4, -1 } },
    { "cs", CP_PLURAL_OTHER, { 0, 5, 12, 22, 102, -1 } },
    { "sk", CP_PLURAL_FEW, { 2, 4, -1 } },
    { "pl", CP_PLURAL_ONE, { 1, -1 } },
    { "pl", CP_PLURAL_FEW, { 2, 4, 22, 24, 102, -1 } },
    { "pl", CP_PLURAL_MANY, { 0, 5, 11, 12, 14, 21, 112, -1 } },
    { "hr", CP_PLURAL_ONE, { 1, 21, 101, -1 } },
    { "hr", CP_PLURAL_FEW, { 2, 4, 22, 104, -1 } },
    { "hr", CP_PLURAL_OTHER, { 0, 5, 11, 12, 14, 111, -1 } },
    { "lt", CP_PLURAL_ONE, { 1, 21, 31, 101, -1 } },
    { "lt", CP_PLURAL_FEW, { 2, 9, 22, 29, -1 } },
    { "lt", CP_PLURAL_OTHER, { 0, 10, 11, 19, 20, 111, -1 } },
    { "lv", CP_PLURAL_ZERO, { 0, 10, 11, 19, 20, 111, -1 } },
    { "lv", CP_PLURAL_ONE, { 1, 21, 101, -1 } },
    { "lv", CP_PLURAL_OTHER, { 2, 9, 22, 102, -1 } },
    { "ro", CP_PLURAL_ONE, { 1, -1 } },
    { "ro", CP_PLURAL_FEW, { 0, 2, 16, 19, 101, 119, -1 } },
    { "ro", CP_PLURAL_OTHER, { 20, 35, 100, 120, -1 } },
    { "sl", CP_PLURAL_ONE, { 1, 101, 201, -1 } },
    { "sl", CP_PLURAL_TWO, { 2, 102, -1 } },
    { "sl", CP_PLURAL_FEW, { 3, 4, 103, -1 } },
    { "sl", CP_PLURAL_OTHER, { 0, 5, 11, 100, -1 } },
    { "mt", CP_PLURAL_ONE, { 1, -1 } },
    { "mt", CP_PLURAL_TWO, { 2, -1 } },
    { "mt", CP_PLURAL_FEW, { 0, 3, 10, 103, -1 } },
    { "mt", CP_PLURAL_MANY, { 11, 19, 111, -1 } },
    { "mt", CP_PLURAL_OTHER, { 20, 100, 102, -1 } },
    { "ga", CP_PLURAL_ONE, { 1, -1 } },
    { "ga", CP_PLURAL_TWO, { 2, -1 } },
    { "ga", CP_PLURAL_FEW, { 3, 6, -1 } },
    { "ga", CP_PLURAL_MANY, { 7, 10, -1 } },
    { "ga", CP_PLURAL_OTHER, { 0, 11, 103, -1 } },
    { "ar", CP_PLURAL_ZERO, { 0, -1 } },
    { "ar", CP_PLURAL_ONE, { 1, -1 } },
    { "ar", CP_PLURAL_TWO, { 2, -1 } },
    { "ar", CP_PLURAL_FEW, { 3, 10, 103, 110, -1 } },
    { "ar", CP_PLURAL_MANY, { 11, 99, 111, 199, -1 } },
    { "ar", CP_PLURAL_OTHER, { 100, 101, 102, 200, -1 } },
    { "he", CP_PLURAL_ONE, { 1, -1 } },
    { "he", CP_PLURAL_TWO, { 2, -1 } },
    { "he", CP_PLURAL_OTHER, { 0, 3, 10, 20, -1 } },
    { "ca", CP_PLURAL_MANY, { 1000000, -1 } },
    { "ca", CP_PLURAL_OTHER, { 0, 2, 16, -1 } },
    { "ru", CP_PLURAL_ONE, { 1, 21, 101, -1 } },
    { "ru", CP_PLURAL_FEW, { 2, 4, 22, 104, -1 } },
    { "ru", CP_PLURAL_MANY, { 0, 5, 11, 12, 14, 20, 111, -1 } },
    { "uk", CP_PLURAL_ONE, { 1, 31, -1 } },
    { "be", CP_PLURAL_MANY, { 5, 11, 100, -1 } },
    { "sr", CP_PLURAL_FEW, { 2, 3, 24, -1 } },
    { "bs", CP_PLURAL_OTHER, { 0, 5, 11, 112, -1 } },
    { "is", CP_PLURAL_ONE, { 1, 21, 101, -1 } },
    { "is", CP_PLURAL_OTHER, { 0, 2, 11, 111, -1 } },
    { "mk", CP_PLURAL_ONE, { 1, 21, -1 } },
    { "mk", CP_PLURAL_OTHER, { 2, 11, -1 } },
    { "cy", CP_PLURAL_ZERO, { 0, -1 } },
    { "cy", CP_PLURAL_ONE, { 1, -1 } },
    { "cy", CP_PLURAL_TWO, { 2, -1 } },
    { "cy", CP_PLURAL_FEW, { 3, -1 } },
    { "cy", CP_PLURAL_MANY, { 6, -1 } },
    { "cy", CP_PLURAL_OTHER, { 4, 5, 7, 13, -1 } },
    { "gd", CP_PLURAL_ONE, { 1, 11, -1 } },
    { "gd", CP_PLURAL_TWO, { 2, 12, -1 } },
    { "gd", CP_PLURAL_FEW, { 3, 10, 13, 19, -1 } },
    { "gd", CP_PLURAL_OTHER, { 0, 20, 101, -1 } },
    { "nb", CP_PLURAL_ONE, { 1, -1 } },
    { "nb", CP_PLURAL_OTHER, { 0, 2, 21, -1 } },
    { "ja", CP_PLURAL_OTHER, { 0, 1, 2, -1 } },
    { "zh", CP_PLURAL_OTHER, { 1, 100, -1 } },
    { "tlh", CP_PLURAL_ONE, { 1, -1 } },
    { "", CP_PLURAL_OTHER, { 2, -1 } },
    { " ", CP_PLURAL_OTHER, { 2, -1 } },
};

static void plural_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(plurals) / sizeof(plurals[0]); i++) {
        for (int j = 0; plurals[i].numbers[j] >= 0; j++) {
            cp_plural got = cp_plural_of(plurals[i].language,
                                         plurals[i].numbers[j]);

            if (got != plurals[i].plural) {
                fail_msg("%s %d: %s", plurals[i].language,
                         plurals[i].numbers[j], cp_plural_word(got));
            }
        }
    }
}

static void plural_uses(void **state)
{
    static const struct {
        const char *language;
        cp_plural_use uses[CP_PLURAL_COUNT];    /* in the order of cp_plural */
    } known[] = {
        { "en", { CP_PLURAL_SEVERAL, 0, CP_PLURAL_SINGLE } },
        { "fr", { CP_PLURAL_SEVERAL, 0, CP_PLURAL_SINGLE, 0, 0,
                  CP_PLURAL_RARE } },
        { "pl", { CP_PLURAL_SEVERAL, 0, CP_PLURAL_SINGLE, 0,
                  CP_PLURAL_SEVERAL, CP_PLURAL_SEVERAL } },
        { "sl", { CP_PLURAL_SEVERAL, 0, CP_PLURAL_SEVERAL,
                  CP_PLURAL_SEVERAL, CP_PLURAL_SEVERAL } },
        { "ar", { CP_PLURAL_SEVERAL, CP_PLURAL_RARE, CP_PLURAL_SINGLE,
                  CP_PLURAL_SINGLE, CP_PLURAL_SEVERAL, CP_PLURAL_SEVERAL } },
        { "lv", { CP_PLURAL_SEVERAL, CP_PLURAL_SEVERAL, CP_PLURAL_SEVERAL } },
        { "ru", { CP_PLURAL_SEVERAL, 0, CP_PLURAL_SEVERAL, 0,
                  CP_PLURAL_SEVERAL, CP_PLURAL_SEVERAL } },
        { "ja", { CP_PLURAL_SEVERAL } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        cp_plural_use uses[CP_PLURAL_COUNT];

        cp_plural_uses(known[i].language, uses);
        for (int j = 0; j < CP_PLURAL_COUNT; j++) {
            if (uses[j] != known[i].uses[j]) {
                fail_msg("%s: %s", known[i].language,
                         cp_plural_word((cp_plural)j));
            }
        }
    }
}

static void times_in_words(void **state)
{
    static const struct {
        const char *tag;
        int seconds;
        const char *written;
        const char *words;
    } known[] = {
        { "en", 13 * 2592000, "13M", "13 months" },
        { "en", 13 * 2592000, "13 months", "13 months" },
        { "en", 13 * 2592000, NULL, "13 months" },
        { "fr", 13 * 2592000, "13M", "13 mois" },
        { "de", 2592000, "1 month", "1 Monat" },
        { "en", 90 * 86400, "90d", "90 days" },
        { "en", 90 * 86400, NULL, "3 months" },
        { "en", 31536000, "365d", "365 days" },
        { "en", 31536000, NULL, "1 year" },
        { "es", 2 * 31536000, "2y", "2 años" },
        { "en", 1209600, "2w", "2 weeks" },
        { "en", 1209600, NULL, "14 days" },
        { "en", 1800, "30m", "30 minutes" },
        { "en", 1800, "30 min", "30 minutes" },
        { "en", 3600, "1h", "1 hour" },
        { "en", 3600, "3600", "1 hour" },
        { "en", 90, "90", "90 seconds" },
        { "en", 1, "1s", "1 second" },
        /* what was written is not what holds */
        { "en", 3600, "2h", "1 hour" },
        { "en", 3600, "soon", "1 hour" },
        { "en", 3600, "", "1 hour" },
        { "en", 3600, "99999999999999999999h", "1 hour" },
        { "pt-BR", 86400, "1d", "1 dia" },
        { "tlh", 86400, "1d", "1 day" },
        { "en", 2147483647, NULL, "2147483647 seconds" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_string_equal(cp_phrase_time(phrases, known[i].tag,
                                           known[i].seconds,
                                           known[i].written, pool),
                            known[i].words);
    }
    assert_null(cp_phrase_count(phrases, "en", "no.such.key", 3, pool));
}

/* --- What the policy says ------------------------------------------------ */

static cp_declaration *declare(const char *name, const char *key,
                               const char *text)
{
    cp_declaration *one = cp_policy_managed(name, pool);

    if (key) {
        apr_table_setn((apr_table_t *)one->texts, key, text);
    }
    return one;
}

static void texts_of_the_site_go_first(void **state)
{
    cp_policy policy;
    cp_category own = { .name = "marketing",
                        .texts = apr_table_make(pool, 1) };
    cp_declaration *plain = declare("sessionid", NULL, NULL);
    cp_declaration *worded = declare("sessionid", "purpose[fr]", "À nous");
    cp_declaration *other = declare("other", "purpose", "Theirs");
    cp_declaration *stored = declare("sessionid", NULL, NULL);

    (void)state;
    cp_policy_begin(&policy, pool);
    assert_string_equal(cp_phrases_category(phrases, &policy.categories[2], "title",
                                            "fr", pool), "Statistiques");
    apr_table_setn((apr_table_t *)policy.categories[2].texts, "title[fr]", "Mesure");
    assert_string_equal(cp_phrases_category(phrases, &policy.categories[2], "title",
                                            "fr-CA", pool), "Mesure");
    assert_string_equal(cp_phrases_category(phrases, &policy.categories[2], "title",
                                            "en", pool), "Statistics");
    assert_null(cp_phrases_category(phrases, &own, "title", "en", pool));

    assert_string_equal(cp_phrases_cookie(phrases, plain, "function", "en",
                                          pool), "Authentication");
    assert_null(cp_phrases_cookie(phrases, plain, "provider", "en", pool));
    assert_string_equal(cp_phrases_cookie(phrases, worded, "purpose", "fr",
                                          pool), "À nous");
    assert_string_equal(cp_phrases_cookie(phrases, worded, "purpose", NULL,
                                          pool),
                        "To remember the user from one page to another");
    assert_string_equal(cp_phrases_cookie(phrases, other, "purpose", "fr",
                                          pool), "Theirs");
    assert_null(cp_phrases_cookie(phrases, other, "function", "fr", pool));
    stored->storage = CP_STORAGE_LOCAL;
    assert_null(cp_phrases_cookie(phrases, stored, "function", "en", pool));
}

static void long_names_are_nobodys(void **state)
{
    char name[1000];

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (size_t length = 0; length < sizeof(name); length += 7) {
        assert_null(cp_phrases_cookie(phrases, declare(name + length, NULL,
                                                       NULL),
                                      "purpose", "en", pool));
    }
}

/* --- The digest ---------------------------------------------------------- */

static cp_policy *policy_of(const cp_declaration *one, const char *origin)
{
    cp_policy *policy = apr_pcalloc(pool, sizeof(*policy));
    apr_array_header_t *all = apr_array_make(pool, 1, sizeof(void *));
    apr_array_header_t *parties = apr_array_make(pool, 1,
                                                 sizeof(cp_third_party));

    cp_policy_begin(policy, pool);
    *(const cp_declaration **)apr_array_push(all) = one;
    if (origin) {
        *(cp_third_party *)apr_array_push(parties) =
            (cp_third_party){ "third-party", origin };
    }
    assert_null(cp_policy_compile(policy, all, parties, pool));
    return policy;
}

static void entitle(cp_category *category)
{
    apr_table_t *texts = apr_table_make(pool, 1);

    apr_table_setn(texts, "title", "t");
    category->texts = texts;
}

static const char *digest_of(const cp_policy *policy, const char *tag)
{
    char *digest = apr_palloc(pool, CP_DIGEST_LENGTH + 1);

    assert_true(cp_phrases_digest(phrases, policy, tag, digest, pool));
    assert_int_equal(strlen(digest), CP_DIGEST_LENGTH);
    return digest;
}

static void digest_is_of_all_that_is_read(void **state)
{
    const cp_policy *policy = policy_of(declare("a", "purpose", "b"), NULL);
    const char *before = digest_of(policy, "en");
    cp_policy *renamed;

    (void)state;
    assert_string_equal(before, digest_of(policy, "en"));
    assert_string_equal(before, digest_of(policy_of(declare("a", "purpose",
                                                            "b"), NULL),
                                          "en"));
    assert_string_equal(before, digest_of(policy, "en-GB"));
    assert_string_equal(before, digest_of(policy, NULL));
    assert_string_not_equal(before, digest_of(policy, "fr"));
    assert_string_not_equal(before, digest_of(policy_of(declare(
        "a", "purpose", "c"), NULL), "en"));
    assert_string_not_equal(before, digest_of(policy_of(declare(
        "a", "function", "b"), NULL), "en"));
    assert_string_not_equal(before, digest_of(policy_of(declare(
        "ab", "purpose", ""), NULL), "en"));
    assert_string_not_equal(before, digest_of(policy_of(declare(
        "a", "purpose", "b"), "https://x.example"), "en"));
    renamed = policy_of(declare("a", "purpose", "b"), NULL);
    entitle(&renamed->categories[0]);
    assert_string_not_equal(before, digest_of(renamed, "en"));
}

/* What is in another language, or in a category that is not used. */
static void digest_is_of_nothing_else(void **state)
{
    const char *before = digest_of(policy_of(declare("a", "purpose", "b"),
                                             NULL), "en");
    cp_declaration *one = declare("a", "purpose", "b");
    cp_policy *policy;

    (void)state;
    apr_table_setn((apr_table_t *)one->texts, "purpose[fr]", "c");
    policy = policy_of(one, NULL);
    entitle(&policy->categories[4]);
    assert_string_equal(before, digest_of(policy, "en"));
    assert_string_not_equal(digest_of(policy_of(declare("a", "purpose", "b"),
                                                NULL), "fr"),
                            digest_of(policy, "fr"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(languages_are_complete),
        cmocka_unit_test(languages_have_their_plurals),
        cmocka_unit_test(directions),
        cmocka_unit_test(nearest_language),
        cmocka_unit_test(phrases_by_language),
        cmocka_unit_test(places_filled),
        cmocka_unit_test(plural_rules),
        cmocka_unit_test(plural_uses),
        cmocka_unit_test(times_in_words),
        cmocka_unit_test(texts_of_the_site_go_first),
        cmocka_unit_test(long_names_are_nobodys),
        cmocka_unit_test(digest_is_of_all_that_is_read),
        cmocka_unit_test(digest_is_of_nothing_else),
    };

    return cmocka_run_group_tests_name("phrases", tests, setup, pool_teardown);
}
