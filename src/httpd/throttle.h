/**
 * @file throttle.h
 * @brief A bound on how often one kind of line is logged, in each process.
 */
#ifndef CP_THROTTLE_H
#define CP_THROTTLE_H

#include <stdbool.h>
#include <apr.h>

/** One kind of line: so many in each period. Static, the rest zero. */
typedef struct cp_throttle {
    apr_uint32_t lines;
    apr_uint32_t period;        /* seconds */
    volatile apr_uint32_t begun;
    volatile apr_uint32_t count;
} cp_throttle;

/** Whether one more may be logged now. */
bool cp_throttle_admits(cp_throttle *throttle);

#endif
