/**
 * @file store_shm_segment_test.c
 * @brief How the segment of a store in shared memory is come by: attached to,
 *        carried into one of another size, replaced, or refused.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "store_shm_fixture.h"

static void test_two_handles(void **state)
{
    fixture *f = *state;
    fixture second = *f;

    second.pool = pool_make();
    assert_int_equal(store_open(&second, CP_STORE_SHM_SIZE_MIN, NOW), 0);
    assert_int_equal(second.origin, CP_STORE_SHM_ATTACHED);
    assert_int_equal(cp_store_shm_size(second.store), CP_STORE_SHM_SIZE_MIN);
    assert_int_equal(add(f, 1, 100, NOW, 0), APR_SUCCESS);
    assert_int_equal(get(&second, 1, NOW, NULL), APR_SUCCESS);
    assert_int_equal(drop(&second, 1, NOW), APR_SUCCESS);
    assert_int_equal(get(f, 1, NOW, NULL), APR_NOTFOUND);
    apr_pool_destroy(second.pool);
    /* One that was attached to is not unlinked. */
    second.pool = pool_make();
    assert_int_equal(store_open(&second, CP_STORE_SHM_SIZE_MIN, NOW), 0);
    assert_int_equal(second.origin, CP_STORE_SHM_ATTACHED);
    apr_pool_destroy(second.pool);
}

static void check_all(fixture *f, apr_uint64_t records)
{
    cp_store_record record;
    apr_uint64_t i;

    for (i = 0; i < records; i++) {
        assert_int_equal(get(f, i, NOW + 100, &record), APR_SUCCESS);
        assert_true(sample_matches(record.value, i, 0, 100 + i % 3000));
        assert_int_equal(record.expires, NOW + i % 100 + HOUR);
        assert_int_equal(record.owner, i % 2);
    }
}

static void test_attached(void **state)
{
    fixture *f = *state;

    fill_elsewhere(f, MEGABYTE, 200);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_ATTACHED);
    check_all(f, 200);
}

static void test_carried_up(void **state)
{
    fixture *f = *state;

    fill_elsewhere(f, MEGABYTE, 200);
    assert_int_equal(store_open(f, 3 * MEGABYTE + 12345, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_CARRIED);
    assert_int_equal(cp_store_shm_size(f->store), 3 * MEGABYTE + 12345);
    check_all(f, 200);
    assert_int_equal(counts(f, NOW).anonymous, 100);
    pool_renew(f);
    assert_int_equal(store_open(f, 3 * MEGABYTE + 12345, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_ATTACHED);
    check_all(f, 200);
}

static void test_carried_down(void **state)
{
    fixture *f = *state;
    apr_uint64_t i, anonymous = 0, owned = 0;

    fill_elsewhere(f, 8 * MEGABYTE, 100);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_CARRIED);
    check_all(f, 100);
    apr_shm_remove(f->file, f->pool);
    /* More than there is room for: anonymous ones go first. */
    fill_elsewhere(f, 8 * MEGABYTE, 1000);
    pool_renew(f);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_CARRIED);
    for (i = 0; i < 1000; i++) {
        if (get(f, i, NOW, NULL) == APR_SUCCESS) {
            *(i % 2 ? &owned : &anonymous) += 1;
        }
    }
    assert_true(owned == 500 || anonymous == 0);
    assert_true(owned > 400);
    assert_int_equal(counts(f, NOW).owned, owned);
    /* And those that have expired are left behind. */
    apr_shm_remove(f->file, f->pool);
    fill_elsewhere(f, 2 * MEGABYTE, 100);
    pool_renew(f);
    assert_int_equal(store_open(f, MEGABYTE, NOW + DAY), APR_SUCCESS);
    assert_int_equal(counts(f, NOW).bytes_used, 0);
}

/* The file behind the segment: what stands in /dev/shm but not before. */
static void backing_path(fixture *f, char *path, size_t size)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    cp_store *store;
    cp_store_shm_origin origin;
    apr_pool_t *pool = pool_make();

    assert_non_null(maps);
    assert_int_equal(cp_store_shm_open(&store, &origin, f->file, MEGABYTE, NOW,
                                       &f->error, pool), APR_SUCCESS);
    rewind(maps);
    path[0] = '\0';
    while (fgets(line, sizeof(line), maps)) {
        char *at = strstr(line, "/dev/shm/ShM");

        if (at && !strstr(line, "(deleted)")) {
            at[strcspn(at, "\n")] = '\0';
            snprintf(path, size, "%s", at);
        }
    }
    fclose(maps);
    apr_pool_destroy(pool);
    assert_int_not_equal(path[0], '\0');
}

