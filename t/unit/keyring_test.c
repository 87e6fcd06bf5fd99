/**
 * @file keyring_test.c
 * @brief Subkeys that nothing else shares, MACs, randomness, and what
 *        each thread remembers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <apr_thread_proc.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "keyring_fixture.h"
#include "token.h"

#include <sys/wait.h>
#include <unistd.h>

#define REALMS 400
#define THREADS 4
#define ROUNDS 300

/* Draws of each number on average; the deviation of one is about 63. */
#define DRAWS 4000
#define DEVIATION 500

static bool parts_mac(const cp_keyring *from, unsigned char id,
                      cp_purpose purpose, cp_span realm, const cp_span *parts,
                      int count, unsigned char *mac)
{
    return (purpose < CP_PURPOSE_OF_MAC ? cp_keyring_sign : cp_keyring_mac)(
        from, id, purpose, realm, parts, count, mac);
}

/* In either way, by the purpose. */
static bool mac_of(const cp_keyring *from, unsigned char id,
                   cp_purpose purpose, cp_span realm, const char *text,
                   unsigned char *mac)
{
    cp_span part = cp_span_of(text);

    return parts_mac(from, id, purpose, realm, &part, 1, mac);
}

/* --- MACs ------------------------------------------------------------- */

/* HKDF (RFC 5869) with no salt and HMAC, by hand. */
static void subkey_make(const char *info, size_t length,
                        unsigned char *subkey)
{
    static const unsigned char salt[32];
    unsigned char extracted[32];
    unsigned int made = 32;

    HMAC(EVP_sha256(), salt, 32, keys.list[0].bytes, CP_KEY_LENGTH,
         extracted, &made);
    HMAC(EVP_sha256(), extracted, 32, (const unsigned char *)info, length,
         subkey, &made);
}

/* What was signed by one version of the module must hold in the next. */
static void mac_is_as_always(void **state)
{
    static const char info[] = "mod_cookiepolicy 1 owner\0www.example.org\0\1";
    unsigned char subkey[32], expected[32], mac[32];
    unsigned int length = 32;

    (void)state;
    subkey_make(info, sizeof(info) - 1, subkey);
    HMAC(EVP_sha256(), subkey, 32, (const unsigned char *)"text", 4,
         expected, &length);
    assert_true(mac_of(ring, 9, CP_PURPOSE_OWNER, REALM, "text", mac));
    assert_memory_equal(mac, expected, CP_MAC_LENGTH);
}

static void signature_is_as_always(void **state)
{
    static const char info[] = "mod_cookiepolicy 1 csrf\0www.example.org\0\1";
    static const unsigned char text[] = "twelve chars and the binding";
    unsigned char subkey[32], expected[16], signature[16];
    size_t length = 0;

    (void)state;
    subkey_make(info, sizeof(info) - 1, subkey);
    assert_non_null(EVP_Q_mac(NULL, "CMAC", NULL, "AES-256-CBC", NULL, subkey,
                              32, text, sizeof(text) - 1, expected, 16,
                              &length));
    assert_true(mac_of(ring, 9, CP_PURPOSE_CSRF, REALM, (const char *)text,
                       signature));
    assert_memory_equal(signature, expected, CP_SIGNATURE_LENGTH);
}

/* A purpose has one of both ways. */
static void each_in_its_way(void **state)
{
    static const unsigned char zero[CP_MAC_LENGTH];
    cp_span part = CP_SPAN("x");

    (void)state;
    for (int purpose = 0; purpose < CP_PURPOSE_COUNT; purpose++) {
        bool signs = purpose < CP_PURPOSE_OF_MAC;
        unsigned char mac[CP_MAC_LENGTH];

        memset(mac, 0xaa, sizeof(mac));
        assert_int_equal(cp_keyring_sign(ring, 9, (cp_purpose)purpose, REALM,
                                         &part, 1, mac), signs);
        assert_int_equal(memcmp(mac, zero, CP_SIGNATURE_LENGTH) == 0, !signs);
        assert_int_equal(cp_keyring_mac(ring, 9, (cp_purpose)purpose, REALM,
                                        &part, 1, mac), !signs);
        assert_int_equal(memcmp(mac, zero, CP_MAC_LENGTH) == 0, signs);
    }
}

