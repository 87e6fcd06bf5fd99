/**
 * @file login_test.c
 * @brief Logins that other modules make: who says who it is, and the entries
 *        of mod_session, which lie apart from the attributes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "visit_fixture.h"

#define FOREVER 0

static const char *entry(const cp_visit *visit, const char *name)
{
    const cp_record *record = cp_session_record(visit);

    return record ? apr_table_get(record->entries, name) : NULL;
}

static cp_session_change change_of(const char *name, const char *value,
                                   apr_uint32_t until)
{
    cp_session_change change = { .until = until };

    change.entries = apr_table_make(site.pool, 2);
    if (name) {
        apr_table_setn(change.entries, name, value);
    }
    return change;
}

/* The browser logs in by a form, as mod_auth_form does it. */
static cp_visit *form_login(const char *user, const char *auth_name,
                            apr_uint32_t until)
{
    cp_session_change change = change_of(
        apr_pstrcat(site.pool, auth_name, "-user", NULL), user, until);
    cp_visit *visit = sample_visit(&site);

    apr_table_setn(change.entries,
                   apr_pstrcat(site.pool, auth_name, "-pw", NULL),
                   "a-password-of-it");
    change.login = user;
    change.provider = "form";
    change.auth_name = auth_name;
    change.by_entries = true;
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    sample_take(&site, visit, false);
    return sample_visit(&site);
}

static cp_visit *bound(const char *user, const char *provider,
                       const char *auth_name)
{
    cp_session_change change = { .login = user, .provider = provider,
                                 .auth_name = auth_name };
    cp_visit *visit = sample_visit(&site);

    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    sample_take(&site, visit, false);
    return sample_visit(&site);
}

static int arrive(void **state)
{
    begin(state);
    sample_browse(&site);
    return 0;
}

/* --- Who says so ------------------------------------------------------ */

static void provider_and_auth_name_are_kept(void **state)
{
    const cp_record *record = cp_session_record(bound("alice", "basic",
                                                     "back office"));

    (void)state;
    assert_string_equal(record->user, "alice");
    assert_string_equal(record->provider, "basic");
    assert_string_equal(record->auth_name, "back office");
    assert_int_equal(record->created, SAMPLE_NOW);
    assert_true(cp_record_is_of(record, "alice", "basic", "back office"));
    assert_false(cp_record_is_of(record, "alicE", "basic", "back office"));
    assert_false(cp_record_is_of(record, "alice", "digest", "back office"));
    assert_false(cp_record_is_of(record, "alice", "basic", "staff"));
    assert_false(cp_record_is_of(record, "alice", "basic", NULL));
    assert_false(cp_record_is_of(record, "alice", NULL, "back office"));
    assert_false(cp_record_is_of(record, NULL, NULL, NULL));

    record = cp_session_record(bound("alice", NULL, NULL));
    assert_null(record->provider);
    assert_null(record->auth_name);
    assert_true(cp_record_is_of(record, "alice", NULL, NULL));
}

static void of_another_auth_name_is_another(void **state)
{
    static const char *const ways[][2] = {
        { "basic", "back office" }, { "basic", "staff" }, { "form", "staff" },
        { NULL, NULL }
    };

    (void)state;
    for (int i = 0; i < 4; i++) {
        const char *before = site.jar[CP_SESSION];
        cp_visit *visit = bound("alice", ways[i][0], ways[i][1]);

        assert_string_not_equal(site.jar[CP_SESSION], before);
        assert_null(sample_attribute(visit, "secret"));
        assert_int_equal(sample_store(&site, visit, "secret", "1"),
                         APR_SUCCESS);
        visit = bound("alice", ways[i][0], ways[i][1]);
        assert_string_equal(sample_attribute(visit, "secret"), "1");
    }
}

static void a_logout_forgets_who_said_so(void **state)
{
    cp_session_change change = sample_set(&site, "goodbye", "1");
    cp_visit *visit = form_login("alice", "staff", FOREVER);
    const cp_record *record;

    (void)state;
    change.logout = true;
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    sample_take(&site, visit, false);
    record = cp_session_record(sample_visit(&site));
    assert_non_null(record);
    assert_true(cp_record_is_of(record, NULL, NULL, NULL));
    assert_false(record->by_entries);
    assert_true(apr_is_empty_table(record->entries));
}

