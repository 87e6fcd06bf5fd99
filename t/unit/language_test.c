/**
 * @file language_test.c
 * @brief The language that is spoken: of the cookie, of Accept-Language
 *        (RFC 4647 section 3.4, RFC 9110 section 12.5.4), or the first one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include <apr_general.h>

#include "visit_fixture.h"

static void tags(void **state)
{
    static const char *const good[] = {
        "en", "fr-CA", "zh-Hant-TW", "sl-rozaj-biske-1994", "x-klingon",
        "i-default", "e", "de-1996", "abcdefghijklmnopqrstuvwxyz-abcdefgh"
    };
    static const char *const wrong[] = {
        "", "-", "en-", "-en", "en--US", "en_US", "en US", "en.UTF-8", "1en",
        "\xc3\xa4", "en\n", "en;q=1", "*", "en,fr",
        "abcdefghijklmnopqrstuvwxyz-abcdefghi"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(cp_language_tag_is_good(good[i]));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(cp_language_tag_is_good(wrong[i]));
    }
}

/* The site speaks en (the first), fr and pt-BR, and for the second table
 * also zh-Hant, de-CH-1996, x-pig and fr-CA. */
static const char *const many[] = {
    "en", "fr", "pt-BR", "zh-Hant", "de-CH-1996", "x-pig", "fr-CA", NULL
};

