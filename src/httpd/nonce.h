/**
 * @file nonce.h
 * @brief The nonce that scripts of a page must carry.
 */
#ifndef CP_NONCE_H
#define CP_NONCE_H

#include "fields.h"
#include "span.h"

/**
 * The nonce of the page's own Content-Security-Policy, else what CSP_NONCE
 * says of a policy that is still to be added, else that of a policy that is to
 * be reported only.
 * @param fields  of the page
 * @return in the request's pool, or in the header; absent where there is none
 */
cp_span cp_nonce_of(const request_rec *r, const cp_page_fields *fields);

#endif
