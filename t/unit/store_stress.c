/**
 * @file store_stress.c
 * @brief Several processes and threads work on one store in shared memory, and
 *        each compares what it finds with what it knows must be there.
 *
 *     store_stress [--seconds N] [--processes P] [--threads T] [--kill]
 *
 * Each worker owns some records and alone writes them; it also reads those of
 * the others, whose values must be whole. With --kill, processes are killed at
 * random instants and replaced: what was under way then must be done or not
 * done, and nothing else changed. Exits with 1 on any deviation.
 */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_shm.h>

#include "store_sample.h"
#include "store_shm.h"

/* So much that nothing is evicted, and so little that workers meet. */
#define STORE_SIZE_PER_WORKER ((apr_size_t)1024 * 1024)
#define RECORDS 200                 /* of one worker */
#define WORKERS_MAX 64
#define LENGTH_MAX 2000
#define LIFE 100000u

/* The clock goes around in these seconds, in which nothing expires. */
#define CLOCK_SECONDS 8

#define KILL_EVERY_MICROSECONDS 3000

/* Listing looks through all that there is. */
#define LIST_ONCE_IN 1000

/* What a worker knows of a record; version 0: it is not there. The version
 * under way is written before the store is called, and the known one after,
 * so that the next worker knows what a killed one was doing. */
typedef struct known {
    _Atomic apr_uint64_t version;
    _Atomic apr_uint64_t under_way;
    _Atomic apr_uint32_t expires;
    _Atomic apr_uint32_t expires_under_way;
    apr_uint64_t last;
} known;

typedef struct board {
    known of[WORKERS_MAX][RECORDS];
    _Atomic apr_uint64_t operations;
    atomic_int stop;
    atomic_int failed;
} board;

typedef struct worker {
    int number;
    unsigned int seed;
} worker;

static board *shared;
static cp_store *store;
static apr_uint32_t start;
static int processes = 4;
static int threads = 2;

static void fail(const char *what, apr_uint64_t number, apr_status_t rv)
{
    fprintf(stderr, "record %" APR_UINT64_T_FMT ": %s (status %d)\n", number,
            what, rv);
    atomic_store(&shared->failed, 1);
    atomic_store(&shared->stop, 1);
}

static apr_uint32_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return start + (apr_uint32_t)(t.tv_nsec / 1000000 % CLOCK_SECONDS);
}

static apr_size_t length_of(apr_uint64_t number, apr_uint64_t version)
{
    return sizeof(sample_label) + sample_mix(number ^ (version << 20))
                                  % LENGTH_MAX;
}

/* Of all kinds, in some realms. */
static apr_uint64_t owner_of(apr_uint64_t version)
{
    static const apr_uint64_t kinds[] = {
        0, CP_OWNER_ANONYMOUS, 1, 2, CP_OWNER_ROSTER | 1
    };

    return kinds[version % 5]
           | (version % 5 ? version % 7 << CP_OWNER_REALM_SHIFT : 0);
}

/* Compares a record with what is known; settles what was under way. */
static bool settle(known *k, apr_uint64_t number, apr_pool_t *pool,
                   cp_store_record *record)
{
    cp_store_name name = sample_name(number);
    apr_status_t rv = store->provider->load(store, &name, now(), record, pool);
    apr_uint64_t version = k->version;
    apr_uint64_t under_way = k->under_way;
    sample_label label = { number, 0, 0 };

    if (rv == APR_SUCCESS) {
        if (!sample_whole(record->value, number)) {
            fail("is torn", number, rv);
            return false;
        }
        memcpy(&label, record->value.at, sizeof(label));
        if (record->owner != owner_of(label.version)) {
            fail("has a wrong owner", number, rv);
            return false;
        }
        if (record->expires != k->expires
            && record->expires != k->expires_under_way) {
            fail("has a wrong expiry", number, rv);
            return false;
        }
        k->expires = k->expires_under_way = record->expires;
    }
    else if (rv != APR_NOTFOUND) {
        fail("cannot be loaded", number, rv);
        return false;
    }
    if (label.version != version && label.version != under_way) {
        fail(label.version ? "is another version" : "is lost", number, rv);
        return false;
    }
    k->version = k->under_way = label.version;
    return true;
}

static void do_save(known *k, apr_uint64_t number, apr_uint32_t revision)
{
    char buffer[SAMPLE_MAX];
    cp_store_name name = sample_name(number);
    apr_uint64_t version = ++k->last;
    cp_store_record record = { CP_SPAN_NONE, start + CLOCK_SECONDS + LIFE,
                               revision, owner_of(version) };
    apr_status_t rv;

    k->under_way = version;
    k->expires_under_way = record.expires;
    record.value = sample_value(buffer, number, version,
                                length_of(number, version));
    rv = store->provider->save(store, &name, now(), &record);
    if (rv != APR_SUCCESS) {
        fail("cannot be saved", number, rv);
        return;
    }
    k->version = version;
    k->expires = record.expires;
}

