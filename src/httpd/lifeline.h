/**
 * @file lifeline.h
 * @brief What outlives a reload: the keys and the store of the running
 *        server.
 */
#ifndef CP_LIFELINE_H
#define CP_LIFELINE_H

#include "counters.h"
#include "inventory.h"
#include "keyring.h"
#include "store.h"

#include <httpd.h>

/**
 * The key ring. At a start it is read, or made where there is no file. On a
 * reload a file that cannot be used leaves the running server's keys in
 * force and is logged.
 * @param store  to warn of sessions that a new key ring cannot open
 * @param pool   the ring's
 * @return NULL when httpd must not start; the reason was logged
 */
cp_keyring *cp_lifeline_keys(server_rec *server, const char *file,
                             cp_store *store, apr_pool_t *pool);

/**
 * The session store, which a reload keeps as it is.
 * @param state_dir  whose path names the segment
 * @param size       bytes; 0 for the default
 * @return NULL when httpd must not start; the reason was logged
 */
cp_store *cp_lifeline_store(server_rec *server, const char *state_dir,
                            apr_size_t size, apr_pool_t *pool);

/** The counters, which go on over a reload; NULL when there is no memory. */
cp_counters *cp_lifeline_counters(void);

/** The inventory, likewise. One of another version is left behind. */
cp_inventory *cp_lifeline_inventory(void);

#endif