static void macs_differ_by_use(void **state)
{
    static const char *const realms[] = {
        "www.example.org", "www.example.or", "www.example.org.", "WWW", ""
    };
    static const char *const texts[] = { "", "a", "b", "ab" };
    static const unsigned char ids[] = { 9, 0 };
    static unsigned char macs[CP_PURPOSE_COUNT * 5 * 4 * 2][CP_MAC_LENGTH];
    int count = 0;

    (void)state;
    for (int purpose = 0; purpose < CP_PURPOSE_COUNT; purpose++) {
        for (int realm = 0; realm < 5; realm++) {
            for (int text = 0; text < 4; text++) {
                for (int id = 0; id < 2; id++) {
                    assert_true(mac_of(ring, ids[id], (cp_purpose)purpose,
                                       cp_span_of(realms[realm]),
                                       texts[text], macs[count++]));
                }
            }
        }
    }
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < i; j++) {
            assert_memory_not_equal(macs[i], macs[j], CP_SIGNATURE_LENGTH);
        }
    }
}

static void parts_are_joined(void **state)
{
    static const cp_purpose purposes[] = { CP_PURPOSE_CSRF,
                                           CP_PURPOSE_OWNER };
    cp_span parts[] = { CP_SPAN("ab"), CP_SPAN_NONE, CP_SPAN("c"),
                        CP_SPAN("") };

    (void)state;
    for (int i = 0; i < 2; i++) {
        unsigned char joined[CP_MAC_LENGTH] = { 0 };
        unsigned char whole[CP_MAC_LENGTH] = { 0 };

        assert_true(parts_mac(ring, 9, purposes[i], REALM, parts, 4, joined));
        assert_true(mac_of(ring, 9, purposes[i], REALM, "abc", whole));
        assert_memory_equal(joined, whole, CP_MAC_LENGTH);
        assert_true(parts_mac(ring, 9, purposes[i], REALM, parts, 0, joined));
        assert_true(mac_of(ring, 9, purposes[i], REALM, "", whole));
        assert_memory_equal(joined, whole, CP_MAC_LENGTH);
    }
}

static void no_key_no_mac(void **state)
{
    static const unsigned char zero[CP_MAC_LENGTH];
    static const unsigned char ids[] = { 1, 8, 10, 200, 255 };
    unsigned char mac[CP_MAC_LENGTH];

    (void)state;
    for (size_t i = 0; i < sizeof(ids); i++) {
        memset(mac, 0xaa, sizeof(mac));
        assert_false(mac_of(ring, ids[i], CP_PURPOSE_SESSION, REALM, "x",
                            mac));
        assert_memory_equal(mac, zero, CP_SIGNATURE_LENGTH);
        assert_false(mac_of(ring, ids[i], CP_PURPOSE_FILING, REALM, "x",
                            mac));
        assert_memory_equal(mac, zero, sizeof(zero));
        assert_false(cp_keyring_verifies(ring, ids[i]));
    }
    assert_true(cp_keyring_verifies(ring, 9));
    assert_true(cp_keyring_verifies(ring, 0));
}

static void realms_of_every_length(void **state)
{
    unsigned char before[CP_MAC_LENGTH] = { 0 }, mac[CP_MAC_LENGTH];
    char realm[300];

    (void)state;
    memset(realm, 'r', sizeof(realm));
    for (size_t length = 0; length <= 255; length++) {
        assert_true(mac_of(ring, 9, CP_PURPOSE_CSRF,
                           cp_span_make(realm, length), "x", mac));
        assert_memory_not_equal(mac, before, CP_SIGNATURE_LENGTH);
        memcpy(before, mac, CP_SIGNATURE_LENGTH);
    }
    for (size_t length = 256; length <= sizeof(realm); length++) {
        assert_false(mac_of(ring, 9, CP_PURPOSE_CSRF,
                            cp_span_make(realm, length), "x", mac));
    }
}

