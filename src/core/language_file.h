/**
 * @file language_file.h
 * @brief A site's own file of phrases, of the same format as those in
 *        share/languages: a JSON object of strings (RFC 8259).
 *
 * Its name is the language's tag (RFC 5646) with `.json` behind it.
 */
#ifndef CP_LANGUAGE_FILE_H
#define CP_LANGUAGE_FILE_H

#include "phrases.h"

#include <jansson.h>

/** Larger files are refused, in bytes; the largest of ours is of 20 KB. */
#define CP_LANGUAGE_FILE_MAX (128 * 1024)

typedef struct cp_language_file {
    const char *path;
    const char *tag;            /* as the file's name has it */
    json_t *words;              /* an object of strings; only read */
} cp_language_file;

/**
 * Reads a file, and checks each phrase of it: that there is one of that name,
 * that it is plain text with the places of the English one, and a plural that
 * the language has. What it leaves out is for cp_phrasebook_find() to judge.
 * @param standard  the phrases that are built in
 * @param error     gets what is wrong
 * @param pool      owns the file
 * @return NULL when something is
 */
const cp_language_file *cp_language_file_read(const char *path,
                                              cp_span content,
                                              const cp_phrases *standard,
                                              const char **error,
                                              apr_pool_t *pool);

#endif