static const struct {
    const char *const *spoken;
    const char *header;
    const char *language;
} negotiations[] = {
    { sample_languages, NULL, "en" },
    { sample_languages, "", "en" },
    { sample_languages, "en", "en" },
    { sample_languages, "fr", "fr" },
    { sample_languages, "FR", "fr" },
    { sample_languages, "pt-br", "pt-BR" },
    { sample_languages, "fr-CH", "fr" },
    { sample_languages, "fr-CH-1996-x-y", "fr" },
    { sample_languages, "fr-x-a-b-c", "fr" },
    { sample_languages, "pt", "en" },
    { sample_languages, "pt-PT", "en" },
    { sample_languages, "de", "en" },
    { sample_languages, "f", "en" },
    { sample_languages, "fra", "en" },
    { sample_languages, "frank", "en" },
    { sample_languages, "de, fr", "fr" },
    { sample_languages, "de,fr", "fr" },
    { sample_languages, "de , \tfr", "fr" },
    { sample_languages, "fr, en", "fr" },
    { sample_languages, "en, fr", "en" },
    { sample_languages, "de, es, it, ja, fr", "fr" },
    /* weights */
    { sample_languages, "en;q=0.5, fr", "fr" },
    { sample_languages, "en;q=0.5, fr;q=0.6", "fr" },
    { sample_languages, "fr;q=0.5, en;q=0.6", "en" },
    { sample_languages, "en;q=0.599, fr;q=0.6", "fr" },
    { sample_languages, "en;q=0.001, fr;q=0.002", "fr" },
    { sample_languages, "fr;q=0.5, pt-BR;q=0.5", "fr" },
    { sample_languages, "pt-BR;q=0.5, fr;q=0.5", "pt-BR" },
    { sample_languages, "en;q=0.9, fr;q=1", "fr" },
    { sample_languages, "en;q=0.9, fr;q=1.", "fr" },
    { sample_languages, "en;q=0.9, fr;q=1.000", "fr" },
    { sample_languages, "en;q=0., fr;q=0.1", "fr" },
    { sample_languages, "en; q=0.1, fr; q=0.2", "fr" },
    { sample_languages, "en ;q=0.1, fr ;q=0.2", "fr" },
    { sample_languages, "en;Q=0.1, fr;Q=0.2", "fr" },
    { sample_languages, "fr;q=0", "en" },
    { sample_languages, "fr;q=0.0, pt-BR;q=0.000", "en" },
    { sample_languages, "de;q=1, fr;q=0.1", "fr" },
    { sample_languages, "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5",
      "fr" },
    { sample_languages, "da, en-gb;q=0.8, en;q=0.7", "en" },
    { sample_languages, "en-US,en;q=0.5", "en" },
    { sample_languages, "pt-BR,pt;q=0.9,en-US;q=0.8,en;q=0.7", "pt-BR" },
    /* no weights: the range does not count, and no other is lost by it */
    { sample_languages, "fr;q=", "en" },
    { sample_languages, "fr;q=x", "en" },
    { sample_languages, "fr;q=-1", "en" },
    { sample_languages, "fr;q", "en" },
    { sample_languages, "fr;x=1", "en" },
    { sample_languages, "fr;q =1", "en" },
    { sample_languages, "fr;q=x, pt-BR;q=0.1", "pt-BR" },
    { sample_languages, "fr;q=.9, pt-BR;q=0.1", "pt-BR" },
    { sample_languages, "fr;q=2, pt-BR;q=0.1", "pt-BR" },
    { sample_languages, "fr;q=1.001, pt-BR;q=0.1", "pt-BR" },
    { sample_languages, "fr;q=1e9, pt-BR;q=0.1", "pt-BR" },
    { sample_languages, "fr;q=0..9, pt-BR;q=0.1", "pt-BR" },
    { sample_languages, "fr;q=09, pt-BR;q=0.1", "pt-BR" },
    { sample_languages, "fr;q=99999999999999999999, pt-BR;q=0.1", "pt-BR" },
    /* the wildcard says nothing where something follows it */
    { sample_languages, "*", "en" },
    { sample_languages, "*;q=0.1", "en" },
    { sample_languages, "de, *", "en" },
    { sample_languages, "fr, *;q=0.1", "fr" },
    { sample_languages, "*;q=0.1, fr", "fr" },
    { sample_languages, "*, fr;q=0.5", "fr" },
    { sample_languages, "*, en;q=0", "fr" },
    { sample_languages, "de, *;q=0.5, en;q=0", "fr" },
    /* nothing there */
    { sample_languages, ",", "en" },
    { sample_languages, ",,,,", "en" },
    { sample_languages, ", ,fr", "fr" },
    { sample_languages, ",fr,", "fr" },
    { sample_languages, ";", "en" },
    { sample_languages, ";q=1", "en" },
    { sample_languages, ";q=1, fr;q=0.5", "fr" },
    { sample_languages, " ", "en" },
    { sample_languages, "\t fr", "fr" },
    { sample_languages, "fr ", "fr" },
    { sample_languages, "-", "en" },
    { sample_languages, "-fr", "en" },
    { sample_languages, "--, -, fr-", "fr" },
    { sample_languages, "fr--", "fr" },
    { sample_languages, "\xff\xfe, fr", "fr" },
    { sample_languages, "../../etc/passwd, fr", "fr" },
    { sample_languages, "%s%s%n, fr", "fr" },
    /* subtags fall off from the end, single letters with them */
    { many, "zh-Hant-TW", "zh-Hant" },
    { many, "zh-Hant-CN-x-private1-private2", "zh-Hant" },
    { many, "zh-Hans-CN", "en" },
    { many, "zh", "en" },
    { many, "de-CH-1996", "de-CH-1996" },
    { many, "de-ch-1996-x-y", "de-CH-1996" },
    { many, "de-CH", "en" },
    { many, "x-pig", "x-pig" },
    { many, "x-pig-latin", "x-pig" },
    { many, "fr-CA", "fr-CA" },
    { many, "fr-CA-x-1", "fr-CA" },
    { many, "fr-BE", "fr" },
    { many, "fr, fr-CA", "fr" },
    { many, "fr;q=0.8, fr-CA;q=0.9", "fr-CA" },
};

