/**
 * @file store_shm_test.c
 * @brief The store in shared memory, through its interface: what each
 *        function answers, expiry, eviction, and how a segment is come by.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <apr_general.h>
#include <apr_shm.h>

#include "store_absent.h"
#include "store_sample.h"
#include "store_shm.h"

#define MEGABYTE ((apr_size_t)1024 * 1024)
#define NOW 1700000000u
#define HOUR 3600u
#define DAY (24 * HOUR)
#define OWNER 4711

/* How long writers are killed for. */
#define KILL_SECONDS 4
#define KILL_SECONDS_MAX 120      /* where few die at the right instant */
#define REPAIRS_MIN 3

typedef struct fixture {
    char directory[64];
    char file[96];
    apr_pool_t *pool;
    cp_store *store;
    cp_store_shm_origin origin;
    const char *error;
} fixture;

static char buffer[SAMPLE_MAX + 1];

static apr_pool_t *pool_make(void)
{
    apr_pool_t *pool;

    assert_int_equal(apr_pool_create_unmanaged_ex(&pool, NULL, NULL), 0);
    return pool;
}

static void pool_renew(fixture *f)
{
    apr_pool_destroy(f->pool);
    f->pool = pool_make();
}

static apr_status_t store_open(fixture *f, apr_size_t size, apr_uint32_t now)
{
    return cp_store_shm_open(&f->store, &f->origin, f->file, size, now,
                             &f->error, f->pool);
}

