/*
 * A file that ten thousand hosts name is read once for a configuration, and
 * anew at each reload.
 */
#include "directives_language.h"
#include "language_file.h"
#include "phrasebook.h"
#include "text_file.h"
#include "words.h"

#include <apr_hash.h>
#include <apr_strings.h>

#define SHELF "mod_cookiepolicy: language files"

/* What a configuration has read. */
typedef struct shelf {
    const cp_phrases *standard;
    apr_hash_t *files;          /* of cp_language_file, by path */
} shelf;

static shelf *shelf_of(apr_pool_t *pool)
{
    void *found = NULL;
    shelf *made;

    apr_pool_userdata_get(&found, SHELF, pool);
    if (found) {
        return found;
    }
    made = apr_pcalloc(pool, sizeof(*made));
    made->files = apr_hash_make(pool);
    apr_pool_userdata_setn(made, SHELF, NULL, pool);
    return made;
}

const cp_phrases *cp_language_standard(const char **error, apr_pool_t *pool)
{
    shelf *of = shelf_of(pool);

    if (!of->standard) {
        of->standard = cp_phrases_make(error, pool);
    }
    return of->standard;
}

/* @return NULL when something is wrong */
static const cp_language_file *file_read(cmd_parms *cmd, const char *path,
                                         const char **error)
{
    const cp_phrases *standard = cp_language_standard(error, cmd->pool);
    const cp_language_file *file = NULL;
    cp_span content = CP_SPAN_NONE;
    apr_pool_t *scratch;

    if (!standard) {
        return NULL;
    }
    apr_pool_create(&scratch, cmd->temp_pool);
    *error = cp_text_file_read(&content, path, CP_LANGUAGE_FILE_MAX, scratch);
    if (!*error) {
        file = cp_language_file_read(path, content, standard, error,
                                     cmd->pool);
    }
    *error = *error ? apr_pstrdup(cmd->pool, *error) : NULL;
    apr_pool_destroy(scratch);
    return file;
}

static bool has_file(const apr_array_header_t *files,
                     const cp_language_file *file)
{
    for (int i = 0; i < files->nelts; i++) {
        if (APR_ARRAY_IDX(files, i, const cp_language_file *) == file) {
            return true;
        }
    }
    return false;
}

const char *cp_directive_language_file(cmd_parms *cmd, void *dir,
                                       const char *word)
{
    cp_server_config *config = cp_words_server(cmd);
    apr_hash_t *read = shelf_of(cmd->pool)->files;
    const cp_language_file *file;
    const char *path, *error = NULL;

    (void)dir;
    if (strcasecmp(word, "None") == 0) {
        config->language_files_cleared = 1;
        config->language_files = apr_array_make(cmd->pool, 0, sizeof(file));
        return NULL;
    }
    path = ap_server_root_relative(cmd->pool, word);
    if (!path) {
        return cp_words_refuse(cmd, word, "a path, or None");
    }
    file = apr_hash_get(read, path, APR_HASH_KEY_STRING);
    if (!file) {
        file = file_read(cmd, path, &error);
        if (!file) {
            return apr_psprintf(cmd->pool, "%s %s: %s", cmd->cmd->name, path,
                                error);
        }
        apr_hash_set(read, path, APR_HASH_KEY_STRING, file);
    }
    if (has_file(config->language_files, file)) {
        return cp_words_refuse(cmd, word, "each file once");
    }
    *(const cp_language_file **)apr_array_push(config->language_files) = file;
    return NULL;
}
