/*
 * From directives to what requests need. All that can be wrong is found in
 * check_config, so that `apachectl -t` finds it; post_config then makes keys
 * and store. On a reload both keep what the running server has where the new
 * would fail: a failing post_config would end the server.
 */
#include "compile.h"
#include "banner.h"
#include "consent_log.h"
#include "directives_language.h"
#include "hosts.h"
#include "keeper.h"
#include "keyfile.h"
#include "lifeline.h"
#include "neighbours.h"
#include "phrasebook.h"
#include "store_socache.h"
#include "store_watch.h"

#include <http_core.h>
#include <mpm_common.h>

#define WANTED "mod_cookiepolicy: wanted"
#define BANNER_WANTED "mod_cookiepolicy: banner wanted"
#define REQUIRED "mod_cookiepolicy: required"

#define DEFAULT_IDLE (30 * 60)
#define DEFAULT_ABSOLUTE (12 * 3600)
#define DEFAULT_CONSENT_LIFETIME (180 * 86400)
#define LANGUAGE_AGE (365 * 86400)

void cp_config_want(apr_pool_t *pool)
{
    apr_pool_userdata_setn("", WANTED, NULL, pool);
}

void cp_config_want_banner(apr_pool_t *pool)
{
    apr_pool_userdata_setn("", BANNER_WANTED, NULL, pool);
}

static bool is_wanted(const char *what, apr_pool_t *pool)
{
    void *wanted = NULL;

    apr_pool_userdata_get(&wanted, what, pool);
    return wanted != NULL;
}

static bool is_reload(void)
{
    return ap_state_query(AP_SQ_CONFIG_GEN) > 0;
}

int cp_compile_complain(server_rec *s, const char *what, const char *why)
{
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, CP_LOG(0001)
                 "%s%s, virtual host %s", what, why,
                 cp_host_name(s, s->process->pconf));
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* Not in the host's own configuration: it may have none yet. */
static apr_array_header_t *required_list(apr_pool_t *pool)
{
    void *list = NULL;

    apr_pool_userdata_get(&list, REQUIRED, pool);
    if (!list) {
        list = apr_array_make(pool, 4, sizeof(cp_required));
        apr_pool_userdata_setn(list, REQUIRED, NULL, pool);
    }
    return list;
}

void cp_config_require(cmd_parms *cmd, const char *category)
{
    if (!ap_check_cmd_context(cmd, NOT_IN_HTACCESS)) {
        *(cp_required *)apr_array_push(required_list(cmd->pool)) =
            (cp_required){ cmd->server, category };
    }
}

static int required_check(const apr_array_header_t *required,
                          apr_pool_t *pool)
{
    for (int i = 0; i < required->nelts; i++) {
        const cp_required *one = &APR_ARRAY_IDX(required, i, cp_required);
        const cp_policy *policy = cp_server_config_of(one->server)
                                  ->site.policy;

        if (one->category
            && cp_policy_category(policy, cp_span_of(one->category)) < 0) {
            return cp_compile_complain(
                (server_rec *)one->server,
                apr_psprintf(pool, "Require cookie-consent: there is no "
                             "category '%s'", one->category), "");
        }
    }
    return OK;
}

/* --- Attributes ------------------------------------------------------- */

static void attributes_default(cp_attributes *attributes, int cookie,
                               int consent_lifetime)
{
    /* The other three are what scripts of the page go by. */
    static const bool http_only[CP_MANAGED_COUNT] = { [CP_SESSION] = true };
    const int max_age[CP_MANAGED_COUNT] = {
        [CP_SESSION] = CP_COOKIE_AGE_SESSION,
        [CP_CSRF] = CP_COOKIE_AGE_SESSION,
        [CP_LANGUAGE] = LANGUAGE_AGE,
        [CP_PREFERENCES] = consent_lifetime
    };

    if (!attributes->name) {
        attributes->name = cp_rooms[cookie]->name;
    }
    if (!attributes->path) {
        attributes->path = "/";
    }
    if (!attributes->same_site) {
        attributes->same_site = "Lax";
    }
    if (!attributes->http_only_set) {
        attributes->http_only = http_only[cookie];
    }
    if (attributes->max_age == CP_COOKIE_AGE_UNSET) {
        attributes->max_age = max_age[cookie];
    }
}

