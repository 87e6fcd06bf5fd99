/**
 * @file decision_test.c
 * @brief What the policy says of a cookie, on its way in and on its way out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "decision_sample.h"

/* --- Deciding ----------------------------------------------------------- */

static bool is_allowed(cp_rule rule, cp_choice choice, bool gpc)
{
    return rule == CP_RULE_EXEMPT || choice == CP_GRANTED
           || (rule == CP_RULE_OBJECTABLE && choice == CP_UNDECIDED && !gpc);
}

/* Every rule, choice and signal; and whether what nothing declares passes. */
static void every_case(void **state)
{
    static const char *const names[] = { "sessionid", "_pk_id", "_ga" };
    int tried = 0;

    (void)state;
    for (int i = 0; i < 3 * 3 * 2 * 2; i++) {
        cp_rule rule = (cp_rule)(i % 3);
        cp_choice choice = (cp_choice)(i / 3 % 3);
        const cp_declared *declared;
        cp_visit *visit;

        site.request.gpc = i / 9 % 2;
        site.terms.undeclared = i / 18;
        has_chosen(choice);
        visit = visit_with("unheard-of=1");
        declared = cp_policy_find(&site.policy, cp_span_of(names[rule]),
                                  pool);
        assert_int_equal(site.policy.categories[declared->category].rule,
                         rule);
        assert_int_equal(cp_decide(visit, declared),
                         is_allowed(rule, choice, site.request.gpc)
                         ? CP_PASSES : CP_NOT_ALLOWED);
        assert_int_equal(cp_decide(visit, NULL), site.terms.undeclared
                                                 ? CP_PASSES : CP_UNDECLARED);
        tried++;
    }
    assert_int_equal(tried, 36);
}

/* The same by the header that the application sees. */
static void what_the_application_sees(void **state)
{
    static const char others[] = "_ga=1; _pk_id=2; x=3; NID=4; _GA=5; _ga=6";
    static const char *const known[3][2] = {
        /* undeclared is dropped, and passes */
        [CP_UNDECIDED] = { "_pk_id=2", "_pk_id=2; x=3; _GA=5" },
        [CP_GRANTED] = { "_ga=1; _pk_id=2; NID=4; _ga=6",
                         "_ga=1; _pk_id=2; x=3; NID=4; _GA=5; _ga=6" },
        [CP_REFUSED] = { NULL, "x=3; _GA=5" },
    };

    (void)state;
    site.request.welcomes = false;
    for (int choice = CP_UNDECIDED; choice <= CP_REFUSED; choice++) {
        for (int undeclared = 0; undeclared < 2; undeclared++) {
            const char *expected = known[choice][undeclared];
            const char *own, *header;
            cp_visit *visit;

            site.terms.undeclared = undeclared;
            has_chosen((cp_choice)choice);
            own = sample_header(&site);
            visit = visit_with(others);
            header = cp_visit_cookie(visit);
            assert_string_equal(header, expected
                                ? apr_pstrcat(pool, own, "; ", expected, NULL)
                                : own);
            assert_int_equal(visit->others->nelts, 6);
        }
    }
    memset(site.jar, 0, sizeof(site.jar));
    site.terms.undeclared = false;
    assert_null(cp_visit_cookie(sample_request(&site, "_ga=1; x=3; NID=4")));
    assert_string_equal(cp_visit_cookie(sample_request(&site, others)),
                        "_pk_id=2");
    site.request.gpc = true;
    assert_null(cp_visit_cookie(sample_request(&site, others)));
}

/* Some applications end a value at a comma or a blank, and find in what
 * follows the name of a cookie that was refused. */
