/**
 * @file authz_session.h
 * @brief What Require can ask of a visitor's session.
 */
#ifndef CP_AUTHZ_SESSION_H
#define CP_AUTHZ_SESSION_H

#include "exchange.h"

/**
 * Where `Require session-user` let in and nobody was authenticated besides,
 * the session's user is the request's, for logs and REMOTE_USER. Only to be
 * called when all is authorized: a user must not count as authenticated.
 */
void cp_authz_session_name(cp_exchange *exchange, request_rec *r);

/** Registers `Require session-user [NAME...]` and `Require session-age
 *  TIME`. */
void cp_authz_session_register(apr_pool_t *pool);

#endif