/* Overwrites a part of the segment's file, as damage or another version. */
static void scribble(const char *path, off_t at, const void *what, size_t size)
{
    int file = open(path, O_RDWR);

    assert_true(file >= 0);
    assert_int_equal(pwrite(file, what, size, at), (ssize_t)size);
    close(file);
}

static void expect_replaced(fixture *f)
{
    pool_renew(f);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_REPLACED);
    assert_null(f->error);
    assert_int_equal(counts(f, NOW).anonymous, 0);
    assert_int_equal(add(f, 1, 100, NOW, 0), APR_SUCCESS);
    pool_renew(f);
}

static void test_replaced(void **state)
{
    fixture *f = *state;
    char path[128];
    apr_uint64_t word = ~(apr_uint64_t)0;
    off_t at;

    for (at = 0; at < 100; at += 4) {
        if (at >= 8 && at < 64) {
            continue;           /* lies before the header */
        }
        fill_elsewhere(f, MEGABYTE, 10);
        backing_path(f, path, sizeof(path));
        scribble(path, at, &word, 4);
        expect_replaced(f);
    }
    for (at = 0; at < (off_t)MEGABYTE; at = at * 7 + 1) {
        fill_elsewhere(f, MEGABYTE, 10);
        backing_path(f, path, sizeof(path));
        assert_int_equal(truncate(path, at), 0);
        expect_replaced(f);
    }
    for (word = 0; word < 70 * MEGABYTE; word = word * 5 + 1) {
        fill_elsewhere(f, MEGABYTE, 10);
        backing_path(f, path, sizeof(path));
        if (word > MEGABYTE && word <= MEGABYTE + 8) {
            continue;
        }
        scribble(path, 0, &word, sizeof(word));
        expect_replaced(f);
    }
}

static void test_mode(void **state)
{
    fixture *f = *state;
    char path[128];
    struct stat status;

    fill_elsewhere(f, MEGABYTE, 10);
    backing_path(f, path, sizeof(path));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true((apr_size_t)status.st_blocks * 512 >= MEGABYTE);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_EACCES);
    assert_non_null(strstr(f->error, "mode 644"));
    assert_int_equal(store_open(f, 2 * MEGABYTE, NOW), APR_EACCES);
    assert_int_equal(chmod(path, 0660), 0);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_EACCES);
    assert_int_equal(chmod(path, 0600), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, 0), 0);
        assert_int_equal(store_open(f, MEGABYTE, NOW), APR_EACCES);
        assert_non_null(strstr(f->error, "user 12345"));
        assert_int_equal(chown(path, 0, 0), 0);
    }
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    check_all(f, 10);
}

static void test_no_room(void **state)
{
    fixture *f = *state;
    const apr_size_t huge = (apr_size_t)1 << 50;

    assert_int_equal(store_open(f, huge, NOW), APR_ENOSPC);
    assert_non_null(strstr(f->error, "MB"));
    assert_non_null(strstr(f->error, "/dev/shm"));
    assert_int_equal(store_open(f, SIZE_MAX - 5, NOW), APR_ENOSPC);
    assert_int_equal(store_open(f, CP_STORE_SHM_SIZE_MIN - 1, NOW),
                     APR_EINVAL);
    assert_non_null(f->error);
    /* What is there stays there. */
    fill_elsewhere(f, MEGABYTE, 10);
    assert_int_equal(store_open(f, huge, NOW), APR_ENOSPC);
    assert_int_equal(store_open(f, MEGABYTE, NOW), APR_SUCCESS);
    assert_int_equal(f->origin, CP_STORE_SHM_ATTACHED);
    check_all(f, 10);
}

int main(void)
{
    const struct CMUnitTest cp_store_shm_segment_test[] = {
        WITH_STORE(test_two_handles),
        WITHOUT(test_attached),
        WITHOUT(test_carried_up),
        WITHOUT(test_carried_down),
        WITHOUT(test_replaced),
        WITHOUT(test_mode),
        WITHOUT(test_no_room)
    };

    apr_initialize();
    return cmocka_run_group_tests(cp_store_shm_segment_test, NULL, NULL);
}
