/**
 * @file store_shm_test.c
 * @brief The store in shared memory, through its interface: what each
 *        function answers and counts, and expiry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "store_shm_fixture.h"

static void test_answers(void **state)
{
    fixture *f = *state;
    cp_store_record record;
    apr_uint32_t revision = 0, first;
    cp_store_name name = sample_name(1);

    assert_string_equal(f->store->provider->name, "shm");
    assert_int_equal(get(f, 1, NOW, &record), APR_NOTFOUND);
    assert_int_equal(touch(f, 1, NOW, NOW + 9), APR_NOTFOUND);
    assert_int_equal(drop(f, 1, NOW), APR_NOTFOUND);
    revision = 7;
    assert_int_equal(put(f, name, CP_SPAN("x"), NOW, NOW + 9, 0, &revision),
                     APR_NOTFOUND);

    revision = 0;
    assert_int_equal(put(f, name, CP_SPAN("one"), NOW, NOW + 9, OWNER,
                         &revision), APR_SUCCESS);
    assert_int_not_equal(revision, 0);
    first = revision;
    assert_int_equal(get(f, 1, NOW, &record), APR_SUCCESS);
    assert_true(cp_span_equal(record.value, CP_SPAN("one")));
    assert_int_equal(record.expires, NOW + 9);
    assert_int_equal(record.revision, first);
    assert_int_equal(record.owner, OWNER);

    revision = 0;
    assert_int_equal(put(f, name, CP_SPAN("no"), NOW, NOW + 9, 0, &revision),
                     APR_EEXIST);
    revision = first;
    assert_int_equal(put(f, name, CP_SPAN("two"), NOW, NOW + 20, 0,
                         &revision), APR_SUCCESS);
    assert_int_not_equal(revision, first);
    assert_int_not_equal(revision, 0);
    assert_int_equal(put(f, name, CP_SPAN("no"), NOW, NOW + 9, 0, &first),
                     APR_EEXIST);
    assert_int_equal(touch(f, 1, NOW, NOW + 30), APR_SUCCESS);
    assert_int_equal(get(f, 1, NOW + 29, &record), APR_SUCCESS);
    assert_true(cp_span_equal(record.value, CP_SPAN("two")));
    assert_int_equal(record.revision, revision);
    assert_int_equal(record.expires, NOW + 30);
    assert_int_equal(record.owner, 0);
    assert_int_equal(drop(f, 1, NOW), APR_SUCCESS);
    assert_int_equal(drop(f, 1, NOW), APR_NOTFOUND);
    assert_int_equal(get(f, 1, NOW, &record), APR_NOTFOUND);
}

/* Each live record once, whatever part it is in; looking is no use. */
static void test_list_and_peek(void **state)
{
    fixture *f = *state;
    cp_store_entry *entries;
    apr_array_header_t *list = apr_array_make(f->pool, 8, sizeof(*entries));
    cp_store_name name = sample_name(3);
    cp_store_record record;
    apr_uint32_t part = 0;
    apr_uint64_t i;
    int found = 0;

    for (i = 0; i < 100; i++) {
        assert_int_equal(add(f, i, 200, NOW + (apr_uint32_t)i, i % 3), 0);
    }
    assert_int_equal(drop(f, 50, NOW), APR_SUCCESS);
    assert_int_equal(touch(f, 51, NOW, NOW + 1), APR_SUCCESS);
    assert_int_equal(f->store->provider->peek(f->store, &name, NOW + 200,
                                              &record, f->pool), 0);
    assert_true(sample_matches(record.value, 3, 0, 200));
    while (f->store->provider->list(f->store, part, NOW + 201, list) == 0) {
        part++;
    }
    assert_int_equal(part, 2);
    assert_int_equal(f->store->provider->list(f->store, part, NOW, list),
                     APR_EOF);
    assert_int_equal(list->nelts, 98);
    entries = (cp_store_entry *)(void *)list->elts;
    for (i = 0; i < 98; i++) {
        if (memcmp(&entries[i].name, &name, sizeof(name)) == 0) {
            found++;
            assert_int_equal(entries[i].used, NOW + 3);
            assert_int_equal(entries[i].expires, NOW + 3 + HOUR);
            assert_int_equal(entries[i].owner, 0);
        }
    }
    assert_int_equal(found, 1);
    name = sample_name(50);
    assert_int_equal(f->store->provider->peek(f->store, &name, NOW, &record,
                                              f->pool), APR_NOTFOUND);
    name = sample_name(51);
    assert_int_equal(f->store->provider->peek(f->store, &name, NOW + 1,
                                              &record, f->pool),
                     APR_NOTFOUND);
}