static int setup_bare(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    strcpy(f->directory, "/tmp/cp_store_XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->file, sizeof(f->file), "%s/store", f->directory);
    f->pool = pool_make();
    *state = f;
    return 0;
}

static int setup(void **state)
{
    fixture *f;

    setup_bare(state);
    f = *state;
    assert_int_equal(store_open(f, CP_STORE_SHM_SIZE_MIN, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_CREATED);
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;

    apr_shm_remove(f->file, f->pool);
    apr_shm_remove(apr_pstrcat(f->pool, f->file, ".new", NULL), f->pool);
    apr_pool_destroy(f->pool);
    rmdir(f->directory);
    free(f);
    return 0;
}

static apr_status_t put(fixture *f, cp_store_name name, cp_span value,
                        apr_uint32_t now, apr_uint32_t expires,
                        apr_uint64_t owner, apr_uint32_t *revision)
{
    cp_store_record record = { value, expires, *revision, owner };
    apr_status_t rv;

    rv = f->store->provider->save(f->store, &name, now, &record);
    *revision = record.revision;
    return rv;
}

/* Saves version 0 of a new record. */
static apr_status_t add(fixture *f, apr_uint64_t number, apr_size_t length,
                        apr_uint32_t now, apr_uint64_t owner)
{
    apr_uint32_t revision = 0;

    return put(f, sample_name(number), sample_value(buffer, number, 0, length),
               now, now + HOUR, owner, &revision);
}

static apr_status_t get(fixture *f, apr_uint64_t number, apr_uint32_t now,
                        cp_store_record *record)
{
    cp_store_name name = sample_name(number);
    cp_store_record ignored;

    return f->store->provider->load(f->store, &name, now,
                                    record ? record : &ignored, f->pool);
}

static apr_status_t touch(fixture *f, apr_uint64_t number, apr_uint32_t now,
                          apr_uint32_t expires)
{
    cp_store_name name = sample_name(number);

    return f->store->provider->touch(f->store, &name, now, expires);
}

static apr_status_t drop(fixture *f, apr_uint64_t number, apr_uint32_t now)
{
    cp_store_name name = sample_name(number);

    return f->store->provider->remove(f->store, &name, now);
}

static cp_store_counts counts(fixture *f, apr_uint32_t now)
{
    cp_store_counts c;

    assert_int_equal(f->store->provider->count(f->store, now, &c), 0);
    return c;
}

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

/* A record that is replaced is never evicted to make room for itself. */
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

static void test_two_handles(void **state)
{
    fixture *f = *state;
    fixture second = *f;

    second.pool = pool_make();
    assert_int_equal(store_open(&second, CP_STORE_SHM_SIZE_MIN, NOW), 0);
    assert_int_equal(second.origin, CP_STORE_SHM_ATTACHED);
    assert_int_equal(cp_store_shm_size(second.store), CP_STORE_SHM_SIZE_MIN);
    assert_int_equal(add(f, 1, 100, NOW, 0), APR_SUCCESS);
    assert_int_equal(get(&second, 1, NOW, NULL), APR_SUCCESS);
    assert_int_equal(drop(&second, 1, NOW), APR_SUCCESS);
    assert_int_equal(get(f, 1, NOW, NULL), APR_NOTFOUND);
    apr_pool_destroy(second.pool);
    /* One that was attached to is not unlinked. */
    second.pool = pool_make();
    assert_int_equal(store_open(&second, CP_STORE_SHM_SIZE_MIN, NOW), 0);
    assert_int_equal(second.origin, CP_STORE_SHM_ATTACHED);
    apr_pool_destroy(second.pool);
}

/* Another process opens the store, fills it, and is gone. */
static void fill_elsewhere(fixture *f, apr_size_t size, apr_uint64_t records)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        apr_uint64_t i;
        int bad = store_open(f, size, NOW) != APR_SUCCESS;

        for (i = 0; i < records && !bad; i++) {
            bad = add(f, i, 100 + i % 3000, NOW + (apr_uint32_t)(i % 100),
                      i % 2) != APR_SUCCESS;
        }
        _exit(bad);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void check_all(fixture *f, apr_uint64_t records)
{
    cp_store_record record;
    apr_uint64_t i;

    for (i = 0; i < records; i++) {
        assert_int_equal(get(f, i, NOW + 100, &record), APR_SUCCESS);
        assert_true(sample_matches(record.value, i, 0, 100 + i % 3000));
        assert_int_equal(record.expires, NOW + i % 100 + HOUR);
        assert_int_equal(record.owner, i % 2);
    }
}

static void test_attached(void **state)
{
    fixture *f = *state;

    fill_elsewhere(f, MEGABYTE, 200);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_ATTACHED);
    check_all(f, 200);
}

static void test_carried_up(void **state)
{
    fixture *f = *state;

    fill_elsewhere(f, MEGABYTE, 200);
    assert_int_equal(store_open(f, 3 * MEGABYTE + 12345, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_CARRIED);
    assert_int_equal(cp_store_shm_size(f->store), 3 * MEGABYTE + 12345);
    check_all(f, 200);
    assert_int_equal(counts(f, NOW).anonymous, 100);
    pool_renew(f);
    assert_int_equal(store_open(f, 3 * MEGABYTE + 12345, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_ATTACHED);
    check_all(f, 200);
}

static void test_carried_down(void **state)
{
    fixture *f = *state;
    apr_uint64_t i, anonymous = 0, owned = 0;

    fill_elsewhere(f, 8 * MEGABYTE, 100);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_CARRIED);
    check_all(f, 100);
    apr_shm_remove(f->file, f->pool);
    /* More than there is room for: anonymous ones go first. */
    fill_elsewhere(f, 8 * MEGABYTE, 1000);
    pool_renew(f);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_CARRIED);
    for (i = 0; i < 1000; i++) {
        if (get(f, i, NOW, NULL) == APR_SUCCESS) {
            *(i % 2 ? &owned : &anonymous) += 1;
        }
    }
    assert_true(owned == 500 || anonymous == 0);
    assert_true(owned > 400);
    assert_int_equal(counts(f, NOW).owned, owned);
    /* And those that have expired are left behind. */
    apr_shm_remove(f->file, f->pool);
    fill_elsewhere(f, 2 * MEGABYTE, 100);
    pool_renew(f);
    assert_int_equal(store_open(f, MEGABYTE, NOW + DAY), APR_SUCCESS);
    assert_int_equal(counts(f, NOW).bytes_used, 0);
}

/* The file behind the segment: what stands in /dev/shm but not before. */
static void backing_path(fixture *f, char *path, size_t size)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    cp_store *store;
    cp_store_shm_origin origin;
    apr_pool_t *pool = pool_make();

    assert_non_null(maps);
    assert_int_equal(cp_store_shm_open(&store, &origin, f->file, MEGABYTE, NOW,
                                       &f->error, pool), APR_SUCCESS);
    rewind(maps);
    path[0] = '\0';
    while (fgets(line, sizeof(line), maps)) {
        char *at = strstr(line, "/dev/shm/ShM");

        if (at && !strstr(line, "(deleted)")) {
            at[strcspn(at, "\n")] = '\0';
            snprintf(path, size, "%s", at);
        }
    }
    fclose(maps);
    apr_pool_destroy(pool);
    assert_int_not_equal(path[0], '\0');
}

