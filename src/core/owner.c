#include "owner.h"

static bool bits_of(const cp_keyring *ring, unsigned char key,
                    cp_purpose purpose, cp_span realm, cp_span part,
                    apr_uint64_t *bits)
{
    unsigned char mac[CP_MAC_LENGTH];
    bool good = cp_keyring_mac(ring, key, purpose, realm, &part, 1, mac);

    memcpy(bits, mac, sizeof(*bits));
    return good;
}

bool cp_owner_of(const cp_keyring *ring, unsigned char key, cp_span realm,
                 const char *user, apr_uint64_t *owner)
{
    apr_uint64_t of_realm, of_user = 0;

    if (!bits_of(ring, key, CP_PURPOSE_REALM, realm, CP_SPAN(""), &of_realm)
        || (user && !bits_of(ring, key, CP_PURPOSE_OWNER, realm,
                             cp_span_of(user), &of_user))) {
        return false;
    }
    *owner = of_realm & CP_OWNER_REALM;
    if (!user) {
        *owner |= CP_OWNER_ANONYMOUS;
        return true;
    }
    of_user &= CP_OWNER_USER;
    *owner |= of_user ? of_user : 1;
    return true;
}
