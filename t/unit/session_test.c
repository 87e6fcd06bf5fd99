/**
 * @file session_test.c
 * @brief Sessions: stateless until something is stored, new ids at every
 *        change of hands, sealed records, duplicates, and a store that is
 *        away or has others at work in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "token.h"
#include "visit_fixture.h"

/* Where the issue time, the flags and the key's number are in an id. */
#define AT_TIME 16
#define AT_FLAGS 20
#define AT_KEY 21

static cp_reason reason_of(const cp_visit *visit)
{
    return visit->verdicts[CP_SESSION].reason;
}

static const char *token_of(cp_visit *visit)
{
    return cp_visit_value(visit, CP_SESSION);
}

static int records(void)
{
    return memory_store_records(&site.store, site.request.now);
}

/* A browser of its own, logged in; its sessionid. */
static const char *logged_in(const char *user)
{
    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    {
        cp_visit *visit = sample_visit(&site);

        assert_int_equal(sample_login(&site, visit, user), APR_SUCCESS);
        sample_take(&site, visit, false);
    }
    return site.jar[CP_SESSION];
}

/* Likewise, with something stored and nobody logged in. */
static const char *stored(const char *name, const char *value)
{
    cp_visit *visit;

    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    visit = sample_visit(&site);
    assert_int_equal(sample_store(&site, visit, name, value), APR_SUCCESS);
    sample_take(&site, visit, false);
    return site.jar[CP_SESSION];
}

static const char *stateless(void)
{
    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    return site.jar[CP_SESSION];
}

static cp_visit *visit_with(const char *token)
{
    return sample_request(&site, sample_pair(&site, CP_SESSION, token));
}

static cp_visit *visit_with_two(const char *one, const char *two)
{
    return sample_request(&site, apr_pstrcat(site.pool, "sessionid=", one,
                                             "; sessionid=", two, NULL));
}

static void nothing_is_issued(cp_visit *visit)
{
    const char *lines[CP_MANAGED_COUNT];

    cp_visit_issue(visit, true, lines);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        assert_null(lines[i]);
    }
}

static void is_anonymous(cp_visit *visit)
{
    assert_null(token_of(visit));
    assert_null(cp_session_user(visit));
    assert_null(cp_session_attributes(visit));
    assert_null(cp_session_reference(visit));
}

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
    assert_int_equal(sample_store(&site, visit, "a", "1"), APR_EACCES);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

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
        TEST(a_dump_gives_nothing_away),
        TEST(a_changed_record_is_none),
        TEST(a_record_holds_under_its_name_alone),
        TEST(owners),
        TEST(the_better_one_wins),
        TEST(invalid_ones_are_ignored),
        TEST(many_planted_ones),
        TEST(two_users_are_nobody),
        TEST(twice_the_same_is_one),
        TEST(away_is_anonymous),
        TEST(away_when_something_is_to_be_stored),
        TEST(a_change_is_tried_again),
        TEST(no_change_is_lost),
        TEST(attribute_names),
        TEST(values_come_back),
        TEST(there_is_an_end_to_it),
        TEST(so_many_attributes),
        TEST(references),
        TEST(sessions_off),
    };

    return cmocka_run_group_tests_name("session", tests, setup, teardown);
}
