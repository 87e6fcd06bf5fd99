/**
 * @file directives_cookie.h
 * @brief The directives that declare: cookies, third parties, and what
 *        becomes of all else.
 *
 * Each is httpd's kind of function for its directive: it returns NULL, or
 * what is wrong.
 */
#ifndef CP_DIRECTIVES_COOKIE_H
#define CP_DIRECTIVES_COOKIE_H

#include "config.h"

const char *cp_directive_cookie(cmd_parms *cmd, void *dir,
                                const char *arguments);

const char *cp_directive_undeclared(cmd_parms *cmd, void *dir,
                                    const char *word);

const char *cp_directive_third_party(cmd_parms *cmd, void *dir, int argc,
                                     char *const argv[]);

#endif
