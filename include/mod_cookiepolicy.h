/**
 * @file mod_cookiepolicy.h
 * @brief What other modules may call of mod_cookiepolicy.
 *
 * These are optional functions (apr_optional.h): retrieve them with
 * APR_RETRIEVE_OPTIONAL_FN in a hook that runs after the configuration, and
 * do without where one is NULL. All take a request at any stage after
 * post_read_request, also a subrequest or an internal redirect. Strings live
 * as long as the main request.
 */
#ifndef MOD_COOKIEPOLICY_H
#define MOD_COOKIEPOLICY_H

#include <apr_optional.h>
#include <httpd.h>

/**
 * The language to speak to this visitor, one of CookiePolicyLanguage.
 * @return NULL where the engine or the language is Off
 */
APR_DECLARE_OPTIONAL_FN(const char *, cookiepolicy_language,
                        (request_rec *r));

/**
 * Whether cookies of a category are allowed to this visitor.
 * @return 1 or 0; 0 also where the engine is Off or the category unknown
 */
APR_DECLARE_OPTIONAL_FN(int, cookiepolicy_allows,
                        (request_rec *r, const char *category));

/**
 * The visitor's CSRF token, masked anew by each call. The response that it
 * goes into gets the cookie that it belongs to, and is not cached.
 * @return NULL where there is none to be had
 */
APR_DECLARE_OPTIONAL_FN(const char *, cookiepolicy_csrf_token,
                        (request_rec *r));

/** The user who is logged in, or NULL. */
APR_DECLARE_OPTIONAL_FN(const char *, cookiepolicy_session_user,
                        (request_rec *r));

/** An attribute of the session, or NULL. */
APR_DECLARE_OPTIONAL_FN(const char *, cookiepolicy_session_get,
                        (request_rec *r, const char *name));

/**
 * Sets an attribute; to be called before the response's headers are sent.
 * @param name   [A-Za-z0-9_]+, 64 at most
 * @param value  NULL or empty unsets it
 * @return APR_SUCCESS; APR_EINVAL for a bad name or value; APR_EACCES where
 *         the answer to this request may not carry a session; APR_ENOSPC; or
 *         another when the store is away
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, cookiepolicy_session_set,
                        (request_rec *r, const char *name,
                         const char *value));

/**
 * Logs a user in under a new session id; with NULL, logs out.
 * @return as cookiepolicy_session_set()
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, cookiepolicy_session_login,
                        (request_rec *r, const char *user));

#endif