static void do_remove(known *k, apr_uint64_t number)
{
    cp_store_name name = sample_name(number);
    apr_status_t rv;

    k->under_way = 0;
    rv = store->provider->remove(store, &name, start);
    if (rv != APR_SUCCESS) {
        fail("cannot be removed", number, rv);
        return;
    }
    k->version = 0;
}

static void do_touch(known *k, apr_uint64_t number, apr_uint32_t expires)
{
    cp_store_name name = sample_name(number);
    apr_status_t rv;

    k->expires_under_way = expires;
    rv = store->provider->touch(store, &name, now(), expires);
    if (rv != APR_SUCCESS) {
        fail("cannot be touched", number, rv);
        return;
    }
    k->expires = expires;
}

/* A save that must not pass. */
static void do_stale(apr_uint64_t number, const cp_store_record *loaded)
{
    cp_store_name name = sample_name(number);
    cp_store_record record = *loaded;
    apr_status_t rv;

    record.revision = loaded->revision ? loaded->revision + 1 : 1;
    rv = store->provider->save(store, &name, now(), &record);
    if (rv != (loaded->revision ? APR_EEXIST : APR_NOTFOUND)) {
        fail("was saved over", number, rv);
    }
}

static void read_foreign(worker *w, apr_pool_t *pool)
{
    apr_uint64_t number = (apr_uint64_t)rand_r(&w->seed)
                          % (apr_uint64_t)(processes * threads * RECORDS);
    cp_store_name name = sample_name(number);
    cp_store_record record;
    apr_status_t rv = store->provider->load(store, &name, now(), &record,
                                            pool);

    if (rv != APR_NOTFOUND
        && (rv != APR_SUCCESS || !sample_whole(record.value, number))) {
        fail("is torn, as another one sees it", number, rv);
    }
}

/* Looking must find what loading found. */
static void do_peek(const known *k, apr_uint64_t number,
                    const cp_store_record *loaded, apr_pool_t *pool)
{
    cp_store_name name = sample_name(number);
    cp_store_record record;
    apr_status_t rv = store->provider->peek(store, &name, now(), &record,
                                            pool);

    if (rv != (k->version ? APR_SUCCESS : APR_NOTFOUND)) {
        fail("is seen otherwise", number, rv);
    }
    else if (k->version && (record.revision != loaded->revision
                            || !cp_span_equal(record.value, loaded->value))) {
        fail("is seen with another value", number, rv);
    }
}

/* How often a record is in a list. */
static int listed(const apr_array_header_t *entries, apr_uint64_t number)
{
    cp_store_name name = sample_name(number);
    int count = 0;

    for (int i = 0; i < entries->nelts; i++) {
        count += memcmp(&APR_ARRAY_IDX(entries, i, cp_store_entry).name,
                        &name, sizeof(name)) == 0;
    }
    return count;
}

/* A worker's own records are in the list, each once, and no others of its
 * own; those of a killed worker are settled first. */
static void do_list(worker *w, apr_pool_t *pool)
{
    apr_array_header_t *entries = apr_array_make(pool, 1000,
                                                 sizeof(cp_store_entry));
    apr_status_t rv = APR_SUCCESS;
    cp_store_record record;
    int i;

    for (apr_uint32_t part = 0; rv == APR_SUCCESS; part++) {
        rv = store->provider->list(store, part, now(), entries);
    }
    if (rv != APR_EOF) {
        fail("and others cannot be listed", 0, rv);
        return;
    }
    for (i = 0; i < RECORDS; i++) {
        apr_uint64_t number = (apr_uint64_t)(w->number * RECORDS + i);

        if (!settle(&shared->of[w->number][i], number, pool, &record)) {
            return;
        }
        if (listed(entries, number)
            != (shared->of[w->number][i].version != 0)) {
            fail("is listed wrongly", number, APR_SUCCESS);
        }
    }
}

static void step(worker *w, apr_pool_t *pool)
{
    int i = rand_r(&w->seed) % RECORDS;
    apr_uint64_t number = (apr_uint64_t)(w->number * RECORDS + i);
    known *k = &shared->of[w->number][i];
    cp_store_record record = { CP_SPAN_NONE, start, 0, 0 };

    if (!settle(k, number, pool, &record)) {
        return;
    }
    if (rand_r(&w->seed) % LIST_ONCE_IN == 0) {
        do_list(w, pool);
        return;
    }
    switch (rand_r(&w->seed) % 9) {
    case 0:
        if (k->version) {
            do_remove(k, number);
        }
        break;
    case 1:
        if (k->version) {
            do_touch(k, number, start + CLOCK_SECONDS
                                + (apr_uint32_t)rand_r(&w->seed) % LIFE);
        }
        break;
    case 2:
        do_stale(number, &record);
        break;
    case 3:
    case 4:
        read_foreign(w, pool);
        break;
    case 5:
        do_peek(k, number, &record, pool);
        break;
    default:
        do_save(k, number, k->version ? record.revision : 0);
    }
}

