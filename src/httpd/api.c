#include "api.h"
#include "corridor.h"
#include "csrf.h"
#include "exchange.h"
#include "export.h"
#include "language.h"
#include "mod_cookiepolicy.h"
#include "preferences.h"
#include "session.h"

#include <apr_strings.h>

static cp_exchange *exchange_of(const request_rec *r)
{
    cp_exchange *exchange = cp_exchange_of(r);

    return exchange && exchange->engine == CP_ENGINE_ON && exchange->visit
           ? exchange : NULL;
}

static cp_visit *visit_of(const request_rec *r)
{
    const cp_exchange *exchange = exchange_of(r);

    return exchange ? exchange->visit : NULL;
}

static int cookiepolicy_is_on(request_rec *r)
{
    return visit_of(r) != NULL;
}

static const char *cookiepolicy_language(request_rec *r)
{
    const cp_visit *visit = visit_of(r);

    return visit ? cp_language(visit) : NULL;
}

/* --- Consent -------------------------------------------------------------- */

static int cookiepolicy_allows(request_rec *r, const char *category)
{
    const cp_visit *visit = visit_of(r);
    int at = visit ? cp_policy_category(visit->site->policy,
                                        cp_span_of(category)) : -1;

    return at >= 0 && cp_preferences_allow(visit, at);
}

static const char *cookiepolicy_decided(request_rec *r)
{
    const cp_visit *visit = visit_of(r);

    return visit ? cp_export_decided(visit) : NULL;
}

/* --- CSRF ----------------------------------------------------------------- */

/* A token is worth something to who has its cookie, or gets it with this
 * answer. */
static bool token_is_good(const cp_exchange *exchange)
{
    const cp_verdict *verdict = &exchange->visit->verdicts[CP_CSRF];

    return verdict->reason == CP_VALID
           || (!exchange->visit->muted
               && (!exchange->passed || verdict->issuance == CP_ISSUE_NOW));
}

static const char *cookiepolicy_csrf_token(request_rec *r)
{
    cp_exchange *exchange = exchange_of(r);

    if (!exchange || !(exchange->checked_in || exchange->refusal)
        || !token_is_good(exchange)
        || (exchange->passed && !exchange->tokened)) {
        return NULL;
    }
    cp_visit_need(exchange->visit, CP_CSRF);
    exchange->tokened = true;
    return cp_csrf_masked(exchange->visit);
}

/* --- The session: asking -------------------------------------------------- */

static const char *cookiepolicy_session_user(request_rec *r)
{
    const cp_visit *visit = visit_of(r);

    return visit ? cp_session_user(visit) : NULL;
}

static apr_time_t cookiepolicy_session_login_time(request_rec *r)
{
    const cp_visit *visit = visit_of(r);

    /* A login sets it, and nothing else while its user stays. */
    return visit && cp_session_user(visit)
           ? apr_time_from_sec(visit->session->record.created) : 0;
}

static const char *cookiepolicy_session_reference(request_rec *r)
{
    const cp_visit *visit = visit_of(r);

    return visit ? cp_session_reference(visit) : NULL;
}

static const char *cookiepolicy_session_get(request_rec *r, const char *name)
{
    const cp_visit *visit = visit_of(r);
    const apr_table_t *attributes = visit ? cp_session_attributes(visit)
                                          : NULL;

    return attributes && name ? apr_table_get(attributes, name) : NULL;
}

static int cookiepolicy_session_each(request_rec *r,
                                     apr_table_do_callback_fn_t *callback,
                                     void *data)
{
    const cp_visit *visit = visit_of(r);
    const apr_table_t *attributes = visit ? cp_session_attributes(visit)
                                          : NULL;

    return !attributes || apr_table_do(callback, data, attributes, NULL);
}

/* Before the check nobody knows who asks, and the visit may be made anew. Once
 * the answer has passed the cache, that may have kept it. */
static bool may_change(const cp_exchange *exchange)
{
    return exchange && exchange->checked_in && !exchange->refusal
           && !exchange->passed;
}

static int cookiepolicy_session_writable(request_rec *r)
{
    const cp_exchange *exchange = exchange_of(r);

    return may_change(exchange) && cp_session_may_begin(exchange->visit);
}

/* --- The session: changing ------------------------------------------------ */

static apr_status_t change_make(request_rec *r, cp_session_change *change,
                                const char *name, const char *value)
{
    cp_exchange *exchange = exchange_of(r);
    apr_status_t status;

    if (!may_change(exchange)) {
        return APR_EACCES;
    }
    change->login = apr_pstrdup(exchange->visit->pool, change->login);
    change->set = apr_table_make(exchange->visit->pool, 1);
    if (name) {
        apr_table_set(change->set, name, value);
    }
    /* Also where it failed the answer may say so, to this visitor alone. */
    exchange->personal = true;
    status = cp_session_apply(exchange->visit, change);
    if (status == APR_SUCCESS && !r->main) {
        cp_corridor_show(exchange, r);
    }
    return status;
}

static apr_status_t cookiepolicy_session_set(request_rec *r, const char *name,
                                             const char *value)
{
    cp_session_change change = { .login = NULL };

    value = value ? value : "";
    if (!cp_session_attribute_is_good(cp_span_of(name))
        || !cp_session_text_is_good(value)) {
        return APR_EINVAL;
    }
    return change_make(r, &change, name, value);
}

static apr_status_t cookiepolicy_session_login(request_rec *r,
                                               const char *user)
{
    cp_session_change change = { .login = user };

    if (!user || !*user || strlen(user) > CP_USER_MAX
        || !cp_session_text_is_good(user)) {
        return APR_EINVAL;
    }
    return change_make(r, &change, NULL, NULL);
}

static apr_status_t cookiepolicy_session_logout(request_rec *r)
{
    cp_session_change change = { .logout = true };

    return change_make(r, &change, NULL, NULL);
}

static apr_status_t cookiepolicy_session_rotate(request_rec *r)
{
    cp_session_change change = { .rotate = true };

    return change_make(r, &change, NULL, NULL);
}

void cp_api_register(void)
{
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_is_on);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_language);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_allows);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_decided);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_csrf_token);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_user);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_login_time);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_reference);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_get);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_each);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_writable);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_set);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_login);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_logout);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_rotate);
}
