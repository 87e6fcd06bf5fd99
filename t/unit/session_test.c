/**
 * @file session_test.c
 * @brief Sessions: stateless until something is stored, new ids at every
 *        change of hands, attributes, and what others see of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "session_sample.h"
#include "token.h"

/* --- Form ------------------------------------------------------------- */

static void a_token_has_its_form(void **state)
{
    const char *token = stateless();
    unsigned char bytes[CP_SESSION_ID_LENGTH + 3];
    size_t length = 0;

    (void)state;
    assert_int_equal(strlen(token), CP_SESSION_TOKEN_LENGTH);
    assert_true(cp_base64url_decode(bytes, &length, cp_span_of(token)));
    assert_int_equal(length, CP_SESSION_ID_LENGTH);
    assert_int_equal((apr_uint32_t)bytes[AT_TIME] << 24
                     | (apr_uint32_t)bytes[AT_TIME + 1] << 16
                     | (apr_uint32_t)bytes[AT_TIME + 2] << 8
                     | bytes[AT_TIME + 3], SAMPLE_NOW);
    assert_int_equal(bytes[AT_FLAGS], 0);
    assert_int_equal(bytes[AT_KEY], 7);
    assert_string_not_equal(stateless(), token);
}

static void every_bit_counts(void **state)
{
    const char *token = logged_in("alice");
    unsigned char bytes[CP_SESSION_ID_LENGTH + 3];
    size_t length;

    (void)state;
    site.request.welcomes = false;
    assert_true(cp_base64url_decode(bytes, &length, cp_span_of(token)));
    for (int i = 0; i < CP_SESSION_ID_LENGTH; i++) {
        for (int bit = 0; bit < 8; bit++) {
            char forged[CP_SESSION_TOKEN_LENGTH + 4];
            cp_visit *visit;

            bytes[i] = (unsigned char)(bytes[i] ^ (1 << bit));
            cp_base64url_encode(forged, bytes, CP_SESSION_ID_LENGTH);
            bytes[i] = (unsigned char)(bytes[i] ^ (1 << bit));
            visit = visit_with(forged);
            assert_int_equal(reason_of(visit),
                             i == AT_KEY && (bytes[i] ^ (1 << bit)) != 3
                             ? CP_RETIRED : CP_FORGED);
            is_anonymous(visit);
        }
    }
}

static void malformed_ones(void **state)
{
    const char *token = logged_in("alice");

    (void)state;
    for (size_t i = 0; i < CP_SESSION_TOKEN_LENGTH; i++) {
        static const char wrong[] = "+/=. \t~%\xff";
        cp_visit *visit = visit_with(apr_pstrndup(pool, token, i));

        assert_int_equal(reason_of(visit), CP_MALFORMED);
        assert_null(cp_session_user(visit));
        for (const char *c = wrong; *c; c++) {
            char *other = apr_pstrdup(pool, token);

            other[i] = *c;
            visit = visit_with(other);
            assert_true(reason_of(visit) != CP_VALID);
            assert_null(cp_session_user(visit));
        }
    }
    assert_int_equal(reason_of(visit_with(apr_pstrcat(pool, token, "A",
                                                      NULL))), CP_MALFORMED);
    assert_int_equal(reason_of(visit_with(apr_pstrcat(pool, token, token,
                                                      NULL))), CP_MALFORMED);
    assert_int_equal(reason_of(visit_with(apr_pstrcat(pool, "\"", token,
                                                      "\"", NULL))),
                     CP_VALID);
}

static void of_another_realm_or_key(void **state)
{
    static const char *const realms[] = {
        "back.example.org", "example.org", "www.example.or", ""
    };
    const char *token = logged_in("alice");

    (void)state;
    for (int i = 0; i < 4; i++) {
        site.request.realm = cp_span_of(realms[i]);
        assert_int_equal(reason_of(visit_with(token)), CP_FORGED);
    }
    site.request.realm = CP_SPAN(SAMPLE_REALM);
    assert_int_equal(reason_of(visit_with(token)), CP_VALID);

    site.keys.list[2] = site.keys.list[1];
    site.keys.list[1] = site.keys.list[0];
    site.keys.list[0] = sample_key(9, 1);
    site.keys.count = 3;
    sample_rekey(&site);
    assert_string_equal(cp_session_user(visit_with(token)), "alice");
    site.keys.list[1].revoked = true;
    sample_rekey(&site);
    assert_int_equal(reason_of(visit_with(token)), CP_RETIRED);
    site.keys.list[1] = site.keys.list[2];
    site.keys.count = 2;
    sample_rekey(&site);
    assert_int_equal(reason_of(visit_with(token)), CP_RETIRED);
    /* A key of the same number with other bytes. */
    site.keys.list[0].id = 7;
    sample_rekey(&site);
    assert_int_equal(reason_of(visit_with(token)), CP_FORGED);
}

