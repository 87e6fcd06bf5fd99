/*
 * httpd unloads this module and loads it again on every reload. What is kept
 * meanwhile is plain data, without pointers to anything of this module's.
 */
#include "lifeline.h"
#include "config.h"
#include "keyfile.h"
#include "store_absent.h"
#include "store_shm.h"
#include "store_socache.h"

#include <openssl/crypto.h>

#define KEPT_KEYS "mod_cookiepolicy: keys 1"
#define KEPT_STORE "mod_cookiepolicy: store 2"
#define KEPT_WISH "mod_cookiepolicy: wish 1"
#define KEPT_COUNTERS "mod_cookiepolicy: counters 2"
#define KEPT_INVENTORY "mod_cookiepolicy: inventory 1"

#define WISH_LENGTH 256

#define DEFAULT_STORE_SIZE ((apr_size_t)32 << 20)

static apr_uint32_t seconds_now(void)
{
    return (apr_uint32_t)apr_time_sec(apr_time_now());
}

/* --- Keys ------------------------------------------------------------- */

/* @return whether the file was there or has been made */
static bool file_make(server_rec *server, const char *file, cp_store *store,
                      apr_pool_t *pool)
{
    const char *error = NULL;
    cp_store_counts counts;
    apr_finfo_t info;
    apr_status_t status;

    if (apr_stat(&info, file, APR_FINFO_TYPE, pool) == APR_SUCCESS) {
        return true;
    }
    status = cp_keyfile_create(file, seconds_now(), &error, pool);
    if (status != APR_SUCCESS && !APR_STATUS_IS_EEXIST(status)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, CP_LOG(0003)
                     "%s", error);
        return false;
    }
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, server, CP_LOG(0004)
                 "made key file %s with a new key", file);
    if (store->provider->count(store, seconds_now(), &counts) == APR_SUCCESS
        && counts.anonymous + counts.owned > 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server, CP_LOG(0005)
                     "%" APR_UINT64_T_FMT " stored sessions are lost: they "
                     "were sealed under keys of a file that is gone",
                     counts.anonymous + counts.owned);
    }
    return true;
}

cp_keyring *cp_lifeline_keys(server_rec *server, const char *file,
                             cp_store *store, apr_pool_t *pool)
{
    cp_keys *kept = ap_retained_data_get(KEPT_KEYS);
    const char *error = NULL;
    cp_keyring *ring;
    cp_keys keys;

    if (!kept && !file_make(server, file, store, pool)) {
        return NULL;
    }
    if (cp_keyfile_read(&keys, file, &error, pool) == APR_SUCCESS) {
        if (kept) {
            cp_keys_follow(&keys, kept);
        }
        else {
            kept = ap_retained_data_create(KEPT_KEYS, sizeof(*kept));
        }
        *kept = keys;
    }
    else if (kept) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, server, CP_LOG(0006)
                     "%s; the keys of the running server stay in force",
                     error);
        keys = *kept;
    }
    else {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, CP_LOG(0003)
                     "%s", error);
        return NULL;
    }
    ring = cp_keyring_make(&keys, pool);
    OPENSSL_cleanse(&keys, sizeof(keys));
    if (!ring) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, CP_LOG(0024)
                     "OpenSSL does not give HMAC, CMAC, HKDF and AES-256-GCM");
    }
    return ring;
}

/* --- The store -------------------------------------------------------- */

typedef struct kept_store {
    apr_shm_t *shm;
    apr_size_t size;
    bool fresh;                 /* made empty, and not asked for since */
} kept_store;

static void origin_log(server_rec *server, cp_store_shm_origin origin,
                       const char *file)
{
    if (origin == CP_STORE_SHM_CARRIED) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, server, CP_LOG(0007)
                     "session store %s has a new size; its sessions were "
                     "carried over", file);
    }
    else if (origin == CP_STORE_SHM_REPLACED) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server, CP_LOG(0008)
                     "session store %s was damaged or of another version "
                     "and has been replaced; its sessions are lost", file);
    }
}

static cp_store *store_open(server_rec *server, const char *file,
                            apr_size_t size)
{
    cp_store_shm_origin origin;
    const char *error = NULL;
    apr_pool_t *forever = NULL;
    cp_store *store = NULL;
    kept_store *kept;

    apr_pool_create_unmanaged_ex(&forever, NULL, NULL);
    if (cp_store_shm_open(&store, &origin, file, size, seconds_now(), &error,
                          forever) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, CP_LOG(0009)
                     "CookiePolicySessionStore: %s", error);
        return NULL;
    }
    origin_log(server, origin, file);
    kept = ap_retained_data_create(KEPT_STORE, sizeof(*kept));
    kept->shm = cp_store_shm_segment(store);
    kept->size = size;
    kept->fresh = origin == CP_STORE_SHM_CREATED
                  || origin == CP_STORE_SHM_REPLACED;
    return store;
}

