/**
 * @file store.c
 * @brief How long the store in shared memory takes.
 *
 *     store [--sessions N]... [--value BYTES] [--rounds R]
 *
 * For each number of sessions (1,000, 100,000 and 1,000,000 where none is
 * given) it prints, for one process and for two at once, how many nanoseconds
 * a look-up, an update and an insert with a removal take, each of random
 * records; how long it takes to read one line of a cache, at random, of as much
 * memory; how many bytes a session takes; and how long it takes to list all.
 * Times are of the processor, and the median of R rounds. Of two processes the
 * slower one counts, and `scale` says how many times as much both do as one
 * alone: the median of the ratios of R pairs, one right after the other.
 */
#include <errno.h>
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_general.h>

#include "measure.h"
#include "store_shm.h"

#define OPERATIONS 200000u
#define SIZES_MAX 8
#define PROCESSES 2
#define LINE 64                 /* bytes */
#define PLAIN 1                 /* what is in them */
#define ROUNDS_MAX 99
#define LIFE 3600u
#define SIZE_DEFAULT ((apr_size_t)32 << 20)

/* What a session with a user and two short attributes has in the store. */
#define VALUE_DEFAULT 230

typedef struct bench {
    cp_store *store;
    apr_uint32_t sessions;
    apr_size_t value;
    apr_uint32_t now;
    apr_pool_t *pool;
} bench;

typedef void (*operation)(const bench *of, apr_uint64_t random,
                          apr_pool_t *pool);

/* Where the processes meet, so that all begin at once, and what they say. */
typedef struct meeting {
    atomic_uint waiting;
    double results[PROCESSES];
} meeting;

static meeting *shared;

/* As much memory as the records take. */
static unsigned char *plain;
static apr_size_t plain_lines;
static unsigned char plain_last;

/* Which of them this is. */
static apr_uint64_t process;

static char value[CP_STORE_VALUE_MAX];

static void stop(const char *what, apr_status_t rv)
{
    fprintf(stderr, "%s: status %d\n", what, rv);
    exit(1);
}

static void save(const bench *of, apr_uint64_t number, apr_uint32_t revision)
{
    cp_store_name name = cp_name_of(number);
    cp_store_record record = { cp_span_make(value, of->value),
                               of->now + LIFE, revision, 1 + number % 1000 };
    apr_status_t rv = of->store->provider->save(of->store, &name, of->now,
                                                &record);

    if (rv != APR_SUCCESS && rv != APR_EEXIST) {
        stop("save", rv);
    }
}

static void look_up(const bench *of, apr_uint64_t random, apr_pool_t *pool)
{
    cp_store_name name = cp_name_of(random % of->sessions);
    cp_store_record record;
    apr_status_t rv = of->store->provider->load(of->store, &name, of->now,
                                                &record, pool);

    if (rv != APR_SUCCESS) {
        stop("look-up", rv);
    }
}

/* As a request does it: it loads, and saves what it has loaded. */
static void update(const bench *of, apr_uint64_t random, apr_pool_t *pool)
{
    apr_uint64_t number = random % of->sessions;
    cp_store_name name = cp_name_of(number);
    cp_store_record record;
    apr_status_t rv = of->store->provider->load(of->store, &name, of->now,
                                                &record, pool);

    if (rv != APR_SUCCESS) {
        stop("load", rv);
    }
    save(of, number, record.revision);
}

/* One that was not there comes and goes: the number of records stays. */
static void insert(const bench *of, apr_uint64_t random, apr_pool_t *pool)
{
    apr_uint64_t number = of->sessions + (random << 1) + process;
    cp_store_name name = cp_name_of(number);
    apr_status_t rv;

    (void)pool;
    save(of, number, 0);
    rv = of->store->provider->remove(of->store, &name, of->now);
    if (rv != APR_SUCCESS) {
        stop("remove", rv);
    }
}

/* One that waits for the one before, or the processor does several at once. */
static void read_line(const bench *of, apr_uint64_t random, apr_pool_t *pool)
{
    (void)of;
    (void)pool;
    plain_last = plain[(random ^ plain_last) % plain_lines * LINE];
}

/* @return nanoseconds an operation */
static double run_once(const bench *of, operation act, apr_uint64_t seed)
{
    apr_pool_t *pool;
    double begin;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    begin = cp_seconds();
    for (apr_uint32_t i = 0; i < OPERATIONS; i++) {
        act(of, cp_mix(seed + i), pool);
        if (i % 64 == 0) {
            apr_pool_clear(pool);
        }
    }
    begin = cp_seconds() - begin;
    apr_pool_destroy(pool);
    return begin * 1e9 / OPERATIONS;
}

/* Has all pages mapped, as they are in a process that runs for long. */
static apr_uint32_t parts_list(const bench *of, double *longest)
{
    apr_array_header_t *entries = apr_array_make(of->pool, 1024,
                                                 sizeof(cp_store_entry));
    apr_uint32_t part = 0;
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS) {
        double one = cp_seconds();

        apr_array_clear(entries);
        rv = of->store->provider->list(of->store, part, of->now, entries);
        one = cp_seconds() - one;
        *longest = one > *longest ? one : *longest;
        part += rv == APR_SUCCESS;
    }
    return part;
}

