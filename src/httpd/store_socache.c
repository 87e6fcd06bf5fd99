/*
 * An operation is done at once under the mutex of a local provider. With a
 * server behind the provider a clerk does it, on a copy, and the request
 * waits for a while at most.
 */
#include "store_socache.h"
#include "clerks.h"
#include "config.h"
#include "throttle.h"

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <apr_shm.h>
#include <apr_strings.h>

/* How long a request waits for a server. Less than the five seconds for which
 * apr_redis and apr_memcache find nothing after a failure: no operation that
 * somebody waits for sees the end of them. */
#define PATIENCE apr_time_from_sec(2)

/* Seconds from one question whether the server is back to the next, and to
 * the next when no answer comes. */
#define PAUSE 1
#define LONG_PAUSE 60

/* Clerks of one process: a server that hangs holds on to no more threads. */
#define CLERKS_MIN 4
#define CLERKS_MAX 16

/* What all processes know of the provider. */
typedef struct outlook {
    volatile apr_uint32_t away;     /* since this second; 0: it is not */
    volatile apr_uint32_t ask;      /* not before this second */
    volatile apr_uint32_t renewed;  /* the canary */
} outlook;

typedef struct socache_store {
    cp_store base;
    const cp_socache_choice *choice;
    server_rec *server;
    apr_uint32_t lifetime;
    cp_socache *socache;
    outlook *outlook;
    cp_clerks *clerks;          /* of this process */
} socache_store;

static cp_throttle losses = { .lines = 4, .period = 60 };
static cp_throttle returns = { .lines = 4, .period = 60 };
static cp_throttle lapses = { .lines = 1, .period = 60 };
static cp_throttle refusals = { .lines = 1, .period = 60 };

static apr_uint32_t seconds_now(void)
{
    return (apr_uint32_t)apr_time_sec(apr_time_now());
}

/* --- Away and back ---------------------------------------------------- */

static void away_note(socache_store *store, apr_status_t status)
{
    apr_uint32_t now = seconds_now();

    if (apr_atomic_cas32(&store->outlook->away, now, 0) != 0) {
        return;
    }
    apr_atomic_set32(&store->outlook->ask, now + PAUSE);
    if (cp_throttle_admits(&losses)) {
        ap_log_error(APLOG_MARK, APLOG_ERR, status, store->server,
                     CP_LOG(0040) "CookiePolicySessionStore: %s is away; "
                     "requests go on as anonymous, their cookies untouched, "
                     "until it is back", store->choice->word);
    }
}

static void back_note(socache_store *store)
{
    apr_uint32_t away = apr_atomic_read32(&store->outlook->away);

    if (away != 0
        && apr_atomic_cas32(&store->outlook->away, 0, away) == away
        && cp_throttle_admits(&returns)) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, store->server, CP_LOG(0041)
                     "CookiePolicySessionStore: %s is back; it was away for %u "
                     "s", store->choice->word, seconds_now() - away);
    }
}

static void oddities_log(const socache_store *store,
                         const cp_socache_loan *loan)
{
    if (loan->cache.forgot && cp_throttle_admits(&lapses)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, store->server,
                     CP_LOG(0042) "CookiePolicySessionStore: %s answers, but "
                     "has lost what it should keep: the sessions in it are "
                     "gone, or some of them", store->choice->word);
    }
    if (loan->refused && cp_throttle_admits(&refusals)) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, store->server, CP_LOG(0043)
                     "CookiePolicySessionStore: %s refuses to keep %u bytes: "
                     "they are too many, it is full, or it wants a password",
                     store->choice->word, loan->refused);
    }
}

/* --- Operations ------------------------------------------------------- */

typedef struct operation operation;

struct operation {
    cp_errand errand;           /* first */
    socache_store *store;
    apr_status_t (*act)(operation *it, cp_cache *cache);
    cp_store_name name;
    apr_uint32_t now;
    apr_uint32_t expires;
    cp_store_record record;
    apr_status_t status;
};

/* Whether it says that nothing is known of the record. */
static bool is_failure(apr_status_t status)
{
    return status != APR_SUCCESS && !APR_STATUS_IS_NOTFOUND(status)
           && status != APR_EEXIST && status != APR_ENOSPC;
}

/* @return whether another instance may do better: a connection that was there
 *         before the server was started anew fails, and says nothing of it */
