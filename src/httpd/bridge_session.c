#include "bridge_session.h"
#include "login.h"
#include "token.h"

#include <mod_session.h>

#include <apr_dso.h>
#include <apr_strings.h>

/* mod_auth_form's entries are the AuthName with these behind it, and its notes
 * of what a form brought have the same names. */
#define USER_SUFFIX "-" MOD_SESSION_USER
#define PASSWORD_SUFFIX "-" MOD_SESSION_PW
#define FORM "form"

/* mod_session puts the time of expiry among the entries when it encodes. */
#define EXPIRY "expiry"

/* When a session that is merely in use expires is written anew at most once
 * in so great a part of SessionMaxAge. */
#define RENEWALS_IN_AGE 60

struct cp_bridge {
    session_rec *session;       /* mod_session's, one for all hops */
    apr_table_t *known;         /* its entries, as they were last looked at */
    bool seen;                  /* the login that the form brought */
    bool refused;               /* a login could not be stored, so that its
                                   password may not be either */
};

static bool is_open(const cp_exchange *exchange)
{
    return exchange->engine == CP_ENGINE_ON && exchange->visit
           && exchange->visit->site->session == CP_SESSION_ON
           && exchange->visit->site->store;
}

/* --- What changed ----------------------------------------------------- */

/* Entries that @a now has and @a before has not, or not so. */
typedef struct comparison {
    const apr_table_t *before;
    apr_table_t *changes;
} comparison;

static int entry_compare(void *data, const char *name, const char *value)
{
    const comparison *with = data;
    const char *before = apr_table_get(with->before, name);

    if (*name && strcasecmp(name, EXPIRY)
        && (!before || strcmp(before, value))) {
        apr_table_setn(with->changes, name, value);
    }
    return 1;
}

static int entry_miss(void *data, const char *name, const char *value)
{
    const comparison *with = data;

    (void)value;
    if (!apr_table_get(with->before, name)) {
        apr_table_setn(with->changes, name, "");
    }
    return 1;
}

static apr_table_t *changes_find(const struct cp_bridge *bridge,
                                 apr_pool_t *pool)
{
    comparison with = { bridge->known, apr_table_make(pool, 4) };

    apr_table_do(entry_compare, &with, bridge->session->entries, NULL);
    with.before = bridge->session->entries;
    apr_table_do(entry_miss, &with, bridge->known, NULL);
    return with.changes;
}

/* Another user's are forgotten, so that a login brings its own whole.
 * @param changes  gets all entries under that AuthName */
static void login_collect(const struct cp_bridge *bridge,
                          const char *auth_name, apr_table_t *changes)
{
    const apr_array_header_t *entries =
        apr_table_elts(bridge->session->entries);
    apr_size_t length = strlen(auth_name);

    for (int i = 0; i < entries->nelts; i++) {
        const apr_table_entry_t *entry =
            &APR_ARRAY_IDX(entries, i, apr_table_entry_t);

        if (strncasecmp(entry->key, auth_name, length) == 0
            && entry->key[length] == '-') {
            apr_table_setn(changes, entry->key, entry->val);
        }
    }
}

/* --- Logins ----------------------------------------------------------- */

static bool same_secret(const char *a, const char *b)
{
    return a && b && strlen(a) == strlen(b)
           && cp_secret_equal(cp_span_of(a), cp_span_of(b));
}

/* mod_auth_form notes what a form brought before it checks the password, and
 * makes it the session's when it was right. Entries that came otherwise, by
 * SessionHeader, are nobody's login.
 * @return the AuthName, or NULL */
