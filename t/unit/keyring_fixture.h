/**
 * @file keyring_fixture.h
 * @brief A ring of three keys: one that signs, one that is revoked, and an old
 *        one.
 */
#ifndef KEYRING_FIXTURE_H
#define KEYRING_FIXTURE_H

#include "keyring.h"
#include "pool_fixture.h"

#define NOW 1700000000u
#define REALM CP_SPAN("www.example.org")
#define SECRET CP_SPAN("0123456789abcdef")

static cp_keys keys;
static cp_keyring *ring;

static inline void key_set(int at, unsigned char id, apr_uint32_t begins)
{
    keys.list[at] = (cp_key){ .id = id, .begins = begins };
    for (int i = 0; i < CP_KEY_LENGTH; i++) {
        keys.list[at].bytes[i] = (unsigned char)(id * 31 + i * 7);
    }
}

static inline int setup(void **state)
{
    pool_setup(state);
    keys.count = 3;
    key_set(0, 9, NOW - 100);
    key_set(1, 200, NOW - 1000);
    key_set(2, 0, NOW - 2000);
    keys.list[1].revoked = true;
    ring = cp_keyring_make(&keys, pool);
    return ring ? 0 : -1;
}

#endif