static bool domain_covers(const char *domain, const char *host)
{
    size_t domain_length = strlen(domain);
    size_t host_length = host ? strlen(host) : 0;

    return host_length == 0
           || (host_length >= domain_length
               && strcasecmp(host + host_length - domain_length, domain) == 0
               && (host_length == domain_length
                   || host[host_length - domain_length - 1] == '.'));
}

/* @return what is wrong with one of them, in words that follow its name, or
 *         NULL */
static const char *attributes_check(const cp_server_config *config, int i)
{
    const cp_attributes *all = config->site.attributes;

    if (config->realm && !all[i].domain) {
        return "needs a domain=, since CookiePolicyRealm joins hosts";
    }
    for (int j = 0; j < CP_MANAGED_COUNT; j++) {
        if ((j < i && strcasecmp(all[i].name, all[j].name) == 0)
            || (j != i && strcasecmp(all[i].name, cp_rooms[j]->name) == 0)) {
            return "has a name= that another managed cookie has";
        }
    }
    return NULL;
}

static int attributes_complain(server_rec *s, int cookie, const char *wrong,
                               apr_pool_t *pool)
{
    return cp_compile_complain(s, apr_pstrcat(pool, "CookiePolicyAttributes ",
                                              cp_rooms[cookie]->name, " ",
                                              NULL), wrong);
}

static int attributes_compile(server_rec *s, cp_server_config *config,
                              apr_pool_t *pool)
{
    cp_attributes *all = cp_attributes_create(pool);

    if (config->attributes) {
        memcpy(all, config->attributes, CP_MANAGED_COUNT * sizeof(*all));
    }
    config->site.attributes = all;
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        attributes_default(&all[i], i, (int)config->site.consent_lifetime);
    }
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        const char *wrong = cp_attributes_compile(&all[i], pool);

        wrong = wrong ? wrong : attributes_check(config, i);
        if (wrong) {
            return attributes_complain(s, i, wrong, pool);
        }
    }
    return OK;
}

/* Of each host, also of those that share a configuration. */
static int domains_check(server_rec *s, apr_pool_t *pool)
{
    const cp_attributes *all = cp_server_config_of(s)->site.attributes;

    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (all[i].domain && !domain_covers(all[i].domain,
                                            s->server_hostname)) {
            return attributes_complain(s, i, "has a domain= that the virtual "
                                       "host's name is not in", pool);
        }
    }
    return OK;
}

/* --- Virtual hosts ---------------------------------------------------- */

/* @param banners  NULL: they could not be made */
static int banner_compile(server_rec *s, cp_banners *banners)
{
    cp_server_config *config = cp_server_config_of(s);
    const cp_dir_config *dir = cp_dir_defaults_of(s);
    cp_banner_wish wish = {
        .site = &config->site, .base = config->path,
        .languages = dir->terms.languages, .phrases = config->phrases,
        .controller = config->controller_name, .version = CP_VERSION,
        .tokens = dir->terms.csrf == CP_CSRF_ON
    };

    if (!cp_banner_asks(config->site.policy)) {
        return OK;
    }
    config->banner = banners ? cp_banner_of(banners, &wish) : NULL;
    return config->banner ? OK
           : cp_compile_complain(s, "the banner could not be made", "");
}

static apr_uint32_t seconds_or(int configured, apr_uint32_t otherwise)
{
    return configured == CP_UNSET ? otherwise : (apr_uint32_t)configured;
}

/* Whether a host adds nothing of attributes to what another has. */
static bool has_attributes_of(const cp_server_config *one,
                              const cp_server_config *two)
{
    return !one->realm == !two->realm
           && one->site.consent_lifetime == two->site.consent_lifetime
           && one->attributes == two->attributes;
}

/* What the hosts' configurations are compiled with. */
typedef struct compilation {
    const cp_server_config *first;      /* the main server's; it comes first */
    cp_phrasebook *phrasebook;
    cp_policies *policies;
    bool asks;                  /* some page may have the banner */
    cp_banners *banners;        /* NULL without, or where they fail */
    apr_pool_t *pool;
} compilation;

