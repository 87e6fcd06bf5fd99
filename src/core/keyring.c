/*
 * Two things make the MACs of a request cheap. A subkey costs a derivation
 * and a keyed context costs a fetch, so each thread remembers the contexts
 * that it used last. And a context is its thread's own: it is not
 * thread-safe, and the streams of one HTTP/2 connection run in several.
 */
#include "keyring.h"
#include "keyring_derive.h"
#include "token.h"

#include <stdlib.h>
#include <unistd.h>
#include <apr_hash.h>
#include <apr_thread_proc.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

/* A context remembered for each of so many realms and purposes; 32 of them
 * are some 40 KB a thread. */
#define MEMO_SLOTS 32

/* Random bytes that a thread draws at once: for some 60 masks, or 50
 * newcomers. */
#define SUPPLY 4096

/* So many numbers are made at once, each out of two bytes. */
#define NUMBERS 32

/* Visitors who have not chosen all bring the same preferences, of no more
 * bytes. */
#define TEXT_MAX 32

struct cp_keyring {
    pid_t maker;
    cp_keys keys;
    EVP_MAC *hmac;
    EVP_MAC *cmac;
    EVP_KDF *hkdf;
    EVP_CIPHER *cipher;
    apr_threadkey_t *memos;
};

typedef struct memo_slot {
    EVP_MAC_CTX *context;
    bool keyed;
    unsigned char id;
    cp_purpose purpose;
    apr_size_t realm_length;
    char realm[CP_REALM_MAX];
    apr_size_t text_length;     /* of the text signed last; 0: none */
    char text[TEXT_MAX];
    char spelled[CP_SIGNATURE_TEXT_LENGTH + 1];
} memo_slot;

/* What one thread remembers. */
typedef struct memo {
    memo_slot slots[MEMO_SLOTS];
    unsigned char supply[SUPPLY];   /* of randomness */
    apr_size_t supplied;        /* bytes of it that are left, at its end */
    pid_t drawer;               /* the process that drew it */
    apr_size_t realm_length;    /* the realm of last, and where it is found */
    char realm[CP_REALM_MAX];
    unsigned int hash;
} memo;

static void memo_free(void *remembered)
{
    memo *thread = remembered;

    for (int i = 0; i < MEMO_SLOTS; i++) {
        EVP_MAC_CTX_free(thread->slots[i].context);
    }
    OPENSSL_cleanse(thread, sizeof(*thread));
    free(thread);
}

static apr_status_t keyring_destroy(void *destroyed)
{
    cp_keyring *ring = destroyed;
    void *thread = NULL;

    /* A child that ends destroys its copy of the pool while others of its
     * threads still use the ring. What is to be prevented there is only that
     * they call memo_free() when this code is gone. */
    if (ring->maker != getpid()) {
        apr_threadkey_private_delete(ring->memos);
        return APR_SUCCESS;
    }
    apr_threadkey_private_get(&thread, ring->memos);
    if (thread) {
        apr_threadkey_private_set(NULL, ring->memos);
        memo_free(thread);
    }
    apr_threadkey_private_delete(ring->memos);
    EVP_MAC_free(ring->hmac);
    EVP_MAC_free(ring->cmac);
    EVP_KDF_free(ring->hkdf);
    EVP_CIPHER_free(ring->cipher);
    OPENSSL_cleanse(&ring->keys, sizeof(ring->keys));
    return APR_SUCCESS;
}

/* @param wanted  how long the MAC is */
static bool mac_make(EVP_MAC_CTX *context, const cp_span *parts, int count,
                     unsigned char *mac, size_t wanted)
{
    size_t length = 0;
    bool good = EVP_MAC_init(context, NULL, 0, NULL) == 1;

    for (int i = 0; good && i < count; i++) {
        good = parts[i].length == 0
               || EVP_MAC_update(context, (const unsigned char *)parts[i].at,
                                 parts[i].length) == 1;
    }
    return good && EVP_MAC_final(context, mac, &length, wanted) == 1
           && length == wanted;
}

/* Gives a context, or NULL, the key that it is to have.
 * @return the context, which may be another one; NULL when OpenSSL fails */
static EVP_MAC_CTX *context_key(EVP_MAC_CTX *context, EVP_MAC *mac,
                                const unsigned char *key)
{
    OSSL_PARAM params[2];

    if (!context || EVP_MAC_CTX_get0_mac(context) != mac) {
        EVP_MAC_CTX_free(context);
        context = EVP_MAC_CTX_new(mac);
    }
    params[0] = EVP_MAC_is_a(mac, "CMAC")
        ? OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER,
                                           (char *)"AES-256-CBC", 0)
        : OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                           (char *)"SHA256", 0);
    params[1] = OSSL_PARAM_construct_end();
    if (context && EVP_MAC_init(context, key, CP_KEY_LENGTH, params) != 1) {
        EVP_MAC_CTX_free(context);
        context = NULL;
    }
    return context;
}

