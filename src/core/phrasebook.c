/*
 * Each file of a site is laid over a language, and what it has not is looked
 * up there. Files that lie in the same order are laid once for all hosts.
 */
#include "phrasebook.h"
#include "language_file.h"
#include "plural.h"
#include "share.h"
#include "token.h"
#include "wording.h"

#include <stdlib.h>
#include <apr_hash.h>
#include <openssl/evp.h>

#define DIRECTORY "languages/"
#define EXTENSION ".json"

/* Of a SHA-256, as many as a banner's name has. */
#define IDENTITY_BYTES 12

/* --- The languages that are built in ---------------------------------- */

/* The tag of a language's file; NULL for another file of share/. */
static const char *tag_of(const char *file, apr_pool_t *pool)
{
    size_t length = strlen(file);
    size_t around = strlen(DIRECTORY) + strlen(EXTENSION);

    if (length <= around || strncmp(file, DIRECTORY, strlen(DIRECTORY))
        || strcmp(file + length - strlen(EXTENSION), EXTENSION)) {
        return NULL;
    }
    return apr_pstrmemdup(pool, file + strlen(DIRECTORY), length - around);
}

static void wording_add(apr_array_header_t *wordings,
                        const cp_wording *wording)
{
    *(const cp_wording **)apr_array_push(wordings) = wording;
}

const cp_phrases *cp_phrases_make(const char **error, apr_pool_t *pool)
{
    cp_phrases *phrases = apr_pcalloc(pool, sizeof(*phrases));

    phrases->wordings = apr_array_make(pool, 32, sizeof(cp_wording *));
    for (const cp_share *file = cp_shares; file->name; file++) {
        cp_wording *one = apr_pcalloc(pool, sizeof(*one));

        one->tag = tag_of(file->name, pool);
        if (!one->tag) {
            continue;
        }
        one->grammar = cp_wording_grammar(one->tag, pool);
        one->words = cp_wording_read(file->content, error, pool);
        if (!one->words) {
            *error = apr_pstrcat(pool, file->name, ": ", *error, NULL);
            return NULL;
        }
        wording_add(phrases->wordings, one);
    }
    phrases->fallback = cp_wording_find(phrases,
                                        CP_SPAN(CP_PHRASES_FALLBACK));
    if (!phrases->fallback) {
        *error = DIRECTORY CP_PHRASES_FALLBACK EXTENSION " is missing";
        return NULL;
    }
    return phrases;
}

/* --- A file over a language --------------------------------------------- */

struct cp_phrasebook {
    const cp_phrases *standard;
    apr_pool_t *pool;
    apr_hash_t *phrases;        /* by their files */
    apr_hash_t *layers;         /* by their file and what is below it */
};

/* What tells one layer from another. */
typedef struct layer_key {
    const cp_language_file *file;
    const cp_wording *below;
} layer_key;

/* @return NULL when OpenSSL or jansson fail */
static const char *identity_make(const cp_wording *layer, apr_pool_t *pool)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    char *words = json_dumps(layer->words, JSON_SORT_KEYS | JSON_COMPACT);
    const char *below = layer->below->identity ? layer->below->identity : "";
    unsigned char hash[EVP_MAX_MD_SIZE];
    char identity[IDENTITY_BYTES * 4 / 3 + 4];
    bool good = context && words
                && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1
                && EVP_DigestUpdate(context, below, strlen(below) + 1) == 1
                && EVP_DigestUpdate(context, words, strlen(words)) == 1
                && EVP_DigestFinal_ex(context, hash, NULL) == 1;

    EVP_MD_CTX_free(context);
    free(words);
    if (good) {
        cp_base64url_encode(identity, hash, IDENTITY_BYTES);
    }
    return good ? apr_pstrdup(pool, identity) : NULL;
}

