/**
 * @file record.h
 * @brief What is stored of a session, sealed and filed.
 *
 * A record is filed under a MAC of its session's id and encrypted under a key
 * derived from the key ring and the random part of the id: neither a dump of
 * the store nor the store and the key ring together give a session away. Its
 * label says, to who has the key ring, whose session it is (label.h).
 */
#ifndef CP_RECORD_H
#define CP_RECORD_H

#include "label.h"
#include "visit.h"

#include <apr_tables.h>

#define CP_SESSION_RANDOM_LENGTH 16

/** An id as it is before base64url: 16 random bytes, issue time, flags, key
 *  number and a MAC of 14 bytes over them. */
#define CP_SESSION_ID_LENGTH 36

/** Where in an id the key's number is. */
#define CP_SESSION_ID_KEY 21

#define CP_ATTRIBUTES_MAX 64
#define CP_ATTRIBUTE_NAME_MAX 64
#define CP_USER_MAX 255

typedef struct cp_session_id {
    unsigned char bytes[CP_SESSION_ID_LENGTH];
} cp_session_id;

typedef struct cp_record {
    apr_uint32_t created;       /* the absolute timeout counts from here */
    unsigned char binding[CP_SESSION_RANDOM_LENGTH];    /* of csrftoken */
    bool moved;                 /* the session goes on under successor */
    cp_session_id successor;
    const char *user;           /* NULL: nobody is logged in */
    const char *provider;       /* the AuthType that the user was authenticated
                                   by; NULL: by the application */
    const char *auth_name;      /* and under which AuthName, or NULL */
    bool by_entries;            /* the login ends with the entries */
    apr_table_t *attributes;    /* never NULL */
    apr_table_t *entries;       /* of mod_session: credentials may be among
                                   them, no content sees any; never NULL */
    apr_uint32_t until;         /* the entries end then; 0: with the record */

    /* What the store says of it. */
    apr_uint32_t expires;
    apr_uint32_t revision;
    unsigned char reference[CP_REFERENCE_BYTES];
    cp_store_name name;         /* as it was loaded, under this name: */
    cp_span sealed;
} cp_record;

/** The name that a session's record is filed under. @return false when the
 *  key is gone */
bool cp_record_name(const cp_visit *visit, const cp_session_id *id,
                    cp_store_name *name);

/** Whether it is this user who is logged in, authenticated in this way; NULL
 *  is nobody, and no such way. */
bool cp_record_is_of(const cp_record *record, const char *user,
                     const char *provider, const char *auth_name);

/**
 * @return as the store does; a record that does not open counts as not found
 */
apr_status_t cp_record_load(const cp_visit *visit, const cp_session_id *id,
                            cp_record *record);

/**
 * Asks the store again for a record that was loaded before, of an earlier
 * visit maybe. Its expiry becomes what the store says now.
 * @return APR_EMISMATCH when it has changed since; else as the store does
 */
apr_status_t cp_record_renew(const cp_visit *visit, cp_record *record);

/** Saves with the revision and expiry in @a record; sets the new revision. */
apr_status_t cp_record_save(const cp_visit *visit, const cp_session_id *id,
                            cp_record *record);

apr_status_t cp_record_remove(const cp_visit *visit,
                              const cp_session_id *id);

apr_status_t cp_record_touch(const cp_visit *visit, const cp_session_id *id,
                             apr_uint32_t expires);

#endif
