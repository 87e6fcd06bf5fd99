/**
 * @file store_shm.c
 * @brief The store in a named segment of APR shared memory: how the segment
 *        is laid out, come by and carried over; then the table of what the
 *        store can do, which is done in its shards.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_segment.h"
#include "store_shard.h"
#include "store_shm.h"

#define SEGMENT_MAGIC "cpStore"

/* To be counted up with every change of what lies in a segment. */
#define SEGMENT_VERSION 3u

#define SEGMENT_COMPLETE 0x600dc0deu

/* What a new segment is called until it takes an old one's place. */
#define SEGMENT_NEW_SUFFIX ".new"

/* Small enough that a repair is short, large enough that each shard gets
 * about as many records as the next one. */
#define SHARD_SIZE_MIN ((apr_size_t)512 * 1024)
#define SHARDS_MAX 256u

/* How many records are carried over before memory is given back. */
#define CARRY_BATCH 256

typedef struct shm_header {
    char magic[sizeof(SEGMENT_MAGIC)];
    apr_uint32_t version;
    apr_uint32_t layout;
    apr_uint64_t size;
    apr_uint32_t shard_count;
    apr_uint32_t shard_blocks;
    atomic_uint complete;       /* written last */
} shm_header;

/* All of it follows from the segment's size. */
typedef struct shm_geometry {
    apr_size_t shard_size;
    apr_uint32_t shard_count;
    apr_uint32_t shard_blocks;
} shm_geometry;

/* None of it is read from the segment again. */
typedef struct shm_store {
    cp_store base;
    cp_segment segment;
    apr_uint32_t shard_mask;
    cp_shard shards[];
} shm_store;

static const cp_store_provider shm_provider;

static shm_geometry geometry_of(apr_size_t size)
{
    shm_geometry geometry = { 0, 1, 0 };
    /* The header, and the end of the block that the memory begins in. */
    apr_size_t room = size - 2 * CP_SHARD_BLOCK_SIZE;

    while (geometry.shard_count < SHARDS_MAX
           && size / geometry.shard_count >= 2 * SHARD_SIZE_MIN) {
        geometry.shard_count *= 2;
    }
    geometry.shard_size = room / geometry.shard_count
                          / CP_SHARD_BLOCK_SIZE * CP_SHARD_BLOCK_SIZE;
    geometry.shard_blocks = cp_shard_blocks(geometry.shard_size);
    return geometry;
}

/* APR's memory does not begin at a cache line. */
static char *memory_aligned(const cp_segment *segment)
{
    uintptr_t past = (uintptr_t)segment->memory % CP_SHARD_BLOCK_SIZE;

    return segment->memory + (past ? CP_SHARD_BLOCK_SIZE - past : 0);
}

static shm_header *header_of(const cp_segment *segment)
{
    _Static_assert(sizeof(shm_header) <= CP_SHARD_BLOCK_SIZE,
                   "the first shard begins a block after the header");
    return (void *)memory_aligned(segment);
}

/* Whether this build made the segment, and finished it. */
static bool segment_readable(const cp_segment *segment)
{
    const shm_header *header = header_of(segment);
    shm_geometry geometry;

    if (segment->size < CP_STORE_SHM_SIZE_MIN) {
        return false;
    }
    geometry = geometry_of(segment->size);
    return atomic_load_explicit(&header->complete, memory_order_acquire)
               == SEGMENT_COMPLETE
           && memcmp(header->magic, SEGMENT_MAGIC, sizeof(header->magic)) == 0
           && header->version == SEGMENT_VERSION
           && header->layout == cp_shard_layout()
           && header->size == segment->size
           && header->shard_count == geometry.shard_count
           && header->shard_blocks == geometry.shard_blocks;
}

static void segment_complete(const cp_segment *segment)
{
    shm_header *header = header_of(segment);
    shm_geometry geometry = geometry_of(segment->size);

    memcpy(header->magic, SEGMENT_MAGIC, sizeof(header->magic));
    header->version = SEGMENT_VERSION;
    header->layout = cp_shard_layout();
    header->size = segment->size;
    header->shard_count = geometry.shard_count;
    header->shard_blocks = geometry.shard_blocks;
    atomic_store_explicit(&header->complete, SEGMENT_COMPLETE,
                          memory_order_release);
}

