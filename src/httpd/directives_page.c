#include "directives_page.h"
#include "words.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <jansson.h>

#define TEMPLATE_SIZE_MAX (1024 * 1024)

/* jansson takes no string that is not UTF-8. */
static bool is_text(cp_span content)
{
    json_t *text = memchr(content.at, '\0', content.length)
                   ? NULL : json_stringn(content.at, content.length);
    bool good = text != NULL;

    json_decref(text);
    return good;
}

static const char *file_open(apr_file_t **file, const char *name,
                             apr_pool_t *pool)
{
    apr_finfo_t info = { 0 };
    apr_status_t status = apr_stat(&info, name,
                                   APR_FINFO_TYPE | APR_FINFO_SIZE, pool);
    char why[128];

    if (status == APR_SUCCESS && info.filetype != APR_REG) {
        return "it is no file";
    }
    if (status == APR_SUCCESS && info.size > TEMPLATE_SIZE_MAX) {
        return "it is longer than 1 MB";
    }
    if (status == APR_SUCCESS) {
        status = apr_file_open(file, name, APR_FOPEN_READ | APR_FOPEN_BINARY,
                               APR_OS_DEFAULT, pool);
    }
    return status == APR_SUCCESS ? NULL
           : apr_pstrcat(pool, "it cannot be read: ",
                         apr_strerror(status, why, sizeof(why)), NULL);
}

/* @return what is wrong, or NULL */
static const char *file_read(const char *name, cp_span *content,
                             apr_pool_t *pool)
{
    char *bytes = apr_palloc(pool, TEMPLATE_SIZE_MAX);
    apr_size_t length = 0;
    apr_file_t *file = NULL;
    const char *wrong = file_open(&file, name, pool);
    apr_status_t status;

    if (wrong) {
        return wrong;
    }
    status = apr_file_read_full(file, bytes, TEMPLATE_SIZE_MAX, &length);
    apr_file_close(file);
    if (status != APR_SUCCESS && status != APR_EOF) {
        return "it cannot be read to its end";
    }
    *content = cp_span_make(bytes, length);
    return is_text(*content) ? NULL : "it is no text in UTF-8";
}

const char *cp_directive_template(cmd_parms *cmd, void *dir,
                                  const char *file)
{
    cp_server_config *config = cp_words_server(cmd);
    const char *name = ap_server_root_relative(cmd->pool, file);
    const char *wrong, *message = NULL;
    apr_pool_t *scratch;
    cp_span read;

    (void)dir;
    if (!name) {
        return cp_words_refuse(cmd, file, "a path");
    }
    /* A pool of its own: ten thousand hosts may have one each. */
    apr_pool_create(&scratch, cmd->temp_pool);
    wrong = file_read(name, &read, scratch);
    if (!wrong) {
        read.at = apr_pstrmemdup(cmd->pool, read.at, read.length);
        config->frame = cp_template_make(read, &wrong, cmd->pool);
    }
    if (wrong) {
        message = apr_psprintf(cmd->pool, "%s %s: %s", cmd->cmd->name, name,
                               wrong);
    }
    apr_pool_destroy(scratch);
    return message;
}
