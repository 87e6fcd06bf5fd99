#include "export.h"
#include "csrf.h"
#include "fields.h"
#include "language.h"
#include "preferences.h"
#include "session.h"

#include <http_core.h>
#include <http_request.h>
#include <apr_strings.h>

#define HEADER_PREFIX "X-CookiePolicy-"
#define VARIABLE_PREFIX "COOKIEPOLICY_"

/* --- Guarding our names ----------------------------------------------- */

static bool connection_guard(request_rec *r)
{
    const char *connection = apr_table_get(r->headers_in, "Connection");
    const char *kept = NULL;
    char *copy, *rest = NULL;
    bool changed = false;

    if (!connection || strcasecmp(connection, "keep-alive") == 0
        || strcasecmp(connection, "close") == 0) {
        return false;
    }
    copy = apr_pstrdup(r->pool, connection);
    for (char *word = apr_strtok(copy, ", \t", &rest); word;
         word = apr_strtok(NULL, ", \t", &rest)) {
        if (cp_field_is_ours(word) || strcasecmp(word, "Cookie") == 0) {
            changed = true;
            continue;
        }
        kept = kept ? apr_pstrcat(r->pool, kept, ", ", word, NULL) : word;
    }
    if (changed && kept) {
        apr_table_setn(r->headers_in, "Connection", kept);
    }
    else if (changed) {
        apr_table_unset(r->headers_in, "Connection");
    }
    return changed;
}

bool cp_export_guard(request_rec *r)
{
    const apr_array_header_t *headers = apr_table_elts(r->headers_in);
    apr_array_header_t *spoofed = NULL;

    for (int i = 0; i < headers->nelts; i++) {
        const char *name = APR_ARRAY_IDX(headers, i, apr_table_entry_t).key;

        if ((*name == 'X' || *name == 'x') && cp_field_is_ours(name)) {
            if (!spoofed) {
                spoofed = apr_array_make(r->pool, 2, sizeof(char *));
            }
            *(const char **)apr_array_push(spoofed) = name;
        }
    }
    for (int i = 0; spoofed && i < spoofed->nelts; i++) {
        apr_table_unset(r->headers_in,
                        APR_ARRAY_IDX(spoofed, i, const char *));
    }
    return connection_guard(r) || spoofed;
}

/* --- Setting them ----------------------------------------------------- */

static cp_export_as outlet_of(const cp_server_config *server)
{
    return server->export_as == CP_UNSET ? CP_EXPORT_ENV
                                         : (cp_export_as)server->export_as;
}

static void entry_set(request_rec *r, cp_export_as as,
                      const cp_export_entry *entry)
{
    if (as == CP_EXPORT_HEADERS) {
        apr_table_setn(r->headers_in, entry->name, entry->value);
    }
    else if (entry->value) {
        apr_table_setn(r->subprocess_env, entry->name, entry->value);
    }
    else {
        apr_table_unset(r->subprocess_env, entry->name);
    }
}

static void entry_add(cp_exports *exports, const char *name,
                      const char *header, const char *value)
{
    cp_export_entry *entry = apr_array_push(exports->entries);
    bool headers = exports->as == CP_EXPORT_HEADERS;

    entry->name = headers ? header : name;
    /* A header is said also when there is nothing to say: a backend need not
     * tell a visitor without from a server without this module. */
    entry->value = headers && !value ? "" : value;
}

static int attribute_add(void *data, const char *name, const char *value)
{
    cp_exports *exports = data;
    apr_pool_t *pool = exports->entries->pool;

    entry_add(exports,
              apr_pstrcat(pool, VARIABLE_PREFIX "SESSION_ATTR_", name, NULL),
              apr_pstrcat(pool, HEADER_PREFIX "Session-Attr-", name, NULL),
              value);
    return 1;
}

static const char *allowed_categories(const cp_visit *visit)
{
    const cp_policy *policy = visit->site->policy;
    const char *list = NULL;

    for (int i = 0; i < policy->category_count; i++) {
        const char *name = policy->categories[i].name;

        if (policy->categories[i].used && cp_preferences_allow(visit, i)) {
            list = list ? apr_pstrcat(visit->pool, list, ",", name, NULL)
                        : name;
        }
    }
    return list;
}

const char *cp_export_decided(const cp_visit *visit)
{
    if (cp_preferences_signalled(visit)) {
        return "gpc";
    }
    return cp_preferences_decided(visit) ? "yes" : "no";
}

