/**
 * @file preferences_choice_test.c
 * @brief What a choice counts for: while it is a draft, once the policy has
 *        changed, beside the browser's signal, and against an earlier choice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "preferences_sample.h"

/* --- Drawn and committed ---------------------------------------------- */

static void a_draft_does_not_count(void **state)
{
    cp_choice choices[CP_CATEGORIES_MAX] = {
        [ANONYMOUS] = CP_REFUSED, [STATISTICS] = CP_GRANTED,
        [THIRD_PARTY] = CP_GRANTED
    };
    cp_draft draft;
    cp_visit *visit;
    const char *before;

    (void)state;
    chosen(CP_REFUSED, CP_REFUSED, CP_GRANTED);
    visit = sample_visit(&site);
    before = value_of(visit);
    assert_true(cp_preferences_draw(visit, choices, &draft));
    assert_string_equal(value_of(visit), before);
    assert_false(cp_preferences_allow(visit, STATISTICS));
    assert_int_equal(visit->verdicts[CP_PREFERENCES].issuance,
                     CP_ISSUE_NOTHING);
    /* Both ids are known before the choice counts. */
    assert_int_equal(strlen(draft.preferences.id), CP_CONSENT_ID_LENGTH);
    assert_int_equal(strlen(visit->preferences->id), CP_CONSENT_ID_LENGTH);
    assert_string_not_equal(draft.preferences.id, visit->preferences->id);

    cp_preferences_commit(visit, &draft);
    assert_true(cp_preferences_allow(visit, STATISTICS));
    assert_int_equal(visit->verdicts[CP_PREFERENCES].issuance, CP_ISSUE_NOW);
    assert_non_null(strstr(value_of(visit), draft.preferences.id));
    sample_take(&site, visit, false);
    assert_string_equal(sample_visit(&site)->preferences->id,
                        draft.preferences.id);
}

static void a_draft_can_be_dropped_for_another(void **state)
{
    cp_choice choices[CP_CATEGORIES_MAX] = {
        [ANONYMOUS] = CP_REFUSED, [STATISTICS] = CP_GRANTED,
        [THIRD_PARTY] = CP_GRANTED
    };
    cp_draft draft;
    cp_visit *visit;

    (void)state;
    visit = sample_request(&site, NULL);
    assert_true(cp_preferences_draw(visit, choices, &draft));
    choices[STATISTICS] = CP_UNDECIDED;
    choices[THIRD_PARTY] = CP_UNDECIDED;
    assert_true(cp_preferences_choose(visit, choices));
    assert_string_equal(visit->preferences->id, "");
    assert_int_equal(cp_preferences_choice(visit, ANONYMOUS), CP_REFUSED);
    assert_int_equal(cp_preferences_choice(visit, STATISTICS), CP_UNDECIDED);
    assert_false(cp_preferences_decided(visit));
}

static void a_draft_holds_only_what_can_be_chosen(void **state)
{
    cp_choice choices[CP_CATEGORIES_MAX];
    cp_draft draft;

    (void)state;
    for (int i = 0; i < CP_CATEGORIES_MAX; i++) {
        choices[i] = CP_GRANTED;
    }
    assert_true(cp_preferences_draw(sample_request(&site, NULL), choices,
                                    &draft));
    assert_int_equal(draft.preferences.choices[NECESSARY], CP_UNDECIDED);
    assert_int_equal(draft.preferences.choices[FIRST_PARTY], CP_UNDECIDED);
    assert_int_equal(draft.preferences.choices[STATISTICS], CP_GRANTED);
}

/* --- Change of policy ------------------------------------------------- */

static void a_grant_falls_a_refusal_stays(void **state)
{
    cp_visit *visit;

    (void)state;
    chosen(CP_REFUSED, CP_GRANTED, CP_GRANTED);
    sample_policy(&site, "Somebody Else");
    visit = sample_visit(&site);
    assert_int_equal(reason_of(visit), CP_VALID);
    assert_int_equal(cp_preferences_choice(visit, STATISTICS), CP_UNDECIDED);
    assert_false(cp_preferences_allow(visit, STATISTICS));
    assert_false(cp_preferences_decided(visit));
    /* Others are not touched. */
    assert_int_equal(cp_preferences_choice(visit, THIRD_PARTY), CP_GRANTED);
    assert_int_equal(cp_preferences_choice(visit, ANONYMOUS), CP_REFUSED);

    chosen(CP_REFUSED, CP_REFUSED, CP_GRANTED);
    sample_policy(&site, "A Third One");
    visit = sample_visit(&site);
    assert_int_equal(cp_preferences_choice(visit, STATISTICS), CP_REFUSED);
    assert_true(cp_preferences_decided(visit));
}

static void back_again_it_counts_again(void **state)
{
    (void)state;
    chosen(CP_REFUSED, CP_GRANTED, CP_GRANTED);
    sample_policy(&site, "Somebody Else");
    sample_policy(&site, "Google");
    assert_int_equal(cp_preferences_choice(sample_visit(&site), STATISTICS),
                     CP_GRANTED);
}