static shm_store *store_map(const cp_segment *segment, apr_pool_t *pool)
{
    shm_geometry geometry = geometry_of(segment->size);
    char *at = memory_aligned(segment) + CP_SHARD_BLOCK_SIZE;
    shm_store *store;
    apr_uint32_t i;

    store = apr_pcalloc(pool, sizeof(*store)
                              + geometry.shard_count * sizeof(cp_shard));
    store->base.provider = &shm_provider;
    store->segment = *segment;
    store->shard_mask = geometry.shard_count - 1;
    for (i = 0; i < geometry.shard_count; i++) {
        cp_shard_map(&store->shards[i], at, geometry.shard_blocks);
        at += geometry.shard_size;
    }
    return store;
}

/* Makes an empty store; its segment is not complete yet. */
static apr_status_t store_create(shm_store **store, const char *file,
                                 apr_size_t size, const char **error,
                                 apr_pool_t *pool)
{
    cp_segment segment;
    apr_status_t rv = cp_segment_create(&segment, file, size, error, pool);
    apr_uint32_t i;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *store = store_map(&segment, pool);
    for (i = 0; i <= (*store)->shard_mask; i++) {
        rv = cp_shard_format(&(*store)->shards[i]);
        if (rv != APR_SUCCESS) {
            *error = "this system has no robust locks between processes,"
                     " which the session store needs";
            apr_shm_destroy(segment.shm);
            return rv;
        }
    }
    return APR_SUCCESS;
}

/* Attaches to the store that is there. APR_EOF means that it is of another
 * version or was not finished. */
static apr_status_t store_find(shm_store **store, const char *file,
                               const char **error, apr_pool_t *pool)
{
    cp_segment segment;
    apr_status_t rv = cp_segment_attach(&segment, file, error, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!segment_readable(&segment)) {
        apr_shm_detach(segment.shm);
        return APR_EOF;
    }
    *store = store_map(&segment, pool);
    return APR_SUCCESS;
}

/* Attaches to the store that is there, and repairs what its users left.
 * APR_EOF means that it cannot be used and may be replaced. */
static apr_status_t store_attach(shm_store **store, const char *file,
                                 const char **error, apr_pool_t *pool)
{
    apr_status_t rv = store_find(store, file, error, pool);
    apr_uint32_t i;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (i = 0; i <= (*store)->shard_mask && rv == APR_SUCCESS; i++) {
        rv = cp_shard_check(&(*store)->shards[i]);
    }
    if (rv != APR_SUCCESS) {
        apr_shm_detach((*store)->segment.shm);
        return APR_EOF;
    }
    return APR_SUCCESS;
}

/* The least valuable first, so that it is they who have no room. */
static int entry_compare(const void *left, const void *right)
{
    const cp_store_entry *a = left;
    const cp_store_entry *b = right;

    if (cp_owner_is_anonymous(a->owner) != cp_owner_is_anonymous(b->owner)) {
        return cp_owner_is_anonymous(a->owner) ? -1 : 1;
    }
    return a->used < b->used ? -1 : a->used > b->used;
}

static apr_status_t store_list(shm_store *store, apr_uint32_t now,
                               apr_array_header_t *entries)
{
    apr_status_t rv = APR_SUCCESS;
    apr_uint32_t i;

    for (i = 0; i <= store->shard_mask && rv == APR_SUCCESS; i++) {
        rv = cp_shard_list(&store->shards[i], now, entries);
    }
    qsort(entries->elts, (size_t)entries->nelts, sizeof(cp_store_entry),
          entry_compare);
    return rv;
}