/* The same in several processes at once. */
static double run_together(const bench *of, operation act, apr_uint64_t seed)
{
    double slowest = 0;

    atomic_store(&shared->waiting, PROCESSES);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            double ignored = 0;

            process = (apr_uint64_t)i;
            parts_list(of, &ignored);
            atomic_fetch_sub(&shared->waiting, 1);
            while (atomic_load(&shared->waiting) > 0) {
            }
            shared->results[i] = run_once(of, act, seed + (apr_uint64_t)i
                                                          * OPERATIONS);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;

        if (wait(&status) < 0 || status != 0) {
            stop("a process", status);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        if (shared->results[i] > slowest) {
            slowest = shared->results[i];
        }
    }
    return slowest;
}

static void compare(const bench *of, const char *what, operation act,
                    int rounds)
{
    double alone[ROUNDS_MAX], together[ROUNDS_MAX], scale[ROUNDS_MAX];

    for (int i = 0; i < rounds; i++) {
        apr_uint64_t seed = (apr_uint64_t)i * (PROCESSES + 1) * OPERATIONS;

        alone[i] = run_once(of, act, seed);
        together[i] = run_together(of, act, seed + OPERATIONS);
        scale[i] = PROCESSES * alone[i] / together[i];
    }
    printf("%u\t%s\t%.0f\t%.0f\t%.2f\n", of->sessions, what,
           cp_median(alone, rounds), cp_median(together, rounds),
           cp_median(scale, rounds));
}

/* No look-up can take less than one such read. */
static void memory_measure(const bench *of, apr_size_t bytes, int rounds)
{
    double took[ROUNDS_MAX];

    plain = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (plain == MAP_FAILED) {
        stop("mmap", errno);
    }
    plain_lines = bytes / LINE;
    memset(plain, PLAIN, bytes);
    for (int i = 0; i < rounds; i++) {
        took[i] = run_once(of, read_line, (apr_uint64_t)i * OPERATIONS);
    }
    printf("%u\tread of as much memory\t%.0f\n", of->sessions,
           cp_median(took, rounds));
    munmap(plain, bytes);
}

static void list_all(const bench *of)
{
    double begin = cp_seconds(), longest = 0;
    apr_uint32_t part = parts_list(of, &longest);

    printf("%u\tlist all, ms\t%.1f\n%u\tlist one of %u parts, ms at most"
           "\t%.2f\n", of->sessions, (cp_seconds() - begin) * 1e3,
           of->sessions, part, longest * 1e3);
}

/* A third more than the records take, so that nothing is evicted; but no
 * less than the default. */
static apr_size_t size_for(const bench *of)
{
    apr_size_t record = 64 + (of->value + 59) / 60 * 64;
    apr_size_t size = of->sessions * (record + 8) / 3 * 4;

    return size > SIZE_DEFAULT ? size : SIZE_DEFAULT;
}

static void measure(bench *of, const char *file, int rounds)
{
    cp_store_shm_origin origin;
    const char *error = NULL;
    cp_store_counts counts;

    apr_pool_create_unmanaged_ex(&of->pool, NULL, NULL);
    if (cp_store_shm_open(&of->store, &origin, file, size_for(of), of->now,
                          &error, of->pool) != APR_SUCCESS) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    for (apr_uint32_t i = 0; i < of->sessions; i++) {
        save(of, i, 0);
    }
    compare(of, "look-up", look_up, rounds);
    compare(of, "update", update, rounds);
    compare(of, "insert and remove", insert, rounds);
    list_all(of);
    of->store->provider->count(of->store, of->now, &counts);
    if (counts.evicted || counts.owned != of->sessions) {
        stop("records were evicted", 0);
    }
    memory_measure(of, counts.bytes_used, rounds);
    printf("%u\tbytes a session, of %" APR_SIZE_T_FMT "\t%.0f\n",
           of->sessions, of->value,
           (double)counts.bytes_used / (double)of->sessions);
    fflush(stdout);
    apr_pool_destroy(of->pool);
}

static const struct option options[] = {
    { "sessions", required_argument, NULL, 's' },
    { "value", required_argument, NULL, 'v' },
    { "rounds", required_argument, NULL, 'r' },
    { NULL, 0, NULL, 0 }
};

int main(int argc, char **argv)
{
    apr_uint32_t sizes[SIZES_MAX] = { 1000, 100000, 1000000 };
    char directory[] = "/tmp/cp_bench_XXXXXX";
    bench of = { .value = VALUE_DEFAULT, .now = 1700000000u };
    int option, given = 0, rounds = 5;
    char file[64];

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            if (given < SIZES_MAX) {
                sizes[given++] = (apr_uint32_t)strtoul(optarg, NULL, 10);
            }
            break;
        case 'v': of.value = strtoul(optarg, NULL, 10); break;
        case 'r': rounds = atoi(optarg); break;
        default: return 2;
        }
    }
    if (of.value > CP_STORE_VALUE_MAX || rounds < 1
        || rounds > ROUNDS_MAX) {
        return 2;
    }
    apr_initialize();
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || !mkdtemp(directory)) {
        return 1;
    }
    snprintf(file, sizeof(file), "%s/store", directory);
    printf("sessions\twhat\tns, 1 process\tns, 2 at once\tscale\n");
    fflush(stdout);
    for (int i = 0; i < (given ? given : 3); i++) {
        of.sessions = sizes[i];
        measure(&of, file, rounds);
    }
    rmdir(directory);
    return 0;
}
