/**
 * @file preferences_sample.h
 * @brief A visitor who chooses, for the tests of preferences.
 */
#ifndef PREFERENCES_SAMPLE_H
#define PREFERENCES_SAMPLE_H

#include "visit_fixture.h"

/* The visitor chooses for anonymous statistics, statistics and third-party. */
static inline void choose(cp_visit *visit, cp_choice anonymous,
                          cp_choice statistics, cp_choice third_party)
{
    cp_choice choices[CP_CATEGORIES_MAX] = { CP_UNDECIDED };

    choices[ANONYMOUS] = anonymous;
    choices[STATISTICS] = statistics;
    choices[THIRD_PARTY] = third_party;
    assert_true(cp_preferences_choose(visit, choices));
}

/* And takes the cookie; its value. */
static inline const char *chosen(cp_choice anonymous, cp_choice statistics,
                                 cp_choice third_party)
{
    cp_visit *visit = sample_visit(&site);

    choose(visit, anonymous, statistics, third_party);
    sample_take(&site, visit, false);
    return site.jar[CP_PREFERENCES];
}

static inline cp_reason reason_of(const cp_visit *visit)
{
    return visit->verdicts[CP_PREFERENCES].reason;
}

static inline const char *value_of(cp_visit *visit)
{
    return cp_visit_value(visit, CP_PREFERENCES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
