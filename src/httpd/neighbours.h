/**
 * @file neighbours.h
 * @brief Cookies that httpd's other modules set.
 */
#ifndef CP_NEIGHBOURS_H
#define CP_NEIGHBOURS_H

#include "config.h"

/**
 * Warns of each cookie that another module is configured to set and that no
 * host's policy declares: it would be dropped.
 */
void cp_neighbours_check(server_rec *main_server, apr_pool_t *pool);

#endif