static void a_category_that_is_gone(void **state)
{
    cp_visit *visit;

    (void)state;
    chosen(CP_REFUSED, CP_GRANTED, CP_GRANTED);
    site.policy.categories[STATISTICS].name = "counting";
    visit = sample_visit(&site);
    assert_int_equal(reason_of(visit), CP_VALID);
    assert_int_equal(cp_preferences_choice(visit, STATISTICS), CP_UNDECIDED);
    assert_int_equal(cp_preferences_choice(visit, THIRD_PARTY), CP_GRANTED);

    site.policy.categories[THIRD_PARTY].used = false;
    visit = sample_visit(&site);
    assert_false(cp_preferences_allow(visit, THIRD_PARTY));
}

static void where_nothing_needs_consent(void **state)
{
    (void)state;
    site.policy.categories[STATISTICS].used = false;
    site.policy.categories[THIRD_PARTY].used = false;
    assert_true(cp_preferences_decided(sample_request(&site, NULL)));
}

/* --- The signal ---------------------------------------------------------- */

/* Sec-GPC counts as refusal of what is undecided, and no more than that. */
static void a_signal_refuses_what_is_undecided(void **state)
{
    (void)state;
    for (int i = 0; i < 27; i++) {
        cp_choice a = (cp_choice)(i % 3);
        cp_choice s = (cp_choice)(i / 3 % 3);
        cp_choice t = (cp_choice)(i / 9);
        cp_visit *visit;

        site.request.gpc = false;
        chosen(a, s, t);
        assert_false(cp_preferences_signalled(sample_visit(&site)));
        site.request.gpc = true;
        visit = sample_visit(&site);
        assert_int_equal(cp_preferences_signalled(visit),
                         a == CP_UNDECIDED || s == CP_UNDECIDED
                         || t == CP_UNDECIDED);
        assert_true(cp_preferences_allow(visit, NECESSARY));
        assert_int_equal(cp_preferences_allow(visit, ANONYMOUS),
                         a == CP_GRANTED);
        assert_int_equal(cp_preferences_allow(visit, STATISTICS),
                         s == CP_GRANTED);
        assert_int_equal(cp_preferences_allow(visit, THIRD_PARTY),
                         t == CP_GRANTED);
        /* It is no choice. */
        assert_int_equal(cp_preferences_choice(visit, ANONYMOUS), a);
        assert_int_equal(cp_preferences_choice(visit, STATISTICS), s);
    }
}

static void a_signal_where_nothing_can_be_chosen(void **state)
{
    (void)state;
    site.policy.category_count = 1;
    site.request.gpc = true;
    assert_false(cp_preferences_signalled(sample_request(&site, NULL)));
}

/* --- Withdrawing --------------------------------------------------------- */

static const cp_preferences *then_chosen(cp_choice anonymous,
                                         cp_choice statistics,
                                         cp_choice third_party)
{
    cp_visit *visit = sample_visit(&site);

    assert_false(visit->preferences->withdraws);
    choose(visit, anonymous, statistics, third_party);
    return visit->preferences;
}

static void what_is_withdrawn(void **state)
{
    const cp_preferences *now;

    (void)state;
    chosen(CP_GRANTED, CP_GRANTED, CP_REFUSED);
    now = then_chosen(CP_GRANTED, CP_REFUSED, CP_REFUSED);
    assert_true(now->withdraws);
    assert_false(now->withdrawn[NECESSARY]);
    assert_false(now->withdrawn[ANONYMOUS]);
    assert_true(now->withdrawn[STATISTICS]);
    assert_false(now->withdrawn[FIRST_PARTY]);
    assert_false(now->withdrawn[THIRD_PARTY]);
    now = then_chosen(CP_GRANTED, CP_GRANTED, CP_GRANTED);
    assert_false(now->withdraws);

    /* What nobody granted is not withdrawn; what was on until now is. */
    memset(site.jar, 0, sizeof(site.jar));
    now = then_chosen(CP_REFUSED, CP_REFUSED, CP_REFUSED);
    assert_true(now->withdrawn[ANONYMOUS]);
    assert_false(now->withdrawn[STATISTICS]);
    site.request.gpc = true;
    assert_false(then_chosen(CP_REFUSED, CP_REFUSED,
                             CP_REFUSED)->withdraws);
}

/* It is of the request in which it was chosen, and of no later one. */
static void what_is_withdrawn_is_not_kept(void **state)
{
    cp_visit *visit;

    (void)state;
    chosen(CP_GRANTED, CP_GRANTED, CP_GRANTED);
    chosen(CP_REFUSED, CP_REFUSED, CP_REFUSED);
    visit = sample_visit(&site);
    assert_int_equal(reason_of(visit), CP_VALID);
    assert_false(visit->preferences->withdraws);
    assert_false(visit->preferences->withdrawn[STATISTICS]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_draft_does_not_count),
        TEST(a_draft_can_be_dropped_for_another),
        TEST(a_draft_holds_only_what_can_be_chosen),
        TEST(a_grant_falls_a_refusal_stays),
        TEST(back_again_it_counts_again),
        TEST(a_category_that_is_gone),
        TEST(where_nothing_needs_consent),
        TEST(a_signal_refuses_what_is_undecided),
        TEST(a_signal_where_nothing_can_be_chosen),
        TEST(what_is_withdrawn),
        TEST(what_is_withdrawn_is_not_kept),
    };

    return cmocka_run_group_tests_name("preferences_choice", tests, pool_setup,
                                       pool_teardown);
}
