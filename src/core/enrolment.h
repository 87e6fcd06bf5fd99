/**
 * @file enrolment.h
 * @brief A visitor's session on the roster of its user.
 */
#ifndef CP_ENROLMENT_H
#define CP_ENROLMENT_H

#include "session.h"

/**
 * Puts a session that gets a new id on its user's roster, before its record
 * is saved. Where nobody is logged in there is nothing to do.
 * @param visit   has the new id
 * @param before  the session as it was
 * @param ends    when it is certainly over
 * @return APR_SUCCESS; or what the store says
 */
apr_status_t cp_enrol(const cp_visit *visit, const cp_record *record,
                      const cp_session *before, apr_uint32_t ends);

/** Keeps the roster of the user who is logged in from making room before the
 *  session does. */
void cp_enrolled_use(const cp_visit *visit);

/**
 * Ends all sessions of the user who is logged in, and of the one who is about
 * to log in. One that draws a new id meanwhile finds its record gone, and
 * does not come back.
 * @param login  NULL: nobody is about to
 * @return APR_SUCCESS; APR_EACCES when the answer may not carry a new id; or
 *         what the store says
 */
apr_status_t cp_enrolled_end(const cp_visit *visit, const char *login);

#endif
