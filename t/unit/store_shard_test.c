/**
 * @file store_shard_test.c
 * @brief One shard of the shared-memory store, alone: its measures, locks that
 *        are stuck, what a repair keeps, and damage of every kind.
 */
#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "store_shard_fixture.h"

#define DAMAGE_ROUNDS 3000

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

int main(void)
{
    const struct CMUnitTest cp_store_shard_test[] = {
        WITH_RECORDS(test_geometry),
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
