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

static apr_uint64_t words_differ(const char *a, const char *b)
{
    apr_uint64_t words[2];

    memcpy(&words[0], a, sizeof(words[0]));
    memcpy(&words[1], b, sizeof(words[1]));
    return words[0] ^ words[1];
}

bool cp_secret_equal(cp_span a, cp_span b)
{
    const apr_size_t word = sizeof(apr_uint64_t);
    apr_uint64_t differs = 0;

    if (a.length != b.length) {
        return false;
    }
    if (a.length < word) {
        return a.length == 0 || CRYPTO_memcmp(a.at, b.at, a.length) == 0;
    }
    /* OpenSSL goes by bytes, of which a Cookie header has hundreds. Always to
     * the end, and the last word, which may overlap, is the last 8 bytes. */
    for (apr_size_t at = 0; at < a.length - word; at += word) {
        differs |= words_differ(a.at + at, b.at + at);
    }
    differs |= words_differ(a.at + a.length - word, b.at + b.length - word);
    return differs == 0;
}

apr_size_t cp_base64url_encode(char *text, const void *bytes,
                               apr_size_t length)
{
    apr_size_t size = 0;

    apr_encode_base64_binary(text, bytes, (apr_ssize_t)length,
                             APR_ENCODE_BASE64URL, &size);
    return size;
}

/* APR reads both alphabets, padding and stray bits; of all spellings only the
 * one that encoding gives is good. Where no bits can be left over it is that of
 * the right alphabet. */
static bool is_canonical(cp_span text, const unsigned char *bytes,
                         apr_size_t length)
{
    char again[256];

    if (text.length % 4 == 0) {
        return !memchr(text.at, '+', text.length)
               && !memchr(text.at, '/', text.length)
               && !memchr(text.at, '=', text.length);
    }
    return cp_span_equal(text, cp_span_make(again,
                         cp_base64url_encode(again, bytes, length)));
}

bool cp_base64url_decode(unsigned char *bytes, apr_size_t *length,
                         cp_span text)
{
    return CP_BASE64URL_LENGTH(text.length * 3 / 4) < 256 - 4
           && apr_decode_base64_binary(bytes, text.at,
                                       (apr_ssize_t)text.length,
                                       APR_ENCODE_BASE64URL, length)
              == APR_SUCCESS
           && is_canonical(text, bytes, *length);
}
