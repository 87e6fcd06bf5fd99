/**
 * @file listing_test.c
 * @brief Sessions seen and ended without their cookies: labels, whom a choice
 *        means, keys that are gone, stores that cannot list or are away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "listing.h"
#include "token.h"
#include "visit_fixture.h"

static const cp_whose everybody = { NULL, NULL, NULL };

/* A browser of its own, logged in, or with something stored. */
static const char *newcomer(const char *user)
{
    cp_visit *visit;

    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    visit = sample_visit(&site);
    assert_int_equal(user ? sample_login(&site, visit, user)
                          : sample_store(&site, visit, "a", "1"),
                     APR_SUCCESS);
    sample_take(&site, visit, false);
    return site.jar[CP_SESSION];
}

static cp_visit *visit_with(const char *token)
{
    return sample_request(&site, sample_pair(&site, CP_SESSION, token));
}

static cp_listing listing(void)
{
    return (cp_listing){ site.site.ring, site.site.store, site.request.now };
}

typedef struct seen {
    int count;
    int limit;                  /* stops after so many; 0: never */
    cp_listed last;
    char realm[256];
    char user[256];
} seen;

static bool look(void *data, const cp_listed *one)
{
    seen *all = data;

    all->count++;
    all->last = *one;
    all->realm[0] = all->user[0] = '\0';
    if (one->status == APR_SUCCESS) {
        apr_cpystrn(all->realm, one->label.realm.at, sizeof(all->realm));
        apr_cpystrn(all->user, one->label.user ? one->label.user : "",
                    sizeof(all->user));
    }
    return all->count != all->limit;
}

static seen walk(const cp_whose *whose)
{
    cp_listing where = listing();
    seen all = { 0 };

    assert_int_equal(cp_listing_walk(&where, whose, look, &all, site.pool),
                     APR_SUCCESS);
    return all;
}

static int count(const char *user, const char *realm, const char *reference)
{
    cp_whose whose = { user, realm, reference };

    return walk(&whose).count;
}

static apr_uint32_t end_all(const char *user, const char *realm,
                            const char *reference)
{
    cp_whose whose = { user, realm, reference };
    cp_listing where = listing();
    apr_uint32_t ended = 99;

    assert_int_equal(cp_listing_end(&where, &whose, &ended, site.pool),
                     APR_SUCCESS);
    return ended;
}

static void a_label_says_whose_it_is(void **state)
{
    const char *token = newcomer("alice");
    const char *reference = cp_session_reference(visit_with(token));
    seen all;

    (void)state;
    site.request.now += 100;
    visit_with(token);
    site.request.now += 7;
    all = walk(&everybody);
    assert_int_equal(all.count, 1);
    assert_int_equal(all.last.status, APR_SUCCESS);
    assert_string_equal(all.user, "alice");
    assert_string_equal(all.realm, SAMPLE_REALM);
    assert_string_equal(all.last.reference, reference);
    assert_int_equal(all.last.label.created, SAMPLE_NOW);
    assert_int_equal(all.last.used, SAMPLE_NOW + 100);
    assert_int_equal(all.last.expires, SAMPLE_NOW + 100 + SAMPLE_IDLE);
    assert_int_equal(all.last.label.key, 7);
    all = walk(&everybody);
    assert_int_equal(all.last.used, SAMPLE_NOW + 100);
}

static void nobody_has_no_name(void **state)
{
    seen all;

    (void)state;
    newcomer(NULL);
    all = walk(&everybody);
    assert_int_equal(all.count, 1);
    assert_null(all.last.label.user);
    assert_int_equal(count("", NULL, NULL), 0);
}

static void a_choice_means_some(void **state)
{
    const char *reference;

    (void)state;
    newcomer("alice");
    newcomer("alice");
    reference = cp_session_reference(visit_with(newcomer("bob")));
    site.request.realm = CP_SPAN("other.example.org");
    newcomer("alice");
    newcomer(NULL);
    assert_int_equal(walk(&everybody).count, 5);
    assert_int_equal(count("alice", NULL, NULL), 3);
    assert_int_equal(count("alice", SAMPLE_REALM, NULL), 2);
    assert_int_equal(count(NULL, "other.example.org", NULL), 2);
    assert_int_equal(count(NULL, NULL, reference), 1);
    assert_int_equal(count("alice", NULL, reference), 0);
    assert_int_equal(count("alic", NULL, NULL), 0);
    assert_int_equal(count(NULL, "www.example", NULL), 0);
}

static void a_visitor_may_stop(void **state)
{
    cp_listing where = listing();
    seen all = { .limit = 2 };

    (void)state;
    for (int i = 0; i < 5; i++) {
        newcomer("alice");
    }
    assert_int_equal(cp_listing_walk(&where, &everybody, look, &all,
                                     site.pool), APR_SUCCESS);
    assert_int_equal(all.count, 2);
}

static void what_is_rotated_is_one(void **state)
{
    cp_session_change change = { .rotate = true };
    const char *token = newcomer("alice");
    cp_visit *visit = visit_with(token);

    (void)state;
    change.set = apr_table_make(site.pool, 1);
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    assert_int_equal(walk(&everybody).count, 1);
    assert_int_equal(end_all("alice", NULL, NULL), 1);
    assert_null(cp_session_user(visit_with(token)));
}

