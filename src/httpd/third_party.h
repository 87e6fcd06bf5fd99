/**
 * @file third_party.h
 * @brief Third parties, whose cookies no header of ours reaches: what is
 *        withheld is the request to them, by a Content-Security-Policy.
 */
#ifndef CP_THIRD_PARTY_H
#define CP_THIRD_PARTY_H

#include "exchange.h"

/**
 * Adds the policy to the answer, beside those that the site sends itself: a
 * browser obeys all of them. In report mode it is one that only reports.
 * @return whether the answer is one visitor's own by that: not in report mode
 */
bool cp_third_party_send(const cp_exchange *exchange, request_rec *r);

#endif
