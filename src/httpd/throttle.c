#include "throttle.h"

#include <apr_atomic.h>
#include <apr_time.h>

bool cp_throttle_admits(cp_throttle *throttle)
{
    apr_uint32_t now = (apr_uint32_t)(apr_time_sec(apr_time_now())
                                      / throttle->period);

    if (apr_atomic_read32(&throttle->begun) != now) {
        apr_atomic_set32(&throttle->begun, now);
        apr_atomic_set32(&throttle->count, 0);
    }
    return apr_atomic_inc32(&throttle->count) < throttle->lines;
}
