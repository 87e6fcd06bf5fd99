/**
 * @file store_shard_fixture.h
 * @brief One shard of the shared-memory store in memory that child processes
 *        share, with records in it, and the check that it is whole.
 */
#ifndef STORE_SHARD_FIXTURE_H
#define STORE_SHARD_FIXTURE_H

#include <stdlib.h>
#include <sys/mman.h>
#include <apr_general.h>

#include "store_record.h"
#include "store_sample.h"

#define MEMORY_SIZE ((size_t)24 * 1024)
#define NOW 1700000000u
#define LATER (NOW + 3600)
#define LENGTH 130
#define OWNER 1

/* The records that lie in the shard at the begin of each test. */
#define RECORDS 12

static char *memory;            /* shared with child processes */
static char *copy;              /* what is left after a death, or damage */
static cp_shard shard;
static apr_pool_t *pool;

static inline apr_status_t put(cp_shard *to, apr_uint64_t number,
                               apr_uint64_t version, apr_size_t length,
                               apr_uint32_t now, apr_uint64_t owner,
                               apr_uint32_t *revision)
{
    char buffer[SAMPLE_MAX];
    cp_store_name name = sample_name(number);
    cp_store_record record = {
        sample_value(buffer, number, version, length), LATER, *revision, owner
    };
    apr_status_t rv = cp_shard_save(to, &name, now, &record);

    *revision = record.revision;
    return rv;
}

static inline apr_status_t add(cp_shard *to, apr_uint64_t number,
                               apr_uint32_t now, apr_uint64_t owner)
{
    apr_uint32_t revision = 0;

    return put(to, number, 0, LENGTH, now, owner, &revision);
}

static inline apr_status_t get(cp_shard *from, apr_uint64_t number,
                               apr_uint32_t now, cp_store_record *record)
{
    cp_store_name name = sample_name(number);

    return cp_shard_load(from, &name, now, record, pool);
}

static inline void shard_make(cp_shard *made, char *at)
{
    memset(at, 0, MEMORY_SIZE);
    cp_shard_map(made, at, cp_shard_blocks(MEMORY_SIZE));
    assert_int_equal(cp_shard_format(made), APR_SUCCESS);
}

static inline int setup(void **state)
{
    (void)state;
    memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_int_equal(posix_memalign((void **)&copy, CP_SHARD_BLOCK_SIZE,
                                    MEMORY_SIZE), 0);
    apr_pool_create(&pool, NULL);
    shard_make(&shard, memory);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    munmap(memory, MEMORY_SIZE);
    free(copy);
    apr_pool_destroy(pool);
    return 0;
}

static inline int setup_records(void **state)
{
    apr_uint64_t i;

    setup(state);
    for (i = 0; i < RECORDS; i++) {
        assert_int_equal(add(&shard, i, NOW + (apr_uint32_t)i, OWNER), 0);
    }
    return 0;
}

static inline void counts_get(cp_shard *of, apr_uint32_t now,
                              cp_store_counts *counts)
{
    memset(counts, 0, sizeof(*counts));
    assert_int_equal(cp_shard_count(of, now, counts), APR_SUCCESS);
}

/* All that is in it can be found, counted and removed; then it is empty. */
static inline void check_consistent(cp_shard *left, apr_uint32_t now)
{
    apr_array_header_t *entries = apr_array_make(pool, 8,
                                                 sizeof(cp_store_entry));
    cp_store_counts counts;
    apr_uint64_t used = 0;
    int i;

    assert_int_equal(cp_shard_list(left, now, entries), APR_SUCCESS);
    counts_get(left, now, &counts);
    for (i = 0; i < entries->nelts; i++) {
        cp_store_name *name = &APR_ARRAY_IDX(entries, i, cp_store_entry).name;
        cp_store_record record;

        assert_int_equal(cp_shard_load(left, name, now, &record, pool), 0);
        used += cp_blocks_needed(record.value.length) * CP_SHARD_BLOCK_SIZE;
    }
    assert_true(counts.bytes_used >= used);     /* expired ones may be there */
    assert_true(counts.owned + counts.anonymous + counts.rosters
                >= (apr_uint64_t)entries->nelts);
    for (i = 0; i < entries->nelts; i++) {
        cp_store_name *name = &APR_ARRAY_IDX(entries, i, cp_store_entry).name;

        assert_int_equal(cp_shard_remove(left, name, now), APR_SUCCESS);
    }
    for (i = 0; i < 10; i++) {
        counts_get(left, UINT32_MAX, &counts);
    }
    assert_int_equal(counts.bytes_used, 0);
    assert_int_equal(counts.anonymous + counts.owned, 0);
    assert_int_equal(counts.rosters, 0);
    assert_int_equal(left->state->free_count, left->block_count - 1);
    apr_pool_clear(pool);
}

#define WITH_RECORDS(test) \
    cmocka_unit_test_setup_teardown(test, setup_records, teardown)

#endif
