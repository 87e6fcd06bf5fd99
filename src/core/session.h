/**
 * @file session.h
 * @brief The room of sessionid.
 *
 * A session costs no memory until something is stored in it: until then the
 * token alone is the session. The first thing stored draws a new id.
 */
#ifndef CP_SESSION_H
#define CP_SESSION_H

#include "session_id.h"

/** Seconds for which an id that was rotated away is still understood. */
#define CP_SESSION_GRACE 10

/** So many of an application's session cookies a token may be bound to. */
#define CP_BINDINGS_MAX 16

struct cp_session {
    cp_session_id id;
    bool stored;                /* there is a record, and it is in record */
    bool grace;                 /* the request came with a rotated id */
    cp_record record;

    /* What csrftoken is bound to: first what a new one is. With an
     * application's sessions these are its cookie's values. */
    int binding_count;
    cp_span bindings[CP_BINDINGS_MAX];
};

/** What is to be done to a session, all at once. */
typedef struct cp_session_change {
    const char *login;          /* a user to log in, or NULL */
    const char *provider;       /* of the login, as in a record */
    const char *auth_name;
    bool by_entries;
    bool logout;
    bool everywhere;            /* all sessions of that user: of who is logged
                                   in, and of who is to be */
    bool rotate;
    bool sever;                 /* a rotation without grace, and with a new
                                   csrftoken: for who knew the old ones it is
                                   as after a login */
    apr_table_t *set;           /* attributes; an empty value unsets; or
                                   NULL */
    apr_table_t *entries;       /* of mod_session, likewise; NULL: neither
                                   they nor when they end change */
    apr_uint32_t until;         /* when they end; 0: with the record */
} cp_session_change;

/**
 * Carries out a change: draws new ids where they are needed, saves, and sees
 * to it that what the visitor must know is issued.
 * @return APR_SUCCESS; APR_EACCES when a new id would be needed and the
 *         answer may not carry one; APR_ENOSPC when it is too much to store;
 *         any other when the store is away
 */
apr_status_t cp_session_apply(cp_visit *visit,
                              const cp_session_change *change);

/** Whether what needs a new id may be carried out, so far as the store does its
 *  part. */
bool cp_session_may_begin(const cp_visit *visit);

/**
 * Ends the session and deletes its cookies in the browser.
 * @return any but APR_SUCCESS and APR_NOTFOUND: the record could not be ended
 */
apr_status_t cp_session_end(cp_visit *visit);

/** Whether an attribute may be called so: [A-Za-z0-9_]+, 64 at most, and no
 *  name that mod_session's users keep credentials under. */
bool cp_session_attribute_is_good(cp_span name);

/** Whether a text may be stored, as a value or a user: no control characters,
 *  since it becomes a request header. */
bool cp_session_text_is_good(const char *text);

/**
 * What a token is worth, without anything coming of it.
 * @param visit    its site, pool, realm and time are enough
 * @param session  gets it; zeroed before
 */
cp_reason cp_session_read(const cp_visit *visit, cp_span token,
                          cp_session *session);

/** Whether the store still says of a stored session what an earlier visit read;
 *  then it is in use again. */
bool cp_session_stands(cp_visit *visit);

/** The user who is logged in, or NULL. */
const char *cp_session_user(const cp_visit *visit);

/** What is stored, or NULL where nothing is. */
const cp_record *cp_session_record(const cp_visit *visit);

/** The attributes, or NULL where nothing is stored. */
const apr_table_t *cp_session_attributes(const cp_visit *visit);

/** A short name of the session for logs, worthless as a credential; NULL
 *  without a session. */
const char *cp_session_reference(const cp_visit *visit);

extern const cp_room cp_session_room;

#endif
