/**
 * @file keyring_seal_test.c
 * @brief What is sealed: it comes back whole, or not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "keyring_fixture.h"

static void sealed_comes_back(void **state)
{
    static const size_t lengths[] = { 0, 1, 15, 16, 17, 31, 100, 16356 };
    static unsigned char text[16356], again[16356];
    static unsigned char sealed[16356 + CP_SEAL_OVERHEAD];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (unsigned char)(i * 131 >> 3);
    }
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t length = lengths[i];

        assert_true(cp_keyring_seal(ring, 9, REALM, SECRET, CP_SPAN("name"),
                                    cp_span_make(text, length), sealed));
        memset(again, 0, sizeof(again));
        assert_true(cp_keyring_open(ring, 9, REALM, SECRET, CP_SPAN("name"),
                                    cp_span_make(sealed, length
                                                         + CP_SEAL_OVERHEAD),
                                    again));
        assert_memory_equal(text, again, length);
    }
}

static void sealed_hides_and_differs(void **state)
{
    static const char text[] = "user=alice, and nobody else may know it";
    unsigned char one[sizeof(text) + CP_SEAL_OVERHEAD];
    unsigned char two[sizeof(text) + CP_SEAL_OVERHEAD];

    (void)state;
    assert_true(cp_keyring_seal(ring, 9, REALM, SECRET, CP_SPAN("n"),
                                cp_span_make(text, sizeof(text)), one));
    assert_true(cp_keyring_seal(ring, 9, REALM, SECRET, CP_SPAN("n"),
                                cp_span_make(text, sizeof(text)), two));
    assert_memory_not_equal(one, two, 12);
    assert_memory_not_equal(one + 12, two + 12, sizeof(text));
    for (size_t i = 0; i + 5 <= sizeof(one); i++) {
        assert_memory_not_equal(one + i, "alice", 5);
    }
}

static void opens_not(unsigned char id, cp_span realm, cp_span secret,
                      cp_span bound, cp_span sealed)
{
    static const unsigned char zero[64];
    unsigned char text[64];

    memset(text, 0xee, sizeof(text));
    assert_false(cp_keyring_open(ring, id, realm, secret, bound, sealed,
                                 text));
    if (sealed.length >= CP_SEAL_OVERHEAD) {
        assert_memory_equal(text, zero, sealed.length - CP_SEAL_OVERHEAD);
    }
}

static void every_change_is_noticed(void **state)
{
    unsigned char sealed[24 + CP_SEAL_OVERHEAD + 1];
    cp_span whole = { (char *)sealed, 24 + CP_SEAL_OVERHEAD };

    (void)state;
    assert_true(cp_keyring_seal(ring, 9, REALM, SECRET, CP_SPAN("name"),
                                CP_SPAN("exactly twenty-four char"),
                                sealed));
    for (size_t i = 0; i < whole.length; i++) {
        for (int bit = 0; bit < 8; bit++) {
            sealed[i] = (unsigned char)(sealed[i] ^ (1 << bit));
            opens_not(9, REALM, SECRET, CP_SPAN("name"), whole);
            sealed[i] = (unsigned char)(sealed[i] ^ (1 << bit));
        }
        opens_not(9, REALM, SECRET, CP_SPAN("name"),
                  cp_span_make(sealed, i));
    }
    sealed[whole.length] = 0;
    opens_not(9, REALM, SECRET, CP_SPAN("name"),
              cp_span_make(sealed, whole.length + 1));
    opens_not(0, REALM, SECRET, CP_SPAN("name"), whole);
    opens_not(200, REALM, SECRET, CP_SPAN("name"), whole);
    opens_not(1, REALM, SECRET, CP_SPAN("name"), whole);
    opens_not(9, CP_SPAN("www.example.com"), SECRET, CP_SPAN("name"), whole);
    opens_not(9, CP_SPAN(""), SECRET, CP_SPAN("name"), whole);
    opens_not(9, REALM, CP_SPAN("0123456789abcdeg"), CP_SPAN("name"), whole);
    opens_not(9, REALM, CP_SPAN(""), CP_SPAN("name"), whole);
    opens_not(9, REALM, SECRET, CP_SPAN("nama"), whole);
    opens_not(9, REALM, SECRET, CP_SPAN(""), whole);
    opens_not(9, REALM, SECRET, CP_SPAN("name"), CP_SPAN_NONE);
}

static void no_key_no_seal(void **state)
{
    unsigned char sealed[4 + CP_SEAL_OVERHEAD];
    char realm[256];

    (void)state;
    memset(realm, 'r', sizeof(realm));
    assert_false(cp_keyring_seal(ring, 200, REALM, SECRET, CP_SPAN("n"),
                                 CP_SPAN("text"), sealed));
    assert_false(cp_keyring_seal(ring, 77, REALM, SECRET, CP_SPAN("n"),
                                 CP_SPAN("text"), sealed));
    assert_false(cp_keyring_seal(ring, 9, cp_span_make(realm, 256), SECRET,
                                 CP_SPAN("n"), CP_SPAN("text"), sealed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_comes_back),
        cmocka_unit_test(sealed_hides_and_differs),
        cmocka_unit_test(every_change_is_noticed),
        cmocka_unit_test(no_key_no_seal),
    };

    return cmocka_run_group_tests_name("keyring_seal", tests, setup,
                                       pool_teardown);
}
