#include "policy.h"
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
        "provider-url", "lifetime", "domain", "path", "party", NULL
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

int cp_policy_standard(cp_category *categories, apr_pool_t *pool)
{
    static const struct {
        const char *name, *title, *description;
        cp_rule rule;
    } standard[] = {
        { "necessary", "Necessary cookies",
          "The site does not work without them. They need no consent.",
          CP_RULE_EXEMPT },
        { "statistics-anonymous", "Anonymous statistics",
          "They count visits without telling visitors apart. They need no "
          "consent, and you can switch them off.", CP_RULE_OBJECTABLE },
        { "statistics", "Statistics",
          "They show how visitors use the site. They are set only if you "
          "agree.", CP_RULE_CONSENT },
        { "first-party", "Other cookies of this site",
          "They make the site more comfortable. They are set only if you "
          "agree.", CP_RULE_CONSENT },
        { "third-party", "Cookies of other sites",
          "They come with content that other sites provide. They are set "
          "only if you agree.", CP_RULE_CONSENT },
    };
    int count = sizeof(standard) / sizeof(standard[0]);

    for (int i = 0; i < count; i++) {
        apr_table_t *texts = apr_table_make(pool, 2);

        apr_table_setn(texts, "title", standard[i].title);
        apr_table_setn(texts, "description", standard[i].description);
        categories[i] = (cp_category){ .name = standard[i].name,
                                       .rule = standard[i].rule,
                                       .texts = texts };
    }
    return count;
}

cp_declaration *cp_policy_managed(const char *cookie, apr_pool_t *pool)
{
    static const struct {
        const char *name, *function, *location, *purpose;
    } managed[] = {
        { "sessionid", "Authentication", "front and back office",
          "To remember the user from one page to another" },
        { "django_language", "Language selection", "front and back office",
          "To remember the visitor's language" },
        { "csrftoken", "API (CSRF)", "front and back office",
          "To let the visitor's own pages, and no others, call the API" },
        { "cookies_preferences", "Cookie preferences",
          "front and back office",
          "To remember the visitor's choices about cookies" },
    };
    cp_declaration *declaration = apr_pcalloc(pool, sizeof(*declaration));
    apr_table_t *texts = apr_table_make(pool, 4);

    declaration->name = cookie;
    declaration->category = "necessary";
    declaration->texts = texts;
    for (size_t i = 0; i < sizeof(managed) / sizeof(managed[0]); i++) {
        if (strcmp(managed[i].name, cookie) == 0) {
            apr_table_setn(texts, "function", managed[i].function);
            apr_table_setn(texts, "location", managed[i].location);
            apr_table_setn(texts, "purpose", managed[i].purpose);
        }
    }
    return declaration;
}

static int declaration_compare(const void *a, const void *b)
{
    const cp_declaration *const *one = a;
    const cp_declaration *const *two = b;

    return strcmp((*one)->name, (*two)->name);
}

/* Each field goes in with its NUL, so that no two lists read alike. */
static bool digest_add(EVP_MD_CTX *context, const char *field)
{
    return EVP_DigestUpdate(context, field ? field : "",
                            field ? strlen(field) + 1 : 1) == 1;
}

static bool category_digest(cp_category *category,
                            const cp_declaration *const *sorted, int count)
{
    static const char *const identity[] = {
        "provider", "domain", "lifetime", NULL
    };
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char hash[EVP_MAX_MD_SIZE];
    bool good = context
                && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1
                && digest_add(context, category->name)
                && digest_add(context, rule_words[category->rule]);

    for (int i = 0; good && i < count; i++) {
        if (strcmp(sorted[i]->category, category->name)) {
            continue;
        }
        category->used = true;
        good = digest_add(context, sorted[i]->name);
        for (int j = 0; good && identity[j]; j++) {
            good = digest_add(context, apr_table_get(sorted[i]->texts,
                                                     identity[j]));
        }
    }
    good = good && EVP_DigestFinal_ex(context, hash, NULL) == 1;
    EVP_MD_CTX_free(context);
    if (good) {
        cp_base64url_encode(category->digest, hash,
                            CP_DIGEST_LENGTH * 3 / 4);
    }
    return good;
}

bool cp_policy_compile(cp_policy *policy,
                       const apr_array_header_t *declarations,
                       apr_pool_t *pool)
{
    size_t size = (size_t)declarations->nelts * sizeof(cp_declaration *);
    const cp_declaration **sorted = apr_palloc(pool, size + 1);
    bool good = true;

    memcpy(sorted, declarations->elts, size);
    qsort(sorted, (size_t)declarations->nelts, sizeof(*sorted),
          declaration_compare);
    policy->declarations = (const cp_declaration *const *)declarations->elts;
    policy->declaration_count = declarations->nelts;
    for (int i = 0; good && i < policy->category_count; i++) {
        good = category_digest(&policy->categories[i], sorted,
                               declarations->nelts);
    }
    return good;
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
