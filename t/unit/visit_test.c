/**
 * @file visit_test.c
 * @brief What an application sees of a request's cookies, and when what is
 *        issued.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "visit_fixture.h"

/* How often an application reads a cookie of that name in a header. */
static int occurrences(const char *header, const char *name)
{
    cp_span rest = cp_span_of(header);
    unsigned int broken = 0;
    int count = 0;
    cp_pair pair;

    while (cp_cookie_next(&rest, &pair, &broken)) {
        count += cp_span_equal(pair.name, cp_span_of(name));
    }
    assert_int_equal(broken, 0);
    return count;
}

static int issued(cp_visit *visit, bool document)
{
    const char *lines[CP_MANAGED_COUNT];
    int count = 0;

    cp_visit_issue(visit, document, lines);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        count += lines[i] != NULL;
    }
    return count;
}

/* --- What the application sees ---------------------------------------- */

static void a_newcomer_is_shown_what_will_be_issued(void **state)
{
    cp_visit *visit = sample_request(&site, NULL);
    const char *header = cp_visit_cookie(visit);

    (void)state;
    sample_take(&site, visit, true);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        assert_non_null(site.jar[i]);
        assert_non_null(strstr(header, sample_pair(&site, (cp_managed)i,
                                                   site.jar[i])));
        assert_int_equal(occurrences(header, cp_rooms[i]->name), 1);
    }
    /* On the second visit nothing is issued, and the same is seen. */
    visit = sample_visit(&site);
    assert_string_equal(cp_visit_cookie(visit), header);
    assert_int_equal(issued(visit, true), 0);
}

static void others_pass(void **state)
{
    static const char *const known[][2] = {
        { "a=1", "a=1" },
        { "a=1; b=2", "a=1; b=2" },
        { "b=2;a=1", "b=2; a=1" },
        { "a=1, b=2", "a=1; b=2" },
        { "a=1; a=2", "a=1; a=2" },
        { "a=; b=\"x y\"", "a=; b=\"x y\"" },
        { "a = 1 ;; b= 2", "a=1; b=2" },
        { "a=\xc3\xa4", "a=\xc3\xa4" },
        { "a; =1; $b=2; c[]=3; d=\x01; e=\"; f=1", "f=1" },
        { "a", NULL }, { "", NULL }, { "; ;", NULL }, { "$a=1", NULL },
    };

    (void)state;
    site.request.welcomes = false;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const char *header = cp_visit_cookie(sample_request(&site,
                                                            known[i][0]));

        if (known[i][1]) {
            assert_string_equal(header, known[i][1]);
        }
        else {
            assert_null(header);
        }
    }
    assert_null(cp_visit_cookie(sample_request(&site, NULL)));
}

static void each_managed_one_at_most_once(void **state)
{
    const char *header, *good;

    (void)state;
    sample_browse(&site);
    good = sample_header(&site);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        const char *name = cp_rooms[i]->name;
        const char *planted = apr_psprintf(pool, "%s=x; %s=; %s=\"y\"; %s=x",
                                           name, name, name, name);
        const char *front = apr_pstrcat(pool, planted, "; ", good, NULL);
        const char *back = apr_pstrcat(pool, good, "; ", planted, NULL);
        const char *twice = apr_pstrcat(pool, good, "; ", good, NULL);

        for (int j = 0; j < CP_MANAGED_COUNT; j++) {
            header = cp_visit_cookie(sample_request(&site, front));
            assert_int_equal(occurrences(header, cp_rooms[j]->name), 1);
            assert_non_null(strstr(header, sample_pair(&site, (cp_managed)j,
                                                       site.jar[j])));
            header = cp_visit_cookie(sample_request(&site, back));
            assert_int_equal(occurrences(header, cp_rooms[j]->name), 1);
            assert_non_null(strstr(header, sample_pair(&site, (cp_managed)j,
                                                       site.jar[j])));
            header = cp_visit_cookie(sample_request(&site, twice));
            assert_int_equal(occurrences(header, cp_rooms[j]->name), 1);
        }
    }
}

