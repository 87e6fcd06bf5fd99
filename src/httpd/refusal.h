/**
 * @file refusal.h
 * @brief The answer to a request that failed the CSRF check.
 */
#ifndef CP_REFUSAL_H
#define CP_REFUSAL_H

#include "exchange.h"

/**
 * Answers 403 with a page, JSON or plain text, whichever the client takes;
 * where ErrorDocument 403 is configured, that answers.
 * @return DONE or HTTP_FORBIDDEN
 */
int cp_refusal_send(const cp_exchange *exchange, request_rec *r);

/** Whether a client takes JSON rather than HTML, by its Accept header. */
bool cp_accepts_json(const request_rec *r);

#endif
