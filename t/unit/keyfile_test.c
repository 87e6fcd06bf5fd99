/**
 * @file keyfile_test.c
 * @brief The key file: what is read, what is refused and in which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "keyfile_fixture.h"

/* --- What is read ----------------------------------------------------- */

static void a_key_is_read(void **state)
{
    cp_keys keys;

    (void)state;
    keys_accepted("200 2026-01-31T12:34:56Z " KEY_A "\n", &keys);
    assert_int_equal(keys.count, 1);
    assert_int_equal(keys.list[0].id, 200);
    assert_int_equal(keys.list[0].begins, 1769862896);
    assert_false(keys.list[0].revoked);
    assert_false(keys.list[0].waiting);
    for (int i = 0; i < CP_KEY_LENGTH; i++) {
        assert_int_equal(keys.list[0].bytes[i], i);
    }
}

static void layout_is_free(void **state)
{
    static const char *const texts[] = {
        GOOD, GOOD "\n", GOOD "\r\n", "\n\n" GOOD "\n\n", "# begun\n" GOOD,
        "  \t# indented\n" GOOD, "\t 1\t\t" TIME " \t" KEY_A "  \t \n",
        "#\n#\n" GOOD "\n#", "\r\n" GOOD "\r\n\r\n", "001 " TIME " " KEY_A,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cp_keys keys;

        keys_accepted(texts[i], &keys);
        assert_int_equal(keys.count, 1);
        assert_int_equal(keys.list[0].id, 1);
        assert_int_equal(keys.list[0].bytes[31], 31);
    }
}

static void bounds_of_time_and_id(void **state)
{
    cp_keys keys;

    (void)state;
    keys_accepted("0 1970-01-01T00:00:00Z " KEY_A, &keys);
    assert_int_equal(keys.list[0].id, 0);
    assert_int_equal(keys.list[0].begins, 0);
    keys_accepted("255 2106-02-07T06:28:15Z " KEY_A, &keys);
    assert_int_equal(keys.list[0].id, 255);
    assert_int_equal(keys.list[0].begins, UINT32_MAX);
    keys_accepted("9 2024-02-29T23:59:59Z " KEY_A, &keys);
    assert_int_equal(keys.list[0].begins, 1709251199);
}

static void the_youngest_comes_first(void **state)
{
    static const char *const lines[] = {
        "1 2026-01-01T00:00:00Z " KEY_A "\n",
        "2 2026-03-01T00:00:00Z " KEY_B "\n",
        "3 2026-02-01T00:00:00Z " KEY_C " revoked\n",
    };
    static const int orders[6][3] = {
        { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 },
        { 2, 1, 0 }
    };

    (void)state;
    for (int i = 0; i < 6; i++) {
        cp_keys keys;

        keys_accepted(apr_pstrcat(pool, lines[orders[i][0]],
                                  lines[orders[i][1]], lines[orders[i][2]],
                                  NULL), &keys);
        assert_int_equal(keys.count, 3);
        assert_int_equal(keys.list[0].id, 2);
        assert_int_equal(keys.list[1].id, 3);
        assert_int_equal(keys.list[2].id, 1);
        assert_int_equal(keys.list[0].bytes[0], 0xff);
        assert_true(keys.list[1].revoked);
        assert_false(keys.list[0].revoked || keys.list[2].revoked);
    }
}

static const char *many_keys(int count)
{
    const char *text = "";

    for (int i = 0; i < count; i++) {
        text = apr_psprintf(pool, "%s%d " TIME " " KEY_A "\n", text, i);
    }
    return text;
}

static void sixteen_and_no_more(void **state)
{
    const char *error;
    cp_keys keys;

    (void)state;
    keys_accepted(many_keys(CP_KEYS_MAX), &keys);
    assert_int_equal(keys.count, CP_KEYS_MAX);
    assert_int_equal(text_read(many_keys(CP_KEYS_MAX + 1), &keys, &error),
                     APR_EGENERAL);
    assert_non_null(strstr(error, "line 17 "));
}

/* --- What is refused -------------------------------------------------- */

