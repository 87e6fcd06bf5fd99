#include "keyring_derive.h"
#include "token.h"

#define NONCE_LENGTH 12
#define TAG_LENGTH 16

/* What a key for sealing is derived from. */
typedef struct sealing {
    const char *label;
    cp_span realm;
    cp_span secret;
} sealing;

static EVP_CIPHER_CTX *cipher_start(const cp_keyring *ring, unsigned char id,
                                    const sealing *under, cp_span bound,
                                    const unsigned char *nonce, int encrypt)
{
    unsigned char subkey[CP_KEY_LENGTH];
    EVP_CIPHER_CTX *context = NULL;
    int length;

    if (cp_keyring_derive(ring, id, under->label, under->realm,
                          under->secret, subkey)) {
        context = EVP_CIPHER_CTX_new();
        if (context
            && (EVP_CipherInit_ex2(context, cp_keyring_cipher(ring), subkey,
                                   nonce, encrypt, NULL) != 1
                || EVP_CipherUpdate(context, NULL, &length,
                                    (const unsigned char *)bound.at,
                                    (int)bound.length) != 1)) {
            EVP_CIPHER_CTX_free(context);
            context = NULL;
        }
    }
    OPENSSL_cleanse(subkey, sizeof(subkey));
    return context;
}

static bool seal(const cp_keyring *ring, unsigned char id,
                 const sealing *under, cp_span bound, cp_span text,
                 unsigned char *sealed)
{
    unsigned char *cipher = sealed + NONCE_LENGTH;
    EVP_CIPHER_CTX *context = NULL;
    int length = 0;
    bool good = cp_random_bytes(sealed, NONCE_LENGTH);

    if (good) {
        context = cipher_start(ring, id, under, bound, sealed, 1);
    }
    good = context
           && EVP_CipherUpdate(context, cipher, &length,
                               (const unsigned char *)text.at,
                               (int)text.length) == 1
           && EVP_CipherFinal_ex(context, cipher + length, &length) == 1
           && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_LENGTH,
                                  cipher + text.length) == 1;
    EVP_CIPHER_CTX_free(context);
    return good;
}

static bool unseal(const cp_keyring *ring, unsigned char id,
                   const sealing *under, cp_span bound, cp_span sealed,
                   unsigned char *text)
{
    const unsigned char *nonce = (const unsigned char *)sealed.at;
    EVP_CIPHER_CTX *context;
    apr_size_t text_length;
    int length = 0;
    bool good;

    if (sealed.length < CP_SEAL_OVERHEAD) {
        return false;
    }
    text_length = sealed.length - CP_SEAL_OVERHEAD;
    context = cipher_start(ring, id, under, bound, nonce, 0);
    good = context
           && EVP_CipherUpdate(context, text, &length, nonce + NONCE_LENGTH,
                               (int)text_length) == 1
           && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_LENGTH,
                                  (void *)(nonce + NONCE_LENGTH
                                           + text_length)) == 1
           && EVP_CipherFinal_ex(context, text + length, &length) == 1;
    EVP_CIPHER_CTX_free(context);
    if (!good) {
        memset(text, 0, text_length);
    }
    return good;
}

static sealing record_sealing(cp_span realm, cp_span secret)
{
    return (sealing){ "mod_cookiepolicy 1 record", realm, secret };
}

bool cp_keyring_seal(const cp_keyring *ring, unsigned char id, cp_span realm,
                     cp_span secret, cp_span bound, cp_span text,
                     unsigned char *sealed)
{
    sealing under = record_sealing(realm, secret);

    return seal(ring, id, &under, bound, text, sealed);
}

bool cp_keyring_open(const cp_keyring *ring, unsigned char id, cp_span realm,
                     cp_span secret, cp_span bound, cp_span sealed,
                     unsigned char *text)
{
    sealing under = record_sealing(realm, secret);

    return unseal(ring, id, &under, bound, sealed, text);
}

static sealing note_sealing(cp_span name)
{
    return (sealing){ "mod_cookiepolicy 1 note", CP_SPAN(""), name };
}

bool cp_keyring_seal_note(const cp_keyring *ring, unsigned char id,
                          cp_span name, cp_span text, unsigned char *sealed)
{
    sealing under = note_sealing(name);

    return seal(ring, id, &under, name, text, sealed);
}

bool cp_keyring_open_note(const cp_keyring *ring, unsigned char id,
                          cp_span name, cp_span sealed, unsigned char *text)
{
    sealing under = note_sealing(name);

    return unseal(ring, id, &under, name, sealed, text);
}