/* Copies every live record that has room. */
static apr_status_t store_copy(shm_store *to, shm_store *from,
                               apr_uint32_t now, apr_pool_t *pool)
{
    apr_array_header_t *entries;
    apr_pool_t *batch;
    apr_status_t rv;
    int i;

    entries = apr_array_make(pool, CARRY_BATCH, sizeof(cp_store_entry));
    rv = store_list(from, now, entries);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_create(&batch, pool);
    for (i = 0; i < entries->nelts; i++) {
        const cp_store_name *name
            = &APR_ARRAY_IDX(entries, i, cp_store_entry).name;
        cp_store_record record;

        if (i % CARRY_BATCH == 0) {
            apr_pool_clear(batch);
        }
        if (shm_provider.load(&from->base, name, now, &record, batch)
            == APR_SUCCESS) {
            record.revision = 0;
            shm_provider.save(&to->base, name, now, &record);
        }
    }
    return APR_SUCCESS;
}

/* Makes a store of another size out of @a old, which is complete before it
 * takes the old one's name: at no instant is there none. */
static apr_status_t store_carry(shm_store *old, const char *file,
                                apr_size_t size, apr_uint32_t now,
                                const char **error, apr_pool_t *pool)
{
    const char *file_new = apr_pstrcat(pool, file, SEGMENT_NEW_SUFFIX, NULL);
    apr_pool_t *carrying;
    shm_store *store;
    apr_status_t rv;

    apr_shm_remove(file_new, pool);
    apr_pool_create(&carrying, pool);
    rv = store_create(&store, file_new, size, error, carrying);
    if (rv == APR_SUCCESS) {
        rv = store_copy(store, old, now, carrying);
        segment_complete(&store->segment);
        if (rv == APR_SUCCESS
            && rename(store->segment.path, old->segment.path) != 0) {
            rv = APR_FROM_OS_ERROR(errno);
        }
        if (rv != APR_SUCCESS) {
            *error = "the sessions cannot be carried over into a store of"
                     " another size: keep the size, or remove the old store";
        }
    }
    *error = *error ? apr_pstrdup(pool, *error) : NULL;
    /* Unmaps the new one, and removes it if it still has its first name. */
    apr_pool_destroy(carrying);
    return rv;
}

/* Makes a store where there is none, or none that can be used. */
static apr_status_t store_begin(shm_store **store, const char *file,
                                apr_size_t size, const char **error,
                                apr_pool_t *pool)
{
    apr_status_t rv = apr_shm_remove(file, pool);

    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv)) {
        *error = apr_psprintf(pool, "the shared memory for %s cannot be"
                              " removed", file);
        return rv;
    }
    rv = store_create(store, file, size, error, pool);
    if (rv == APR_SUCCESS) {
        segment_complete(&(*store)->segment);
    }
    return rv;
}

apr_status_t cp_store_shm_open(cp_store **store, cp_store_shm_origin *origin,
                               const char *file, apr_size_t size,
                               apr_uint32_t now, const char **error,
                               apr_pool_t *pool)
{
    shm_store *found = NULL;
    apr_status_t rv;

    *error = NULL;
    if (size < CP_STORE_SHM_SIZE_MIN) {
        *error = apr_psprintf(pool, "a session store needs at least %d bytes",
                              CP_STORE_SHM_SIZE_MIN);
        return APR_EINVAL;
    }
    rv = store_attach(&found, file, error, pool);
    *origin = CP_STORE_SHM_ATTACHED;
    if (rv == APR_SUCCESS && found->segment.size != size) {
        *origin = CP_STORE_SHM_CARRIED;
        rv = store_carry(found, file, size, now, error, pool);
        apr_shm_detach(found->segment.shm);
        if (rv == APR_SUCCESS) {
            rv = store_attach(&found, file, error, pool);
        }
    }
    else if (rv == APR_ENOENT || rv == APR_EOF) {
        *origin = rv == APR_EOF ? CP_STORE_SHM_REPLACED : CP_STORE_SHM_CREATED;
        *error = NULL;
        rv = store_begin(&found, file, size, error, pool);
    }
    if (rv == APR_SUCCESS) {
        *store = &found->base;
    }
    return rv;
}