/* Each is a whole file; the message names this line of it, or none. */
static const struct {
    const char *text;
    int line;
} malformed[] = {
    { "", 0 }, { "\n", 0 }, { "# nothing\n", 0 }, { "\r", 0 },
    { GOOD " revoked\n", 0 },
    { "1 " TIME " " KEY_A " revoked\n2 " TIME " " KEY_B " revoked\n", 0 },
    /* short */
    { "1", 1 }, { "1 " TIME, 1 }, { GOOD "\n2\n", 2 },
    { "\n\n# x\n1 " TIME "\n", 4 }, { KEY_A, 1 }, { TIME " " KEY_A, 1 },
    { "garbage", 1 }, { "\x7f" "ELF\x02\x01\x01", 1 },
    { "-----BEGIN PRIVATE KEY-----\n", 1 },
    /* ids */
    { "256 " TIME " " KEY_A, 1 }, { "999 " TIME " " KEY_A, 1 },
    { "1000 " TIME " " KEY_A, 1 }, { "-1 " TIME " " KEY_A, 1 },
    { "+1 " TIME " " KEY_A, 1 }, { "0x1 " TIME " " KEY_A, 1 },
    { "1. " TIME " " KEY_A, 1 }, { "1a " TIME " " KEY_A, 1 },
    { "a " TIME " " KEY_A, 1 }, { "\xb9 " TIME " " KEY_A, 1 },
    { "4294967297 " TIME " " KEY_A, 1 },
    { GOOD "\n1 " TIME " " KEY_B "\n", 2 },
    { GOOD "\n01 " TIME " " KEY_B "\n", 2 },
    { GOOD "\n" GOOD " revoked\n", 2 },
    /* times */
    { "1 now " KEY_A, 1 }, { "1 0 " KEY_A, 1 }, { "1 1769817600 " KEY_A, 1 },
    { "1 2026-01-31 " KEY_A, 1 }, { "1 2026-01-31T00:00Z " KEY_A, 1 },
    { "1 2026-01-31T00:00:00 " KEY_A, 1 },
    { "1 2026-01-31T00:00:00z " KEY_A, 1 },
    { "1 2026-01-31T00:00:00ZZ " KEY_A, 1 },
    { "1 2026-01-31T00:00:00+00:00 " KEY_A, 1 },
    { "1 2026-01-31T00:00:00.5Z " KEY_A, 1 },
    { "1 2026-01-31 00:00:00Z " KEY_A, 1 },
    { "1 2026-00-31T00:00:00Z " KEY_A, 1 },
    { "1 2026-13-31T00:00:00Z " KEY_A, 1 },
    { "1 2026-01-00T00:00:00Z " KEY_A, 1 },
    { "1 2026-01-32T00:00:00Z " KEY_A, 1 },
    { "1 2026-02-30T00:00:00Z " KEY_A, 1 },
    { "1 2025-02-29T00:00:00Z " KEY_A, 1 },
    { "1 2026-01-31T24:00:00Z " KEY_A, 1 },
    { "1 2026-01-31T00:60:00Z " KEY_A, 1 },
    { "1 2026-01-31T00:00:61Z " KEY_A, 1 },
    { "1 2026-01-31T-1:00:00Z " KEY_A, 1 },
    { "1 2026-01-31T00:-1:00Z " KEY_A, 1 },
    { "1 2026-01-31T00:00:-1Z " KEY_A, 1 },
    { "1 2026--1-31T00:00:00Z " KEY_A, 1 },
    { "1 2026-01--1T00:00:00Z " KEY_A, 1 },
    { "1 -026-01-31T00:00:00Z " KEY_A, 1 },
    { "1 +026-01-31T00:00:00Z " KEY_A, 1 },
    { "1 2026-+1-31T00:00:00Z " KEY_A, 1 },
    { "1 2026-1-31T0:0:0Z " KEY_A, 1 },
    { "1 2026-\v1-31T00:00:00Z " KEY_A, 1 },
    { "1 1969-12-31T23:59:59Z " KEY_A, 1 },
    { "1 2106-02-07T06:28:16Z " KEY_A, 1 },
    { "1 9999-12-31T23:59:59Z " KEY_A, 1 },
    { "1 0000-01-01T00:00:00Z " KEY_A, 1 },
    { "1 20260-01-31T00:00:00Z " KEY_A, 1 },
    { "1 99999999999999999999-01-31T00:00:00Z " KEY_A, 1 },
    { "1 %s%n " KEY_A, 1 },
    /* keys */
    { "1 " TIME " A", 1 }, { "1 " TIME " secret", 1 },
    { "1 " TIME " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", 1 },
    { "1 " TIME " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", 1 },
    { "1 " TIME " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g", 1 },
    { "1 " TIME " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gIQ==", 1 },
    { "1 " TIME " =AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1 },
    { "1 " TIME " AAECAwQFBgcICQoL!A0ODxAREhMUFRYXGBkaGxwdHh8=", 1 },
    { "1 " TIME " AAECAwQFBgcICQoL\xffhcODxAREhMUFRYXGBkaGxwdHh=", 1 },
    { "1 " TIME " 000102030405060708090a0b0c0d0e0f1011121314151617"
      "18191a1b1c1d1e1f", 1 },
    { "1 " TIME " ============================================", 1 },
    /* a fourth word */
    { GOOD " Revoked", 1 }, { GOOD " revoke", 1 }, { GOOD " revoked!", 1 },
    { GOOD " revoked revoked", 1 }, { GOOD " # mine", 1 },
    { GOOD " 2 " TIME " " KEY_B, 1 },
    /* lines that end as on old Macs: all but the first would be lost */
    { GOOD "\r2 " TIME " " KEY_B " revoked\r", 1 },
    { GOOD "\r revoked\n", 1 },
    /* the first is good, but another is not */
    { GOOD "\nx\n", 2 }, { "x\n" GOOD "\n", 1 },
    { GOOD "\r\n# c\r\n\r\n2 " TIME " x\r\n", 4 },
};

static void malformed_is_refused(void **state)
{
    int accepted = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        const char *line = malformed[i].line
                           ? apr_psprintf(pool, "line %d ", malformed[i].line)
                           : "no key in force";
        const char *error;
        cp_keys keys;

        if (text_read(malformed[i].text, &keys, &error) != APR_EGENERAL) {
            print_error("accepted:\n%s\n", malformed[i].text);
            accepted++;
            continue;
        }
        assert_non_null(error);
        assert_non_null(strstr(error, file));
        if (!strstr(error, line)) {
            fail_msg("'%s' does not say '%s'", error, line);
        }
    }
    assert_int_equal(accepted, 0);
}

