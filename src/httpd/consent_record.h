/**
 * @file consent_record.h
 * @brief The lines of the consent log, as JSON.
 *
 * Each is one object on one line with its newline. Its member `type` is
 * `choice`, `policy` or `texts`; docs/consent.md has the rest.
 */
#ifndef CP_CONSENT_RECORD_H
#define CP_CONSENT_RECORD_H

#include "consent_log.h"

/** Longer lines are parted, in bytes, unless it is one entry. */
#define CP_CONSENT_RECORD_MAX (32 * 1024)

/** What a visitor chose. @return NULL where it cannot be made */
const char *cp_consent_record_choice(const cp_exchange *exchange,
                                     const cp_consent *consent);

/**
 * What a category's digest stands for.
 * @return an array of const char *, one or more parts in @a pool; NULL where
 *         it cannot be made
 */
const apr_array_header_t *cp_consent_record_policy(const cp_policy *policy,
                                                   int category,
                                                   apr_pool_t *pool);

/**
 * What the digest of the texts in a language stands for.
 * @return as cp_consent_record_policy()
 */
const apr_array_header_t *cp_consent_record_texts(
    const cp_phrases *phrases, const cp_policy *policy, const char *tag,
    const char *digest, apr_pool_t *pool);

#endif
