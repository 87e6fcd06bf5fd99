/**
 * @file bridge_session.h
 * @brief The module as the storage provider of mod_session.
 *
 * With `Session On` and no other provider mod_session's entries lie in the
 * session's record on the server, apart from the attributes, and nothing of
 * them is exported. A login by mod_auth_form, which keeps user and password
 * there, is a login of ours.
 */
#ifndef CP_BRIDGE_SESSION_H
#define CP_BRIDGE_SESSION_H

#include "exchange.h"

/**
 * Sees whether mod_auth_form has just logged somebody in or out, and does so.
 * To be called in a main request once its authentication is done, and again
 * once its handler is.
 * @return whether the session changed
 */
bool cp_bridge_session_see(cp_exchange *exchange, request_rec *r);

void cp_bridge_session_register(void);

#endif
