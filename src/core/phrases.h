/**
 * @file phrases.h
 * @brief The module's own words, in every language that it speaks.
 *
 * They lie in share/languages, a JSON file a language, and are built into the
 * module; a site's own files add to them (phrasebook.h). What a site writes
 * into its configuration goes before them.
 */
#ifndef CP_PHRASES_H
#define CP_PHRASES_H

#include "policy.h"

typedef struct cp_phrases cp_phrases;

/** The language that has every phrase, and stands in for the others. */
#define CP_PHRASES_FALLBACK "en"

/** The language of the phrases that is nearest to a tag: fr for fr-CA where
 *  there is no fr-CA, else en. */
const char *cp_phrases_language(const cp_phrases *phrases, const char *tag);

/** What changes with any phrase of the language nearest to a tag; NULL where
 *  all of them are built in. */
const char *cp_phrases_identity(const cp_phrases *phrases, const char *tag);

/** The phrases about the policy, in the language nearest to a tag, that are
 *  of a site's files. */
const apr_table_t *cp_phrases_own(const cp_phrases *phrases, const char *tag,
                                  apr_pool_t *pool);

/** A phrase in the language nearest to a tag, else in English; NULL where no
 *  language has that key. */
const char *cp_phrase(const cp_phrases *phrases, const char *tag,
                      const char *key);

/** A text with something in the place of the first {name}, as
 *  "Reason: {reason}" has it. */
const char *cp_phrase_fill(const char *text, const char *place,
                           const char *with, apr_pool_t *pool);

/** Of the phrases KEY.one, KEY.two, KEY.few, ... the one that goes with a
 *  number, {n} in it replaced; NULL where there is none. */
const char *cp_phrase_count(const cp_phrases *phrases, const char *tag,
                            const char *key, int number, apr_pool_t *pool);

/**
 * A time in words, like "13 months".
 * @param seconds  more than none
 * @param written  how the site wrote it, a number and a unit; the words have
 *                 the same unit. NULL, or what does not make those seconds:
 *                 they have the largest that fits.
 */
const char *cp_phrase_time(const cp_phrases *phrases, const char *tag,
                           int seconds, const char *written,
                           apr_pool_t *pool);

/** A category's "title" or "description": the site's, else ours, else NULL. */
const char *cp_phrases_category(const cp_phrases *phrases,
                                const cp_category *category, const char *key,
                                const char *tag, apr_pool_t *pool);

/** A declaration's "provider", "function", "location" or "purpose": the
 *  site's, else, for the managed cookies, ours, else NULL. */
const char *cp_phrases_cookie(const cp_phrases *phrases,
                              const cp_declaration *declaration,
                              const char *key, const char *tag,
                              apr_pool_t *pool);

/**
 * The identity of all that a visitor reads about a policy in a language.
 * @param digest  gets CP_DIGEST_LENGTH characters and a NUL
 * @return false when OpenSSL fails
 */
bool cp_phrases_digest(const cp_phrases *phrases, const cp_policy *policy,
                       const char *tag, char *digest, apr_pool_t *pool);

#endif