bool cp_lifeline_store_is_fresh(void)
{
    kept_store *kept = ap_retained_data_get(KEPT_STORE);
    bool fresh = kept && kept->fresh;

    if (kept) {
        kept->fresh = false;
    }
    return fresh;
}

static cp_store *shm_open_or_keep(server_rec *server,
                                  const cp_store_wish *wish,
                                  apr_pool_t *pool)
{
    const kept_store *kept = ap_retained_data_get(KEPT_STORE);
    apr_size_t size = wish->size ? wish->size : DEFAULT_STORE_SIZE;
    cp_store *store;

    if (!kept) {
        return store_open(server, apr_pstrcat(pool, wish->state_dir,
                                              "/cookiepolicy.sessions",
                                              NULL), size);
    }
    if (kept->size != size) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server, CP_LOG(0010)
                     "CookiePolicySessionStore: the new size takes effect "
                     "when the server is stopped and started");
    }
    store = cp_store_shm_adopt(kept->shm, pool);
    if (!store) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, CP_LOG(0025)
                     "the session store of the running server is of another "
                     "version: stop httpd and start it");
    }
    return store;
}

static cp_store *socache_open(server_rec *server, const cp_store_wish *wish,
                              apr_pool_t *pool)
{
    const char *error = NULL;
    cp_store *store = NULL;

    if (cp_store_socache_open(&store, wish->socache, wish->lifetime, server,
                              pool, &error) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, CP_LOG(0009)
                     "CookiePolicySessionStore: %s", error);
        return NULL;
    }
    return store;
}

/* What was said of the store before is kept as text, cut: it only is compared
 * with what is said now. */
static void wish_compare(server_rec *server, const cp_store_wish *wish)
{
    const char *word = wish->socache ? wish->socache->word : "shm";
    char *kept = ap_retained_data_get(KEPT_WISH);

    if (!kept) {
        kept = ap_retained_data_create(KEPT_WISH, WISH_LENGTH);
    }
    else if (strncmp(kept, word, WISH_LENGTH - 1)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server, CP_LOG(0045)
                     "CookiePolicySessionStore: from now on sessions are kept "
                     "in %s; those in %s are not carried over", word, kept);
    }
    apr_cpystrn(kept, word, WISH_LENGTH);
}

cp_store *cp_lifeline_store(server_rec *server, const cp_store_wish *wish,
                            bool is_reload, apr_pool_t *pool)
{
    cp_store *store = wish->socache ? socache_open(server, wish, pool)
                                    : shm_open_or_keep(server, wish, pool);

    if (store) {
        wish_compare(server, wish);
    }
    else if (is_reload) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, server, CP_LOG(0046)
                     "CookiePolicySessionStore: there is none until the next "
                     "reload that opens it; requests go on as anonymous");
        store = cp_store_absent_make(pool);
    }
    return store;
}

/* --- Counters --------------------------------------------------------- */

cp_counters *cp_lifeline_counters(void)
{
    apr_shm_t **kept = ap_retained_data_get(KEPT_COUNTERS);
    apr_pool_t *forever = NULL;
    apr_shm_t *shm = NULL;

    if (kept) {
        return apr_shm_baseaddr_get(*kept);
    }
    apr_pool_create_unmanaged_ex(&forever, NULL, NULL);
    if (apr_shm_create(&shm, sizeof(cp_counters), NULL, forever)
        != APR_SUCCESS) {
        return NULL;
    }
    memset(apr_shm_baseaddr_get(shm), 0, sizeof(cp_counters));
    kept = ap_retained_data_create(KEPT_COUNTERS, sizeof(*kept));
    *kept = shm;
    return apr_shm_baseaddr_get(shm);
}

/* --- The inventory ---------------------------------------------------- */

static void *inventory_memory(apr_shm_t **kept)
{
    apr_pool_t *forever = NULL;

    apr_pool_create_unmanaged_ex(&forever, NULL, NULL);
    return apr_shm_create(kept, cp_inventory_size(), NULL, forever)
           == APR_SUCCESS ? apr_shm_baseaddr_get(*kept) : NULL;
}

cp_inventory *cp_lifeline_inventory(void)
{
    apr_shm_t **kept = ap_retained_data_get(KEPT_INVENTORY);
    cp_inventory *inventory = NULL;
    apr_shm_t *shm = NULL;
    void *memory;

    if (kept) {
        inventory = cp_inventory_adopt(apr_shm_baseaddr_get(*kept));
    }
    if (inventory) {
        return inventory;
    }
    memory = inventory_memory(&shm);
    if (!memory) {
        return NULL;
    }
    if (!kept) {
        kept = ap_retained_data_create(KEPT_INVENTORY, sizeof(*kept));
    }
    *kept = shm;
    return cp_inventory_make(memory);
}
