/*
 * A host's policy: the standard categories and the managed cookies, with what
 * the server's lines and then the host's own add and override.
 */
#include "compile.h"

#include <apr_strings.h>

static const char *categories_collect(cp_policy *policy,
                                      const apr_array_header_t *added,
                                      apr_pool_t *pool)
{
    policy->category_count = cp_policy_standard(policy->categories, pool);
    for (int i = 0; i < added->nelts; i++) {
        const cp_category *category = APR_ARRAY_IDX(added, i, cp_category *);
        int at = cp_policy_category(policy, cp_span_of(category->name));

        if (at < 0) {
            if (policy->category_count == CP_CATEGORIES_MAX) {
                return "CookiePolicyCategory: more than 32 categories";
            }
            policy->categories[policy->category_count++] = *category;
            continue;
        }
        policy->categories[at].rule = category->rule;
        if (category->signals) {
            policy->categories[at].signals = category->signals;
        }
        policy->categories[at].texts =
            apr_table_overlay(pool, policy->categories[at].texts,
                              category->texts);
        apr_table_compress((apr_table_t *)policy->categories[at].texts,
                           APR_OVERLAP_TABLES_SET);
    }
    return NULL;
}

/* An inner line overrides an inherited one, and a line of the site what a
 * managed cookie says of itself. */
static void declaration_add(apr_array_header_t *all, apr_hash_t *places,
                            cp_declaration *one, apr_pool_t *pool)
{
    const char *key = apr_pstrcat(pool, cp_storage_word(one->storage), " ",
                                  one->name, NULL);
    cp_declaration **place = apr_hash_get(places, key, APR_HASH_KEY_STRING);
    cp_declaration **new;

    if (place) {
        *place = one;
        return;
    }
    new = apr_array_push(all);
    *new = one;
    apr_hash_set(places, key, APR_HASH_KEY_STRING, new);
}

static apr_array_header_t *declarations_collect(
    const cp_server_config *config, apr_pool_t *pool)
{
    /* Room for all, so that none moves. */
    apr_array_header_t *all = apr_array_make(pool, CP_MANAGED_COUNT
                                             + config->declarations->nelts,
                                             sizeof(cp_declaration *));
    apr_pool_t *scratch;
    apr_hash_t *places;

    apr_pool_create(&scratch, pool);
    places = apr_hash_make(scratch);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (i != CP_SESSION || config->site.session != CP_SESSION_OFF) {
            declaration_add(all, places,
                            cp_policy_managed(cp_rooms[i]->name, pool),
                            scratch);
        }
    }
    for (int i = 0; i < config->declarations->nelts; i++) {
        declaration_add(all, places, APR_ARRAY_IDX(config->declarations, i,
                                                   cp_declaration *),
                        scratch);
    }
    apr_pool_destroy(scratch);
    return all;
}

static void key_add(apr_array_header_t *lines, const char *kind,
                    const char *line)
{
    *(const char **)apr_array_push(lines) = kind;
    *(const char **)apr_array_push(lines) = line;
}

/* What the site wrote, so that hosts that say the same have the same key. */
static const char *policy_key(const cp_server_config *config,
                              apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, 16, sizeof(char *));

    key_add(lines, "session",
            config->site.session == CP_SESSION_OFF ? "0" : "1");
    for (int i = 0; i < config->categories->nelts; i++) {
        key_add(lines, "category",
                APR_ARRAY_IDX(config->categories, i, cp_category *)->line);
    }
    for (int i = 0; i < config->declarations->nelts; i++) {
        key_add(lines, "cookie",
                APR_ARRAY_IDX(config->declarations, i,
                              cp_declaration *)->line);
    }
    for (int i = 0; i < config->third_parties->nelts; i++) {
        const cp_third_party *one = &APR_ARRAY_IDX(config->third_parties, i,
                                                   cp_third_party);

        key_add(lines, one->category, one->origin);
    }
    return apr_array_pstrcat(pool, lines, '\n');
}

static bool says_the_same(const cp_server_config *one,
                          const cp_server_config *two)
{
    return one->site.session == two->site.session
           && one->declarations->elts == two->declarations->elts
           && one->declarations->nelts == two->declarations->nelts
           && one->categories->elts == two->categories->elts
           && one->categories->nelts == two->categories->nelts
           && one->third_parties->elts == two->third_parties->elts
           && one->third_parties->nelts == two->third_parties->nelts;
}

int cp_policy_of_server(server_rec *s, apr_hash_t *policies, apr_pool_t *pool)
{
    static const char first[] = "first";
    cp_server_config *config = cp_server_config_of(s);
    cp_server_config *before = apr_hash_get(policies, first,
                                            sizeof(first));
    cp_policy *policy;
    const char *wrong;
    const char *key;

    /* Most hosts add nothing to what they inherit. */
    if (before && says_the_same(config, before)) {
        config->site.policy = before->site.policy;
        return OK;
    }
    key = policy_key(config, apr_hash_pool_get(policies));
    policy = apr_hash_get(policies, key, APR_HASH_KEY_STRING);
    wrong = NULL;
    if (!policy) {
        policy = apr_pcalloc(pool, sizeof(*policy));
        wrong = categories_collect(policy, config->categories, pool);
        if (!wrong) {
            wrong = cp_policy_compile(policy,
                                      declarations_collect(config, pool),
                                      config->third_parties, pool);
        }
        apr_hash_set(policies, key, APR_HASH_KEY_STRING, policy);
    }
    config->site.policy = policy;
    if (!before) {
        apr_hash_set(policies, first, sizeof(first), config);
    }
    return wrong ? cp_compile_complain(s, wrong, "") : OK;
}
