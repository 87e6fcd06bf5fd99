/**
 * @file roster_test.c
 * @brief One user's sessions: their bound, and that all of them are found; new
 *        keys, rotation, others who log in meanwhile, and stores of all kinds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "roster.h"
#include "visit_fixture.h"

static const char *tokens[3 * CP_ROSTER_MAX];

/* A browser of its own, logged in. */
static const char *logged_in(const char *user)
{
    cp_visit *visit;

    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    visit = sample_visit(&site);
    assert_int_equal(sample_login(&site, visit, user), APR_SUCCESS);
    sample_take(&site, visit, false);
    return site.jar[CP_SESSION];
}

static cp_visit *visit_with(const char *token)
{
    return sample_request(&site, sample_pair(&site, CP_SESSION, token));
}

static bool is_in(const char *token)
{
    return cp_session_user(visit_with(token)) != NULL;
}

static cp_listing here(void)
{
    return (cp_listing){ site.site.ring, site.site.store, site.request.now };
}

static apr_uint32_t end_roster(const char *user)
{
    cp_listing where = here();
    apr_uint32_t ended = 99;

    assert_int_equal(cp_roster_end(&where, SAMPLE_REALM, user, &ended,
                                   site.pool), APR_SUCCESS);
    return ended;
}

static memory_record *roster_only(void)
{
    memory_record *found = NULL;

    for (int i = 0; i < STORE_MEMORY_RECORDS; i++) {
        memory_record *record = &site.store.records[i];

        if (record->used && record->expires > site.request.now
            && record->owner & CP_OWNER_ROSTER) {
            assert_null(found);
            found = record;
        }
    }
    assert_non_null(found);
    return found;
}

static void all_are_found(void **state)
{
    const char *bob = logged_in("bob");

    (void)state;
    for (int i = 0; i < 10; i++) {
        tokens[i] = logged_in("alice");
    }
    assert_int_equal(end_roster("carol"), 0);
    assert_int_equal(end_roster("alice"), 10);
    for (int i = 0; i < 10; i++) {
        assert_false(is_in(tokens[i]));
    }
    assert_true(is_in(bob));
    assert_int_equal(end_roster("alice"), 0);
}

static void of_one_realm_only(void **state)
{
    const char *token;

    (void)state;
    logged_in("alice");
    site.request.realm = CP_SPAN("other.example.org");
    token = logged_in("alice");
    assert_int_equal(end_roster("alice"), 1);
    assert_true(is_in(token));
}

static void nobody_has_none(void **state)
{
    (void)state;
    sample_browse(&site);
    assert_int_equal(sample_store(&site, sample_visit(&site), "a", "1"),
                     APR_SUCCESS);
    for (int i = 0; i < STORE_MEMORY_RECORDS; i++) {
        assert_true(!site.store.records[i].used
                    || !(site.store.records[i].owner & CP_OWNER_ROSTER));
    }
}

/* The sample's store has no room for so many at once: they are made on one
 * that is large enough. */
static void the_oldest_goes(void **state)
{
    cp_store_name name = { { 0 } };
    cp_enrolment session = { 7, CP_SPAN(SAMPLE_REALM), "alice", &name, NULL,
                             SAMPLE_NOW + 1000 };
    cp_listing where = here();
    cp_store_record record = { CP_SPAN("x"), SAMPLE_NOW + 1000, 0, 5 };

    (void)state;
    for (int i = 0; i < CP_ROSTER_MAX + 2; i++) {
        name.bytes[0] = (unsigned char)i;
        /* Of these only number 1 and the last two have a record. */
        if (i == 1 || i >= CP_ROSTER_MAX - 1) {
            record.revision = 0;
            assert_int_equal(site.store.store.provider->save(
                &site.store.store, &name, SAMPLE_NOW, &record), APR_SUCCESS);
        }
        assert_int_equal(cp_roster_enter(&where, &session, site.pool),
                         APR_SUCCESS);
    }
    /* There was room enough, as the others are gone. */
    name.bytes[0] = 1;
    assert_non_null(memory_find(&site.store, &name, SAMPLE_NOW));
    assert_int_equal(end_roster("alice"), 4);
}

static void the_oldest_of_full_goes(void **state)
{
    cp_store_name name = { { 0 } };
    cp_enrolment session = { 7, CP_SPAN(SAMPLE_REALM), "alice", &name, NULL,
                             SAMPLE_NOW + 1000 };
    cp_listing where = here();
    cp_store_record record = { CP_SPAN("x"), SAMPLE_NOW + 1000, 0, 5 };

    (void)state;
    for (int i = 0; i < CP_ROSTER_MAX + 10; i++) {
        name.bytes[0] = (unsigned char)i;
        assert_int_equal(cp_roster_enter(&where, &session, site.pool),
                         APR_SUCCESS);
        record.revision = 0;
        assert_int_equal(site.store.store.provider->save(
            &site.store.store, &name, SAMPLE_NOW, &record), APR_SUCCESS);
    }
    for (int i = 0; i < CP_ROSTER_MAX + 10; i++) {
        name.bytes[0] = (unsigned char)i;
        assert_int_equal(memory_find(&site.store, &name, SAMPLE_NOW) != NULL,
                         i >= 10);
    }
    assert_int_equal(end_roster("alice"), CP_ROSTER_MAX);
}

