#include "record.h"
#include "owner.h"

#include <openssl/crypto.h>

#define RECORD_VERSION 2
#define FLAG_MOVED 1
#define FLAG_BY_ENTRIES 2
#define RECORD_TEXT_MAX \
    (CP_STORE_VALUE_MAX - CP_LABEL_MAX - CP_SEAL_OVERHEAD)

/* The text: version, flags, created, until, binding, successor where moved;
 * then strings, each with its length in two bytes: user, provider and
 * AuthName (empty: none), name and value of each entry, an empty name, name
 * and value of each attribute. */
typedef struct writer {
    unsigned char *at;
    unsigned char *end;
    bool full;
} writer;

static void put_bytes(writer *out, const void *bytes, apr_size_t length)
{
    out->full = out->full || (apr_size_t)(out->end - out->at) < length;
    if (!out->full) {
        memcpy(out->at, bytes, length);
        out->at += length;
    }
}

static void put_byte(writer *out, unsigned int byte)
{
    unsigned char c = (unsigned char)byte;

    put_bytes(out, &c, 1);
}

static void put_string(writer *out, const char *string)
{
    apr_size_t length = strlen(string);

    out->full = out->full || length > 0xffff;
    put_byte(out, (unsigned int)(length >> 8 & 0xff));
    put_byte(out, (unsigned int)(length & 0xff));
    put_bytes(out, string, length);
}

static void put_time(writer *out, apr_uint32_t time)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        put_byte(out, time >> shift & 0xff);
    }
}

static int put_pair(void *out, const char *name, const char *value)
{
    if (*name) {
        put_string(out, name);
        put_string(out, value);
    }
    return 1;
}

static const char *or_empty(const char *string)
{
    return string ? string : "";
}

static apr_size_t record_write(const cp_record *record, unsigned char *text)
{
    writer out = { text, text + RECORD_TEXT_MAX, false };

    put_byte(&out, RECORD_VERSION);
    put_byte(&out, (record->moved ? FLAG_MOVED : 0)
                   | (record->by_entries ? FLAG_BY_ENTRIES : 0));
    put_time(&out, record->created);
    put_time(&out, record->until);
    put_bytes(&out, record->binding, sizeof(record->binding));
    if (record->moved) {
        put_bytes(&out, record->successor.bytes, CP_SESSION_ID_LENGTH);
    }
    put_string(&out, or_empty(record->user));
    put_string(&out, or_empty(record->provider));
    put_string(&out, or_empty(record->auth_name));
    apr_table_do(put_pair, &out, record->entries, NULL);
    put_string(&out, "");
    apr_table_do(put_pair, &out, record->attributes, NULL);
    return out.full ? 0 : (apr_size_t)(out.at - text);
}

typedef struct reader {
    const unsigned char *at;
    apr_size_t left;
} reader;

static bool get_bytes(reader *in, void *bytes, apr_size_t length)
{
    if (in->left < length) {
        return false;
    }
    memcpy(bytes, in->at, length);
    in->at += length;
    in->left -= length;
    return true;
}

static const char *get_string(reader *in, apr_pool_t *pool)
{
    unsigned char length[2];
    char *string;
    apr_size_t bytes;

    if (!get_bytes(in, length, sizeof(length))) {
        return NULL;
    }
    bytes = (apr_size_t)length[0] << 8 | length[1];
    if (in->left < bytes) {
        return NULL;
    }
    string = apr_pcalloc(pool, bytes + 1);
    return get_bytes(in, string, bytes) ? string : NULL;
}

static bool get_time(reader *in, apr_uint32_t *time)
{
    unsigned char bytes[4];

    if (!get_bytes(in, bytes, sizeof(bytes))) {
        return false;
    }
    *time = (apr_uint32_t)bytes[0] << 24 | (apr_uint32_t)bytes[1] << 16
            | (apr_uint32_t)bytes[2] << 8 | bytes[3];
    return true;
}

/* An empty one is none. */
static bool get_optional(reader *in, const char **string, apr_pool_t *pool)
{
    *string = get_string(in, pool);
    if (!*string) {
        return false;
    }
    if (!**string) {
        *string = NULL;
    }
    return true;
}