static void the_keys_are_copied(void **state)
{
    unsigned char before[CP_MAC_LENGTH], after[CP_MAC_LENGTH];
    cp_keys mine = keys;
    cp_keyring *own = cp_keyring_make(&mine, pool);

    (void)state;
    assert_non_null(own);
    assert_true(mac_of(own, 9, CP_PURPOSE_CSRF, REALM, "x", before));
    memset(&mine, 0, sizeof(mine));
    assert_true(mac_of(own, 9, CP_PURPOSE_OWNER, REALM, "x", after));
    assert_true(mac_of(ring, 9, CP_PURPOSE_OWNER, REALM, "x", before));
    assert_memory_equal(before, after, CP_MAC_LENGTH);
}

/* --- What threads remember -------------------------------------------- */

static cp_span realm_name(int number, char *buffer, size_t size)
{
    return cp_span_make(buffer, (apr_size_t)apr_snprintf(
        buffer, size, "host-%d.example.org", number));
}

/* Far more uses than a thread remembers: they push each other out, and none
 * gets another's subkey. */
static void many_realms(void **state)
{
    static unsigned char macs[REALMS][CP_PURPOSE_COUNT][CP_MAC_LENGTH];
    static const unsigned char ids[] = { 9, 0 };

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < REALMS; i++) {
            int number = round == 2 ? REALMS - 1 - i : i;
            char buffer[64];
            cp_span realm = realm_name(number, buffer, sizeof(buffer));

            for (int purpose = 0; purpose < CP_PURPOSE_COUNT; purpose++) {
                unsigned char mac[CP_MAC_LENGTH] = { 0 };

                assert_true(mac_of(ring, ids[number % 2],
                                   (cp_purpose)purpose, realm, "x", mac));
                if (round == 0) {
                    memcpy(macs[number][purpose], mac, CP_MAC_LENGTH);
                }
                assert_memory_equal(macs[number][purpose], mac,
                                    CP_MAC_LENGTH);
            }
        }
    }
    for (int i = 0; i < REALMS; i++) {
        for (int purpose = 0; purpose < CP_PURPOSE_COUNT; purpose++) {
            assert_memory_not_equal(
                macs[i][purpose],
                macs[(i + 1) % REALMS][purpose], CP_SIGNATURE_LENGTH);
            assert_memory_not_equal(
                macs[i][purpose],
                macs[i][(purpose + 1) % CP_PURPOSE_COUNT],
                CP_SIGNATURE_LENGTH);
        }
    }
}

typedef struct worker {
    int number;
    int wrong;
} worker;

static unsigned char expected[ROUNDS][CP_MAC_LENGTH];

static bool use_once(int round)
{
    unsigned char mac[CP_MAC_LENGTH] = { 0 };
    unsigned char sealed[4 + CP_SEAL_OVERHEAD], text[4];
    char buffer[64];
    cp_span realm = realm_name(round % 50, buffer, sizeof(buffer));

    return mac_of(ring, 9, (cp_purpose)(round % CP_PURPOSE_COUNT), realm,
                  "text", mac)
           && memcmp(mac, expected[round], CP_MAC_LENGTH) == 0
           && cp_keyring_seal(ring, 9, realm, SECRET, CP_SPAN("b"),
                              CP_SPAN("text"), sealed)
           && cp_keyring_open(ring, 9, realm, SECRET, CP_SPAN("b"),
                              cp_span_make(sealed, sizeof(sealed)), text)
           && memcmp(text, "text", 4) == 0;
}

static void * APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker *me = data;

    for (int i = 0; i < ROUNDS; i++) {
        me->wrong += !use_once((i * 7 + me->number * 13) % ROUNDS);
    }
    (void)thread;
    return NULL;
}

static void threads_share_a_ring(void **state)
{
    apr_thread_t *threads[THREADS];
    worker workers[THREADS];

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        char buffer[64];
        cp_span realm = realm_name(round % 50, buffer, sizeof(buffer));

        assert_true(mac_of(ring, 9, (cp_purpose)(round % CP_PURPOSE_COUNT),
                           realm, "text", expected[round]));
    }
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){ i, 0 };
        assert_int_equal(apr_thread_create(&threads[i], NULL, work,
                                           &workers[i], pool), APR_SUCCESS);
    }
    for (int i = 0; i < THREADS; i++) {
        apr_status_t status;

        apr_thread_join(&status, threads[i]);
        assert_int_equal(workers[i].wrong, 0);
    }
}