static void forged_ones_are_not_seen(void **state)
{
    (void)state;
    site.request.welcomes = false;
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        const char *header = cp_visit_cookie(sample_request(
            &site, apr_psprintf(pool, "%s=x; a=1", cp_rooms[i]->name)));

        assert_string_equal(header, "a=1");
    }
}

static void managed_ones_are_unquoted(void **state)
{
    cp_visit *visit;

    (void)state;
    sample_browse(&site);
    visit = sample_request(&site, apr_psprintf(
        pool, "sessionid=\"%s\"; csrftoken=\"%s\"; django_language=\"%s\"; "
        "cookies_preferences=\"%s\"", site.jar[0], site.jar[1], site.jar[2],
        site.jar[3]));
    assert_null(strchr(cp_visit_cookie(visit), '"'));
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        assert_int_equal(visit->verdicts[i].reason, CP_VALID);
    }
}

static void other_spellings_do_not_pass(void **state)
{
    static const char *const spellings[] = {
        "SessionID", "SESSIONID", "%73essionid", "sessionid%00",
        "sessionid%20", "%C2%A0sessionid", "session%69d", ".sessionid",
        "sessionid%5B%5D", "Csrftoken", "csrf%74oken", "django.language",
        "django+language", "django%20language", "Cookies.Preferences",
        "cookies%5Bpreferences", "cookies%255fpreferences"
    };

    (void)state;
    sample_browse(&site);
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        const char *header = apr_pstrcat(pool, sample_header(&site), "; ",
                                         spellings[i], "=evil; a=1", NULL);
        const char *seen = cp_visit_cookie(sample_request(&site, header));

        assert_null(strstr(seen, "evil"));
        assert_int_equal(occurrences(seen, "a"), 1);
    }
    /* And what only looks a little like one passes. */
    assert_non_null(strstr(cp_visit_cookie(sample_request(
        &site, "session_id=1; xsessionid=2; csrf-token=3")),
        "session_id=1; xsessionid=2; csrf-token=3"));
}

static void names_on_the_wire(void **state)
{
    const char *header;
    cp_visit *visit;

    (void)state;
    site.attributes[CP_SESSION].name = "__Host-sid";
    site.attributes[CP_SESSION].secure = CP_SECURE_ON;
    site.attributes[CP_CSRF].name = "XSRF-TOKEN";
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        assert_null(cp_attributes_compile(&site.attributes[i],
                                          site.pool));
    }
    sample_browse(&site);
    assert_memory_equal(sample_header(&site), "__Host-sid=", 11);
    visit = sample_visit(&site);
    header = cp_visit_cookie(visit);
    assert_int_equal(issued(visit, true), 0);
    assert_int_equal(occurrences(header, "sessionid"), 1);
    assert_int_equal(occurrences(header, "csrftoken"), 1);
    assert_int_equal(occurrences(header, "__Host-sid"), 0);
    assert_int_equal(occurrences(header, "XSRF-TOKEN"), 0);
    assert_non_null(strstr(header, apr_pstrcat(pool, "sessionid=",
                                               site.jar[CP_SESSION], NULL)));

    /* The application's name on the wire is nobody's. */
    site.request.welcomes = false;
    visit = sample_request(&site, apr_psprintf(
        pool, "sessionid=%s; __host-sid=%s; __HOST-SID=%s; xsrf-token=%s; "
        "csrftoken=%s", site.jar[CP_SESSION], site.jar[CP_SESSION],
        site.jar[CP_SESSION], site.jar[CP_CSRF], site.jar[CP_CSRF]));
    assert_null(cp_visit_cookie(visit));
    assert_int_equal(visit->verdicts[CP_SESSION].reason, CP_ABSENT);
    assert_int_equal(visit->verdicts[CP_CSRF].reason, CP_ABSENT);
}

