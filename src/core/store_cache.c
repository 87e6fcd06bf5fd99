#include "store_cache.h"
#include "token.h"

#include <apr_atomic.h>

/* What is kept under a name. It ends the key: caches choose a bucket by a
 * key's beginning. */
#define KIND_RECORD 'R'
#define KIND_TOMBSTONE 'T'
#define KIND_CANARY 'C'

/* A record is kept as version, expiry, revision and value. */
#define RECORD_VERSION 1
#define AT_EXPIRES 1
#define AT_REVISION 5

/* The cache ends a record's time by one clock, its own. Those of the servers
 * that share it may differ from it by so many seconds, so that they only
 * clear up after a cache that does not. */
#define CLOCK_SKEW 60

/* A tombstone outlives what was saved just before it was seen. */
#define TOMBSTONE_MARGIN 3600

typedef struct stored {
    unsigned char *bytes;       /* room for CP_CACHE_VALUE_MAX */
    unsigned int length;
    cp_store_record record;     /* points into bytes */
} stored;

static void key_make(unsigned char *key, const cp_store_name *name, char kind)
{
    memcpy(key, name->bytes, CP_STORE_NAME_LENGTH);
    key[CP_STORE_NAME_LENGTH] = (unsigned char)kind;
}

static void number_put(unsigned char *at, apr_uint32_t number)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (unsigned char)(number >> (24 - 8 * i) & 0xff);
    }
}

static apr_uint32_t number_get(const unsigned char *at)
{
    return (apr_uint32_t)at[0] << 24 | (apr_uint32_t)at[1] << 16
           | (apr_uint32_t)at[2] << 8 | at[3];
}

static apr_uint32_t later(apr_uint32_t now, apr_uint32_t seconds)
{
    return now > APR_UINT32_MAX - seconds ? APR_UINT32_MAX : now + seconds;
}

static apr_status_t value_get(cp_cache *cache, const cp_store_name *name,
                              char kind, unsigned char *value,
                              unsigned int *length)
{
    unsigned char key[CP_CACHE_KEY_LENGTH];

    key_make(key, name, kind);
    return cache->get(cache, key, value, length);
}

/* --- The canary ------------------------------------------------------- */

static const cp_store_name canary_name;

static apr_status_t canary_put(cp_cache *cache, apr_uint32_t now)
{
    unsigned char key[CP_CACHE_KEY_LENGTH];
    unsigned char value[] = "canary";
    apr_status_t status;

    key_make(key, &canary_name, KIND_CANARY);
    status = cache->put(cache, key, value, sizeof(value) - 1,
                        later(now, CP_CACHE_CANARY_LIFE));
    if (status == APR_SUCCESS) {
        apr_atomic_set32(cache->renewed, now);
    }
    return status;
}

/* One that refuses to store is there all the same. */
static apr_status_t canary_keep(cp_cache *cache, apr_uint32_t now)
{
    apr_status_t status = APR_SUCCESS;

    if (cache->may_be_away
        && now - apr_atomic_read32(cache->renewed) >= CP_CACHE_CANARY_PERIOD) {
        status = canary_put(cache, now);
    }
    return status == APR_ENOSPC ? APR_SUCCESS : status;
}

/* Whether the cache answers. @param missed  gets whether it had no canary */
static apr_status_t canary_find(cp_cache *cache, apr_uint32_t now,
                                bool *missed)
{
    unsigned char *value = apr_palloc(cache->pool, CP_CACHE_VALUE_MAX);
    unsigned int length = 0;
    bool written = apr_atomic_read32(cache->renewed) != 0;
    apr_status_t status = value_get(cache, &canary_name, KIND_CANARY, value,
                                    &length);

    *missed = APR_STATUS_IS_NOTFOUND(status);
    if (*missed) {
        status = canary_put(cache, now);
        if (status == APR_ENOSPC) {
            *missed = false;    /* there will be none */
            return APR_SUCCESS;
        }
        cache->forgot = cache->forgot || (status == APR_SUCCESS && written);
    }
    return status;
}

apr_status_t cp_cache_check(cp_cache *cache, apr_uint32_t now)
{
    bool missed;

    return canary_find(cache, now, &missed);
}

/* --- Finding a record ------------------------------------------------- */

static bool record_read(stored *found, apr_uint32_t now)
{
    cp_store_record *record = &found->record;

    if (found->length <= CP_CACHE_OVERHEAD
        || found->bytes[0] != RECORD_VERSION) {
        return false;
    }
    memset(record, 0, sizeof(*record));
    record->expires = number_get(found->bytes + AT_EXPIRES);
    record->revision = number_get(found->bytes + AT_REVISION);
    record->value = cp_span_make(found->bytes + CP_CACHE_OVERHEAD,
                                 found->length - CP_CACHE_OVERHEAD);
    return later(record->expires, CLOCK_SKEW) > now;
}

/* @return APR_NOTFOUND: neither key is there; APR_EOF: it was removed, or
 *         cannot be read */
static apr_status_t record_look(cp_cache *cache, const cp_store_name *name,
                                apr_uint32_t now, stored *found)
{
    apr_status_t status = value_get(cache, name, KIND_TOMBSTONE,
                                    found->bytes, &found->length);

    if (status == APR_SUCCESS) {
        return APR_EOF;
    }
    if (!APR_STATUS_IS_NOTFOUND(status)) {
        return status;
    }
    status = value_get(cache, name, KIND_RECORD, found->bytes,
                       &found->length);
    if (status == APR_SUCCESS && !record_read(found, now)) {
        status = APR_EOF;
    }
    return status;
}

/* A miss counts when the canary is found after it. Where that was missing,
 * too, only what is asked between two answers counts. */
