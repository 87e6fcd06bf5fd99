/**
 * @file phrasebook_test.c
 * @brief A site's own language files: what is refused, and what they change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "language_file.h"
#include "phrasebook.h"
#include "share.h"
#include "spelling.h"
#include "pool_fixture.h"

#define NB "\"language.name\": \"Norsk\", \"language.direction\": \"ltr\""

static const cp_phrases *standard;

static int setup(void **state)
{
    const char *error;

    pool_setup(state);
    standard = cp_phrases_make(&error, pool);
    return standard ? 0 : -1;
}

/* --- What is refused ------------------------------------------------------ */

static const char *refusal_of(const char *path, const char *content)
{
    const char *error = NULL;
    const cp_language_file *file =
        cp_language_file_read(path, cp_span_of(content), standard, &error,
                              pool);

    assert_true(!file == !!error);
    return error ? error : "";
}

static void names_of_files(void **state)
{
    static const char *const good[] = {
        "nb.json", "/etc/x.y/fr.json", "de-CH.json", "zh-Hant-TW.json",
        "es-419.json", "sl-rozaj-biske.json", "de-1996.json", "tlh.json",
        "zh-cmn-Hans-CN.json", "de-DE-u-co-phonebk.json", "en-x-own.json",
        "FR-ca.json",
    };
    static const char *const bad[] = {
        "nb", "nb.JSON", "nb.json.bak", ".json", "n.json", "nw.json",
        "english.json", "de_CH.json", "de-.json", "-de.json", "de--CH.json",
        "de-C.json", "de-CH-CH.json", "fr.json/x", "de-u.json",
        "en-x.json", "nb json", "n\xc3\xb8.json",
        "de-aaaaaaaa-bbbbbbbb-cccccccc-dddddddd.json",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_string_equal(refusal_of(good[i], "{}"), "");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!strstr(refusal_of(bad[i], "{}"), "no language tag")) {
            fail_msg("%s", bad[i]);
        }
    }
}