static void what_hides_in_values(void **state)
{
    static const char *const hidden[] = {
        "n=1,_ga=2", "n=1 _ga=2", "n=1\t_ga=2", "n=,_ga=", "n=1,2,_ga=3",
        "n=1,_ga =2", "n=1,\t_ga\t=2", "n=\"1,_ga=2\"", "n=a b,c _ga=d",
        "n=1,x=2,_ga=3", "n=1,=,_ga=3", "n=1,_gb,_ga=3", "n=1,NID=2",
        "n=1 x _hj9=2", "n=1,__host-b=2"
    };
    static const char *const plain[] = {
        "n=1,_ga", "n=_ga=1", "n=1;_ga", "n=1,2", "n=1,x=2", "n=1,_GA=2",
        "n=1,n=2", "n=1,_gax=2", "n=1,x_ga=2", "n=a,_pk_id=2", "n=1,,==,=",
        "n=_ga", "n=1,.", "n= , "
    };

    (void)state;
    declare("n", "necessary");
    declare("_pk_id", "statistics-anonymous");
    declare("_ga", "statistics");
    declare("~^_hj", "statistics");
    declare("__Host-b", "statistics");
    declare("NID", "third-party");
    declared_is_policy();
    site.request.welcomes = false;
    for (int undeclared = 0; undeclared < 2; undeclared++) {
        site.terms.undeclared = undeclared;
        for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
            if (cp_visit_cookie(sample_request(&site, hidden[i]))) {
                fail_msg("'%s' passes", hidden[i]);
            }
        }
        for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
            if (!cp_visit_cookie(sample_request(&site, plain[i]))) {
                fail_msg("'%s' does not pass", plain[i]);
            }
        }
    }
    has_chosen(CP_GRANTED);
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        assert_non_null(strstr(cp_visit_cookie(visit_with(hidden[i])),
                               "; n="));
    }
}

/* The longest header there may be, of nothing but names: bounded work. */
static void a_header_of_names(void **state)
{
    static const char *const shapes[] = { ",a=", " a=", ",_ga", "=,", ", " };
    char *header = apr_pcalloc(site.pool, CP_COOKIE_LENGTH_MAX + 1);

    (void)state;
    declare("n", "necessary");
    for (int i = 0; i < 31; i++) {
        declare(apr_psprintf(site.pool, "~.*b%d.*c", i), "statistics");
    }
    declared_is_policy();
    for (int i = 0; i < 5; i++) {
        size_t length = strlen(shapes[i]);

        for (size_t at = 0; at < CP_COOKIE_LENGTH_MAX; at++) {
            header[at] = shapes[i][at % length];
        }
        header[0] = 'n';
        header[1] = '=';
        assert_non_null(sample_request(&site, header));
    }
}

static void words(void **state)
{
    (void)state;
    for (int i = 0; i < CP_DECISION_COUNT; i++) {
        assert_non_null(cp_decision_word((cp_decision)i));
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(cp_decision_word((cp_decision)i),
                                    cp_decision_word((cp_decision)j));
        }
    }
}

/* --- Set-Cookie --------------------------------------------------------- */

