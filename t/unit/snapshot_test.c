/**
 * @file snapshot_test.c
 * @brief A store in a file: all of it comes back, and nothing of a file that
 *        was changed, cut, made elsewhere, or is not ours alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <apr_file_io.h>
#include <apr_general.h>

#include "snapshot.h"
#include "visit_fixture.h"

static char directory[64];
static const char *file;
static const char *refused;
static const char *error;
static apr_uint32_t count, written;

static int begin_file(void **state)
{
    begin(state);
    strcpy(directory, "/tmp/cp_snapshot_XXXXXX");
    assert_non_null(mkdtemp(directory));
    file = apr_pstrcat(site.pool, directory, "/file", NULL);
    refused = apr_pstrcat(site.pool, file, ".refused", NULL);
    return 0;
}

static int end_file(void **state)
{
    unlink(file);
    unlink(refused);
    assert_int_equal(rmdir(directory), 0);
    return end(state);
}

static const char *logged_in(const char *user)
{
    cp_visit *visit;

    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    visit = sample_visit(&site);
    assert_int_equal(sample_login(&site, visit, user), APR_SUCCESS);
    sample_take(&site, visit, false);
    return site.jar[CP_SESSION];
}

static const char *user_of(const char *token)
{
    return cp_session_user(sample_request(&site, sample_pair(&site,
                                                             CP_SESSION,
                                                             token)));
}

static cp_listing here(void)
{
    return (cp_listing){ site.site.ring, site.site.store, site.request.now };
}

static apr_status_t write_file(void)
{
    cp_listing from = here();
    const char *ignored;
    cp_snapshot draft;
    apr_status_t rv = cp_snapshot_begin(&draft, file, &error, site.pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = cp_snapshot_fill(&draft, &from, &count, &error, site.pool);
    assert_int_equal(cp_snapshot_end(&draft, rv == APR_SUCCESS, &ignored,
                                  site.pool), APR_SUCCESS);
    return rv;
}

static apr_status_t read_file(void)
{
    cp_listing into = here();

    memory_store_reset(&site.store);
    return cp_snapshot_read(&into, file, &count, &written, &error, site.pool);
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static char *content(apr_size_t *length)
{
    char *bytes = apr_palloc(site.pool, 1 << 20);
    FILE *in = fopen(file, "rb");

    assert_non_null(in);
    *length = fread(bytes, 1, 1 << 20, in);
    fclose(in);
    return bytes;
}

static void put_content(const char *bytes, apr_size_t length)
{
    FILE *out = fopen(file, "wb");

    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    fclose(out);
    assert_int_equal(chmod(file, 0600), 0);
}

static void is_refused(apr_status_t with)
{
    assert_int_equal(read_file(), with);
    assert_non_null(error);
    assert_non_null(strstr(error, file));
    assert_false(is_there(file));
    assert_true(is_there(refused));
    assert_int_equal(memory_store_records(&site.store, site.request.now), 0);
}

static void all_comes_back(void **state)
{
    const char *alice = logged_in("alice");
    const char *bob = logged_in("bob");
    cp_store_counts counts;
    struct stat status;

    (void)state;
    assert_int_equal(sample_store(&site, sample_request(
        &site, sample_pair(&site, CP_SESSION, bob)), "cart", "7"),
        APR_SUCCESS);
    assert_int_equal(write_file(), APR_SUCCESS);
    assert_int_equal(count, 4);
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    site.request.now += 20;
    assert_int_equal(read_file(), APR_SUCCESS);
    assert_int_equal(count, 4);
    assert_int_equal(written, SAMPLE_NOW);
    assert_string_equal(user_of(alice), "alice");
    assert_string_equal(user_of(bob), "bob");
    assert_string_equal(sample_attribute(sample_request(
        &site, sample_pair(&site, CP_SESSION, bob)), "cart"), "7");
    site.site.store->provider->count(site.site.store, site.request.now,
                                     &counts);
    assert_int_equal(counts.owned, 2);
    assert_int_equal(counts.rosters, 2);
    /* It can be written over itself, and read again. */
    assert_int_equal(write_file(), APR_SUCCESS);
    assert_int_equal(read_file(), APR_SUCCESS);
    assert_string_equal(user_of(alice), "alice");
}

static void with_its_times(void **state)
{
    apr_array_header_t *entries = apr_array_make(site.pool, 4,
                                                 sizeof(cp_store_entry));

    (void)state;
    logged_in("alice");
    site.request.now += 500;
    assert_int_equal(write_file(), APR_SUCCESS);
    assert_int_equal(read_file(), APR_SUCCESS);
    assert_int_equal(site.site.store->provider->list(
        site.site.store, 0, site.request.now, entries), APR_SUCCESS);
    assert_int_equal(entries->nelts, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(APR_ARRAY_IDX(entries, i, cp_store_entry).used,
                         SAMPLE_NOW);
    }
}

static void what_has_expired_does_not(void **state)
{
    const char *alice = logged_in("alice");

    (void)state;
    assert_int_equal(write_file(), APR_SUCCESS);
    site.request.now += SAMPLE_IDLE;
    assert_int_equal(read_file(), APR_SUCCESS);
    assert_int_equal(count, 1);         /* the roster */
    assert_null(user_of(alice));
    memory_store_reset(&site.store);
    site.request.now -= SAMPLE_IDLE;
    logged_in("bob");
    site.request.now += SAMPLE_ABSOLUTE;
    assert_int_equal(write_file(), APR_SUCCESS);
    assert_int_equal(count, 0);
}

