#include "authz.h"
#include "authz_session.h"
#include "exchange.h"
#include "preferences.h"
#include "words.h"

#include <ap_provider.h>
#include <http_request.h>
#include <mod_auth.h>

static const char *consent_parse(cmd_parms *cmd, const char *line,
                                 const void **parsed)
{
    const char *name = ap_getword_conf(cmd->pool, &line);

    if (!cp_category_name_is_good(name) || *line) {
        return cp_words_refuse(cmd, name, "after cookie-consent the name of "
                               "one category");
    }
    *parsed = name;
    cp_config_require(cmd, name);
    return NULL;
}

static authz_status consent_check(request_rec *r, const char *line,
                                  const void *parsed)
{
    cp_exchange *exchange = cp_exchange_of(r);
    int category;

    (void)line;
    if (!exchange || !exchange->visit) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, CP_LOG(0036)
                      "Require cookie-consent: CookiePolicy is Off here, so "
                      "that nobody's consent is known; denied");
        return AUTHZ_DENIED;
    }
    if (exchange->engine == CP_ENGINE_ON && exchange->passed
        && !exchange->personal) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, CP_LOG(0037)
                      "Require cookie-consent: a part of a page asks for it, "
                      "whose header is sent already and lets caches keep it; "
                      "denied. Have Require on the page, too");
        return AUTHZ_DENIED;
    }
    category = cp_policy_category(exchange->visit->site->policy,
                                  cp_span_of(parsed));
    exchange->personal = exchange->engine == CP_ENGINE_ON;
    return exchange->engine == CP_ENGINE_REPORT
           || (category >= 0
               && cp_preferences_allow(exchange->visit, category))
           ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

static const authz_provider consent = { consent_check, consent_parse };

void cp_authz_register(apr_pool_t *pool)
{
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "cookie-consent",
                              AUTHZ_PROVIDER_VERSION, &consent,
                              AP_AUTH_INTERNAL_PER_CONF);
    cp_authz_session_register(pool);
}
