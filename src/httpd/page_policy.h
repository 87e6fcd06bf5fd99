/**
 * @file page_policy.h
 * @brief The policy page: what this host uses, and the visitor's choices.
 */
#ifndef CP_PAGE_POLICY_H
#define CP_PAGE_POLICY_H

#include "exchange.h"

#include <jansson.h>

/** Sends the page as HTML. @return OK */
int cp_page_policy(const cp_exchange *exchange, request_rec *r);

/** The same as JSON; the caller's to release. */
json_t *cp_page_policy_json(const cp_exchange *exchange, request_rec *r);

#endif