/* The first releases of OpenSSL 3.0 go on with the MAC before where a context
 * is to begin anew with its key. */
static bool begins_anew(EVP_MAC *mac, size_t length)
{
    static const unsigned char key[CP_KEY_LENGTH];
    unsigned char made[2][CP_MAC_LENGTH] = { { 0 }, { 0 } };
    cp_span part = CP_SPAN("text");
    EVP_MAC_CTX *context = context_key(NULL, mac, key);
    bool good = context && mac_make(context, &part, 1, made[0], length)
                && mac_make(context, &part, 1, made[1], length);

    EVP_MAC_CTX_free(context);
    return good && memcmp(made[0], made[1], length) == 0;
}

cp_keyring *cp_keyring_make(const cp_keys *keys, apr_pool_t *pool)
{
    cp_keyring *ring = apr_pcalloc(pool, sizeof(*ring));

    ring->maker = getpid();
    ring->keys = *keys;
    if (apr_threadkey_private_create(&ring->memos, memo_free, pool)
        != APR_SUCCESS) {
        return NULL;
    }
    ring->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    ring->cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    ring->hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    ring->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    apr_pool_cleanup_register(pool, ring, keyring_destroy,
                              apr_pool_cleanup_null);
    return ring->hmac && ring->cmac && ring->hkdf && ring->cipher
           && begins_anew(ring->hmac, CP_MAC_LENGTH)
           && begins_anew(ring->cmac, CP_SIGNATURE_LENGTH)
           ? ring : NULL;
}

static const cp_key *key_find(const cp_keyring *ring, unsigned char id)
{
    for (int i = 0; i < ring->keys.count; i++) {
        if (ring->keys.list[i].id == id) {
            return ring->keys.list[i].revoked ? NULL : &ring->keys.list[i];
        }
    }
    return NULL;
}

unsigned char cp_keyring_signer(const cp_keyring *ring, apr_uint32_t now)
{
    const cp_key *oldest = NULL;
    const cp_key *begun = NULL;

    for (int i = 0; i < ring->keys.count; i++) {
        const cp_key *candidate = &ring->keys.list[i];

        if (candidate->revoked) {
            continue;
        }
        oldest = candidate;
        if (candidate->begins > now) {
            continue;
        }
        if (!candidate->waiting) {
            return candidate->id;
        }
        begun = begun ? begun : candidate;
    }
    /* All that have begun are new: there is nothing else to sign with. */
    return begun ? begun->id : oldest->id;
}

bool cp_keyring_verifies(const cp_keyring *ring, unsigned char id)
{
    return key_find(ring, id) != NULL;
}

int cp_keyring_ids(const cp_keyring *ring, unsigned char *ids)
{
    int count = 0;

    for (int i = 0; i < ring->keys.count; i++) {
        if (!ring->keys.list[i].revoked) {
            ids[count++] = ring->keys.list[i].id;
        }
    }
    return count;
}

/* --- Deriving, signing ------------------------------------------------ */

/* HKDF's info is the label, the realm and the secret, each ended by NUL or
 * by its fixed length, so that no two uses share a subkey. */
bool cp_keyring_derive(const cp_keyring *ring, unsigned char id,
                       const char *label, cp_span realm, cp_span secret,
                       unsigned char *subkey)
{
    const cp_key *from = key_find(ring, id);
    EVP_KDF_CTX *context;
    bool good;
    char info[64 + CP_REALM_MAX + 1 + 64];
    apr_size_t length = strlen(label) + 1;
    OSSL_PARAM params[4];

    if (!from || !realm.at || realm.length > CP_REALM_MAX
        || secret.length > 64 || length > 64) {
        return false;
    }
    memcpy(info, label, length);
    memcpy(info + length, realm.at, realm.length);
    length += realm.length;
    info[length++] = '\0';
    if (secret.length) {
        memcpy(info + length, secret.at, secret.length);
        length += secret.length;
    }
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                                 (char *)"SHA256", 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
                                                  (void *)from->bytes,
                                                  CP_KEY_LENGTH);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
                                                  length);
    params[3] = OSSL_PARAM_construct_end();
    context = EVP_KDF_CTX_new(ring->hkdf);
    good = context
           && EVP_KDF_derive(context, subkey, CP_KEY_LENGTH, params) == 1;
    EVP_KDF_CTX_free(context);
    OPENSSL_cleanse(info, sizeof(info));
    return good;
}

