/**
 * @file status_sessions.h
 * @brief The sessions of the server, and forms that end them.
 */
#ifndef CP_STATUS_SESSIONS_H
#define CP_STATUS_SESSIONS_H

#include "config.h"

#define CP_STATUS_HANDLER "cookiepolicy-status"

/** Whether a query asks for the sessions. */
bool cp_status_sessions_is_wanted(const char *query);

/** Answers with them, to GET, as HTML or JSON; to POST ends some. */
int cp_status_sessions(request_rec *r);

#endif
