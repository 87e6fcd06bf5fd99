#include "throttle.h"

#include <apr_atomic.h>
#include <apr_time.h>

#define LINES_A_SECOND 10

bool cp_throttle_admits(void)
{
    static volatile apr_uint32_t second;
    static volatile apr_uint32_t lines;
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(apr_time_now());

    if (apr_atomic_read32(&second) != now) {
        apr_atomic_set32(&second, now);
        apr_atomic_set32(&lines, 0);
    }
    return apr_atomic_inc32(&lines) < LINES_A_SECOND;
}
