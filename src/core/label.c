#include "label.h"

/* Before the sealed text: the key's id, and how long that text is. */
#define AT_LENGTH 1
#define AT_SEALED 3

/* The text: version, flags, created, reference, the realm's length, realm,
 * and to the end the user, empty for nobody. */
#define AT_VERSION 0
#define AT_FLAGS 1
#define AT_CREATED 2
#define AT_REFERENCE 6
#define AT_REALM_LENGTH (AT_REFERENCE + CP_REFERENCE_BYTES)
#define AT_REALM (AT_REALM_LENGTH + 1)

#define LABEL_VERSION 1
#define FLAG_MOVED 1
#define STRING_MAX 255
#define TEXT_MAX (AT_REALM + 2 * STRING_MAX)

_Static_assert(AT_SEALED + TEXT_MAX + CP_SEAL_OVERHEAD <= CP_LABEL_MAX,
               "every label fits");

static cp_span name_span(const cp_store_name *name)
{
    return cp_span_make(name->bytes, sizeof(name->bytes));
}

apr_size_t cp_label_seal(const cp_keyring *ring, const cp_store_name *name,
                         const cp_label *label, unsigned char *front)
{
    unsigned char text[TEXT_MAX];
    cp_span user = cp_span_of(label->user ? label->user : "");
    apr_size_t length = AT_REALM + label->realm.length + user.length;
    apr_size_t sealed = length + CP_SEAL_OVERHEAD;

    if (label->realm.length > STRING_MAX || user.length > STRING_MAX) {
        return 0;
    }
    text[AT_VERSION] = LABEL_VERSION;
    text[AT_FLAGS] = label->moved ? FLAG_MOVED : 0;
    for (int i = 0; i < 4; i++) {
        text[AT_CREATED + i] = label->created >> (24 - 8 * i) & 0xff;
    }
    memcpy(text + AT_REFERENCE, label->reference, CP_REFERENCE_BYTES);
    text[AT_REALM_LENGTH] = (unsigned char)label->realm.length;
    memcpy(text + AT_REALM, label->realm.at, label->realm.length);
    memcpy(text + AT_REALM + label->realm.length, user.at, user.length);
    front[0] = label->key;
    front[AT_LENGTH] = sealed >> 8 & 0xff;
    front[AT_LENGTH + 1] = sealed & 0xff;
    return cp_keyring_seal_note(ring, label->key, name_span(name),
                                cp_span_make(text, length), front + AT_SEALED)
           ? AT_SEALED + sealed : 0;
}

apr_size_t cp_label_length(cp_span value)
{
    const unsigned char *front = (const unsigned char *)value.at;
    apr_size_t length;

    if (value.length < AT_SEALED) {
        return 0;
    }
    length = AT_SEALED + ((apr_size_t)front[AT_LENGTH] << 8
                          | front[AT_LENGTH + 1]);
    return length >= AT_SEALED + AT_REALM + CP_SEAL_OVERHEAD
           && length <= CP_LABEL_MAX && length <= value.length ? length : 0;
}

static bool text_read(const unsigned char *text, apr_size_t length,
                      cp_label *label, apr_pool_t *pool)
{
    apr_size_t realm = text[AT_REALM_LENGTH];
    const char *at = (const char *)text + AT_REALM;

    if (text[AT_VERSION] != LABEL_VERSION || length < AT_REALM + realm) {
        return false;
    }
    label->moved = text[AT_FLAGS] & FLAG_MOVED;
    label->created = 0;
    for (int i = 0; i < 4; i++) {
        label->created = label->created << 8 | text[AT_CREATED + i];
    }
    memcpy(label->reference, text + AT_REFERENCE, CP_REFERENCE_BYTES);
    label->realm = cp_span_make(apr_pstrmemdup(pool, at, realm), realm);
    label->user = length == AT_REALM + realm
                  ? NULL : apr_pstrmemdup(pool, at + realm,
                                          length - AT_REALM - realm);
    return true;
}

apr_status_t cp_label_open(const cp_keyring *ring, const cp_store_name *name,
                           cp_span value, cp_label *label, apr_pool_t *pool)
{
    unsigned char text[CP_LABEL_MAX];
    apr_size_t length = cp_label_length(value);
    cp_span sealed;

    memset(label, 0, sizeof(*label));
    if (!length) {
        return APR_EGENERAL;
    }
    label->key = (unsigned char)value.at[0];
    if (!cp_keyring_verifies(ring, label->key)) {
        return APR_EACCES;
    }
    sealed = cp_span_make(value.at + AT_SEALED, length - AT_SEALED);
    return cp_keyring_open_note(ring, label->key, name_span(name), sealed,
                                text)
           && text_read(text, sealed.length - CP_SEAL_OVERHEAD, label, pool)
           ? APR_SUCCESS : APR_EGENERAL;
}