/* --- Limits ----------------------------------------------------------- */

static const char *so_many_pairs(int count)
{
    const char *header = "";

    for (int i = 0; i < count; i++) {
        header = apr_psprintf(pool, "%s%sc%d=%d", header, i ? "; " : "", i,
                              i);
    }
    return header;
}

static int pairs_seen(cp_visit *visit)
{
    const char *header = cp_visit_cookie(visit);
    cp_span rest = cp_span_of(header);
    unsigned int broken = 0;
    int count = 0;
    cp_pair pair;

    while (cp_cookie_next(&rest, &pair, &broken)) {
        count++;
    }
    return count;
}

/* Some applications split at commas too. */
static void commas_hide_nothing(void **state)
{
    static const char *const hidden[] = {
        "a=1,sessionid=x", "a=1,2,SessionID=x", "a=1,\tcsrftoken = x",
        "a=\"1,django_language=x\"", "a=,,cookies%5Fpreferences=x"
    };
    static const char *const plain[] = {
        "a=1,2,3", "a=1,b=2", "a=sessionid,x=1", "a=1,sessionids=x"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        const char *header = cp_visit_cookie(sample_request(&site,
                                                            hidden[i]));

        assert_null(strstr(header ? header : "", "a="));
    }
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        const char *header = cp_visit_cookie(sample_request(&site,
                                                            plain[i]));

        assert_non_null(header);
        assert_non_null(strstr(header, plain[i]));
    }
}

static void two_hundred_pairs(void **state)
{
    cp_visit *visit;

    (void)state;
    site.request.welcomes = false;
    visit = sample_request(&site, so_many_pairs(CP_COOKIE_PAIRS_MAX));
    assert_false(visit->cut);
    assert_int_equal(pairs_seen(visit), CP_COOKIE_PAIRS_MAX);
    visit = sample_request(&site, so_many_pairs(CP_COOKIE_PAIRS_MAX + 1));
    assert_true(visit->cut);
    assert_int_equal(pairs_seen(visit), CP_COOKIE_PAIRS_MAX);
    assert_null(strstr(cp_visit_cookie(visit), "c200="));
    visit = sample_request(&site, so_many_pairs(500));
    assert_true(visit->cut);
    assert_int_equal(pairs_seen(visit), CP_COOKIE_PAIRS_MAX);
}

static void thirty_two_kilobytes(void **state)
{
    char *large = apr_pcalloc(pool, CP_COOKIE_LENGTH_MAX + 100);
    cp_visit *visit;

    (void)state;
    site.request.welcomes = false;
    /* `a=1; b=xxx...`, just as long as may be. */
    memset(large, 'x', CP_COOKIE_LENGTH_MAX);
    memcpy(large, "a=1; b=", 7);
    visit = sample_request(&site, large);
    assert_false(visit->cut);
    assert_int_equal(pairs_seen(visit), 2);
    /* One byte more: half a pair is none. */
    large[CP_COOKIE_LENGTH_MAX] = 'x';
    visit = sample_request(&site, large);
    assert_true(visit->cut);
    assert_string_equal(cp_visit_cookie(visit), "a=1");
    /* No pair that ends in time. */
    memset(large, 'x', CP_COOKIE_LENGTH_MAX + 1);
    visit = sample_request(&site, large);
    assert_true(visit->cut);
    assert_null(cp_visit_cookie(visit));
}

