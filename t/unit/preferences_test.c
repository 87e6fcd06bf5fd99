/**
 * @file preferences_test.c
 * @brief The value that keeps what was chosen: written, read again, forged,
 *        outlived, and brought twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "decision.h"
#include "preferences_sample.h"
#include "token.h"

#define DAY 86400u
#define TODAY (SAMPLE_NOW / DAY)

static cp_visit *visit_with(const char *value)
{
    return sample_request(&site, sample_pair(&site, CP_PREFERENCES, value));
}

/* --- Form ------------------------------------------------------------- */

static void values_have_their_form(void **state)
{
    const char *value = chosen(CP_REFUSED, CP_GRANTED, CP_REFUSED);
    const char *head = apr_psprintf(
        pool, "1.%u.statistics-anonymous:n:%s~statistics:y:%s~"
        "third-party:n:%s.", TODAY, site.policy.categories[ANONYMOUS].digest,
        site.policy.categories[STATISTICS].digest,
        site.policy.categories[THIRD_PARTY].digest);
    const char *tail = value + strlen(head);

    (void)state;
    assert_memory_equal(value, head, strlen(head));
    /* The ID, a dot and the MAC. */
    assert_int_equal(strcspn(tail, "."), CP_CONSENT_ID_LENGTH);
    assert_int_equal(strlen(tail + CP_CONSENT_ID_LENGTH + 1), 22);
    /* RFC 6265 section 4.1.1: cookie-octet. */
    for (const char *c = value; *c; c++) {
        assert_true(*c > ' ' && *c < 0x7f && !strchr("\",;\\", *c));
    }
    assert_string_not_equal(chosen(CP_REFUSED, CP_GRANTED, CP_REFUSED),
                            value);
}

static void an_id_needs_a_grant(void **state)
{
    const char *value = chosen(CP_REFUSED, CP_REFUSED, CP_REFUSED);

    (void)state;
    assert_non_null(strstr(value, ".."));
    assert_string_equal(chosen(CP_REFUSED, CP_REFUSED, CP_REFUSED), value);
    assert_null(strstr(chosen(CP_GRANTED, CP_REFUSED, CP_REFUSED), ".."));
}

static void newcomers_are_all_alike(void **state)
{
    const char *one, *two;

    (void)state;
    one = value_of(sample_request(&site, NULL));
    two = value_of(sample_request(&site, NULL));
    assert_string_equal(one, two);
    assert_memory_equal(one, apr_psprintf(pool, "1.%u...", TODAY), 10);
    site.request.now += DAY / 2;
    if (site.request.now / DAY == TODAY) {
        assert_string_equal(value_of(sample_request(&site, NULL)), one);
    }
    site.request.now = SAMPLE_NOW;
    assert_int_equal(reason_of(visit_with(one)), CP_VALID);
}

static void what_was_chosen_is_read_again(void **state)
{
    (void)state;
    for (int i = 0; i < 27; i++) {
        cp_choice a = (cp_choice)(i % 3);
        cp_choice s = (cp_choice)(i / 3 % 3);
        cp_choice t = (cp_choice)(i / 9);
        cp_visit *visit;

        chosen(a, s, t);
        visit = sample_visit(&site);
        assert_int_equal(reason_of(visit), CP_VALID);
        assert_int_equal(cp_preferences_choice(visit, ANONYMOUS), a);
        assert_int_equal(cp_preferences_choice(visit, STATISTICS), s);
        assert_int_equal(cp_preferences_choice(visit, THIRD_PARTY), t);
        assert_int_equal(cp_preferences_choice(visit, NECESSARY),
                         CP_UNDECIDED);
        assert_int_equal(cp_preferences_choice(visit, FIRST_PARTY),
                         CP_UNDECIDED);
        assert_true(cp_preferences_allow(visit, NECESSARY));
        assert_int_equal(cp_preferences_allow(visit, ANONYMOUS),
                         a != CP_REFUSED);
        assert_int_equal(cp_preferences_allow(visit, STATISTICS),
                         s == CP_GRANTED);
        assert_int_equal(cp_preferences_allow(visit, THIRD_PARTY),
                         t == CP_GRANTED);
        assert_false(cp_preferences_allow(visit, FIRST_PARTY));
        assert_int_equal(cp_preferences_decided(visit),
                         s != CP_UNDECIDED && t != CP_UNDECIDED);
        assert_int_equal(strlen(visit->preferences->id),
                         a == CP_GRANTED || s == CP_GRANTED
                         || t == CP_GRANTED ? CP_CONSENT_ID_LENGTH : 0);
        /* A valid one is not written again. */
        assert_int_equal(visit->verdicts[CP_PREFERENCES].issuance,
                         CP_ISSUE_NOTHING);
    }
}

