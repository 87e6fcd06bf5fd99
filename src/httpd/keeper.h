/**
 * @file keeper.h
 * @brief CookiePolicySessionFile: the session store on disk.
 *
 * A process of its own has it written, which the parent starts and ends:
 * nobody who is root takes the store's locks while children run.
 */
#ifndef CP_KEEPER_H
#define CP_KEEPER_H

#include "keyring.h"
#include "store.h"

#include <httpd.h>

/**
 * Restores the sessions where the store is new, and starts the process. What
 * goes wrong is logged, and httpd starts all the same.
 * @param file   NULL where no file is configured
 * @param fresh  whether the store was made by this start
 * @param pconf  whose end is the process's: it writes once more then, when
 *               httpd stops
 */
void cp_keeper_start(server_rec *server, const char *file, cp_store *store,
                     const cp_keyring *ring, bool fresh, apr_pool_t *pconf);

#endif
