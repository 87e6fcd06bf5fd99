/**
 * @file quality.h
 * @brief How much a client likes something: the q of its Accept headers.
 */
#ifndef CP_QUALITY_H
#define CP_QUALITY_H

#include "span.h"

/** That of what has none. */
#define CP_QUALITY_MAX 1000

/**
 * Reads a weight (RFC 9110 section 12.4.2), in thousandths.
 * @param parameter  `q=` and a number from 0 to 1 with at most three digits
 *                   after the point; blanks may be around it
 * @return CP_QUALITY_MAX where it is empty; 0 where it is no weight
 */
int cp_quality_read(cp_span parameter);

#endif
