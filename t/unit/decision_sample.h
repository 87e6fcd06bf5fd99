/**
 * @file decision_sample.h
 * @brief The sample site with declarations of a test's own, where only what
 *        is declared passes; and visitors who have chosen.
 */
#ifndef DECISION_SAMPLE_H
#define DECISION_SAMPLE_H

#include "decision.h"
#include "visit_fixture.h"

#define EPOCH "Thu, 01 Jan 1970 00:00:00 GMT"

static apr_array_header_t *declarations;

static inline int begin_strict(void **state)
{
    begin(state);
    site.terms.undeclared = false;
    declarations = apr_array_make(site.pool, 8, sizeof(cp_declaration *));
    return 0;
}

/* One more declaration; a pattern's name begins with `~`. */
static inline cp_declaration *declare(const char *name, const char *category)
{
    cp_declaration *declaration;
    const char *error = NULL;

    sample_declare(declarations, name, category, "x");
    declaration = APR_ARRAY_IDX(declarations, declarations->nelts - 1,
                                cp_declaration *);
    if (*name == '~') {
        declaration->pattern = cp_pattern_make(name + 1, &error, site.pool);
        assert_non_null(declaration->pattern);
    }
    return declaration;
}

/* What was declared is the policy from now on. */
static inline void declared_is_policy(void)
{
    memset(&site.policy, 0, sizeof(site.policy));
    cp_policy_begin(&site.policy, site.pool);
    assert_null(cp_policy_compile(&site.policy, declarations, NULL,
                                  site.pool));
}

static inline void choose_all(cp_visit *visit, cp_choice choice)
{
    cp_choice choices[CP_CATEGORIES_MAX];

    for (int i = 0; i < CP_CATEGORIES_MAX; i++) {
        choices[i] = choice;
    }
    assert_true(cp_preferences_choose(visit, choices));
}

/* The visitor has chosen before. */
static inline void has_chosen(cp_choice choice)
{
    cp_visit *visit = sample_visit(&site);

    choose_all(visit, choice);
    sample_take(&site, visit, false);
}

/* A request with what was chosen before, and with other cookies. */
static inline cp_visit *visit_with(const char *others)
{
    const char *own = sample_header(&site);

    return sample_request(&site, own && others
                                 ? apr_pstrcat(pool, own, "; ", others, NULL)
                                 : own ? own : others);
}

#endif
