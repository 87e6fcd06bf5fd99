/**
 * @file wording.h
 * @brief The phrases of one language, and finding it by its tag.
 *
 * Only what makes phrases (phrasebook.h, language_file.h) and what finds them
 * (phrases.h) know of it.
 */
#ifndef CP_WORDING_H
#define CP_WORDING_H

#include "phrases.h"

#include <jansson.h>

/** A phrase's key at most, with its NUL: cookie.NAME.KEY of a name of this
 *  length. */
#define CP_PHRASE_KEY_MAX 160

/** One language, or what a file adds to one. Requests only read it. */
typedef struct cp_wording {
    const char *tag;
    const char *grammar;        /* whose plurals it has: the tag without what
                                   follows the language */
    json_t *words;              /* an object of strings */
    const struct cp_wording *below; /* which has what this has not; NULL:
                                   nothing is */
    const char *identity;       /* of a site's words, and those below; NULL:
                                   as it is built in */
} cp_wording;

struct cp_phrases {
    apr_array_header_t *wordings;   /* of const cp_wording * */
    const cp_wording *fallback;
};

/**
 * Reads the phrases of a language.
 * @param content  JSON
 * @param error    gets what is wrong
 * @param pool     owns them
 * @return an object of strings; NULL where it is none, or names one twice
 */
json_t *cp_wording_read(cp_span content, const char **error,
                        apr_pool_t *pool);

/** The language of a tag, whose plurals it has: fr for fr-CA. */
const char *cp_wording_grammar(const char *tag, apr_pool_t *pool);

/** The last part of the name of a plural, as in time.days.one; NULL for
 *  another phrase. */
const char *cp_wording_form(const char *key);

/** A language by its tag, in any case of letters, or NULL. */
const cp_wording *cp_wording_find(const cp_phrases *phrases, cp_span tag);

/** That of the tag, else of the tag without its last subtag, and so on
 *  (RFC 4647 section 3.4), or NULL. */
const cp_wording *cp_wording_nearest(const cp_phrases *phrases, cp_span tag);

/** A phrase, or NULL. */
const char *cp_wording_word(const cp_wording *wording, const char *key);

/** A phrase in the language itself, not in another that is below it, as a
 *  plural must be; or NULL. */
const char *cp_wording_native(const cp_wording *wording, const char *key);

#endif
