/**
 * @file directives_language.h
 * @brief The directive that names a site's own language files.
 */
#ifndef CP_DIRECTIVES_LANGUAGE_H
#define CP_DIRECTIVES_LANGUAGE_H

#include "config.h"

/** CookiePolicyLanguageFile FILE... or None; called for each word */
const char *cp_directive_language_file(cmd_parms *cmd, void *dir,
                                       const char *word);

/**
 * The phrases that are built in, read once for a configuration.
 * @param error  gets what is wrong
 * @param pool   the configuration's, which owns them
 * @return NULL when something is
 */
const cp_phrases *cp_language_standard(const char **error, apr_pool_t *pool);

#endif
