/**
 * @file spelling.h
 * @brief What somebody may have meant by a name that does not exist.
 */
#ifndef CP_SPELLING_H
#define CP_SPELLING_H

#include <apr_tables.h>

/** Longer names are like none, in bytes. */
#define CP_SPELLING_MAX 80

/**
 * The name that takes the fewest characters to be added, dropped or exchanged
 * (Levenshtein's distance), at most a third of its own; of equals the first.
 * @param names  an array of const char *
 * @return NULL when none is near
 */
const char *cp_spelling_nearest(const char *word,
                                const apr_array_header_t *names);

#endif
