/**
 * @file store_memory.h
 * @brief A store in the test's own memory, which can be told to be away, to
 *        find that others changed a record, and to let others act meanwhile.
 */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "store.h"

#define STORE_MEMORY_RECORDS 128

typedef struct memory_record {
    bool used;
    cp_store_name name;
    char value[CP_STORE_VALUE_MAX];
    apr_size_t length;
    apr_uint32_t expires;
    apr_uint32_t revision;
    apr_uint64_t owner;
    apr_uint32_t at;            /* when it was last used */
} memory_record;

typedef struct memory_store {
    cp_store store;             /* first, as the interface asks */
    memory_record records[STORE_MEMORY_RECORDS];
    bool away;
    bool unlisted;              /* it cannot list */
    apr_size_t value_max;       /* it takes no longer values */
    int conflicts;              /* saves to come that find a changed record */
    void (*before_save)(void *data);    /* once, then forgotten */
    void *data;
    int loads, saves, touches, removes;
} memory_store;

static inline memory_record *memory_find(memory_store *memory,
                                         const cp_store_name *name,
                                         apr_uint32_t now)
{
    for (int i = 0; i < STORE_MEMORY_RECORDS; i++) {
        memory_record *record = &memory->records[i];

        if (record->used && record->expires > now
            && memcmp(&record->name, name, sizeof(*name)) == 0) {
            return record;
        }
    }
    return NULL;
}

static inline apr_status_t memory_load(cp_store *store,
                                       const cp_store_name *name,
                                       apr_uint32_t now,
                                       cp_store_record *record,
                                       apr_pool_t *into)
{
    memory_store *memory = (memory_store *)store;
    memory_record *found = memory_find(memory, name, now);

    memory->loads++;
    if (memory->away) {
        return APR_ECONNREFUSED;
    }
    if (!found) {
        return APR_NOTFOUND;
    }
    record->value = cp_span_make(apr_pmemdup(into, found->value,
                                             found->length + 1),
                                 found->length);
    record->expires = found->expires;
    record->revision = found->revision;
    record->owner = found->owner;
    found->at = now;
    return APR_SUCCESS;
}

static inline memory_record *memory_free_record(memory_store *memory)
{
    for (int i = 0; i < STORE_MEMORY_RECORDS; i++) {
        if (!memory->records[i].used) {
            return &memory->records[i];
        }
    }
    return NULL;
}

static inline apr_status_t memory_save(cp_store *store,
                                       const cp_store_name *name,
                                       apr_uint32_t now,
                                       cp_store_record *record)
{
    memory_store *memory = (memory_store *)store;
    void (*before_save)(void *) = memory->before_save;
    memory_record *found;

    memory->saves++;
    if (before_save) {
        memory->before_save = NULL;
        before_save(memory->data);
    }
    if (memory->away) {
        return APR_ECONNREFUSED;
    }
    if (record->value.length > memory->value_max) {
        return APR_ENOSPC;
    }
    found = memory_find(memory, name, now);
    if (found && memory->conflicts > 0) {
        memory->conflicts--;
        found->revision++;
    }
    if (!found && record->revision) {
        return APR_NOTFOUND;
    }
    if (found && found->revision != record->revision) {
        return APR_EEXIST;
    }
    found = found ? found : memory_free_record(memory);
    if (!found) {
        return APR_ENOSPC;
    }
    found->used = true;
    found->name = *name;
    memcpy(found->value, record->value.at, record->value.length);
    found->length = record->value.length;
    found->expires = record->expires;
    found->revision = ++record->revision;
    found->owner = record->owner;
    found->at = now;
    return APR_SUCCESS;
}

static inline apr_status_t memory_touch(cp_store *store,
                                        const cp_store_name *name,
                                        apr_uint32_t now,
                                        apr_uint32_t expires)
{
    memory_store *memory = (memory_store *)store;
    memory_record *found = memory_find(memory, name, now);

    memory->touches++;
    if (memory->away) {
        return APR_ECONNREFUSED;
    }
    if (!found) {
        return APR_NOTFOUND;
    }
    found->expires = expires;
    return APR_SUCCESS;
}