/* What was cut off may have been the visitor's: it is not overwritten. */
static void nothing_that_was_cut_off_is_overwritten(void **state)
{
    const char *good;

    (void)state;
    sample_browse(&site);
    good = sample_header(&site);
    assert_int_equal(issued(sample_request(&site, apr_pstrcat(
        pool, so_many_pairs(CP_COOKIE_PAIRS_MAX), "; ", good, NULL)), true),
        0);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        const char *value = i == CP_SESSION ? apr_pstrcat(
                                pool, "AAAA", site.jar[i] + 4, NULL)
                            : i == CP_CSRF ? "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                            : "xx";
        const char *planted = "";

        for (int j = 0; j < CP_DUPLICATES_MAX; j++) {
            planted = apr_pstrcat(pool, planted,
                                  sample_pair(&site, (cp_managed)i, value),
                                  "; ", NULL);
        }
        assert_int_equal(issued(sample_request(&site, apr_pstrcat(
            pool, planted, good, NULL)), true), 0);
    }
}

/* --- Issuing ---------------------------------------------------------- */

static void attributes_of_what_is_issued(void **state)
{
    const char *lines[CP_MANAGED_COUNT];

    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        site.request.secure = secure;
        cp_visit_issue(sample_request(&site, NULL), true, lines);
        for (int i = 0; i < CP_MANAGED_COUNT; i++) {
            assert_non_null(strstr(lines[i], "; Path=/;"));
            assert_non_null(strstr(lines[i], "; SameSite=Lax"));
            assert_int_equal(strstr(lines[i], "; Secure") != NULL, secure);
            assert_int_equal(strstr(lines[i], "; HttpOnly") != NULL,
                             i == CP_SESSION || i == CP_LANGUAGE);
            assert_null(strstr(lines[i], "Domain="));
        }
    }
}

static void eager_with_documents(void **state)
{
    cp_visit *visit = sample_request(&site, NULL);

    (void)state;
    assert_int_equal(issued(visit, false), 0);
    assert_int_equal(issued(visit, true), CP_MANAGED_COUNT);
    site.terms.all = true;
    visit = sample_request(&site, NULL);
    assert_int_equal(issued(visit, false), CP_MANAGED_COUNT);
}

static void lazy_until_needed(void **state)
{
    cp_visit *visit;

    (void)state;
    site.terms.lazy = true;
    visit = sample_request(&site, NULL);
    assert_int_equal(issued(visit, true), 0);
    /* Only the token is seen: to look at it is to ask for it. */
    assert_int_equal(occurrences(cp_visit_cookie(visit), "csrftoken"), 1);
    assert_int_equal(pairs_seen(visit), 1);

    site.terms.all = true;
    assert_int_equal(issued(sample_request(&site, NULL), true), 0);
    site.terms.all = false;

    /* A form: the token, and the session that it is bound to. */
    visit = sample_request(&site, NULL);
    cp_visit_need(visit, CP_CSRF);
    assert_int_equal(sample_take(&site, visit, false), 2);
    assert_non_null(site.jar[CP_SESSION]);
    visit = sample_visit(&site);
    assert_int_equal(visit->verdicts[CP_CSRF].reason, CP_VALID);

    /* Something stored: the session alone. */
    memset(site.jar, 0, sizeof(site.jar));
    visit = sample_request(&site, NULL);
    assert_int_equal(sample_store(&site, visit, "a", "1"), APR_SUCCESS);
    assert_int_equal(sample_take(&site, visit, false), 1);
    assert_string_equal(sample_attribute(sample_visit(&site), "a"), "1");

    /* A language chosen. */
    memset(site.jar, 0, sizeof(site.jar));
    visit = sample_request(&site, NULL);
    cp_language_choose(visit, CP_SPAN("fr"));
    assert_int_equal(sample_take(&site, visit, false), 1);
    assert_string_equal(site.jar[CP_LANGUAGE], "fr");
}

/* Django says with a Set-Cookie of its own that it used the token. */
static void the_application_asks_for_its_token(void **state)
{
    cp_visit *visit;
    const char *seen;

    (void)state;
    site.terms.lazy = true;
    visit = sample_request(&site, NULL);
    seen = apr_pstrdup(pool, strstr(cp_visit_cookie(visit), "csrftoken=")
                             + 10);
    cp_visit_hear(visit, cp_span_of(apr_pstrcat(
        pool, "csrftoken=", seen, "; Max-Age=31449600; Path=/", NULL)));
    assert_int_equal(sample_take(&site, visit, false), 2);
    assert_string_equal(site.jar[CP_CSRF], seen);
    visit = sample_visit(&site);
    assert_true(cp_csrf_check(visit, cp_span_of(seen)));
}

