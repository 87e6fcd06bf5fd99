#include "socache.h"
#include "clerks.h"
#include "config.h"
#include "words.h"

#include <ap_provider.h>
#include <apr_atomic.h>
#include <apr_global_mutex.h>
#include <apr_strings.h>
#include <util_mutex.h>

/* What providers are told is whose: a prefix of their keys, the name of a
 * file, and of the mutex. At most 14 characters. */
#define CONSUMER "cookiepolicy"

#define KEPT_MUTEX "mod_cookiepolicy: mutex 1"

#define DAY 86400

/* What would end within this second providers take for an error. */
#define SHORTEST_LIFE apr_time_from_sec(2)

static const struct ap_socache_hints hints = {
    CP_CACHE_KEY_LENGTH, 512, apr_time_from_sec(60)
};

typedef struct cp_socache_instance {
    apr_pool_t *pool;           /* NULL: of the configuration */
    ap_socache_instance_t *handle;
    int users;
    bool retired;
    bool proven;
} cp_socache_instance;

struct cp_socache {
    const cp_socache_choice *choice;
    server_rec *server;         /* what the provider logs for */
    apr_global_mutex_t *mutex;  /* of a local provider */
    apr_thread_mutex_t *lock;   /* of this process's instances */
    cp_socache_instance *current;
};

apr_status_t cp_socache_register(apr_pool_t *pool)
{
    return ap_mutex_register(pool, CONSUMER, NULL, APR_LOCK_DEFAULT, 0);
}

/* --- The choice ------------------------------------------------------- */

typedef struct known_provider {
    const char *name;
    apr_uint32_t lifetime_max;  /* seconds; more means something else to it */
    bool one_server;            /* of several it asks another one for what one
                                   does not give, and so revives what was
                                   ended there */
} known_provider;

static const known_provider known[] = {
    { "redis", 400 * DAY, true },
    { "memcache", 30 * DAY, true },
    { "shmcb", 400 * DAY, false },
    { "dbm", 400 * DAY, false },
    { NULL, 30 * DAY, false }
};

static const known_provider *known_find(const char *name)
{
    const known_provider *one = known;

    while (one->name && strcmp(one->name, name)) {
        one++;
    }
    return one;
}

static bool is_local(const ap_socache_provider_t *provider)
{
    return provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE;
}

static const char *provider_missing(cmd_parms *cmd, const char *word,
                                    const char *name)
{
    apr_array_header_t *names = ap_list_provider_names(
        cmd->pool, AP_SOCACHE_PROVIDER_GROUP, AP_SOCACHE_PROVIDER_VERSION);
    const char *loaded = NULL;

    for (int i = 0; i < names->nelts; i++) {
        const char *one = APR_ARRAY_IDX(names, i, ap_list_provider_names_t)
                          .provider_name;

        if (strcmp(one, AP_SOCACHE_DEFAULT_PROVIDER)) {
            loaded = loaded ? apr_pstrcat(cmd->pool, loaded, ", ", one, NULL)
                            : one;
        }
    }
    return apr_psprintf(cmd->pool, "%s: '%s': there is no provider '%s'; "
                        "redis, memcache, shmcb and dbm come with httpd, and "
                        "need LoadModule of mod_socache_redis and so on "
                        "(loaded now: %s)", cmd->cmd->name, word, name,
                        loaded ? loaded : "none");
}

/* What is neither is a host's name to apr_parse_addr_port(). */
static bool is_address(const char *argument, apr_pool_t *pool)
{
    char *host = NULL, *scope = NULL;
    apr_port_t port;

    return apr_parse_addr_port(&host, &scope, &port, argument, pool)
               == APR_SUCCESS
           && host && (*argument == '[' || cp_words_is_host(host));
}

/* @return NULL, or what is wrong, without the directive */
static const char *argument_check(cp_socache_choice *choice, cmd_parms *cmd)
{
    static const char address[] = "a server is HOST or HOST:PORT";
    ap_socache_instance_t *instance = NULL;
    const char *argument = choice->argument;
    const char *wrong;

    if (known_find(choice->provider->name)->one_server) {
        if (argument && strchr(argument, ',')) {
            return "one server only: of several, those that are left would "
                   "take sessions that were ended on one that is away for "
                   "live ones";
        }
        if (!argument || !is_address(argument, cmd->temp_pool)) {
            return address;
        }
    }
    wrong = choice->provider->create(&instance, choice->argument,
                                     cmd->temp_pool, cmd->pool);
    if (wrong) {
        return wrong;
    }
    if (is_local(choice->provider)) {
        choice->local = instance;
        return NULL;
    }
    return choice->provider->init(instance, CONSUMER, &hints, cmd->server,
                                  cmd->temp_pool) == APR_SUCCESS
           ? NULL : address;
}

