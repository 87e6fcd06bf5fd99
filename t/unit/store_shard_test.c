/**
 * @file store_shard_test.c
 * @brief One shard of the shared-memory store, alone: a writer that dies after
 *        each single instruction, damage of every kind, locks that are stuck.
 */
#include <errno.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <apr_general.h>

#include "store_record.h"
#include "store_sample.h"

#define MEMORY_SIZE ((size_t)24 * 1024)
#define NOW 1700000000u
#define LATER (NOW + 3600)
#define LENGTH 130
#define OWNER 1

/* The records that lie in the shard before each death. */
#define RECORDS 12
#define DAMAGE_ROUNDS 3000

static char *memory;            /* shared with child processes */
static char *copy;              /* what is left after a death */
static cp_shard shard;
static apr_pool_t *pool;

static apr_status_t put(cp_shard *to, apr_uint64_t number,
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

static apr_status_t add(cp_shard *to, apr_uint64_t number, apr_uint32_t now,
                        apr_uint64_t owner)
{
    apr_uint32_t revision = 0;

    return put(to, number, 0, LENGTH, now, owner, &revision);
}

static apr_status_t get(cp_shard *from, apr_uint64_t number, apr_uint32_t now,
                        cp_store_record *record)
{
    cp_store_name name = sample_name(number);

    return cp_shard_load(from, &name, now, record, pool);
}

static void shard_make(cp_shard *made, char *at)
{
    memset(at, 0, MEMORY_SIZE);
    cp_shard_map(made, at, cp_shard_blocks(MEMORY_SIZE));
    assert_int_equal(cp_shard_format(made), APR_SUCCESS);
}

static int setup(void **state)
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

static int teardown(void **state)
{
    (void)state;
    munmap(memory, MEMORY_SIZE);
    free(copy);
    apr_pool_destroy(pool);
    return 0;
}

static int setup_records(void **state)
{
    apr_uint64_t i;

    setup(state);
    for (i = 0; i < RECORDS; i++) {
        assert_int_equal(add(&shard, i, NOW + (apr_uint32_t)i, OWNER), 0);
    }
    return 0;
}

static void counts_get(cp_shard *of, apr_uint32_t now, cp_store_counts *counts)
{
    memset(counts, 0, sizeof(*counts));
    assert_int_equal(cp_shard_count(of, now, counts), APR_SUCCESS);
}

/* All that is in it can be found, counted and removed; then it is empty. */
static void check_consistent(cp_shard *left, apr_uint32_t now)
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

/* Scenes: what a writer does when it dies, and what may be left of record 0,
 * the least recently used one. All others must be as they were. */

typedef struct scene {
    void (*act)(void);
    apr_uint64_t old_version;
    apr_uint64_t new_version;
    bool may_be_absent;
} scene;

static void save_version_1(void)
{
    apr_uint32_t revision = 1;

    if (put(&shard, 0, 1, 400, NOW, OWNER, &revision) != APR_SUCCESS) {
        abort();
    }
}

/* The new record looks as if it were the older one. */
static void save_with_clock_set_back(void)
{
    apr_uint32_t revision = 1;

    if (put(&shard, 0, 1, 400, NOW - 10, OWNER, &revision) != APR_SUCCESS) {
        abort();
    }
}

static void save_another(void)
{
    if (add(&shard, RECORDS, NOW, 0) != APR_SUCCESS) {
        abort();
    }
}

static void save_owned(void)
{
    if (add(&shard, RECORDS, NOW, OWNER) != APR_SUCCESS) {
        abort();
    }
}

static void touch_first(void)
{
    cp_store_name name = sample_name(0);

    if (cp_shard_touch(&shard, &name, NOW + 99, NOW + 100000) != 0) {
        abort();
    }
}

static void remove_first(void)
{
    cp_store_name name = sample_name(0);

    if (cp_shard_remove(&shard, &name, NOW) != APR_SUCCESS) {
        abort();
    }
}

static void load_first(void)
{
    cp_store_record record;

    if (get(&shard, 0, NOW + 99, &record) != APR_SUCCESS) {
        abort();
    }
}

static void repair(void)
{
    atomic_store(&shard.state->writing, 1);
    memset(shard.buckets, 0xff, 8);
    if (cp_shard_check(&shard) != APR_SUCCESS) {
        abort();
    }
}

/* What the next process finds when the writer dies here. */
static void check_death(const scene *of, const pthread_mutex_t *unlocked)
{
    cp_shard left;
    cp_store_record record;
    apr_uint64_t i;
    apr_status_t rv;

    memcpy(copy, memory, MEMORY_SIZE);
    cp_shard_map(&left, copy, shard.block_count);
    left.state->lock = *unlocked;
    for (i = 1; i < RECORDS; i++) {
        assert_int_equal(get(&left, i, NOW + 99, &record), APR_SUCCESS);
        assert_true(sample_matches(record.value, i, 0, LENGTH));
    }
    rv = get(&left, 0, NOW + 99, &record);
    if (rv != APR_SUCCESS || !of->may_be_absent) {
        assert_int_equal(rv, of->may_be_absent ? APR_NOTFOUND : APR_SUCCESS);
    }
    if (rv == APR_SUCCESS) {
        assert_true(sample_whole(record.value, 0));
        assert_true(sample_matches(record.value, 0, of->old_version, LENGTH)
                    || sample_matches(record.value, 0, of->new_version, 400));
    }
    if (get(&left, RECORDS, NOW + 99, &record) == APR_SUCCESS) {
        assert_true(sample_whole(record.value, RECORDS));
    }
    check_consistent(&left, NOW + 99);
}

static bool tracing_works(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return !preload || !strstr(preload, "vgpreload");
}

/* Runs the scene one instruction at a time. Where an instruction has changed
 * the shard, a death right after it is looked into. */
static void die_everywhere(const scene *of)
{
    pthread_mutex_t unlocked = shard.state->lock;
    char *before = malloc(MEMORY_SIZE);
    int status, deaths = 0;
    long instructions = 0;
    pid_t child;

    if (!tracing_works()) {
        free(before);
        skip();
    }
    memcpy(before, memory, MEMORY_SIZE);
    child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(77);
        }
        raise(SIGSTOP);
        of->act();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        free(before);
        skip();
    }
    while (WIFSTOPPED(status)) {
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        instructions++;
        if (memcmp(before, memory, MEMORY_SIZE) != 0) {
            memcpy(before, memory, MEMORY_SIZE);
            check_death(of, &unlocked);
            deaths++;
        }
    }
    free(before);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    print_message("           %ld instructions, %d different deaths\n",
                  instructions, deaths);
}

