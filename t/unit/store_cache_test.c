/**
 * @file store_cache_test.c
 * @brief Records in a cache without compare-and-swap, which forgets, refuses,
 *        and says "not found" when it is away.
 *
 * Where two act at the same moment, each point of one operation at which the
 * other can come is tried.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "store_cache.h"

#define ENTRIES 16
#define NOW 1000000
#define IDLE 7200

typedef struct entry {
    bool used;
    unsigned char key[CP_CACHE_KEY_LENGTH];
    unsigned char value[CP_CACHE_VALUE_MAX];
    unsigned int length;
    apr_uint32_t expires;
} entry;

/* What all who use the cache share. */
typedef struct shared {
    entry entries[ENTRIES];
    int calls;                  /* of get, put and drop */
    int dies_at;                /* call from which on it is away; 0: never */
    int fails_at;               /* call that fails and says so; 0: none */
    unsigned int longest;       /* refuses longer values; 0: takes all */
    bool drops_refused;         /* and what was there before is gone then */
    int meanwhile_at;           /* call before which others act; 0: none */
    void (*meanwhile)(void);
    volatile apr_uint32_t renewed;
} shared;

static shared world;
static apr_pool_t *pool;
static cp_store_name name = { "0123456789abcde" };

/* @return whether the call may go on; else its status */
static bool call_begin(apr_status_t *status, apr_status_t when_away)
{
    int call = ++world.calls;

    if (world.meanwhile_at == call) {
        world.meanwhile_at = 0;
        world.meanwhile();
        world.calls = call;
    }
    *status = APR_SUCCESS;
    if (world.fails_at == call) {
        *status = APR_ECONNRESET;
    }
    else if (world.dies_at && call >= world.dies_at) {
        *status = when_away;
    }
    return *status == APR_SUCCESS;
}

static entry *entry_find(const unsigned char *key)
{
    for (int i = 0; i < ENTRIES; i++) {
        if (world.entries[i].used
            && memcmp(world.entries[i].key, key, CP_CACHE_KEY_LENGTH) == 0) {
            return &world.entries[i];
        }
    }
    return NULL;
}

static apr_status_t fake_get(cp_cache *cache, const unsigned char *key,
                             unsigned char *value, unsigned int *length)
{
    apr_status_t status;
    const entry *found;

    (void)cache;
    if (!call_begin(&status, APR_NOTFOUND)) {
        return status;
    }
    found = entry_find(key);
    if (!found) {
        return APR_NOTFOUND;
    }
    memcpy(value, found->value, found->length);
    *length = found->length;
    return APR_SUCCESS;
}

static apr_status_t fake_put(cp_cache *cache, const unsigned char *key,
                             unsigned char *value, unsigned int length,
                             apr_uint32_t expires)
{
    apr_status_t status;
    entry *found;

    (void)cache;
    if (!call_begin(&status, APR_ECONNREFUSED)) {
        return status;
    }
    found = entry_find(key);
    if (world.longest && length > world.longest) {
        if (found && world.drops_refused) {
            found->used = false;
        }
        return APR_ENOSPC;
    }
    for (int i = 0; !found && i < ENTRIES; i++) {
        found = world.entries[i].used ? NULL : &world.entries[i];
    }
    assert_non_null(found);
    found->used = true;
    memcpy(found->key, key, CP_CACHE_KEY_LENGTH);
    memcpy(found->value, value, length);
    found->length = length;
    found->expires = expires;
    return APR_SUCCESS;
}

static apr_status_t fake_drop(cp_cache *cache, const unsigned char *key)
{
    apr_status_t status;
    entry *found;

    (void)cache;
    if (!call_begin(&status, APR_NOTFOUND)) {
        return status;
    }
    found = entry_find(key);
    if (!found) {
        return APR_NOTFOUND;
    }
    found->used = false;
    return APR_SUCCESS;
}

static cp_cache *opened(bool may_be_away)
{
    cp_cache *cache = apr_pcalloc(pool, sizeof(*cache));

    cache->get = fake_get;
    cache->put = fake_put;
    cache->drop = fake_drop;
    cache->pool = pool;
    cache->may_be_away = may_be_away;
    cache->lifetime = 12 * 3600;
    cache->lifetime_max = 30 * 86400;
    cache->renewed = &world.renewed;
    return cache;
}

static apr_status_t save(const char *value, apr_uint32_t *revision)
{
    cp_store_record record = { cp_span_of(value), NOW + IDLE, *revision, 0 };
    apr_status_t status = cp_cache_save(opened(true), &name, NOW, &record);

    *revision = record.revision;
    return status;
}

