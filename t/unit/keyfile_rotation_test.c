/**
 * @file keyfile_rotation_test.c
 * @brief A key file is made and another key added to it, whole or not at all;
 *        and from when a new key signs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <apr_file_info.h>

#include "keyfile_fixture.h"

/* --- Making one ------------------------------------------------------- */

static void one_is_made(void **state)
{
    const char *error = NULL;
    struct stat about;
    cp_keys keys, others;
    mode_t mask = umask(0);

    (void)state;
    unlink(file);
    assert_int_equal(cp_keyfile_create(file, 1769862896, &error, pool),
                     APR_SUCCESS);
    umask(mask);
    assert_int_equal(stat(file, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_int_equal(about.st_nlink, 1);
    assert_int_equal(cp_keyfile_read(&keys, file, &error, pool),
                     APR_SUCCESS);
    assert_int_equal(keys.count, 1);
    assert_int_equal(keys.list[0].begins, 1769862896);
    assert_false(keys.list[0].revoked);

    /* What is there stays. */
    assert_true(APR_STATUS_IS_EEXIST(cp_keyfile_create(file, 1, &error,
                                                       pool)));
    assert_non_null(strstr(error, file));
    assert_int_equal(cp_keyfile_read(&others, file, &error, pool),
                     APR_SUCCESS);
    assert_memory_equal(&keys, &others, sizeof(keys));

    /* No two are the same. */
    unlink(file);
    assert_int_equal(cp_keyfile_create(file, 1769862896, &error, pool),
                     APR_SUCCESS);
    assert_int_equal(cp_keyfile_read(&others, file, &error, pool),
                     APR_SUCCESS);
    assert_memory_not_equal(keys.list[0].bytes, others.list[0].bytes,
                            CP_KEY_LENGTH);
}

static void making_leaves_no_draft(void **state)
{
    apr_dir_t *dir = NULL;
    apr_finfo_t info;
    const char *error;
    int files = 0;

    (void)state;
    unlink(file);
    assert_int_equal(cp_keyfile_create(file, 5, &error, pool), APR_SUCCESS);
    assert_int_not_equal(cp_keyfile_create(file, 5, &error, pool),
                         APR_SUCCESS);
    assert_int_equal(apr_dir_open(&dir, directory, pool), APR_SUCCESS);
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        files += info.name[0] != '.';
    }
    apr_dir_close(dir);
    assert_int_equal(files, 1);
}

static void none_is_made(void **state)
{
    const char *nowhere = apr_pstrcat(pool, directory, "/no/keys", NULL);
    const char *error = NULL;

    (void)state;
    assert_int_not_equal(cp_keyfile_create(nowhere, 5, &error, pool),
                         APR_SUCCESS);
    assert_non_null(strstr(error, nowhere));
}

/* --- Adding one ------------------------------------------------------- */

static void add_to(const char *text, unsigned char expected)
{
    const char *error = NULL;
    unsigned char id = 0;
    cp_keys keys;

    file_write(text, strlen(text), 0640);
    assert_int_equal(cp_keyfile_add(file, 1769862896, &id, &error, pool),
                     APR_SUCCESS);
    assert_null(error);
    assert_int_equal(id, expected);
    assert_int_equal(cp_keyfile_read(&keys, file, &error, pool),
                     APR_SUCCESS);
    assert_int_equal(keys.list[0].id, expected);
    assert_int_equal(keys.list[0].begins, 1769862896);
}

static void one_is_added(void **state)
{
    struct stat status;

    (void)state;
    add_to(GOOD "\n", 2);
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    add_to("# no line break at the end\n" GOOD, 2);
    add_to("7 " TIME " " KEY_A " revoked\n3 " TIME " " KEY_B "\n", 8);
    add_to("255 " TIME " " KEY_A "\n0 " TIME " " KEY_B "\n", 1);
    assert_int_not_equal(stat(apr_pstrcat(pool, file, ".new", NULL), &status),
                         0);
}

/* The file behind a link is replaced, not the link. */
static void behind_a_link(void **state)
{
    const char *target = apr_pstrcat(pool, directory, "/target", NULL);
    const char *error = NULL;
    struct stat status;
    unsigned char id;
    cp_keys keys;

    (void)state;
    file_write(GOOD "\n", strlen(GOOD "\n"), 0600);
    assert_int_equal(rename(file, target), 0);
    assert_int_equal(symlink(target, file), 0);
    assert_int_equal(cp_keyfile_add(file, 1769862896, &id, &error, pool),
                     APR_SUCCESS);
    assert_int_equal(lstat(file, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(cp_keyfile_read(&keys, target, &error, pool),
                     APR_SUCCESS);
    assert_int_equal(keys.count, 2);
    unlink(target);
}

/* What is wrong with it stays as it is. */
static void none_is_added(void **state)
{
    const char *draft = apr_pstrcat(pool, file, ".new", NULL);
    const char *error = NULL;
    unsigned char id;
    FILE *other;

    (void)state;
    file_write("garbage\n", 8, 0600);
    assert_int_equal(cp_keyfile_add(file, 5, &id, &error, pool),
                     APR_EGENERAL);
    assert_non_null(strstr(error, "line 1"));
    assert_int_not_equal(access(draft, F_OK), 0);
    file_write(GOOD "\n", strlen(GOOD "\n"), 0600);
    other = fopen(draft, "w");
    fclose(other);
    assert_true(APR_STATUS_IS_EEXIST(cp_keyfile_add(file, 5, &id, &error,
                                                    pool)));
    assert_non_null(strstr(error, draft));
    assert_int_equal(unlink(draft), 0);
    unlink(file);
    assert_int_not_equal(cp_keyfile_add(file, 5, &id, &error, pool),
                         APR_SUCCESS);
    assert_non_null(strstr(error, file));
    assert_int_not_equal(access(draft, F_OK), 0);
    assert_int_not_equal(access(file, F_OK), 0);
}

/* --- Following -------------------------------------------------------- */

static void a_new_key_waits_for_one_reload(void **state)
{
    cp_keys before, after;

    (void)state;
    keys_accepted("1 " TIME " " KEY_A, &before);
    keys_accepted("1 " TIME " " KEY_A "\n2 2026-02-01T00:00:00Z " KEY_B,
                  &after);
    cp_keys_follow(&after, &before);
    assert_int_equal(after.list[0].id, 2);
    assert_true(after.list[0].waiting);
    assert_false(after.list[1].waiting);

    before = after;
    keys_accepted("1 " TIME " " KEY_A "\n2 2026-02-01T00:00:00Z " KEY_B,
                  &after);
    cp_keys_follow(&after, &before);
    assert_false(after.list[0].waiting);
    assert_false(after.list[1].waiting);
}

static void other_bytes_are_another_key(void **state)
{
    cp_keys before, after;

    (void)state;
    keys_accepted("1 " TIME " " KEY_A "\n2 " TIME " " KEY_B, &before);
    keys_accepted("1 " TIME " " KEY_C "\n2 " TIME " " KEY_B, &after);
    cp_keys_follow(&after, &before);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(after.list[i].waiting, after.list[i].id == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_made),
        cmocka_unit_test(making_leaves_no_draft),
        cmocka_unit_test(none_is_made),
        cmocka_unit_test(one_is_added),
        cmocka_unit_test(behind_a_link),
        cmocka_unit_test(none_is_added),
        cmocka_unit_test(a_new_key_waits_for_one_reload),
        cmocka_unit_test(other_bytes_are_another_key),
    };

    return cmocka_run_group_tests_name("keyfile_rotation", tests, setup,
                                       teardown);
}