static void negotiation_table(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(negotiations) / sizeof(negotiations[0]);
         i++) {
        const char *spoken;

        site.terms.languages = negotiations[i].spoken;
        site.request.accept_language = negotiations[i].header;
        spoken = cp_language(sample_request(&site, NULL));
        if (!spoken || strcmp(spoken, negotiations[i].language)) {
            print_error("'%s': %s, not %s\n", negotiations[i].header,
                        spoken ? spoken : "none", negotiations[i].language);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void one_language_is_always_spoken(void **state)
{
    static const char *const one[] = { "nl", NULL };
    static const char *const headers[] = { NULL, "", "fr", "nl;q=0", "*" };

    (void)state;
    site.terms.languages = one;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        site.request.accept_language = headers[i];
        assert_string_equal(cp_language(sample_request(&site, NULL)), "nl");
    }
}

static unsigned int draw(unsigned int *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16 & 0x7fff;
}

static void hostile_headers(void **state)
{
    static const char alphabet[] = "enfrptBR-,;q=0.159* \t\xff\x01";
    apr_pool_t *whole = site.pool;
    unsigned int seed = 7;
    char header[48];

    (void)state;
    site.request.welcomes = false;
    apr_pool_create(&site.pool, whole);
    for (int round = 0; round < 10000; round++) {
        size_t length = draw(&seed) % (sizeof(header) - 1);
        char *copy;
        const char *spoken;
        int listed = 0;

        for (size_t i = 0; i < length; i++) {
            header[i] = alphabet[draw(&seed) % (sizeof(alphabet) - 1)];
        }
        header[length] = '\0';
        copy = malloc(length + 1);
        memcpy(copy, header, length + 1);
        site.request.accept_language = copy;
        spoken = cp_language(sample_request(&site, NULL));
        free(copy);
        for (int i = 0; sample_languages[i]; i++) {
            listed += sample_languages[i] == spoken;
        }
        assert_int_equal(listed, 1);
        apr_pool_clear(site.pool);
    }
    site.pool = whole;
}

static void hostile_headers_take_bounded_time(void **state)
{
    static const char *const patterns[] = {
        "a,", ",", "a-", "-", "a-a-a-a-,", " ", ";", "a;q=0.5,", ";q=1", "*,"
    };
    size_t size = 1024 * 1024;
    char *header = malloc(size + 1);

    (void)state;
    assert_non_null(header);
    site.request.welcomes = false;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        size_t length = strlen(patterns[i]);
        clock_t before = clock();

        for (size_t at = 0; at < size; at++) {
            header[at] = patterns[i][at % length];
        }
        header[size] = '\0';
        site.request.accept_language = header;
        assert_string_equal(cp_language(sample_request(&site, NULL)), "en");
        assert_true(clock() - before < 10 * CLOCKS_PER_SEC);
    }
    free(header);
}

/* --- The cookie ------------------------------------------------------- */

static const cp_verdict *verdict_of(const cp_visit *visit)
{
    return &visit->verdicts[CP_LANGUAGE];
}

static void the_cookie_comes_first(void **state)
{
    static const struct {
        const char *cookie;
        const char *language;
        cp_reason reason;
    } known[] = {
        { "django_language=pt-BR", "pt-BR", CP_VALID },
        { "django_language=pt-br", "pt-BR", CP_VALID },
        { "django_language=\"pt-BR\"", "pt-BR", CP_VALID },
        { "django_language=en", "en", CP_VALID },
        { "django_language=de", "fr", CP_UNLISTED },
        { "django_language=pt", "fr", CP_UNLISTED },
        { "django_language=fr-CH", "fr", CP_UNLISTED },
        { "django_language=", "fr", CP_MALFORMED },
        { "django_language=../../x", "fr", CP_UNLISTED },
        { "django_language=en\xff", "fr", CP_UNLISTED },
        { "django_language=de; django_language=pt-BR", "pt-BR", CP_VALID },
        { "django_language=en; django_language=pt-BR", "en", CP_VALID },
        { "a=1", "fr", CP_ABSENT },
    };

    (void)state;
    site.request.accept_language = "fr";
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const cp_visit *visit = sample_request(&site, known[i].cookie);
        const char *lines[CP_MANAGED_COUNT];

        assert_string_equal(cp_language(visit), known[i].language);
        assert_int_equal(verdict_of(visit)->reason, known[i].reason);
        cp_visit_issue((cp_visit *)visit, true, lines);
        if (known[i].reason == CP_VALID) {
            assert_null(lines[CP_LANGUAGE]);
        }
        else {
            assert_non_null(strstr(lines[CP_LANGUAGE], "django_language=fr;"));
        }
    }
}

