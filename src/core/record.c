#include "record.h"

#include <openssl/crypto.h>

#define RECORD_VERSION 1
#define FLAG_MOVED 1
#define RECORD_TEXT_MAX (CP_STORE_VALUE_MAX - CP_SEAL_OVERHEAD)

/* The text: version, flags, created, binding, successor where moved, then
 * strings, each with its length in two bytes: the user (empty: nobody), and
 * name and value of each attribute. */
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

static int put_attribute(void *out, const char *name, const char *value)
{
    put_string(out, name);
    put_string(out, value);
    return 1;
}

static apr_size_t record_write(const cp_record *record, unsigned char *text)
{
    writer out = { text, text + RECORD_TEXT_MAX, false };

    put_byte(&out, RECORD_VERSION);
    put_byte(&out, record->moved ? FLAG_MOVED : 0);
    for (int shift = 24; shift >= 0; shift -= 8) {
        put_byte(&out, record->created >> shift & 0xff);
    }
    put_bytes(&out, record->binding, sizeof(record->binding));
    if (record->moved) {
        put_bytes(&out, record->successor.bytes, CP_SESSION_ID_LENGTH);
    }
    put_string(&out, record->user ? record->user : "");
    apr_table_do(put_attribute, &out, record->attributes, NULL);
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

static bool record_read(reader *in, cp_record *record, apr_pool_t *pool)
{
    unsigned char head[6];

    if (!get_bytes(in, head, sizeof(head)) || head[0] != RECORD_VERSION
        || !get_bytes(in, record->binding, sizeof(record->binding))) {
        return false;
    }
    record->created = (apr_uint32_t)head[2] << 24
                      | (apr_uint32_t)head[3] << 16
                      | (apr_uint32_t)head[4] << 8 | head[5];
    record->moved = head[1] & FLAG_MOVED;
    if (record->moved
        && !get_bytes(in, record->successor.bytes, CP_SESSION_ID_LENGTH)) {
        return false;
    }
    record->user = get_string(in, pool);
    if (!record->user) {
        return false;
    }
    if (!*record->user) {
        record->user = NULL;
    }
    record->attributes = apr_table_make(pool, 8);
    while (in->left) {
        const char *name = get_string(in, pool);
        const char *value = get_string(in, pool);

        if (!name || !value) {
            return false;
        }
        apr_table_addn(record->attributes, name, value);
    }
    return true;
}

static unsigned char key_of(const cp_session_id *id)
{
    return id->bytes[CP_SESSION_ID_KEY];
}

bool cp_record_name(const cp_visit *visit, const cp_session_id *id,
                    cp_store_name *name)
{
    unsigned char mac[CP_MAC_LENGTH];
    cp_span part = cp_span_make(id->bytes, CP_SESSION_ID_LENGTH);
    bool good = cp_keyring_mac(visit->site->ring, key_of(id),
                               CP_PURPOSE_FILING, visit->request.realm,
                               &part, 1, mac);

    memcpy(name->bytes, mac, CP_STORE_NAME_LENGTH);
    return good;
}

apr_status_t cp_record_load(const cp_visit *visit, const cp_session_id *id,
                            cp_record *record)
{
    cp_store *store = visit->site->store;
    cp_store_record stored = { 0 };
    cp_store_name name;
    apr_status_t status;
    unsigned char *text;
    reader in;

    if (!cp_record_name(visit, id, &name)) {
        return APR_NOTFOUND;
    }
    status = store->provider->load(store, &name, visit->request.now, &stored,
                                   visit->pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    text = apr_palloc(visit->pool, stored.value.length + 1);
    if (!cp_keyring_open(visit->site->ring, key_of(id), visit->request.realm,
                         cp_span_make(id->bytes, CP_SESSION_RANDOM_LENGTH),
                         cp_span_make(name.bytes, sizeof(name.bytes)),
                         stored.value, text)) {
        return APR_NOTFOUND;
    }
    memset(record, 0, sizeof(*record));
    in = (reader){ text, stored.value.length - CP_SEAL_OVERHEAD };
    record->expires = stored.expires;
    record->revision = stored.revision;
    return record_read(&in, record, visit->pool) ? APR_SUCCESS
                                                 : APR_NOTFOUND;
}

/* The store's name for a user of this realm: not 0, which is nobody. */
static apr_uint64_t owner_of(const cp_visit *visit, const cp_session_id *id,
                             const char *user)
{
    unsigned char mac[CP_MAC_LENGTH];
    cp_span part = cp_span_of(user);
    apr_uint64_t owner = 0;

    if (user && cp_keyring_mac(visit->site->ring, key_of(id),
                               CP_PURPOSE_OWNER, visit->request.realm, &part,
                               1, mac)) {
        memcpy(&owner, mac, sizeof(owner));
        owner = owner ? owner : 1;
    }
    return owner;
}

apr_status_t cp_record_save(const cp_visit *visit, const cp_session_id *id,
                            cp_record *record)
{
    cp_store *store = visit->site->store;
    unsigned char *text = apr_palloc(visit->pool, RECORD_TEXT_MAX);
    apr_size_t length = record_write(record, text);
    unsigned char *sealed;
    cp_store_record stored = { 0 };
    cp_store_name name;
    apr_status_t status;

    if (length == 0) {
        return APR_ENOSPC;
    }
    sealed = apr_palloc(visit->pool, length + CP_SEAL_OVERHEAD);
    if (!cp_record_name(visit, id, &name)
        || !cp_keyring_seal(visit->site->ring, key_of(id),
                            visit->request.realm,
                            cp_span_make(id->bytes, CP_SESSION_RANDOM_LENGTH),
                            cp_span_make(name.bytes, sizeof(name.bytes)),
                            cp_span_make(text, length), sealed)) {
        return APR_EGENERAL;
    }
    OPENSSL_cleanse(text, length);
    stored.value = cp_span_make(sealed, length + CP_SEAL_OVERHEAD);
    stored.expires = record->expires;
    stored.revision = record->revision;
    stored.owner = owner_of(visit, id, record->user);
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
