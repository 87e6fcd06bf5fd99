#include "policy.h"
#include "lookup.h"
#include "token.h"

#include <stdlib.h>
#include <apr_lib.h>
#include <openssl/evp.h>

bool cp_declaration_key_is_known(cp_span key, bool has_language)
{
    static const char *const texts[] = {
        "function", "location", "purpose", "provider", NULL
    };
    static const char *const facts[] = {
        "provider-url", "lifetime", "domain", "path", "party", "service",
        "storage", "samesite", NULL
    };

    for (int i = 0; texts[i]; i++) {
        if (cp_span_equal(key, cp_span_of(texts[i]))) {
            return true;
        }
    }
    for (int i = 0; !has_language && facts[i]; i++) {
        if (cp_span_equal(key, cp_span_of(facts[i]))) {
            return true;
        }
    }
    return false;
}

static const char *const storage_words[] = {
    [CP_STORAGE_COOKIE] = "cookie",
    [CP_STORAGE_LOCAL] = "local",
    [CP_STORAGE_SESSION] = "session",
    [CP_STORAGE_INDEXEDDB] = "indexeddb",
    [CP_STORAGE_PIXEL] = "pixel",
    [CP_STORAGE_OTHER] = "other",
};

bool cp_storage_read(const char *word, cp_storage *storage)
{
    for (int i = CP_STORAGE_COOKIE; i <= CP_STORAGE_OTHER; i++) {
        if (strcmp(word, storage_words[i]) == 0) {
            *storage = (cp_storage)i;
            return true;
        }
    }
    return false;
}

const char *cp_storage_word(cp_storage storage)
{
    return storage_words[storage];
}

bool cp_category_name_is_good(const char *name)
{
    if (!apr_islower(*name) || strlen(name) > CP_CATEGORY_NAME_MAX) {
        return false;
    }
    for (; *name; name++) {
        if (!apr_islower(*name) && !apr_isdigit(*name) && *name != '-') {
            return false;
        }
    }
    return true;
}

static const char *const rule_words[] = {
    [CP_RULE_EXEMPT] = "exempt",
    [CP_RULE_OBJECTABLE] = "objectable",
    [CP_RULE_CONSENT] = "consent",
};

bool cp_rule_read(const char *word, cp_rule *rule)
{
    for (int i = CP_RULE_EXEMPT; i <= CP_RULE_CONSENT; i++) {
        if (strcmp(word, rule_words[i]) == 0) {
            *rule = (cp_rule)i;
            return true;
        }
    }
    return false;
}

const char *cp_rule_word(cp_rule rule)
{
    return rule_words[rule];
}

void cp_policy_begin(cp_policy *policy, apr_pool_t *pool)
{
    static const struct {
        const char *name;
        cp_rule rule;
    } standard[] = {
        { "necessary", CP_RULE_EXEMPT },
        { "statistics-anonymous", CP_RULE_OBJECTABLE },
        { "statistics", CP_RULE_CONSENT },
        { "first-party", CP_RULE_CONSENT },
        { "third-party", CP_RULE_CONSENT },
    };
    const apr_table_t *none = apr_table_make(pool, 1);

    policy->category_count = sizeof(standard) / sizeof(standard[0]);
    policy->categories = apr_pcalloc(pool, CP_CATEGORIES_MAX
                                           * sizeof(*policy->categories));
    for (int i = 0; i < policy->category_count; i++) {
        policy->categories[i] = (cp_category){ .name = standard[i].name,
                                               .rule = standard[i].rule,
                                               .texts = none };
    }
}

cp_declaration *cp_policy_managed(const char *cookie, apr_pool_t *pool)
{
    cp_declaration *declaration = apr_pcalloc(pool, sizeof(*declaration));

    declaration->name = cookie;
    declaration->category = "necessary";
    declaration->texts = apr_table_make(pool, 1);
    declaration->hardening.lifetime = CP_LIFETIME_NONE;
    return declaration;
}

/* --- Digests ---------------------------------------------------------- */

static int declared_compare(const void *a, const void *b)
{
    const cp_declaration *one = ((const cp_declared *)a)->declaration;
    const cp_declaration *two = ((const cp_declared *)b)->declaration;
    int order = strcmp(one->name, two->name);

    return order ? order : (int)one->storage - (int)two->storage;
}

