#include "roster.h"
#include "owner.h"

/* Of so many who write a roster at once each gets through. */
#define TRIES 64

/* The value: the key's id, and sealed: version, then for each session its
 * name, when it was put here, and when it is over. */
#define AT_SEALED 1
#define ROSTER_VERSION 1
#define AT_ENTRIES 1
#define ENTRY_LENGTH (CP_STORE_NAME_LENGTH + 4 + 4)
#define TEXT_MAX (AT_ENTRIES + CP_ROSTER_MAX * ENTRY_LENGTH)
#define VALUE_MAX (AT_SEALED + TEXT_MAX + CP_SEAL_OVERHEAD)

typedef struct entry {
    cp_store_name name;
    apr_uint32_t made;
    apr_uint32_t ends;
} entry;

typedef struct roster {
    cp_store_name name;
    apr_uint32_t revision;
    apr_uint32_t expires;
    int count;
    entry entries[CP_ROSTER_MAX + 1];   /* in the order of their making */
    int ending_count;
    cp_store_name ending[CP_ROSTER_MAX];    /* of sessions that are off it, and
                                               to be ended once it is saved */
} roster;

/* --- How it is stored ------------------------------------------------- */

static apr_uint32_t number_read(const unsigned char *at)
{
    return (apr_uint32_t)at[0] << 24 | (apr_uint32_t)at[1] << 16
           | (apr_uint32_t)at[2] << 8 | at[3];
}

static void number_write(unsigned char *at, apr_uint32_t number)
{
    for (int i = 0; i < 4; i++) {
        at[i] = number >> (24 - 8 * i) & 0xff;
    }
}

static cp_span name_span(const cp_store_name *name)
{
    return cp_span_make(name->bytes, sizeof(name->bytes));
}

static bool roster_name(const cp_keyring *ring, unsigned char key,
                        cp_span realm, const char *user, cp_store_name *name)
{
    unsigned char mac[CP_MAC_LENGTH];
    cp_span part = cp_span_of(user);
    bool good = cp_keyring_mac(ring, key, CP_PURPOSE_ROSTER, realm, &part, 1,
                               mac);

    memcpy(name->bytes, mac, sizeof(name->bytes));
    return good;
}

/* What does not open is empty. Those that are over are left out. */
static void entries_read(const cp_listing *where, unsigned char key,
                         cp_span value, roster *list)
{
    unsigned char text[VALUE_MAX];
    cp_span sealed = cp_span_make(value.at + AT_SEALED,
                                  value.length - AT_SEALED);
    apr_size_t length;

    list->count = 0;
    if (value.length < AT_SEALED + AT_ENTRIES + CP_SEAL_OVERHEAD
        || value.length > VALUE_MAX
        || (unsigned char)value.at[0] != key
        || !cp_keyring_open_note(where->ring, key, name_span(&list->name),
                                 sealed, text)
        || text[0] != ROSTER_VERSION) {
        return;
    }
    length = sealed.length - CP_SEAL_OVERHEAD;
    for (apr_size_t at = AT_ENTRIES; at + ENTRY_LENGTH <= length;
         at += ENTRY_LENGTH) {
        entry *one = &list->entries[list->count];

        memcpy(one->name.bytes, text + at, CP_STORE_NAME_LENGTH);
        one->made = number_read(text + at + CP_STORE_NAME_LENGTH);
        one->ends = number_read(text + at + CP_STORE_NAME_LENGTH + 4);
        list->count += one->ends > where->now;
    }
}

/* @return as the store does */
static apr_status_t roster_load(const cp_listing *where, unsigned char key,
                                cp_span realm, const char *user,
                                roster *list, apr_pool_t *pool)
{
    cp_store_record record;
    apr_status_t rv;

    list->count = list->ending_count = 0;
    list->revision = list->expires = 0;
    if (!roster_name(where->ring, key, realm, user, &list->name)) {
        return APR_EGENERAL;
    }
    rv = where->store->provider->load(where->store, &list->name, where->now,
                                      &record, pool);
    if (rv == APR_SUCCESS) {
        list->revision = record.revision;
        list->expires = record.expires;
        entries_read(where, key, record.value, list);
    }
    return rv;
}

