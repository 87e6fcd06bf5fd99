/**
 * @file authz.h
 * @brief What Require can ask of a visitor.
 */
#ifndef CP_AUTHZ_H
#define CP_AUTHZ_H

#include <apr_pools.h>

/** Registers `Require cookie-consent CATEGORY`, and what authz_session.h
 *  has. */
void cp_authz_register(apr_pool_t *pool);

#endif
