/**
 * @file session_time_test.c
 * @brief Sessions in time: rotation and its grace, timeouts, a store that
 *        is away, and others at work in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "session_sample.h"

/* --- Rotation --------------------------------------------------------- */

static cp_visit *rotated(void)
{
    cp_session_change change = sample_set(&site, NULL, NULL);
    cp_visit *visit = sample_visit(&site);

    change.rotate = true;
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    sample_take(&site, visit, false);
    return visit;
}

static void a_rotation_has_its_grace(void **state)
{
    const char *before = logged_in("alice");
    const char *csrf = site.jar[CP_CSRF];
    cp_visit *visit;

    (void)state;
    rotated();
    assert_string_not_equal(site.jar[CP_SESSION], before);
    assert_string_equal(site.jar[CP_CSRF], csrf);
    visit = sample_visit(&site);
    assert_string_equal(cp_session_user(visit), "alice");
    assert_true(cp_csrf_check(visit, cp_span_of(csrf)));

    for (apr_uint32_t later = 0; later < CP_SESSION_GRACE; later++) {
        site.request.now = SAMPLE_NOW + later;
        visit = sample_request(&site, apr_psprintf(
            site.pool, "sessionid=%s; csrftoken=%s", before, csrf));
        assert_string_equal(cp_session_user(visit), "alice");
        assert_true(visit->session->grace);
        assert_true(cp_csrf_check(visit, cp_span_of(csrf)));
        /* It can change what is stored, and is never given a cookie. */
        assert_int_equal(sample_store(&site, visit, "n",
                                      apr_itoa(site.pool, (int)later)),
                         APR_SUCCESS);
        assert_int_equal(sample_login(&site, visit, "eve"), APR_EACCES);
        cp_visit_need(visit, CP_CSRF);
        nothing_is_issued(visit);
        assert_string_equal(sample_attribute(sample_visit(&site), "n"),
                            apr_itoa(site.pool, (int)later));
    }
    site.request.now = SAMPLE_NOW + CP_SESSION_GRACE;
    visit = visit_with(before);
    assert_int_equal(reason_of(visit), CP_ENDED);
    assert_string_equal(cp_session_user(sample_visit(&site)), "alice");
}

static void a_grace_ends_with_its_session(void **state)
{
    const char *before = logged_in("alice");
    const char *between;

    (void)state;
    rotated();
    between = site.jar[CP_SESSION];
    rotated();
    assert_int_equal(reason_of(visit_with(before)), CP_ENDED);
    assert_string_equal(cp_session_user(visit_with(between)), "alice");
    assert_int_equal(cp_session_end(sample_visit(&site)), APR_SUCCESS);
    assert_int_equal(reason_of(visit_with(before)), CP_ENDED);
    assert_int_equal(reason_of(visit_with(between)), CP_ENDED);
}

static void both_ids_of_a_rotation_are_one_session(void **state)
{
    const char *before = logged_in("alice");
    cp_visit *visit;

    (void)state;
    rotated();
    for (int i = 0; i < 2; i++) {
        const char *now = site.jar[CP_SESSION];

        visit = visit_with_two(i ? before : now, i ? now : before);
        assert_int_equal(reason_of(visit), CP_VALID);
        assert_string_equal(cp_session_user(visit), "alice");
        assert_false(visit->session->grace);
        assert_string_equal(token_of(visit), now);
    }
}

static void a_rotation_does_not_set_back_the_clock(void **state)
{
    cp_visit *visit = NULL;

    (void)state;
    logged_in("alice");
    while (site.request.now + 1000 < SAMPLE_NOW + SAMPLE_ABSOLUTE) {
        site.request.now += 1000;
        visit = rotated();
        assert_string_equal(cp_session_user(visit), "alice");
    }
    site.request.now = SAMPLE_NOW + SAMPLE_ABSOLUTE;
    visit = sample_visit(&site);
    assert_true(reason_of(visit) != CP_VALID);
    assert_null(cp_session_user(visit));
}

/* Nobody whom the old id or its token was planted by gets in. */
static void what_is_severed_has_no_grace(void **state)
{
    cp_session_change change = sample_set(&site, NULL, NULL);
    const char *before = stored("a", "1");
    const char *csrf = site.jar[CP_CSRF];
    cp_visit *visit = sample_visit(&site);

    (void)state;
    change.sever = true;
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    sample_take(&site, visit, false);
    assert_string_not_equal(site.jar[CP_SESSION], before);
    assert_int_equal(reason_of(visit_with(before)), CP_ENDED);
    visit = sample_visit(&site);
    assert_string_equal(sample_attribute(visit, "a"), "1");
    assert_false(cp_csrf_check(visit, cp_span_of(csrf)));
    assert_true(cp_csrf_check(visit, cp_span_of(site.jar[CP_CSRF])));
}

