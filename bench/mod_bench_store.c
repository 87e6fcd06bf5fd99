/**
 * @file mod_bench_store.c
 * @brief Times the store in shared memory beside httpd's mod_socache_shmcb, in
 *        one process, with the same names and values. For bench/store-shmcb
 *        alone, and never installed.
 *
 * It runs where httpd checks its configuration, prints one table to standard
 * output and ends the process. shmcb is called as httpd's modules call it:
 * under a global mutex of httpd's default kind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <ap_provider.h>
#include <ap_socache.h>
#include <util_mutex.h>

#include "measure.h"
#include "store_shm.h"

extern module __attribute__((visibility("default"))) bench_store_module;

#define MUTEX_TYPE "bench-store"
#define VALUE_LENGTH 128
#define LIFE 3600u
#define ROUNDS 7

/* How long one operation is timed in a round, in seconds; the clock is read,
 * and the pool cleared, after a batch. */
#define BOUT 0.05
#define BATCH 256

/* Both get more room than they need, as neither is to evict. */
#define SHMCB_RECORD (2 * (VALUE_LENGTH + CP_STORE_NAME_LENGTH))
#define SHM_RECORD 384
#define SIZE_MIN (32u << 20)

typedef struct rivals {
    cp_store *store;
    apr_pool_t *store_pool;
    const ap_socache_provider_t *shmcb;
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex;
    server_rec *server;
    apr_uint32_t records;
    apr_uint32_t now;
    apr_uint64_t inserted;
} rivals;

typedef void (*operation)(rivals *of, apr_uint64_t number, apr_pool_t *pool);

enum { LOOK_UP, INSERT, UPDATE, REMOVE, OPERATIONS };

static unsigned char value[VALUE_LENGTH];

static void stop(const char *what, apr_status_t rv)
{
    fprintf(stderr, "%s: status %d\n", what, rv);
    exit(1);
}

static void shm_look_up(rivals *of, apr_uint64_t number, apr_pool_t *pool)
{
    cp_store_name name = cp_name_of(number);
    cp_store_record record;
    apr_status_t rv = of->store->provider->load(of->store, &name, of->now,
                                                &record, pool);

    if (rv != APR_SUCCESS || record.value.length != VALUE_LENGTH) {
        stop("look-up", rv);
    }
}

static void shm_save(rivals *of, apr_uint64_t number, apr_uint32_t revision)
{
    cp_store_name name = cp_name_of(number);
    cp_store_record record = {
        cp_span_make((const char *)value, VALUE_LENGTH), of->now + LIFE,
        revision, 1 + number % 1000
    };
    apr_status_t rv = of->store->provider->save(of->store, &name, of->now,
                                                &record);

    if (rv != APR_SUCCESS) {
        stop("save", rv);
    }
}

static void shm_insert(rivals *of, apr_uint64_t number, apr_pool_t *pool)
{
    (void)pool;
    shm_save(of, number, 0);
}

static void shm_update(rivals *of, apr_uint64_t number, apr_pool_t *pool)
{
    cp_store_name name = cp_name_of(number);
    cp_store_record record;
    apr_status_t rv = of->store->provider->load(of->store, &name, of->now,
                                                &record, pool);

    if (rv != APR_SUCCESS) {
        stop("load", rv);
    }
    shm_save(of, number, record.revision);
}

static void shm_remove(rivals *of, apr_uint64_t number, apr_pool_t *pool)
{
    cp_store_name name = cp_name_of(number);

    (void)pool;
    of->store->provider->remove(of->store, &name, of->now);
}

static apr_status_t shmcb_get(rivals *of, apr_uint64_t number,
                              apr_pool_t *pool)
{
    cp_store_name name = cp_name_of(number);
    unsigned char found[VALUE_LENGTH];
    unsigned int length = sizeof(found);
    apr_status_t rv;

    apr_global_mutex_lock(of->mutex);
    rv = of->shmcb->retrieve(of->instance, of->server, name.bytes,
                             sizeof(name.bytes), found, &length, pool);
    apr_global_mutex_unlock(of->mutex);
    return rv;
}

static void shmcb_look_up(rivals *of, apr_uint64_t number, apr_pool_t *pool)
{
    apr_status_t rv = shmcb_get(of, number, pool);

    if (rv != APR_SUCCESS) {
        stop("shmcb's look-up", rv);
    }
}

static void shmcb_insert(rivals *of, apr_uint64_t number, apr_pool_t *pool)
{
    cp_store_name name = cp_name_of(number);
    apr_time_t expires = apr_time_from_sec(of->now + LIFE);
    apr_status_t rv;

    apr_global_mutex_lock(of->mutex);
    rv = of->shmcb->store(of->instance, of->server, name.bytes,
                          sizeof(name.bytes), expires, value, VALUE_LENGTH,
                          pool);
    apr_global_mutex_unlock(of->mutex);
    if (rv != APR_SUCCESS) {
        stop("shmcb's store", rv);
    }
}

/* It may be gone: shmcb is a ring, in which what was removed or replaced takes
 * room until it is overtaken. */
static void shmcb_update(rivals *of, apr_uint64_t number, apr_pool_t *pool)
{
    shmcb_get(of, number, pool);
    shmcb_insert(of, number, pool);
}

static void shmcb_remove(rivals *of, apr_uint64_t number, apr_pool_t *pool)
{
    cp_store_name name = cp_name_of(number);

    apr_global_mutex_lock(of->mutex);
    of->shmcb->remove(of->instance, of->server, name.bytes,
                      sizeof(name.bytes), pool);
    apr_global_mutex_unlock(of->mutex);
}

