/**
 * @file pages.h
 * @brief The module's own pages, below CookiePolicyPath.
 */
#ifndef CP_PAGES_H
#define CP_PAGES_H

#include "exchange.h"

/**
 * Whether a path is one of ours.
 * @param json  gets whether it ends in .json
 */
cp_page cp_page_find(const cp_server_config *server, const char *path,
                     bool *json);

/** Answers a request for one of our pages. @return OK or an HTTP status */
int cp_page_handle(cp_exchange *exchange, request_rec *r);

#endif