/* --- Without a record ------------------------------------------------- */

static void it_costs_no_memory(void **state)
{
    cp_session_change none = sample_set(&site, NULL, NULL);
    cp_session_change unset = sample_set(&site, "a", "");

    (void)state;
    none.rotate = true;
    for (int i = 0; i < 10; i++) {
        cp_visit *visit = sample_browse(&site);

        assert_null(cp_session_user(visit));
        assert_null(cp_session_attributes(visit));
        assert_int_equal(cp_session_apply(visit, &none), APR_SUCCESS);
        assert_int_equal(cp_session_apply(visit, &unset), APR_SUCCESS);
        if (i % 2) {
            memset(site.jar, 0, sizeof(site.jar));
        }
    }
    assert_int_equal(cp_session_end(sample_visit(&site)), APR_SUCCESS);
    assert_int_equal(memory_store_calls(&site.store), 0);
}

static void it_ends_after_its_time(void **state)
{
    const char *token = stateless();

    (void)state;
    site.request.now = SAMPLE_NOW + SAMPLE_ABSOLUTE - 1;
    assert_int_equal(reason_of(visit_with(token)), CP_VALID);
    site.request.now = SAMPLE_NOW + SAMPLE_ABSOLUTE;
    assert_int_equal(reason_of(visit_with(token)), CP_EXPIRED);
    /* Clocks differ a little, not more. */
    site.request.now = SAMPLE_NOW - 60;
    assert_int_equal(reason_of(visit_with(token)), CP_VALID);
    site.request.now = SAMPLE_NOW - 3600;
    assert_int_equal(reason_of(visit_with(token)), CP_EXPIRED);
    assert_int_equal(memory_store_calls(&site.store), 0);
}

/* --- With a record ---------------------------------------------------- */

static void the_first_thing_stored_draws_a_new_id(void **state)
{
    const char *before = stateless();
    cp_visit *visit = sample_visit(&site);

    (void)state;
    assert_int_equal(sample_store(&site, visit, "basket", "3"), APR_SUCCESS);
    assert_string_equal(sample_attribute(visit, "basket"), "3");
    assert_int_equal(records(), 1);
    sample_take(&site, visit, false);
    assert_string_not_equal(site.jar[CP_SESSION], before);
    assert_string_equal(sample_attribute(sample_visit(&site), "basket"),
                        "3");
    /* What was handed out as stateless is that for ever. */
    visit = visit_with(before);
    assert_int_equal(reason_of(visit), CP_VALID);
    assert_null(cp_session_attributes(visit));
}

static void the_second_thing_does_not(void **state)
{
    const char *token = stored("a", "1");
    cp_visit *visit = visit_with(token);

    (void)state;
    assert_int_equal(sample_store(&site, visit, "b", "2"), APR_SUCCESS);
    assert_string_equal(token_of(visit), token);
    assert_int_equal(visit->verdicts[CP_SESSION].issuance, CP_ISSUE_NOTHING);
    assert_int_equal(sample_store(&site, visit, "a", ""), APR_SUCCESS);
    visit = visit_with(token);
    assert_null(sample_attribute(visit, "a"));
    assert_string_equal(sample_attribute(visit, "b"), "2");
    assert_int_equal(records(), 1);
}

/* Where the answer may carry no cookie nothing can begin, but what is there
 * can change. */
static void without_a_welcome(void **state)
{
    const char *token = stored("a", "1");
    cp_visit *visit;

    (void)state;
    site.request.welcomes = false;
    visit = sample_request(&site, NULL);
    assert_int_equal(sample_store(&site, visit, "a", "1"), APR_EACCES);
    assert_int_equal(sample_login(&site, visit, "eve"), APR_EACCES);
    assert_null(cp_session_user(visit));
    nothing_is_issued(visit);
    assert_int_equal(records(), 1);

    visit = visit_with(token);
    assert_int_equal(sample_login(&site, visit, "eve"), APR_EACCES);
    assert_null(cp_session_user(visit));
    assert_int_equal(sample_store(&site, visit, "a", "2"), APR_SUCCESS);
    nothing_is_issued(visit);
    assert_string_equal(sample_attribute(visit_with(token), "a"), "2");
}

static void a_login_draws_a_new_id(void **state)
{
    const char *before = stored("basket", "3");
    cp_visit *visit = sample_visit(&site);

    (void)state;
    assert_int_equal(sample_login(&site, visit, "alice"), APR_SUCCESS);
    assert_string_equal(cp_session_user(visit), "alice");
    sample_take(&site, visit, false);
    assert_string_not_equal(site.jar[CP_SESSION], before);
    visit = sample_visit(&site);
    assert_string_equal(cp_session_user(visit), "alice");
    assert_string_equal(sample_attribute(visit, "basket"), "3");
    /* The old id is gone at once: there is no grace. */
    visit = visit_with(before);
    assert_int_equal(reason_of(visit), CP_ENDED);
    assert_null(cp_session_user(visit));
    assert_int_equal(records(), 1);
}

