/**
 * @file html_url.h
 * @brief Where the URL in an attribute leads.
 */
#ifndef CP_HTML_URL_H
#define CP_HTML_URL_H

#include "span.h"

/** The origin of a page. */
typedef struct cp_html_origin {
    const char *scheme;
    const char *host;           /* lower case */
    unsigned int port;
} cp_html_origin;

/**
 * Whether a URL leads to the page's own origin. Only its plainest spellings
 * do: what browsers would decode, drop or turn round before they look (the
 * URL standard, section 4.4) is not trusted.
 * @param url  the attribute's value as it stands in the page
 * @param relative_is_own  whether one that is relative does: not below a
 *             <base> of another origin
 */
bool cp_html_url_is_own(const cp_html_origin *own, cp_span url,
                        bool relative_is_own);

#endif