/* Overwrites a part of the segment's file, as damage or another version. */
static void scribble(const char *path, off_t at, const void *what, size_t size)
{
    int file = open(path, O_RDWR);

    assert_true(file >= 0);
    assert_int_equal(pwrite(file, what, size, at), (ssize_t)size);
    close(file);
}

static void expect_replaced(fixture *f)
{
    pool_renew(f);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_REPLACED);
    assert_null(f->error);
    assert_int_equal(counts(f, NOW).anonymous, 0);
    assert_int_equal(add(f, 1, 100, NOW, 0), APR_SUCCESS);
    pool_renew(f);
}

static void test_replaced(void **state)
{
    fixture *f = *state;
    char path[128];
    apr_uint64_t word = ~(apr_uint64_t)0;
    off_t at;

    for (at = 0; at < 100; at += 4) {
        if (at >= 8 && at < 64) {
            continue;           /* lies before the header */
        }
        fill_elsewhere(f, MEGABYTE, 10);
        backing_path(f, path, sizeof(path));
        scribble(path, at, &word, 4);
        expect_replaced(f);
    }
    for (at = 0; at < (off_t)MEGABYTE; at = at * 7 + 1) {
        fill_elsewhere(f, MEGABYTE, 10);
        backing_path(f, path, sizeof(path));
        assert_int_equal(truncate(path, at), 0);
        expect_replaced(f);
    }
    for (word = 0; word < 70 * MEGABYTE; word = word * 5 + 1) {
        fill_elsewhere(f, MEGABYTE, 10);
        backing_path(f, path, sizeof(path));
        if (word > MEGABYTE && word <= MEGABYTE + 8) {
            continue;
        }
        scribble(path, 0, &word, sizeof(word));
        expect_replaced(f);
    }
}

static void test_mode(void **state)
{
    fixture *f = *state;
    char path[128];
    struct stat status;

    fill_elsewhere(f, MEGABYTE, 10);
    backing_path(f, path, sizeof(path));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true((apr_size_t)status.st_blocks * 512 >= MEGABYTE);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_EACCES);
    assert_non_null(strstr(f->error, "mode 644"));
    assert_int_equal(store_open(f, 2 * MEGABYTE, NOW), APR_EACCES);
    assert_int_equal(chmod(path, 0660), 0);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_EACCES);
    assert_int_equal(chmod(path, 0600), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, 0), 0);
        assert_int_equal(store_open(f, MEGABYTE, NOW), APR_EACCES);
        assert_non_null(strstr(f->error, "user 12345"));
        assert_int_equal(chown(path, 0, 0), 0);
    }
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    check_all(f, 10);
}

static void test_no_room(void **state)
{
    fixture *f = *state;
    const apr_size_t huge = (apr_size_t)1 << 50;

    assert_int_equal(store_open(f, huge, NOW), APR_ENOSPC);
    assert_non_null(strstr(f->error, "MB"));
    assert_non_null(strstr(f->error, "/dev/shm"));
    assert_int_equal(store_open(f, SIZE_MAX - 5, NOW), APR_ENOSPC);
    assert_int_equal(store_open(f, CP_STORE_SHM_SIZE_MIN - 1, NOW),
                     APR_EINVAL);
    assert_non_null(f->error);
    /* What is there stays there. */
    fill_elsewhere(f, MEGABYTE, 10);
    assert_int_equal(store_open(f, huge, NOW), APR_ENOSPC);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_ATTACHED);
    check_all(f, 10);
}

/* Saves new versions of its record until it is killed. */
static void write_forever(fixture *f, apr_uint64_t number)
{
    cp_store_record record;
    apr_uint64_t version;

    if (get(f, number, NOW, &record) != APR_SUCCESS) {
        _exit(1);
    }
    for (version = 1;; version++) {
        apr_size_t length = 24 + sample_mix(version) % 3000;

        if (put(f, sample_name(number),
                sample_value(buffer, number, version, length),
                NOW + (apr_uint32_t)version, UINT32_MAX, OWNER,
                &record.revision) != APR_SUCCESS) {
            _exit(2);
        }
    }
}

/* The patience begins when the child is about to write, however long it took
 * to get there. */
