/**
 * @file refusal.h
 * @brief The answer to a request that failed the CSRF check.
 */
#ifndef CP_REFUSAL_H
#define CP_REFUSAL_H

#include "exchange.h"

/**
 * Answers 403 and says which check failed and what to do, in the form that
 * the client takes; where ErrorDocument 403 is configured, that answers.
 * @return DONE or HTTP_FORBIDDEN
 */
int cp_refusal_send(const cp_exchange *exchange, request_rec *r);

/** For the log: " from ORIGIN" where a refusal is about a foreign origin that
 *  the request names, else nothing. It is of at most 100 characters, and a
 *  `?` stands for each that an origin has not. */
const char *cp_refusal_origin(const request_rec *r, cp_refusal refusal);

#endif