static const struct {
    const char *line;
    cp_decision decision;       /* with nothing chosen */
    int managed;                /* which one, or -1 */
    bool deletes;
} said[] = {
    /* declared */
    { "_pk_id=1", CP_PASSES, -1, false },
    { " _pk_id = 1 ;; Path=/; x=y", CP_PASSES, -1, false },
    { "_ga=1", CP_NOT_ALLOWED, -1, false },
    { "\t_ga\t=1; Path=/", CP_NOT_ALLOWED, -1, false },
    { "_ga=", CP_NOT_ALLOWED, -1, false },
    { "_ga==", CP_NOT_ALLOWED, -1, false },
    { "NID=1; Domain=example.org; Secure", CP_NOT_ALLOWED, -1, false },
    { "_ga=1; Max-Age=1", CP_NOT_ALLOWED, -1, false },
    { "_ga=1; Max-Age=0; Max-Age=1", CP_NOT_ALLOWED, -1, false },
    { "_ga=1; Expires=never", CP_NOT_ALLOWED, -1, false },
    { "_ga=1; Expires=" EPOCH "; Max-Age=1", CP_NOT_ALLOWED, -1, false },
    { "_ga=1; Expires=Sun, 31 Feb 2016 00:00:00 GMT", CP_NOT_ALLOWED, -1,
      false },
    /* undeclared */
    { "x=1", CP_UNDECLARED, -1, false },
    { "_GA=1", CP_UNDECLARED, -1, false },
    { "_ga_=1", CP_UNDECLARED, -1, false },
    { "\"_pk_id\"=1", CP_UNDECLARED, -1, false },
    { "x=_pk_id=1", CP_UNDECLARED, -1, false },
    { "x=1; _pk_id=1", CP_UNDECLARED, -1, false },
    { "x, _pk_id=1", CP_UNDECLARED, -1, false },
    { "%5Fpk_id=1", CP_UNDECLARED, -1, false },
    { "session_id=1", CP_UNDECLARED, -1, false },
    { "x=sessionid", CP_UNDECLARED, -1, false },
    /* nameless: judged as what they come back as */
    { "_pk_id", CP_UNDECLARED, -1, false },
    { "=_pk_id", CP_UNDECLARED, -1, false },
    { "=_pk_id=1", CP_PASSES, -1, false },
    { "=_ga=1", CP_NOT_ALLOWED, -1, false },
    { " = _ga = 1; Path=/", CP_NOT_ALLOWED, -1, false },
    { "=x=1", CP_UNDECLARED, -1, false },
    { "==_pk_id=1", CP_UNDECLARED, -1, false },
    { "=sessionid=1", CP_MANAGED, CP_SESSION, false },
    { " = sessionid=1; Path=/", CP_MANAGED, CP_SESSION, false },
    { "=\tcsrftoken =", CP_MANAGED, CP_CSRF, false },
    { "=SessionID=1", CP_MANAGED, CP_SESSION, false },
    { "=sessionid=1; Max-Age=0", CP_MANAGED, CP_SESSION, false },
    /* deletions pass, whatever they delete */
    { "_ga=; Max-Age=0", CP_PASSES, -1, true },
    { "_ga=1; Max-Age=-1", CP_PASSES, -1, true },
    { "x=; Max-Age=0; Path=/x", CP_PASSES, -1, true },
    { "x=; expires=" EPOCH, CP_PASSES, -1, true },
    { "x; Max-Age=0", CP_PASSES, -1, true },
    { "=_ga=1; Max-Age=0", CP_PASSES, -1, true },
    { "_pk_id=; Max-Age=0", CP_PASSES, -1, true },
    /* but for managed names */
    { "sessionid=1", CP_MANAGED, CP_SESSION, false },
    { "  sessionid  = 1", CP_MANAGED, CP_SESSION, false },
    { "\tsessionid\t=1", CP_MANAGED, CP_SESSION, false },
    { "sessionid=", CP_MANAGED, CP_SESSION, false },
    { "sessionid=; Max-Age=0", CP_MANAGED, CP_SESSION, false },
    { "sessionid=; expires=" EPOCH, CP_MANAGED, CP_SESSION, false },
    { "sessionid=1; Path=/elsewhere; Domain=example.org", CP_MANAGED,
      CP_SESSION, false },
    { "SessionID=1", CP_MANAGED, CP_SESSION, false },
    { "SessionID=; Max-Age=0", CP_MANAGED, CP_SESSION, false },
    { "%73essionid=1", CP_MANAGED, CP_SESSION, false },
    { "sessionid%00=1", CP_MANAGED, CP_SESSION, false },
    { "sessionid[]=1", CP_MANAGED, CP_SESSION, false },
    { "\xc2\xa0sessionid=1", CP_MANAGED, CP_SESSION, false },
    { "csrftoken=1", CP_MANAGED, CP_CSRF, false },
    { "django_language=fr", CP_MANAGED, CP_LANGUAGE, false },
    { "django.language=fr", CP_MANAGED, CP_LANGUAGE, false },
    { "cookies_preferences=1", CP_MANAGED, CP_PREFERENCES, false },
    { "cookies_preferences=; Max-Age=0", CP_MANAGED, CP_PREFERENCES, false },
};

static bool is_judged(const cp_visit *visit, size_t i, cp_decision decision)
{
    const char *line = said[i].line;
    cp_ruling ruling = cp_set_cookie_judge(visit, line);

    return ruling.decision == decision
           && ruling.line == (decision == CP_PASSES ? line : NULL)
           && (decision != CP_MANAGED
               || (int)ruling.managed == said[i].managed)
           && ruling.deletes == said[i].deletes;
}