static void need_does_not_renew(void **state)
{
    cp_visit *visit;

    (void)state;
    sample_browse(&site);
    visit = sample_visit(&site);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        cp_visit_need(visit, (cp_managed)i);
    }
    assert_int_equal(issued(visit, true), 0);
}

static void who_is_not_welcome(void **state)
{
    cp_visit *visit;

    (void)state;
    site.request.welcomes = false;
    visit = sample_request(&site, "a=1");
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        assert_null(cp_visit_value(visit, (cp_managed)i));
        cp_visit_need(visit, (cp_managed)i);
    }
    assert_string_equal(cp_visit_cookie(visit), "a=1");
    cp_visit_hear(visit, CP_SPAN("csrftoken=x"));
    cp_visit_hear(visit, CP_SPAN("django_language=fr"));
    assert_int_equal(issued(visit, true), 0);
}

static void a_muted_visit_says_nothing(void **state)
{
    cp_choice choices[CP_CATEGORIES_MAX] = { CP_UNDECIDED };
    cp_visit *visit;

    (void)state;
    visit = sample_request(&site, NULL);
    assert_true(cp_preferences_choose(visit, choices));
    cp_language_choose(visit, CP_SPAN("fr"));
    assert_int_equal(sample_login(&site, visit, "alice"), APR_SUCCESS);
    cp_visit_mute(visit);
    assert_int_equal(issued(visit, true), 0);
    /* Nor whatever comes later. */
    cp_visit_need(visit, CP_CSRF);
    cp_language_choose(visit, CP_SPAN("pt-BR"));
    assert_int_equal(sample_login(&site, visit, "bob"), APR_EACCES);
    cp_visit_hear(visit, CP_SPAN("csrftoken=x"));
    assert_true(cp_preferences_choose(visit, choices));
    assert_int_equal(cp_session_end(visit), APR_SUCCESS);
    assert_int_equal(issued(visit, true), 0);
}

static void rooms_that_are_closed(void **state)
{
    cp_visit *visit;

    (void)state;
    site.site.session = CP_SESSION_APPLICATION;
    site.terms.csrf = CP_CSRF_OFF;
    site.terms.languages = NULL;
    visit = sample_request(&site, "sessionid=a; sessionid=b; csrftoken=c; "
                           "django_language=d; SessionID=e");
    assert_string_equal(strstr(cp_visit_cookie(visit), "sessionid=a"),
                        "sessionid=a; sessionid=b; csrftoken=c; "
                        "django_language=d; SessionID=e");
    assert_int_equal(issued(visit, true), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_newcomer_is_shown_what_will_be_issued),
        TEST(others_pass),
        TEST(each_managed_one_at_most_once),
        TEST(forged_ones_are_not_seen),
        TEST(managed_ones_are_unquoted),
        TEST(other_spellings_do_not_pass),
        TEST(names_on_the_wire),
        TEST(commas_hide_nothing),
        TEST(two_hundred_pairs),
        TEST(thirty_two_kilobytes),
        TEST(nothing_that_was_cut_off_is_overwritten),
        TEST(attributes_of_what_is_issued),
        TEST(eager_with_documents),
        TEST(lazy_until_needed),
        TEST(the_application_asks_for_its_token),
        TEST(need_does_not_renew),
        TEST(who_is_not_welcome),
        TEST(a_muted_visit_says_nothing),
        TEST(rooms_that_are_closed),
    };

    return cmocka_run_group_tests_name("visit", tests, pool_setup,
                                       pool_teardown);
}
