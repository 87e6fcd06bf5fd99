/**
 * @file cookie_attributes_test.c
 * @brief The attributes of the managed cookies: which go together, and the
 *        lines that are written with them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cookie.h"
#include "set_cookie.h"
#include "pool_fixture.h"

#define NOW 1700000000
#define LONG_32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_64 LONG_32 LONG_32

static cp_attributes attributes_make(void)
{
    return (cp_attributes){ .name = "sessionid", .path = "/",
                            .same_site = "Lax", .http_only = true,
                            .max_age = CP_COOKIE_AGE_SESSION };
}

/* @return what is wrong with the attributes, "" for nothing */
static const char *wrong_of(cp_attributes attributes)
{
    const char *wrong = cp_attributes_compile(&attributes, pool);

    return wrong ? wrong : "";
}

#define WITH(...) ({ cp_attributes with_ = attributes_make(); \
                     __VA_ARGS__; wrong_of(with_); })

static void names_on_the_wire(void **state)
{
    static const char *const wrong[] = {
        "", "a b", "a;b", "a=b", "a,b", "$a", "a\"", "\xc3\xa4", "a\x01",
        "a[", LONG_64 "x"
    };
    static const char *const good[] = { "a", "SID", "a.b", "a$", LONG_64 };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_non_null(strstr(WITH(with_.name = wrong[i]), "name="));
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_string_equal(WITH(with_.name = good[i]), "");
    }
}

static void attributes_fit_each_other(void **state)
{
    static const char *const hosts[] = { "__Host-s", "__host-s", "__HOST-s" };
    static const char *const secures[] = { "__Secure-s", "__secure-s" };

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_non_null(strstr(WITH(with_.name = hosts[i]), "secure=on"));
        assert_non_null(strstr(WITH(with_.name = hosts[i];
                                    with_.secure = CP_SECURE_OFF),
                               "secure=on"));
        assert_string_equal(WITH(with_.name = hosts[i];
                                 with_.secure = CP_SECURE_ON), "");
        assert_non_null(strstr(WITH(with_.name = hosts[i];
                                    with_.secure = CP_SECURE_ON;
                                    with_.path = "/x"), "path=/"));
        assert_non_null(strstr(WITH(with_.name = hosts[i];
                                    with_.secure = CP_SECURE_ON;
                                    with_.domain = "example.org"),
                               "domain="));
    }
    for (int i = 0; i < 2; i++) {
        assert_non_null(strstr(WITH(with_.name = secures[i]), "secure=on"));
        assert_string_equal(WITH(with_.name = secures[i];
                                 with_.secure = CP_SECURE_ON;
                                 with_.path = "/x";
                                 with_.domain = "example.org"), "");
    }
    assert_non_null(strstr(WITH(with_.same_site = "None";
                                with_.secure = CP_SECURE_OFF), "samesite="));
    assert_string_equal(WITH(with_.same_site = "None"), "");
    assert_string_equal(WITH(with_.same_site = "Strict"), "");
    assert_non_null(strstr(WITH(with_.partitioned = true), "partitioned="));
    assert_string_equal(WITH(with_.partitioned = true;
                             with_.secure = CP_SECURE_ON), "");
    assert_string_equal(WITH(with_.max_age = CP_COOKIE_AGE_MAX), "");
    assert_non_null(strstr(WITH(with_.max_age = CP_COOKIE_AGE_MAX + 1),
                           "max-age="));
}

static void nothing_can_be_smuggled_in(void **state)
{
    static const char *const paths[] = {
        "", "x", "/;x", "/ x", "/\r\nX: y", "/\x7f", "/\xc3\xa4", "/\t"
    };
    static const char *const domains[] = {
        "a b", "a;b", "a,b", "a=b", "a\r\n", "\xc3\xa4.org", "a\x7f"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_non_null(strstr(WITH(with_.path = paths[i]), "path="));
    }
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
        assert_non_null(strstr(WITH(with_.domain = domains[i]), "domain="));
    }
    assert_string_equal(WITH(with_.path = "/a/b,c=d"), "");
    assert_string_equal(WITH(with_.domain = "example.org"), "");
}

static const char *written(cp_attributes attributes, const char *value,
                           bool secure)
{
    assert_null(cp_attributes_compile(&attributes, pool));
    return cp_cookie_write(&attributes, value, secure, pool);
}

static void lines_are_written(void **state)
{
    cp_attributes plain = attributes_make();
    cp_attributes full = { .name = "__Secure-x", .path = "/a",
                           .domain = "example.org", .same_site = "None",
                           .secure = CP_SECURE_ON, .partitioned = true,
                           .max_age = 60 };
    cp_attributes never = attributes_make();

    (void)state;
    never.secure = CP_SECURE_OFF;
    never.http_only = false;
    assert_string_equal(written(plain, "v", false),
                        "sessionid=v; Path=/; SameSite=Lax; HttpOnly");
    assert_string_equal(written(plain, "v", true),
                        "sessionid=v; Path=/; SameSite=Lax; Secure; "
                        "HttpOnly");
    assert_string_equal(written(plain, "", false),
                        "sessionid=; Path=/; SameSite=Lax; HttpOnly");
    assert_string_equal(written(never, "v", true),
                        "sessionid=v; Path=/; SameSite=Lax");
    assert_string_equal(written(full, "v", false),
                        "__Secure-x=v; Max-Age=60; Path=/a; "
                        "Domain=example.org; SameSite=None; Secure; "
                        "Partitioned");
    assert_string_equal(written(full, "v", true),
                        written(full, "v", false));
}

/* A deletion names just what the cookie was set with, or it deletes none. */
static void deletions_are_written(void **state)
{
    cp_attributes full = { .name = "__Secure-x", .path = "/a",
                           .domain = "example.org", .same_site = "None",
                           .secure = CP_SECURE_ON, .partitioned = true,
                           .http_only = true, .max_age = 60 };
    cp_set_cookie read;

    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        const char *line = written(attributes_make(), NULL, secure);

        cp_set_cookie_read(cp_span_of(line), NOW, &read);
        assert_false(read.ignored);
        assert_true(read.deletes);
        assert_int_equal(read.value.length, 0);
        assert_string_equal(cp_span_string(pool, read.name), "sessionid");
        assert_int_equal(strstr(line, "; Secure") != NULL, secure);
        assert_non_null(strstr(line, "; Path=/;"));
        assert_non_null(strstr(line, "Max-Age=0;"));
        assert_non_null(strstr(line, "Expires=Thu, 01 Jan 1970 00:00:00 "
                               "GMT;"));
    }
    assert_string_equal(written(full, NULL, true),
                        "__Secure-x=; Max-Age=0; "
                        "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/a; "
                        "Domain=example.org; SameSite=None; Secure; "
                        "HttpOnly; Partitioned");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_on_the_wire),
        cmocka_unit_test(attributes_fit_each_other),
        cmocka_unit_test(nothing_can_be_smuggled_in),
        cmocka_unit_test(lines_are_written),
        cmocka_unit_test(deletions_are_written),
    };

    return cmocka_run_group_tests_name("cookie_attributes", tests, pool_setup,
                                       pool_teardown);
}