const EVP_CIPHER *cp_keyring_cipher(const cp_keyring *ring)
{
    return ring->cipher;
}

static const char *purpose_label(cp_purpose purpose)
{
    static const char *const labels[CP_PURPOSE_COUNT] = {
        [CP_PURPOSE_SESSION] = "mod_cookiepolicy 1 session",
        [CP_PURPOSE_CSRF] = "mod_cookiepolicy 1 csrf",
        [CP_PURPOSE_SUCCESSION] = "mod_cookiepolicy 1 succession",
        [CP_PURPOSE_PREFERENCES] = "mod_cookiepolicy 1 preferences",
        [CP_PURPOSE_FILING] = "mod_cookiepolicy 1 filing",
        [CP_PURPOSE_OWNER] = "mod_cookiepolicy 1 owner",
        [CP_PURPOSE_REALM] = "mod_cookiepolicy 1 realm",
        [CP_PURPOSE_ROSTER] = "mod_cookiepolicy 1 roster",
        [CP_PURPOSE_SNAPSHOT] = "mod_cookiepolicy 1 snapshot",
    };

    return labels[purpose];
}

static memo *memo_get(const cp_keyring *ring)
{
    void *thread = NULL;

    apr_threadkey_private_get(&thread, ring->memos);
    if (!thread) {
        thread = calloc(1, sizeof(memo));
        if (thread
            && apr_threadkey_private_set(thread, ring->memos)
               != APR_SUCCESS) {
            free(thread);
            thread = NULL;
        }
    }
    return thread;
}

static bool slot_holds(const memo_slot *slot, unsigned char id,
                       cp_purpose purpose, cp_span realm)
{
    return slot->keyed && slot->id == id
           && slot->purpose == purpose && slot->realm_length == realm.length
           && memcmp(slot->realm, realm.at, realm.length) == 0;
}

/* Where to look for a realm: mostly it is the one of last. */
static unsigned int realm_hash(memo *thread, cp_span realm)
{
    apr_ssize_t length = (apr_ssize_t)realm.length;

    if (thread->realm_length != realm.length
        || memcmp(thread->realm, realm.at, realm.length)) {
        memcpy(thread->realm, realm.at, realm.length);
        thread->realm_length = realm.length;
        thread->hash = apr_hashfunc_default(realm.at, &length);
    }
    return thread->hash;
}

static bool signs(cp_purpose purpose)
{
    return purpose < CP_PURPOSE_OF_MAC;
}

/* A slot with a context keyed for this purpose and realm, or NULL. */
static memo_slot *slot_get(const cp_keyring *ring, unsigned char id,
                           cp_purpose purpose, cp_span realm)
{
    memo *thread = memo_get(ring);
    unsigned char subkey[CP_KEY_LENGTH];
    memo_slot *slot;
    unsigned int hash;
    bool good;

    if (!thread || !key_find(ring, id) || !realm.at
        || realm.length > CP_REALM_MAX) {
        return NULL;
    }
    hash = realm_hash(thread, realm) * CP_PURPOSE_COUNT
           + (unsigned int)purpose + (unsigned int)id;
    slot = &thread->slots[hash % MEMO_SLOTS];
    if (slot_holds(slot, id, purpose, realm)) {
        return slot;
    }
    slot->keyed = false;
    good = cp_keyring_derive(ring, id, purpose_label(purpose), realm,
                             CP_SPAN_NONE, subkey)
           && (slot->context = context_key(slot->context,
                                           signs(purpose) ? ring->cmac
                                                          : ring->hmac,
                                           subkey));
    OPENSSL_cleanse(subkey, sizeof(subkey));
    if (!good) {
        return NULL;
    }
    slot->keyed = true;
    slot->text_length = 0;
    slot->id = id;
    slot->purpose = purpose;
    slot->realm_length = realm.length;
    memcpy(slot->realm, realm.at, realm.length);
    return slot;
}

static bool slot_recalls(const memo_slot *slot, cp_span text)
{
    return slot->text_length && slot->text_length == text.length
           && memcmp(slot->text, text.at, text.length) == 0;
}

static void slot_remember(memo_slot *slot, cp_span text, const char *spelled)
{
    if (text.length <= TEXT_MAX) {
        memcpy(slot->text, text.at, text.length);
        memcpy(slot->spelled, spelled, sizeof(slot->spelled));
        slot->text_length = text.length;
    }
}

