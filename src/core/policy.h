/**
 * @file policy.h
 * @brief What a site declares: categories, and the cookies in them.
 *
 * A policy is built while the configuration is read, compiled once, and only
 * read afterwards; hosts whose configuration says the same share one.
 */
#ifndef CP_POLICY_H
#define CP_POLICY_H

#include "pattern.h"
#include "span.h"

#include <apr_tables.h>

/** The names, see lookup.h. */
typedef struct cp_lookup cp_lookup;

#define CP_CATEGORIES_MAX 32
#define CP_CATEGORY_NAME_MAX 32

/** Characters of a digest: base64url of the first 6 bytes of SHA-256. */
#define CP_DIGEST_LENGTH 8

typedef enum cp_rule {
    CP_RULE_EXEMPT,             /* no consent needed */
    CP_RULE_OBJECTABLE,         /* on until the visitor objects */
    CP_RULE_CONSENT             /* off until the visitor agrees */
} cp_rule;

/** Where a declared thing lies; only cookies can be held back here. */
typedef enum cp_storage {
    CP_STORAGE_COOKIE,
    CP_STORAGE_LOCAL,
    CP_STORAGE_SESSION,
    CP_STORAGE_INDEXEDDB,
    CP_STORAGE_PIXEL,
    CP_STORAGE_OTHER
} cp_storage;

typedef struct cp_category {
    const char *name;
    cp_rule rule;
    const apr_table_t *texts;   /* title, title[fr], description, ... as the
                                   site wrote them */
    const char *signals;        /* of Google's Consent Mode that it grants,
                                   joined by commas; or NULL */
    const char *line;           /* the whole as the site wrote it, or NULL */
    bool used;                  /* some declaration belongs to it, or some
                                   third party */
    char digest[CP_DIGEST_LENGTH + 1];
} cp_category;

/** The lifetime of a declaration that names none, and of a cookie that ends
 *  with the browser's session. */
#define CP_LIFETIME_NONE (-1)
#define CP_LIFETIME_SESSION 0

/** What is added to a cookie of the application that is kept. */
typedef struct cp_hardening {
    bool secure;
    bool http_only;
    const char *same_site;      /* "Lax" or "Strict" at least; or NULL */
    int lifetime;               /* seconds at most, or one of the above */
} cp_hardening;

typedef struct cp_declaration {
    const char *name;           /* a pattern's has the `~` in front */
    const char *category;
    const apr_table_t *texts;   /* provider, function, purpose[fr], ... as
                                   the site wrote them */
    const char *line;           /* the whole as the site wrote it, or NULL */
    const cp_pattern *pattern;  /* NULL for an exact name */
    cp_storage storage;
    const char *domain;         /* it is deleted there; NULL: host-only */
    const char *path;           /* likewise; NULL: / */
    cp_hardening hardening;
} cp_declaration;

/** A third party: an origin of a category. */
typedef struct cp_third_party {
    const char *category;
    const char *origin;         /* as a Content-Security-Policy has it */
} cp_third_party;

/** A declaration's place in a compiled policy. */
typedef struct cp_declared {
    const cp_declaration *declaration;
    int category;               /* its place among the policy's; -1: it is
                                   not known which pattern a name matches */
    int order;                  /* the later line wins */
} cp_declared;

typedef struct cp_policy {
    int category_count;
    cp_category *categories;    /* CP_CATEGORIES_MAX at most */
    const cp_declared *declared;    /* in the order of their lines */
    int declared_count;
    const apr_array_header_t *third_parties;    /* of cp_third_party */
    const cp_lookup *lookup;
    bool objectable;            /* some used category is objectable */
} cp_policy;

/** The keys that a declaration may have; those with a language are texts. */
bool cp_declaration_key_is_known(cp_span key, bool has_language);

/** @return false and leaves @a storage when the word names none */
bool cp_storage_read(const char *word, cp_storage *storage);

const char *cp_storage_word(cp_storage storage);

/** Whether a category may be called so: [a-z][a-z0-9-]*, 32 at most. */
bool cp_category_name_is_good(const char *name);

/** @return false and leaves @a rule when the word names none */
bool cp_rule_read(const char *word, cp_rule *rule);

const char *cp_rule_word(cp_rule rule);

/** Gives a policy the categories that are always there, without texts, and
 *  room for more. */
void cp_policy_begin(cp_policy *policy, apr_pool_t *pool);

/** The declaration of a managed cookie, without texts. */
cp_declaration *cp_policy_managed(const char *cookie, apr_pool_t *pool);

/**
 * Builds the look-up, marks the used categories and computes each one's
 * digest over its rule, the names, kinds of storage, providers, domains and
 * lifetimes of its declarations and its third parties' origins, in any order
 * of them.
 * @param policy  categories filled in
 * @param declarations  an array of cp_declaration *; they must outlive the
 *                policy
 * @param third_parties  an array of cp_third_party, likewise; may be NULL
 * @return what is wrong, or NULL
 */
const char *cp_policy_compile(cp_policy *policy,
                              const apr_array_header_t *declarations,
                              const apr_array_header_t *third_parties,
                              apr_pool_t *pool);

/**
 * The declaration that a cookie's name falls under. An exact name goes before
 * all patterns, and of several patterns that match the last one counts.
 * Names are compared as browsers do: case counts, but not in the prefixes
 * __Host- and __Secure-. The cost depends on the name alone.
 * @param pool  what matching needs
 * @return NULL for an undeclared one; for one that is too long to tell, what
 *         belongs to no category and never passes
 */
const cp_declared *cp_policy_find(const cp_policy *policy, cp_span name,
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