static void a_choice_is_issued(void **state)
{
    cp_visit *visit = sample_request(&site, NULL);

    (void)state;
    assert_true(cp_language_choose(visit, CP_SPAN("PT-br")));
    assert_string_equal(cp_language(visit), "pt-BR");
    sample_take(&site, visit, false);
    assert_string_equal(site.jar[CP_LANGUAGE], "pt-BR");

    visit = sample_visit(&site);
    assert_true(cp_language_choose(visit, CP_SPAN("pt-BR")));
    assert_int_equal(verdict_of(visit)->issuance, CP_ISSUE_NOTHING);
    assert_true(cp_language_choose(visit, CP_SPAN("fr")));
    sample_take(&site, visit, false);
    assert_string_equal(site.jar[CP_LANGUAGE], "fr");
}

static void what_is_not_spoken_is_not_chosen(void **state)
{
    static const char *const wrong[] = { "de", "", "en\r\n", "e", "english" };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cp_visit *visit = sample_request(&site, "django_language=fr");

        assert_false(cp_language_choose(visit, cp_span_of(wrong[i])));
        assert_string_equal(cp_language(visit), "fr");
        assert_int_equal(verdict_of(visit)->issuance, CP_ISSUE_NOTHING);
    }
}

static void the_application_is_followed(void **state)
{
    cp_visit *visit = sample_request(&site, "django_language=fr");

    (void)state;
    cp_visit_hear(visit, CP_SPAN("django_language=de; Path=/"));
    cp_visit_hear(visit, CP_SPAN("django_language=; Max-Age=0"));
    cp_visit_hear(visit, CP_SPAN("language=en"));
    assert_int_equal(verdict_of(visit)->issuance, CP_ISSUE_NOTHING);
    cp_visit_hear(visit, CP_SPAN("django_language=pt-br; Path=/x"));
    assert_int_equal(sample_take(&site, visit, false), 1);
    assert_string_equal(site.jar[CP_LANGUAGE], "pt-BR");
}

static void who_is_not_welcome_gets_none(void **state)
{
    cp_visit *visit;

    (void)state;
    site.request.welcomes = false;
    visit = sample_request(&site, NULL);
    cp_language_choose(visit, CP_SPAN("fr"));
    cp_visit_hear(visit, CP_SPAN("django_language=fr"));
    assert_int_equal(sample_take(&site, visit, true), 0);
}

static void languages_off(void **state)
{
    cp_visit *visit;

    (void)state;
    site.terms.languages = NULL;
    site.request.accept_language = "fr";
    visit = sample_request(&site, "django_language=fr");
    assert_null(cp_language(visit));
    assert_false(cp_language_choose(visit, CP_SPAN("fr")));
    cp_visit_hear(visit, CP_SPAN("django_language=fr"));
    sample_take(&site, visit, true);
    assert_null(site.jar[CP_LANGUAGE]);
    /* It is then a cookie like any other. */
    assert_non_null(strstr(cp_visit_cookie(visit), "django_language=fr"));
}

/* What a text in another language may be marked with. */
static void languages_that_there_are(void **state)
{
    static const char *const known[] = {
        "en", "fr", "FR", "aa", "zu", "pt-BR", "zh-Hant-TW", "fil", "haw",
        "de-1996", "sr-Latn"
    };
    static const char *const wrong[] = {
        "", "e", "xx", "qq", "XX", "xx-YY", "engl", "english", "en_US", "e-n",
        "-en", "en-", "en--US", "a ", "z z", "12", "\xc3\xa4\xc3\xb6", "a-b"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (!cp_language_is_known(known[i])) {
            fail_msg("'%s'", known[i]);
        }
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (cp_language_is_known(wrong[i])) {
            fail_msg("'%s'", wrong[i]);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags),
        cmocka_unit_test(languages_that_there_are),
        TEST(negotiation_table),
        TEST(one_language_is_always_spoken),
        TEST(hostile_headers),
        TEST(hostile_headers_take_bounded_time),
        TEST(the_cookie_comes_first),
        TEST(a_choice_is_issued),
        TEST(what_is_not_spoken_is_not_chosen),
        TEST(the_application_is_followed),
        TEST(who_is_not_welcome_gets_none),
        TEST(languages_off),
    };

    return cmocka_run_group_tests_name("language", tests, pool_setup,
                                       pool_teardown);
}
