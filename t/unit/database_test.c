/**
 * @file database_test.c
 * @brief CSV of every kind, good and broken, and what is found in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <apr_tables.h>

#include "database.h"
#include "pool_fixture.h"

#define HEADER "ID,Platform,Category,Cookie / Data Key name,Domain," \
               "Description,Retention period,Data Controller," \
               "User Privacy & GDPR Rights Portals,Wildcard match"

/* Parses bytes in memory of just their length. */
static const cp_database *parsed(const char *text, size_t length,
                                 const char **error)
{
    char *bytes = malloc(length ? length : 1);
    const cp_database *database;

    memcpy(bytes, text, length);
    *error = NULL;
    database = cp_database_parse(cp_span_make(bytes, length), "x.csv", error,
                                 pool);
    free(bytes);
    return database;
}

static const cp_database *good(const char *text)
{
    const char *error = NULL;
    const cp_database *database = parsed(text, strlen(text), &error);

    if (error) {
        fail_msg("%s", error);
    }
    return database;
}

static const char *wrong(const char *text)
{
    const char *error = NULL;

    assert_null(parsed(text, strlen(text), &error));
    assert_non_null(error);
    return error;
}

static const cp_known *found(const cp_database *database, const char *name)
{
    return cp_database_find(database, cp_span_of(name));
}

/* --- CSV -------------------------------------------------------------- */

static void a_row_is_read(void **state)
{
    const cp_database *database = good(
        HEADER "\n1,Swan,Analytics,_swan,swan.test,To count,1 year,"
        "Swan Ltd,https://swan.test/privacy,0\n");
    const cp_known *known = found(database, "_swan");

    (void)state;
    assert_int_equal(cp_database_count(database), 1);
    assert_non_null(known);
    assert_string_equal(known->name, "_swan");
    assert_false(known->wildcard);
    assert_string_equal(known->platform, "Swan");
    assert_string_equal(known->category, "Analytics");
    assert_string_equal(known->domain, "swan.test");
    assert_string_equal(known->description, "To count");
    assert_string_equal(known->retention, "1 year");
    assert_string_equal(known->controller, "Swan Ltd");
    assert_null(found(database, "_swa"));
    assert_null(found(database, "_swans"));
    assert_null(found(database, "_SWAN"));
    assert_null(found(database, ""));
}

static void quotes_keep_everything(void **state)
{
    const cp_known *known = found(good(
        HEADER "\r\n1,\"A, \"\"B\"\"\",X,\"n\",,\"one\r\ntwo\nthree,\"\"\","
        "\"\",,,\"0\"\r\n"), "n");

    (void)state;
    assert_non_null(known);
    assert_string_equal(known->platform, "A, \"B\"");
    assert_string_equal(known->description, "one\r\ntwo\nthree,\"");
    assert_null(known->domain);
    assert_null(known->retention);
}

static void what_rows_may_look_like(void **state)
{
    /* A byte order mark; columns in another order and case, and others
     * among them; every kind of line break; blank lines; no line break at
     * the end; a row that has no name. */
    const cp_database *database = good(
        "\xEF\xBB\xBF" "WILDCARD MATCH,More, category ,\"cookie / data key "
        "NAME\"\r0,x,A,one\n\r\n0,,B,two\r\n\n,,,\n , , , three\t\n,,,four");

    (void)state;
    assert_int_equal(cp_database_count(database), 4);
    assert_string_equal(found(database, "one")->category, "A");
    assert_string_equal(found(database, "two")->category, "B");
    assert_null(found(database, "two")->description);
    assert_null(found(database, "three")->category);
    assert_non_null(found(database, "four"));
    assert_int_equal(cp_database_count(good(HEADER)), 0);
    assert_int_equal(cp_database_count(good(HEADER "\n\n")), 0);
}

static void errors_say_where(void **state)
{
    char *wide = apr_pcalloc(pool, 400);

    (void)state;
    assert_string_equal(wrong(""), "x.csv, line 1: the header has no column "
                                   "'Cookie / Data Key name'");
    assert_non_null(strstr(wrong("Cookie / Data Key name,Category\n"),
                           "'Wildcard match'"));
    assert_string_equal(wrong(HEADER "\n1,2,3\n"),
                        "x.csv, line 2: there are 3 cells, and 10 in the "
                        "header");
    assert_string_equal(wrong(HEADER "\n,,,a,,\"\n\n\",,,,0\n,,,a,,,,,,0,\n"),
                        "x.csv, line 5: there are 11 cells, and 10 in the "
                        "header");
    assert_string_equal(wrong(HEADER "\r\n\r\n,,,a,,,,,,2\r\n"),
                        "x.csv, line 3: 'Wildcard match' is neither 0 nor "
                        "1");
    assert_string_equal(wrong(HEADER "\n,,,a,,\"open,,,,0\n,,,b,,,,,,0\n"),
                        "x.csv, line 2: a quote is not closed");
    assert_non_null(strstr(wrong(HEADER "\n,,,\""), "not closed"));
    assert_non_null(strstr(wrong(HEADER "\n,,,\"a\"b,,,,,,0"), "behind"));
    memset(wide, ',', 399);
    assert_non_null(strstr(wrong(wide), "64"));
    memset(wide, 'n', 399);
    assert_non_null(strstr(wrong(apr_pstrcat(pool, HEADER "\n,,,", wide,
                                             ",,,,,,0", NULL)), "255"));
}

