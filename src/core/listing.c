#include "listing.h"
#include "token.h"

/* So many records are read before their memory is given back. */
#define BATCH 256

/* A session that draws a new id while a pass is under way may be missed by
 * it; the next one finds it. */
#define PASSES 3

static bool is_equal(const char *wanted, cp_span found)
{
    return !wanted || (found.at && cp_span_equal(cp_span_of(wanted), found));
}

static bool is_meant(const cp_whose *whose, const cp_listed *one)
{
    if (one->status != APR_SUCCESS) {
        return !whose->user && !whose->realm && !whose->reference;
    }
    return is_equal(whose->user, cp_span_of(one->label.user))
           && is_equal(whose->realm, one->label.realm)
           && is_equal(whose->reference, cp_span_of(one->reference));
}

/* @return APR_NOTFOUND for what is gone meanwhile or is no session */
static apr_status_t listed_read(const cp_listing *listing,
                                const cp_store_entry *entry, cp_listed *one,
                                apr_pool_t *pool)
{
    cp_store_record record;
    apr_status_t rv = listing->store->provider->peek(
        listing->store, &entry->name, listing->now, &record, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    memset(one, 0, sizeof(*one));
    one->name = entry->name;
    one->expires = record.expires;
    one->used = entry->used;
    one->status = cp_label_open(listing->ring, &entry->name, record.value,
                                &one->label, pool);
    if (one->status == APR_SUCCESS) {
        cp_base64url_encode(one->reference, one->label.reference,
                            CP_REFERENCE_BYTES);
    }
    return one->label.moved ? APR_NOTFOUND : APR_SUCCESS;
}

/* Shows those of one part. @return APR_EOF when the visitor stopped */
static apr_status_t part_walk(const cp_listing *listing,
                              const cp_whose *whose,
                              const apr_array_header_t *entries,
                              cp_listed_visitor visitor, void *data,
                              apr_pool_t *pool)
{
    apr_pool_t *batch;
    apr_status_t rv = APR_SUCCESS;

    apr_pool_create(&batch, pool);
    for (int i = 0; i < entries->nelts && rv == APR_SUCCESS; i++) {
        cp_listed one;

        if (i % BATCH == 0) {
            apr_pool_clear(batch);
        }
        rv = listed_read(listing, &APR_ARRAY_IDX(entries, i, cp_store_entry),
                         &one, batch);
        if (rv == APR_SUCCESS && is_meant(whose, &one)
            && !visitor(data, &one)) {
            rv = APR_EOF;
        }
        rv = APR_STATUS_IS_NOTFOUND(rv) ? APR_SUCCESS : rv;
    }
    apr_pool_destroy(batch);
    return rv;
}

apr_status_t cp_listing_walk(const cp_listing *listing,
                             const cp_whose *whose,
                             cp_listed_visitor visitor, void *data,
                             apr_pool_t *pool)
{
    cp_store *store = listing->store;
    apr_status_t rv = APR_SUCCESS;
    apr_pool_t *part_pool;

    apr_pool_create(&part_pool, pool);
    for (apr_uint32_t part = 0; rv == APR_SUCCESS; part++) {
        apr_array_header_t *entries;

        apr_pool_clear(part_pool);
        entries = apr_array_make(part_pool, BATCH, sizeof(cp_store_entry));
        rv = store->provider->list(store, part, listing->now, entries);
        if (rv == APR_SUCCESS) {
            rv = part_walk(listing, whose, entries, visitor, data,
                           part_pool);
        }
    }
    apr_pool_destroy(part_pool);
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

/* --- Ending ----------------------------------------------------------- */

typedef struct ending {
    const cp_listing *listing;
    apr_uint32_t ended;
    apr_status_t status;
} ending;

static bool listed_end(void *data, const cp_listed *one)
{
    ending *end = data;
    cp_store *store = end->listing->store;
    apr_status_t rv = store->provider->remove(store, &one->name,
                                              end->listing->now);

    if (rv == APR_SUCCESS) {
        end->ended++;
    }
    else if (!APR_STATUS_IS_NOTFOUND(rv)) {
        end->status = rv;
    }
    return end->status == APR_SUCCESS;
}

apr_status_t cp_listing_end(const cp_listing *listing,
                            const cp_whose *whose, apr_uint32_t *ended,
                            apr_pool_t *pool)
{
    ending end = { listing, 0, APR_SUCCESS };
    apr_uint32_t before = 1;
    apr_status_t rv = APR_SUCCESS;

    *ended = 0;
    if (!whose->user && !whose->realm && !whose->reference) {
        return APR_SUCCESS;
    }
    for (int i = 0; i < PASSES && rv == APR_SUCCESS && end.ended != before;
         i++) {
        before = end.ended;
        rv = cp_listing_walk(listing, whose, listed_end, &end, pool);
        rv = rv == APR_SUCCESS ? end.status : rv;
    }
    *ended = end.ended;
    return rv;
}
