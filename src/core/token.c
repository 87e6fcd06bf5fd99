#include "token.h"

#include <apr_encode.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

const char cp_alphanumeric[CP_ALPHANUMERIC_COUNT + 1] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool cp_random_bytes(void *bytes, apr_size_t length)
{
    return RAND_bytes(bytes, (int)length) == 1;
}

bool cp_random_alphanumeric(char *characters, apr_size_t length)
{
    /* The largest multiple of 62 in a byte: what lies above it is drawn
     * again, or the first characters would be likelier than the others. */
    const unsigned int fair = 256 - 256 % CP_ALPHANUMERIC_COUNT;
    unsigned char random[64];
    apr_size_t next = sizeof(random);

    for (apr_size_t i = 0; i < length; next++) {
        if (next == sizeof(random)) {
            if (!cp_random_bytes(random, sizeof(random))) {
                return false;
            }
            next = 0;
        }
        if (random[next] < fair) {
            characters[i++] =
                cp_alphanumeric[random[next] % CP_ALPHANUMERIC_COUNT];
        }
    }
    return true;
}

bool cp_secret_equal(cp_span a, cp_span b)
{
    enum { STEP = 16 };         /* which OpenSSL compares without a loop */
    int differs = 0;

    if (a.length != b.length) {
        return false;
    }
    for (; a.length >= STEP; a.length -= STEP, a.at += STEP, b.at += STEP) {
        differs |= CRYPTO_memcmp(a.at, b.at, STEP);
    }
    return (differs | CRYPTO_memcmp(a.at, b.at, a.length)) == 0;
}

apr_size_t cp_base64url_encode(char *text, const void *bytes,
                               apr_size_t length)
{
    apr_size_t size = 0;

    apr_encode_base64_binary(text, bytes, (apr_ssize_t)length,
                             APR_ENCODE_BASE64URL, &size);
    return size;
}

bool cp_base64url_decode(unsigned char *bytes, apr_size_t *length,
                         cp_span text)
{
    /* APR reads both alphabets, padding and stray bits; of all spellings
     * only the one that encoding gives is good. */
    char again[256];

    if (CP_BASE64URL_LENGTH(text.length * 3 / 4) >= sizeof(again) - 4
        || apr_decode_base64_binary(bytes, text.at, (apr_ssize_t)text.length,
                                    APR_ENCODE_BASE64URL, length)
           != APR_SUCCESS) {
        return false;
    }
    return cp_span_equal(text, cp_span_make(again,
                         cp_base64url_encode(again, bytes, *length)));
}
