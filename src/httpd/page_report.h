/**
 * @file page_report.h
 * @brief The page that takes what browsers report of third parties.
 */
#ifndef CP_PAGE_REPORT_H
#define CP_PAGE_REPORT_H

#include "exchange.h"

/** Notes the origins that reports of violation name. Whatever they say, the
 *  answer is 204; a body that is too long or cannot be read has its error. */
int cp_page_report(cp_exchange *exchange, request_rec *r);

/**
 * The origin of an http or https URL, as CookiePolicyThirdParty takes it: in
 * small letters, without the scheme's own port.
 * @return NULL when there is none, or its host is of other than letters,
 *         digits, dots and hyphens
 */
const char *cp_report_origin(const char *url, apr_pool_t *pool);

#endif