static void an_empty_store(void **state)
{
    (void)state;
    assert_int_equal(write_file(), APR_SUCCESS);
    assert_int_equal(count, 0);
    assert_int_equal(read_file(), APR_SUCCESS);
    assert_int_equal(count, 0);
}

static void no_file(void **state)
{
    (void)state;
    assert_int_equal(read_file(), APR_ENOENT);
    assert_null(error);
}

static void every_byte_counts(void **state)
{
    apr_size_t length;
    char *bytes;

    (void)state;
    logged_in("alice");
    assert_int_equal(write_file(), APR_SUCCESS);
    bytes = content(&length);
    for (apr_size_t i = 0; i < length; i++) {
        bytes[i] = (char)(bytes[i] ^ 0x20);
        put_content(bytes, length);
        bytes[i] = (char)(bytes[i] ^ 0x20);
        is_refused(APR_EGENERAL);
    }
    put_content(bytes, length);
    assert_int_equal(read_file(), APR_SUCCESS);
    assert_int_equal(count, 2);
}

static void cut_anywhere(void **state)
{
    apr_size_t length;
    char *bytes;

    (void)state;
    logged_in("alice");
    assert_int_equal(write_file(), APR_SUCCESS);
    bytes = content(&length);
    for (apr_size_t i = 0; i < length; i++) {
        put_content(bytes, i);
        is_refused(APR_EGENERAL);
    }
    bytes[length] = 'x';
    put_content(bytes, length + 1);
    is_refused(APR_EGENERAL);
}

static void of_other_keys(void **state)
{
    (void)state;
    logged_in("alice");
    assert_int_equal(write_file(), APR_SUCCESS);
    site.keys.list[0] = sample_key(9, 10);
    sample_rekey(&site);
    is_refused(APR_EGENERAL);
    assert_int_equal(write_file(), APR_SUCCESS);
    site.keys.list[0].revoked = true;
    sample_rekey(&site);
    is_refused(APR_EGENERAL);
    site.keys.list[0] = sample_key(9, 10);
    site.keys.list[0].bytes[0] = 'x';
    sample_rekey(&site);
    assert_int_equal(write_file(), APR_SUCCESS);
    site.keys.list[0] = sample_key(9, 10);
    sample_rekey(&site);
    is_refused(APR_EGENERAL);
}

static void not_ours_alone(void **state)
{
    static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0666 };
    const char *other = apr_pstrcat(site.pool, directory, "/other", NULL);

    (void)state;
    for (int i = 0; i < 5; i++) {
        logged_in("alice");
        assert_int_equal(write_file(), APR_SUCCESS);
        assert_int_equal(chmod(file, modes[i]), 0);
        is_refused(APR_EACCES);
    }
    if (geteuid() == 0) {
        assert_int_equal(write_file(), APR_SUCCESS);
        assert_int_equal(chown(file, 12345, 0), 0);
        is_refused(APR_EACCES);
    }
    assert_int_equal(write_file(), APR_SUCCESS);
    assert_int_equal(rename(file, other), 0);
    assert_int_equal(symlink(other, file), 0);
    assert_int_not_equal(read_file(), APR_SUCCESS);
    assert_non_null(error);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    is_refused(APR_EACCES);
}

/* What cannot be written leaves what there is. */
static void a_failure_leaves_the_old_one(void **state)
{
    const char *alice = logged_in("alice");
    const char *draft = apr_pstrcat(site.pool, file, ".new", NULL);

    (void)state;
    assert_int_equal(write_file(), APR_SUCCESS);
    site.store.away = true;
    assert_int_equal(write_file(), APR_ECONNREFUSED);
    assert_non_null(strstr(error, file));
    site.store.away = false;
    site.store.unlisted = true;
    assert_int_equal(write_file(), APR_ENOTIMPL);
    assert_false(is_there(draft));
    assert_int_equal(mkdir(draft, 0700), 0);
    site.store.unlisted = false;
    assert_int_not_equal(write_file(), APR_SUCCESS);
    assert_non_null(strstr(error, draft));
    assert_int_equal(rmdir(draft), 0);
    assert_int_equal(read_file(), APR_SUCCESS);
    assert_string_equal(user_of(alice), "alice");
}

/* What a writer that was killed left behind is in nobody's way. */
static void over_a_draft(void **state)
{
    const char *draft = apr_pstrcat(site.pool, file, ".new", NULL);
    FILE *left = fopen(draft, "w");

    (void)state;
    fputs("half of it", left);
    fclose(left);
    assert_int_equal(write_file(), APR_SUCCESS);
    assert_false(is_there(draft));
    assert_int_equal(read_file(), APR_SUCCESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_file, end_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_comes_back),
        TEST(with_its_times),
        TEST(what_has_expired_does_not),
        TEST(an_empty_store),
        TEST(no_file),
        TEST(every_byte_counts),
        TEST(cut_anywhere),
        TEST(of_other_keys),
        TEST(not_ours_alone),
        TEST(a_failure_leaves_the_old_one),
        TEST(over_a_draft),
    };

    return cmocka_run_group_tests(tests, pool_setup, pool_teardown);
}
