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
#include "socache.h"
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

/** What the session store is made of. */
typedef struct cp_store_wish {
    const cp_socache_choice *socache;   /* NULL: shared memory */
    const char *state_dir;      /* its path names the segment */
    apr_size_t size;            /* of the segment; 0: the default */
    apr_uint32_t lifetime;      /* seconds that no session outlives */
} cp_store_wish;

/**
 * The session store. A reload keeps one in shared memory as it is, and makes
 * one of a socache provider anew.
 * @param is_reload  then a store that cannot be opened is stood in for by one
 *                   that is always away
 * @param pool       the configuration's
 * @return NULL when httpd must not start; the reason was logged
 */
cp_store *cp_lifeline_store(server_rec *server, const cp_store_wish *wish,
                            bool is_reload, apr_pool_t *pool);

/** Whether the store was made by this start, and is empty; true once. */
bool cp_lifeline_store_is_fresh(void);

/** The counters, which go on over a reload; NULL when there is no memory. */
cp_counters *cp_lifeline_counters(void);

/** The inventory, likewise. One of another version is left behind. */
cp_inventory *cp_lifeline_inventory(void);

#endif
