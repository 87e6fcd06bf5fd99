/**
 * @file compile.h
 * @brief From directives to what requests need.
 */
#ifndef CP_COMPILE_H
#define CP_COMPILE_H

#include "config.h"

/** Registers the hooks that check the configuration and compile it. */
void cp_compile_register(apr_pool_t *pool);

/** The policies of all hosts, while they are compiled. */
typedef struct cp_policies cp_policies;

/**
 * @param pool     owns the policies
 * @param scratch  what only their making needs
 */
cp_policies *cp_policies_make(apr_pool_t *pool, apr_pool_t *scratch);

/**
 * Compiles a host's policy, or takes that of a host whose lines are the same.
 * @return OK, or what check_config returns after saying what is wrong
 */
int cp_policy_of_server(server_rec *s, cp_policies *policies);

/** Logs what is wrong with a host's configuration. @return what check_config
 *  returns then */
int cp_compile_complain(server_rec *s, const char *what, const char *why);

#endif