/* What needs no consent, and what is not used, cannot be chosen. */
static void only_what_can_be_chosen(void **state)
{
    cp_choice choices[CP_CATEGORIES_MAX];
    cp_visit *visit = sample_visit(&site);

    (void)state;
    for (int i = 0; i < CP_CATEGORIES_MAX; i++) {
        choices[i] = CP_GRANTED;
    }
    choices[NECESSARY] = CP_REFUSED;
    assert_true(cp_preferences_choose(visit, choices));
    assert_true(cp_preferences_allow(visit, NECESSARY));
    assert_null(strstr(value_of(visit), "necessary"));
    assert_null(strstr(value_of(visit), "first-party"));
    assert_false(cp_preferences_allow(visit, FIRST_PARTY));
    assert_true(cp_preferences_decided(visit));
}

/* The longest value there can be is read again. */
static void many_categories(void **state)
{
    apr_array_header_t *declarations = apr_array_make(
        site.pool, 32, sizeof(cp_declaration *));
    cp_choice choices[CP_CATEGORIES_MAX];
    cp_visit *visit;

    (void)state;
    memset(&site.policy, 0, sizeof(site.policy));
    cp_policy_begin(&site.policy, site.pool);
    site.policy.category_count = CP_CATEGORIES_MAX;
    for (int i = 0; i < CP_CATEGORIES_MAX; i++) {
        const char *name = apr_psprintf(site.pool, "%c%031d", 'a' + i % 26,
                                        i);

        assert_true(cp_category_name_is_good(name));
        site.policy.categories[i].name = name;
        site.policy.categories[i].rule = CP_RULE_CONSENT;
        sample_declare(declarations, name, name, "x");
        choices[i] = i % 2 ? CP_GRANTED : CP_REFUSED;
    }
    assert_null(cp_policy_compile(&site.policy, declarations, NULL,
                                  site.pool));
    visit = sample_visit(&site);
    assert_true(cp_preferences_choose(visit, choices));
    sample_take(&site, visit, false);
    visit = sample_visit(&site);
    assert_int_equal(reason_of(visit), CP_VALID);
    for (int i = 0; i < CP_CATEGORIES_MAX; i++) {
        assert_int_equal(cp_preferences_choice(visit, i), choices[i]);
    }
    assert_true(strlen(site.jar[CP_PREFERENCES]) < 4000);
}

/* --- Forgeries -------------------------------------------------------- */

static void every_byte_counts(void **state)
{
    const char *value = chosen(CP_REFUSED, CP_GRANTED, CP_REFUSED);
    size_t length = strlen(value);

    (void)state;
    site.request.welcomes = false;
    for (size_t i = 0; i < length; i++) {
        for (int c = 0x21; c < 0x7f; c++) {
            char *forged = apr_pstrdup(site.pool, value);
            cp_visit *visit;

            if (c == value[i] || c == '"' || c == ';' || c == ',') {
                continue;
            }
            forged[i] = (char)c;
            visit = visit_with(forged);
            assert_in_range(reason_of(visit), CP_MALFORMED, CP_FORGED);
            assert_false(cp_preferences_allow(visit, STATISTICS));
            assert_null(value_of(visit));
        }
    }
}

static void cut_anywhere(void **state)
{
    const char *value = chosen(CP_REFUSED, CP_GRANTED, CP_REFUSED);
    size_t length = strlen(value);

    (void)state;
    for (size_t i = 0; i < length; i++) {
        cp_visit *visit = visit_with(apr_pstrndup(pool, value, i));

        assert_in_range(reason_of(visit), CP_MALFORMED, CP_FORGED);
        assert_false(cp_preferences_allow(visit, STATISTICS));
        visit = visit_with(value + i + 1);
        assert_in_range(reason_of(visit), CP_MALFORMED, CP_FORGED);
    }
    assert_in_range(reason_of(visit_with(apr_pstrcat(pool, value, "A",
                                                     NULL))),
                    CP_MALFORMED, CP_FORGED);
    assert_in_range(reason_of(visit_with(apr_pstrcat(pool, value, ".",
                                                     NULL))),
                    CP_MALFORMED, CP_FORGED);
}

