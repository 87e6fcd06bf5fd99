/**
 * @file token.h
 * @brief What tokens are made of: randomness, characters, comparison.
 */
#ifndef CP_TOKEN_H
#define CP_TOKEN_H

#include "span.h"

/** The number of characters that cp_base64url_encode() writes, less NUL. */
#define CP_BASE64URL_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "abcdefghijklmnopqrstuvwxyz0123456789-_"

#define CP_BASE64URL_LENGTH(bytes) (((bytes) * 4 + 2) / 3)

/** What a token in base 62 is written with, in the order of Django's mask. */
#define CP_ALPHANUMERIC_COUNT 62
extern const char cp_alphanumeric[CP_ALPHANUMERIC_COUNT + 1];

/** Random bytes for secrets. @return false when there are none to be had. */
bool cp_random_bytes(void *bytes, apr_size_t length);

/** Compares in a time that depends on the lengths alone. */
bool cp_secret_equal(cp_span a, cp_span b);

/**
 * Base64url without padding (RFC 4648 section 5).
 * @param text  room for length * 4 / 3 + 4 characters; ends in NUL
 * @return the number of characters
 */
apr_size_t cp_base64url_encode(char *text, const void *bytes,
                               apr_size_t length);

/**
 * Strict: no padding, no other characters, unused bits zero, so that a token
 * has one spelling.
 * @param bytes  room for text.length * 3 / 4 + 3 bytes
 * @param length gets the number of bytes
 */
bool cp_base64url_decode(unsigned char *bytes, apr_size_t *length,
                         cp_span text);

#endif
