/**
 * @file text_file.h
 * @brief A small file of the site's, read whole.
 */
#ifndef CP_TEXT_FILE_H
#define CP_TEXT_FILE_H

#include "span.h"

/**
 * Reads a regular file.
 * @param content  gets what is in it, from the pool
 * @param most     its size at most, in bytes
 * @return NULL, or what is wrong, in words that follow the file's name
 */
const char *cp_text_file_read(cp_span *content, const char *name,
                              apr_size_t most, apr_pool_t *pool);

/** Whether it is UTF-8, without NUL. */
bool cp_text_is_good(cp_span text);

#endif