static void judged(cp_choice choice, bool undeclared)
{
    cp_visit *visit;
    int wrong = 0;

    site.terms.undeclared = undeclared;
    has_chosen(choice);
    visit = visit_with(NULL);
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        cp_decision decision = said[i].decision;

        if ((decision == CP_UNDECLARED && undeclared)
            || (decision == CP_NOT_ALLOWED && choice == CP_GRANTED)) {
            decision = CP_PASSES;
        }
        if (!is_judged(visit, i, decision)) {
            print_error("'%s'\n", said[i].line);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void nothing_chosen(void **state)
{
    (void)state;
    judged(CP_UNDECIDED, false);
}

/* What passes leaves byte for byte as it came: the very line. */
static void everything_granted(void **state)
{
    (void)state;
    judged(CP_GRANTED, false);
}

static void what_nothing_declares_passes(void **state)
{
    (void)state;
    judged(CP_UNDECIDED, true);
    judged(CP_GRANTED, true);
}

static void the_rest_of_a_ruling(void **state)
{
    cp_visit *visit = sample_request(&site, NULL);
    cp_ruling ruling = cp_set_cookie_judge(visit, " _ga = 1; Path=/");

    (void)state;
    assert_true(ruling.declared);
    assert_string_equal(cp_span_string(pool, ruling.name), "_ga");
    ruling = cp_set_cookie_judge(visit, "x=1");
    assert_false(ruling.declared);
    assert_string_equal(cp_span_string(pool, ruling.name), "x");
    ruling = cp_set_cookie_judge(visit, "_ga=; Max-Age=0");
    assert_true(ruling.declared);
    ruling = cp_set_cookie_judge(visit, "x=; Max-Age=0");
    assert_false(ruling.declared);
    ruling = cp_set_cookie_judge(visit, "=_ga=1");
    assert_true(ruling.declared);
    assert_string_equal(cp_span_string(pool, ruling.name), "_ga");
}

/* A prefix that browsers heed is the same in any case, and a pattern is a
 * declaration like any other. */
static void prefixes_and_patterns(void **state)
{
    static const char *const lines[] = {
        "__Host-a=1", "__host-a=1", "__HOST-a=1", "_hjX=1", "_hj=1"
    };
    cp_visit *visit;

    (void)state;
    declare("__Host-a", "statistics");
    declare("~^_hj", "statistics");
    declare("_hjSafe", "necessary");
    declared_is_policy();
    visit = sample_request(&site, NULL);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(cp_set_cookie_judge(visit, lines[i]).decision,
                         CP_NOT_ALLOWED);
    }
    assert_int_equal(cp_set_cookie_judge(visit, "__Host-A=1").decision,
                     CP_UNDECLARED);
    assert_int_equal(cp_set_cookie_judge(visit, "_hjSafe=1").decision,
                     CP_PASSES);
    assert_int_equal(cp_set_cookie_judge(visit, "x_hj=1").decision,
                     CP_UNDECLARED);
}

/* What lies in the browser's storage is not what a cookie of that name is. */
static void storage_is_no_cookie(void **state)
{
    cp_visit *visit;

    (void)state;
    declare("a", "necessary")->storage = CP_STORAGE_LOCAL;
    declared_is_policy();
    site.request.welcomes = false;
    visit = sample_request(&site, "a=1");
    assert_null(cp_visit_cookie(visit));
    assert_int_equal(cp_set_cookie_judge(visit, "a=1").decision,
                     CP_UNDECLARED);
}

static void hardened_as_declared(void **state)
{
    cp_declaration *hard = declare("a", "necessary");
    cp_visit *visit;
    const char *line = "a=1; Max-Age=99; SameSite=None";

    (void)state;
    hard->hardening = (cp_hardening){ true, true, "Lax", 60 };
    declare("b", "necessary");
    declared_is_policy();
    visit = sample_request(&site, NULL);
    assert_string_equal(cp_set_cookie_judge(visit, line).line,
                        "a=1; Max-Age=60; SameSite=Lax; Secure; HttpOnly");
    line = "a=; Max-Age=0";
    assert_ptr_equal(cp_set_cookie_judge(visit, line).line, line);
    line = "b=1; Max-Age=99; SameSite=None";
    assert_ptr_equal(cp_set_cookie_judge(visit, line).line, line);
    /* Nothing is asked for of what nothing declares. */
    site.terms.undeclared = true;
    line = "c=1; Max-Age=99; SameSite=None";
    assert_ptr_equal(cp_set_cookie_judge(visit, line).line, line);
}

/* Whatever a browser keeps of a line that passes and sends back, no managed
 * cookie comes of it. */
static void what_passes_comes_back_harmless(void **state)
{
    static const char *const lines[] = {
        "a=1, sessionid=x", "a=\"; sessionid=x", "foo", "sessionid",
        "=sessionid", "a=1; b", "sessionid ", "=a, sessionid=x",
        "x, sessionid=y", "a=1,sessionid=x", "=x, sessionid=y", "$a=1"
    };
    cp_visit *visit = sample_request(&site, NULL);
    int passed = 0;

    (void)state;
    site.terms.undeclared = true;
    site.request.welcomes = false;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        cp_ruling ruling = cp_set_cookie_judge(visit, lines[i]);
        cp_set_cookie kept;
        const char *back;

        if (!ruling.line) {
            continue;
        }
        cp_set_cookie_read(cp_span_of(ruling.line), SAMPLE_NOW, &kept);
        back = apr_pstrcat(pool, cp_span_string(pool, kept.name),
                           kept.name.length ? "=" : "",
                           cp_span_string(pool, kept.value), NULL);
        back = cp_visit_cookie(sample_request(&site, back));
        assert_true(!back || !strstr(back, "sessionid=x"));
        passed++;
    }
    assert_true(passed > 8);
}

