/**
 * @file counters_test.c
 * @brief What is counted, and the words for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "counters.h"
#include "visit_fixture.h"

static unsigned long long sum_of(const cp_counters *counters)
{
    unsigned long long sum = counters->visits + counters->deletions;

    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        sum += counters->issued[i];
        for (int j = 0; j < CP_REASON_COUNT; j++) {
            sum += counters->verdicts[i][j];
        }
    }
    for (int i = 0; i < CP_REFUSAL_COUNT; i++) {
        sum += counters->refusals[i];
    }
    for (int i = 0; i < CP_SIDE_COUNT; i++) {
        for (int j = 0; j < CP_DECISION_COUNT; j++) {
            sum += counters->decisions[i][j];
        }
    }
    return sum;
}

static void decisions(void **state)
{
    cp_counters *counters = apr_pcalloc(pool, sizeof(*counters));
    unsigned long long sum = 0;

    (void)state;
    for (int i = 0; i < CP_SIDE_COUNT; i++) {
        for (int j = 0; j < CP_DECISION_COUNT; j++) {
            for (int times = 0; times <= i + j; times++) {
                cp_counters_add_decision(counters, (cp_side)i,
                                         (cp_decision)j);
                sum++;
            }
        }
    }
    for (int i = 0; i < CP_SIDE_COUNT; i++) {
        for (int j = 0; j < CP_DECISION_COUNT; j++) {
            assert_int_equal(counters->decisions[i][j], i + j + 1);
        }
    }
    assert_int_equal(sum_of(counters), sum);
}

static void visits(void **state)
{
    cp_counters *counters = apr_pcalloc(pool, sizeof(*counters));
    cp_visit *visit = sample_request(&site, "sessionid=x; csrftoken=y");

    (void)state;
    cp_counters_add_visit(counters, visit);
    assert_int_equal(counters->visits, 1);
    assert_int_equal(counters->verdicts[CP_SESSION][CP_MALFORMED], 1);
    assert_int_equal(counters->verdicts[CP_CSRF][CP_MALFORMED], 1);
    assert_int_equal(counters->verdicts[CP_LANGUAGE][CP_ABSENT], 1);
    assert_int_equal(counters->verdicts[CP_PREFERENCES][CP_ABSENT], 1);
    assert_int_equal(sum_of(counters), 5);
    /* What the site does not keep is not counted. */
    site.terms.languages = NULL;
    cp_counters_add_visit(counters, sample_request(&site, NULL));
    assert_int_equal(sum_of(counters), 9);
}

static void words(void **state)
{
    (void)state;
    for (int i = 0; i < CP_REASON_COUNT; i++) {
        assert_non_null(cp_reason_word((cp_reason)i));
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(cp_reason_word((cp_reason)i),
                                    cp_reason_word((cp_reason)j));
        }
    }
    for (int i = 0; i < CP_REFUSAL_COUNT; i++) {
        assert_non_null(cp_refusal_word((cp_refusal)i));
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(cp_refusal_word((cp_refusal)i),
                                    cp_refusal_word((cp_refusal)j));
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(decisions),
        TEST(visits),
        cmocka_unit_test(words),
    };

    return cmocka_run_group_tests_name("counters", tests, pool_setup,
                                       pool_teardown);
}
