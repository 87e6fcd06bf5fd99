/**
 * @file csrf.h
 * @brief The room of csrftoken.
 *
 * 32 characters of [a-zA-Z0-9] as Django's secret: 12 random ones, and 20
 * that are a MAC over them and the session that the token is bound to.
 */
#ifndef CP_CSRF_H
#define CP_CSRF_H

#include "visit.h"

#define CP_CSRF_TOKEN_LENGTH 32
#define CP_CSRF_MASKED_LENGTH 64

/**
 * Whether a request presented the visitor's token or the one that it follows,
 * plain or masked as Django masks it, in constant time. A token that is
 * issued only with this answer does not count: the visitor cannot have it.
 * An application that checks the token itself is to see the one that was
 * presented, see cp_visit_cookie().
 */
bool cp_csrf_check(cp_visit *visit, cp_span presented);

/** The token in force, masked anew (BREACH); NULL without one. */
const char *cp_csrf_masked(const cp_visit *visit);

/** The session changed hands: a token for the new one, issued at once; forms
 *  with the old one are worth nothing. */
void cp_csrf_renew(cp_visit *visit);

/**
 * The application began or ended its session: a token that is bound to what
 * is now, issued at once. Where the same answer shows that the application
 * goes on with the token that it saw, its forms carry that one: the new one
 * is then made from it, and cp_csrf_check() takes both.
 */
void cp_csrf_rebind(cp_visit *visit);

extern const cp_room cp_csrf_room;

#endif