static const char *login_find(const struct cp_bridge *bridge,
                              const request_rec *first, const char **user)
{
    const apr_array_header_t *entries =
        apr_table_elts(bridge->session->entries);

    for (int i = 0; i < entries->nelts; i++) {
        const apr_table_entry_t *entry =
            &APR_ARRAY_IDX(entries, i, apr_table_entry_t);
        apr_size_t length = strlen(entry->key);
        const char *auth_name, *password;

        if (length <= strlen(USER_SUFFIX) || !*entry->val
            || strcmp(entry->key + length - strlen(USER_SUFFIX),
                      USER_SUFFIX)) {
            continue;
        }
        auth_name = apr_pstrmemdup(first->pool, entry->key,
                                   length - strlen(USER_SUFFIX));
        password = apr_pstrcat(first->pool, auth_name, PASSWORD_SUFFIX, NULL);
        if (same_secret(entry->val, apr_table_get(first->notes, entry->key))
            && same_secret(apr_table_get(bridge->session->entries, password),
                           apr_table_get(first->notes, password))) {
            *user = entry->val;
            return auth_name;
        }
    }
    return NULL;
}

/* Whether the entries no longer name the user whom they logged in. */
static bool is_logged_out(const cp_exchange *exchange,
                          const struct cp_bridge *bridge)
{
    const cp_record *record = cp_session_record(exchange->visit);
    const char *user;

    if (!record || !record->user || !record->by_entries
        || !record->auth_name) {
        return false;
    }
    user = apr_table_get(bridge->session->entries,
                         apr_pstrcat(exchange->visit->pool,
                                     record->auth_name, USER_SUFFIX, NULL));
    return !user || strcmp(user, record->user);
}

/* In whole seconds, rounded up; 0: never. SessionHeader may set any number. */
static apr_uint32_t until_of(const session_rec *session)
{
    apr_time_t seconds = apr_time_sec(session->expiry)
                         + (apr_time_usec(session->expiry) != 0);

    return seconds < 0 || seconds > APR_UINT32_MAX ? APR_UINT32_MAX
                                                   : (apr_uint32_t)seconds;
}

static apr_status_t change_apply(cp_exchange *exchange, request_rec *r,
                                 cp_session_change *change)
{
    struct cp_bridge *bridge = exchange->bridge;
    apr_status_t status;

    change->until = until_of(bridge->session);
    status = cp_login_apply(exchange, r, change, change->login
                            ? "a login by mod_auth_form"
                            : "the session of mod_session");
    bridge->known = apr_table_copy(exchange->visit->pool,
                                   bridge->session->entries);
    return status;
}

/* Whether entries were written that have not been looked at. */
static bool is_dirty(const cp_exchange *exchange)
{
    const struct cp_bridge *bridge = exchange->bridge;

    return bridge && !bridge->refused && bridge->session->dirty
           && is_open(exchange);
}

static bool login_see(cp_exchange *exchange, request_rec *r)
{
    struct cp_bridge *bridge = exchange->bridge;
    cp_session_change change = { .login = NULL };

    if (!bridge->seen) {
        change.auth_name = login_find(bridge, exchange->r, &change.login);
    }
    if (change.auth_name) {
        bridge->seen = true;
        if (cp_login_is_good(r, change.login, change.auth_name)) {
            change.provider = FORM;
            change.by_entries = true;
        }
        else {
            /* mod_auth_form knows him by the entries all the same, so that
             * an id from before may not lead to them. */
            change.login = change.auth_name = NULL;
            change.sever = true;
        }
    }
    change.logout = !change.login && is_logged_out(exchange, bridge);
    if (!change.login && !change.logout && !change.sever) {
        return false;
    }
    change.entries = changes_find(bridge, exchange->visit->pool);
    if (change.login) {
        login_collect(bridge, change.auth_name, change.entries);
    }
    bridge->refused = change_apply(exchange, r, &change) != APR_SUCCESS;
    return !bridge->refused;
}

bool cp_bridge_session_see(cp_exchange *exchange, request_rec *r)
{
    return is_dirty(exchange) && login_see(exchange, r);
}

/* --- The provider ----------------------------------------------------- */

static struct cp_bridge *bridge_make(const cp_exchange *exchange)
{
    apr_pool_t *pool = exchange->r->pool;
    const cp_record *record = cp_session_record(exchange->visit);
    struct cp_bridge *bridge = apr_pcalloc(pool, sizeof(*bridge));