static void test_death_in_replace(void **state)
{
    (void)state;
    die_everywhere(&(scene){ save_version_1, 0, 1, false });
}

static void test_death_in_replace_set_back(void **state)
{
    (void)state;
    die_everywhere(&(scene){ save_with_clock_set_back, 0, 1, false });
}

static void test_death_in_save(void **state)
{
    (void)state;
    die_everywhere(&(scene){ save_another, 0, 0, false });
}

static void test_death_in_eviction(void **state)
{
    apr_uint64_t filler = 100;

    (void)state;
    while (shard.state->free_count >= cp_blocks_needed(LENGTH)) {
        assert_int_equal(add(&shard, filler++, NOW + 50, OWNER), APR_SUCCESS);
    }
    die_everywhere(&(scene){ save_owned, 0, 0, true });
}

static void test_death_in_touch(void **state)
{
    (void)state;
    die_everywhere(&(scene){ touch_first, 0, 0, false });
}

static void test_death_in_remove(void **state)
{
    (void)state;
    die_everywhere(&(scene){ remove_first, 0, 0, true });
}

static void test_death_in_load(void **state)
{
    (void)state;
    die_everywhere(&(scene){ load_first, 0, 0, false });
}

static void test_death_in_repair(void **state)
{
    (void)state;
    die_everywhere(&(scene){ repair, 0, 0, false });
}

/* Really killed with the lock held, over and over. */
static void test_dead_owner(void **state)
{
    cp_store_counts counts;
    cp_store_record record;
    int i;

    (void)state;
    for (i = 0; i < 20; i++) {
        pid_t child = fork();

        if (child == 0) {
            int rv = pthread_mutex_lock(&shard.state->lock);

            if (rv == EOWNERDEAD) {
                pthread_mutex_consistent(&shard.state->lock);
            }
            if (i >= 10) {
                atomic_store(&shard.state->writing, 1);
                memset(shard.buckets, 0x55, 256);
            }
            raise(SIGKILL);
        }
        assert_int_equal(waitpid(child, NULL, 0), child);
        if (i % 3 != 0) {       /* sometimes two die in a row */
            assert_int_equal(get(&shard, 3, NOW, &record), APR_SUCCESS);
            assert_true(sample_matches(record.value, 3, 0, LENGTH));
        }
    }
    counts_get(&shard, NOW, &counts);
    assert_int_equal(counts.repaired, 7);
    assert_int_equal(counts.owned, RECORDS);
    check_consistent(&shard, NOW);
}