static void rooms_that_are_closed(void **state)
{
    cp_visit *visit;

    (void)state;
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        *(cp_declaration **)apr_array_push(declarations) =
            cp_policy_managed(cp_rooms[i]->name, site.pool);
    }
    declared_is_policy();
    site.site.session = CP_SESSION_APPLICATION;
    site.terms.csrf = CP_CSRF_OFF;
    site.terms.languages = NULL;
    visit = sample_request(&site, "sessionid=a; csrftoken=b; "
                           "django_language=c; SessionID=d");
    assert_int_equal(cp_set_cookie_judge(visit, "sessionid=1").decision,
                     CP_PASSES);
    assert_int_equal(cp_set_cookie_judge(visit, "csrftoken=1").decision,
                     CP_PASSES);
    assert_int_equal(cp_set_cookie_judge(visit,
                                         "django_language=1").decision,
                     CP_PASSES);
    assert_int_equal(cp_set_cookie_judge(visit,
                                         "cookies_preferences=1").decision,
                     CP_MANAGED);
    /* Another spelling is another cookie. */
    assert_int_equal(cp_set_cookie_judge(visit, "SessionID=1").decision,
                     CP_UNDECLARED);
    assert_non_null(strstr(cp_visit_cookie(visit), "sessionid=a; "
                           "csrftoken=b; django_language=c"));
    assert_null(strstr(cp_visit_cookie(visit), "SessionID"));
}

/* The application's own session cookie falls under what is declared of ours,
 * whatever it is called on the wire. */
static void a_name_on_the_wire(void **state)
{
    cp_visit *visit;

    (void)state;
    site.site.session = CP_SESSION_APPLICATION;
    site.attributes[CP_SESSION].name = "JSESSIONID";
    visit = sample_request(&site, "JSESSIONID=a; sid=b");
    assert_int_equal(cp_set_cookie_judge(visit, "JSESSIONID=1").decision,
                     CP_PASSES);
    assert_non_null(strstr(cp_visit_cookie(visit), "JSESSIONID=a"));
    assert_null(strstr(cp_visit_cookie(visit), "sid=b"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_strict, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_case),
        TEST(what_the_application_sees),
        TEST(what_hides_in_values),
        TEST(a_header_of_names),
        cmocka_unit_test(words),
        TEST(nothing_chosen),
        TEST(everything_granted),
        TEST(what_nothing_declares_passes),
        TEST(the_rest_of_a_ruling),
        TEST(prefixes_and_patterns),
        TEST(storage_is_no_cookie),
        TEST(hardened_as_declared),
        TEST(what_passes_comes_back_harmless),
        TEST(rooms_that_are_closed),
        TEST(a_name_on_the_wire),
    };

    return cmocka_run_group_tests_name("decision", tests, pool_setup,
                                       pool_teardown);
}