/* Pairs up to an empty name, or to the end. */
static bool get_pairs(reader *in, apr_table_t *pairs, apr_pool_t *pool)
{
    while (in->left) {
        const char *name = get_string(in, pool);
        const char *value;

        if (name && !*name) {
            return true;
        }
        value = get_string(in, pool);
        if (!name || !value) {
            return false;
        }
        apr_table_addn(pairs, name, value);
    }
    return true;
}

static bool record_read(reader *in, cp_record *record, apr_pool_t *pool)
{
    unsigned char head[2];

    if (!get_bytes(in, head, sizeof(head)) || head[0] != RECORD_VERSION
        || !get_time(in, &record->created) || !get_time(in, &record->until)
        || !get_bytes(in, record->binding, sizeof(record->binding))) {
        return false;
    }
    record->moved = head[1] & FLAG_MOVED;
    record->by_entries = head[1] & FLAG_BY_ENTRIES;
    if (record->moved
        && !get_bytes(in, record->successor.bytes, CP_SESSION_ID_LENGTH)) {
        return false;
    }
    record->entries = apr_table_make(pool, 4);
    record->attributes = apr_table_make(pool, 8);
    return get_optional(in, &record->user, pool)
           && get_optional(in, &record->provider, pool)
           && get_optional(in, &record->auth_name, pool)
           && get_pairs(in, record->entries, pool)
           && get_pairs(in, record->attributes, pool) && in->left == 0;
}