static bool operation_try(operation *it, bool fresh)
{
    socache_store *store = it->store;
    cp_socache_loan loan;
    bool failed;

    it->status = cp_socache_borrow(store->socache, &loan, fresh,
                                   it->errand.pool);
    if (it->status != APR_SUCCESS) {
        return false;
    }
    loan.abandoned = &it->errand.abandoned;
    loan.cache.lifetime = store->lifetime;
    loan.cache.renewed = &store->outlook->renewed;
    it->status = it->act(it, &loan.cache);
    failed = is_failure(it->status);
    cp_socache_return(&loan, failed);
    oddities_log(store, &loan);
    return failed && loan.proven;
}

static void operation_run(cp_errand *errand)
{
    operation *it = (operation *)errand;

    while (operation_try(it, false)
           && !apr_atomic_read32(&errand->abandoned)) {
        continue;
    }
}

static void question_run(cp_errand *errand)
{
    operation *it = (operation *)errand;

    operation_try(it, true);
    if (!is_failure(it->status)) {
        back_note(it->store);
    }
    apr_atomic_set32(&it->store->outlook->ask, seconds_now() + PAUSE);
}

static apr_status_t act_check(operation *it, cp_cache *cache)
{
    return cp_cache_check(cache, it->now);
}

/* Asks whether the server is back, for which nobody waits. One process at a
 * time does; if it dies over it, another one does after a while. */
static void question_send(socache_store *store)
{
    apr_uint32_t now = seconds_now();
    apr_uint32_t ask = apr_atomic_read32(&store->outlook->ask);
    operation *it;

    /* A clock that was set back does not put it off for ever. */
    if ((now < ask && ask - now <= LONG_PAUSE)
        || apr_atomic_cas32(&store->outlook->ask, now + LONG_PAUSE, ask)
           != ask) {
        return;
    }
    it = (operation *)cp_errand_make(sizeof(*it), question_run);
    if (it) {
        it->store = store;
        it->act = act_check;
        it->now = now;
        cp_clerks_send(store->clerks, &it->errand);
        cp_errand_release(&it->errand);
    }
}

static operation *operation_make(cp_store *base, const cp_store_name *name,
                                 apr_uint32_t now,
                                 apr_status_t (*act)(operation *, cp_cache *))
{
    operation *it = (operation *)cp_errand_make(sizeof(*it), operation_run);

    if (it) {
        it->store = (socache_store *)base;
        it->act = act;
        it->name = *name;
        it->now = now;
    }
    return it;
}

static apr_status_t served_do(operation *it)
{
    socache_store *store = it->store;
    apr_status_t status;

    if (apr_atomic_read32(&store->outlook->away)) {
        question_send(store);
        return APR_TIMEUP;
    }
    status = cp_clerks_run(store->clerks, &it->errand, PATIENCE);
    if (status != APR_SUCCESS) {
        cp_socache_doubt(store->socache);
    }
    else {
        status = it->status;
    }
    if (is_failure(status)) {
        away_note(store, status);
    }
    return status;
}

static apr_status_t local_do(operation *it)
{
    operation_run(&it->errand);
    if (is_failure(it->status)) {
        away_note(it->store, it->status);
    }
    else {
        back_note(it->store);
    }
    return it->status;
}

/* Does it, and on APR_SUCCESS leaves it to its maker to release. */
static apr_status_t operation_do(operation *it)
{
    apr_status_t status;

    if (!it) {
        return APR_ENOMEM;
    }
    if (it->store->choice->local) {
        status = local_do(it);
    }
    else {
        status = it->store->clerks ? served_do(it) : APR_EGENERAL;
    }
    if (status != APR_SUCCESS) {
        cp_errand_release(&it->errand);
    }
    return status;
}

static apr_status_t act_load(operation *it, cp_cache *cache)
{
    return cp_cache_load(cache, &it->name, it->now, &it->record);
}

static apr_status_t socache_load(cp_store *base, const cp_store_name *name,
                                 apr_uint32_t now, cp_store_record *record,
                                 apr_pool_t *pool)
{
    operation *it = operation_make(base, name, now, act_load);
    apr_status_t status = operation_do(it);

    if (status == APR_SUCCESS) {
        *record = it->record;
        record->value.at = apr_pmemdup(pool, it->record.value.at,
                                       it->record.value.length);
        cp_errand_release(&it->errand);
    }
    return status;
}

static apr_status_t act_save(operation *it, cp_cache *cache)
{
    return cp_cache_save(cache, &it->name, it->now, &it->record);
}

