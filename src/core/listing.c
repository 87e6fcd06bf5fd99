#include "listing.h"
#include "owner.h"
#include "roster.h"
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

/* What the owner of a record that is meant may be, so that the others need
 * not be opened. */
typedef struct sieve {
    apr_uint64_t mask;
    int count;
    apr_uint64_t owners[CP_KEYS_MAX];
} sieve;

static void sieve_make(sieve *through, const cp_listing *listing,
                       const cp_whose *whose)
{
    unsigned char ids[CP_KEYS_MAX];
    int count = whose->realm ? cp_keyring_ids(listing->ring, ids) : 0;

    through->count = 0;
    through->mask = whose->realm ? CP_OWNER_REALM : 0;
    if (whose->realm && whose->user) {
        through->mask |= CP_OWNER_USER;
    }
    for (int i = 0; i < count; i++) {
        through->count += cp_owner_of(listing->ring, ids[i],
                                      cp_span_of(whose->realm), whose->user,
                                      &through->owners[through->count]);
    }
}

static bool sieve_passes(const sieve *through, apr_uint64_t owner)
{
    bool passes = through->mask == 0;

    for (int i = 0; i < through->count && !passes; i++) {
        passes = ((through->owners[i] ^ owner) & through->mask) == 0;
    }
    return passes && !(owner & CP_OWNER_ROSTER);
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

/* What a walk is for. */
typedef struct walk {
    const cp_listing *listing;
    const cp_whose *whose;
    sieve through;
    cp_listed_visitor visitor;
    void *data;
} walk;

/* Shows those of one part. @return APR_EOF when the visitor stopped */
static apr_status_t part_walk(const walk *of,
                              const apr_array_header_t *entries,
                              apr_pool_t *pool)
{
    apr_pool_t *batch;
    apr_status_t rv = APR_SUCCESS;

    apr_pool_create(&batch, pool);
    for (int i = 0; i < entries->nelts && rv == APR_SUCCESS; i++) {
        const cp_store_entry *entry = &APR_ARRAY_IDX(entries, i,
                                                     cp_store_entry);
        cp_listed one;

        if (i % BATCH == 0) {
            apr_pool_clear(batch);
        }
        if (!sieve_passes(&of->through, entry->owner)) {
            continue;
        }
        rv = listed_read(of->listing, entry, &one, batch);
        if (rv == APR_SUCCESS && is_meant(of->whose, &one)
            && !of->visitor(of->data, &one)) {
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
    walk of = { listing, whose, { 0 }, visitor, data };
    apr_status_t rv = APR_SUCCESS;
    apr_pool_t *part_pool;

    sieve_make(&of.through, listing, whose);
    apr_pool_create(&part_pool, pool);
    for (apr_uint32_t part = 0; rv == APR_SUCCESS; part++) {
        apr_array_header_t *entries;

        apr_pool_clear(part_pool);
        entries = apr_array_make(part_pool, BATCH, sizeof(cp_store_entry));
        rv = store->provider->list(store, part, listing->now, entries);
        if (rv == APR_SUCCESS) {
            rv = part_walk(&of, entries, part_pool);
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
    return rv == APR_ENOTIMPL && whose->user && whose->realm
           && !whose->reference
           ? cp_roster_end(listing, whose->realm, whose->user, ended, pool)
           : rv;
}
