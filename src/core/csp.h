/**
 * @file csp.h
 * @brief What is read of a page's own Content-Security-Policy.
 */
#ifndef CP_CSP_H
#define CP_CSP_H

#include "span.h"

/**
 * The nonce that a script must carry (Content Security Policy Level 3,
 * section 2.3.1): that of script-src-elem, else of script-src, else of
 * default-src.
 * @param header  the value of the header, several policies joined by commas;
 *                of those the first that names a nonce counts
 * @return what stands between `'nonce-` and `'`, pointing into the header, of
 *         the characters of base64 and base64url; absent where there is none
 */
cp_span cp_csp_nonce(cp_span header);

/** Whether it is of those characters (base64-value there). */
bool cp_csp_is_nonce(cp_span value);

#endif
