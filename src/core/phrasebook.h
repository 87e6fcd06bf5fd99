/**
 * @file phrasebook.h
 * @brief Makes the phrases: of the languages that are built in, and of those
 *        with a site's own files over them.
 */
#ifndef CP_PHRASEBOOK_H
#define CP_PHRASEBOOK_H

#include "phrases.h"

/**
 * Reads the languages that are built in.
 * @param error  gets what is wrong
 * @param pool   owns the phrases
 * @return NULL when one cannot be read
 */
const cp_phrases *cp_phrases_make(const char **error, apr_pool_t *pool);

/** The phrases of all hosts, while their configuration is read. */
typedef struct cp_phrasebook cp_phrasebook;

/**
 * @param standard  the built-in ones; they and the pool's must live equally
 *                  long
 * @param pool      owns the phrases
 * @param scratch   what only their making needs
 */
cp_phrasebook *cp_phrasebook_make(const cp_phrases *standard,
                                  apr_pool_t *pool, apr_pool_t *scratch);

/**
 * The phrases of a host. A file of a language that is there overrides its
 * phrases one by one, a later file those of an earlier. What the files of
 * another language leave out is that of the nearest one (RFC 4647 section
 * 3.4), else English. Hosts with the same files share phrases, and those of
 * the same file share languages.
 * @param files  an array of const cp_language_file *, which must outlive the
 *               phrases, and the array the book
 * @param error  gets what is wrong, with the file
 * @return NULL when something is
 */
const cp_phrases *cp_phrasebook_find(cp_phrasebook *book,
                                     const apr_array_header_t *files,
                                     const char **error);

#endif
