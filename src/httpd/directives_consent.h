/**
 * @file directives_consent.h
 * @brief The directives about the proof of consent and the signals.
 *
 * Each is httpd's kind of function for its directive: it returns NULL, or
 * what is wrong.
 */
#ifndef CP_DIRECTIVES_CONSENT_H
#define CP_DIRECTIVES_CONSENT_H

#include "config.h"

const char *cp_directive_consent_log(cmd_parms *cmd, void *dir,
                                     const char *word);

const char *cp_directive_gpc(cmd_parms *cmd, void *dir, const char *word);

#endif