static void nul_is_refused(void **state)
{
    static const char text[] = HEADER "\n,,,a\0b,,,,,,0\n";
    const char *error = NULL;

    (void)state;
    assert_null(parsed(text, sizeof(text) - 1, &error));
    assert_non_null(strstr(error, "NUL"));
}

/* --- Look-ups --------------------------------------------------------- */

static void wildcards_are_beginnings(void **state)
{
    const cp_database *database = good(
        HEADER "\n,short,,_p,,,,,,1\n,long,,_pk_,,,,,,1\n,exact,,_pk_id,,,,,,"
        "0\n,second,,_pk_,,,,,,1\n,second,,_pk_id,,,,,,0\n");

    (void)state;
    assert_string_equal(found(database, "_pk_id")->platform, "exact");
    assert_string_equal(found(database, "_pk_id.1")->platform, "long");
    assert_string_equal(found(database, "_pk_")->platform, "long");
    assert_string_equal(found(database, "_pk")->platform, "short");
    assert_true(found(database, "_pk")->wildcard);
    assert_null(found(database, "_"));
    assert_null(found(database, "x_pk_"));
}

static void long_names_are_bounded(void **state)
{
    char *name = apr_pcalloc(pool, 100001);
    const cp_database *database;

    (void)state;
    memset(name, 'x', CP_DATABASE_NAME_MAX);
    database = good(apr_pstrcat(pool, HEADER "\n,,,", name, ",,,,,,1\n",
                                NULL));
    memset(name, 'x', 100000);
    assert_non_null(found(database, name));
    name[CP_DATABASE_NAME_MAX - 1] = 'y';
    assert_null(found(database, name));
}

static void thousands_of_rows(void **state)
{
    apr_array_header_t *lines = apr_array_make(pool, 40000, sizeof(char *));
    const cp_database *database;

    (void)state;
    *(const char **)apr_array_push(lines) = HEADER;
    for (int i = 0; i < 40000; i++) {
        *(const char **)apr_array_push(lines) =
            apr_psprintf(pool, "%d,P%d,C,name%d_,,\"d \"\"%d\"\"\",,,,%d", i,
                         i, i, i, i % 2);
    }
    database = good(apr_array_pstrcat(pool, lines, '\n'));
    assert_int_equal(cp_database_count(database), 40000);
    assert_string_equal(found(database, "name39999_")->platform, "P39999");
    assert_string_equal(found(database, "name39999_x")->platform, "P39999");
    assert_null(found(database, "name39998_x"));
    assert_string_equal(found(database, "name39998_")->description,
                        "d \"39998\"");
}

/* --- Files ------------------------------------------------------------ */

static void files(void **state)
{
    char name[] = "/tmp/database_test.XXXXXX";
    int out = mkstemp(name);
    const char *error = NULL;
    const cp_database *database;
    static const char text[] = HEADER "\n,,,a,,,,,,0\n";

    (void)state;
    assert_true(out >= 0);
    assert_int_equal(write(out, text, sizeof(text) - 1), sizeof(text) - 1);
    database = cp_database_read(name, &error, pool);
    assert_null(error);
    assert_int_equal(cp_database_count(database), 1);

    assert_int_equal(ftruncate(out, CP_DATABASE_FILE_MAX + 1), 0);
    assert_null(cp_database_read(name, &error, pool));
    assert_non_null(strstr(error, "8 MB"));
    assert_non_null(strstr(error, name));
    close(out);
    unlink(name);

    assert_null(cp_database_read(name, &error, pool));
    assert_non_null(strstr(error, "cannot be read"));
    assert_null(cp_database_read("/", &error, pool));
    assert_string_equal(error, "/ is no file");
    database = cp_database_read("/dev/null", &error, pool);
    assert_null(database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_read),
        cmocka_unit_test(quotes_keep_everything),
        cmocka_unit_test(what_rows_may_look_like),
        cmocka_unit_test(errors_say_where),
        cmocka_unit_test(nul_is_refused),
        cmocka_unit_test(wildcards_are_beginnings),
        cmocka_unit_test(long_names_are_bounded),
        cmocka_unit_test(thousands_of_rows),
        cmocka_unit_test(files),
    };

    return cmocka_run_group_tests_name("database", tests, pool_setup,
                                       pool_teardown);
}
