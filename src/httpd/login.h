/**
 * @file login.h
 * @brief Logins that other modules of httpd make, and CookiePolicySessionBind.
 */
#ifndef CP_LOGIN_H
#define CP_LOGIN_H

#include "exchange.h"
#include "session.h"

/**
 * Whether a user whom another module authenticated may become the session's:
 * the names fit into a session, and no .htaccess file chose whose word is
 * taken for it, or CookiePolicyAllowOverride lets it. What is wrong is logged.
 */
bool cp_login_is_good(request_rec *r, const char *user,
                      const char *auth_name);

/**
 * Carries out a change of the session that another module brought about.
 * @param whose  what was not stored, for the log; NULL where an answer that
 *               may not carry a session is no news
 * @return as cp_session_apply()
 */
apr_status_t cp_login_apply(const cp_exchange *exchange, request_rec *r,
                            const cp_session_change *change,
                            const char *whose);

/**
 * CookiePolicySessionBind: logs the user whom another module authenticated
 * into the session, unless it is this one already.
 * @param authenticated  whether httpd has just authenticated r->user; else
 *                       it counts only where there is no AuthType, and
 *                       mod_ssl will have set it
 * @return whether the session changed
 */
bool cp_login_bind(cp_exchange *exchange, request_rec *r,
                   bool authenticated);

#endif
