/**
 * @file page_banner.h
 * @brief What a browser fetches to show the banner: a script, a style sheet,
 *        and texts.
 */
#ifndef CP_PAGE_BANNER_H
#define CP_PAGE_BANNER_H

#include "exchange.h"

/**
 * Answers with a part of the banner. Under its own name a part never changes
 * and may be kept; under the name of a banner that was, today's is given, and
 * may not be.
 * @param name  what follows `banner.` in the path: HASH.js, HASH.css,
 *              HASH.LANG.json or HASH.LANG.all.json
 * @return HTTP_NOT_FOUND for what is no part, and where there is no banner
 */
int cp_page_banner(cp_exchange *exchange, request_rec *r, const char *name);

#endif