const char *cp_socache_choose(cmd_parms *cmd, const char *word,
                              const char *what, cp_socache_choice **chosen)
{
    cp_socache_choice *choice = apr_pcalloc(cmd->pool, sizeof(*choice));
    const char *colon = strchr(what, ':');
    const char *name, *wrong;

    choice->word = word;
    name = colon ? apr_pstrmemdup(cmd->pool, what, (apr_size_t)(colon - what))
                 : what;
    choice->argument = colon && colon[1] ? colon + 1 : NULL;
    choice->provider = ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP,
                                          name,
                                          AP_SOCACHE_PROVIDER_VERSION);
    if (!choice->provider) {
        return provider_missing(cmd, word, name);
    }
    choice->lifetime_max = known_find(choice->provider->name)->lifetime_max;
    wrong = argument_check(choice, cmd);
    if (wrong) {
        return apr_psprintf(cmd->pool, "%s: '%s': %s", cmd->cmd->name, word,
                            wrong);
    }
    *chosen = choice;
    return NULL;
}

/* --- Opening ---------------------------------------------------------- */

/* Providers log each failure at a high level, once for each request. What
 * matters of it the store says itself, once; with debugging on they may. */
static server_rec *server_muted(server_rec *server, apr_pool_t *pool)
{
    server_rec *muted = apr_pmemdup(pool, server, sizeof(*server));

    if (APLOG_IS_LEVEL(server, APLOG_DEBUG)) {
        return server;
    }
    muted->log.level = APLOG_EMERG;
    muted->log.module_levels = NULL;
    return muted;
}

/* One for all generations of children: around a graceful restart those of two
 * work on one file. */
static apr_status_t mutex_make(apr_global_mutex_t **mutex, server_rec *server)
{
    apr_global_mutex_t **kept = ap_retained_data_get(KEPT_MUTEX);
    apr_status_t status;

    if (kept) {
        *mutex = *kept;
        return APR_SUCCESS;
    }
    status = ap_global_mutex_create(mutex, NULL, CONSUMER, NULL, server,
                                    server->process->pool, 0);
    if (status == APR_SUCCESS) {
        kept = ap_retained_data_create(KEPT_MUTEX, sizeof(*kept));
        *kept = *mutex;
    }
    return status;
}

static apr_status_t local_open(cp_socache *socache, server_rec *server,
                               apr_pool_t *pool)
{
    const cp_socache_choice *choice = socache->choice;
    apr_status_t status = mutex_make(&socache->mutex, server);

    if (status != APR_SUCCESS) {
        return status;
    }
    socache->current = apr_pcalloc(pool, sizeof(*socache->current));
    socache->current->handle = choice->local;
    /* It is never destroyed: dbm would delete its file, and the sessions. */
    return choice->provider->init(choice->local, CONSUMER, &hints, server,
                                  pool);
}

apr_status_t cp_socache_open(cp_socache **opened,
                             const cp_socache_choice *choice,
                             server_rec *server, apr_pool_t *pool)
{
    cp_socache *socache = apr_pcalloc(pool, sizeof(*socache));

    *opened = socache;
    socache->choice = choice;
    socache->server = server_muted(server, pool);
    return choice->local ? local_open(socache, server, pool) : APR_SUCCESS;
}

apr_status_t cp_socache_child(cp_socache *socache, apr_pool_t *pool)
{
    if (socache->mutex) {
        return apr_global_mutex_child_init(
            &socache->mutex, apr_global_mutex_lockfile(socache->mutex), pool);
    }
    return apr_thread_mutex_create(&socache->lock, APR_THREAD_MUTEX_DEFAULT,
                                   pool);
}

/* --- The cache -------------------------------------------------------- */

static apr_status_t loan_get(cp_cache *cache, const unsigned char *key,
                             unsigned char *value, unsigned int *length)
{
    cp_socache_loan *loan = (cp_socache_loan *)cache;
    const cp_socache *socache = loan->socache;
    apr_status_t status;

    *length = CP_CACHE_VALUE_MAX;
    status = socache->choice->provider->retrieve(
        loan->instance->handle, socache->server, key, CP_CACHE_KEY_LENGTH,
        value, length, cache->pool);
    if (status == APR_ENOMEM || status == APR_ENOSPC) {
        *length = 0;
        return APR_SUCCESS;
    }
    /* What dbm says of a key that is not there. */
    return socache->mutex && status == APR_EGENERAL ? APR_NOTFOUND : status;
}