static void what_is_in_them(void **state)
{
    static const struct {
        const char *path;
        const char *content;
        const char *why;        /* part of it; NULL: it is good */
    } known[] = {
        { "nb.json", "{}", NULL },
        { "nb.json", "", "line 1" },
        { "nb.json", "{\"page.title\": \"A\",\n\"page.intro\" \"B\"}",
          "line 2" },
        { "nb.json", "[\"page.title\"]", "no JSON object" },
        { "nb.json", "\"page.title\"", "" },
        { "nb.json", "{\"page.title\": 1}", "page.title is no text" },
        { "nb.json", "{\"page.title\": {\"one\": \"A\"}}", "no text" },
        { "nb.json", "{\"page.title\": null}", "no text" },
        { "nb.json", "{\"\": 1}", "'' is no text" },
        { "nb.json", "{\"page.title\": \"A\", \"page.title\": \"B\"}",
          "duplicate" },
        { "nb.json", "{\"page.title\": \"\xff\"}", "line 1" },
        { "nb.json", "{\"page.title\": \"\xed\xa0\x80\"}", "line 1" },
        { "nb.json", "{\"page.title\": \"a\\u0000\"}", "line 1" },
        { "nb.json", "{\"page.title\": \"a\\nb\"}", "control" },
        { "nb.json", "{\"page.title\": \"a\\u007f\"}", "control" },
        { "nb.json", "{\"page.title\": \"a\\u0085\"}", "control" },
        { "nb.json", "{\"page.title\": \"a\\u2028\"}", "control" },
        { "nb.json", "{\"page.title\": \"a\\u00a0\\u200f\\u2030\"}", NULL },
        { "nb.json", "{\"page.title\": \"<b> & \\\"\"}", NULL },
        { "nb.json", "{\"page.title\": \"\"}", "page.title is empty" },

        { "nb.json", "{\"page.titel\": \"A\"}",
          "no phrase 'page.titel'; the nearest is page.title" },
        { "nb.json", "{\"time.day.one\": \"A\"}", "time.days.one" },
        { "nb.json", "{\"\": \"A\"}", "no phrase ''" },
        { "nb.json", "{\"time.\": \"A\"}", "no phrase" },
        { "nb.json", "{\"what\\n.other\": \"A\"}", "no phrase 'what .other'" },
        { "nb.json", "{\"category.marketing.title\": \"A\"}", "no phrase" },

        { "nb.json", "{\"banner.text\": \"A\"}",
          "banner.text is without {categories}" },
        { "nb.json", "{\"banner.text\": \"A {categories}\"}", NULL },
        { "nb.json", "{\"banner.text\": \"{categories} {categories}\"}",
          "banner.text has more than one {categories}" },
        { "nb.json", "{\"banner.text\": \"{categories} {host}\"}",
          "banner.text has other braces than {categories}" },
        { "nb.json", "{\"banner.text\": \"{categories}}\"}", "braces" },
        { "nb.json", "{\"banner.text\": \"{categories\"}", "without" },
        { "nb.json", "{\"page.title\": \"{cookie}\"}",
          "page.title has braces" },
        { "nb.json", "{\"frame.text\": \"{category}: {host}\"}", NULL },
        { "nb.json", "{\"frame.text\": \"{category}\"}", "without {host}" },

        { "nb.json", "{\"time.days.one\": \"en dag\"}", NULL },
        { "nb.json", "{\"time.days.other\": \"dager\"}", "without {n}" },
        { "nb.json", "{\"time.days.few\": \"{n}\"}", "no plural of this "
          "language, which has other, one" },
        { "nb.json", "{\"time.days.on\": \"{n}\"}", "no plural" },
        { "ru.json", "{\"time.days.one\": \"den\"}", "without {n}" },
        { "ru.json", "{\"time.days.many\": \"{n} d\"}", NULL },
        { "ar-EG.json", "{\"time.days.two\": \"d\"}", NULL },
        { "ja.json", "{\"time.days.one\": \"d\"}", "which has other" },
        { "fr.json", "{\"time.days.many\": \"de jours\"}", NULL },
        { "time.json", "{}", "no language tag" },

        { "nb.json", "{\"language.direction\": \"rtl\"}", NULL },
        { "nb.json", "{\"language.direction\": \"auto\"}", "neither" },
        { "fr.json", "{\"language.direction\": \"ltr\"}", NULL },
        { "fr.json", "{\"language.direction\": \"rtl\"}", "must be ltr" },
        { "FR-CA.json", "{\"language.direction\": \"rtl\"}", "must be ltr" },
        { "ar-EG.json", "{\"language.direction\": \"ltr\"}", "must be rtl" },
        { "ar-Latn.json", "{\"language.direction\": \"ltr\"}", NULL },
        { "ar-Latn-EG.json", "{\"language.direction\": \"ltr\"}", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const char *why = refusal_of(known[i].path, known[i].content);

        if (known[i].why ? !*why || !strstr(why, known[i].why) : *why) {
            fail_msg("%s %s: %s", known[i].path, known[i].content, why);
        }
    }
}

/* Whoever copies one of ours has a good file. */
static void our_own_are_good(void **state)
{
    (void)state;
    for (const cp_share *file = cp_shares; file->name; file++) {
        const char *error = "";

        if (strncmp(file->name, "languages/", 10) == 0
            && !cp_language_file_read(file->name, file->content, standard,
                                      &error, pool)) {
            fail_msg("%s: %s", file->name, error);
        }
    }
}

static void names_that_are_near(void **state)
{
    static const char *const all[] = {
        "page.title", "page.intro", "banner.text", "x"
    };
    static const struct {
        const char *word;
        const char *nearest;
    } known[] = {
        { "page.title", "page.title" }, { "page.titles", "page.title" },
        { "age.title", "page.title" }, { "page,titel", "page.title" },
        { "bannertext", "banner.text" }, { "page.", NULL }, { "", NULL },
        { "y", NULL }, { "something.else", NULL },
    };
    apr_array_header_t *names = apr_array_make(pool, 4, sizeof(char *));
    char long_word[CP_SPELLING_MAX * 2];

    (void)state;
    memset(long_word, 'x', sizeof(long_word) - 1);
    long_word[sizeof(long_word) - 1] = '\0';
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        *(const char **)apr_array_push(names) = all[i];
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const char *found = cp_spelling_nearest(known[i].word, names);

        if (known[i].nearest) {
            assert_string_equal(found, known[i].nearest);
        }
        else {
            assert_null(found);
        }
    }
    assert_null(cp_spelling_nearest(long_word, names));
    *(const char **)apr_array_push(names) = long_word;
    assert_string_equal(cp_spelling_nearest("page.titel", names),
                        "page.title");
}

/* --- What they change ------------------------------------------------------ */

static apr_array_header_t *files_none(void)
{
    return apr_array_make(pool, 4, sizeof(cp_language_file *));
}

static void file_add(apr_array_header_t *files, const char *path,
                     const char *content)
{
    const char *error = "";
    const cp_language_file *file =
        cp_language_file_read(path, cp_span_of(content), standard, &error,
                              pool);

    if (!file) {
        fail_msg("%s: %s", path, error);
    }
    *(const cp_language_file **)apr_array_push(files) = file;
}