/* A ring is made at each reload; a process has some 1,000 thread keys. */
static void rings_come_and_go(void **state)
{
    (void)state;
    for (int i = 0; i < 1500; i++) {
        unsigned char mac[CP_MAC_LENGTH];
        apr_pool_t *own = NULL;
        cp_keyring *made;

        apr_pool_create(&own, pool);
        made = cp_keyring_make(&keys, own);
        assert_non_null(made);
        assert_true(mac_of(made, 9, CP_PURPOSE_CSRF, REALM, "x", mac));
        apr_pool_destroy(own);
    }
}

/* --- Who signs -------------------------------------------------------- */

static unsigned char signer_of(const cp_keys *of, apr_uint32_t now)
{
    apr_pool_t *own = NULL;
    unsigned char id;

    apr_pool_create(&own, pool);
    id = cp_keyring_signer(cp_keyring_make(of, own), now);
    apr_pool_destroy(own);
    return id;
}

static void the_youngest_begun_signs(void **state)
{
    cp_keys some = { .count = 3 };

    (void)state;
    some.list[0] = (cp_key){ .id = 3, .begins = NOW + 10 };
    some.list[1] = (cp_key){ .id = 2, .begins = NOW - 10 };
    some.list[2] = (cp_key){ .id = 1, .begins = NOW - 1000 };
    assert_int_equal(signer_of(&some, NOW - 11), 1);
    assert_int_equal(signer_of(&some, NOW - 10), 2);
    assert_int_equal(signer_of(&some, NOW), 2);
    assert_int_equal(signer_of(&some, NOW + 9), 2);
    assert_int_equal(signer_of(&some, NOW + 10), 3);
    assert_int_equal(signer_of(&some, UINT32_MAX), 3);
    /* None has begun: the first that will. */
    assert_int_equal(signer_of(&some, 0), 1);

    some.list[1].revoked = true;
    assert_int_equal(signer_of(&some, NOW), 1);
    some.list[1].revoked = false;
    some.list[1].waiting = true;
    assert_int_equal(signer_of(&some, NOW), 1);
    /* All that have begun are new. */
    some.list[2].waiting = true;
    assert_int_equal(signer_of(&some, NOW), 2);
    some.list[2].revoked = some.list[1].revoked = true;
    assert_int_equal(signer_of(&some, NOW), 3);
}

static void ids_that_verify(void **state)
{
    unsigned char ids[CP_KEYS_MAX];

    (void)state;
    assert_int_equal(cp_keyring_ids(ring, ids), 2);
    assert_int_equal(ids[0], 9);
    assert_int_equal(ids[1], 0);
}

/* --- Randomness ------------------------------------------------------- */

/* Eight of the numbers would be a quarter likelier, were a byte only divided
 * by 62. */
static void numbers_are_fair(void **state)
{
    static unsigned char drawn[CP_ALPHANUMERIC_COUNT * DRAWS];
    int counts[256] = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(drawn); i += CP_ALPHANUMERIC_COUNT) {
        assert_true(cp_keyring_numbers(ring, drawn + i,
                                       CP_ALPHANUMERIC_COUNT));
    }
    for (size_t i = 0; i < sizeof(drawn); i++) {
        counts[drawn[i]]++;
    }
    for (int i = 0; i < 256; i++) {
        if (i < CP_ALPHANUMERIC_COUNT) {
            assert_in_range(counts[i], DRAWS - DEVIATION, DRAWS + DEVIATION);
        }
        else {
            assert_int_equal(counts[i], 0);
        }
    }
}

static void numbers_of_every_length(void **state)
{
    unsigned char drawn[300];

    (void)state;
    for (size_t length = 0; length < sizeof(drawn); length++) {
        memset(drawn, '#' + 128, sizeof(drawn));
        assert_true(cp_keyring_numbers(ring, drawn, length));
        for (size_t i = 0; i < sizeof(drawn); i++) {
            assert_int_equal(drawn[i] == '#' + 128, i >= length);
        }
    }
}