static void kill_one(fixture *f, apr_uint64_t number, int patience)
{
    int started[2];
    pid_t child;
    volatile int i;
    int status;

    assert_int_equal(pipe(started), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (write(started[1], "", 1) != 1) {
            _exit(3);
        }
        write_forever(f, number);
    }
    assert_int_equal(read(started[0], &status, 1), 1);
    close(started[0]);
    close(started[1]);
    for (i = 0; i < patience; i++) {
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void test_killed(void **state)
{
    fixture *f = *state;
    cp_store_record record;
    apr_uint64_t i, number, killed = 0;
    const time_t begin = time(NULL);
    unsigned int seed = 1;
    apr_pool_t *pool = f->pool;

    for (i = 0; i < 100; i++) {
        assert_int_equal(add(f, i, 24 + i, NOW, OWNER), APR_SUCCESS);
        assert_int_equal(touch(f, i, NOW, UINT32_MAX), APR_SUCCESS);
    }
    while (time(NULL) - begin < KILL_SECONDS
           || (counts(f, NOW).repaired < REPAIRS_MIN
               && time(NULL) - begin < KILL_SECONDS_MAX)) {
        number = killed++ % 10;
        kill_one(f, number, rand_r(&seed) % 500000);
        apr_pool_create(&f->pool, pool);
        for (i = 0; i < 100; i++) {
            assert_int_equal(get(f, i, NOW, &record), APR_SUCCESS);
            assert_true(sample_whole(record.value, i));
            assert_true(i < 10 || record.value.length == 24 + i);
        }
        apr_pool_destroy(f->pool);
        f->pool = pool;
        assert_int_equal(counts(f, NOW).owned, 100);
    }
    i = counts(f, NOW).repaired;
    print_message("           %d killed, %d shards repaired\n", (int)killed,
                  (int)i);
    assert_true(i >= REPAIRS_MIN);
    for (i = 0; i < 100; i++) {
        assert_int_equal(drop(f, i, NOW), APR_SUCCESS);
    }
    assert_int_equal(counts(f, NOW).bytes_used, 0);
    assert_int_equal(counts(f, NOW).evicted, 0);
}

/* Every process that has the segment mapped is killed; the next one finds
 * the locks as they left them. */
static void test_killed_all(void **state)
{
    fixture *f = *state;
    cp_store_record record;
    int round;
    apr_uint64_t i;

    fill_elsewhere(f, MEGABYTE, 20);
    /* The clocks of those who write run ahead: nothing is to expire. */
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    for (i = 0; i < 20; i++) {
        assert_int_equal(touch(f, i, NOW, UINT32_MAX), APR_SUCCESS);
    }
    pool_renew(f);
    for (round = 0; round < 40; round++) {
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
            if (store_open(f, MEGABYTE, NOW) != APR_SUCCESS) {
                _exit(3);
            }
            write_forever(f, (apr_uint64_t)round % 20);
        }
        usleep(1000 + (useconds_t)round * 200);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_ATTACHED);
    for (i = 0; i < 20; i++) {
        assert_int_equal(get(f, i, NOW, &record), APR_SUCCESS);
        assert_true(sample_whole(record.value, i));
    }
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define WITHOUT(test) cmocka_unit_test_setup_teardown(test, setup_bare, \
                                                      teardown)
    const struct CMUnitTest cp_store_shm_test[] = {
        WITH_STORE(test_answers),
        WITH_STORE(test_list_and_peek),
        WITH_STORE(test_sizes),
        WITH_STORE(test_accounting),
        WITH_STORE(test_expiry),
        WITH_STORE(test_wheel),
        WITH_STORE(test_wheel_random),
        WITH_STORE(test_eviction_least_recent),
        WITH_STORE(test_eviction_expired_first),
        WITH_STORE(test_eviction_anonymous_first),
        WITH_STORE(test_eviction_by_realm),
        WITH_STORE(test_eviction_by_realm_of_users),
        WITH_STORE(test_rosters),
        WITH_STORE(test_eviction_spares_the_replaced),
        WITH_STORE(test_two_handles),
        WITHOUT(test_attached),
        WITHOUT(test_carried_up),
        WITHOUT(test_carried_down),
        WITHOUT(test_replaced),
        WITHOUT(test_mode),
        WITHOUT(test_no_room),
        WITH_STORE(test_killed),
        WITHOUT(test_killed_all)
    };

    apr_initialize();
    return cmocka_run_group_tests(cp_store_shm_test, NULL, NULL);
}
