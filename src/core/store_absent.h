/**
 * @file store_absent.h
 * @brief The store of a server that has none: it is always away.
 *
 * A reload that cannot open its store must not end the server. With this one
 * requests go on as anonymous, their cookies untouched.
 */
#ifndef CP_STORE_ABSENT_H
#define CP_STORE_ABSENT_H

#include "store.h"

/** @param pool  the store's */
cp_store *cp_store_absent_make(apr_pool_t *pool);

bool cp_store_is_absent(const cp_store *store);

#endif
