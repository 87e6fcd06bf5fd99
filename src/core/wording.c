#include "wording.h"
#include "language.h"
#include "suggestion.h"

#include <apr_lib.h>

/* Where the plurals are. */
#define TIMES "time."

static apr_status_t words_release(void *words)
{
    json_decref(words);
    return APR_SUCCESS;
}

json_t *cp_wording_read(cp_span content, const char **error,
                        apr_pool_t *pool)
{
    json_error_t wrong;
    json_t *words = json_loadb(content.at, content.length,
                               JSON_REJECT_DUPLICATES, &wrong);
    const char *key;
    json_t *word;

    if (!words) {
        *error = apr_psprintf(pool, "line %d: %s", wrong.line, wrong.text);
        return NULL;
    }
    apr_pool_cleanup_register(pool, words, words_release,
                              apr_pool_cleanup_null);
    if (!json_is_object(words)) {
        *error = "it is no JSON object";
        return NULL;
    }
    json_object_foreach(words, key, word) {
        if (!json_is_string(word)) {
            const char *shown = cp_suggestion_text(key, pool);

            *error = apr_psprintf(pool, "%s is no text", shown ? shown : "''");
            return NULL;
        }
    }
    return words;
}

const char *cp_wording_grammar(const char *tag, apr_pool_t *pool)
{
    char *language = apr_pstrmemdup(pool, tag, strcspn(tag, "-"));

    for (char *c = language; *c; c++) {
        *c = (char)apr_tolower(*c);
    }
    return language;
}

const char *cp_wording_form(const char *key)
{
    const char *dot = strncmp(key, TIMES, strlen(TIMES)) == 0
                      ? strchr(key + strlen(TIMES), '.') : NULL;

    return dot ? dot + 1 : NULL;
}

const cp_wording *cp_wording_find(const cp_phrases *phrases, cp_span tag)
{
    for (int i = 0; i < phrases->wordings->nelts; i++) {
        const cp_wording *one = APR_ARRAY_IDX(phrases->wordings, i,
                                              const cp_wording *);

        if (strlen(one->tag) == tag.length
            && strncasecmp(one->tag, tag.at, tag.length) == 0) {
            return one;
        }
    }
    return NULL;
}

const cp_wording *cp_wording_nearest(const cp_phrases *phrases, cp_span tag)
{
    const cp_wording *found = NULL;

    for (; tag.length && !found; tag = cp_language_shortened(tag)) {
        found = cp_wording_find(phrases, tag);
    }
    return found;
}

const char *cp_wording_word(const cp_wording *wording, const char *key)
{
    const char *found = NULL;

    for (; wording && !found; wording = wording->below) {
        found = json_string_value(json_object_get(wording->words, key));
    }
    return found;
}

const char *cp_wording_native(const cp_wording *wording, const char *key)
{
    const char *grammar = wording->grammar;
    const char *found = NULL;

    for (; wording && !found && strcmp(wording->grammar, grammar) == 0;
         wording = wording->below) {
        found = json_string_value(json_object_get(wording->words, key));
    }
    return found;
}