static void they_are_ended(void **state)
{
    const char *alice = newcomer("alice");
    const char *again = newcomer("alice");
    const char *bob = newcomer("bob");

    (void)state;
    assert_int_equal(end_all("carol", NULL, NULL), 0);
    assert_int_equal(end_all(NULL, NULL, NULL), 0);
    assert_int_equal(end_all(NULL, NULL, cp_session_reference(
                                             visit_with(again))), 1);
    assert_null(cp_session_user(visit_with(again)));
    assert_int_equal(end_all("alice", SAMPLE_REALM, NULL), 1);
    assert_null(cp_session_user(visit_with(alice)));
    assert_string_equal(cp_session_user(visit_with(bob)), "bob");
    assert_int_equal(end_all(NULL, SAMPLE_REALM, NULL), 1);
    assert_null(cp_session_user(visit_with(bob)));
}

static void a_key_that_is_gone(void **state)
{
    seen all;

    (void)state;
    newcomer("alice");
    site.keys.list[0].revoked = true;
    sample_rekey(&site);
    all = walk(&everybody);
    assert_int_equal(all.count, 1);
    assert_int_equal(all.last.status, APR_EACCES);
    assert_int_equal(all.last.label.key, 7);
    assert_int_equal(count("alice", NULL, NULL), 0);
    site.keys.list[0] = sample_key(8, 10);
    sample_rekey(&site);
    assert_int_equal(walk(&everybody).last.status, APR_EACCES);
    site.keys.list[0].id = 7;
    sample_rekey(&site);
    assert_int_equal(walk(&everybody).last.status, APR_EGENERAL);
}

static memory_record *record_of(const char *token)
{
    cp_store_name name;

    assert_true(cp_record_name(visit_with(token),
                               &visit_with(token)->session->id, &name));
    return memory_find(&site.store, &name, site.request.now);
}

static void a_changed_label_is_none(void **state)
{
    memory_record *record = record_of(newcomer("alice"));
    apr_size_t length = cp_label_length(cp_span_make(record->value,
                                                     record->length));

    (void)state;
    assert_true(length > 0 && length < record->length);
    for (apr_size_t i = 0; i < length; i++) {
        record->value[i] = (char)(record->value[i] ^ 0x10);
        assert_int_equal(count("alice", NULL, NULL), 0);
        record->value[i] = (char)(record->value[i] ^ 0x10);
    }
    for (apr_size_t i = 0; i < length; i++) {
        record->length = i;
        assert_int_equal(walk(&everybody).last.status, APR_EGENERAL);
    }
}

/* A label of somebody else's session, and one under another name. */
static void a_label_holds_for_its_record_alone(void **state)
{
    const char *alice = newcomer("alice");
    memory_record *record = record_of(alice);
    memory_record *other = record_of(newcomer("bobby"));
    apr_size_t length = cp_label_length(cp_span_make(record->value,
                                                     record->length));

    (void)state;
    memcpy(record->value, other->value, length);
    assert_int_equal(count("bobby", NULL, NULL), 1);
    assert_int_equal(count("alice", NULL, NULL), 0);
    assert_null(cp_session_user(visit_with(alice)));
}

static void the_longest_names(void **state)
{
    char *user = apr_pcalloc(site.pool, 256);
    char *realm = apr_pcalloc(site.pool, 256);

    (void)state;
    memset(user, 'u', 255);
    memset(realm, 'r', 253);
    site.request.realm = cp_span_of(realm);
    newcomer(user);
    assert_int_equal(count(user, realm, NULL), 1);
}

static void stores_that_do_not_say(void **state)
{
    cp_listing where = listing();
    cp_whose alice = { "alice", NULL, NULL };
    apr_uint32_t ended;
    seen all = { 0 };

    (void)state;
    newcomer("alice");
    site.store.unlisted = true;
    assert_int_equal(cp_listing_walk(&where, &everybody, look, &all,
                                     site.pool), APR_ENOTIMPL);
    assert_int_equal(cp_listing_end(&where, &alice, &ended, site.pool),
                     APR_ENOTIMPL);
    site.store.unlisted = false;
    site.store.away = true;
    assert_int_equal(cp_listing_walk(&where, &everybody, look, &all,
                                     site.pool), APR_ECONNREFUSED);
    assert_int_equal(cp_listing_end(&where, &alice, &ended, site.pool),
                     APR_ECONNREFUSED);
    assert_int_equal(all.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_label_says_whose_it_is),
        TEST(nobody_has_no_name),
        TEST(a_choice_means_some),
        TEST(a_visitor_may_stop),
        TEST(what_is_rotated_is_one),
        TEST(they_are_ended),
        TEST(a_key_that_is_gone),
        TEST(a_changed_label_is_none),
        TEST(a_label_holds_for_its_record_alone),
        TEST(the_longest_names),
        TEST(stores_that_do_not_say),
    };

    return cmocka_run_group_tests(tests, pool_setup, pool_teardown);
}
