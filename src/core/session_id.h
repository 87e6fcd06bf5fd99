/**
 * @file session_id.h
 * @brief The id of a session, which sessionid carries in base64url.
 */
#ifndef CP_SESSION_ID_H
#define CP_SESSION_ID_H

#include "record.h"

/** Characters of a sessionid. */
#define CP_SESSION_TOKEN_LENGTH 48

/** Seconds later, or the end of time. */
static inline apr_uint32_t cp_time_after(apr_uint32_t time,
                                         apr_uint32_t seconds)
{
    return time > APR_UINT32_MAX - seconds ? APR_UINT32_MAX : time + seconds;
}

/**
 * Draws a new id.
 * @param stored  whether it says that it has a record
 * @return false where there is no randomness or no key
 */
bool cp_session_id_draw(const cp_visit *visit, bool stored,
                        cp_session_id *id);

/**
 * Checks a token that came in.
 * @return CP_VALID, or why it is none
 */
cp_reason cp_session_id_read(const cp_visit *visit, cp_span token,
                             cp_session_id *id);

/** When an id is over. A record has a time of its own, which a change of id
 *  does not set back. */
apr_uint32_t cp_session_id_expiry(const cp_visit *visit,
                                  const cp_session_id *id);

/** The token of an id, in the visit's memory. */
const char *cp_session_id_token(const cp_visit *visit,
                                const cp_session_id *id);

/** Whether an id says that it has a record. */
bool cp_session_id_says_stored(const cp_session_id *id);

#endif
