/**
 * @file throttle.h
 * @brief So that an attack does not fill the disk with its log.
 */
#ifndef CP_THROTTLE_H
#define CP_THROTTLE_H

#include <stdbool.h>

/** Whether a line about a client may be logged: ten a second, a process. */
bool cp_throttle_admits(void);

#endif