static apr_status_t load(cp_store_record *record)
{
    return cp_cache_load(opened(true), &name, NOW, record);
}

static apr_status_t end(void)
{
    return cp_cache_remove(opened(true), &name, NOW);
}

static const entry *entry_of(char kind)
{
    for (int i = 0; i < ENTRIES; i++) {
        if (world.entries[i].used
            && world.entries[i].key[CP_STORE_NAME_LENGTH] == kind) {
            return &world.entries[i];
        }
    }
    return NULL;
}

static void has(const char *value)
{
    cp_store_record record;

    assert_int_equal(load(&record), APR_SUCCESS);
    assert_true(cp_span_equal(record.value, cp_span_of(value)));
}

static int world_make(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    return 0;
}

/* --- What every store does -------------------------------------------- */

static void round_trip(void **state)
{
    apr_uint32_t revision = 0, before;
    cp_store_record record;

    (void)state;
    assert_int_equal(load(&record), APR_NOTFOUND);
    assert_int_equal(save("one", &revision), APR_SUCCESS);
    assert_int_not_equal(revision, 0);
    assert_int_equal(load(&record), APR_SUCCESS);
    assert_int_equal(record.expires, NOW + IDLE);
    assert_int_equal(record.revision, revision);
    before = revision;
    assert_int_equal(save("two", &revision), APR_SUCCESS);
    assert_int_not_equal(revision, before);
    has("two");
    assert_int_equal(save("three", &before), APR_EEXIST);
    has("two");
    assert_int_equal(cp_cache_touch(opened(true), &name, NOW + 5,
                                    NOW + 5 + IDLE), APR_SUCCESS);
    assert_int_equal(load(&record), APR_SUCCESS);
    assert_int_equal(record.expires, NOW + 5 + IDLE);
    assert_int_equal(record.revision, revision);
    assert_int_equal(end(), APR_SUCCESS);
    assert_int_equal(load(&record), APR_NOTFOUND);
    assert_int_equal(save("four", &revision), APR_NOTFOUND);
    assert_int_equal(cp_cache_touch(opened(true), &name, NOW, NOW + IDLE),
                     APR_NOTFOUND);
    assert_int_equal(end(), APR_NOTFOUND);
    assert_int_equal(load(&record), APR_NOTFOUND);
}

static void lengths(void **state)
{
    char *value = apr_pcalloc(pool, CP_STORE_VALUE_MAX + 2);
    apr_uint32_t revision = 0;

    (void)state;
    memset(value, 'v', CP_STORE_VALUE_MAX);
    assert_int_equal(save(value, &revision), APR_SUCCESS);
    has(value);
    value[CP_STORE_VALUE_MAX] = 'v';
    assert_int_equal(save(value, &revision), APR_ENOSPC);
    value[CP_STORE_VALUE_MAX] = '\0';
    has(value);
}

static void times(void **state)
{
    cp_store_record record = { CP_SPAN("long"), NOW + 400 * 86400, 0, 0 };
    apr_uint32_t revision = 0;

    (void)state;
    /* The tombstone outlives whatever can be saved beside it. */
    assert_int_equal(cp_cache_save(opened(true), &name, NOW, &record),
                     APR_SUCCESS);
    assert_true(entry_of('R')->expires < NOW + 30 * 86400);
    assert_int_equal(end(), APR_SUCCESS);
    assert_true(entry_of('T')->expires > NOW + 12 * 3600);
    assert_true(entry_of('T')->expires <= NOW + 30 * 86400);

    /* Clocks differ by seconds; what the cache still has is good. */
    world_make(NULL);
    assert_int_equal(save("one", &revision), APR_SUCCESS);
    assert_int_equal(cp_cache_load(opened(true), &name, NOW + IDLE + 10,
                                   &record), APR_SUCCESS);
    assert_int_equal(cp_cache_load(opened(true), &name, NOW + IDLE + 100,
                                   &record), APR_NOTFOUND);
}

static void garbage(void **state)
{
    static const char *const values[] = {
        "", "x", "\1", "\1aaaabbbb", "\2aaaabbbbvalue"
    };
    apr_uint32_t revision = 0;
    cp_store_record record;
    entry *stored;

    (void)state;
    assert_int_equal(save("one", &revision), APR_SUCCESS);
    stored = (entry *)entry_of('R');
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        stored->length = (unsigned int)strlen(values[i]);
        memcpy(stored->value, values[i], stored->length);
        assert_int_equal(load(&record), APR_NOTFOUND);
        assert_int_equal(save("two", &revision), APR_NOTFOUND);
    }
}

