/*
 * A host's policy: the standard categories and the managed cookies, with what
 * the server's lines and then the host's own add and override.
 */
#include "compile.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <openssl/evp.h>

#define SHA256_LENGTH 32

struct cp_policies {
    apr_pool_t *pool;
    apr_pool_t *work;           /* cleared for each host */
    apr_hash_t *made;           /* by the digest of all lines of a host */
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
    const cp_policies *policies, const cp_server_config *config)
{
    apr_pool_t *scratch = policies->work;
    /* Room for all, so that none moves. */
    apr_array_header_t *all = apr_array_make(scratch, CP_MANAGED_COUNT
                                             + config->declarations->nelts,
                                             sizeof(cp_declaration *));
    apr_hash_t *places = apr_hash_make(scratch);

    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (i != CP_SESSION || config->site.session != CP_SESSION_OFF) {
            declaration_add(all, places, policies->managed[i], scratch);
        }
    }
    for (int i = 0; i < config->declarations->nelts; i++) {
        declaration_add(all, places, APR_ARRAY_IDX(config->declarations, i,
                                                   cp_declaration *),
                        scratch);
    }
    return all;
}

static void key_add(apr_array_header_t *lines, const char *kind,
                    const char *line)
{
    *(const char **)apr_array_push(lines) = kind;
    *(const char **)apr_array_push(lines) = line;
}

/* Of what the site wrote. */
typedef struct policy_key {
    unsigned char bytes[SHA256_LENGTH];
} policy_key;

/* Hosts that say the same have the same key. Whole lines would take more
 * memory than the policy. @return false when OpenSSL fails */
static bool key_make(policy_key *key, const cp_server_config *config,
                     apr_pool_t *pool)
{
    const char *text;
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
    text = apr_array_pstrcat(pool, lines, '\n');
    return EVP_Digest(text, strlen(text), key->bytes, NULL, EVP_sha256(),
                      NULL) == 1;
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

int cp_policy_of_server(server_rec *s, cp_policies *policies)
{
    cp_server_config *config = cp_server_config_of(s);
    const cp_policy **policy = &config->site.policy;
    const char *wrong = NULL;
    policy_key key = { { 0 } };

    /* Most hosts add nothing to what they inherit. */
    if (policies->first && says_the_same(config, policies->first)) {
        *policy = policies->first->site.policy;
        return OK;
    }
    apr_pool_clear(policies->work);
    if (!key_make(&key, config, policies->work)) {
        return cp_compile_complain(s, "OpenSSL gives no SHA-256", "");
    }
    *policy = apr_hash_get(policies->made, &key, sizeof(key));
    if (!*policy) {
        apr_pool_t *pool = apr_hash_pool_get(policies->made);

        wrong = policy_make(policy, policies, config);
        apr_hash_set(policies->made, apr_pmemdup(pool, &key, sizeof(key)),
                     sizeof(key), *policy);
    }
    if (!policies->first) {
        policies->first = config;
    }
    return wrong ? cp_compile_complain(s, wrong, "") : OK;
}
