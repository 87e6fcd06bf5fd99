#include "api.h"
#include "csrf.h"
#include "exchange.h"
#include "language.h"
#include "mod_cookiepolicy.h"
#include "preferences.h"
#include "session.h"

static cp_visit *visit_of(const request_rec *r)
{
    const cp_exchange *exchange = cp_exchange_of(r);

    return exchange && exchange->engine == CP_ENGINE_ON ? exchange->visit
                                                        : NULL;
}

static const char *cookiepolicy_language(request_rec *r)
{
    const cp_visit *visit = visit_of(r);

    return visit ? cp_language(visit) : NULL;
}

static int cookiepolicy_allows(request_rec *r, const char *category)
{
    const cp_visit *visit = visit_of(r);
    int at = visit ? cp_policy_category(visit->site->policy,
                                        cp_span_of(category)) : -1;

    return at >= 0 && cp_preferences_allow(visit, at);
}

static const char *cookiepolicy_csrf_token(request_rec *r)
{
    cp_visit *visit = visit_of(r);

    if (!visit) {
        return NULL;
    }
    cp_visit_need(visit, CP_CSRF);
    r->no_cache = 1;
    return cp_csrf_masked(visit);
}

static const char *cookiepolicy_session_user(request_rec *r)
{
    const cp_visit *visit = visit_of(r);

    return visit ? cp_session_user(visit) : NULL;
}

static const char *cookiepolicy_session_get(request_rec *r, const char *name)
{
    const cp_visit *visit = visit_of(r);
    const apr_table_t *attributes = visit ? cp_session_attributes(visit)
                                          : NULL;

    return attributes ? apr_table_get(attributes, name) : NULL;
}

static apr_status_t cookiepolicy_session_set(request_rec *r, const char *name,
                                             const char *value)
{
    cp_visit *visit = visit_of(r);
    cp_session_change change = { .login = NULL };

    if (!visit) {
        return APR_EACCES;
    }
    value = value ? value : "";
    if (!cp_session_attribute_is_good(cp_span_of(name))
        || !cp_session_text_is_good(value)) {
        return APR_EINVAL;
    }
    change.set = apr_table_make(visit->pool, 1);
    apr_table_set(change.set, name, value);
    r->no_cache = 1;
    return cp_session_apply(visit, &change);
}

static apr_status_t cookiepolicy_session_login(request_rec *r,
                                               const char *user)
{
    cp_visit *visit = visit_of(r);
    cp_session_change change = { .login = user, .logout = !user };

    if (!visit) {
        return APR_EACCES;
    }
    if (user && (!*user || strlen(user) > CP_USER_MAX
                 || !cp_session_text_is_good(user))) {
        return APR_EINVAL;
    }
    change.login = user ? apr_pstrdup(visit->pool, user) : NULL;
    change.set = apr_table_make(visit->pool, 1);
    r->no_cache = 1;
    return cp_session_apply(visit, &change);
}

void cp_api_register(void)
{
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_language);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_allows);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_csrf_token);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_user);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_get);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_set);
    APR_REGISTER_OPTIONAL_FN(cookiepolicy_session_login);
}
