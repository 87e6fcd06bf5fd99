#include "language_file.h"
#include "language.h"
#include "pattern.h"
#include "plural.h"
#include "spelling.h"
#include "suggestion.h"
#include "wording.h"


#define EXTENSION ".json"
#define DIRECTION "language.direction"

/* RFC 5646 section 2.1: language, extended, script, region, variants,
 * extensions, private use. */
#define TAG "(?i)^[a-z]{2,3}(-[a-z]{3}){0,3}(-[a-z]{4})?" \
    "(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*" \
    "(-[a-wyz0-9](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?$"

#define SCRIPT "(?i)^[a-z]{2,3}(-[a-z]{3}){0,3}-[a-z]{4}(-|$)"

/* What a file is checked with. */
typedef struct checker {
    cp_language_file *file;
    const cp_phrases *standard;
    cp_plural_use uses[CP_PLURAL_COUNT];
    apr_pool_t *pool;           /* for what only checking needs */
} checker;

static bool matches(const char *text, const char *pattern, apr_pool_t *pool)
{
    const char *error;
    const cp_pattern *made = cp_pattern_make(pattern, &error, pool);

    return made && cp_pattern_match(made, cp_span_of(text)) == CP_MATCHES;
}

/* --- The tag ----------------------------------------------------------- */

/* @return NULL where the name is none of a language file */
static const char *tag_of(const char *path, apr_pool_t *pool,
                          apr_pool_t *scratch)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t length = strlen(name), around = strlen(EXTENSION);
    const char *tag;

    if (length <= around || strcmp(name + length - around, EXTENSION)) {
        return NULL;
    }
    tag = apr_pstrmemdup(pool, name, length - around);
    return cp_language_is_known(tag) && matches(tag, TAG, scratch) ? tag : NULL;
}

/* --- A phrase's text ---------------------------------------------------- */

/* What would break a line, or is no character at all: C0, DEL, C1, and the
 * separators of lines and paragraphs, in UTF-8. */
static bool has_control(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < ' ' || *c == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0)
            || (c[0] == 0xe2 && c[1] == 0x80
                && (c[2] == 0xa8 || c[2] == 0xa9))) {
            return true;
        }
    }
    return false;
}

/* The next {name}, with its braces; absent where there is none. */
static cp_span place_next(const char *text)
{
    const char *from = strchr(text, '{');
    const char *to = from ? strchr(from, '}') : NULL;

    return to ? cp_span_make(from, (apr_size_t)(to - from) + 1)
              : CP_SPAN_NONE;
}

static int count_of(const char *text, const char *part)
{
    int count = 0;

    for (const char *at = strstr(text, part); at;
         at = strstr(at + strlen(part), part)) {
        count++;
    }
    return count;
}

/* The braces that are in no place of the model's. */
static bool has_stray_brace(const char *text, const char *model,
                            apr_pool_t *pool)
{
    int braces = 0, placed = 0;

    for (const char *c = text; *c; c++) {
        braces += *c == '{' || *c == '}';
    }
    for (cp_span place = place_next(model); place.at;
         place = place_next(place.at + place.length)) {
        placed += 2 * count_of(text, cp_span_string(pool, place));
    }
    return braces != placed;
}

/* @return what is wrong, to go behind the phrase's name, or NULL */
static const char *places_check(const char *text, const char *model,
                                bool needed, apr_pool_t *pool)
{
    const char *all = "";

    for (cp_span place = place_next(model); place.at;
         place = place_next(place.at + place.length)) {
        const char *name = cp_span_string(pool, place);
        int count = count_of(text, name);

        if (count > 1 || (needed && count == 0)) {
            return apr_pstrcat(pool, count ? "has more than one "
                                           : "is without ", name, NULL);
        }
        all = apr_pstrcat(pool, all, *all ? " and " : "", name, NULL);
    }
    if (!has_stray_brace(text, model, pool)) {
        return NULL;
    }
    return *all ? apr_pstrcat(pool, "has other braces than ", all, NULL)
                : "has braces, which have no meaning there";
}

/* --- Which phrases there are ------------------------------------------- */

static const char *forms_of(const checker *in)
{
    const char *all = "";

    for (int i = 0; i < CP_PLURAL_COUNT; i++) {
        if (in->uses[i] != CP_PLURAL_UNUSED) {
            all = apr_pstrcat(in->pool, all, *all ? ", " : "",
                              cp_plural_word((cp_plural)i), NULL);
        }
    }
    return all;
}

static cp_plural_use use_of(const checker *in, const char *form)
{
    for (int i = 0; i < CP_PLURAL_COUNT; i++) {
        if (strcmp(form, cp_plural_word((cp_plural)i)) == 0) {
            return in->uses[i];
        }
    }
    return CP_PLURAL_UNUSED;
}

