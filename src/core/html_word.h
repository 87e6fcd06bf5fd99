/**
 * @file html_word.h
 * @brief A name in HTML as far as it was read.
 */
#ifndef CP_HTML_WORD_H
#define CP_HTML_WORD_H

#include "span.h"

#include <apr_lib.h>

/** A name that is longer is none that matters. */
#define CP_HTML_WORD_MAX 16

/** In small letters. */
typedef struct cp_html_word {
    char text[CP_HTML_WORD_MAX + 1];
    unsigned int length;        /* CP_HTML_WORD_MAX + 1: longer */
} cp_html_word;

static inline void cp_html_word_add(cp_html_word *word, char c)
{
    if (word->length < CP_HTML_WORD_MAX) {
        word->text[word->length++] = (char)apr_tolower(c);
        word->text[word->length] = '\0';
    }
    else {
        word->length = CP_HTML_WORD_MAX + 1;
    }
}

static inline bool cp_html_word_is(const cp_html_word *word,
                                   const char *expected)
{
    return word->length <= CP_HTML_WORD_MAX
           && strcmp(word->text, expected) == 0;
}

static inline void cp_html_word_clear(cp_html_word *word)
{
    word->length = 0;
    word->text[0] = '\0';
}

/** Blanks, as HTML has them. */
static inline bool cp_html_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/** Whether a character ends the name of a tag. */
static inline bool cp_html_ends_name(char c)
{
    return cp_html_is_space(c) || c == '/' || c == '>';
}

#endif
