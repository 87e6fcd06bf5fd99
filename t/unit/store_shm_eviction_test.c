/**
 * @file store_shm_eviction_test.c
 * @brief A store in shared memory that is full: which record has to go for
 *        another, and which may not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_absent.h"
#include "store_shm_fixture.h"

/* A number, not below @a from, whose record is in the first shard of two. */
static apr_uint64_t same_shard(apr_uint64_t from)
{
    while (sample_name(from).bytes[0] & 1) {
        from++;
    }
    return from;
}

/* Fills the first shard with values of @a length bytes, one a second, and
 * gives how many there were room for. The last one is at *@a last. */
static int fill(fixture *f, apr_uint64_t first, apr_size_t length,
                apr_uint64_t owner, apr_uint64_t *last)
{
    apr_uint64_t number = same_shard(first);
    int count = 0;

    while (counts(f, NOW).evicted == 0
           && add(f, number, length, NOW + (apr_uint32_t)count, owner) == 0) {
        *last = number;
        number = same_shard(number + 1);
        count++;
    }
    return count;
}

static void test_eviction_least_recent(void **state)
{
    fixture *f = *state;
    apr_uint64_t last, first = same_shard(0), second = same_shard(first + 1);
    apr_uint64_t third = same_shard(second + 1);
    int room = fill(f, 0, 4000, 0, &last);
    cp_store_counts mishaps = { 0 };

    assert_true(room > 100);
    assert_int_equal(counts(f, NOW).evicted, 1);
    assert_int_equal(get(f, first, NOW + 500, NULL), APR_NOTFOUND);
    assert_int_equal(get(f, second, NOW + 500, NULL), APR_SUCCESS);
    assert_int_equal(add(f, same_shard(last + 1), 4000, NOW + 501, 0), 0);
    assert_int_equal(get(f, second, NOW + 502, NULL), APR_SUCCESS);
    assert_int_equal(get(f, third, NOW + 502, NULL), APR_NOTFOUND);
    assert_int_equal(counts(f, NOW).evicted, 2);
    cp_store_shm_mishaps(f->store, &mishaps);
    assert_int_equal(mishaps.evicted, 2);
    assert_int_equal(mishaps.repaired, 0);
    cp_store_shm_mishaps(cp_store_absent_make(f->pool), &mishaps);
    assert_int_equal(mishaps.evicted, 2);
}

static void test_eviction_expired_first(void **state)
{
    fixture *f = *state;
    apr_uint64_t last, second = same_shard(same_shard(0) + 1);
    apr_uint64_t recent = same_shard(1000000);

    assert_int_equal(add(f, recent, 4000, NOW + 400, OWNER), APR_SUCCESS);
    fill(f, 0, 4000, 0, &last);
    assert_int_equal(counts(f, NOW).evicted, 1);
    assert_int_equal(touch(f, recent, NOW + 400, NOW + 410), APR_SUCCESS);
    /* It has only just expired, and was used last. */
    assert_int_equal(add(f, same_shard(last + 1), 4000, NOW + 410, 0), 0);
    assert_int_equal(counts(f, NOW).evicted, 1);
    assert_int_equal(counts(f, NOW).expired, 1);
    assert_int_equal(get(f, second, NOW + 410, NULL), APR_SUCCESS);
    /* Long expired ones. */
    assert_int_equal(add(f, same_shard(last + 2000), 16000, NOW + DAY, 0), 0);
    assert_int_equal(counts(f, NOW).evicted, 1);
}

static void test_eviction_anonymous_first(void **state)
{
    fixture *f = *state;
    apr_uint64_t owned[5], last, number = same_shard(0);
    int i, room;

    for (i = 0; i < 5; i++) {
        owned[i] = number;
        assert_int_equal(add(f, number, 4000, NOW, OWNER), APR_SUCCESS);
        number = same_shard(number + 1);
    }
    room = fill(f, number, 4000, 0, &last);
    number = last;
    for (i = 2; i < room; i++) {
        number = same_shard(number + 1);
        assert_int_equal(add(f, number, 4000, NOW + 999, OWNER), APR_SUCCESS);
    }
    for (i = 0; i < 5; i++) {
        assert_int_equal(get(f, owned[i], NOW + 999, NULL), APR_SUCCESS);
    }
    assert_int_equal(counts(f, NOW).anonymous, 1);
    number = same_shard(number + 1);
    assert_int_equal(add(f, number, 4000, NOW + 999, OWNER), APR_SUCCESS);
    assert_int_equal(counts(f, NOW).anonymous, 0);
    /* Only owned ones are left: an anonymous one must not touch them. */
    i = (int)counts(f, NOW).evicted;
    number = same_shard(number + 1);
    assert_int_equal(add(f, number, 4000, NOW + 1000, 0), APR_ENOSPC);
    assert_int_equal(counts(f, NOW).evicted, i);
    assert_int_equal(add(f, number, 4000, NOW + 1000, OWNER), APR_SUCCESS);
    assert_int_equal(counts(f, NOW).evicted, i + 1);
}

