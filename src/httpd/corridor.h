/**
 * @file corridor.h
 * @brief The request hooks: they build the visit and see it through.
 */
#ifndef CP_CORRIDOR_H
#define CP_CORRIDOR_H

#include "exchange.h"

/** What content sees, its Cookie header and its variables, follows a change of
 *  the session. */
void cp_corridor_show(cp_exchange *exchange, request_rec *r);

void cp_corridor_register(void);

#endif