/* Nothing stored any more, but open forms are as good as ever. */
static void an_emptied_session_is_rotated(void **state)
{
    const char *csrf;
    cp_visit *visit;

    (void)state;
    stored("a", "1");
    csrf = site.jar[CP_CSRF];
    assert_int_equal(sample_store(&site, sample_visit(&site), "a", ""),
                     APR_SUCCESS);
    rotated();
    visit = sample_visit(&site);
    assert_int_equal(reason_of(visit), CP_VALID);
    assert_int_equal(visit->verdicts[CP_CSRF].reason, CP_VALID);
    assert_true(cp_csrf_check(visit, cp_span_of(site.jar[CP_CSRF])));
    assert_string_equal(site.jar[CP_CSRF], csrf);
}

static void end_in_another_process(void *data)
{
    sample *s = data;
    int loads = s->store.loads;

    assert_int_equal(cp_session_end(sample_visit(s)), APR_SUCCESS);
    s->store.loads = loads;
}

/* A logout that comes between a rotation's look and its deed. */
static void a_rotation_brings_nothing_back(void **state)
{
    cp_session_change change = sample_set(&site, NULL, NULL);
    const char *before = logged_in("alice");
    cp_visit *visit = sample_visit(&site);

    (void)state;
    site.store.before_save = end_in_another_process;
    site.store.data = &site;
    change.rotate = true;
    assert_int_not_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    sample_take(&site, visit, true);
    assert_null(cp_session_user(sample_visit(&site)));
    assert_null(cp_session_user(visit_with(before)));
    assert_int_equal(records(), 0);
}

static void a_change_brings_nothing_back(void **state)
{
    cp_visit *visit;

    (void)state;
    logged_in("alice");
    visit = sample_visit(&site);
    site.store.before_save = end_in_another_process;
    site.store.data = &site;
    assert_int_not_equal(sample_store(&site, visit, "a", "1"), APR_SUCCESS);
    assert_int_equal(records(), 0);
    assert_null(cp_session_user(sample_visit(&site)));
}

/* --- Time ------------------------------------------------------------- */

static void idle_sessions_end(void **state)
{
    const char *token = logged_in("alice");

    (void)state;
    site.request.now = SAMPLE_NOW + SAMPLE_IDLE - 1;
    assert_string_equal(cp_session_user(visit_with(token)), "alice");
    site.request.now += SAMPLE_IDLE - 1;
    assert_string_equal(cp_session_user(visit_with(token)), "alice");
    site.request.now += SAMPLE_IDLE;
    assert_int_equal(reason_of(visit_with(token)), CP_ENDED);
}

static void busy_sessions_end_too(void **state)
{
    const char *token = logged_in("alice");

    (void)state;
    while (site.request.now + 600 < SAMPLE_NOW + SAMPLE_ABSOLUTE) {
        site.request.now += 600;
        assert_string_equal(cp_session_user(visit_with(token)), "alice");
    }
    site.request.now = SAMPLE_NOW + SAMPLE_ABSOLUTE;
    assert_true(reason_of(visit_with(token)) != CP_VALID);
    for (int i = 0; i < STORE_MEMORY_RECORDS; i++) {
        assert_true(site.store.records[i].expires
                    <= SAMPLE_NOW + SAMPLE_ABSOLUTE);
    }
}

/* A shorter timeout holds for what is there already. */
static void a_shorter_timeout_holds_at_once(void **state)
{
    const char *token = logged_in("alice");

    (void)state;
    site.request.now = SAMPLE_NOW + 1000;
    assert_string_equal(cp_session_user(visit_with(token)), "alice");
    site.site.absolute = 900;
    assert_int_equal(reason_of(visit_with(token)), CP_EXPIRED);
}

static void touched_once_in_a_sixtieth(void **state)
{
    const char *token = logged_in("alice");
    int saves = site.store.saves;

    (void)state;
    for (apr_uint32_t later = 0; later < SAMPLE_IDLE; later++) {
        site.request.now = SAMPLE_NOW + later;
        assert_string_equal(cp_session_user(visit_with(token)), "alice");
    }
    assert_in_range(site.store.touches, 30, 60);
    assert_int_equal(site.store.saves, saves);
}

static void at_the_end_of_time(void **state)
{
    const char *token;

    (void)state;
    site.request.now = UINT32_MAX - 10;
    token = logged_in("alice");
    assert_int_equal(reason_of(visit_with(token)), CP_VALID);
    assert_string_equal(cp_session_user(visit_with(token)), "alice");
}

/* --- A store that is away --------------------------------------------- */