    bridge->known = record ? record->entries : apr_table_make(pool, 4);
    bridge->session = apr_pcalloc(pool, sizeof(*bridge->session));
    bridge->session->pool = pool;
    bridge->session->entries = apr_table_copy(pool, bridge->known);
    bridge->session->expiry = record ? apr_time_from_sec(
                                           (apr_time_t)record->until) : 0;
    return bridge;
}

static apr_status_t session_load(request_rec *r, session_rec **session)
{
    cp_exchange *exchange = cp_exchange_of(r);

    if (!exchange) {
        /* Refused before it could be read: mod_session makes an empty one. */
        return cp_engine_of(cp_dir_config_of(r)) == CP_ENGINE_ON ? OK
                                                                 : DECLINED;
    }
    if (!is_open(exchange)) {
        return DECLINED;
    }
    if (!exchange->bridge) {
        exchange->bridge = bridge_make(exchange);
        /* As mod_session's other providers have it. */
        apr_table_addn(r->headers_out, "Cache-Control", "no-cache, private");
    }
    exchange->personal = exchange->personal || !exchange->passed;
    *session = exchange->bridge->session;
    return OK;
}

/* Whether the time of expiry has moved so far that it must be written. */
static bool is_due(const cp_exchange *exchange, const session_rec *session)
{
    const cp_record *record = cp_session_record(exchange->visit);
    apr_uint32_t until = until_of(session);
    apr_uint32_t moved;

    if (!record || apr_is_empty_table(record->entries)) {
        return false;
    }
    moved = until > record->until ? until - record->until
                                  : record->until - until;
    return moved > (apr_uint32_t)session->maxage / RENEWALS_IN_AGE;
}

static apr_status_t session_save(request_rec *r, session_rec *session)
{
    cp_exchange *exchange = cp_exchange_of(r);
    struct cp_bridge *bridge = exchange ? exchange->bridge : NULL;
    cp_session_change change = { .login = NULL };

    if (!bridge || bridge->session != session) {
        return exchange ? DECLINED : OK;
    }
    if (bridge->refused || !is_open(exchange)) {
        return APR_EACCES;
    }
    change.logout = is_logged_out(exchange, bridge);
    change.entries = changes_find(bridge, exchange->visit->pool);
    if (apr_is_empty_table(change.entries) && !is_due(exchange, session)) {
        return OK;
    }
    return change_apply(exchange, r, &change);
}

/* --- Finding mod_session ---------------------------------------------- */

/* A function of mod_session, which may not be there, or be loaded later. */
static apr_dso_handle_sym_t function_find(const module *from,
                                          const char *name, apr_pool_t *pool)
{
    apr_dso_handle_t *library = from->dynamic_load_handle;
    apr_dso_handle_sym_t function = NULL;

    if (!library && apr_dso_load(&library, NULL, pool) != APR_SUCCESS) {
        return NULL;
    }
    return apr_dso_sym(&function, library, name) == APR_SUCCESS ? function
                                                                : NULL;
}

typedef void (*load_hook)(ap_HOOK_session_load_t *, const char *const *,
                          const char *const *, int);
typedef void (*save_hook)(ap_HOOK_session_save_t *, const char *const *,
                          const char *const *, int);

static int bridge_pre_config(apr_pool_t *pconf, apr_pool_t *plog,
                             apr_pool_t *ptemp)
{
    const module *other = ap_find_linked_module("mod_session.c");
    load_hook load;
    save_hook save;

    (void)plog;
    (void)ptemp;
    if (!other) {
        return OK;
    }
    load = (load_hook)function_find(other, "ap_hook_session_load", pconf);
    save = (save_hook)function_find(other, "ap_hook_session_save", pconf);
    if (load && save) {
        load(session_load, NULL, NULL, APR_HOOK_REALLY_LAST);
        save(session_save, NULL, NULL, APR_HOOK_REALLY_LAST);
    }
    return OK;
}

void cp_bridge_session_register(void)
{
    ap_hook_pre_config(bridge_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
}
