/**
 * @file keyring.h
 * @brief Keys, the subkeys derived from them, MACs, sealing, and randomness.
 *
 * For each purpose and realm a subkey is derived by HKDF (RFC 5869), so that
 * a token made for one is worth nothing in another.
 */
#ifndef CP_KEYRING_H
#define CP_KEYRING_H

#include "keyfile.h"

#define CP_MAC_LENGTH 32
#define CP_SIGNATURE_LENGTH 16

/** What a sealed text is longer than its plain text: nonce and tag. */
#define CP_SEAL_OVERHEAD (12 + 16)

typedef enum cp_purpose {
    /* Of cp_keyring_sign(). */
    CP_PURPOSE_SESSION,         /* signs sessionid */
    CP_PURPOSE_CSRF,            /* signs csrftoken */
    CP_PURPOSE_SUCCESSION,      /* makes a csrftoken's follower */
    CP_PURPOSE_PREFERENCES,     /* signs cookies_preferences */
    /* Of cp_keyring_mac(). */
    CP_PURPOSE_FILING,          /* names a session's record in the store, and
                                   the session in logs */
    CP_PURPOSE_OWNER,           /* names a user in the store */
    CP_PURPOSE_REALM,           /* names a realm in the store */
    CP_PURPOSE_ROSTER,          /* names a user's roster in the store */
    CP_PURPOSE_SNAPSHOT,        /* signs the file of the store */
    CP_PURPOSE_COUNT
} cp_purpose;

#define CP_PURPOSE_OF_MAC CP_PURPOSE_FILING

typedef struct cp_keyring cp_keyring;

/**
 * Makes a ring of a copy of the keys.
 * @return NULL when OpenSSL or the system does not give what it needs
 */
cp_keyring *cp_keyring_make(const cp_keys *keys, apr_pool_t *pool);

/** The id of the key that signs at @a now (seconds since the epoch). */
unsigned char cp_keyring_signer(const cp_keyring *ring, apr_uint32_t now);

/** Whether a key of that id is there and not revoked. */
bool cp_keyring_verifies(const cp_keyring *ring, unsigned char id);

/**
 * The ids of all keys that verify, the youngest first.
 * @param ids  room for CP_KEYS_MAX
 * @return their number
 */
int cp_keyring_ids(const cp_keyring *ring, unsigned char *ids);

/**
 * AES-256-CMAC (NIST SP 800-38B) of the parts one after the other, under the
 * subkey of a purpose and realm: for what comes with every request, since it
 * takes a third of an HMAC's instructions. Who has the key can go back from a
 * signature to what was signed. Parts of variable length are the caller's to
 * delimit. Keyed contexts are kept per thread.
 * @param id         the key
 * @param signature  gets CP_SIGNATURE_LENGTH bytes
 * @return false, with @a signature zeroed, where there is no such key, the
 *         purpose is none for this, or OpenSSL fails: nothing may then count
 *         as valid
 */
bool cp_keyring_sign(const cp_keyring *ring, unsigned char id,
                     cp_purpose purpose, cp_span realm, const cp_span *parts,
                     int count, unsigned char *signature);

/** Characters of a signature in base64url. */
#define CP_SIGNATURE_TEXT_LENGTH 22

/**
 * The signature of a text, in base64url (RFC 4648 section 5). The same text as
 * last time costs next to nothing.
 * @param spelled  gets CP_SIGNATURE_TEXT_LENGTH characters and NUL
 * @return as above; false leaves an empty string
 */
bool cp_keyring_sign_text(const cp_keyring *ring, unsigned char id,
                          cp_purpose purpose, cp_span realm, cp_span text,
                          char *spelled);

/**
 * HMAC-SHA256 (RFC 2104), otherwise as cp_keyring_sign(): for names, from
 * which nobody finds back, not even with the key.
 * @param mac  gets CP_MAC_LENGTH bytes
 * @return false, with @a mac zeroed, as cp_keyring_sign()
 */
bool cp_keyring_mac(const cp_keyring *ring, unsigned char id,
                    cp_purpose purpose, cp_span realm, const cp_span *parts,
                    int count, unsigned char *mac);

/**
 * Encrypts with AES-256-GCM under a key derived from the ring, the realm and
 * a secret that the ring does not hold.
 * @param secret  at least 16 random bytes
 * @param bound   authenticated with the text but not part of it
 * @param sealed  gets text.length + CP_SEAL_OVERHEAD bytes
 * @return false where there is no such key or OpenSSL fails
 */
bool cp_keyring_seal(const cp_keyring *ring, unsigned char id, cp_span realm,
                     cp_span secret, cp_span bound, cp_span text,
                     unsigned char *sealed);

/**
 * The reverse of cp_keyring_seal().
 * @param text  gets sealed.length - CP_SEAL_OVERHEAD bytes
 * @return false when anything was changed; @a text is then all zero
 */
bool cp_keyring_open(const cp_keyring *ring, unsigned char id, cp_span realm,
                     cp_span secret, cp_span bound, cp_span sealed,
                     unsigned char *text);

/**
 * Encrypts what administration may read: under a key derived from the ring
 * and the name that it is filed under, which holds it to that name.
 * @param name    at most 64 bytes
 * @param sealed  gets text.length + CP_SEAL_OVERHEAD bytes
 * @return false where there is no such key or OpenSSL fails
 */
bool cp_keyring_seal_note(const cp_keyring *ring, unsigned char id,
                          cp_span name, cp_span text, unsigned char *sealed);

/**
 * The reverse of cp_keyring_seal_note().
 * @param text  gets sealed.length - CP_SEAL_OVERHEAD bytes
 * @return false when anything was changed; @a text is then all zero
 */
bool cp_keyring_open_note(const cp_keyring *ring, unsigned char id,
                          cp_span name, cp_span sealed, unsigned char *text);

/**
 * Random bytes out of a supply that each thread keeps, since to ask OpenSSL
 * for a few costs more than all the rest of a token. What was given is wiped
 * from it, and none is used in another process than that which drew it.
 * @param length  at most 4,096
 * @return false when there is no randomness to be had
 */
bool cp_keyring_random(const cp_keyring *ring, unsigned char *bytes,
                       apr_size_t length);

/**
 * Random numbers below CP_ALPHANUMERIC_COUNT, each as likely as any other, out
 * of the same supply: for the characters of a token, or to mask one.
 * @param numbers  gets @a length of them
 * @return false when there is no randomness to be had
 */
bool cp_keyring_numbers(const cp_keyring *ring, unsigned char *numbers,
                        apr_size_t length);

#endif
