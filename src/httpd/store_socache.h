/**
 * @file store_socache.h
 * @brief The session store in one of httpd's socache providers.
 *
 * When its server is away it is said once, and no request waits for it again:
 * one errand after another asks whether it is back, and until it is every
 * operation fails at once.
 */
#ifndef CP_STORE_SOCACHE_H
#define CP_STORE_SOCACHE_H

#include "socache.h"

/** Registers the hooks. */
void cp_store_socache_register(void);

/**
 * Opens the store; nothing connects to a server here.
 * @param lifetime  seconds that no session of any host outlives
 * @param server    the main server
 * @param pool      the configuration's
 * @param error     on failure gets what is wrong
 */
apr_status_t cp_store_socache_open(cp_store **store,
                                   const cp_socache_choice *choice,
                                   apr_uint32_t lifetime, server_rec *server,
                                   apr_pool_t *pool, const char **error);

/** Whether a store is one of these, and it is away. */
bool cp_store_socache_is_away(const cp_store *store);

#endif
