/**
 * @file mod_cookiepolicy.h
 * @brief What other modules may call of mod_cookiepolicy.
 *
 * These are optional functions (apr_optional.h): retrieve them with
 * APR_RETRIEVE_OPTIONAL_FN in a hook of optional_fn_retrieve, which runs after
 * each reading of the configuration, and do without where one is NULL.
 *
 * All take the request that a hook was given: the main one, a subrequest or
 * the target of an internal redirect, which all speak of the same visitor.
 * Where the engine is not On for it, before post_read_request, and for a
 * request that is NULL, they give NULL, 0 or APR_EACCES. Strings live as long
 * as the main request; what is passed in is copied.
 *
 * What asks may be called in every phase from post_read_request to
 * log_transaction; up to header_parser the answer may still change, since only
 * then the directory is known. What changes the session, and the token, may
 * be called after header_parser, where the CSRF check is made, and before the
 * response's headers are sent.
 */
#ifndef MOD_COOKIEPOLICY_H
#define MOD_COOKIEPOLICY_H

#include <apr_errno.h>
#include <apr_optional.h>
#include <apr_tables.h>
#include <apr_time.h>
#include <httpd.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether the engine is On for this request. @return 1 or 0 */
APR_DECLARE_OPTIONAL_FN(int, cookiepolicy_is_on, (request_rec *r));

/**
 * The language to speak to this visitor, one of CookiePolicyLanguage.
 * @return NULL also where the language is Off
 */
APR_DECLARE_OPTIONAL_FN(const char *, cookiepolicy_language,
                        (request_rec *r));

/* --- Consent ------------------------------------------------------------- */

/**
 * Whether cookies of a category are allowed to this visitor.
 * @return 1 or 0; 0 also for a category that is unknown or NULL
 */
APR_DECLARE_OPTIONAL_FN(int, cookiepolicy_allows,
                        (request_rec *r, const char *category));

/**
 * Whether the visitor has decided about what needs consent.
 * @return "yes", "no", or "gpc" where Sec-GPC stands in; or NULL
 */
APR_DECLARE_OPTIONAL_FN(const char *, cookiepolicy_decided,
                        (request_rec *r));

/* --- CSRF ---------------------------------------------------------------- */

/**
 * The visitor's CSRF token, masked anew by each call. The response that it
 * goes into gets the cookie that it belongs to, and is not cached.
 * @return NULL where there is none to be had: also before the CSRF check, where
 *         the cookie cannot come with this response, and where the headers
 *         are sent already and let caches keep it
 */
APR_DECLARE_OPTIONAL_FN(const char *, cookiepolicy_csrf_token,
                        (request_rec *r));

/* --- The session: asking ------------------------------------------------- */

/** The user who is logged in, or NULL. */
APR_DECLARE_OPTIONAL_FN(const char *, cookiepolicy_session_user,
                        (request_rec *r));

/** When that user logged in; 0 where nobody is logged in. */
APR_DECLARE_OPTIONAL_FN(apr_time_t, cookiepolicy_session_login_time,
                        (request_rec *r));

/** A short name of the session for logs, worthless as a credential; NULL
 *  without a session. It changes with the session's id. */
APR_DECLARE_OPTIONAL_FN(const char *, cookiepolicy_session_reference,
                        (request_rec *r));

/** An attribute of the session, or NULL. */
APR_DECLARE_OPTIONAL_FN(const char *, cookiepolicy_session_get,
                        (request_rec *r, const char *name));

/**
 * Calls a function for each attribute, as apr_table_do() does, until it
 * returns 0. It may change the session: it sees the attributes as they were.
 * @return 0 if it did; else 1, also where there is no attribute
 */
APR_DECLARE_OPTIONAL_FN(int, cookiepolicy_session_each,
                        (request_rec *r,
                         apr_table_do_callback_fn_t *callback, void *data));

/**
 * Whether a login, or a first attribute, could be stored now, so that the
 * visitor gets the cookie for it.
 * @return 0 where cookiepolicy_session_login() would return APR_EACCES
 */
APR_DECLARE_OPTIONAL_FN(int, cookiepolicy_session_writable,
                        (request_rec *r));

/* --- The session: changing ----------------------------------------------- */

/**
 * Sets an attribute. The response is not cached, as after the three below.
 * @param name   [A-Za-z0-9_]+, 64 at most; not user, pw or site
 * @param value  without control characters; NULL or empty unsets it
 * @return APR_SUCCESS; APR_EINVAL for a bad name or value; APR_EACCES before
 *         header_parser's end, for a request that the CSRF check refused,
 *         after the headers, where the site keeps no sessions, and where the
 *         answer may not carry the cookie that would be needed; APR_ENOSPC
 *         where it is too much for one session, or the store is full; or
 *         another when the store is away. Nothing is changed then.
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, cookiepolicy_session_set,
                        (request_rec *r, const char *name,
                         const char *value));

/**
 * Logs a user in, under a new session id and with a new CSRF token. If
 * somebody else was logged in, the attributes are gone.
 * @param user  1 to 255 bytes without control characters
 * @return as cookiepolicy_session_set()
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, cookiepolicy_session_login,
                        (request_rec *r, const char *user));

/**
 * Logs out: user and attributes are gone, id and CSRF token are new.
 * @return as cookiepolicy_session_set(); APR_SUCCESS also where nothing was
 *         stored
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, cookiepolicy_session_logout,
                        (request_rec *r));

/**
 * Draws a new session id; user, attributes and CSRF token stay.
 * @return as cookiepolicy_session_logout()
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, cookiepolicy_session_rotate,
                        (request_rec *r));

#ifdef __cplusplus
}
#endif

#endif
