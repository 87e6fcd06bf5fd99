/*
 * A host's policy: the standard categories and the managed cookies, with what
 * the server's lines and then the host's own add and override.
 */
#include "compile.h"

#include <apr_hash.h>
#include <apr_strings.h>

struct cp_policies {
    apr_pool_t *pool;
    apr_pool_t *work;           /* cleared for each host */
    apr_hash_t *made;           /* maker lists by the hash of their lines */
    const cp_server_config *first;  /* the first host; or NULL */
    cp_policy standard;         /* what every policy begins with, and goes on
                                   pointing into */
    cp_declaration *managed[CP_MANAGED_COUNT];
};

cp_policies *cp_policies_make(apr_pool_t *pool, apr_pool_t *scratch)
{
    cp_policies *policies = apr_pcalloc(scratch, sizeof(*policies));

    policies->pool = pool;
    apr_pool_create(&policies->work, scratch);
    policies->made = apr_hash_make(scratch);
    cp_policy_begin(&policies->standard, pool);
    /* Digests that most policies have: of categories that none uses. Where
     * they cannot be made, no policy can, which then says so. */
    cp_policy_compile(&policies->standard,
                      apr_array_make(scratch, 0, sizeof(cp_declaration *)),
                      NULL, scratch);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        policies->managed[i] = cp_policy_managed(cp_rooms[i]->name, pool);
    }
    return policies;
}

static const char *categories_collect(cp_policy *policy,
                                      const apr_array_header_t *added,
                                      apr_pool_t *pool)
{
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
        *policy->categories[at].digest = '\0';
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

/* Where the declarations of a host are, by their name, for each storage. */
typedef struct places {
    apr_hash_t *of[CP_STORAGE_OTHER + 1];   /* NULL: there is none */
} places;

/* An inner line overrides an inherited one, and a line of the site what a
 * managed cookie says of itself. */
static void declaration_add(apr_array_header_t *all, places *where,
                            cp_declaration *one, apr_pool_t *pool)
{
    apr_hash_t **hash = &where->of[one->storage];
    cp_declaration **place;

    if (!*hash) {
        *hash = apr_hash_make(pool);
    }
    place = apr_hash_get(*hash, one->name, APR_HASH_KEY_STRING);
    if (!place) {
        place = apr_array_push(all);
        apr_hash_set(*hash, one->name, APR_HASH_KEY_STRING, place);
    }
    *place = one;
}

static apr_array_header_t *declarations_collect(
    const cp_policies *policies, const cp_server_config *config)
{
    apr_pool_t *scratch = policies->work;
    /* Room for all, so that none moves. */
    apr_array_header_t *all = apr_array_make(scratch, CP_MANAGED_COUNT
                                             + config->declarations->nelts,
                                             sizeof(cp_declaration *));
    places where = { { NULL } };

    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (i != CP_SESSION || config->site.session != CP_SESSION_OFF) {
            declaration_add(all, &where, policies->managed[i], scratch);
        }
    }
    for (int i = 0; i < config->declarations->nelts; i++) {
        declaration_add(all, &where, APR_ARRAY_IDX(config->declarations, i,
                                                   cp_declaration *),
                        scratch);
    }
    return all;
}

/* --- Hosts that say the same ------------------------------------------- */

/* A host whose policy was made. */
typedef struct maker maker;
struct maker {
    const cp_server_config *config;
    const maker *next;          /* another whose lines have the same hash */
};

/* One after another: all that the site wrote of a host's policy.
 * @return NULL behind the last */
static const char *line_at(const cp_server_config *config, int i)
{
    if (i < config->categories->nelts) {
        return APR_ARRAY_IDX(config->categories, i, cp_category *)->line;
    }
    i -= config->categories->nelts;
    if (i < config->declarations->nelts) {
        return APR_ARRAY_IDX(config->declarations, i, cp_declaration *)->line;
    }
    i -= config->declarations->nelts;
    if (i < 2 * config->third_parties->nelts) {
        const cp_third_party *one = &APR_ARRAY_IDX(config->third_parties,
                                                   i / 2, cp_third_party);

        return i % 2 ? one->origin : one->category;
    }
    return NULL;
}

static unsigned int lines_hash(const cp_server_config *config)
{
    unsigned int hash = 0;
    const char *line;

    for (int i = 0; (line = line_at(config, i)); i++) {
        apr_ssize_t length = APR_HASH_KEY_STRING;

        hash = hash * 31 + apr_hashfunc_default(line, &length);
    }
    return hash;
}

static bool says_the_same(const cp_server_config *one,
                          const cp_server_config *two)
{
    const char *line;

    if (one->site.session != two->site.session
        || one->categories->nelts != two->categories->nelts
        || one->declarations->nelts != two->declarations->nelts
        || one->third_parties->nelts != two->third_parties->nelts) {
        return false;
    }
    for (int i = 0; (line = line_at(one, i)); i++) {
        const char *other = line_at(two, i);

        /* What both inherit is the same line. */
        if (line != other && strcmp(line, other)) {
            return false;
        }
    }
    return true;
}

/* @return what is wrong, or NULL */
static const char *policy_make(const cp_policy **made, cp_policies *policies,
                               const cp_server_config *config)
{
    cp_policy *policy = apr_pmemdup(policies->pool, &policies->standard,
                                    sizeof(*policy));
    cp_category all[CP_CATEGORIES_MAX];
    const char *wrong;

    *made = policy;
    policy->categories = memcpy(all, policies->standard.categories,
                                sizeof(all));
    wrong = categories_collect(policy, config->categories, policies->pool);
    policy->categories = apr_pmemdup(policies->pool, all,
                                     (size_t)policy->category_count
                                     * sizeof(*all));
    return wrong ? wrong
           : cp_policy_compile(policy, declarations_collect(policies, config),
                               config->third_parties, policies->pool);
}

/* Most hosts add nothing to what they inherit: no line need be read. */
static bool has_lists_of(const cp_server_config *one,
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

/* The policy of a host whose lines are the same, or NULL. */
static const cp_policy *policy_of_others(const cp_server_config *config,
                                         const maker *others)
{
    for (; others; others = others->next) {
        if (says_the_same(config, others->config)) {
            return others->config->site.policy;
        }
    }
    return NULL;
}

static const char *policy_add(cp_server_config *config, cp_policies *policies)
{
    apr_pool_t *pool = apr_hash_pool_get(policies->made);
    unsigned int hash = lines_hash(config);
    const maker *others = apr_hash_get(policies->made, &hash, sizeof(hash));
    maker *one;

    config->site.policy = policy_of_others(config, others);
    if (config->site.policy) {
        return NULL;
    }
    one = apr_palloc(pool, sizeof(*one));
    *one = (maker){ config, others };
    apr_hash_set(policies->made, apr_pmemdup(pool, &hash, sizeof(hash)),
                 sizeof(hash), one);
    apr_pool_clear(policies->work);
    return policy_make(&config->site.policy, policies, config);
}

int cp_policy_of_server(server_rec *s, cp_policies *policies)
{
    cp_server_config *config = cp_server_config_of(s);
    const char *wrong;

    if (policies->first && has_lists_of(config, policies->first)) {
        config->site.policy = policies->first->site.policy;
        return OK;
    }
    wrong = policy_add(config, policies);
    if (!policies->first) {
        policies->first = config;
    }
    return wrong ? cp_compile_complain(s, wrong, "") : OK;
}