cp_exports cp_exports_make(const cp_visit *visit,
                           const cp_server_config *server)
{
    const char *language = cp_language(visit);
    const apr_table_t *attributes = cp_session_attributes(visit);
    cp_exports exports = { outlet_of(server), NULL, NULL };

    /* One language leaves mod_negotiation nothing to prefer. */
    if (language && visit->terms->languages[1]) {
        exports.preferred = language;
    }
    if (exports.as == CP_EXPORT_NONE) {
        return exports;
    }
    exports.entries = apr_array_make(visit->pool, 8, sizeof(cp_export_entry));
    entry_add(&exports, VARIABLE_PREFIX "LANGUAGE", HEADER_PREFIX "Language",
              language);
    entry_add(&exports, VARIABLE_PREFIX "CONSENT", HEADER_PREFIX "Consent",
              allowed_categories(visit));
    entry_add(&exports, VARIABLE_PREFIX "DECIDED", HEADER_PREFIX "Decided",
              cp_export_decided(visit));
    entry_add(&exports, VARIABLE_PREFIX "SESSION", HEADER_PREFIX "Session",
              cp_session_reference(visit));
    entry_add(&exports, VARIABLE_PREFIX "USER", HEADER_PREFIX "User",
              cp_session_user(visit));
    if (attributes) {
        apr_table_do(attribute_add, &exports, attributes, NULL);
    }
    return exports;
}

void cp_exports_say(const cp_exports *exports, request_rec *r)
{
    apr_table_t *table = exports->as == CP_EXPORT_HEADERS ? r->headers_in
                                                          : r->subprocess_env;
    const cp_export_entry *entry, *end;

    if (exports->preferred) {
        apr_table_setn(r->subprocess_env, "prefer-language",
                       exports->preferred);
    }
    if (!exports->entries) {
        return;
    }
    entry = (const cp_export_entry *)exports->entries->elts;
    for (end = entry + exports->entries->nelts; entry < end; entry++) {
        if (entry->value) {
            apr_table_addn(table, entry->name, entry->value);
        }
    }
}

void cp_export(request_rec *r, const cp_exchange *exchange)
{
    cp_exports exports = cp_exports_make(exchange->visit, exchange->server);

    if (exports.preferred) {
        apr_table_setn(r->subprocess_env, "prefer-language",
                       exports.preferred);
    }
    for (int i = 0; exports.entries && i < exports.entries->nelts; i++) {
        entry_set(r, exports.as,
                  &APR_ARRAY_IDX(exports.entries, i, cp_export_entry));
    }
}

void cp_export_withdraw(request_rec *r)
{
    apr_array_header_t *names = apr_array_make(r->pool, 8, sizeof(char *));
    const apr_array_header_t *set = apr_table_elts(r->subprocess_env);

    for (int i = 0; i < set->nelts; i++) {
        const char *name = APR_ARRAY_IDX(set, i, apr_table_entry_t).key;

        if (strncmp(name, VARIABLE_PREFIX, sizeof(VARIABLE_PREFIX) - 1)
            == 0) {
            *(const char **)apr_array_push(names) = name;
        }
    }
    for (int i = 0; i < names->nelts; i++) {
        apr_table_unset(r->subprocess_env,
                        APR_ARRAY_IDX(names, i, const char *));
    }
    apr_table_unset(r->subprocess_env, "prefer-language");
    cp_export_guard(r);
}

/* A static file has no use for a token, and masking one costs. */
static bool may_use_token(const request_rec *r)
{
    return (r->handler && strcmp(r->handler, "default-handler"))
           || ap_allow_options((request_rec *)r) & OPT_INCLUDES
           || ap_allow_options((request_rec *)r) & OPT_INC_WITH_EXEC;
}

void cp_export_token(request_rec *r, const cp_exchange *exchange)
{
    cp_export_as as = outlet_of(exchange->server);

    /* One whose cookie would not come with this answer is worth nothing. */
    if (as != CP_EXPORT_NONE && may_use_token(r)
        && exchange->visit->verdicts[CP_CSRF].issuance != CP_ISSUE_IF_NEEDED
        && !apr_table_get(r->subprocess_env, VARIABLE_PREFIX "CSRF_TOKEN")) {
        const char *token = cp_csrf_masked(exchange->visit);
        cp_export_entry entry = {
            as == CP_EXPORT_HEADERS ? HEADER_PREFIX "Csrf-Token"
                                    : VARIABLE_PREFIX "CSRF_TOKEN",
            as == CP_EXPORT_HEADERS && !token ? "" : token
        };

        entry_set(r, as, &entry);
    }
}
