/**
 * @file owner.h
 * @brief Whose a record is, as a store needs to know it: enough to choose what
 *        has to make room, and no name.
 *
 * Of 64 bits two tell the kind of record, 22 are a MAC of the realm, and 40 a
 * MAC of the user and realm. Two realms or users may have the same bits; who
 * must not confuse them looks at the label.
 */
#ifndef CP_OWNER_H
#define CP_OWNER_H

#include "keyring.h"
#include "store.h"

/**
 * The owner of a session.
 * @param key    the id of the key that the session's id is signed with
 * @param user   NULL for nobody
 * @param owner  never gets 0
 * @return false where the key is gone
 */
bool cp_owner_of(const cp_keyring *ring, unsigned char key, cp_span realm,
                 const char *user, apr_uint64_t *owner);

#endif
