/**
 * @file deletion_test.c
 * @brief What a browser brought and may not keep, and what is withdrawn: the
 *        lines that delete it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "decision_sample.h"

#define GONE "=; Max-Age=0; Expires=" EPOCH "; Path="

static void declare_at(const char *name, const char *domain,
                       const char *path)
{
    cp_declaration *declaration = declare(name, "statistics");

    declaration->domain = domain;
    declaration->path = path;
}

/* The lines of deletion, joined by `|`; each deletes what it names. */
static const char *deleted(const cp_visit *visit)
{
    const char *lines[CP_DELETIONS_MAX];
    int count = cp_deletions(visit, lines);
    const char *all = "";

    assert_in_range(count, 0, CP_DELETIONS_MAX);
    for (int i = 0; i < count; i++) {
        cp_set_cookie cookie;

        cp_set_cookie_read(cp_span_of(lines[i]), SAMPLE_NOW, &cookie);
        assert_true(cookie.deletes);
        assert_false(cookie.ignored);
        assert_int_equal(cookie.value.length, 0);
        all = apr_pstrcat(pool, all, i ? "|" : "", lines[i], NULL);
    }
    return all;
}

static void what_may_not_be_kept(void **state)
{
    static const char others[] = "_ga=1; x=2; _pk_id=3; NID=4; _ga=5; "
                                 "sessionid=6; _GA=7";

    (void)state;
    assert_string_equal(deleted(sample_request(&site, others)),
                        "_ga" GONE "/|NID" GONE "/");
    site.request.secure = true;
    assert_string_equal(deleted(sample_request(&site, others)),
                        "_ga" GONE "/; Secure|NID" GONE "/; Secure");
    site.request.secure = false;
    /* What nothing declares is withheld, not deleted; nor is it then. */
    site.terms.undeclared = true;
    assert_string_equal(deleted(sample_request(&site, others)),
                        "_ga" GONE "/|NID" GONE "/");
    assert_string_equal(deleted(sample_request(&site, "x=1; y=2")), "");
    assert_string_equal(deleted(sample_request(&site, NULL)), "");
    /* Objected to by signal. */
    site.request.gpc = true;
    assert_string_equal(deleted(sample_request(&site, "_pk_id=1")),
                        "_pk_id" GONE "/");
    site.request.gpc = false;

    has_chosen(CP_GRANTED);
    assert_string_equal(deleted(visit_with(others)), "");
    has_chosen(CP_REFUSED);
    assert_string_equal(deleted(visit_with(others)),
                        "_ga" GONE "/|_pk_id" GONE "/|NID" GONE "/");
}

static void managed_ones_never(void **state)
{
    (void)state;
    for (int mode = CP_SESSION_ON; mode <= CP_SESSION_OFF; mode++) {
        site.site.session = (cp_session_mode)mode;
        assert_string_equal(deleted(sample_request(
            &site, "sessionid=1; csrftoken=2; django_language=3; "
            "cookies_preferences=4; SessionID=5")), "");
    }
}

static void eight_at_most_and_each_once(void **state)
{
    const char *header = "";
    const char *lines[CP_DELETIONS_MAX];

    (void)state;
    declare("~^c[0-9]+$", "statistics");
    declared_is_policy();
    for (int i = 0; i < 7; i++) {
        header = apr_psprintf(pool, "%sc%d=1; c%d=2; c%d=3; ", header, i, i,
                              i / 2);
    }
    assert_int_equal(cp_deletions(sample_request(&site, header), lines), 7);
    for (int i = 0; i < 100; i++) {
        header = apr_psprintf(pool, "%sc%d=1; ", header, i);
    }
    assert_int_equal(cp_deletions(sample_request(&site, header), lines),
                     CP_DELETIONS_MAX);
    for (int i = 0; i < CP_DELETIONS_MAX; i++) {
        assert_string_equal(lines[i], apr_psprintf(pool, "c%d" GONE "/", i));
    }
}

static const struct {
    const char *host;
    const char *domain;
    bool deleted;
} hosts[] = {
    { "example.org", "example.org", true },
    { "www.example.org", "example.org", true },
    { "a.b.example.org", "example.org", true },
    { "WWW.Example.ORG", "example.org", true },
    { "www.example.org", "www.example.org", true },
    { "example.org", "www.example.org", false },
    { "notexample.org", "example.org", false },
    { "www.example.com", "example.org", false },
    { "example.org.evil.net", "example.org", false },
    { "org", "example.org", false },
    { "", "example.org", false },
    { "back.example.org", "front.example.org", false },
};

/* Only there where the declaration says that it lies, never on a guess. */
static void as_declared(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        site.request.host = cp_span_of(hosts[i].host);
        apr_array_clear(declarations);
        declare_at("a", hosts[i].domain, NULL);
        declare_at("~^b", hosts[i].domain, "/x");
        declared_is_policy();
        assert_string_equal(deleted(sample_request(&site, "a=1; bc=2")),
                            hosts[i].deleted ? apr_psprintf(
                                pool, "a" GONE "/; Domain=%s|"
                                "bc" GONE "/x; Domain=%s", hosts[i].domain,
                                hosts[i].domain) : "");
    }
    site.request.host = CP_SPAN_NONE;
    assert_string_equal(deleted(sample_request(&site, "a=1; bc=2")), "");
}