static void random_bytes_differ(void **state)
{
    static unsigned char drawn[300][16];

    (void)state;
    for (int i = 0; i < 300; i++) {
        assert_true(cp_keyring_random(ring, drawn[i], sizeof(drawn[i])));
        for (int j = 0; j < i; j++) {
            assert_memory_not_equal(drawn[i], drawn[j], sizeof(drawn[i]));
        }
    }
    assert_false(cp_keyring_random(ring, drawn[0], 4097));
}

/* What a child inherited of its parent's supply is not used twice. */
static void a_child_draws_anew(void **state)
{
    unsigned char mine[16], childs[16];
    int status, channel[2];
    pid_t child;

    (void)state;
    assert_true(cp_keyring_random(ring, mine, sizeof(mine)));
    assert_int_equal(pipe(channel), 0);
    child = fork();
    if (child == 0) {
        bool good = cp_keyring_random(ring, childs, sizeof(childs))
                    && write(channel[1], childs, sizeof(childs))
                       == sizeof(childs);

        _exit(good ? 0 : 1);
    }
    assert_int_equal(read(channel[0], childs, sizeof(childs)),
                     sizeof(childs));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(cp_keyring_random(ring, mine, sizeof(mine)));
    assert_memory_not_equal(mine, childs, sizeof(mine));
    close(channel[0]);
    close(channel[1]);
}

/* --- Texts that repeat ------------------------------------------------ */

static void text_sign(const cp_keyring *from, unsigned char id,
                      const char *text, char *spelled)
{
    assert_true(cp_keyring_sign_text(from, id, CP_PURPOSE_PREFERENCES, REALM,
                                     cp_span_of(text), spelled));
}

static void texts_repeat(void **state)
{
    static const char *const texts[] = {
        "1.20000..", "1.20001..", "1.20000..", "1.20000...",
        "1.20000.statistics:n:AAAAAAAA~first-party:n:BBBBBBBB.",
        "1.20000..", "", "1.20000.."
    };
    char spelled[CP_SIGNATURE_TEXT_LENGTH + 1];
    char other[CP_SIGNATURE_TEXT_LENGTH + 1];
    unsigned char signature[CP_SIGNATURE_LENGTH];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        text_sign(ring, 9, texts[i], spelled);
        text_sign(cp_keyring_make(&keys, pool), 9, texts[i], other);
        assert_string_equal(spelled, other);
        assert_true(mac_of(ring, 9, CP_PURPOSE_PREFERENCES, REALM, texts[i],
                           signature));
        cp_base64url_encode(other, signature, CP_SIGNATURE_LENGTH);
        assert_string_equal(spelled, other);
        text_sign(ring, 0, texts[i], other);
        assert_string_not_equal(spelled, other);
    }
    assert_false(cp_keyring_sign_text(ring, 8, CP_PURPOSE_PREFERENCES, REALM,
                                      CP_SPAN("1.20000.."), other));
    assert_string_equal(other, "");
    assert_false(cp_keyring_sign_text(ring, 9, CP_PURPOSE_OWNER, REALM,
                                      CP_SPAN("1.20000.."), other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mac_is_as_always),
        cmocka_unit_test(signature_is_as_always),
        cmocka_unit_test(each_in_its_way),
        cmocka_unit_test(macs_differ_by_use),
        cmocka_unit_test(parts_are_joined),
        cmocka_unit_test(no_key_no_mac),
        cmocka_unit_test(realms_of_every_length),
        cmocka_unit_test(the_keys_are_copied),
        cmocka_unit_test(many_realms),
        cmocka_unit_test(threads_share_a_ring),
        cmocka_unit_test(rings_come_and_go),
        cmocka_unit_test(the_youngest_begun_signs),
        cmocka_unit_test(ids_that_verify),
        cmocka_unit_test(numbers_are_fair),
        cmocka_unit_test(numbers_of_every_length),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(a_child_draws_anew),
        cmocka_unit_test(texts_repeat),
    };

    return cmocka_run_group_tests_name("keyring", tests, setup, pool_teardown);
}