static apr_status_t socache_save(cp_store *base, const cp_store_name *name,
                                 apr_uint32_t now, cp_store_record *record)
{
    operation *it = operation_make(base, name, now, act_save);
    apr_status_t status;

    if (it) {
        it->record = *record;
        it->record.value.at = apr_pmemdup(it->errand.pool, record->value.at,
                                          record->value.length);
    }
    status = operation_do(it);
    if (status == APR_SUCCESS) {
        record->revision = it->record.revision;
        cp_errand_release(&it->errand);
    }
    return status;
}

static apr_status_t act_touch(operation *it, cp_cache *cache)
{
    return cp_cache_touch(cache, &it->name, it->now, it->expires);
}

static apr_status_t socache_touch(cp_store *base, const cp_store_name *name,
                                  apr_uint32_t now, apr_uint32_t expires)
{
    operation *it = operation_make(base, name, now, act_touch);
    apr_status_t status;

    if (it) {
        it->expires = expires;
    }
    status = operation_do(it);
    if (status == APR_SUCCESS) {
        cp_errand_release(&it->errand);
    }
    return status;
}

static apr_status_t act_remove(operation *it, cp_cache *cache)
{
    return cp_cache_remove(cache, &it->name, it->now);
}

static apr_status_t socache_remove(cp_store *base, const cp_store_name *name,
                                   apr_uint32_t now)
{
    operation *it = operation_make(base, name, now, act_remove);
    apr_status_t status = operation_do(it);

    if (status == APR_SUCCESS) {
        cp_errand_release(&it->errand);
    }
    return status;
}

static apr_status_t socache_count(cp_store *base, apr_uint32_t now,
                                  cp_store_counts *counts)
{
    (void)base, (void)now, (void)counts;
    return APR_ENOTIMPL;
}

/* The provider could list, under its mutex, for as long as that takes. */
static apr_status_t socache_list(cp_store *base, apr_uint32_t part,
                                 apr_uint32_t now,
                                 apr_array_header_t *entries)
{
    (void)base, (void)part, (void)now, (void)entries;
    return APR_ENOTIMPL;
}

/* --- The store -------------------------------------------------------- */

static const cp_store_provider socache_provider = {
    "socache",
    socache_load,
    socache_save,
    socache_touch,
    socache_remove,
    socache_count,
    socache_list,
    socache_load
};

static socache_store *store_of(const cp_store *store)
{
    return store && store->provider == &socache_provider
           ? (socache_store *)store : NULL;
}

bool cp_store_socache_is_away(const cp_store *store)
{
    const socache_store *self = store_of(store);

    return self && apr_atomic_read32(&self->outlook->away);
}

apr_status_t cp_store_socache_open(cp_store **opened,
                                   const cp_socache_choice *choice,
                                   apr_uint32_t lifetime, server_rec *server,
                                   apr_pool_t *pool, const char **error)
{
    socache_store *store = apr_pcalloc(pool, sizeof(*store));
    apr_shm_t *shm = NULL;
    apr_status_t status = apr_shm_create(&shm, sizeof(*store->outlook), NULL,
                                         pool);

    if (status == APR_SUCCESS) {
        store->outlook = apr_shm_baseaddr_get(shm);
        memset(store->outlook, 0, sizeof(*store->outlook));
        status = cp_socache_open(&store->socache, choice, server, pool);
    }
    if (status != APR_SUCCESS) {
        *error = apr_psprintf(pool, "%s cannot be opened: %pm", choice->word,
                              &status);
        return status;
    }
    store->base.provider = &socache_provider;
    store->choice = choice;
    store->server = server;
    store->lifetime = lifetime;
    *opened = &store->base;
    return APR_SUCCESS;
}

static void child_init(apr_pool_t *pool, server_rec *server)
{
    socache_store *store = store_of(cp_server_config_of(server)->site.store);
    apr_status_t status;
    int threads = 0;

    if (!store) {
        return;
    }
    status = cp_socache_child(store->socache, pool);
    if (status == APR_SUCCESS && !store->choice->local) {
        ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
        threads = threads < CLERKS_MIN ? CLERKS_MIN : threads;
        threads = threads > CLERKS_MAX ? CLERKS_MAX : threads;
        status = cp_clerks_make(&store->clerks, (apr_size_t)threads);
    }
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, server, CP_LOG(0044)
                     "CookiePolicySessionStore: a process cannot use %s",
                     store->choice->word);
    }
}

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog, (void)ptemp;
    return cp_socache_register(pconf) == APR_SUCCESS
           ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

void cp_store_socache_register(void)
{
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