static void nothing_like_it(void **state)
{
    static const char *const wrong[] = {
        "1", "1.", "1..", "1...", "1....", ".....", "2.19675...x",
        "1.19675...", "1.19675...AAAAAAAAAAAAAAAAAAAAAA",
        "0.19675...AAAAAAAAAAAAAAAAAAAAAA", "1.x...AAAAAAAAAAAAAAAAAAAAAA",
        "1.-1...AAAAAAAAAAAAAAAAAAAAAA", "1.....AAAAAAAAAAAAAAAAAAAAAA",
        "1.99999999999...AAAAAAAAAAAAAAAAAAAAAA",
        "1.19675.statistics:y:AAAAAAAA..AAAAAAAAAAAAAAAAAAAAAA",
        "1.19675.~~~~:::..AAAAAAAAAAAAAAAAAAAAAA",
        "yes", "{}", "%31.1", "true"
    };
    char *longest = apr_pcalloc(pool, 5000);

    (void)state;
    memset(longest, '1', 4999);
    assert_int_equal(reason_of(visit_with(longest)), CP_MALFORMED);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cp_visit *visit = visit_with(wrong[i]);

        assert_in_range(reason_of(visit), CP_MALFORMED, CP_FORGED);
        assert_false(cp_preferences_allow(visit, STATISTICS));
    }
}

static void of_another_realm_or_key(void **state)
{
    const char *value = chosen(CP_REFUSED, CP_GRANTED, CP_REFUSED);

    (void)state;
    site.request.realm = CP_SPAN("back.example.org");
    assert_int_equal(reason_of(visit_with(value)), CP_FORGED);
    site.request.realm = CP_SPAN(SAMPLE_REALM);
    assert_int_equal(reason_of(visit_with(value)), CP_VALID);

    /* All keys verify, the youngest signs. */
    site.keys.list[2] = site.keys.list[1];
    site.keys.list[1] = site.keys.list[0];
    site.keys.list[0] = sample_key(8, 1);
    site.keys.count = 3;
    sample_rekey(&site);
    assert_int_equal(reason_of(visit_with(value)), CP_VALID);
    site.keys.list[1].revoked = true;
    sample_rekey(&site);
    assert_int_equal(reason_of(visit_with(value)), CP_FORGED);
    site.keys.list[1] = site.keys.list[2];
    site.keys.count = 2;
    sample_rekey(&site);
    assert_int_equal(reason_of(visit_with(value)), CP_FORGED);
}

/* A csrftoken's or a session's MAC is worth nothing here. */
static void of_another_purpose(void **state)
{
    const char *text = apr_psprintf(pool, "1.%u.statistics:y:%s..", TODAY,
                                    site.policy.categories[STATISTICS]
                                        .digest);
    cp_span part = cp_span_make(text, strlen(text) - 1);
    unsigned char mac[CP_SIGNATURE_LENGTH];

    (void)state;
    for (int purpose = 0; purpose < CP_PURPOSE_OF_MAC; purpose++) {
        char spelled[64];

        assert_true(cp_keyring_sign(site.site.ring, 7, (cp_purpose)purpose,
                                    site.request.realm, &part, 1, mac));
        cp_base64url_encode(spelled, mac, 16);
        assert_int_equal(reason_of(visit_with(apr_pstrcat(pool, text, spelled,
                                                          NULL))),
                         purpose == CP_PURPOSE_PREFERENCES ? CP_VALID
                                                           : CP_FORGED);
    }
}

/* --- Time ------------------------------------------------------------- */

static void it_ends_after_its_lifetime(void **state)
{
    const char *value = chosen(CP_REFUSED, CP_GRANTED, CP_REFUSED);
    const apr_uint32_t ends = TODAY * DAY + SAMPLE_CONSENT_LIFETIME;

    (void)state;
    site.request.now = ends - 1;
    assert_int_equal(reason_of(visit_with(value)), CP_VALID);
    for (int i = 0; i < 3; i++) {
        static const apr_uint32_t later[] = { 0, 1, 100 * DAY };
        cp_visit *visit;

        site.request.now = ends + later[i];
        visit = visit_with(value);
        assert_int_equal(reason_of(visit), CP_EXPIRED);
        assert_int_equal(cp_preferences_choice(visit, STATISTICS),
                         CP_UNDECIDED);
        assert_int_equal(cp_preferences_choice(visit, THIRD_PARTY),
                         CP_UNDECIDED);
        assert_true(cp_preferences_allow(visit, ANONYMOUS));
        assert_int_equal(strlen(visit->preferences->id), 0);
    }
}

static void it_is_not_of_the_future(void **state)
{
    const char *value;

    (void)state;
    site.request.now = SAMPLE_NOW + 3 * DAY;
    value = chosen(CP_REFUSED, CP_GRANTED, CP_REFUSED);
    site.request.now = SAMPLE_NOW;
    assert_int_equal(reason_of(visit_with(value)), CP_EXPIRED);
}