/* --- Entries ---------------------------------------------------------- */

static void entries_are_no_attributes(void **state)
{
    cp_session_change change = change_of("colour", "red", FOREVER);
    cp_visit *visit = sample_visit(&site);

    (void)state;
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    assert_int_equal(sample_store(&site, visit, "colour", "blue"),
                     APR_SUCCESS);
    sample_take(&site, visit, false);
    visit = sample_visit(&site);
    assert_string_equal(entry(visit, "colour"), "red");
    assert_string_equal(sample_attribute(visit, "colour"), "blue");
    assert_int_equal(apr_table_elts(cp_session_attributes(visit))->nelts, 1);

    /* What unsets one leaves the other. */
    assert_int_equal(sample_store(&site, visit, "colour", ""), APR_SUCCESS);
    visit = sample_visit(&site);
    assert_string_equal(entry(visit, "colour"), "red");
    assert_null(sample_attribute(visit, "colour"));
    change = change_of("colour", "", FOREVER);
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    assert_null(entry(sample_visit(&site), "colour"));
}

static void what_is_not_said_stays(void **state)
{
    cp_visit *visit = form_login("alice", "staff", SAMPLE_NOW + 600);
    cp_session_change change = change_of("colour", "red", SAMPLE_NOW + 900);

    (void)state;
    assert_int_equal(sample_store(&site, visit, "basket", "3"), APR_SUCCESS);
    visit = sample_visit(&site);
    assert_int_equal(cp_session_record(visit)->until, SAMPLE_NOW + 600);
    assert_string_equal(entry(visit, "staff-pw"), "a-password-of-it");
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    visit = sample_visit(&site);
    assert_int_equal(cp_session_record(visit)->until, SAMPLE_NOW + 900);
    assert_string_equal(entry(visit, "staff-pw"), "a-password-of-it");
    assert_string_equal(entry(visit, "colour"), "red");
    assert_string_equal(cp_session_user(visit), "alice");
}

static void odd_entries(void **state)
{
    cp_session_change change = change_of("", "x", FOREVER);
    char *large = apr_pcalloc(site.pool, 20000);
    cp_visit *visit = sample_visit(&site);

    (void)state;
    apr_table_setn(change.entries, "name with \x01", "value with \n and =&");
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    assert_int_equal(sample_store(&site, visit, "a", "1"), APR_SUCCESS);
    sample_take(&site, visit, false);
    visit = sample_visit(&site);
    assert_string_equal(entry(visit, "name with \x01"),
                        "value with \n and =&");
    assert_string_equal(sample_attribute(visit, "a"), "1");

    memset(large, 'x', 19999);
    change = change_of("large", large, FOREVER);
    assert_int_equal(cp_session_apply(visit, &change), APR_ENOSPC);
    assert_string_equal(sample_attribute(sample_visit(&site), "a"), "1");
}

static void another_user_gets_none(void **state)
{
    cp_session_change change = change_of("colour", "red", FOREVER);
    cp_visit *visit = form_login("alice", "staff", FOREVER);

    (void)state;
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    visit = form_login("bob", "staff", FOREVER);
    assert_string_equal(entry(visit, "staff-user"), "bob");
    assert_null(entry(visit, "colour"));
    visit = form_login("bob", "members", FOREVER);
    assert_null(entry(visit, "staff-pw"));
    visit = bound("carol", NULL, NULL);
    assert_null(entry(visit, "members-pw"));
    assert_false(cp_session_record(visit)->by_entries);
}

static bool store_has(const char *text)
{
    const char *at = (const char *)site.store.records;

    for (size_t i = 0; i + strlen(text) <= sizeof(site.store.records); i++) {
        if (at[i] == *text && memcmp(at + i, text, strlen(text)) == 0) {
            return true;
        }
    }
    return false;
}

