/**
 * @file cookie_date.h
 * @brief Dates in Expires, read as browsers read them.
 */
#ifndef CP_COOKIE_DATE_H
#define CP_COOKIE_DATE_H

#include "span.h"

#include <apr_time.h>

/**
 * The algorithm of RFC 6265bis section 5.6.1: a time, a day, a month and a
 * year in any order between any delimiters; a time zone is not looked at.
 * @param seconds  gets the date, in seconds since the epoch
 * @return false when a browser would ignore it
 */
bool cp_cookie_date_read(cp_span text, apr_time_t *seconds);

/**
 * Whether a date is written so that no browser reads it otherwise: words of
 * letters, two numbers of digits alone, and one time of day.
 */
bool cp_cookie_date_is_plain(cp_span text);

#endif