static void the_same_user_again(void **state)
{
    const char *before = logged_in("alice");
    cp_visit *visit = sample_visit(&site);

    (void)state;
    assert_int_equal(sample_store(&site, visit, "a", "1"), APR_SUCCESS);
    assert_int_equal(sample_login(&site, visit, "alice"), APR_SUCCESS);
    assert_string_equal(sample_attribute(visit, "a"), "1");
    assert_string_not_equal(token_of(visit), before);
    assert_int_equal(reason_of(visit_with(before)), CP_ENDED);
}

static void another_user_finds_nothing(void **state)
{
    const char *before = logged_in("alice");
    cp_visit *visit = sample_visit(&site);

    (void)state;
    assert_int_equal(sample_store(&site, visit, "secret", "1"), APR_SUCCESS);
    assert_int_equal(sample_login(&site, visit, "alicE"), APR_SUCCESS);
    assert_null(sample_attribute(visit, "secret"));
    sample_take(&site, visit, false);
    assert_string_equal(cp_session_user(sample_visit(&site)), "alicE");
    assert_null(sample_attribute(sample_visit(&site), "secret"));
    assert_int_equal(reason_of(visit_with(before)), CP_ENDED);
    assert_int_equal(records(), 1);
}

static void a_logout_forgets_all(void **state)
{
    cp_session_change change = sample_set(&site, NULL, NULL);
    const char *before = logged_in("alice");
    cp_visit *visit = sample_visit(&site);

    (void)state;
    assert_int_equal(sample_store(&site, visit, "a", "1"), APR_SUCCESS);
    change.logout = true;
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    assert_null(cp_session_user(visit));
    assert_null(sample_attribute(visit, "a"));
    sample_take(&site, visit, false);
    assert_string_not_equal(site.jar[CP_SESSION], before);
    assert_int_equal(records(), 0);
    assert_int_equal(reason_of(sample_visit(&site)), CP_VALID);
    assert_int_equal(reason_of(visit_with(before)), CP_ENDED);
}

static void a_logout_may_leave_a_word(void **state)
{
    cp_session_change change = sample_set(&site, "goodbye", "1");
    cp_visit *visit;

    (void)state;
    logged_in("alice");
    visit = sample_visit(&site);
    change.logout = true;
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    sample_take(&site, visit, false);
    visit = sample_visit(&site);
    assert_null(cp_session_user(visit));
    assert_string_equal(sample_attribute(visit, "goodbye"), "1");
}

static void it_is_ended(void **state)
{
    const char *token = logged_in("alice");
    cp_visit *visit = sample_visit(&site);

    (void)state;
    assert_int_equal(cp_session_end(visit), APR_SUCCESS);
    is_anonymous(visit);
    assert_int_equal(records(), 0);
    assert_int_equal(sample_take(&site, visit, false), 2);
    assert_null(site.jar[CP_SESSION]);
    assert_null(site.jar[CP_CSRF]);
    assert_non_null(site.jar[CP_PREFERENCES]);
    assert_int_equal(reason_of(visit_with(token)), CP_ENDED);
    assert_int_equal(cp_session_end(visit_with(token)), APR_SUCCESS);
}

static void an_old_id_is_refused_for_good(void **state)
{
    const char *token = logged_in("alice");

    (void)state;
    assert_int_equal(cp_session_end(sample_visit(&site)), APR_SUCCESS);
    for (apr_uint32_t later = 0; later <= SAMPLE_ABSOLUTE; later += 600) {
        site.request.now = SAMPLE_NOW + later;
        assert_true(reason_of(visit_with(token)) != CP_VALID);
    }
}

/* --- Attributes ------------------------------------------------------- */

#define LONG_32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_64 LONG_32 LONG_32

static void attribute_names(void **state)
{
    static const char *const good[] = {
        "a", "A", "0", "_", "cart_3", LONG_64, "username", "users", "pws"
    };
    static const char *const wrong[] = {
        "", "a-b", "a.b", "a b", ":user", "a=", "\xc3\xa4", "a\n", "user",
        "User", "USER", "pw", "PW", "site", "Site", LONG_64 "x"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(cp_session_attribute_is_good(cp_span_of(good[i])));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(cp_session_attribute_is_good(cp_span_of(wrong[i])));
    }
    assert_false(cp_session_attribute_is_good(CP_SPAN("a\0b")));
    assert_false(cp_session_attribute_is_good(CP_SPAN_NONE));
}