static void test_stuck_lock(void **state)
{
    cp_store_record record;
    pid_t child = fork();
    int ready;

    (void)state;
    if (child == 0) {
        pthread_mutex_lock(&shard.state->lock);
        raise(SIGSTOP);
    }
    assert_int_equal(waitpid(child, &ready, WUNTRACED), child);
    assert_int_equal(get(&shard, 3, NOW, &record), APR_TIMEUP);
    /* What is only looked at needs no lock, but where somebody is writing. */
    assert_int_equal(get(&shard, 3, NOW + 3, &record), APR_SUCCESS);
    assert_true(sample_matches(record.value, 3, 0, LENGTH));
    assert_int_equal(get(&shard, RECORDS, NOW, &record), APR_NOTFOUND);
    atomic_store(&shard.state->writing, 7);
    assert_int_equal(get(&shard, 3, NOW + 3, &record), APR_TIMEUP);
    atomic_store(&shard.state->writing, 8);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &ready, 0), child);
    assert_int_equal(get(&shard, 3, NOW, &record), APR_SUCCESS);
}

/* Until a process that was just forked sleeps. */
static void sleep_await(pid_t process)
{
    char path[64], status = '?';

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)process);
    while (status != 'S') {
        FILE *in = fopen(path, "r");

        assert_non_null(in);
        assert_int_equal(fscanf(in, "%*d (%*[^)]) %c", &status), 1);
        fclose(in);
        assert_int_not_equal(status, 'Z');
        usleep(1000);
    }
}

/* Of two who wait for the lock, the one that is woken dies before it takes it,
 * and so never wakes the other one. */
static void test_lost_wake_up(void **state)
{
    atomic_uint *word = (void *)&shard.state->lock;
    cp_store_record record;
    pid_t woken, other;
    int status;

    (void)state;
    assert_int_equal(pthread_mutex_lock(&shard.state->lock), 0);
    atomic_fetch_or(word, FUTEX_WAITERS);
    woken = fork();
    if (woken == 0) {
        syscall(SYS_futex, word, FUTEX_WAIT, atomic_load(word), NULL, NULL, 0);
        _exit(0);
    }
    sleep_await(woken);
    other = fork();
    if (other == 0) {
        _exit(get(&shard, 3, NOW, &record) == APR_SUCCESS ? 0 : 1);
    }
    sleep_await(other);
    pthread_mutex_unlock(&shard.state->lock);
    assert_int_equal(waitpid(woken, &status, 0), woken);
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
}

static void test_repair_keeps_order_of_use(void **state)
{
    cp_store_record record;
    apr_uint64_t number = RECORDS;
    cp_store_counts counts;

    (void)state;
    assert_int_equal(get(&shard, 0, NOW + 90, &record), APR_SUCCESS);
    assert_int_equal(get(&shard, 2, NOW + 91, &record), APR_SUCCESS);
    atomic_store(&shard.state->writing, 1);
    do {
        assert_int_equal(add(&shard, number++, NOW + 92, OWNER), APR_SUCCESS);
        counts_get(&shard, NOW, &counts);
    } while (counts.evicted < 2);
    assert_int_equal(counts.repaired, 1);
    memset(&counts, 0, sizeof(counts));
    cp_shard_mishaps(&shard, &counts);
    assert_int_equal(counts.evicted, 2);
    assert_int_equal(counts.repaired, 1);
    assert_int_equal(get(&shard, 0, NOW + 92, &record), APR_SUCCESS);
    assert_int_equal(get(&shard, 1, NOW + 92, &record), APR_NOTFOUND);
    assert_int_equal(get(&shard, 2, NOW + 92, &record), APR_SUCCESS);
    assert_int_equal(get(&shard, 3, NOW + 92, &record), APR_NOTFOUND);
    assert_int_equal(get(&shard, 4, NOW + 92, &record), APR_SUCCESS);
}

/* The counter of revisions comes around: the newer head still wins, and none
 * is ever 0. */
static void test_revision_wraps(void **state)
{
    apr_uint32_t revision = 1;
    int i;

    (void)state;
    shard.state->revision = UINT32_MAX - 2;
    for (i = 1; i < 6; i++) {
        assert_int_equal(put(&shard, 0, (apr_uint64_t)i, LENGTH, NOW, OWNER,
                             &revision), APR_SUCCESS);
        assert_int_not_equal(revision, 0);
    }
    assert_int_equal(revision, 3);
}

