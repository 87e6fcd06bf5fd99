#include "authz_session.h"
#include "session.h"
#include "words.h"

#include <ap_expr.h>
#include <ap_provider.h>
#include <http_core.h>
#include <http_request.h>
#include <mod_auth.h>

/* In r->notes: whom session-user found. */
#define FOUND "cookiepolicy-session-user"

/* --- The session ------------------------------------------------------ */

/* @return the exchange, or NULL where there are no sessions of ours, or the
 * answer may be in a cache already; then denied, and logged */
static cp_exchange *exchange_ask(request_rec *r)
{
    cp_exchange *exchange = cp_exchange_of(r);

    if (!exchange || !exchange->visit || exchange->engine != CP_ENGINE_ON
        || exchange->visit->site->session != CP_SESSION_ON) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, CP_LOG(0055)
                      "Require session-user or session-age: CookiePolicy or "
                      "CookiePolicySession is not On here, so that there are "
                      "no sessions; denied");
        return NULL;
    }
    if (exchange->passed && !exchange->personal) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, CP_LOG(0056)
                      "Require session-user or session-age: a part of a page "
                      "asks for it, whose header is sent already and lets "
                      "caches keep it; denied. Have Require on the page, "
                      "too");
        return NULL;
    }
    exchange->personal = true;
    return exchange;
}

static bool fits(const char *asked, const char *given)
{
    return !asked || !given || strcmp(asked, given) == 0;
}

/* Somebody of one AuthName is nobody under another, whatever his name. Whom
 * the application logged in has none, and is who he is everywhere.
 * @return the record of a session with a user who is one here, or NULL */
static const cp_record *record_ask(const cp_exchange *exchange,
                                   request_rec *r)
{
    const cp_record *record = cp_session_record(exchange->visit);
    const char *type = ap_auth_type(r);

    if (!record || !record->user
        || (type && record->provider && strcasecmp(type, record->provider))
        || !fits(ap_auth_name(r), record->auth_name)) {
        return NULL;
    }
    return record;
}

/* Where httpd's authentication brings users into sessions it may be asked
 * first. */
static authz_status deny(const cp_exchange *exchange, request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && !r->user && (exchange->server->session_bind == 1
                                || strcasecmp(type, "form") == 0)
           ? AUTHZ_DENIED_NO_USER : AUTHZ_DENIED;
}

/* --- session-user ----------------------------------------------------- */

/* As mod_authz_user reads its names. */
static const char *user_parse(cmd_parms *cmd, const char *line,
                              const void **parsed)
{
    const char *wrong = NULL;

    *parsed = *line ? ap_expr_parse_cmd(cmd, line,
                                        AP_EXPR_FLAG_STRING_RESULT, &wrong,
                                        NULL)
                    : NULL;
    if (wrong) {
        return cp_words_refuse(cmd, line, "after session-user names of users, "
                               "or nothing");
    }
    cp_config_require(cmd, NULL);
    return NULL;
}

/* An expression that comes to nothing names nobody. */
static bool is_named(request_rec *r, const ap_expr_info_t *names,
                     const char *user)
{
    const char *wrong = NULL;
    const char *list = ap_expr_str_exec(r, names, &wrong);

    if (wrong) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, CP_LOG(0057)
                      "Require session-user: its expression cannot be "
                      "evaluated: %s", wrong);
        return false;
    }
    while (*list) {
        if (strcmp(ap_getword_conf(r->pool, &list), user) == 0) {
            return true;
        }
    }
    return false;
}

static authz_status user_check(request_rec *r, const char *line,
                               const void *parsed)
{
    const cp_exchange *exchange = exchange_ask(r);
    const cp_record *record = exchange ? record_ask(exchange, r) : NULL;

    (void)line;
    if (!exchange) {
        return AUTHZ_DENIED;
    }
    if (!record || (parsed && !is_named(r, parsed, record->user))) {
        return deny(exchange, r);
    }
    apr_table_setn(r->notes, FOUND, record->user);
    return AUTHZ_GRANTED;
}

void cp_authz_session_name(cp_exchange *exchange, request_rec *r)
{
    const char *user = r->user ? NULL : apr_table_get(r->notes, FOUND);

    if (user) {
        exchange->named = user;
        r->user = (char *)user;
    }
}

/* --- session-age ------------------------------------------------------ */

static const char *age_parse(cmd_parms *cmd, const char *line,
                             const void **parsed)
{
    const char *word = ap_getword_conf(cmd->pool, &line);
    int *seconds = apr_palloc(cmd->pool, sizeof(*seconds));

    *seconds = cp_words_seconds(word);
    if (*seconds < 1 || *line) {
        return cp_words_refuse(cmd, word, "after session-age a time like 30s, "
                               "10m or 1h");
    }
    *parsed = seconds;
    cp_config_require(cmd, NULL);
    return NULL;
}

static authz_status age_check(request_rec *r, const char *line,
                              const void *parsed)
{
    const cp_exchange *exchange = exchange_ask(r);
    const cp_record *record = exchange ? record_ask(exchange, r) : NULL;
    const int *seconds = parsed;

    (void)line;
    if (!exchange) {
        return AUTHZ_DENIED;
    }
    /* What is logged in was created by that login. */
    if (!record || cp_time_after(record->created, (apr_uint32_t)*seconds)
                   < exchange->visit->request.now) {
        return deny(exchange, r);
    }
    return AUTHZ_GRANTED;
}

/* --- The table -------------------------------------------------------- */

static const authz_provider user = { user_check, user_parse };
static const authz_provider age = { age_check, age_parse };

void cp_authz_session_register(apr_pool_t *pool)
{
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "session-user",
                              AUTHZ_PROVIDER_VERSION, &user,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "session-age",
                              AUTHZ_PROVIDER_VERSION, &age,
                              AP_AUTH_INTERNAL_PER_CONF);
}
