/**
 * @file session_record_test.c
 * @brief Sessions side by side: what lies in the store, and a visitor with
 *        several cookies.
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

/* --- What is in the store --------------------------------------------- */

static bool store_contains(const void *bytes, size_t length)
{
    const char *at = (const char *)site.store.records;

    for (size_t i = 0; i + length <= sizeof(site.store.records); i++) {
        if (at[i] == *(const char *)bytes
            && memcmp(at + i, bytes, length) == 0) {
            return true;
        }
    }
    return false;
}

static void a_dump_gives_nothing_away(void **state)
{
    unsigned char bytes[CP_SESSION_ID_LENGTH + 3];
    const char *token = logged_in("alice-of-the-store");
    size_t length;

    (void)state;
    assert_int_equal(sample_store(&site, visit_with(token), "attribute",
                                  "the-value-of-it"), APR_SUCCESS);
    assert_true(cp_base64url_decode(bytes, &length, cp_span_of(token)));
    assert_false(store_contains("alice-of", 8));
    assert_false(store_contains("attribut", 8));
    assert_false(store_contains("the-value", 8));
    assert_false(store_contains(token, 8));
    assert_false(store_contains(bytes, 8));
    assert_false(store_contains(bytes + 8, 8));
    assert_false(store_contains(site.jar[CP_CSRF], 8));
}

static memory_record *only_record(void)
{
    memory_record *found = NULL;

    for (int i = 0; i < STORE_MEMORY_RECORDS; i++) {
        if (site.store.records[i].used
            && !(site.store.records[i].owner & CP_OWNER_ROSTER)) {
            assert_null(found);
            found = &site.store.records[i];
        }
    }
    assert_non_null(found);
    return found;
}

static void a_changed_record_is_none(void **state)
{
    const char *token = logged_in("alice");
    memory_record *record = only_record();
    size_t length = record->length;

    (void)state;
    for (size_t i = 0; i < length; i++) {
        record->value[i] = (char)(record->value[i] ^ 0x10);
        assert_null(cp_session_user(visit_with(token)));
        assert_true(reason_of(visit_with(token)) != CP_VALID);
        record->value[i] = (char)(record->value[i] ^ 0x10);
    }
    for (record->length = 0; record->length < length; record->length++) {
        assert_null(cp_session_user(visit_with(token)));
    }
    assert_string_equal(cp_session_user(visit_with(token)), "alice");
}

/* Somebody who can write to the store files one session's record under the
 * name of another. */
static void a_record_holds_under_its_name_alone(void **state)
{
    const char *alice = logged_in("alice");
    cp_store_name name = only_record()->name;
    const char *eve;

    (void)state;
    only_record()->used = false;
    eve = logged_in("eve");
    only_record()->name = name;
    assert_null(cp_session_user(visit_with(alice)));
    assert_null(cp_session_user(visit_with(eve)));
}

static void owners(void **state)
{
    apr_uint64_t alice, again, bob;

    (void)state;
    stored("a", "1");
    assert_true(cp_owner_is_anonymous(only_record()->owner));
    assert_true(only_record()->owner != CP_OWNER_ANONYMOUS);
    memory_store_reset(&site.store);
    logged_in("alice");
    alice = only_record()->owner;
    memory_store_reset(&site.store);
    logged_in("alice");
    again = only_record()->owner;
    memory_store_reset(&site.store);
    logged_in("bob");
    bob = only_record()->owner;
    assert_true(alice != 0 && alice == again && alice != bob);
    assert_false(cp_owner_is_anonymous(alice));
    assert_true((alice & CP_OWNER_REALM) == (bob & CP_OWNER_REALM));
    memory_store_reset(&site.store);
    site.request.realm = CP_SPAN("other.example.org");
    logged_in("alice");
    assert_true(only_record()->owner != alice);
}

/* --- Duplicates ------------------------------------------------------- */

static void the_better_one_wins(void **state)
{
    const char *plain = stateless();
    const char *some = stored("a", "1");
    const char *user = logged_in("alice");
    const char *order[] = { plain, some, user };

    (void)state;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            const char *winner = order[i > j ? i : j];
            cp_visit *visit = visit_with_two(order[i], order[j]);

            assert_int_equal(reason_of(visit), CP_VALID);
            assert_string_equal(token_of(visit), winner);
            assert_int_equal(visit->verdicts[CP_SESSION].issuance,
                             CP_ISSUE_NOTHING);
        }
    }
}