static void test_sizes(void **state)
{
    static const apr_size_t sizes[] = { 0, 1, 59, 60, 61, 119, 120, 121, 4096,
                                        SAMPLE_MAX - 1, SAMPLE_MAX };
    fixture *f = *state;
    cp_store_record record;
    apr_uint32_t revision = 0;
    size_t i;

    for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        assert_int_equal(add(f, i, sizes[i], NOW, i % 2), APR_SUCCESS);
    }
    for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        assert_int_equal(get(f, i, NOW, &record), APR_SUCCESS);
        assert_non_null(record.value.at);
        assert_true(sample_matches(record.value, i, 0, sizes[i]));
    }
    assert_int_equal(put(f, sample_name(99), CP_SPAN_NONE, NOW, NOW + 1, 0,
                         &revision), APR_SUCCESS);
    assert_int_equal(get(f, 99, NOW, &record), APR_SUCCESS);
    assert_non_null(record.value.at);
    assert_int_equal(record.value.length, 0);
    memset(buffer, 'x', sizeof(buffer));
    revision = 0;
    assert_int_equal(put(f, sample_name(100),
                         cp_span_make(buffer, SAMPLE_MAX + 1), NOW, NOW + 1,
                         0, &revision), APR_ENOSPC);
    assert_int_equal(get(f, 100, NOW, NULL), APR_NOTFOUND);
}

static void test_accounting(void **state)
{
    fixture *f = *state;
    apr_uint64_t i;
    cp_store_counts c = counts(f, NOW);

    assert_int_equal(c.bytes_used, 0);
    assert_true(c.bytes_total > CP_STORE_SHM_SIZE_MIN * 9 / 10);
    assert_int_equal(add(f, 0, 60, NOW, 0), APR_SUCCESS);
    assert_int_equal(counts(f, NOW).bytes_used, 128);
    assert_int_equal(add(f, 1, 61, NOW, OWNER), APR_SUCCESS);
    assert_int_equal(counts(f, NOW).bytes_used, 128 + 192);
    for (i = 2; i < 500; i++) {
        assert_int_equal(add(f, i, (i * 37) % 900, NOW, i % 3), APR_SUCCESS);
    }
    for (i = 0; i < 500; i += 2) {
        cp_store_record record;

        assert_int_equal(get(f, i, NOW, &record), APR_SUCCESS);
        assert_int_equal(put(f, sample_name(i),
                             sample_value(buffer, i, 1, 1 + i), NOW,
                             NOW + DAY, i % 5, &record.revision), 0);
        assert_int_equal(touch(f, i, NOW, NOW + 2 * DAY), APR_SUCCESS);
    }
    c = counts(f, NOW);
    assert_int_equal(c.anonymous + c.owned, 500);
    for (i = 0; i < 500; i++) {
        assert_int_equal(drop(f, i, NOW), APR_SUCCESS);
    }
    c = counts(f, NOW);
    assert_int_equal(c.anonymous, 0);
    assert_int_equal(c.owned, 0);
    assert_int_equal(c.bytes_used, 0);
    assert_int_equal(c.evicted + c.expired + c.repaired, 0);
}

/* Rosters are owned and counted apart. */
static void test_rosters(void **state)
{
    fixture *f = *state;

    assert_int_equal(add(f, 1, 200, NOW, 5), APR_SUCCESS);
    assert_int_equal(add(f, 2, 200, NOW, 5 | CP_OWNER_ROSTER), APR_SUCCESS);
    assert_int_equal(add(f, 3, 200, NOW, CP_OWNER_ANONYMOUS), APR_SUCCESS);
    assert_int_equal(counts(f, NOW).owned, 1);
    assert_int_equal(counts(f, NOW).rosters, 1);
    assert_int_equal(counts(f, NOW).anonymous, 1);
    assert_int_equal(drop(f, 2, NOW), APR_SUCCESS);
    assert_int_equal(counts(f, NOW).owned, 1);
    assert_int_equal(counts(f, NOW).rosters, 0);
}