/* Some operations on a shard, whatever is in it. */
static void operate(cp_shard *on, unsigned int *seed)
{
    cp_store_counts counts = { .anonymous = 0 };
    int i;

    for (i = 0; i < 20; i++) {
        apr_uint64_t number = (apr_uint64_t)(rand_r(seed) % (2 * RECORDS));
        cp_store_name name = sample_name(number);
        apr_uint32_t now = NOW + (apr_uint32_t)(rand_r(seed) % 5000);
        cp_store_record record = { CP_SPAN_NONE, 0, 0, 0 };

        if (cp_shard_load(on, &name, now, &record, pool) == APR_SUCCESS) {
            assert_true(record.value.length <= CP_STORE_VALUE_MAX);
        }
        switch (rand_r(seed) % 3) {
        case 0:
            put(on, number, 1, (apr_size_t)(rand_r(seed) % 2000), now,
                number & 1, &record.revision);
            break;
        case 1:
            cp_shard_touch(on, &name, now, now + 100);
            break;
        default:
            cp_shard_remove(on, &name, now);
        }
    }
    cp_shard_count(on, NOW, &counts);
    apr_pool_clear(pool);
}

/* Damage of up to @a extent places: no operation leaves the shard, or runs
 * forever, and a repair makes something consistent of it. */
static void damage(int extent, size_t width)
{
    const size_t lock = sizeof(pthread_mutex_t);
    unsigned int seed = (unsigned int)extent;
    int round, i;

    for (round = 0; round < DAMAGE_ROUNDS; round++) {
        cp_shard left;
        apr_pool_t *kept = pool;

        memcpy(copy, memory, MEMORY_SIZE);
        cp_shard_map(&left, copy, shard.block_count);
        for (i = 0; i < extent; i++) {
            size_t at = lock + (size_t)rand_r(&seed)
                               % (MEMORY_SIZE - lock - width);
            apr_uint64_t what = (apr_uint64_t)rand_r(&seed);

            if (rand_r(&seed) % 2) {
                what %= shard.block_count;
                at &= ~(size_t)3;
            }
            memcpy(copy + at, &what, width);
        }
        operate(&left, &seed);
        atomic_store(&left.state->writing, 1);
        check_consistent(&left, NOW);
        assert_ptr_equal(kept, pool);
    }
}

static void test_damage(void **state)
{
    (void)state;
    alarm(120);
    damage(1, 1);
    damage(3, 4);
    damage(100, 4);
    damage(2000, 8);
    alarm(0);
}

/* Garbage in each single word of the bookkeeping and of the first records. */
static void test_damage_everywhere(void **state)
{
    static const apr_uint32_t values[] = { 0, 1, 2, 3, 7, 300, 0xffffffff };
    unsigned int seed = 1;
    size_t at, i;

    (void)state;
    alarm(120);
    for (at = sizeof(pthread_mutex_t); at < MEMORY_SIZE; at += 4) {
        for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
            cp_shard left;

            memcpy(copy, memory, MEMORY_SIZE);
            cp_shard_map(&left, copy, shard.block_count);
            memcpy(copy + at, &values[i], sizeof(values[i]));
            operate(&left, &seed);
        }
    }
    alarm(0);
}

static void test_geometry(void **state)
{
    size_t size;
    cp_shard made;

    (void)state;
    assert_int_equal(cp_shard_blocks(0), 0);
    assert_int_equal(cp_shard_blocks(CP_SHARD_BLOCK_SIZE), 0);
    for (size = 8192; size < (size_t)1 << 30; size = size * 9 / 8) {
        apr_uint32_t blocks = cp_shard_blocks(size);
        char *end;

        if (blocks == 0) {
            continue;
        }
        cp_shard_map(&made, memory, blocks);
        end = (char *)(made.blocks + blocks);
        assert_true(end <= memory + size);
        assert_true(size < 65536 || end > memory + size - size / 32);
        assert_int_equal((uintptr_t)made.blocks % CP_SHARD_BLOCK_SIZE, 0);
    }
}

int main(void)
{
#define WITH_RECORDS(test) \
    cmocka_unit_test_setup_teardown(test, setup_records, teardown)
    const struct CMUnitTest cp_store_shard_test[] = {
        WITH_RECORDS(test_geometry),
        WITH_RECORDS(test_death_in_save),
        WITH_RECORDS(test_death_in_replace),
        WITH_RECORDS(test_death_in_replace_set_back),
        WITH_RECORDS(test_death_in_eviction),
        WITH_RECORDS(test_death_in_touch),
        WITH_RECORDS(test_death_in_remove),
        WITH_RECORDS(test_death_in_load),
        WITH_RECORDS(test_death_in_repair),
        WITH_RECORDS(test_dead_owner),
        WITH_RECORDS(test_stuck_lock),
        WITH_RECORDS(test_lost_wake_up),
        WITH_RECORDS(test_repair_keeps_order_of_use),
        WITH_RECORDS(test_revision_wraps),
        WITH_RECORDS(test_damage),
        WITH_RECORDS(test_damage_everywhere)
    };

    apr_initialize();
    return cmocka_run_group_tests(cp_store_shard_test, NULL, NULL);
}