static void no_message_tells_a_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        const char *error;
        cp_keys keys;

        if (text_read(malformed[i].text, &keys, &error) != APR_SUCCESS) {
            assert_null(strstr(error, "AAECAwQF"));
            assert_null(strstr(error, "//////"));
            assert_null(strstr(error, "secret"));
        }
    }
}

static void no_text_at_all(void **state)
{
    static char big[20 * 1024];
    const char *error = NULL;
    cp_keys keys;

    (void)state;
    file_write(GOOD "\0", sizeof(GOOD "\0") - 1, 0600);
    assert_int_equal(cp_keyfile_read(&keys, file, &error, pool),
                     APR_EGENERAL);
    assert_non_null(strstr(error, file));

    memset(big, '#', sizeof(big));
    memcpy(big, GOOD "\n", sizeof(GOOD));
    file_write(big, sizeof(big), 0600);
    error = NULL;
    assert_int_equal(cp_keyfile_read(&keys, file, &error, pool),
                     APR_EGENERAL);
    assert_non_null(strstr(error, file));
}

static void modes(void **state)
{
    static const struct {
        mode_t mode;
        bool good;
    } known[] = {
        { 0600, true }, { 0400, true }, { 0640, true }, { 0440, true },
        { 0700, true }, { 0644, false }, { 0604, false }, { 0602, false },
        { 0620, false }, { 0660, false }, { 0666, false }, { 0444, false },
        { 0606, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const char *error = NULL;
        cp_keys keys;

        file_write(GOOD, strlen(GOOD), known[i].mode);
        assert_int_equal(cp_keyfile_read(&keys, file, &error, pool),
                         known[i].good ? APR_SUCCESS : APR_EACCES);
        assert_true(known[i].good
                    || (strstr(error, file) && strstr(error, "chmod")));
    }
}

static void what_cannot_be_read(void **state)
{
    const char *error = NULL;
    cp_keys keys;

    (void)state;
    unlink(file);
    assert_true(APR_STATUS_IS_ENOENT(cp_keyfile_read(&keys, file, &error,
                                                     pool)));
    assert_non_null(strstr(error, file));

    error = NULL;
    assert_int_not_equal(cp_keyfile_read(&keys, directory, &error, pool),
                         APR_SUCCESS);
    assert_non_null(strstr(error, directory));

    if (geteuid() != 0) {
        error = NULL;
        file_write(GOOD, strlen(GOOD), 0);
        assert_true(APR_STATUS_IS_EACCES(cp_keyfile_read(&keys, file, &error,
                                                         pool)));
        assert_non_null(strstr(error, file));
    }
}

/* A failure leaves nothing behind that could be used. */
static void failures_leave_no_key(void **state)
{
    static const cp_keys none;
    const char *error;
    cp_keys keys;

    (void)state;
    memset(&keys, 0x5a, sizeof(keys));
    unlink(file);
    assert_int_not_equal(cp_keyfile_read(&keys, file, &error, pool),
                         APR_SUCCESS);
    assert_memory_equal(&keys, &none, sizeof(none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_read),
        cmocka_unit_test(layout_is_free),
        cmocka_unit_test(bounds_of_time_and_id),
        cmocka_unit_test(the_youngest_comes_first),
        cmocka_unit_test(sixteen_and_no_more),
        cmocka_unit_test(malformed_is_refused),
        cmocka_unit_test(no_message_tells_a_key),
        cmocka_unit_test(no_text_at_all),
        cmocka_unit_test(modes),
        cmocka_unit_test(what_cannot_be_read),
        cmocka_unit_test(failures_leave_no_key),
    };

    return cmocka_run_group_tests_name("keyfile", tests, setup, teardown);
}
