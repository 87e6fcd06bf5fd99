/**
 * @file compile.h
 * @brief From directives to what requests need.
 */
#ifndef CP_COMPILE_H
#define CP_COMPILE_H

#include "config.h"

#include <apr_hash.h>

/** Registers the hooks that check the configuration and compile it. */
void cp_compile_register(apr_pool_t *pool);

/**
 * Compiles a host's policy, or takes that of a host whose lines are the same.
 * @param policies  those of the hosts before
 * @return OK, or what check_config returns after saying what is wrong
 */
int cp_policy_of_server(server_rec *s, apr_hash_t *policies,
                        apr_pool_t *pool);

/** Logs what is wrong with a host's configuration. @return what check_config
 *  returns then */
int cp_compile_complain(server_rec *s, const char *what, const char *why);

#endif