/* --- At the same moment ----------------------------------------------- */

static apr_uint32_t theirs;

static void they_end(void)
{
    assert_int_equal(end(), APR_SUCCESS);
}

static void they_save(void)
{
    apr_uint32_t revision = theirs;

    save("theirs", &revision);
}

static void they_touch(void)
{
    cp_cache_touch(opened(true), &name, NOW, NOW + 2 * IDLE);
}

/* Runs an operation with others acting before its call number @a at. @return
 * whether it has so many calls */
static bool meanwhile(int at, void (*others)(void), void (*act)(void))
{
    apr_uint32_t revision = 0;

    world_make(NULL);
    assert_int_equal(save("one", &revision), APR_SUCCESS);
    theirs = revision;
    world.calls = 0;
    world.meanwhile_at = at;
    world.meanwhile = others;
    act();
    return world.meanwhile_at == 0;
}

static apr_status_t saved;

static void we_save(void)
{
    apr_uint32_t revision = theirs;

    saved = save("ours", &revision);
}

static void an_ended_one_stays_ended(void **state)
{
    cp_store_record record;
    int points = 0;

    (void)state;
    for (int at = 1; meanwhile(at, they_end, we_save); at++, points++) {
        assert_int_equal(saved, APR_NOTFOUND);
        assert_int_equal(load(&record), APR_NOTFOUND);
    }
    assert_true(points >= 4);
    for (int at = 1; meanwhile(at, they_end, they_touch); at++) {
        assert_int_equal(load(&record), APR_NOTFOUND);
    }
    for (int at = 1; meanwhile(at, they_save, they_end); at++) {
        assert_int_equal(load(&record), APR_NOTFOUND);
    }
    for (int at = 1; meanwhile(at, they_touch, they_end); at++) {
        assert_int_equal(load(&record), APR_NOTFOUND);
    }
}

/* Seen before the write it is refused; after that the last one wins, and
 * whoever lost learns of it at the next save. */
static void two_saves(void **state)
{
    (void)state;
    for (int at = 1; meanwhile(at, they_save, we_save); at++) {
        cp_store_record record;

        assert_int_equal(load(&record), APR_SUCCESS);
        if (saved == APR_EEXIST) {
            assert_true(cp_span_equal(record.value, CP_SPAN("theirs")));
        }
        else {
            assert_int_equal(saved, APR_SUCCESS);
            assert_int_not_equal(record.revision, theirs);
        }
    }
}

/* --- Away ------------------------------------------------------------- */

/* From any call on it only says "not found": what is there never counts as
 * not there. */
static void away_is_no_miss(void **state)
{
    apr_uint32_t revision = 0;
    cp_store_record record;
    int dies_at;

    (void)state;
    assert_int_equal(save("one", &revision), APR_SUCCESS);
    for (int late = 0; late < 2; late++) {
        for (dies_at = 1; dies_at < 8; dies_at++) {
            apr_uint32_t now = NOW + (late ? CP_CACHE_CANARY_PERIOD : 0);
            apr_status_t status;

            world.calls = 0;
            world.dies_at = dies_at;
            status = cp_cache_load(opened(true), &name, NOW, &record);
            assert_false(APR_STATUS_IS_NOTFOUND(status));
            world.calls = 0;
            status = cp_cache_touch(opened(true), &name, now, now + IDLE);
            assert_false(APR_STATUS_IS_NOTFOUND(status));
            world.calls = 0;
            record.value = CP_SPAN("one");
            record.expires = NOW + IDLE;
            record.revision = revision;
            status = cp_cache_save(opened(true), &name, now, &record);
            assert_false(APR_STATUS_IS_NOTFOUND(status));
            world.dies_at = 0;
            assert_int_equal(load(&record), APR_SUCCESS);
            revision = record.revision;
        }
    }
    world.dies_at = 1;
    world.calls = 0;
    assert_int_not_equal(end(), APR_SUCCESS);
    assert_int_not_equal(cp_cache_check(opened(true), NOW), APR_SUCCESS);
    world.dies_at = 0;
    has("one");
}

