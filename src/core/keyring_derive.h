/**
 * @file keyring_derive.h
 * @brief What the rooms of a keyring share: its subkeys and its cipher.
 */
#ifndef CP_KEYRING_DERIVE_H
#define CP_KEYRING_DERIVE_H

#include "keyring.h"

#include <openssl/evp.h>

/** Bytes that a realm may have. */
#define CP_REALM_MAX 255

/**
 * Derives a subkey by HKDF-SHA256 (RFC 5869).
 * @param id      the key that it is derived from
 * @param label   what it is for: at most 63 characters
 * @param realm   at most CP_REALM_MAX bytes
 * @param secret  at most 64 bytes that the ring does not hold, or absent
 * @param subkey  gets CP_KEY_LENGTH bytes, which the caller wipes
 * @return false where there is no such key, something is too long, or OpenSSL
 *         fails
 */
bool cp_keyring_derive(const cp_keyring *ring, unsigned char id,
                       const char *label, cp_span realm, cp_span secret,
                       unsigned char *subkey);

/** AES-256-GCM, as long as the ring lives. */
const EVP_CIPHER *cp_keyring_cipher(const cp_keyring *ring);

#endif