static int server_compile(server_rec *s, const compilation *with)
{
    cp_server_config *config = cp_server_config_of(s);
    cp_site *site = &config->site;
    const char *error = NULL;
    int wrong = OK;

    config->phrases = cp_phrasebook_find(with->phrasebook,
                                         config->language_files, &error);
    if (!config->phrases) {
        return cp_compile_complain(s, "CookiePolicyLanguageFile ", error);
    }
    config->requires_visitor = required_list(with->pool)->nelts > 0;

    if (!config->path) {
        config->path = "/cookie-policy";
    }
    site->session = config->session == CP_UNSET
                    ? CP_SESSION_ON : (cp_session_mode)config->session;
    site->idle = seconds_or(config->idle, DEFAULT_IDLE);
    site->absolute = seconds_or(config->absolute, DEFAULT_ABSOLUTE);
    site->consent_lifetime = seconds_or(config->consent_lifetime,
                                        DEFAULT_CONSENT_LIFETIME);
    site->gpc = config->gpc != 0;
    if (site->idle > site->absolute) {
        return cp_compile_complain(s, "CookiePolicySessionTimeout: idle= is "
                                   "longer than absolute=", "");
    }
    if (config != with->first && has_attributes_of(config, with->first)) {
        site->attributes = with->first->site.attributes;
    }
    else {
        wrong = attributes_compile(s, config, with->pool);
    }
    wrong = wrong ? wrong : cp_policy_of_server(s, with->policies);
    return wrong || !with->asks ? wrong : banner_compile(s, with->banners);
}

static const char *state_dir_of(const cp_server_config *config)
{
    return config->state_dir ? config->state_dir : CP_STATEDIR;
}

static const char *key_file_of(const cp_server_config *config,
                               apr_pool_t *pool)
{
    return config->key_file ? config->key_file
           : apr_pstrcat(pool, state_dir_of(config), "/cookiepolicy.keys",
                         NULL);
}

/* @return what is wrong with the directory of a file, or NULL */
static const char *directory_check(const char *file, apr_pool_t *pool)
{
    const char *directory = ap_make_dirstr_parent(pool, file);
    apr_finfo_t info;

    return apr_stat(&info, directory, APR_FINFO_TYPE, pool) == APR_SUCCESS
           && info.filetype == APR_DIR
           ? NULL : apr_pstrcat(pool, directory, " is no directory", NULL);
}

/* A file that is not there is made at start, where there is a directory for
 * it. @return what is wrong, or NULL */
static const char *key_file_check(const char *file, apr_pool_t *pool)
{
    const char *error = NULL;
    apr_finfo_t info;
    cp_keys keys;

    if (apr_stat(&info, file, APR_FINFO_TYPE, pool) == APR_SUCCESS) {
        cp_keyfile_read(&keys, file, &error, pool);
        return error;
    }
    error = directory_check(file, pool);
    return error ? apr_psprintf(pool, "%s: key file %s cannot be made in it",
                                error, file) : NULL;
}

/* Hosts without a directive of ours have the main server's configuration: of
 * ten thousand hosts most may be such. */
static int servers_compile(server_rec *main_server, apr_pool_t *pconf,
                           apr_pool_t *ptemp)
{
    const char *error = NULL;
    const cp_phrases *standard = cp_language_standard(&error, pconf);
    bool asks = is_wanted(BANNER_WANTED, pconf);
    const compilation with = {
        cp_server_config_of(main_server),
        cp_phrasebook_make(standard, pconf, ptemp),
        cp_policies_make(pconf, ptemp), asks,
        asks ? cp_banners_make(pconf, ptemp) : NULL, pconf
    };
    int wrong = OK;

    if (!standard) {
        return cp_compile_complain(main_server, error, "");
    }
    for (server_rec *s = main_server; s && !wrong; s = s->next) {
        if (s == main_server || cp_server_config_of(s) != with.first) {
            cp_dir_config_compile(cp_dir_defaults_of(s));
            wrong = server_compile(s, &with);
        }
        wrong = wrong ? wrong : domains_check(s, ptemp);
    }
    return wrong ? wrong : required_check(required_list(pconf), ptemp);
}