static void a_failure_is_no_miss(void **state)
{
    apr_uint32_t revision = 0;
    cp_store_record record;
    apr_status_t status;

    (void)state;
    assert_int_equal(save("one", &revision), APR_SUCCESS);
    for (int fails_at = 1; fails_at < 8; fails_at++) {
        world.calls = 0;
        world.fails_at = fails_at;
        status = load(&record);
        assert_true(status == APR_SUCCESS || status == APR_ECONNRESET);
        world.fails_at = 0;
        world_make(NULL);
        revision = 0;
        assert_int_equal(save("one", &revision), APR_SUCCESS);
        /* A record that is not there either is not, or nobody knows. */
        name.bytes[0] ^= 1;
        world.calls = 0;
        world.fails_at = fails_at;
        status = load(&record);
        assert_true(status == APR_NOTFOUND || status == APR_ECONNRESET);
        name.bytes[0] ^= 1;
        world.fails_at = 0;
    }
}

static void forgetful(void **state)
{
    apr_uint32_t revision = 0;
    cp_store_record record;
    cp_cache *cache;

    (void)state;
    /* The first canary of all is no lapse. */
    cache = opened(true);
    assert_int_equal(cp_cache_check(cache, NOW), APR_SUCCESS);
    assert_false(cache->forgot);
    assert_int_equal(save("one", &revision), APR_SUCCESS);
    memset(world.entries, 0, sizeof(world.entries));
    cache = opened(true);
    assert_int_equal(cp_cache_load(cache, &name, NOW, &record), APR_NOTFOUND);
    assert_true(cache->forgot);
    assert_non_null(entry_of('C'));
    cache = opened(true);
    assert_int_equal(cp_cache_load(cache, &name, NOW, &record), APR_NOTFOUND);
    assert_false(cache->forgot);
}

static void canary_is_renewed(void **state)
{
    apr_uint32_t revision = 0;
    cp_store_record record;

    (void)state;
    assert_int_equal(save("one", &revision), APR_SUCCESS);
    assert_int_equal(entry_of('C')->expires, NOW + CP_CACHE_CANARY_LIFE);
    assert_int_equal(cp_cache_load(opened(true), &name, NOW + 1, &record),
                     APR_SUCCESS);
    assert_int_equal(entry_of('C')->expires, NOW + CP_CACHE_CANARY_LIFE);
    cp_cache_load(opened(true), &name, NOW + CP_CACHE_CANARY_PERIOD, &record);
    assert_int_equal(entry_of('C')->expires,
                     NOW + CP_CACHE_CANARY_PERIOD + CP_CACHE_CANARY_LIFE);
}

/* One on this machine needs none. */
static void local(void **state)
{
    cp_store_record record = { CP_SPAN("one"), NOW + IDLE, 0, 0 };

    (void)state;
    assert_int_equal(cp_cache_load(opened(false), &name, NOW, &record),
                     APR_NOTFOUND);
    assert_int_equal(cp_cache_save(opened(false), &name, NOW, &record),
                     APR_SUCCESS);
    assert_null(entry_of('C'));
}

/* --- Full ------------------------------------------------------------- */

static void refusals(void **state)
{
    apr_uint32_t revision = 0, other = 0;
    cp_store_record record;

    (void)state;
    for (int drops = 0; drops < 2; drops++) {
        world_make(NULL);
        revision = other = 0;
        assert_int_equal(save("one", &revision), APR_SUCCESS);
        world.longest = 20;
        world.drops_refused = drops;
        assert_int_equal(save("longer than what it takes", &revision),
                         APR_ENOSPC);
        has("one");
        assert_int_equal(save("two", &revision), APR_SUCCESS);
        has("two");
        /* Whether it is there is known from the refusal, too. */
        world.longest = 1;
        world.drops_refused = false;
        ((entry *)entry_of('C'))->used = false;
        name.bytes[0] ^= 1;
        assert_int_equal(load(&record), APR_NOTFOUND);
        assert_int_equal(save("new", &other), APR_ENOSPC);
        name.bytes[0] ^= 1;
        /* A logout without room for the tombstone takes the record away. */
        assert_int_equal(end(), APR_SUCCESS);
        assert_int_equal(load(&record), APR_NOTFOUND);
        assert_null(entry_of('R'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(round_trip, world_make),
        cmocka_unit_test_setup(lengths, world_make),
        cmocka_unit_test_setup(times, world_make),
        cmocka_unit_test_setup(garbage, world_make),
        cmocka_unit_test_setup(an_ended_one_stays_ended, world_make),
        cmocka_unit_test_setup(two_saves, world_make),
        cmocka_unit_test_setup(away_is_no_miss, world_make),
        cmocka_unit_test_setup(a_failure_is_no_miss, world_make),
        cmocka_unit_test_setup(forgetful, world_make),
        cmocka_unit_test_setup(canary_is_renewed, world_make),
        cmocka_unit_test_setup(local, world_make),
        cmocka_unit_test_setup(refusals, world_make)
    };
    int failures;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failures;
}
