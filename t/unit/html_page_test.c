/**
 * @file html_page_test.c
 * @brief Which pages are recognised, and which must not be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "html_page.h"
#include "pool_fixture.h"

#define FORM "<form method=post action=https://www.example.org/x>"
#define PAGE "<!DOCTYPE html><title>x</title>" FORM "</form>"
#define BEFORE_FORM_ENDS (sizeof("<!DOCTYPE html><title>x</title>" FORM) - 1)

static const cp_html_origin origin = { "https", "www.example.org", 443 };

static unsigned int forms_in(const char *page, const cp_html_origin *own)
{
    cp_html_spots spots;
    unsigned int forms = 0;

    assert_true(cp_html_page_read(cp_span_of(page), own, &spots, pool));
    for (unsigned int i = 0; i < spots.count; i++) {
        forms += spots.spots[i].place == CP_HTML_FORM;
    }
    return forms;
}

static void a_page_is_the_same_again(void **state)
{
    cp_html_spots spots[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        /* each time in other memory */
        cp_span page = cp_span_of(apr_pstrdup(pool, PAGE));

        memset(&spots[i], 0, sizeof(spots[i]));
        assert_true(cp_html_page_read(page, &origin, &spots[i], pool));
        assert_int_equal(spots[i].count, 2);
        assert_int_equal(spots[i].spots[0].place, CP_HTML_HEAD);
        assert_int_equal(spots[i].spots[0].at, 15);
        assert_int_equal(spots[i].spots[1].place, CP_HTML_FORM);
        assert_int_equal(spots[i].spots[1].at, BEFORE_FORM_ENDS);
    }
}

/* All of its bytes count. */
static void no_other_page_is_taken_for_it(void **state)
{
    (void)state;
    assert_int_equal(forms_in(PAGE, &origin), 1);
    for (apr_size_t at = 0; at < sizeof(PAGE) - 1; at++) {
        char *other = apr_pstrdup(pool, PAGE);
        cp_html_spots expected, found;

        other[at] ^= 1;
        cp_html_pages_forget();
        assert_true(cp_html_page_read(cp_span_of(other), &origin, &expected,
                                      pool));
        assert_int_equal(forms_in(PAGE, &origin), 1);
        assert_true(cp_html_page_read(cp_span_of(other), &origin, &found,
                                      pool));
        assert_int_equal(found.count, expected.count);
        for (unsigned int i = 0; i < found.count; i++) {
            assert_int_equal(found.spots[i].place, expected.spots[i].place);
            assert_int_equal(found.spots[i].at, expected.spots[i].at);
        }
    }
}

static void where_its_forms_go_hangs_on_the_origin(void **state)
{
    static const cp_html_origin others[] = {
        { "http", "www.example.org", 443 }, { "https", "example.org", 443 },
        { "https", "www.example.org", 8443 },
        { "https", "www.example.org.", 443 }
    };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(forms_in(PAGE, &origin), 1);
        assert_int_equal(forms_in(PAGE, &others[i]), 0);
        assert_int_equal(forms_in(PAGE, &origin), 1);
    }
}

static void what_is_too_much_is_for_the_reader(void **state)
{
    char *page = apr_palloc(pool, CP_HTML_PAGE_MAX + 1);
    char *name = apr_palloc(pool, 257);
    cp_html_origin far = origin;
    cp_html_spots spots;

    (void)state;
    memset(page, 'x', CP_HTML_PAGE_MAX + 1);
    memcpy(page, PAGE, sizeof(PAGE) - 1);
    for (int i = 0; i < 2; i++) {
        assert_true(cp_html_page_read(cp_span_make(page, CP_HTML_PAGE_MAX),
                                      &origin, &spots, pool));
        assert_int_equal(spots.count, 2);
        assert_false(cp_html_page_read(cp_span_make(page,
                                                    CP_HTML_PAGE_MAX + 1),
                                       &origin, &spots, pool));
        assert_false(cp_html_page_read(CP_SPAN(""), &origin, &spots, pool));
    }
    memset(name, 'a', 256);
    name[256] = '\0';
    far.host = name;
    assert_false(cp_html_page_read(CP_SPAN(PAGE), &far, &spots, pool));
    far.host = name + 1;
    assert_true(cp_html_page_read(CP_SPAN(PAGE), &far, &spots, pool));
    far.scheme = "averylongscheme+";
    assert_false(cp_html_page_read(CP_SPAN(PAGE), &far, &spots, pool));
}

static void places_are_bounded(void **state)
{
    const char *page = "<html>";
    cp_html_spots spots;

    (void)state;
    for (int forms = 0; forms < CP_HTML_SPOTS_MAX; forms++) {
        for (int i = 0; i < 2; i++) {
            assert_true(cp_html_page_read(cp_span_of(page), &origin, &spots,
                                          pool));
            assert_int_equal(spots.count, forms + (forms > 0));
        }
        page = apr_pstrcat(pool, page, FORM "</form>", NULL);
    }
    assert_false(cp_html_page_read(cp_span_of(page), &origin, &spots, pool));
    assert_false(cp_html_page_read(cp_span_of(page), &origin, &spots, pool));
    assert_int_equal(forms_in(PAGE, &origin), 1);
}

#define THREADS 4
#define TURNS 20000

static void *APR_THREAD_FUNC thread_run(apr_thread_t *thread, void *which)
{
    static const char *const pages[] = {
        PAGE, "<html>" FORM, "<html>" FORM "</form>" FORM, "<p>no form",
        "<html>" FORM "</form><form method=post action=//evil></form>"
    };
    static const unsigned int expected[] = { 1, 1, 2, 0, 1 };
    apr_size_t seed = (apr_size_t)which;
    apr_pool_t *own = NULL;
    bool good = true;

    apr_pool_create_unmanaged_ex(&own, NULL, NULL);
    for (apr_size_t i = seed; i < seed + TURNS; i++) {
        cp_span page = cp_span_of(pages[i % 5]);
        cp_html_spots spots;
        unsigned int forms = 0;

        good &= cp_html_page_read(page, &origin, &spots, own);
        for (unsigned int j = 0; j < spots.count; j++) {
            forms += spots.spots[j].place == CP_HTML_FORM;
        }
        good &= forms == expected[i % 5];
        apr_pool_clear(own);
    }
    apr_pool_destroy(own);
    apr_thread_exit(thread, good ? APR_SUCCESS : APR_EGENERAL);
    return NULL;
}

static void threads_share_them(void **state)
{
    apr_thread_t *threads[THREADS];

    (void)state;
    for (apr_size_t i = 0; i < THREADS; i++) {
        assert_int_equal(apr_thread_create(&threads[i], NULL, thread_run,
                                           (void *)i, pool), APR_SUCCESS);
    }
    for (int i = 0; i < THREADS; i++) {
        apr_status_t status;

        apr_thread_join(&status, threads[i]);
        assert_int_equal(status, APR_SUCCESS);
    }
}

static int page_teardown(void **state)
{
    cp_html_pages_forget();
    return pool_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_the_same_again),
        cmocka_unit_test(no_other_page_is_taken_for_it),
        cmocka_unit_test(where_its_forms_go_hangs_on_the_origin),
        cmocka_unit_test(what_is_too_much_is_for_the_reader),
        cmocka_unit_test(places_are_bounded),
        cmocka_unit_test(threads_share_them)
    };

    return cmocka_run_group_tests_name("html_page", tests, pool_setup,
                                       page_teardown);
}