static void a_password_is_sealed(void **state)
{
    (void)state;
    form_login("alice", "staff", FOREVER);
    assert_false(store_has("a-password"));
    assert_false(store_has("staff-pw"));
}

/* The pointer that a rotation leaves has no use for it. */
static void a_rotation_leaves_none_behind(void **state)
{
    cp_session_change change = { .rotate = true };
    cp_visit *visit = form_login("alice", "staff", FOREVER);
    cp_session_id before = visit->session->id;
    cp_record record;

    (void)state;
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    assert_string_equal(entry(visit, "staff-pw"), "a-password-of-it");
    assert_int_equal(cp_record_load(visit, &before, &record), APR_SUCCESS);
    assert_true(record.moved);
    assert_true(apr_is_empty_table(record.entries));
}

/* --- Time ------------------------------------------------------------- */

static void a_login_ends_with_its_entries(void **state)
{
    (void)state;
    form_login("alice", "staff", SAMPLE_NOW + 600);
    for (apr_uint32_t later = 0; later < 600; later += 60) {
        site.request.now = SAMPLE_NOW + later;
        assert_string_equal(cp_session_user(sample_visit(&site)), "alice");
    }
    for (int i = 0; i < STORE_MEMORY_RECORDS; i++) {
        const memory_record *record = &site.store.records[i];

        assert_true(record->owner & CP_OWNER_ROSTER
                    || record->expires <= SAMPLE_NOW + 600);
    }
    site.request.now = SAMPLE_NOW + 600;
    assert_null(cp_session_user(sample_visit(&site)));
}

/* Also where the store would still have it. */
static void whatever_the_store_says(void **state)
{
    cp_visit *visit;

    (void)state;
    form_login("alice", "staff", SAMPLE_NOW + 600);
    for (int i = 0; i < STORE_MEMORY_RECORDS; i++) {
        site.store.records[i].expires = SAMPLE_NOW + 10000;
    }
    site.request.now = SAMPLE_NOW + 599;
    assert_string_equal(cp_session_user(sample_visit(&site)), "alice");
    site.request.now = SAMPLE_NOW + 600;
    visit = sample_visit(&site);
    assert_int_equal(visit->verdicts[CP_SESSION].reason, CP_EXPIRED);
    assert_null(cp_session_user(visit));
}

static void a_longer_time_is_followed(void **state)
{
    cp_session_change change = change_of(NULL, NULL, SAMPLE_NOW + 1200);
    cp_visit *visit = form_login("alice", "staff", SAMPLE_NOW + 600);

    (void)state;
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    site.request.now = SAMPLE_NOW + 1100;
    assert_string_equal(cp_session_user(sample_visit(&site)), "alice");
    site.request.now = SAMPLE_NOW + 1200;
    assert_null(cp_session_user(sample_visit(&site)));
}

/* Whoever was logged in otherwise stays so when entries end. */
static void other_logins_do_not_end(void **state)
{
    cp_session_change change = change_of("colour", "red", SAMPLE_NOW + 60);
    cp_visit *visit = bound("alice", "basic", "staff");

    (void)state;
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    site.request.now = SAMPLE_NOW + 1000;
    visit = sample_visit(&site);
    assert_string_equal(cp_session_user(visit), "alice");
    assert_int_equal(cp_session_record(visit)->until, SAMPLE_NOW + 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, arrive, end)
        TEST(provider_and_auth_name_are_kept),
        TEST(of_another_auth_name_is_another),
        TEST(a_logout_forgets_who_said_so),
        TEST(entries_are_no_attributes),
        TEST(what_is_not_said_stays),
        TEST(odd_entries),
        TEST(another_user_gets_none),
        TEST(a_password_is_sealed),
        TEST(a_rotation_leaves_none_behind),
        TEST(a_login_ends_with_its_entries),
        TEST(whatever_the_store_says),
        TEST(a_longer_time_is_followed),
        TEST(other_logins_do_not_end),
    };

    return cmocka_run_group_tests(tests, pool_setup, pool_teardown);
}