static void *work(void *argument)
{
    worker *w = argument;
    apr_pool_t *pool;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    while (!atomic_load(&shared->stop)) {
        step(w, pool);
        atomic_fetch_add(&shared->operations, 1);
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void process_run(int process, unsigned int seed)
{
    pthread_t ids[WORKERS_MAX];
    worker workers[WORKERS_MAX];
    int i;

    for (i = 0; i < threads; i++) {
        workers[i].number = process * threads + i;
        workers[i].seed = seed + (unsigned int)i;
        pthread_create(&ids[i], NULL, work, &workers[i]);
    }
    for (i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
}

static pid_t process_start(int process, unsigned int seed)
{
    pid_t child = fork();

    if (child == 0) {
        process_run(process, seed);
        _exit(0);
    }
    return child;
}

/* All that must be there is, and no more; then it is removed. */
static void check_end(apr_pool_t *pool)
{
    cp_store_counts counts;
    apr_uint64_t records = 0, used = 0;
    int i, j;

    for (i = 0; i < processes * threads; i++) {
        for (j = 0; j < RECORDS; j++) {
            cp_store_record record;
            apr_uint64_t number = (apr_uint64_t)(i * RECORDS + j);

            if (!settle(&shared->of[i][j], number, pool, &record)) {
                return;
            }
            if (shared->of[i][j].version) {
                records++;
                used += 64 + (record.value.length + 59) / 60 * 64;
            }
        }
    }
    store->provider->count(store, now(), &counts);
    printf("%" APR_UINT64_T_FMT " operations, %" APR_UINT64_T_FMT
           " records, %" APR_UINT64_T_FMT " repairs\n", shared->operations,
           records, counts.repaired);
    if (counts.anonymous + counts.owned + counts.rosters != records
        || counts.bytes_used != used || counts.evicted || counts.expired) {
        fail("and the others: the counts are wrong", records, 0);
    }
    for (i = 0; i < processes * threads; i++) {
        for (j = 0; j < RECORDS; j++) {
            if (shared->of[i][j].version) {
                do_remove(&shared->of[i][j], (apr_uint64_t)(i * RECORDS + j));
            }
        }
    }
    store->provider->count(store, now(), &counts);
    if (counts.bytes_used || counts.anonymous || counts.owned
        || counts.rosters) {
        fail("and the others: not all memory came back", 0, 0);
    }
}

static void run(int seconds, bool killing)
{
    pid_t children[WORKERS_MAX];
    time_t end = time(NULL) + seconds;
    unsigned int seed = (unsigned int)end;
    unsigned long killed = 0;
    int i, status;

    for (i = 0; i < processes; i++) {
        children[i] = process_start(i, seed += 100);
    }
    while (time(NULL) < end && !atomic_load(&shared->stop)) {
        usleep((useconds_t)rand_r(&seed) % KILL_EVERY_MICROSECONDS);
        if (killing) {
            i = rand_r(&seed) % processes;
            kill(children[i], SIGKILL);
            waitpid(children[i], &status, 0);
            children[i] = process_start(i, seed += 100);
            killed++;
        }
    }
    atomic_store(&shared->stop, 1);
    for (i = 0; i < processes; i++) {
        waitpid(children[i], &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fprintf(stderr, "process %d ended with status %x\n", i, status);
            atomic_store(&shared->failed, 1);
        }
    }
    printf("%lu processes killed\n", killed);
}

static void time_is_up(int ignored)
{
    (void)ignored;
    atomic_store(&shared->stop, 1);
}

/* In this process, for tools that look at one only. */
static void run_here(int seconds)
{
    signal(SIGALRM, time_is_up);
    alarm((unsigned int)seconds);
    process_run(0, start);
}

static const struct option options[] = {
    { "seconds", required_argument, NULL, 's' },
    { "processes", required_argument, NULL, 'p' },
    { "threads", required_argument, NULL, 't' },
    { "kill", no_argument, NULL, 'k' },
    { NULL, 0, NULL, 0 }
};

int main(int argc, char **argv)
{
    char directory[] = "/tmp/cp_stress_XXXXXX";
    int option, seconds = 5;
    bool killing = false;
    cp_store_shm_origin origin;
    const char *error, *file;
    apr_pool_t *pool;
    apr_size_t size;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's': seconds = atoi(optarg); break;
        case 'p': processes = atoi(optarg); break;
        case 't': threads = atoi(optarg); break;
        case 'k': killing = true; break;
        default: return 2;
        }
    }
    if (processes < 1 || threads < 1 || processes * threads > WORKERS_MAX) {
        fprintf(stderr, "at most %d workers\n", WORKERS_MAX);
        return 2;
    }
    apr_initialize();
    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    start = (apr_uint32_t)time(NULL);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || !mkdtemp(directory)) {
        return 2;
    }
    file = apr_pstrcat(pool, directory, "/store", NULL);
    size = (apr_size_t)(processes * threads + 1) * STORE_SIZE_PER_WORKER;
    if (cp_store_shm_open(&store, &origin, file, size, start, &error, pool)
        != APR_SUCCESS) {
        fprintf(stderr, "%s\n", error);
        rmdir(directory);
        return 2;
    }
    if (processes == 1 && !killing) {
        run_here(seconds);
    }
    else {
        run(seconds, killing);
    }
    check_end(pool);
    apr_pool_destroy(pool);
    rmdir(directory);
    return atomic_load(&shared->failed) ? 1 : 0;
}