static inline apr_status_t memory_remove(cp_store *store,
                                         const cp_store_name *name,
                                         apr_uint32_t now)
{
    memory_store *memory = (memory_store *)store;
    memory_record *found = memory_find(memory, name, now);

    memory->removes++;
    if (memory->away) {
        return APR_ECONNREFUSED;
    }
    if (!found) {
        return APR_NOTFOUND;
    }
    found->used = false;
    return APR_SUCCESS;
}

static inline apr_status_t memory_count(cp_store *store, apr_uint32_t now,
                                        cp_store_counts *counts)
{
    memory_store *memory = (memory_store *)store;

    memset(counts, 0, sizeof(*counts));
    for (int i = 0; i < STORE_MEMORY_RECORDS; i++) {
        const memory_record *record = &memory->records[i];

        if (record->used && record->expires > now) {
            *(record->owner & CP_OWNER_ROSTER ? &counts->rosters
              : cp_owner_is_anonymous(record->owner) ? &counts->anonymous
              : &counts->owned) += 1;
        }
    }
    return memory->away ? APR_ECONNREFUSED : APR_SUCCESS;
}

/* All of it is one part. */
static inline apr_status_t memory_list(cp_store *store, apr_uint32_t part,
                                       apr_uint32_t now,
                                       apr_array_header_t *entries)
{
    memory_store *memory = (memory_store *)store;

    if (memory->away) {
        return APR_ECONNREFUSED;
    }
    if (memory->unlisted) {
        return APR_ENOTIMPL;
    }
    for (int i = 0; i < STORE_MEMORY_RECORDS && part == 0; i++) {
        const memory_record *record = &memory->records[i];

        if (record->used && record->expires > now) {
            *(cp_store_entry *)apr_array_push(entries) = (cp_store_entry){
                record->name, record->owner, record->expires, record->at
            };
        }
    }
    return part == 0 ? APR_SUCCESS : APR_EOF;
}

static inline apr_status_t memory_peek(cp_store *store,
                                       const cp_store_name *name,
                                       apr_uint32_t now,
                                       cp_store_record *record,
                                       apr_pool_t *into)
{
    memory_store *memory = (memory_store *)store;
    memory_record *found = memory_find(memory, name, now);
    apr_uint32_t at = found ? found->at : 0;
    apr_status_t rv = memory_load(store, name, now, record, into);

    memory->loads--;
    if (found) {
        found->at = at;
    }
    return rv;
}

/** Empties it. */
static inline void memory_store_reset(memory_store *memory)
{
    static const cp_store_provider provider = {
        "memory", memory_load, memory_save, memory_touch, memory_remove,
        memory_count, memory_list, memory_peek
    };

    memory->store.provider = &provider;
    for (int i = 0; i < STORE_MEMORY_RECORDS; i++) {
        memory->records[i].used = false;
    }
    memory->away = false;
    memory->unlisted = false;
    memory->value_max = CP_STORE_VALUE_MAX;
    memory->conflicts = 0;
    memory->before_save = NULL;
    memory->data = NULL;
    memory->loads = memory->saves = memory->touches = memory->removes = 0;
}

/** How often it was called at all. */
static inline int memory_store_calls(const memory_store *memory)
{
    return memory->loads + memory->saves + memory->touches
           + memory->removes;
}

/** How many sessions are alive. */
static inline int memory_store_records(memory_store *memory,
                                       apr_uint32_t now)
{
    int count = 0;

    for (int i = 0; i < STORE_MEMORY_RECORDS; i++) {
        count += memory->records[i].used && memory->records[i].expires > now
                 && !(memory->records[i].owner & CP_OWNER_ROSTER);
    }
    return count;
}

#endif