static void invalid_ones_are_ignored(void **state)
{
    const char *gone = logged_in("bob");
    const char *user;
    const char *wrong[6];

    (void)state;
    assert_int_equal(cp_session_end(sample_visit(&site)), APR_SUCCESS);
    user = logged_in("alice");
    wrong[0] = "x";
    wrong[1] = "";
    wrong[2] = apr_pstrcat(pool, "AAAA", user + 4, NULL);
    wrong[3] = gone;
    site.request.realm = CP_SPAN("other.example.org");
    wrong[4] = logged_in("alice");
    site.request.realm = CP_SPAN(SAMPLE_REALM);
    wrong[5] = apr_pstrcat(pool, user, "A", NULL);
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 2; j++) {
            cp_visit *visit = visit_with_two(j ? user : wrong[i],
                                             j ? wrong[i] : user);

            assert_string_equal(cp_session_user(visit), "alice");
            assert_int_equal(visit->verdicts[CP_SESSION].issuance,
                             CP_ISSUE_NOTHING);
        }
    }
}

static const char *planted(int count, const char *value)
{
    const char *header = "";

    for (int i = 0; i < count; i++) {
        header = apr_pstrcat(site.pool, header, "sessionid=", value, "; ",
                             NULL);
    }
    return header;
}

/* A sibling host plants as many as a browser takes. */
static void many_planted_ones(void **state)
{
    static const int counts[] = { 1, 15, 16, 17, 40, 120, 150, 199, 250 };
    const char *user = logged_in("alice");
    const char *header = sample_header(&site);
    const char *forged = apr_pstrcat(pool, "AAAA", user + 4, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        cp_visit *visit = sample_request(&site, apr_pstrcat(
            site.pool, planted(counts[i], "1"), header, NULL));

        if (counts[i] < CP_COOKIE_PAIRS_MAX) {
            assert_string_equal(cp_session_user(visit), "alice");
        }
        nothing_is_issued(visit);

        visit = sample_request(&site, apr_pstrcat(
            site.pool, planted(counts[i], forged), header, NULL));
        if (counts[i] < CP_DUPLICATES_MAX) {
            assert_string_equal(cp_session_user(visit), "alice");
        }
        else {
            /* Who might be logged in is not overwritten, whatever comes. */
            assert_int_equal(sample_store(&site, visit, "a", "1"),
                             APR_EACCES);
            assert_int_equal(sample_login(&site, visit, "eve"), APR_EACCES);
        }
        nothing_is_issued(visit);
    }
}

static void two_users_are_nobody(void **state)
{
    const char *alice = logged_in("alice");
    const char *eve = logged_in("eve");
    const char *plain = stateless();

    (void)state;
    for (int i = 0; i < 6; i++) {
        const char *three[3] = { alice, eve, plain };
        cp_visit *visit;

        visit = sample_request(&site, apr_psprintf(
            site.pool, "sessionid=%s; sessionid=%s; sessionid=%s",
            three[i % 3], three[(i + 1 + i / 3) % 3],
            three[(i + 2 - i / 3) % 3]));
        assert_int_equal(reason_of(visit), CP_CONFLICT);
        is_anonymous(visit);
        assert_int_equal(sample_store(&site, visit, "a", "1"), APR_EACCES);
        assert_int_equal(sample_login(&site, visit, "x"), APR_EACCES);
        cp_visit_need(visit, CP_CSRF);
        nothing_is_issued(visit);
    }
    /* Both are as they were. */
    assert_string_equal(cp_session_user(visit_with(alice)), "alice");
    assert_string_equal(cp_session_user(visit_with(eve)), "eve");
}

static void twice_the_same_is_one(void **state)
{
    const char *alice = logged_in("alice");
    cp_visit *visit = visit_with_two(alice, alice);

    (void)state;
    assert_int_equal(reason_of(visit), CP_VALID);
    assert_string_equal(cp_session_user(visit), "alice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_dump_gives_nothing_away),
        TEST(a_changed_record_is_none),
        TEST(a_record_holds_under_its_name_alone),
        TEST(owners),
        TEST(the_better_one_wins),
        TEST(invalid_ones_are_ignored),
        TEST(many_planted_ones),
        TEST(two_users_are_nobody),
        TEST(twice_the_same_is_one),
    };

    return cmocka_run_group_tests_name("session_record", tests, pool_setup,
                                       pool_teardown);
}
