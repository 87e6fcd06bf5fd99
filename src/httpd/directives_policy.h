/**
 * @file directives_policy.h
 * @brief The directives that say what a site's cookies are.
 *
 * Each is httpd's kind of function for its directive: it returns NULL, or
 * what is wrong.
 */
#ifndef CP_DIRECTIVES_POLICY_H
#define CP_DIRECTIVES_POLICY_H

#include "config.h"

const char *cp_directive_category(cmd_parms *cmd, void *dir,
                                  const char *arguments);

const char *cp_directive_controller(cmd_parms *cmd, void *dir,
                                    const char *arguments);

const char *cp_directive_consent_lifetime(cmd_parms *cmd, void *dir,
                                          const char *word,
                                          const char *unit);

const char *cp_directive_attributes(cmd_parms *cmd, void *dir,
                                    const char *arguments);

#endif
