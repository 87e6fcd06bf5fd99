/**
 * @file store_shard_death_test.c
 * @brief One shard of the shared-memory store, alone, whose writer dies: after
 *        each single instruction, and with the lock held.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "store_shard_fixture.h"

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

int main(void)
{
    const struct CMUnitTest cp_store_shard_death_test[] = {
        WITH_RECORDS(test_death_in_save),
        WITH_RECORDS(test_death_in_replace),
        WITH_RECORDS(test_death_in_replace_set_back),
        WITH_RECORDS(test_death_in_eviction),
        WITH_RECORDS(test_death_in_touch),
        WITH_RECORDS(test_death_in_remove),
        WITH_RECORDS(test_death_in_load),
        WITH_RECORDS(test_death_in_repair),
        WITH_RECORDS(test_dead_owner)
    };

    apr_initialize();
    return cmocka_run_group_tests(cp_store_shard_death_test, NULL, NULL);
}