static void at_the_end_of_time(void **state)
{
    const char *value;

    (void)state;
    site.request.now = UINT32_MAX - 10;
    site.site.consent_lifetime = CP_COOKIE_AGE_MAX;
    value = chosen(CP_REFUSED, CP_GRANTED, CP_REFUSED);
    assert_int_equal(reason_of(visit_with(value)), CP_VALID);
    site.request.now = 100 * DAY;
    value = chosen(CP_REFUSED, CP_GRANTED, CP_REFUSED);
    assert_int_equal(reason_of(visit_with(value)), CP_VALID);
}

/* --- Duplicates ------------------------------------------------------- */

static void two_grant_what_both_grant(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        cp_choice one = (cp_choice)(i % 3);
        cp_choice two = (cp_choice)(i / 3);
        cp_choice both = one == CP_REFUSED || two == CP_REFUSED ? CP_REFUSED
                         : one == two ? one : CP_UNDECIDED;
        const char *first = chosen(CP_REFUSED, one, CP_GRANTED);
        const char *second = chosen(CP_REFUSED, two, CP_GRANTED);
        cp_visit *visit;

        visit = sample_request(&site, apr_pstrcat(
            pool, "cookies_preferences=", first, "; cookies_preferences=",
            second, NULL));
        assert_int_equal(reason_of(visit), CP_VALID);
        assert_int_equal(cp_preferences_choice(visit, STATISTICS), both);
        assert_int_equal(cp_preferences_choice(visit, THIRD_PARTY),
                         CP_GRANTED);
        assert_int_equal(cp_preferences_choice(visit, ANONYMOUS),
                         CP_REFUSED);
    }
}

/* What the application is shown must not grant more than what is kept. */
static void the_application_sees_what_both_grant(void **state)
{
    const char *first = chosen(CP_REFUSED, CP_GRANTED, CP_GRANTED);
    const char *second = chosen(CP_REFUSED, CP_REFUSED, CP_GRANTED);
    const char *planted = apr_pstrcat(pool, "cookies_preferences=", first,
                                      "; cookies_preferences=", second,
                                      NULL);
    const char *shown = cp_visit_cookie(sample_request(&site, planted));

    (void)state;
    assert_non_null(shown);
    assert_null(strstr(shown, "statistics:y:"));
}

static void a_forged_one_does_not_disturb(void **state)
{
    const char *value = chosen(CP_REFUSED, CP_GRANTED, CP_REFUSED);
    const char *forged = "cookies_preferences=1.19675...x";
    const char *good = apr_pstrcat(pool, "cookies_preferences=", value,
                                   NULL);

    (void)state;
    for (int i = 0; i < 2; i++) {
        cp_visit *visit = sample_request(&site, apr_pstrcat(
            pool, i ? forged : good, "; ", i ? good : forged, NULL));

        assert_int_equal(reason_of(visit), CP_VALID);
        assert_true(cp_preferences_allow(visit, STATISTICS));
    }
}

/* --- The application -------------------------------------------------- */

static void the_application_cannot_write_it(void **state)
{
    const char *value = chosen(CP_REFUSED, CP_GRANTED, CP_REFUSED);
    const char *line = apr_pstrcat(pool, "cookies_preferences=", value,
                                   "; Path=/", NULL);
    cp_visit *visit;
    cp_ruling ruling;

    (void)state;
    chosen(CP_REFUSED, CP_REFUSED, CP_REFUSED);
    visit = sample_visit(&site);
    ruling = cp_set_cookie_judge(visit, line);
    assert_int_equal(ruling.decision, CP_MANAGED);
    assert_int_equal(ruling.managed, CP_PREFERENCES);
    assert_null(ruling.line);
    cp_visit_hear(visit, cp_span_of(line));
    cp_visit_hear(visit, CP_SPAN("cookies_preferences=; Max-Age=0"));
    assert_false(cp_preferences_allow(visit, STATISTICS));
    assert_int_equal(visit->verdicts[CP_PREFERENCES].issuance,
                     CP_ISSUE_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_have_their_form),
        TEST(an_id_needs_a_grant),
        TEST(newcomers_are_all_alike),
        TEST(what_was_chosen_is_read_again),
        TEST(only_what_can_be_chosen),
        TEST(many_categories),
        TEST(every_byte_counts),
        TEST(cut_anywhere),
        TEST(nothing_like_it),
        TEST(of_another_realm_or_key),
        TEST(of_another_purpose),
        TEST(it_ends_after_its_lifetime),
        TEST(it_is_not_of_the_future),
        TEST(at_the_end_of_time),
        TEST(two_grant_what_both_grant),
        TEST(the_application_sees_what_both_grant),
        TEST(a_forged_one_does_not_disturb),
        TEST(the_application_cannot_write_it),
    };

    return cmocka_run_group_tests_name("preferences", tests, pool_setup,
                                       pool_teardown);
}