/* "Not found" is what is said of a server that is away; "in general" is an
 * answer of one that is there, and not the one hoped for. */
static apr_status_t put_status(apr_status_t status)
{
    if (APR_STATUS_IS_NOTFOUND(status)) {
        return APR_ECONNREFUSED;
    }
    return status == APR_EGENERAL ? APR_ENOSPC : status;
}

static apr_status_t loan_put(cp_cache *cache, const unsigned char *key,
                             unsigned char *value, unsigned int length,
                             apr_uint32_t expires)
{
    cp_socache_loan *loan = (cp_socache_loan *)cache;
    const cp_socache *socache = loan->socache;
    apr_time_t shortest = apr_time_now() + SHORTEST_LIFE;
    apr_time_t end = apr_time_from_sec((apr_time_t)expires);
    apr_status_t status;

    if (loan->abandoned && apr_atomic_read32(loan->abandoned)) {
        return APR_TIMEUP;
    }
    status = put_status(socache->choice->provider->store(
        loan->instance->handle, socache->server, key, CP_CACHE_KEY_LENGTH,
        end < shortest ? shortest : end, value, length, cache->pool));
    if (status == APR_ENOSPC) {
        loan->refused = length;
    }
    return status;
}

static apr_status_t loan_drop(cp_cache *cache, const unsigned char *key)
{
    cp_socache_loan *loan = (cp_socache_loan *)cache;
    const cp_socache *socache = loan->socache;

    return socache->choice->provider->remove(
        loan->instance->handle, socache->server, key, CP_CACHE_KEY_LENGTH,
        cache->pool);
}

/* --- Instances -------------------------------------------------------- */

static cp_socache_instance *instance_make(const cp_socache *socache)
{
    const cp_socache_choice *choice = socache->choice;
    cp_socache_instance *instance;
    apr_pool_t *pool = NULL;

    if (cp_threads_pool_make(&pool) != APR_SUCCESS) {
        return NULL;
    }
    instance = apr_pcalloc(pool, sizeof(*instance));
    instance->pool = pool;
    if (choice->provider->create(&instance->handle, choice->argument, pool,
                                 pool)
        || choice->provider->init(instance->handle, CONSUMER, &hints,
                                  socache->server, pool) != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return NULL;
    }
    return instance;
}

/* With the lock held. */
static void instance_retire(cp_socache *socache, cp_socache_instance *instance)
{
    instance->retired = true;
    if (socache->current == instance) {
        socache->current = NULL;
    }
    if (instance->users == 0) {
        apr_pool_destroy(instance->pool);
    }
}

apr_status_t cp_socache_borrow(cp_socache *socache, cp_socache_loan *loan,
                               bool fresh, apr_pool_t *pool)
{
    memset(loan, 0, sizeof(*loan));
    loan->socache = socache;
    loan->cache.get = loan_get;
    loan->cache.put = loan_put;
    loan->cache.drop = loan_drop;
    loan->cache.pool = pool;
    loan->cache.may_be_away = !socache->mutex;
    loan->cache.lifetime_max = socache->choice->lifetime_max;
    if (socache->mutex) {
        loan->instance = socache->current;
        return apr_global_mutex_lock(socache->mutex);
    }
    apr_thread_mutex_lock(socache->lock);
    if (fresh && socache->current) {
        instance_retire(socache, socache->current);
    }
    if (!socache->current) {
        socache->current = instance_make(socache);
    }
    loan->instance = socache->current;
    if (loan->instance) {
        loan->instance->users++;
        loan->proven = loan->instance->proven;
    }
    apr_thread_mutex_unlock(socache->lock);
    return loan->instance ? APR_SUCCESS : APR_ENOMEM;
}

void cp_socache_return(cp_socache_loan *loan, bool failed)
{
    cp_socache *socache = loan->socache;
    cp_socache_instance *instance = loan->instance;

    if (socache->mutex) {
        apr_global_mutex_unlock(socache->mutex);
        return;
    }
    apr_thread_mutex_lock(socache->lock);
    instance->users--;
    instance->proven = instance->proven || !failed;
    if (failed || instance->retired) {
        instance_retire(socache, instance);
    }
    apr_thread_mutex_unlock(socache->lock);
}

void cp_socache_doubt(cp_socache *socache)
{
    if (socache->mutex) {
        return;
    }
    apr_thread_mutex_lock(socache->lock);
    if (socache->current) {
        instance_retire(socache, socache->current);
    }
    apr_thread_mutex_unlock(socache->lock);
}