static int string_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each field goes in with its NUL, so that no two lists read alike. */
static bool digest_add(EVP_MD_CTX *context, const char *field)
{
    return EVP_DigestUpdate(context, field ? field : "",
                            field ? strlen(field) + 1 : 1) == 1;
}

static bool declaration_digest(EVP_MD_CTX *context,
                               const cp_declaration *declaration)
{
    static const char *const identity[] = {
        "provider", "domain", "lifetime", NULL
    };
    bool good = digest_add(context, storage_words[declaration->storage])
                && digest_add(context, declaration->name);

    for (int i = 0; good && identity[i]; i++) {
        good = digest_add(context, apr_table_get(declaration->texts,
                                                 identity[i]));
    }
    return good;
}

/* The origins of a category, sorted, each once. */
static bool third_parties_digest(EVP_MD_CTX *context,
                                 const cp_category *category,
                                 const apr_array_header_t *third_parties,
                                 apr_pool_t *pool)
{
    int all = third_parties ? third_parties->nelts : 0;
    const char **origins = apr_palloc(pool, ((size_t)all + 1)
                                            * sizeof(*origins));
    size_t count = 0;
    bool good = true;

    for (int i = 0; i < all; i++) {
        const cp_third_party *one = &APR_ARRAY_IDX(third_parties, i,
                                                   cp_third_party);

        if (strcmp(one->category, category->name) == 0) {
            origins[count++] = one->origin;
        }
    }
    qsort(origins, count, sizeof(*origins), string_compare);
    for (size_t i = 0; good && i < count; i++) {
        if (i == 0 || strcmp(origins[i], origins[i - 1])) {
            good = digest_add(context, origins[i]);
        }
    }
    return good;
}

static void categories_mark_used(cp_policy *policy)
{
    int origins = policy->third_parties ? policy->third_parties->nelts : 0;

    for (int i = 0; i < policy->declared_count; i++) {
        policy->categories[policy->declared[i].category].used = true;
    }
    for (int i = 0; i < origins; i++) {
        const char *name = APR_ARRAY_IDX(policy->third_parties, i,
                                         cp_third_party).category;

        policy->categories[cp_policy_category(policy, cp_span_of(name))]
            .used = true;
    }
}

/* What a digest is made with, and its declarations in their order. */
typedef struct digester {
    EVP_MD *sha256;
    EVP_MD_CTX *context;
    cp_declared *sorted;
    apr_pool_t *pool;
} digester;

static bool category_digest(cp_policy *policy, int at, const digester *by)
{
    cp_category *category = &policy->categories[at];
    unsigned char hash[EVP_MAX_MD_SIZE];
    bool good;

    if (!category->used && *category->digest) {
        return true;            /* only its name and rule are in it */
    }
    good = EVP_DigestInit_ex(by->context, by->sha256, NULL) == 1
           && digest_add(by->context, category->name)
           && digest_add(by->context, rule_words[category->rule]);

    for (int i = 0; good && i < policy->declared_count; i++) {
        if (by->sorted[i].category == at) {
            good = declaration_digest(by->context, by->sorted[i].declaration);
        }
    }
    good = good && digest_add(by->context, "third parties")
           && third_parties_digest(by->context, category,
                                   policy->third_parties, by->pool)
           && EVP_DigestFinal_ex(by->context, hash, NULL) == 1;
    if (good) {
        cp_base64url_encode(category->digest, hash,
                            CP_DIGEST_LENGTH * 3 / 4);
    }
    return good;
}

/* --- Compiling -------------------------------------------------------- */