static apr_status_t roster_save(const cp_listing *where, roster *list,
                                const cp_enrolment *session)
{
    unsigned char text[TEXT_MAX], value[VALUE_MAX];
    cp_store_record record = { .expires = list->expires,
                               .revision = list->revision };
    apr_size_t length = AT_ENTRIES;

    text[0] = ROSTER_VERSION;
    for (int i = 0; i < list->count; i++, length += ENTRY_LENGTH) {
        const entry *one = &list->entries[i];

        memcpy(text + length, one->name.bytes, CP_STORE_NAME_LENGTH);
        number_write(text + length + CP_STORE_NAME_LENGTH, one->made);
        number_write(text + length + CP_STORE_NAME_LENGTH + 4, one->ends);
        if (one->ends > record.expires) {
            record.expires = one->ends;
        }
    }
    value[0] = session->key;
    if (!cp_owner_of(where->ring, session->key, session->realm,
                     session->user, &record.owner)
        || !cp_keyring_seal_note(where->ring, session->key,
                                 name_span(&list->name),
                                 cp_span_make(text, length),
                                 value + AT_SEALED)) {
        return APR_EGENERAL;
    }
    record.owner |= CP_OWNER_ROSTER;
    record.value = cp_span_make(value, AT_SEALED + length + CP_SEAL_OVERHEAD);
    return where->store->provider->save(where->store, &list->name, where->now,
                                        &record);
}

/* --- Entering --------------------------------------------------------- */

/* A user's first login under a new key: what older keys' rosters have. They
 * stay as they are, until they expire. */