static bool same_string(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool cp_record_is_of(const cp_record *record, const char *user,
                     const char *provider, const char *auth_name)
{
    return same_string(record->user, user)
           && same_string(record->provider, provider)
           && same_string(record->auth_name, auth_name);
}

static unsigned char key_of(const cp_session_id *id)
{
    return id->bytes[CP_SESSION_ID_KEY];
}

/* The name that a record is filed under; the bytes behind it are the
 * session's reference. */
static bool record_file(const cp_visit *visit, const cp_session_id *id,
                        cp_store_name *name, unsigned char *reference)
{
    unsigned char mac[CP_MAC_LENGTH];
    cp_span part = cp_span_make(id->bytes, CP_SESSION_ID_LENGTH);
    bool good = cp_keyring_mac(visit->site->ring, key_of(id),
                               CP_PURPOSE_FILING, visit->request.realm,
                               &part, 1, mac);

    memcpy(name->bytes, mac, CP_STORE_NAME_LENGTH);
    memcpy(reference, mac + CP_STORE_NAME_LENGTH, CP_REFERENCE_BYTES);
    return good;
}

bool cp_record_name(const cp_visit *visit, const cp_session_id *id,
                    cp_store_name *name)
{
    unsigned char reference[CP_REFERENCE_BYTES];

    return record_file(visit, id, name, reference);
}

/* A record is held to its name and to the label before it. */
static cp_span record_bound(const cp_store_name *name, cp_span front,
                            unsigned char *bound)
{
    memcpy(bound, name->bytes, sizeof(name->bytes));
    memcpy(bound + sizeof(name->bytes), front.at, front.length);
    return cp_span_make(bound, sizeof(name->bytes) + front.length);
}

static bool record_open(const cp_visit *visit, const cp_session_id *id,
                        const cp_store_name *name, cp_span value,
                        cp_record *record)
{
    unsigned char bound[CP_STORE_NAME_LENGTH + CP_LABEL_MAX];
    apr_size_t front = cp_label_length(value);
    cp_span sealed = cp_span_make(value.at + front, value.length - front);
    unsigned char *text = apr_palloc(visit->pool, sealed.length + 1);
    reader in;

    if (!front
        || !cp_keyring_open(visit->site->ring, key_of(id),
                            visit->request.realm,
                            cp_span_make(id->bytes, CP_SESSION_RANDOM_LENGTH),
                            record_bound(name, cp_span_make(value.at, front),
                                         bound),
                            sealed, text)) {
        return false;
    }
    in = (reader){ text, sealed.length - CP_SEAL_OVERHEAD };
    return record_read(&in, record, visit->pool);
}

apr_status_t cp_record_load(const cp_visit *visit, const cp_session_id *id,
                            cp_record *record)
{
    cp_store *store = visit->site->store;
    cp_store_record stored = { 0 };
    unsigned char reference[CP_REFERENCE_BYTES];
    cp_store_name name;
    apr_status_t status;

    if (!record_file(visit, id, &name, reference)) {
        return APR_NOTFOUND;
    }
    status = store->provider->load(store, &name, visit->request.now, &stored,
                                   visit->pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    memset(record, 0, sizeof(*record));
    record->expires = stored.expires;
    record->revision = stored.revision;
    record->name = name;
    memcpy(record->reference, reference, sizeof(reference));
    record->sealed = stored.value;
    return record_open(visit, id, &name, stored.value, record)
           ? APR_SUCCESS : APR_NOTFOUND;
}

apr_status_t cp_record_renew(const cp_visit *visit, cp_record *record)
{
    cp_store *store = visit->site->store;
    cp_store_record stored = { 0 };
    apr_status_t status = store->provider->load(store, &record->name,
                                                visit->request.now, &stored,
                                                visit->pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (stored.revision != record->revision
        || !cp_span_equal(stored.value, record->sealed)) {
        return APR_EMISMATCH;
    }
    record->expires = stored.expires;
    return APR_SUCCESS;
}

static apr_size_t label_seal(const cp_visit *visit, const cp_session_id *id,
                             const cp_store_name *name,
                             const cp_record *record, unsigned char *front)
{
    cp_label label = { key_of(id), record->moved, record->created, { 0 },
                       visit->request.realm, record->user };

    memcpy(label.reference, record->reference, CP_REFERENCE_BYTES);
    return cp_label_seal(visit->site->ring, name, &label, front);
}

/* The label, and behind it the text, sealed.
 * @return the absent span when the key is gone or OpenSSL fails */
static cp_span record_seal(const cp_visit *visit, const cp_session_id *id,
                           const cp_store_name *name,
                           const cp_record *record, cp_span text)
{
    unsigned char bound[CP_STORE_NAME_LENGTH + CP_LABEL_MAX];
    unsigned char *value = apr_palloc(visit->pool, CP_LABEL_MAX + text.length
                                                   + CP_SEAL_OVERHEAD);
    apr_size_t front = label_seal(visit, id, name, record, value);

    if (!front
        || !cp_keyring_seal(visit->site->ring, key_of(id),
                            visit->request.realm,
                            cp_span_make(id->bytes, CP_SESSION_RANDOM_LENGTH),
                            record_bound(name, cp_span_make(value, front),
                                         bound),
                            text, value + front)) {
        return CP_SPAN_NONE;
    }
    return cp_span_make(value, front + text.length + CP_SEAL_OVERHEAD);
}

apr_status_t cp_record_save(const cp_visit *visit, const cp_session_id *id,
                            cp_record *record)
{
    cp_store *store = visit->site->store;
    unsigned char *text = apr_palloc(visit->pool, RECORD_TEXT_MAX);
    apr_size_t length = record_write(record, text);
    cp_store_record stored = { 0 };
    cp_store_name name;
    apr_status_t status;

    if (length == 0) {
        return APR_ENOSPC;
    }
    if (!record_file(visit, id, &name, record->reference)
        || !cp_owner_of(visit->site->ring, key_of(id), visit->request.realm,
                        record->user, &stored.owner)) {
        return APR_EGENERAL;
    }
    stored.value = record_seal(visit, id, &name, record,
                               cp_span_make(text, length));
    OPENSSL_cleanse(text, length);
    if (!stored.value.at) {
        return APR_EGENERAL;
    }
    stored.expires = record->expires;
    stored.revision = record->revision;
    status = store->provider->save(store, &name, visit->request.now,
                                   &stored);
    record->revision = stored.revision;
    return status;
}

apr_status_t cp_record_remove(const cp_visit *visit,
                              const cp_session_id *id)
{
    cp_store *store = visit->site->store;
    cp_store_name name;

    if (!cp_record_name(visit, id, &name)) {
        return APR_NOTFOUND;
    }
    return store->provider->remove(store, &name, visit->request.now);
}

apr_status_t cp_record_touch(const cp_visit *visit, const cp_session_id *id,
                             apr_uint32_t expires)
{
    cp_store *store = visit->site->store;
    cp_store_name name;

    if (!cp_record_name(visit, id, &name)) {
        return APR_NOTFOUND;
    }
    return store->provider->touch(store, &name, visit->request.now, expires);
}