/* @return NULL when OpenSSL or jansson fail */
static const cp_wording *layer_of(cp_phrasebook *book, const char *tag,
                                  const cp_language_file *file,
                                  const cp_wording *below)
{
    apr_pool_t *scratch = apr_hash_pool_get(book->layers);
    layer_key key = { file, below };
    cp_wording *layer = apr_hash_get(book->layers, &key, sizeof(key));

    if (layer) {
        return layer;
    }
    layer = apr_pcalloc(book->pool, sizeof(*layer));
    layer->tag = tag;
    layer->grammar = cp_wording_grammar(tag, book->pool);
    layer->words = file->words;
    layer->below = below;
    layer->identity = identity_make(layer, book->pool);
    if (!layer->identity) {
        return NULL;
    }
    apr_hash_set(book->layers, apr_pmemdup(scratch, &key, sizeof(key)),
                 sizeof(key), layer);
    return layer;
}

/* --- What the files of a language must say together ---------------------- */

/* @return what is missing, or NULL */
static const char *plural_check(const cp_wording *wording, const char *key,
                                const cp_plural_use uses[],
                                apr_pool_t *pool)
{
    int length = (int)(cp_wording_form(key) - key);

    for (int i = 0; i < CP_PLURAL_COUNT; i++) {
        const char *full = apr_psprintf(pool, "%.*s%s", length, key,
                                        cp_plural_word((cp_plural)i));

        if (uses[i] >= CP_PLURAL_SINGLE
            && !cp_wording_native(wording, full)) {
            return apr_pstrcat(pool, "it has ", key, " and no ", full, NULL);
        }
    }
    return NULL;
}

static const char *plurals_check(const cp_wording *wording,
                                 const cp_language_file *file,
                                 apr_pool_t *pool)
{
    cp_plural_use uses[CP_PLURAL_COUNT];
    const char *wrong = NULL;
    bool is_known = false;
    const char *key;
    json_t *word;

    json_object_foreach(file->words, key, word) {
        if (!wrong && cp_wording_form(key)) {
            if (!is_known) {
                cp_plural_uses(wording->grammar, uses);
                is_known = true;
            }
            wrong = plural_check(wording, key, uses, pool);
        }
    }
    return wrong;
}

/* What English says of itself is said of no other language. */
static const char *new_check(const cp_wording *wording, apr_pool_t *pool)
{
    static const char *const needed[] = {
        "language.name", "language.direction"
    };

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!cp_wording_native(wording, needed[i])) {
            return apr_pstrcat(pool, "it has no ", needed[i], ", which a "
                               "language that is not built in needs", NULL);
        }
    }
    return NULL;
}

/* --- The languages of a host -------------------------------------------- */

cp_phrasebook *cp_phrasebook_make(const cp_phrases *standard,
                                  apr_pool_t *pool, apr_pool_t *scratch)
{
    cp_phrasebook *book = apr_pcalloc(scratch, sizeof(*book));

    book->standard = standard;
    book->pool = pool;
    book->phrases = apr_hash_make(scratch);
    book->layers = apr_hash_make(scratch);
    return book;
}

static const cp_language_file *file_at(const apr_array_header_t *files, int i)
{
    return APR_ARRAY_IDX(files, i, const cp_language_file *);
}

/* English first, then what others may be below: a shorter tag. */
static bool comes_before(const char *tag, const char *other)
{
    bool is_fallback = strcasecmp(tag, CP_PHRASES_FALLBACK) == 0;
    bool is_other = strcasecmp(other, CP_PHRASES_FALLBACK) == 0;

    return is_fallback != is_other ? is_fallback
                                   : strlen(tag) < strlen(other);
}

static apr_array_header_t *files_of(const apr_array_header_t *files,
                                    const char *tag, apr_pool_t *pool)
{
    apr_array_header_t *found = apr_array_make(pool, 1, sizeof(void *));

    for (int i = 0; i < files->nelts; i++) {
        if (strcasecmp(file_at(files, i)->tag, tag) == 0) {
            *(const cp_language_file **)apr_array_push(found) =
                file_at(files, i);
        }
    }
    return found;
}

/* The tags that files are of, each once, in the order in which they are
 * made. */
