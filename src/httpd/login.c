#include "login.h"
#include "origin.h"
#include "throttle.h"

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>

static cp_throttle complaints = { .lines = 10, .period = 60 };

/* --- Whose word is taken ---------------------------------------------- */

/* Whoever writes an .htaccess file that may configure authentication can
 * bring his own list of users, with any name on it. httpd leaves the list of
 * AllowOverrideList out of what it remembers of a file. */
static bool is_of_htaccess(const request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(
        r->per_dir_config);
    bool listed = core->override_list
                  && !apr_is_empty_table(core->override_list);

    for (const struct htaccess_result *file = r->htaccess; file;
         file = file->next) {
        if (file->htaccess && (listed || file->override & OR_AUTHCFG)) {
            return true;
        }
    }
    return false;
}

static bool may_override(const request_rec *r)
{
    const cp_dir_config *dir = cp_dir_config_of(r);

    return dir->allow != CP_UNSET && dir->allow & CP_ALLOW_SESSION;
}

static bool name_fits(const char *name)
{
    return strlen(name) <= CP_USER_MAX && cp_session_text_is_good(name);
}

bool cp_login_is_good(request_rec *r, const char *user,
                      const char *auth_name)
{
    if (!name_fits(user) || (auth_name && !name_fits(auth_name))) {
        if (cp_throttle_admits(&complaints)) {
            ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, CP_LOG(0051)
                          "a user is not logged into the session: the name "
                          "or the AuthName has more than %d bytes or a "
                          "control character", CP_USER_MAX);
        }
        return false;
    }
    if (is_of_htaccess(r) && !may_override(r)) {
        if (cp_throttle_admits(&complaints)) {
            ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, CP_LOG(0050)
                          "a user is not logged into the session: an "
                          ".htaccess file may say who is who here, and "
                          "CookiePolicyAllowOverride Session does not let "
                          "it");
        }
        return false;
    }
    return true;
}

/* --- What is stored --------------------------------------------------- */

apr_status_t cp_login_apply(const cp_exchange *exchange, request_rec *r,
                            const cp_session_change *change,
                            const char *whose)
{
    apr_status_t status = cp_session_apply(exchange->visit, change);

    if (status == APR_EACCES) {
        if (whose) {
            ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, CP_LOG(0052)
                          "%s was not stored: the answer to this request may "
                          "not carry a session", whose);
        }
    }
    else if (status == APR_ENOSPC) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, CP_LOG(0053)
                      "%s was not stored: there is no room for the session",
                      whose ? whose : "a login");
    }
    else if (status != APR_SUCCESS && cp_throttle_admits(&complaints)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, status, r, CP_LOG(0054)
                      "%s was not stored: the session store is away",
                      whose ? whose : "a login");
    }
    return status;
}

/* --- CookiePolicySessionBind ------------------------------------------ */

/* A user whom mod_ssl took from a certificate passes no hook of
 * authentication. Who is named where there is an AuthType, which may have
 * failed or not been asked, while an error is being answered, or by a mere
 * look into the Authorization header, is not authenticated. */
static bool is_certified(const cp_exchange *exchange, request_rec *r)
{
    return !ap_auth_type(r) && r->status == HTTP_OK
           && r->user != exchange->named
           && !apr_table_get(r->notes, AP_GET_BASIC_AUTH_PW_NOTE);
}

static char *in_small_letters(apr_pool_t *pool, const char *word)
{
    char *small = word ? apr_pstrdup(pool, word) : NULL;

    if (small) {
        ap_str_tolower(small);
    }
    return small;
}

bool cp_login_bind(cp_exchange *exchange, request_rec *r, bool authenticated)
{
    cp_visit *visit = exchange->visit;
    cp_session_change change = { .login = NULL };
    const cp_record *record;

    if (exchange->server->session_bind != 1 || !r->user || !*r->user
        || !(authenticated || is_certified(exchange, r))
        || visit->site->session != CP_SESSION_ON) {
        return false;
    }
    record = cp_session_record(visit);
    change.login = r->user;
    change.provider = in_small_letters(visit->pool, r->ap_auth_type);
    change.auth_name = authenticated ? ap_auth_name(r) : NULL;
    if (record && cp_record_is_of(record, change.login, change.provider,
                                  change.auth_name)) {
        return false;
    }
    if (!cp_login_is_good(r, change.login, change.auth_name)) {
        return false;
    }
    /* The parts of a page, asked for all at once, would get one each. */
    if (!cp_origin_is_top_level(r)) {
        return false;
    }
    /* So would a client that never sends a cookie back, with each request. */
    if (visit->verdicts[CP_SESSION].reason != CP_VALID) {
        cp_visit_need(visit, CP_SESSION);
        return false;
    }
    return cp_login_apply(exchange, r, &change, NULL) == APR_SUCCESS;
}