static void away_is_anonymous(void **state)
{
    const char *alice = logged_in("alice");
    const char *plain = stateless();
    cp_visit *visit;

    (void)state;
    site.store.away = true;
    visit = visit_with(alice);
    assert_int_equal(reason_of(visit), CP_STORE_AWAY);
    is_anonymous(visit);
    cp_visit_need(visit, CP_CSRF);
    assert_int_equal(sample_store(&site, visit, "a", "1"), APR_EGENERAL);
    nothing_is_issued(visit);
    assert_int_not_equal(cp_session_end(visit), APR_SUCCESS);
    nothing_is_issued(visit);

    /* A stateless one beside it is not taken for it. */
    for (int i = 0; i < 2; i++) {
        visit = visit_with_two(i ? alice : plain, i ? plain : alice);
        assert_int_equal(reason_of(visit), CP_STORE_AWAY);
        nothing_is_issued(visit);
    }
    /* Newcomers need no store. */
    assert_int_equal(reason_of(visit_with(plain)), CP_VALID);
    assert_non_null(token_of(sample_request(&site, NULL)));

    site.store.away = false;
    assert_string_equal(cp_session_user(visit_with(alice)), "alice");
}

static void away_when_something_is_to_be_stored(void **state)
{
    const char *plain = stateless();
    const char *alice;
    cp_visit *visit = visit_with(plain);
    apr_status_t status;

    (void)state;
    site.store.away = true;
    status = sample_store(&site, visit, "a", "1");
    assert_true(status != APR_SUCCESS && status != APR_EACCES
                && status != APR_ENOSPC);
    assert_string_equal(token_of(visit), plain);
    assert_int_equal(visit->verdicts[CP_SESSION].issuance, CP_ISSUE_NOTHING);
    assert_null(cp_session_attributes(visit));
    site.store.away = false;
    alice = logged_in("alice");
    visit = visit_with(alice);
    site.store.away = true;
    assert_int_not_equal(sample_store(&site, visit, "a", "1"), APR_SUCCESS);
    assert_null(sample_attribute(visit, "a"));
    assert_int_not_equal(cp_session_end(visit), APR_SUCCESS);
    assert_string_equal(token_of(visit), alice);
}

/* --- Others at work --------------------------------------------------- */

static void a_change_is_tried_again(void **state)
{
    const char *token = stored("a", "1");
    cp_visit *visit = visit_with(token);

    (void)state;
    site.store.conflicts = 2;
    assert_int_equal(sample_store(&site, visit, "b", "2"), APR_SUCCESS);
    assert_int_equal(site.store.conflicts, 0);
    assert_string_equal(sample_attribute(visit_with(token), "b"), "2");

    site.store.conflicts = 1000;
    visit = visit_with(token);
    assert_int_not_equal(sample_store(&site, visit, "c", "3"), APR_SUCCESS);
    assert_true(site.store.conflicts > 900);
    site.store.conflicts = 0;
    assert_null(sample_attribute(visit_with(token), "c"));
    assert_string_equal(sample_attribute(visit_with(token), "a"), "1");
}

static const char *others_token;

static void set_in_another_process(void *data)
{
    sample *s = data;
    cp_visit *visit = sample_request(s, sample_pair(s, CP_SESSION,
                                                    others_token));

    assert_int_equal(sample_store(s, visit, "theirs", "1"), APR_SUCCESS);
}

static void no_change_is_lost(void **state)
{
    cp_visit *visit;

    (void)state;
    others_token = stored("a", "1");
    visit = visit_with(others_token);
    site.store.before_save = set_in_another_process;
    site.store.data = &site;
    assert_int_equal(sample_store(&site, visit, "ours", "1"), APR_SUCCESS);
    visit = visit_with(others_token);
    assert_string_equal(sample_attribute(visit, "a"), "1");
    assert_string_equal(sample_attribute(visit, "ours"), "1");
    assert_string_equal(sample_attribute(visit, "theirs"), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_rotation_has_its_grace),
        TEST(a_grace_ends_with_its_session),
        TEST(both_ids_of_a_rotation_are_one_session),
        TEST(a_rotation_does_not_set_back_the_clock),
        TEST(what_is_severed_has_no_grace),
        TEST(an_emptied_session_is_rotated),
        TEST(a_rotation_brings_nothing_back),
        TEST(a_change_brings_nothing_back),
        TEST(idle_sessions_end),
        TEST(busy_sessions_end_too),
        TEST(a_shorter_timeout_holds_at_once),
        TEST(touched_once_in_a_sixtieth),
        TEST(at_the_end_of_time),
        TEST(away_is_anonymous),
        TEST(away_when_something_is_to_be_stored),
        TEST(a_change_is_tried_again),
        TEST(no_change_is_lost),
    };

    return cmocka_run_group_tests_name("session_time", tests, pool_setup,
                                       pool_teardown);
}
