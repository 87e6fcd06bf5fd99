/**
 * @file policy.h
 * @brief What a site declares: categories, and the cookies in them.
 *
 * A policy is built while the configuration is read, compiled once, and only
 * read afterwards; hosts whose configuration says the same share one.
 */
#ifndef CP_POLICY_H
#define CP_POLICY_H

#include "span.h"

#include <apr_tables.h>

#define CP_CATEGORIES_MAX 32
#define CP_CATEGORY_NAME_MAX 32

/** Characters of a digest: base64url of the first 6 bytes of SHA-256. */
#define CP_DIGEST_LENGTH 8

typedef enum cp_rule {
    CP_RULE_EXEMPT,             /* no consent needed */
    CP_RULE_OBJECTABLE,         /* on until the visitor objects */
    CP_RULE_CONSENT             /* off until the visitor agrees */
} cp_rule;

typedef struct cp_category {
    const char *name;
    cp_rule rule;
    const apr_table_t *texts;   /* title, title[fr], description, ... */
    bool used;                  /* some declaration belongs to it */
    char digest[CP_DIGEST_LENGTH + 1];
} cp_category;

typedef struct cp_declaration {
    const char *name;
    const char *category;
    const apr_table_t *texts;   /* provider, function, purpose[fr], ... */
} cp_declaration;

typedef struct cp_policy {
    int category_count;
    cp_category categories[CP_CATEGORIES_MAX];
    const cp_declaration *const *declarations;
    int declaration_count;
} cp_policy;

/** The keys that a declaration may have; those with a language are texts. */
bool cp_declaration_key_is_known(cp_span key, bool has_language);

/** Whether a category may be called so: [a-z][a-z0-9-]*, 32 at most. */
bool cp_category_name_is_good(const char *name);

/** @return false and leaves @a rule when the word names none */
bool cp_rule_read(const char *word, cp_rule *rule);

const char *cp_rule_word(cp_rule rule);

/** The categories that are always there, with their English texts. */
int cp_policy_standard(cp_category *categories, apr_pool_t *pool);

/** The declarations of the four managed cookies; @a cookie is their name. */
cp_declaration *cp_policy_managed(const char *cookie, apr_pool_t *pool);

/**
 * Marks the used categories and computes each one's digest over the names,
 * providers, domains and lifetimes of its declarations, in any order of them.
 * @param policy  categories filled in
 * @param declarations  an array of cp_declaration *; it must outlive the
 *                policy
 * @return false when OpenSSL fails
 */
bool cp_policy_compile(cp_policy *policy,
                       const apr_array_header_t *declarations,
                       apr_pool_t *pool);

/** A category's place in the policy, or -1. */
int cp_policy_category(const cp_policy *policy, cp_span name);

/**
 * A text in a language: key[fr-CA], else key[fr], else key.
 * @return NULL when there is none
 */
const char *cp_policy_text(const apr_table_t *texts, const char *key,
                           const char *language, apr_pool_t *pool);

#endif
