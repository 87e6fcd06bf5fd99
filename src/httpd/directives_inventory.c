#include "directives_inventory.h"
#include "words.h"

#include <apr_strings.h>

const char *cp_directive_database(cmd_parms *cmd, void *dir,
                                  const char *file)
{
    cp_server_config *config = cp_words_server(cmd);
    const char *wrong = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const char *error = NULL;

    (void)dir;
    if (wrong) {
        return wrong;
    }
    config->database_file = ap_server_root_relative(cmd->pool, file);
    if (!config->database_file) {
        return cp_words_refuse(cmd, file, "a path");
    }
    config->database = cp_database_read(config->database_file, &error,
                                        cmd->pool);
    return config->database ? NULL
           : cp_words_refuse(cmd, file,
                             apr_pstrcat(cmd->pool, "a CSV file with the "
                                         "columns of the Open Cookie "
                                         "Database: ", error, NULL));
}
