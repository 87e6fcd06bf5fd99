/**
 * @file store_shm_fixture.h
 * @brief A store in shared memory of a test's own, what is done with it
 *        through its interface, and another process that does so.
 */
#ifndef STORE_SHM_FIXTURE_H
#define STORE_SHM_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_shm.h>

#include "store_sample.h"
#include "store_shm.h"

#define MEGABYTE ((apr_size_t)1024 * 1024)
#define NOW 1700000000u
#define HOUR 3600u
#define DAY (24 * HOUR)
#define OWNER 4711

typedef struct fixture {
    char directory[64];
    char file[96];
    apr_pool_t *pool;
    cp_store *store;
    cp_store_shm_origin origin;
    const char *error;
} fixture;

static char buffer[SAMPLE_MAX + 1];

static inline apr_pool_t *pool_make(void)
{
    apr_pool_t *pool;

    assert_int_equal(apr_pool_create_unmanaged_ex(&pool, NULL, NULL), 0);
    return pool;
}

static inline void pool_renew(fixture *f)
{
    apr_pool_destroy(f->pool);
    f->pool = pool_make();
}

static inline apr_status_t store_open(fixture *f, apr_size_t size,
                                      apr_uint32_t now)
{
    return cp_store_shm_open(&f->store, &f->origin, f->file, size, now,
                             &f->error, f->pool);
}

static inline int setup_bare(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    strcpy(f->directory, "/tmp/cp_store_XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->file, sizeof(f->file), "%s/store", f->directory);
    f->pool = pool_make();
    *state = f;
    return 0;
}

static inline int setup(void **state)
{
    fixture *f;

    setup_bare(state);
    f = *state;
    assert_int_equal(store_open(f, CP_STORE_SHM_SIZE_MIN, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_CREATED);
    return 0;
}

static inline int teardown(void **state)
{
    fixture *f = *state;

    apr_shm_remove(f->file, f->pool);
    apr_shm_remove(apr_pstrcat(f->pool, f->file, ".new", NULL), f->pool);
    apr_pool_destroy(f->pool);
    rmdir(f->directory);
    free(f);
    return 0;
}

static inline apr_status_t put(fixture *f, cp_store_name name, cp_span value,
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
static inline apr_status_t add(fixture *f, apr_uint64_t number,
                               apr_size_t length, apr_uint32_t now,
                               apr_uint64_t owner)
{
    apr_uint32_t revision = 0;

    return put(f, sample_name(number), sample_value(buffer, number, 0, length),
               now, now + HOUR, owner, &revision);
}

static inline apr_status_t get(fixture *f, apr_uint64_t number,
                               apr_uint32_t now, cp_store_record *record)
{
    cp_store_name name = sample_name(number);
    cp_store_record ignored;

    return f->store->provider->load(f->store, &name, now,
                                    record ? record : &ignored, f->pool);
}

static inline apr_status_t touch(fixture *f, apr_uint64_t number,
                                 apr_uint32_t now, apr_uint32_t expires)
{
    cp_store_name name = sample_name(number);

    return f->store->provider->touch(f->store, &name, now, expires);
}

static inline apr_status_t drop(fixture *f, apr_uint64_t number,
                                apr_uint32_t now)
{
    cp_store_name name = sample_name(number);

    return f->store->provider->remove(f->store, &name, now);
}

static inline cp_store_counts counts(fixture *f, apr_uint32_t now)
{
    cp_store_counts c;

    assert_int_equal(f->store->provider->count(f->store, now, &c), 0);
    return c;
}

/* Another process opens the store, fills it, and is gone. */
static inline void fill_elsewhere(fixture *f, apr_size_t size,
                                  apr_uint64_t records)
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

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define WITHOUT(test) cmocka_unit_test_setup_teardown(test, setup_bare, \
                                                      teardown)

#endif