static apr_uint64_t owner_in(apr_uint64_t realm, apr_uint64_t user)
{
    return (sample_mix(realm) << CP_OWNER_REALM_SHIFT & CP_OWNER_REALM)
           | (user ? user : CP_OWNER_ANONYMOUS);
}

static int count_alive(fixture *f, apr_uint64_t first, int records)
{
    int alive = 0;

    for (int i = 0; i < records; i++) {
        alive += get(f, first + (apr_uint64_t)i, NOW + 99, NULL) == 0;
    }
    return alive;
}

/* Records of many realms are there, then one realm makes more than there is
 * room for. It may have the group of another in one of the two shards, once
 * or twice in 64, and never of a fifth of them. */
static void flood(fixture *f, apr_uint64_t user)
{
    enum { REALMS = 32, EACH = 10, FLOOD = 6000 };
    apr_uint64_t number = 0;

    for (int i = 0; i < REALMS; i++) {
        for (int j = 0; j < EACH; j++) {
            assert_int_equal(put(f, sample_name(number),
                                 sample_value(buffer, number, 0, 200), NOW,
                                 NOW + HOUR, owner_in((apr_uint64_t)i, user),
                                 &(apr_uint32_t){ 0 }), APR_SUCCESS);
            number++;
        }
    }
    for (int i = 0; i < FLOOD; i++) {
        assert_int_equal(put(f, sample_name(number),
                             sample_value(buffer, number, 0, 200), NOW + 50,
                             NOW + HOUR, owner_in(99, user),
                             &(apr_uint32_t){ 0 }), APR_SUCCESS);
        number++;
    }
    assert_true(counts(f, NOW + 99).evicted > FLOOD / 3);
    assert_true(count_alive(f, 0, REALMS * EACH) > REALMS * EACH * 4 / 5);
}

static void test_eviction_by_realm(void **state)
{
    flood(*state, 0);
}

static void test_eviction_by_realm_of_users(void **state)
{
    flood(*state, 7);
}

/* A record that is replaced is never evicted to make room for itself. */
static void test_eviction_spares_the_replaced(void **state)
{
    fixture *f = *state;
    apr_uint64_t last, oldest = same_shard(0);
    cp_store_record record;

    while (add(f, oldest, 4000, NOW, OWNER) == APR_SUCCESS
           && counts(f, NOW).evicted == 0) {
        oldest = same_shard(oldest + 1);
    }
    last = oldest;
    oldest = same_shard(same_shard(0) + 1);
    assert_int_equal(get(f, oldest, NOW, &record), APR_SUCCESS);
    assert_int_equal(put(f, sample_name(oldest),
                         sample_value(buffer, oldest, 1, SAMPLE_MAX), NOW,
                         NOW + HOUR, OWNER, &record.revision), APR_SUCCESS);
    assert_int_equal(get(f, oldest, NOW, &record), APR_SUCCESS);
    assert_true(sample_matches(record.value, oldest, 1, SAMPLE_MAX));
    assert_int_equal(get(f, last, NOW, NULL), APR_SUCCESS);
    /* As an anonymous one it may not push others out, and stays as it is. */
    assert_int_equal(put(f, sample_name(oldest), CP_SPAN("x"), NOW,
                         NOW + HOUR, 0, &record.revision), APR_SUCCESS);
    while (add(f, last = same_shard(last + 1), 100, NOW, OWNER) == APR_SUCCESS
           && counts(f, NOW).anonymous == 1) {
        assert_int_equal(get(f, oldest, NOW, &record), APR_SUCCESS);
        if (put(f, sample_name(oldest), CP_SPAN("y"), NOW, NOW + HOUR, 0,
                &record.revision) == APR_ENOSPC) {
            assert_int_equal(get(f, oldest, NOW, &record), APR_SUCCESS);
        }
    }
}

int main(void)
{
    const struct CMUnitTest cp_store_shm_eviction_test[] = {
        WITH_STORE(test_eviction_least_recent),
        WITH_STORE(test_eviction_expired_first),
        WITH_STORE(test_eviction_anonymous_first),
        WITH_STORE(test_eviction_by_realm),
        WITH_STORE(test_eviction_by_realm_of_users),
        WITH_STORE(test_eviction_spares_the_replaced)
    };

    apr_initialize();
    return cmocka_run_group_tests(cp_store_shm_eviction_test, NULL, NULL);
}
