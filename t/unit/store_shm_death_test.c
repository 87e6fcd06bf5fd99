/**
 * @file store_shm_death_test.c
 * @brief A store in shared memory whose writers are killed, with others at it
 *        or none: no record is lost or torn.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "store_shm_fixture.h"

/* How long writers are killed for. */
#define KILL_SECONDS 4
#define KILL_SECONDS_MAX 120      /* where few die at the right instant */
#define REPAIRS_MIN 3

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
    const struct CMUnitTest cp_store_shm_death_test[] = {
        WITH_STORE(test_killed),
        WITHOUT(test_killed_all)
    };

    apr_initialize();
    return cmocka_run_group_tests(cp_store_shm_death_test, NULL, NULL);
}