static void values_come_back(void **state)
{
    static const char *const values[] = {
        "1", " ", "a=b&c", "\xc3\xa4\xff", "; , \" \\ %00", "\x01\n\r\t"
    };
    const char *token = stored("first", "1");

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_int_equal(sample_store(&site, visit_with(token), "v",
                                      values[i]), APR_SUCCESS);
        assert_string_equal(sample_attribute(visit_with(token), "v"),
                            values[i]);
    }
}

/* A record has room for 16 KB; what is too much leaves all as it was. */
static void there_is_an_end_to_it(void **state)
{
    const char *token = stored("first", "1");
    char *large = apr_pcalloc(site.pool, 70000);
    cp_visit *visit;

    (void)state;
    memset(large, 'v', 15000);
    assert_int_equal(sample_store(&site, visit_with(token), "large", large),
                     APR_SUCCESS);
    assert_string_equal(sample_attribute(visit_with(token), "large"), large);
    for (int i = 0; i < 3; i++) {
        static const size_t sizes[] = { 1500, 20000, 69999 };
        char *more = apr_pcalloc(site.pool, 70000);

        memset(more, 'w', sizes[i]);
        visit = visit_with(token);
        assert_int_equal(sample_store(&site, visit, "more", more),
                         APR_ENOSPC);
        assert_null(sample_attribute(visit, "more"));
        visit = visit_with(token);
        assert_null(sample_attribute(visit, "more"));
        assert_string_equal(sample_attribute(visit, "large"), large);
        assert_string_equal(token_of(visit), token);
    }
    visit = sample_request(&site, NULL);
    memset(large, 'v', 20000);
    assert_int_equal(sample_store(&site, visit, "large", large), APR_ENOSPC);
    assert_null(cp_session_attributes(visit));
    assert_int_equal(records(), 1);
}

static void so_many_attributes(void **state)
{
    const char *token = stored("a0", "1");

    (void)state;
    for (int i = 1; i < CP_ATTRIBUTES_MAX; i++) {
        assert_int_equal(sample_store(&site, visit_with(token),
                                      apr_psprintf(site.pool, "a%d", i),
                                      "1"), APR_SUCCESS);
    }
    assert_int_equal(sample_store(&site, visit_with(token), "more", "1"),
                     APR_ENOSPC);
    assert_int_equal(sample_store(&site, visit_with(token), "a5", "2"),
                     APR_SUCCESS);
    assert_null(sample_attribute(visit_with(token), "more"));
}

/* --- What others see -------------------------------------------------- */

static void references(void **state)
{
    const char *token = logged_in("alice");
    const char *reference = cp_session_reference(visit_with(token));

    (void)state;
    assert_int_equal(strlen(reference), CP_REFERENCE_LENGTH);
    assert_string_equal(cp_session_reference(visit_with(token)), reference);
    assert_null(strstr(token, reference));
    assert_string_not_equal(cp_session_reference(visit_with(stateless())),
                            reference);
}

static void sessions_off(void **state)
{
    static const cp_session_mode modes[] = { CP_SESSION_OFF,
                                             CP_SESSION_APPLICATION };
    const char *token = logged_in("alice");
    int calls = memory_store_calls(&site.store);

    (void)state;
    for (int i = 0; i < 2; i++) {
        cp_visit *visit;

        site.site.session = modes[i];
        visit = visit_with(token);
        is_anonymous(visit);
        assert_int_equal(sample_store(&site, visit, "a", "1"), APR_EACCES);
        sample_take(&site, visit, true);
        assert_string_equal(site.jar[CP_SESSION], token);
        assert_non_null(strstr(cp_visit_cookie(visit), token));
    }
    assert_int_equal(memory_store_calls(&site.store), calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_has_its_form),
        TEST(every_bit_counts),
        TEST(malformed_ones),
        TEST(of_another_realm_or_key),
        TEST(it_costs_no_memory),
        TEST(it_ends_after_its_time),
        TEST(the_first_thing_stored_draws_a_new_id),
        TEST(the_second_thing_does_not),
        TEST(without_a_welcome),
        TEST(a_login_draws_a_new_id),
        TEST(the_same_user_again),
        TEST(another_user_finds_nothing),
        TEST(a_logout_forgets_all),
        TEST(a_logout_may_leave_a_word),
        TEST(it_is_ended),
        TEST(an_old_id_is_refused_for_good),
        TEST(attribute_names),
        TEST(values_come_back),
        TEST(there_is_an_end_to_it),
        TEST(so_many_attributes),
        TEST(references),
        TEST(sessions_off),
    };

    return cmocka_run_group_tests_name("session", tests, pool_setup,
                                       pool_teardown);
}
