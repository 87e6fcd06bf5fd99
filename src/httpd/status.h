/**
 * @file status.h
 * @brief The handler cookiepolicy-status: what the server sees.
 */
#ifndef CP_STATUS_H
#define CP_STATUS_H

#include "config.h"

void cp_status_register(apr_pool_t *pool);

#endif
