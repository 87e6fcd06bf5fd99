/**
 * @file keyfile_fixture.h
 * @brief A directory with a key file, and what is written into it and read
 *        again.
 */
#ifndef KEYFILE_FIXTURE_H
#define KEYFILE_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_file_io.h>

#include "keyfile.h"
#include "pool_fixture.h"

/* 32 bytes: 0 to 31; all 0xff; all 0. */
#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "//////////////////////////////////////////8="
#define KEY_C "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define TIME "2026-01-31T00:00:00Z"
#define GOOD "1 " TIME " " KEY_A

static const char *directory;
static const char *file;

static inline int setup(void **state)
{
    const char *parent = NULL;
    char *made;

    pool_setup(state);
    if (apr_temp_dir_get(&parent, pool) != APR_SUCCESS) {
        return -1;
    }
    made = apr_pstrcat(pool, parent, "/cp_keyfile_XXXXXX", NULL);
    directory = mkdtemp(made);
    file = apr_pstrcat(pool, made, "/keys", NULL);
    return directory ? 0 : -1;
}

static inline int teardown(void **state)
{
    unlink(file);
    rmdir(directory);
    return pool_teardown(state);
}

static inline void file_write(const void *text, size_t length, mode_t mode)
{
    FILE *out;

    unlink(file);
    out = fopen(file, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, length, out), length);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(file, mode), 0);
}

static inline apr_status_t text_read(const char *text, cp_keys *keys,
                                     const char **error)
{
    *error = NULL;
    file_write(text, strlen(text), 0600);
    return cp_keyfile_read(keys, file, error, pool);
}

static inline void keys_accepted(const char *text, cp_keys *keys)
{
    const char *error = NULL;

    if (text_read(text, keys, &error) != APR_SUCCESS) {
        fail_msg("refused with '%s':\n%s", error ? error : "", text);
    }
}

#endif