static int cp_check_config(apr_pool_t *pconf, apr_pool_t *plog,
                           apr_pool_t *ptemp, server_rec *main_server)
{
    const char *session_file = cp_server_config_of(main_server)->session_file;
    const char *wrong_file;
    int wrong;

    (void)plog;
    if (!is_wanted(WANTED, pconf)) {
        return OK;
    }
    wrong = servers_compile(main_server, pconf, ptemp);
    if (wrong) {
        return wrong;
    }
    wrong_file = session_file ? directory_check(session_file, ptemp) : NULL;
    if (wrong_file) {
        return cp_compile_complain(main_server, "CookiePolicySessionFile: ",
                                   wrong_file);
    }
    /* On a reload the running server's keys stand in for a broken file, see
     * cp_lifeline_keys(). */
    wrong_file = is_reload() ? NULL
                 : key_file_check(key_file_of(cp_server_config_of(main_server),
                                              ptemp), ptemp);
    return wrong_file ? cp_compile_complain(main_server, wrong_file, "") : OK;
}

static cp_store *store_open(server_rec *main_server, apr_pool_t *pool)
{
    const cp_server_config *config = cp_server_config_of(main_server);
    cp_store_wish wish = { config->store_socache, state_dir_of(config),
                           config->store_size, 0 };

    for (server_rec *s = main_server; s; s = s->next) {
        apr_uint32_t absolute = cp_server_config_of(s)->site.absolute;

        wish.lifetime = absolute > wish.lifetime ? absolute : wish.lifetime;
    }
    /* The first start has generation 1 by the time it comes here. */
    return cp_lifeline_store(main_server, &wish,
                             ap_state_query(AP_SQ_CONFIG_GEN) > 1, pool);
}

/* Each host signs for itself, but a language needs no signature. */
static void domains_warn(server_rec *main_server, apr_pool_t *pool)
{
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        cp_hosts apart = { 0 };

        for (server_rec *s = main_server; s; s = s->next) {
            const cp_server_config *config = cp_server_config_of(s);

            if (i != CP_LANGUAGE && config->site.attributes[i].domain
                && !config->realm) {
                cp_hosts_add(&apart, s, pool);
            }
        }
        if (apart.count) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server,
                         CP_LOG(0002) "CookiePolicyAttributes %s has a "
                         "domain=, but no CookiePolicyRealm joins its hosts: "
                         "they will overwrite each other's cookie: %s",
                         cp_rooms[i]->name, cp_hosts_say(&apart, pool));
        }
    }
}

static int cp_post_config(apr_pool_t *pconf, apr_pool_t *plog,
                          apr_pool_t *ptemp, server_rec *main_server)
{
    const cp_server_config *main_config = cp_server_config_of(main_server);
    cp_counters *counters;
    cp_inventory *inventory;
    cp_keyring *ring;
    cp_store *store;

    (void)plog;
    if (!is_wanted(WANTED, pconf)
        || ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    store = store_open(main_server, pconf);
    ring = store ? cp_lifeline_keys(main_server,
                                    key_file_of(main_config, pconf), store,
                                    pconf)
                 : NULL;
    if (!ring) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    counters = cp_lifeline_counters();
    inventory = cp_lifeline_inventory();
    for (server_rec *s = main_server; s; s = s->next) {
        cp_server_config *config = cp_server_config_of(s);

        config->counters = counters;
        config->inventory = inventory;
        config->site.ring = ring;
        config->site.store = store;
    }
    domains_warn(main_server, ptemp);
    cp_keeper_start(main_server, main_config->session_file, store, ring,
                    cp_lifeline_store_is_fresh(), pconf);
    cp_neighbours_check(main_server, ptemp);
    return cp_consent_log_open(main_server, pconf);
}

void cp_compile_register(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_check_config(cp_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(cp_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    cp_consent_log_register();
    cp_store_socache_register();
    cp_store_watch_register();
}