/* httpd's dbm takes less than 1 KB. */
static void where_values_are_short(void **state)
{
    cp_store_name name = { { 0 } };
    cp_enrolment session = { 7, CP_SPAN(SAMPLE_REALM), "alice", &name, NULL,
                             SAMPLE_NOW + 1000 };
    cp_listing where = here();
    cp_store_record record = { CP_SPAN("x"), SAMPLE_NOW + 1000, 0, 5 };
    int alive = 0;

    (void)state;
    site.store.value_max = 900;
    for (int i = 0; i < CP_ROSTER_MAX; i++) {
        name.bytes[0] = (unsigned char)i;
        assert_int_equal(cp_roster_enter(&where, &session, site.pool),
                         APR_SUCCESS);
        record.revision = 0;
        assert_int_equal(site.store.store.provider->save(
            &site.store.store, &name, SAMPLE_NOW, &record), APR_SUCCESS);
    }
    for (int i = 0; i < CP_ROSTER_MAX; i++) {
        name.bytes[0] = (unsigned char)i;
        alive += memory_find(&site.store, &name, SAMPLE_NOW) != NULL;
    }
    assert_int_equal(alive, (900 - 30) / 24);
    assert_non_null(memory_find(&site.store, &name, SAMPLE_NOW));
    assert_int_equal(end_roster("alice"), alive);
    site.store.value_max = 20;
    assert_int_equal(cp_roster_enter(&where, &session, site.pool),
                     APR_ENOSPC);
}

/* A full one refuses rosters of any length. */
static void a_store_that_takes_nothing_ends_nothing(void **state)
{
    cp_visit *visit;

    (void)state;
    for (int i = 0; i < 5; i++) {
        tokens[i] = logged_in("alice");
    }
    sample_browse(&site);
    visit = sample_visit(&site);
    site.store.value_max = 20;
    assert_int_equal(sample_login(&site, visit, "alice"), APR_ENOSPC);
    for (int i = 0; i < 5; i++) {
        assert_true(is_in(tokens[i]));
    }
    assert_int_equal(end_roster("alice"), 5);
}

static void what_is_over_does_not_count(void **state)
{
    apr_size_t length;

    (void)state;
    logged_in("alice");
    length = roster_only()->length;
    site.request.now += SAMPLE_ABSOLUTE - 1;
    logged_in("alice");
    assert_true(roster_only()->length > length);
    site.request.now += 1;
    logged_in("alice");
    assert_int_equal(roster_only()->length, length + (length - 30));
    assert_int_equal(roster_only()->expires,
                     site.request.now + SAMPLE_ABSOLUTE);
}

/* It makes no room before the sessions on it, whose users it stands for. */
static void it_is_in_use_while_its_sessions_are(void **state)
{
    const char *token = logged_in("alice");

    (void)state;
    site.request.now += SAMPLE_IDLE / 2;
    assert_true(is_in(token));
    assert_int_equal(roster_only()->at, site.request.now);
}

/* A new id takes the place of the old one. */
static void a_rotation_is_no_second_session(void **state)
{
    const char *token = logged_in("alice");
    apr_size_t length = roster_only()->length;

    (void)state;
    for (int i = 0; i < 5; i++) {
        cp_session_change change = { .rotate = true };
        cp_visit *visit = visit_with(token);

        change.set = apr_table_make(site.pool, 1);
        assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
        token = cp_visit_value(visit, CP_SESSION);
    }
    assert_int_equal(roster_only()->length, length);
    assert_int_equal(end_roster("alice"), 1);
    assert_false(is_in(token));
}

static void under_a_new_key(void **state)
{
    const char *old = logged_in("alice");
    const char *new;

    (void)state;
    site.keys.list[1] = site.keys.list[0];
    site.keys.list[0] = sample_key(9, 1);
    sample_rekey(&site);
    new = logged_in("alice");
    assert_int_equal(end_roster("alice"), 2);
    assert_false(is_in(old));
    assert_false(is_in(new));
}

/* Others log in meanwhile: nobody is lost. */
static void log_in_elsewhere(void *data)
{
    const char **token = data;
    const char *jar[CP_MANAGED_COUNT];

    memcpy(jar, site.jar, sizeof(jar));
    *token = logged_in("alice");
    memcpy(site.jar, jar, sizeof(jar));
}

static void two_at_once(void **state)
{
    const char *other = NULL;
    const char *one;

    (void)state;
    logged_in("alice");
    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    site.store.before_save = log_in_elsewhere;
    site.store.data = &other;
    one = logged_in("alice");
    assert_true(is_in(one));
    assert_true(is_in(other));
    assert_int_equal(end_roster("alice"), 3);
    assert_false(is_in(one));
    assert_false(is_in(other));
}