static apr_array_header_t *tags_of(const apr_array_header_t *files,
                                   apr_pool_t *pool)
{
    apr_array_header_t *tags = apr_array_make(pool, files->nelts,
                                              sizeof(char *));

    for (int i = 0; i < files->nelts; i++) {
        const char *tag = file_at(files, i)->tag;
        const char **all = (const char **)tags->elts;
        int at = tags->nelts;
        bool is_there = false;

        for (int j = 0; j < tags->nelts; j++) {
            is_there = is_there || strcasecmp(all[j], tag) == 0;
        }
        if (is_there) {
            continue;
        }
        apr_array_push(tags);
        for (all = (const char **)tags->elts;
             at > 0 && comes_before(tag, all[at - 1]); at--) {
            all[at] = all[at - 1];
        }
        all[at] = tag;
    }
    return tags;
}

static void wording_put(cp_phrases *phrases, const cp_wording *made)
{
    const cp_wording **all = (const cp_wording **)phrases->wordings->elts;

    for (int i = 0; i < phrases->wordings->nelts; i++) {
        if (strcasecmp(all[i]->tag, made->tag) == 0) {
            if (all[i] == phrases->fallback) {
                phrases->fallback = made;
            }
            all[i] = made;
            return;
        }
    }
    wording_add(phrases->wordings, made);
}

/* @return false when OpenSSL or jansson fail */
static bool file_put(cp_phrasebook *book, cp_phrases *phrases,
                     const cp_language_file *file)
{
    const cp_wording *below = cp_wording_nearest(phrases,
                                                 cp_span_of(file->tag));
    bool is_same = below && strcasecmp(below->tag, file->tag) == 0;
    const cp_wording *layer = layer_of(book, is_same ? below->tag : file->tag,
                                       file,
                                       below ? below : phrases->fallback);

    if (layer) {
        wording_put(phrases, layer);
    }
    return layer != NULL;
}

static const char *file_complain(const cp_language_file *file,
                                 const char *wrong, apr_pool_t *pool)
{
    return wrong ? apr_pstrcat(pool, file->path, ": ", wrong, NULL) : NULL;
}

/* Lays all files of a language. @return what is wrong with one, or NULL */
static const char *language_put(cp_phrasebook *book, cp_phrases *phrases,
                                const apr_array_header_t *files)
{
    const cp_wording *made;
    const char *wrong = NULL;

    for (int i = 0; i < files->nelts; i++) {
        if (!file_put(book, phrases, file_at(files, i))) {
            return "OpenSSL or jansson fail";
        }
    }
    made = cp_wording_find(phrases, cp_span_of(file_at(files, 0)->tag));
    for (int i = 0; i < files->nelts && !wrong; i++) {
        wrong = file_complain(file_at(files, i),
                              plurals_check(made, file_at(files, i),
                                            book->pool), book->pool);
    }
    return wrong ? wrong
           : file_complain(file_at(files, files->nelts - 1),
                           new_check(made, book->pool), book->pool);
}

static const cp_phrases *phrases_make(cp_phrasebook *book,
                                      const apr_array_header_t *files,
                                      const char **error)
{
    apr_pool_t *scratch = apr_hash_pool_get(book->phrases);
    const apr_array_header_t *tags = tags_of(files, scratch);
    cp_phrases *made = apr_pmemdup(book->pool, book->standard, sizeof(*made));

    made->wordings = apr_array_copy(book->pool, made->wordings);
    *error = NULL;
    for (int i = 0; i < tags->nelts && !*error; i++) {
        *error = language_put(book, made,
                              files_of(files,
                                       APR_ARRAY_IDX(tags, i, const char *),
                                       scratch));
    }
    return *error ? NULL : made;
}

const cp_phrases *cp_phrasebook_find(cp_phrasebook *book,
                                     const apr_array_header_t *files,
                                     const char **error)
{
    cp_span key = cp_span_make(files->elts, (apr_size_t)files->nelts
                                            * sizeof(void *));
    const cp_phrases *made;

    if (files->nelts == 0) {
        return book->standard;
    }
    made = apr_hash_get(book->phrases, key.at, (apr_ssize_t)key.length);
    if (!made) {
        made = phrases_make(book, files, error);
        apr_hash_set(book->phrases, key.at, (apr_ssize_t)key.length, made);
    }
    return made;
}
