/**
 * @file corridor.h
 * @brief The request hooks: they build the visit and see it through.
 */
#ifndef CP_CORRIDOR_H
#define CP_CORRIDOR_H

#include "config.h"

void cp_corridor_register(void);

#endif
