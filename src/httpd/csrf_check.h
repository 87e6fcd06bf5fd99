/**
 * @file csrf_check.h
 * @brief Whether a request that changes something was meant by the visitor.
 */
#ifndef CP_CSRF_CHECK_H
#define CP_CSRF_CHECK_H

#include "exchange.h"

/**
 * Makes the check, whole: origin, then the token out of a header or a form's
 * body. What is read ahead of the body is in exchange->window then; the body
 * of a request that was refused, or could not be read, is shut off.
 * @return DECLINED where the request may go on; DONE where it was refused
 *         and answered; HTTP_FORBIDDEN where ErrorDocument is to answer; or
 *         the status of a body that could not be read
 */
int cp_csrf_check_request(cp_exchange *exchange, request_rec *r);

#endif