/* Those that this language may have. */
static apr_array_header_t *names_of(const checker *in)
{
    apr_array_header_t *names = apr_array_make(in->pool, 256, sizeof(char *));
    const char *key;
    json_t *word;

    json_object_foreach(in->standard->fallback->words, key, word) {
        const char *form = cp_wording_form(key);

        if (!form || use_of(in, form) != CP_PLURAL_UNUSED) {
            *(const char **)apr_array_push(names) = key;
        }
    }
    return names;
}

static const char *unknown(const checker *in, const char *key)
{
    const char *shown = cp_suggestion_text(key, in->pool);
    const char *nearest = cp_spelling_nearest(key, names_of(in));

    return apr_pstrcat(in->pool, "there is no phrase '", shown ? shown : "",
                       "'", nearest ? "; the nearest is " : "",
                       nearest ? nearest : "", NULL);
}

/* The English phrase whose places one has; that of `other` for a plural. */
static const char *model_of(const checker *in, const char *key)
{
    const char *form = cp_wording_form(key);

    if (form) {
        key = apr_pstrcat(in->pool,
                          apr_pstrmemdup(in->pool, key,
                                         (apr_size_t)(form - key)),
                          cp_plural_word(CP_PLURAL_OTHER), NULL);
    }
    return cp_wording_word(in->standard->fallback, key);
}

/* --- The whole ----------------------------------------------------------- */

/* A region is written as its language is, unless the tag names a script. */
static const char *direction_check(const checker *in, const char *direction)
{
    const char *tag = in->file->tag;
    const cp_wording *ours = cp_wording_nearest(in->standard,
                                                cp_span_of(tag));
    const char *known = ours && !matches(tag, SCRIPT, in->pool)
                        ? cp_wording_word(ours, DIRECTION) : NULL;

    if (strcmp(direction, "ltr") && strcmp(direction, "rtl")) {
        return "is neither ltr nor rtl";
    }
    return known && strcmp(direction, known)
           ? apr_pstrcat(in->pool, "must be ", known, " in this language",
                         NULL)
           : NULL;
}

static const char *text_check(const checker *in, const char *key,
                              const char *text, const char *model)
{
    const char *form = cp_wording_form(key);
    bool needed = !form || use_of(in, form) == CP_PLURAL_SEVERAL;

    if (!*text) {
        return "is empty";
    }
    if (has_control(text)) {
        return "has a line break or another control character";
    }
    return strcmp(key, DIRECTION) == 0
           ? direction_check(in, text)
           : places_check(text, model, needed, in->pool);
}

static const char *phrase_check(const checker *in, const char *key,
                                const char *text)
{
    const char *form = cp_wording_form(key);
    const char *model = model_of(in, key);
    const char *wrong;

    if (!model) {
        return unknown(in, key);
    }
    if (form && use_of(in, form) == CP_PLURAL_UNUSED) {
        const char *shown = cp_suggestion_text(key, in->pool);

        return apr_pstrcat(in->pool, shown, " is no plural of this "
                           "language, which has ", forms_of(in), NULL);
    }
    wrong = text_check(in, key, text, model);
    return wrong ? apr_pstrcat(in->pool, key, " ", wrong, NULL) : NULL;
}

/* @return what is wrong, from the checker's pool, or NULL */
static const char *file_check(checker *in, cp_span content, apr_pool_t *pool)
{
    cp_language_file *file = in->file;
    const char *wrong = NULL;
    const char *key;
    json_t *word;

    file->tag = tag_of(file->path, pool, in->pool);
    if (!file->tag) {
        return "its name is no language tag (RFC 5646) with .json behind "
               "it, like nb.json or de-CH.json";
    }
    file->words = cp_wording_read(content, &wrong, pool);
    if (!file->words) {
        return wrong;
    }
    cp_plural_uses(cp_wording_grammar(file->tag, in->pool), in->uses);
    json_object_foreach(file->words, key, word) {
        if (!wrong) {
            wrong = phrase_check(in, key, json_string_value(word));
        }
    }
    return wrong;
}

const cp_language_file *cp_language_file_read(const char *path,
                                              cp_span content,
                                              const cp_phrases *standard,
                                              const char **error,
                                              apr_pool_t *pool)
{
    cp_language_file *file = apr_pcalloc(pool, sizeof(*file));
    checker in = { .file = file, .standard = standard };

    file->path = path;
    apr_pool_create(&in.pool, pool);
    *error = apr_pstrdup(pool, file_check(&in, content, pool));
    apr_pool_destroy(in.pool);
    return *error ? NULL : file;
}
