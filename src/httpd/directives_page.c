#include "directives_page.h"
#include "text_file.h"
#include "words.h"

#include <apr_strings.h>

#define TEMPLATE_SIZE_MAX (1024 * 1024)

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
    wrong = cp_text_file_read(&read, name, TEMPLATE_SIZE_MAX, scratch);
    if (!wrong && !cp_text_is_good(read)) {
        wrong = "it is no text in UTF-8";
    }
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
