/**
 * @file policy_sample.h
 * @brief Some declarations, and the policies that are compiled from them.
 */
#ifndef POLICY_SAMPLE_H
#define POLICY_SAMPLE_H

#include "policy.h"
#include "pool_fixture.h"

typedef struct fact {
    const char *name;
    const char *category;
    const char *texts[8];       /* key, value, ..., NULL */
} fact;

static const fact declared[] = {
    { "_ga", "statistics", { "provider", "Google", "lifetime", "13M" } },
    { "_gid", "statistics", { "provider", "Google", "lifetime", "1d" } },
    { "_pk", "statistics", { "provider", "Matomo", "domain", "x.org" } },
    { "NID", "third-party", { "provider", "Google" } },
    { "sessionid", "necessary", { NULL } },
};

#define DECLARED (sizeof(declared) / sizeof(declared[0]))

static inline cp_declaration *declaration_of(const fact *from)
{
    cp_declaration *made = apr_pcalloc(pool, sizeof(*made));
    apr_table_t *texts = apr_table_make(pool, 4);

    for (int i = 0; i < 8 && from->texts[i]; i += 2) {
        apr_table_setn(texts, from->texts[i], from->texts[i + 1]);
    }
    made->name = from->name;
    made->category = from->category;
    made->texts = texts;
    return made;
}

/* Compiles what is declared, from the given one on and round. */
static inline cp_policy *compiled(const fact *facts, size_t count,
                                  size_t first)
{
    cp_policy *policy = apr_pcalloc(pool, sizeof(*policy));
    apr_array_header_t *all = apr_array_make(pool, 8,
                                             sizeof(cp_declaration *));

    cp_policy_begin(policy, pool);
    for (size_t i = 0; i < count; i++) {
        *(cp_declaration **)apr_array_push(all) =
            declaration_of(&facts[(first + i) % count]);
    }
    assert_null(cp_policy_compile(policy, all, NULL, pool));
    assert_int_equal(policy->declared_count, count);
    return policy;
}

/* What is declared, with third parties of a category in the given order. */
static inline const cp_policy *compiled_with(const char *const *origins,
                                             const char *category)
{
    cp_policy *policy = apr_pcalloc(pool, sizeof(*policy));
    apr_array_header_t *all = apr_array_make(pool, 8,
                                             sizeof(cp_declaration *));
    apr_array_header_t *parties = apr_array_make(pool, 8,
                                                 sizeof(cp_third_party));

    cp_policy_begin(policy, pool);
    for (size_t i = 0; i < DECLARED; i++) {
        *(cp_declaration **)apr_array_push(all) =
            declaration_of(&declared[i]);
    }
    for (int i = 0; origins[i]; i++) {
        *(cp_third_party *)apr_array_push(parties) =
            (cp_third_party){ category, origins[i] };
    }
    assert_null(cp_policy_compile(policy, all, parties, pool));
    return policy;
}

#define WITH(category, ...) \
    compiled_with((const char *const []){ __VA_ARGS__, NULL }, category)

static inline const char *digest_of(const cp_policy *policy,
                                    const char *category)
{
    int at = cp_policy_category(policy, cp_span_of(category));

    return policy->categories[at].digest;
}

#endif
