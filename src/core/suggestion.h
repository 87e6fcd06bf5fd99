/**
 * @file suggestion.h
 * @brief The line of configuration that would declare what was seen.
 *
 * Names come from clients and texts from a file that others wrote: what is
 * suggested is harmless when it is pasted into httpd.conf, whatever they say.
 */
#ifndef CP_SUGGESTION_H
#define CP_SUGGESTION_H

#include "database.h"
#include "inventory.h"
#include "policy.h"

/** Bytes of a text that are suggested. */
#define CP_SUGGESTION_TEXT_MAX 300

typedef struct cp_suggestion {
    const char *refusal;        /* why there is none; else NULL */
    const char *name;           /* as CookiePolicyCookie takes it, or an
                                   origin */
    const char *category;
    bool guessed;               /* nothing tells the category */
    const char *provider;       /* or NULL, as the others */
    const char *purpose;
    const char *lifetime;
} cp_suggestion;

/**
 * What would declare a sighting. Only names that a server set or that the
 * database knows are declared, and only such as mean nothing else.
 * @param known   what the database says of the name; may be NULL
 * @param policy  the host's, for its categories
 */
cp_suggestion cp_suggest(const cp_sighting *sighting, const cp_known *known,
                         const cp_policy *policy, apr_pool_t *pool);

/** The line of configuration for a cookie. */
const char *cp_suggestion_line(const cp_suggestion *suggestion,
                               apr_pool_t *pool);

/**
 * A text of somebody else's, as UTF-8 on one line that is harmless between
 * double quotes in httpd.conf, cut where it is long.
 * @return NULL when nothing is left of it
 */
const char *cp_suggestion_text(const char *text, apr_pool_t *pool);

/** A time as lifetime= takes it, of words like "2 years"; else NULL. */
const char *cp_suggestion_lifetime(const char *text, apr_pool_t *pool);

#endif