static bool is_managed(const char *name)
{
    static const char *const managed[] = {
        "sessionid", "csrftoken", "django_language", "cookies_preferences"
    };

    for (size_t i = 0; i < sizeof(managed) / sizeof(managed[0]); i++) {
        if (strcmp(name, managed[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* @return what is wrong with a declaration in this policy, or NULL */
static const char *declaration_place(const cp_policy *policy,
                                     cp_declared *declared, apr_pool_t *pool)
{
    const cp_declaration *declaration = declared->declaration;

    declared->category = cp_policy_category(policy,
                                            cp_span_of(declaration
                                                       ->category));
    if (declared->category < 0) {
        return apr_psprintf(pool, "CookiePolicyCookie %s: there is no "
                            "category '%s'", declaration->name,
                            declaration->category);
    }
    if (is_managed(declaration->name)
        && policy->categories[declared->category].rule != CP_RULE_EXEMPT) {
        return apr_psprintf(pool, "CookiePolicyCookie %s: a managed cookie "
                            "needs no consent; its category must be exempt",
                            declaration->name);
    }
    return NULL;
}

static const char *third_parties_check(const cp_policy *policy,
                                       apr_pool_t *pool)
{
    int count = policy->third_parties ? policy->third_parties->nelts : 0;

    for (int i = 0; i < count; i++) {
        const char *name = APR_ARRAY_IDX(policy->third_parties, i,
                                         cp_third_party).category;

        if (cp_policy_category(policy, cp_span_of(name)) < 0) {
            return apr_psprintf(pool, "CookiePolicyThirdParty: there is no "
                                "category '%s'", name);
        }
    }
    return NULL;
}

static bool digests_make(cp_policy *policy, apr_pool_t *pool)
{
    size_t size = (size_t)policy->declared_count * sizeof(cp_declared);
    digester by = { .sha256 = EVP_MD_fetch(NULL, "SHA256", NULL),
                    .context = EVP_MD_CTX_new() };
    bool good = by.sha256 && by.context;

    apr_pool_create(&by.pool, pool);
    by.sorted = apr_palloc(by.pool, size + 1);
    memcpy(by.sorted, policy->declared, size);
    qsort(by.sorted, (size_t)policy->declared_count, sizeof(*by.sorted),
          declared_compare);
    categories_mark_used(policy);
    for (int i = 0; good && i < policy->category_count; i++) {
        good = category_digest(policy, i, &by);
        policy->objectable = policy->objectable
                             || (policy->categories[i].used
                                 && policy->categories[i].rule
                                    == CP_RULE_OBJECTABLE);
    }
    EVP_MD_CTX_free(by.context);
    EVP_MD_free(by.sha256);
    apr_pool_destroy(by.pool);
    return good;
}

const char *cp_policy_compile(cp_policy *policy,
                              const apr_array_header_t *declarations,
                              const apr_array_header_t *third_parties,
                              apr_pool_t *pool)
{
    cp_declared *declared = apr_palloc(pool, (size_t)declarations->nelts
                                             * sizeof(*declared) + 1);
    const char *error = NULL;

    policy->declared = declared;
    policy->declared_count = declarations->nelts;
    policy->third_parties = third_parties;
    for (int i = 0; !error && i < declarations->nelts; i++) {
        declared[i].declaration = APR_ARRAY_IDX(declarations, i,
                                                const cp_declaration *);
        declared[i].order = i;
        error = declaration_place(policy, &declared[i], pool);
    }
    error = error ? error : third_parties_check(policy, pool);
    if (!error) {
        policy->lookup = cp_lookup_make(declared, declarations->nelts,
                                        &error, pool);
    }
    if (!error && !digests_make(policy, pool)) {
        error = "OpenSSL gives no SHA-256";
    }
    return error;
}

const cp_declared *cp_policy_find(const cp_policy *policy, cp_span name,
                                  apr_pool_t *pool)
{
    return cp_lookup_find(policy->lookup, name, pool);
}

int cp_policy_category(const cp_policy *policy, cp_span name)
{
    for (int i = 0; i < policy->category_count; i++) {
        if (cp_span_equal(name, cp_span_of(policy->categories[i].name))) {
            return i;
        }
    }
    return -1;
}

const char *cp_policy_text(const apr_table_t *texts, const char *key,
                           const char *language, apr_pool_t *pool)
{
    char *tag = apr_pstrdup(pool, language);

    while (*tag) {
        const char *text = apr_table_get(texts, apr_pstrcat(pool, key, "[",
                                                            tag, "]", NULL));
        char *dash = strrchr(tag, '-');

        if (text) {
            return text;
        }
        *(dash ? dash : tag) = '\0';
    }
    return apr_table_get(texts, key);
}