enum { SHMCB, SHM, STORES };

static const operation operations[STORES][OPERATIONS] = {
    { shmcb_look_up, shmcb_insert, shmcb_update, shmcb_remove },
    { shm_look_up, shm_insert, shm_update, shm_remove }
};

/* Where there is an @a undo, each record is a new one, and gone afterwards.
 * @return nanoseconds an operation */
static double bout(rivals *of, operation act, operation undo, apr_pool_t *pool)
{
    apr_uint64_t first = of->records + of->inserted;
    double spent = 0;
    unsigned int count;

    for (count = 0; spent < BOUT; count += BATCH) {
        double begin = cp_seconds();

        for (apr_uint64_t i = count; i < count + BATCH; i++) {
            act(of, undo ? first + i : cp_mix(first + i) % of->records, pool);
        }
        spent += cp_seconds() - begin;
        for (apr_uint64_t i = count; undo && i < count + BATCH; i++) {
            undo(of, first + i, pool);
        }
        apr_pool_clear(pool);
    }
    of->inserted += count;
    return spent * 1e9 / count;
}

/* Prints a row of the table, of medians; the ratio is the median of those of
 * each round, in which one store is timed right after the other. */
static void compare(rivals *of, const char *what, int act, apr_pool_t *pool)
{
    double times[STORES][ROUNDS], ratios[ROUNDS];

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < STORES; i++) {
            times[i][round] = bout(of, operations[i][act],
                                   act == INSERT ? operations[i][REMOVE]
                                                 : NULL, pool);
        }
        ratios[round] = times[SHMCB][round] / times[SHM][round];
    }
    printf("%u\t%s\t%.0f\t%.0f\t%.2f\n", of->records, what,
           cp_median(times[SHMCB], ROUNDS), cp_median(times[SHM], ROUNDS),
           cp_median(ratios, ROUNDS));
    fflush(stdout);
}

static void stores_open(rivals *of, const char *directory, apr_pool_t *pool)
{
    static const struct ap_socache_hints hints = {
        CP_STORE_NAME_LENGTH, VALUE_LENGTH, 0
    };
    apr_size_t size = (apr_size_t)of->records * SHM_RECORD;
    const char *file = apr_pstrcat(pool, directory, "/store", NULL);
    cp_store_shm_origin origin;
    const char *error;
    apr_status_t rv;

    error = of->shmcb->create(&of->instance,
                              apr_psprintf(pool, "%s/shmcb(%" APR_SIZE_T_FMT
                                           ")", directory,
                                           (apr_size_t)of->records
                                           * SHMCB_RECORD + 65536),
                              pool, pool);
    if (error) {
        stop(error, APR_EINVAL);
    }
    rv = of->shmcb->init(of->instance, "bench", &hints, of->server, pool);
    if (rv != APR_SUCCESS) {
        stop("shmcb", rv);
    }
    apr_pool_create_unmanaged_ex(&of->store_pool, NULL, NULL);
    rv = cp_store_shm_open(&of->store, &origin, file,
                           size > SIZE_MIN ? size : SIZE_MIN, of->now, &error,
                           of->store_pool);
    if (rv != APR_SUCCESS) {
        stop(error, rv);
    }
}

static void measure(rivals *of, const char *directory, apr_pool_t *parent)
{
    apr_pool_t *pool, *scratch;

    apr_pool_create(&pool, parent);
    apr_pool_create(&scratch, pool);
    stores_open(of, directory, pool);
    for (apr_uint32_t i = 0; i < of->records; i++) {
        shmcb_insert(of, i, scratch);
        shm_insert(of, i, scratch);
    }
    apr_pool_clear(scratch);
    compare(of, "look-up", LOOK_UP, scratch);
    compare(of, "insert", INSERT, scratch);
    compare(of, "update", UPDATE, scratch);
    of->shmcb->destroy(of->instance, of->server);
    apr_pool_destroy(of->store_pool);
    apr_pool_destroy(pool);
}

static int bench_run(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                     server_rec *server)
{
    static const apr_uint32_t sizes[] = { 1000, 10000, 100000, 1000000 };
    rivals of = { .server = server,
                  .now = (apr_uint32_t)apr_time_sec(apr_time_now()) };
    const char *directory = ap_server_root_relative(ptemp, "");
    const char *most = getenv("BENCH_RECORDS_MAX");
    apr_status_t rv;

    (void)plog;
    of.shmcb = ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, "shmcb",
                                  AP_SOCACHE_PROVIDER_VERSION);
    rv = ap_global_mutex_create(&of.mutex, NULL, MUTEX_TYPE, NULL, server,
                                pconf, 0);
    if (!of.shmcb || rv != APR_SUCCESS) {
        stop("shmcb or its mutex", rv);
    }
    printf("records\twhat\tshmcb, ns\tmod_cookiepolicy, ns\tratio\n"
           "\tvalues of %d bytes; shmcb under a mutex of the kind %s\n",
           VALUE_LENGTH, apr_global_mutex_name(of.mutex));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        if (most && sizes[i] > strtoul(most, NULL, 10)) {
            break;
        }
        of.records = sizes[i];
        of.inserted = 0;
        measure(&of, directory, pconf);
    }
    exit(0);
}

static int bench_prepare(apr_pool_t *pconf, apr_pool_t *plog,
                         apr_pool_t *ptemp)
{
    (void)plog, (void)ptemp;
    return ap_mutex_register(pconf, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0)
           == APR_SUCCESS ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

static void bench_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_pre_config(bench_prepare, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(bench_run, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(bench_store) = {
    STANDARD20_MODULE_STUFF,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    bench_hooks,
    0
};