static const cp_phrases *phrases_with(const char *path, const char *content)
{
    apr_array_header_t *files = files_none();
    const char *error = "";
    const cp_phrases *made;

    file_add(files, path, content);
    made = cp_phrasebook_find(cp_phrasebook_make(standard, pool, pool), files,
                              &error);
    if (!made) {
        fail_msg("%s", error);
    }
    return made;
}

static const char *error_of(const apr_array_header_t *files)
{
    const char *error = "";

    assert_null(cp_phrasebook_find(cp_phrasebook_make(standard, pool, pool),
                                   files, &error));
    return error;
}

static const char *word(const cp_phrases *phrases, const char *tag,
                        const char *key)
{
    return cp_phrase(phrases, tag, key);
}

static void none_are_the_built_in(void **state)
{
    const char *error = NULL;

    (void)state;
    assert_ptr_equal(cp_phrasebook_find(
                         cp_phrasebook_make(standard, pool, pool),
                         files_none(), &error), standard);
    assert_null(cp_phrases_identity(standard, "fr"));
}

static void built_in_is_overridden_one_by_one(void **state)
{
    const cp_phrases *own = phrases_with("FR.json",
                                         "{\"page.title\": \"Titre\"}");

    (void)state;
    assert_string_equal(word(own, "fr", "page.title"), "Titre");
    assert_string_equal(word(own, "fr-CA", "page.title"), "Titre");
    assert_string_equal(word(own, "fr", "page.intro"),
                        word(standard, "fr", "page.intro"));
    assert_string_equal(word(standard, "fr", "page.title"),
                        "Politique de cookies");
    assert_string_equal(cp_phrases_language(own, "fr"), "fr");
    assert_string_equal(word(own, "en", "page.title"), "Cookie policy");
    assert_non_null(cp_phrases_identity(own, "fr-CA"));
    assert_null(cp_phrases_identity(own, "en"));
    assert_string_equal(cp_phrase_time(own, "fr", 172800, "2d", pool),
                        "2 jours");
}

static void new_language(void **state)
{
    const cp_phrases *own = phrases_with(
        "nb.json", "{" NB ", \"page.title\": \"Om kapsler\","
        "\"time.days.one\": \"{n} dag\", \"time.days.other\": \"{n} dager\"}");

    (void)state;
    assert_string_equal(cp_phrases_language(own, "nb"), "nb");
    assert_string_equal(cp_phrases_language(own, "nb-NO"), "nb");
    assert_string_equal(cp_phrases_language(own, "nn"), "en");
    assert_string_equal(word(own, "nb", "language.name"), "Norsk");
    assert_string_equal(word(own, "nb", "page.title"), "Om kapsler");
    assert_string_equal(word(own, "nb", "page.intro"),
                        word(standard, "en", "page.intro"));
    assert_string_equal(cp_phrase_time(own, "nb", 86400, "1d", pool),
                        "1 dag");
    assert_string_equal(cp_phrase_time(own, "nb", 172800, "2d", pool),
                        "2 dager");
    assert_string_equal(cp_phrase_time(own, "nb", 7200, "2h", pool),
                        "2 hours");
}

/* English plurals go by English rules, whatever the language has. */
static void plurals_of_another_language(void **state)
{
    const cp_phrases *own = phrases_with(
        "ru.json", "{\"language.name\": \"R\", \"language.direction\":"
        "\"ltr\", \"time.days.one\": \"{n} den\", \"time.days.few\":"
        "\"{n} dnya\", \"time.days.many\": \"{n} dney\", \"time.days.other\":"
        "\"{n} dnya\"}");

    (void)state;
    assert_string_equal(cp_phrase_time(own, "ru", 21 * 86400, "21d", pool),
                        "21 den");
    assert_string_equal(cp_phrase_time(own, "ru", 5 * 86400, "5d", pool),
                        "5 dney");
    assert_string_equal(cp_phrase_time(own, "ru", 21 * 3600, "21h", pool),
                        "21 hours");
}

static void region(void **state)
{
    const cp_phrases *own = phrases_with("de-CH.json",
                                         "{\"page.title\": \"Schweiz\"}");

    (void)state;
    assert_string_equal(cp_phrases_language(own, "de-ch"), "de-CH");
    assert_string_equal(cp_phrases_language(own, "de-CH-1996"), "de-CH");
    assert_string_equal(cp_phrases_language(own, "de-AT"), "de");
    assert_string_equal(word(own, "de-CH", "page.title"), "Schweiz");
    assert_string_equal(word(own, "de", "page.title"), "Cookie-Richtlinie");
    assert_string_equal(word(own, "de-CH", "banner.back"), "Zurück");
    assert_string_equal(word(own, "de-CH", "language.direction"), "ltr");
    assert_string_equal(cp_phrase_time(own, "de-CH", 2592000, "1M", pool),
                        "1 Monat");
}

