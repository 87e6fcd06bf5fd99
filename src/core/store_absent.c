#include "store_absent.h"

static apr_status_t absent_load(cp_store *store, const cp_store_name *name,
                                apr_uint32_t now, cp_store_record *record,
                                apr_pool_t *pool)
{
    (void)store, (void)name, (void)now, (void)record, (void)pool;
    return APR_EGENERAL;
}

static apr_status_t absent_save(cp_store *store, const cp_store_name *name,
                                apr_uint32_t now, cp_store_record *record)
{
    (void)store, (void)name, (void)now, (void)record;
    return APR_EGENERAL;
}

static apr_status_t absent_touch(cp_store *store, const cp_store_name *name,
                                 apr_uint32_t now, apr_uint32_t expires)
{
    (void)store, (void)name, (void)now, (void)expires;
    return APR_EGENERAL;
}

static apr_status_t absent_remove(cp_store *store, const cp_store_name *name,
                                  apr_uint32_t now)
{
    (void)store, (void)name, (void)now;
    return APR_EGENERAL;
}

static apr_status_t absent_count(cp_store *store, apr_uint32_t now,
                                 cp_store_counts *counts)
{
    (void)store, (void)now, (void)counts;
    return APR_ENOTIMPL;
}

static apr_status_t absent_list(cp_store *store, apr_uint32_t part,
                                apr_uint32_t now,
                                apr_array_header_t *entries)
{
    (void)store, (void)part, (void)now, (void)entries;
    return APR_ENOTIMPL;
}

static const cp_store_provider absent_provider = {
    "absent",
    absent_load,
    absent_save,
    absent_touch,
    absent_remove,
    absent_count,
    absent_list,
    absent_load
};

cp_store *cp_store_absent_make(apr_pool_t *pool)
{
    cp_store *store = apr_palloc(pool, sizeof(*store));

    store->provider = &absent_provider;
    return store;
}

bool cp_store_is_absent(const cp_store *store)
{
    return store->provider == &absent_provider;
}
