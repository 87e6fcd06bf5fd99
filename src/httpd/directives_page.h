/**
 * @file directives_page.h
 * @brief The directive that says what is around the module's pages.
 */
#ifndef CP_DIRECTIVES_PAGE_H
#define CP_DIRECTIVES_PAGE_H

#include "config.h"

/** CookiePolicyTemplate FILE */
const char *cp_directive_template(cmd_parms *cmd, void *dir,
                                  const char *file);

#endif