/* In whatever order the files are named. */
static void what_is_below_is_made_first(void **state)
{
    static const struct {
        const char *path;
        const char *content;
    } all[] = {
        { "nb-NO.json", "{\"banner.back\": \"Attende\"}" },
        { "nb.json", "{" NB ", \"page.title\": \"Norsk\"}" },
        { "de-CH.json", "{\"banner.back\": \"Hinten\"}" },
        { "de.json", "{\"page.title\": \"Deutsch\"}" },
        { "en.json", "{\"page.intro\": \"Ours\"}" },
    };
    apr_array_header_t *files = files_none();
    const char *error = "";
    const cp_phrases *own;

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        file_add(files, all[i].path, all[i].content);
    }
    own = cp_phrasebook_find(cp_phrasebook_make(standard, pool, pool), files,
                             &error);
    assert_non_null(own);
    assert_string_equal(word(own, "de-CH", "page.title"), "Deutsch");
    assert_string_equal(word(own, "de-CH", "banner.back"), "Hinten");
    assert_string_equal(word(own, "nb-NO", "page.title"), "Norsk");
    assert_string_equal(word(own, "nb-NO", "banner.back"), "Attende");
    assert_string_equal(word(own, "nb-NO", "page.intro"), "Ours");
    assert_string_equal(word(own, "tlh", "page.intro"), "Ours");
    assert_string_equal(cp_phrase_time(own, "nb-NO", 7200, "2h", pool),
                        "2 hours");
}

static void later_file_wins(void **state)
{
    apr_array_header_t *files = files_none();
    const char *error = "";
    const cp_phrases *own;

    (void)state;
    file_add(files, "a/nb.json", "{" NB ", \"page.title\": \"A\","
                                 "\"banner.back\": \"A\"}");
    file_add(files, "b/NB.json", "{\"page.title\": \"B\"}");
    own = cp_phrasebook_find(cp_phrasebook_make(standard, pool, pool), files,
                             &error);
    assert_non_null(own);
    assert_string_equal(word(own, "nb", "page.title"), "B");
    assert_string_equal(word(own, "nb", "banner.back"), "A");
}

/* Each has a part of what a new language needs. */
static void files_say_it_together(void **state)
{
    apr_array_header_t *files = files_none();
    const char *error = "";
    const cp_phrases *own;

    (void)state;
    file_add(files, "a/nb.json", "{\"language.name\": \"N\","
                                 "\"time.days.one\": \"{n} dag\"}");
    file_add(files, "b/nb.json", "{\"language.direction\": \"rtl\","
                                 "\"time.days.other\": \"{n} dager\"}");
    own = cp_phrasebook_find(cp_phrasebook_make(standard, pool, pool), files,
                             &error);
    assert_non_null(own);
    assert_string_equal(word(own, "nb", "language.direction"), "rtl");
    assert_string_equal(cp_phrase_time(own, "nb", 86400, "1d", pool),
                        "1 dag");
}