static void under_the_name_that_came(void **state)
{
    (void)state;
    site.request.secure = true;
    declare("__Host-a", "statistics");
    declared_is_policy();
    assert_string_equal(deleted(sample_request(&site, "__host-a=1")),
                        "__host-a" GONE "/; Secure");
    assert_string_equal(deleted(sample_request(&site, "__Host-A=1")), "");
}

/* A site whose cookies lie beside the page of the choice. */
static void declare_paths(void)
{
    declare_at("shop", NULL, "/shop");
    declare_at("blog", "example.org", "/blog");
    declare_at("elsewhere", "example.com", "/blog");
    declare_at("root", NULL, NULL);
    declare_at("~^pattern", NULL, "/shop");
    declare_at("stored", NULL, "/shop");
    APR_ARRAY_IDX(declarations, declarations->nelts - 1,
                  cp_declaration *)->storage = CP_STORAGE_LOCAL;
    declare("needed", "necessary")->path = "/shop";
    declare("counted", "statistics-anonymous")->path = "/count";
    declare("NID", "third-party")->path = "/maps";
    declared_is_policy();
}

static void what_is_withdrawn(void **state)
{
    cp_choice choices[CP_CATEGORIES_MAX] = { CP_UNDECIDED };
    cp_visit *visit;

    (void)state;
    declare_paths();
    has_chosen(CP_GRANTED);
    visit = visit_with("root=1");
    assert_string_equal(deleted(visit), "");
    /* Statistics alone: with what came, also what could not come. */
    choices[ANONYMOUS] = choices[THIRD_PARTY] = CP_GRANTED;
    choices[STATISTICS] = CP_REFUSED;
    assert_true(cp_preferences_choose(visit, choices));
    assert_string_equal(deleted(visit), "root" GONE "/|shop" GONE "/shop|"
                        "blog" GONE "/blog; Domain=example.org");
    sample_take(&site, visit, false);
    /* On the page after it nothing is withdrawn any more. */
    assert_string_equal(deleted(visit_with(NULL)), "");
    assert_string_equal(deleted(visit_with("blog=1")),
                        "blog" GONE "/blog; Domain=example.org");
}

static void withdrawn_and_sent(void **state)
{
    cp_visit *visit;

    (void)state;
    declare_paths();
    has_chosen(CP_GRANTED);
    visit = visit_with("shop=1; needed=2; NID=3");
    choose_all(visit, CP_REFUSED);
    assert_string_equal(deleted(visit), "shop" GONE "/shop|NID" GONE "/maps|"
                        "blog" GONE "/blog; Domain=example.org|"
                        "counted" GONE "/count");
}

/* What was never granted cannot be withdrawn; what is on until the visitor
 * objects can. */
static void refused_at_first(void **state)
{
    cp_visit *visit;

    (void)state;
    declare_paths();
    visit = sample_request(&site, NULL);
    choose_all(visit, CP_REFUSED);
    assert_string_equal(deleted(visit), "counted" GONE "/count");
    site.request.gpc = true;
    visit = sample_request(&site, NULL);
    choose_all(visit, CP_REFUSED);
    assert_string_equal(deleted(visit), "");
}

static void granted_by_this_request(void **state)
{
    cp_visit *visit;

    (void)state;
    declare_paths();
    visit = sample_request(&site, "shop=1; root=2");
    assert_string_equal(deleted(visit), "shop" GONE "/shop|root" GONE "/");
    choose_all(visit, CP_GRANTED);
    assert_string_equal(deleted(visit), "");
}

static void many_withdrawn(void **state)
{
    const char *lines[CP_DELETIONS_MAX];
    cp_visit *visit;

    (void)state;
    for (int i = 0; i < 100; i++) {
        declare_at(apr_psprintf(site.pool, "c%d", i), NULL, "/x");
    }
    declared_is_policy();
    has_chosen(CP_GRANTED);
    visit = visit_with("c99=1; c98=2");
    choose_all(visit, CP_REFUSED);
    assert_int_equal(cp_deletions(visit, lines), CP_DELETIONS_MAX);
    assert_string_equal(lines[0], "c99" GONE "/x");
    assert_string_equal(lines[2], "c0" GONE "/x");
}

/* The draft of a choice is none. */
static void a_draft_deletes_nothing(void **state)
{
    cp_choice choices[CP_CATEGORIES_MAX];
    cp_draft draft;
    cp_visit *visit;

    (void)state;
    for (int i = 0; i < CP_CATEGORIES_MAX; i++) {
        choices[i] = CP_REFUSED;
    }
    declare_paths();
    has_chosen(CP_GRANTED);
    visit = visit_with("shop=1");
    assert_true(cp_preferences_draw(visit, choices, &draft));
    assert_string_equal(deleted(visit), "");
    assert_int_equal(cp_set_cookie_judge(visit, "shop=1").decision,
                     CP_PASSES);
    cp_preferences_commit(visit, &draft);
    assert_string_not_equal(deleted(visit), "");
    assert_int_equal(cp_set_cookie_judge(visit, "shop=1").decision,
                     CP_NOT_ALLOWED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_strict, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_may_not_be_kept),
        TEST(managed_ones_never),
        TEST(eight_at_most_and_each_once),
        TEST(as_declared),
        TEST(under_the_name_that_came),
        TEST(what_is_withdrawn),
        TEST(withdrawn_and_sent),
        TEST(refused_at_first),
        TEST(granted_by_this_request),
        TEST(many_withdrawn),
        TEST(a_draft_deletes_nothing),
    };

    return cmocka_run_group_tests_name("deletion", tests, pool_setup,
                                       pool_teardown);
}