apr_status_t cp_store_shm_attach(cp_store **store, const char *file,
                                 const char **error, apr_pool_t *pool)
{
    shm_store *found = NULL;
    apr_status_t rv;

    *error = NULL;
    rv = store_find(&found, file, error, pool);
    if (rv == APR_ENOENT) {
        *error = apr_psprintf(pool, "there is no store called %s: httpd has"
                              " not been started with this state directory",
                              file);
    }
    else if (rv == APR_EOF) {
        *error = apr_psprintf(pool, "the store %s is damaged or of another"
                              " version than this program", file);
    }
    if (rv == APR_SUCCESS) {
        *store = &found->base;
    }
    return rv;
}

apr_size_t cp_store_shm_size(const cp_store *store)
{
    return ((const shm_store *)store)->segment.size;
}

apr_shm_t *cp_store_shm_segment(const cp_store *store)
{
    return ((const shm_store *)store)->segment.shm;
}

cp_store *cp_store_shm_adopt(apr_shm_t *shm, apr_pool_t *pool)
{
    cp_segment segment = { .shm = shm };

    segment.memory = apr_shm_baseaddr_get(shm);
    segment.size = apr_shm_size_get(shm);
    return segment_readable(&segment) ? &store_map(&segment, pool)->base
                                      : NULL;
}

static cp_shard *shard_of(cp_store *store, const cp_store_name *name)
{
    shm_store *self = (shm_store *)store;
    apr_uint32_t hash;

    memcpy(&hash, name->bytes, sizeof(hash));
    return &self->shards[hash & self->shard_mask];
}

static apr_status_t shm_load(cp_store *store, const cp_store_name *name,
                             apr_uint32_t now, cp_store_record *record,
                             apr_pool_t *pool)
{
    return cp_shard_load(shard_of(store, name), name, now, record, pool);
}

static apr_status_t shm_save(cp_store *store, const cp_store_name *name,
                             apr_uint32_t now, cp_store_record *record)
{
    return cp_shard_save(shard_of(store, name), name, now, record);
}

static apr_status_t shm_touch(cp_store *store, const cp_store_name *name,
                              apr_uint32_t now, apr_uint32_t expires)
{
    return cp_shard_touch(shard_of(store, name), name, now, expires);
}

static apr_status_t shm_remove(cp_store *store, const cp_store_name *name,
                               apr_uint32_t now)
{
    return cp_shard_remove(shard_of(store, name), name, now);
}

static apr_status_t shm_count(cp_store *store, apr_uint32_t now,
                              cp_store_counts *counts)
{
    shm_store *self = (shm_store *)store;
    apr_status_t rv = APR_SUCCESS;
    apr_uint32_t i;

    memset(counts, 0, sizeof(*counts));
    for (i = 0; i <= self->shard_mask && rv == APR_SUCCESS; i++) {
        rv = cp_shard_count(&self->shards[i], now, counts);
    }
    return rv;
}

/* The parts are the shards. */
static apr_status_t shm_list(cp_store *store, apr_uint32_t part,
                             apr_uint32_t now, apr_array_header_t *entries)
{
    shm_store *self = (shm_store *)store;

    return part > self->shard_mask
           ? APR_EOF : cp_shard_list(&self->shards[part], now, entries);
}

static apr_status_t shm_peek(cp_store *store, const cp_store_name *name,
                             apr_uint32_t now, cp_store_record *record,
                             apr_pool_t *pool)
{
    return cp_shard_peek(shard_of(store, name), name, now, record, pool);
}

static const cp_store_provider shm_provider = {
    "shm",
    shm_load,
    shm_save,
    shm_touch,
    shm_remove,
    shm_count,
    shm_list,
    shm_peek
};

void cp_store_shm_mishaps(const cp_store *store, cp_store_counts *counts)
{
    const shm_store *self = (const shm_store *)store;

    if (store->provider != &shm_provider) {
        return;
    }
    for (apr_uint32_t i = 0; i <= self->shard_mask; i++) {
        cp_shard_mishaps(&self->shards[i], counts);
    }
}