/* What only shows when all files of a language are known. */
static void what_is_missing(void **state)
{
    static const struct {
        const char *path;
        const char *content;
        const char *why;
    } known[] = {
        { "x/nb.json", "{\"language.direction\": \"ltr\"}",
          "x/nb.json: it has no language.name" },
        { "nb.json", "{\"language.name\": \"N\"}", "no language.direction" },
        { "nb.json", "{" NB ", \"time.days.one\": \"en dag\"}",
          "it has time.days.one and no time.days.other" },
        { "ru.json", "{" NB ", \"time.days.one\": \"{n}\","
          "\"time.days.few\": \"{n}\", \"time.days.other\": \"{n}\"}",
          "no time.days.many" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        apr_array_header_t *files = files_none();

        file_add(files, known[i].path, known[i].content);
        if (!strstr(error_of(files), known[i].why)) {
            fail_msg("%s: %s", known[i].content, error_of(files));
        }
    }
}

/* --- What is shared, and what it is known by ------------------------------- */

static void hosts_share(void **state)
{
    cp_phrasebook *book = cp_phrasebook_make(standard, pool, pool);
    apr_array_header_t *one = files_none();
    apr_array_header_t *other;
    const cp_phrases *first;
    const char *error;

    (void)state;
    file_add(one, "nb.json", "{" NB "}");
    other = apr_array_copy(pool, one);
    first = cp_phrasebook_find(book, one, &error);
    assert_ptr_equal(first, cp_phrasebook_find(book, other, &error));
    file_add(other, "fr.json", "{\"banner.back\": \"A\"}");
    assert_ptr_not_equal(first, cp_phrasebook_find(book, other, &error));
    assert_ptr_equal(word(first, "nb", "page.intro"),
                     word(cp_phrasebook_find(book, other, &error), "nb",
                          "page.intro"));
    assert_ptr_equal(cp_phrases_identity(first, "nb"),
                     cp_phrases_identity(cp_phrasebook_find(book, other,
                                                            &error), "nb"));
}

static const char *identity(const char *path, const char *content)
{
    return cp_phrases_identity(phrases_with(path, content), "nb");
}

static void identities(void **state)
{
    const char *plain = identity("nb.json", "{" NB "}");
    apr_array_header_t *files = files_none();
    const char *error = "";

    (void)state;
    assert_string_equal(plain, identity("other/nb.json", "{ " NB " }"));
    assert_string_not_equal(plain, identity("nb.json", "{" NB ","
                                            "\"banner.back\": \"A\"}"));
    file_add(files, "nb.json", "{" NB "}");
    file_add(files, "en.json", "{\"time.days.other\": \"{n} long days\"}");
    assert_string_not_equal(plain, cp_phrases_identity(
        cp_phrasebook_find(cp_phrasebook_make(standard, pool, pool), files,
                           &error), "nb"));
}

static const char *digest_of(const cp_phrases *phrases, const char *tag)
{
    char *digest = apr_palloc(pool, CP_DIGEST_LENGTH + 1);
    cp_policy policy;

    cp_policy_begin(&policy, pool);
    assert_true(cp_phrases_digest(phrases, &policy, tag, digest, pool));
    return digest;
}

/* Of what is read about the policy, not of what is said on a failure. */
static void digests(void **state)
{
    const cp_phrases *own = phrases_with("fr.json",
                                         "{\"banner.back\": \"A\"}");
    const cp_phrases *other = phrases_with("fr.json",
                                           "{\"problem.later\": \"A\"}");
    apr_array_header_t *files = files_none();
    const char *error = "";

    (void)state;
    assert_string_not_equal(digest_of(own, "fr"), digest_of(standard, "fr"));
    assert_string_equal(digest_of(own, "de"), digest_of(standard, "de"));
    assert_string_equal(digest_of(other, "fr"), digest_of(standard, "fr"));
    file_add(files, "nb.json", "{" NB "}");
    file_add(files, "en.json", "{\"time.days.other\": \"{n} long days\"}");
    assert_string_not_equal(
        digest_of(phrases_with("nb.json", "{" NB "}"), "nb"),
        digest_of(cp_phrasebook_find(cp_phrasebook_make(standard, pool, pool),
                                     files, &error), "nb"));
}

static void what_is_the_files_own(void **state)
{
    apr_array_header_t *files = files_none();
    const char *error = "";
    const apr_table_t *own;

    (void)state;
    file_add(files, "a/fr.json", "{\"banner.back\": \"A\","
             "\"banner.open\": \"A\", \"refusal.title\": \"A\"}");
    file_add(files, "b/fr.json", "{\"banner.back\": \"B\"}");
    own = cp_phrases_own(cp_phrasebook_find(
                             cp_phrasebook_make(standard, pool, pool), files,
                             &error), "fr-CA", pool);
    assert_int_equal(apr_table_elts(own)->nelts, 2);
    assert_string_equal(apr_table_get(own, "banner.back"), "B");
    assert_string_equal(apr_table_get(own, "banner.open"), "A");
    own = cp_phrases_own(standard, "fr", pool);
    assert_int_equal(apr_table_elts(own)->nelts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_files),
        cmocka_unit_test(what_is_in_them),
        cmocka_unit_test(our_own_are_good),
        cmocka_unit_test(names_that_are_near),
        cmocka_unit_test(none_are_the_built_in),
        cmocka_unit_test(built_in_is_overridden_one_by_one),
        cmocka_unit_test(new_language),
        cmocka_unit_test(plurals_of_another_language),
        cmocka_unit_test(region),
        cmocka_unit_test(what_is_below_is_made_first),
        cmocka_unit_test(later_file_wins),
        cmocka_unit_test(files_say_it_together),
        cmocka_unit_test(what_is_missing),
        cmocka_unit_test(hosts_share),
        cmocka_unit_test(identities),
        cmocka_unit_test(digests),
        cmocka_unit_test(what_is_the_files_own),
    };

    return cmocka_run_group_tests_name("phrasebook", tests, setup,
                                       pool_teardown);
}