static apr_status_t miss_confirm(cp_cache *cache, const cp_store_name *name,
                                 apr_uint32_t now, stored *found)
{
    bool missed;
    apr_status_t status = canary_find(cache, now, &missed);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (!missed) {
        return APR_NOTFOUND;
    }
    status = record_look(cache, name, now, found);
    if (APR_STATUS_IS_NOTFOUND(status)
        && value_get(cache, &canary_name, KIND_CANARY, found->bytes,
                     &found->length) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    return status;
}

static apr_status_t record_find(cp_cache *cache, const cp_store_name *name,
                                apr_uint32_t now, stored *found)
{
    apr_status_t status = canary_keep(cache, now);

    found->bytes = apr_palloc(cache->pool, CP_CACHE_VALUE_MAX);
    if (status == APR_SUCCESS) {
        status = record_look(cache, name, now, found);
    }
    if (APR_STATUS_IS_NOTFOUND(status) && cache->may_be_away) {
        status = miss_confirm(cache, name, now, found);
    }
    return status == APR_EOF ? APR_NOTFOUND : status;
}

/* --- The operations --------------------------------------------------- */

static apr_status_t record_put(cp_cache *cache, const cp_store_name *name,
                               apr_uint32_t now,
                               const cp_store_record *record)
{
    unsigned int length = CP_CACHE_OVERHEAD
                          + (unsigned int)record->value.length;
    unsigned char *bytes = apr_palloc(cache->pool, length);
    apr_uint32_t latest = later(now, cache->lifetime_max - TOMBSTONE_MARGIN);
    unsigned char key[CP_CACHE_KEY_LENGTH];

    bytes[0] = RECORD_VERSION;
    number_put(bytes + AT_EXPIRES, record->expires);
    number_put(bytes + AT_REVISION, record->revision);
    memcpy(bytes + CP_CACHE_OVERHEAD, record->value.at,
           record->value.length);
    key_make(key, name, KIND_RECORD);
    return cache->put(cache, key, bytes, length,
                      record->expires < latest ? record->expires : latest);
}

apr_status_t cp_cache_load(cp_cache *cache, const cp_store_name *name,
                           apr_uint32_t now, cp_store_record *record)
{
    stored found;
    apr_status_t status = record_find(cache, name, now, &found);

    if (status == APR_SUCCESS) {
        *record = found.record;
    }
    return status;
}

/* By chance, so that two writers who replaced the same one do not come by the
 * same. */
static bool revision_draw(apr_uint32_t *revision)
{
    bool good = cp_random_bytes(revision, sizeof(*revision));

    *revision = *revision ? *revision : 1;
    return good;
}

static apr_status_t record_replace(cp_cache *cache, const cp_store_name *name,
                                   apr_uint32_t now, apr_uint32_t revision,
                                   const cp_store_record *record)
{
    unsigned char key[CP_CACHE_KEY_LENGTH];
    unsigned int length = 0;
    stored before;
    apr_status_t status = record_find(cache, name, now, &before);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (before.record.revision != revision) {
        return APR_EEXIST;
    }
    status = record_put(cache, name, now, record);
    if (status == APR_ENOSPC) {
        /* Some drop what is there before they refuse what replaces it. */
        record_put(cache, name, now, &before.record);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    status = value_get(cache, name, KIND_TOMBSTONE, before.bytes, &length);
    if (status == APR_SUCCESS) {
        key_make(key, name, KIND_RECORD);
        cache->drop(cache, key);
        return APR_NOTFOUND;
    }
    return APR_STATUS_IS_NOTFOUND(status) ? APR_SUCCESS : status;
}

apr_status_t cp_cache_save(cp_cache *cache, const cp_store_name *name,
                           apr_uint32_t now, cp_store_record *record)
{
    apr_uint32_t revision = record->revision;
    apr_status_t status;

    if (record->value.length > CP_STORE_VALUE_MAX) {
        return APR_ENOSPC;
    }
    if (!revision_draw(&record->revision)) {
        record->revision = revision;
        return APR_EGENERAL;
    }
    if (revision) {
        status = record_replace(cache, name, now, revision, record);
    }
    else {
        /* Nothing can be there: names are drawn by chance. */
        status = canary_keep(cache, now);
        if (status == APR_SUCCESS) {
            status = record_put(cache, name, now, record);
        }
    }
    if (status != APR_SUCCESS) {
        record->revision = revision;
    }
    return status;
}

apr_status_t cp_cache_touch(cp_cache *cache, const cp_store_name *name,
                            apr_uint32_t now, apr_uint32_t expires)
{
    stored found;
    apr_status_t status = record_find(cache, name, now, &found);

    if (status == APR_SUCCESS) {
        found.record.expires = expires;
        status = record_put(cache, name, now, &found.record);
    }
    return status;
}

apr_status_t cp_cache_remove(cp_cache *cache, const cp_store_name *name,
                             apr_uint32_t now)
{
    apr_uint32_t life = later(cache->lifetime, TOMBSTONE_MARGIN);
    unsigned char key[CP_CACHE_KEY_LENGTH];
    unsigned char value[] = "ended";
    apr_status_t put, dropped;

    life = life < cache->lifetime_max ? life : cache->lifetime_max;
    key_make(key, name, KIND_TOMBSTONE);
    put = cache->put(cache, key, value, sizeof(value) - 1, later(now, life));
    if (put != APR_SUCCESS && put != APR_ENOSPC) {
        return put;
    }
    key_make(key, name, KIND_RECORD);
    dropped = cache->drop(cache, key);
    /* A full cache takes no tombstone; then the record must really go. */
    if (put == APR_SUCCESS) {
        return APR_STATUS_IS_NOTFOUND(dropped) ? APR_NOTFOUND : APR_SUCCESS;
    }
    return dropped == APR_SUCCESS ? APR_SUCCESS : put;
}
