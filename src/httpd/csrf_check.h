/**
 * @file csrf_check.h
 * @brief Whether a request that changes something was meant by the visitor.
 */
#ifndef CP_CSRF_CHECK_H
#define CP_CSRF_CHECK_H

#include "exchange.h"

/**
 * Makes the check, whole: origin, then the token out of X-CSRFToken or a
 * form's body. What is read ahead of the body is given back by a filter.
 * @return DECLINED where the request may go on; DONE where it was refused
 *         and answered; HTTP_FORBIDDEN where ErrorDocument is to answer; or
 *         the status of a body that could not be read
 */
int cp_csrf_check_request(cp_exchange *exchange, request_rec *r);

/** Puts the filter in that gives back what was read ahead. */
void cp_csrf_replay(const cp_exchange *exchange, request_rec *r);

void cp_csrf_check_register(apr_pool_t *pool);

#endif