static void many_at_once(void **state)
{
    (void)state;
    logged_in("alice");
    site.store.conflicts = CP_ROSTER_MAX / 2;
    assert_true(is_in(logged_in("alice")));
    assert_int_equal(end_roster("alice"), 2);
}

static void a_changed_roster_is_empty(void **state)
{
    memory_record *roster;

    (void)state;
    logged_in("alice");
    roster = roster_only();
    for (apr_size_t i = 0; i < roster->length; i++) {
        roster->value[i] = (char)(roster->value[i] ^ 4);
        assert_int_equal(end_roster("alice"), 0);
        roster->value[i] = (char)(roster->value[i] ^ 4);
    }
    roster->value[20] = (char)(roster->value[20] ^ 4);
    assert_true(is_in(logged_in("alice")));
    assert_int_equal(end_roster("alice"), 1);
}

static void without_a_store_nobody_logs_in(void **state)
{
    cp_listing where = here();
    apr_uint32_t ended;
    cp_visit *visit;

    (void)state;
    sample_browse(&site);
    visit = sample_visit(&site);
    site.store.away = true;
    assert_int_equal(sample_login(&site, visit, "alice"), APR_ECONNREFUSED);
    assert_null(cp_session_user(visit));
    assert_int_equal(cp_roster_end(&where, SAMPLE_REALM, "alice", &ended,
                                   site.pool), APR_ECONNREFUSED);
}

/* A store that cannot list finds one user's sessions all the same. */
static void where_nothing_can_be_listed(void **state)
{
    cp_whose alice = { "alice", SAMPLE_REALM, NULL };
    cp_whose all = { NULL, SAMPLE_REALM, NULL };
    cp_listing where = here();
    const char *token = logged_in("alice");
    const char *bob = logged_in("bob");
    apr_uint32_t ended;

    (void)state;
    site.store.unlisted = true;
    assert_int_equal(cp_listing_end(&where, &all, &ended, site.pool),
                     APR_ENOTIMPL);
    assert_int_equal(cp_listing_end(&where, &alice, &ended, site.pool),
                     APR_SUCCESS);
    assert_int_equal(ended, 1);
    assert_false(is_in(token));
    assert_true(is_in(bob));
}

static apr_status_t everywhere(cp_visit *visit, const char *login)
{
    cp_session_change change = { .login = login, .logout = true,
                                 .everywhere = true };

    change.set = apr_table_make(site.pool, 1);
    return cp_session_apply(visit, &change);
}

static void a_logout_everywhere(void **state)
{
    const char *one = logged_in("alice");
    const char *other = logged_in("alice");
    const char *bob = logged_in("bob");
    cp_visit *visit;

    (void)state;
    site.request.welcomes = false;
    assert_int_equal(everywhere(visit_with(one), NULL), APR_EACCES);
    assert_true(is_in(one) && is_in(other));
    site.request.welcomes = true;
    visit = visit_with(one);
    assert_int_equal(everywhere(visit, NULL), APR_SUCCESS);
    assert_null(cp_session_user(visit));
    assert_false(is_in(one) || is_in(other));
    assert_true(is_in(bob));
    /* Of nobody it is a logout like any. */
    assert_int_equal(everywhere(sample_request(&site, NULL), NULL),
                     APR_SUCCESS);
}

static void all_others_when_a_password_changes(void **state)
{
    const char *one = logged_in("alice");
    const char *other = logged_in("alice");
    cp_visit *visit = visit_with(one);
    const char *new;

    (void)state;
    assert_int_equal(everywhere(visit, "alice"), APR_SUCCESS);
    new = cp_visit_value(visit, CP_SESSION);
    assert_string_not_equal(new, one);
    assert_true(is_in(new));
    assert_false(is_in(one) || is_in(other));
    assert_int_equal(end_roster("alice"), 1);
}

static void not_everywhere_without_a_store(void **state)
{
    const char *one = logged_in("alice");
    cp_visit *visit = visit_with(one);

    (void)state;
    site.store.away = true;
    assert_int_equal(everywhere(visit, NULL), APR_ECONNREFUSED);
    site.store.away = false;
    assert_true(is_in(one));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_are_found),
        TEST(of_one_realm_only),
        TEST(nobody_has_none),
        TEST(the_oldest_goes),
        TEST(the_oldest_of_full_goes),
        TEST(where_values_are_short),
        TEST(a_store_that_takes_nothing_ends_nothing),
        TEST(what_is_over_does_not_count),
        TEST(it_is_in_use_while_its_sessions_are),
        TEST(a_rotation_is_no_second_session),
        TEST(under_a_new_key),
        TEST(two_at_once),
        TEST(many_at_once),
        TEST(a_changed_roster_is_empty),
        TEST(without_a_store_nobody_logs_in),
        TEST(where_nothing_can_be_listed),
        TEST(a_logout_everywhere),
        TEST(all_others_when_a_password_changes),
        TEST(not_everywhere_without_a_store),
    };

    return cmocka_run_group_tests(tests, pool_setup, pool_teardown);
}