static apr_status_t older_load(const cp_listing *where,
                               const cp_enrolment *session, roster *list,
                               apr_pool_t *pool)
{
    unsigned char ids[CP_KEYS_MAX];
    int count = cp_keyring_ids(where->ring, ids);
    roster older;

    for (int i = 0; i < count; i++) {
        apr_status_t rv;

        if (ids[i] == session->key) {
            continue;
        }
        rv = roster_load(where, ids[i], session->realm, session->user,
                         &older, pool);
        if (rv == APR_SUCCESS) {
            list->count = older.count;
            memcpy(list->entries, older.entries, sizeof(list->entries));
            return rv;
        }
        if (!APR_STATUS_IS_NOTFOUND(rv)) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

static void entry_drop(roster *list, int at)
{
    list->count--;
    memmove(&list->entries[at], &list->entries[at + 1],
            (apr_size_t)(list->count - at) * sizeof(entry));
}

static void entry_drop_named(roster *list, const cp_store_name *name)
{
    for (int i = list->count - 1; name && i >= 0; i--) {
        if (memcmp(&list->entries[i].name, name, sizeof(*name)) == 0) {
            entry_drop(list, i);
        }
    }
}

/* @return as the store does, but APR_SUCCESS for what was not there */
static apr_status_t session_end(const cp_listing *where,
                                const cp_store_name *name)
{
    apr_status_t rv = where->store->provider->remove(where->store, name,
                                                     where->now);

    return APR_STATUS_IS_NOTFOUND(rv) ? APR_SUCCESS : rv;
}

/* Ended ones are only looked for here: a logout leaves the roster alone. */
static apr_status_t ended_drop(const cp_listing *where, roster *list,
                               apr_pool_t *pool)
{
    cp_store *store = where->store;
    cp_store_record record;

    for (int i = list->count - 1; i >= 0; i--) {
        apr_status_t rv = store->provider->peek(store, &list->entries[i].name,
                                                where->now, &record, pool);

        if (APR_STATUS_IS_NOTFOUND(rv)) {
            entry_drop(list, i);
        }
        else if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

/* Sessions end before they are off the roster, so that none is ever lost sight
 * of. But where the roster got shorter since the store refused it, nobody
 * knows yet whether the store takes anything at all. */
static apr_status_t room_make(const cp_listing *where, roster *list,
                              int limit, apr_pool_t *pool)
{
    apr_status_t rv = list->count < limit ? APR_SUCCESS
                                          : ended_drop(where, list, pool);

    while (rv == APR_SUCCESS && list->count >= limit) {
        if (limit < CP_ROSTER_MAX) {
            list->ending[list->ending_count++] = list->entries[0].name;
        }
        else {
            rv = session_end(where, &list->entries[0].name);
        }
        if (rv == APR_SUCCESS) {
            entry_drop(list, 0);
        }
    }
    return rv;
}

static apr_status_t ending_end(const cp_listing *where, const roster *list)
{
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; i < list->ending_count && rv == APR_SUCCESS; i++) {
        rv = session_end(where, &list->ending[i]);
    }
    return rv;
}

static apr_status_t enter(const cp_listing *where,
                          const cp_enrolment *session, roster *list,
                          int limit, apr_pool_t *pool)
{
    apr_status_t rv = roster_load(where, session->key, session->realm,
                                  session->user, list, pool);

    if (APR_STATUS_IS_NOTFOUND(rv)) {
        rv = older_load(where, session, list, pool);
    }
    if (rv == APR_SUCCESS) {
        entry_drop_named(list, session->former);
        rv = room_make(where, list, limit, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    list->entries[list->count++] = (entry){ *session->name, where->now,
                                            session->ends };
    rv = roster_save(where, list, session);
    return rv == APR_SUCCESS ? ending_end(where, list) : rv;
}

/* Somebody else has changed the roster, or it went. */
static bool is_to_be_tried(apr_status_t rv)
{
    return rv == APR_EEXIST || rv == APR_NOTFOUND;
}

/* A store that takes no value of that length has shorter rosters. */
apr_status_t cp_roster_enter(const cp_listing *where,
                             const cp_enrolment *session, apr_pool_t *pool)
{
    apr_status_t rv = APR_EEXIST;
    int limit = CP_ROSTER_MAX;
    apr_pool_t *try_pool;
    roster list;

    apr_pool_create(&try_pool, pool);
    for (int i = 0; i < TRIES && is_to_be_tried(rv); i++) {
        apr_pool_clear(try_pool);
        rv = enter(where, session, &list, limit, try_pool);
        if (rv == APR_ENOSPC && list.count > 1) {
            limit = list.count - 1;
            rv = APR_EEXIST;
        }
    }
    apr_pool_destroy(try_pool);
    return is_to_be_tried(rv) ? APR_TIMEUP : rv;
}

/* --- Keeping ---------------------------------------------------------- */

void cp_roster_use(const cp_listing *where, unsigned char key, cp_span realm,
                   const char *user, apr_pool_t *pool)
{
    cp_store_record record;
    cp_store_name name;

    if (roster_name(where->ring, key, realm, user, &name)) {
        where->store->provider->load(where->store, &name, where->now, &record,
                                     pool);
    }
}

/* --- Ending ----------------------------------------------------------- */

static apr_status_t entries_end(const cp_listing *where, const roster *list,
                                apr_uint32_t *ended)
{
    for (int i = 0; i < list->count; i++) {
        apr_status_t rv = where->store->provider->remove(
            where->store, &list->entries[i].name, where->now);

        if (rv != APR_SUCCESS && !APR_STATUS_IS_NOTFOUND(rv)) {
            return rv;
        }
        *ended += rv == APR_SUCCESS;
    }
    return APR_SUCCESS;
}

apr_status_t cp_roster_end(const cp_listing *where, const char *realm,
                           const char *user, apr_uint32_t *ended,
                           apr_pool_t *pool)
{
    unsigned char ids[CP_KEYS_MAX];
    int count = cp_keyring_ids(where->ring, ids);
    apr_status_t rv = APR_SUCCESS;

    *ended = 0;
    for (int i = 0; i < count && rv == APR_SUCCESS; i++) {
        roster list;

        rv = roster_load(where, ids[i], cp_span_of(realm), user, &list, pool);
        if (rv == APR_SUCCESS) {
            rv = entries_end(where, &list, ended);
        }
        rv = APR_STATUS_IS_NOTFOUND(rv) ? APR_SUCCESS : rv;
    }
    return rv;
}