bool cp_keyring_sign(const cp_keyring *ring, unsigned char id,
                     cp_purpose purpose, cp_span realm, const cp_span *parts,
                     int count, unsigned char *signature)
{
    memo_slot *slot = signs(purpose) ? slot_get(ring, id, purpose, realm)
                                     : NULL;

    if (!slot || !mac_make(slot->context, parts, count, signature,
                           CP_SIGNATURE_LENGTH)) {
        memset(signature, 0, CP_SIGNATURE_LENGTH);
        return false;
    }
    return true;
}

bool cp_keyring_sign_text(const cp_keyring *ring, unsigned char id,
                          cp_purpose purpose, cp_span realm, cp_span text,
                          char *spelled)
{
    unsigned char signature[CP_SIGNATURE_LENGTH];
    memo_slot *slot = signs(purpose) ? slot_get(ring, id, purpose, realm)
                                     : NULL;

    if (slot && slot_recalls(slot, text)) {
        memcpy(spelled, slot->spelled, sizeof(slot->spelled));
        return true;
    }
    if (!slot || !mac_make(slot->context, &text, 1, signature,
                           CP_SIGNATURE_LENGTH)) {
        *spelled = '\0';
        return false;
    }
    cp_base64url_encode(spelled, signature, CP_SIGNATURE_LENGTH);
    slot_remember(slot, text, spelled);
    return true;
}

bool cp_keyring_mac(const cp_keyring *ring, unsigned char id,
                    cp_purpose purpose, cp_span realm, const cp_span *parts,
                    int count, unsigned char *mac)
{
    memo_slot *slot = signs(purpose) ? NULL
                                     : slot_get(ring, id, purpose, realm);

    if (!slot
        || !mac_make(slot->context, parts, count, mac, CP_MAC_LENGTH)) {
        memset(mac, 0, CP_MAC_LENGTH);
        return false;
    }
    return true;
}

/* --- Randomness ------------------------------------------------------- */

/* What a process inherited its parent, or a brother, may use as well. */
static apr_size_t supply_left(const memo *thread)
{
    return thread->drawer == getpid() ? thread->supplied : 0;
}

static bool supply_draw(memo *thread)
{
    thread->supplied = 0;
    if (!cp_random_bytes(thread->supply, sizeof(thread->supply))) {
        return false;
    }
    thread->supplied = sizeof(thread->supply);
    thread->drawer = getpid();
    return true;
}

/* Takes bytes off; no trace of them stays. */
static void supply_take(memo *thread, unsigned char *bytes, apr_size_t length)
{
    unsigned char *next = thread->supply + SUPPLY - thread->supplied;

    memcpy(bytes, next, length);
    OPENSSL_cleanse(next, length);
    thread->supplied -= length;
}

bool cp_keyring_random(const cp_keyring *ring, unsigned char *bytes,
                       apr_size_t length)
{
    memo *thread = memo_get(ring);

    if (!thread || length > SUPPLY
        || (supply_left(thread) < length && !supply_draw(thread))) {
        return false;
    }
    supply_take(thread, bytes, length);
    return true;
}

/* The high half of a random word's product with the count is a number below
 * that. A number for which there is one word more has a word with a low half
 * that others have not: whoever meets it draws anew (Lemire, Fast Random
 * Integer Generation in an Interval, 2019). Always as many, so that the
 * compiler does several in one instruction.
 * @return false where one was met */
static bool words_divide(const apr_uint16_t *words, unsigned char *numbers)
{
    apr_uint16_t unfair = 0;

    for (int i = 0; i < NUMBERS; i++) {
        apr_uint16_t low = (apr_uint16_t)(words[i] * CP_ALPHANUMERIC_COUNT);

        unfair |= low < 0x10000 % CP_ALPHANUMERIC_COUNT;
    }
    for (int i = 0; i < NUMBERS; i++) {
        numbers[i] = (unsigned char)((words[i] * CP_ALPHANUMERIC_COUNT) >> 16);
    }
    return !unfair;
}

static bool numbers_draw(const cp_keyring *ring, unsigned char *numbers)
{
    apr_uint16_t words[NUMBERS];

    do {
        if (!cp_keyring_random(ring, (unsigned char *)words, sizeof(words))) {
            return false;
        }
    } while (!words_divide(words, numbers));
    OPENSSL_cleanse(words, sizeof(words));
    return true;
}

bool cp_keyring_numbers(const cp_keyring *ring, unsigned char *numbers,
                        apr_size_t length)
{
    unsigned char drawn[NUMBERS];

    for (apr_size_t made = 0; made < length; made += NUMBERS) {
        apr_size_t part = length - made < NUMBERS ? length - made : NUMBERS;

        if (!numbers_draw(ring, drawn)) {
            return false;
        }
        memcpy(numbers + made, drawn, part);
    }
    OPENSSL_cleanse(drawn, sizeof(drawn));
    return true;
}