static void test_expiry(void **state)
{
    fixture *f = *state;
    apr_uint32_t revision = 0;

    assert_int_equal(add(f, 1, 50, NOW, OWNER), APR_SUCCESS);
    assert_int_equal(get(f, 1, NOW + HOUR - 1, NULL), APR_SUCCESS);
    assert_int_equal(get(f, 1, NOW + HOUR, NULL), APR_NOTFOUND);
    assert_int_equal(get(f, 1, UINT32_MAX, NULL), APR_NOTFOUND);
    /* The clock is set back: what nobody has reclaimed is there again. */
    assert_int_equal(get(f, 1, NOW - DAY, NULL), APR_SUCCESS);
    assert_int_equal(get(f, 1, 0, NULL), APR_SUCCESS);
    assert_int_equal(touch(f, 1, NOW + HOUR, NOW + DAY), APR_NOTFOUND);
    assert_int_equal(counts(f, NOW).expired, 1);
    assert_int_equal(counts(f, NOW).bytes_used, 0);

    assert_int_equal(add(f, 2, 50, NOW, OWNER), APR_SUCCESS);
    assert_int_equal(drop(f, 2, NOW + HOUR), APR_NOTFOUND);
    assert_int_equal(add(f, 3, 50, NOW, OWNER), APR_SUCCESS);
    assert_int_equal(add(f, 3, 50, NOW + HOUR, OWNER), APR_SUCCESS);
    assert_int_equal(counts(f, NOW).expired, 3);
    /* One that is over when it is saved. */
    assert_int_equal(put(f, sample_name(4), CP_SPAN("x"), NOW, NOW, 0,
                         &revision), APR_SUCCESS);
    assert_int_equal(get(f, 4, NOW, NULL), APR_NOTFOUND);
}

/* Time passes by in steps of @a step; each record is to be reclaimed within
 * a few minutes of its end by no more than a write a step. */
static void expire_all(fixture *f, apr_uint32_t step)
{
    static const apr_uint32_t lives[] = { 30 * 60, 12 * HOUR, 18 * HOUR,
                                          19 * HOUR, 30 * DAY, 395 * DAY };
    apr_uint32_t revision, now;
    size_t i;

    for (i = 0; i < 60; i++) {
        revision = 0;
        assert_int_equal(put(f, sample_name(i), CP_SPAN("v"), NOW,
                             NOW + lives[i % 6], 0, &revision), APR_SUCCESS);
    }
    for (now = NOW; now < NOW + 396 * DAY; now += step) {
        apr_uint64_t live = 0;

        for (i = 0; i < 6; i++) {
            live += now < NOW + lives[i] + 10 * HOUR ? 10 : 0;
        }
        assert_true(counts(f, now).anonymous <= live);
        live = 0;
        for (i = 0; i < 6; i++) {
            live += now < NOW + lives[i] ? 10 : 0;
        }
        assert_true(counts(f, now).anonymous >= live);
    }
    assert_int_equal(counts(f, now).anonymous, 0);
    assert_int_equal(counts(f, now).bytes_used, 0);
}

static void test_wheel(void **state)
{
    fixture *f = *state;

    expire_all(f, 61);
    assert_int_equal(counts(f, NOW).expired, 60);
    /* From there the clock goes back 13 months. */
    expire_all(f, HOUR);
    assert_int_equal(counts(f, NOW).expired, 120);
    assert_int_equal(counts(f, NOW).evicted, 0);
}

static void test_wheel_random(void **state)
{
    fixture *f = *state;
    apr_uint32_t expires[300] = { 0 };
    apr_uint32_t now = NOW;
    unsigned int seed = 1;
    int i, n;

    for (i = 0; i < 100000; i++) {
        apr_uint32_t until;

        n = rand_r(&seed) % 300;
        now += (apr_uint32_t)(rand_r(&seed) % 60);
        if (rand_r(&seed) % 1000 == 0) {
            now = NOW + (apr_uint32_t)(rand_r(&seed) % (40 * (int)DAY));
        }
        until = now + (apr_uint32_t)(rand_r(&seed)
                                     % (int)(i % 2 ? 2 * DAY : HOUR / 4));
        if (touch(f, (apr_uint64_t)n, now, until) == APR_SUCCESS) {
            assert_true(expires[n] > now);
        }
        else {
            apr_uint32_t revision = 0;

            if (expires[n] > now) {     /* reclaimed before the clock fell */
                expires[n] = 0;
            }
            assert_int_equal(put(f, sample_name((apr_uint64_t)n),
                                 CP_SPAN("v"), now, until, 0, &revision), 0);
        }
        expires[n] = until;
    }
    now += 100 * DAY;
    for (i = 0; i < 100; i++) {
        counts(f, now);
    }
    assert_int_equal(counts(f, now).bytes_used, 0);
    assert_int_equal(counts(f, now).repaired, 0);
    assert_int_equal(counts(f, now).evicted, 0);
}

int main(void)
{
    const struct CMUnitTest cp_store_shm_test[] = {
        WITH_STORE(test_answers),
        WITH_STORE(test_list_and_peek),
        WITH_STORE(test_sizes),
        WITH_STORE(test_accounting),
        WITH_STORE(test_rosters),
        WITH_STORE(test_expiry),
        WITH_STORE(test_wheel),
        WITH_STORE(test_wheel_random)
    };

    apr_initialize();
    return cmocka_run_group_tests(cp_store_shm_test, NULL, NULL);
}
