/**
 * @file store_watch.h
 * @brief Says in the log when the session store in shared memory is full, or
 *        had to be repaired.
 */
#ifndef CP_STORE_WATCH_H
#define CP_STORE_WATCH_H

/** The parent looks, and takes no lock for it; a line comes at most once a
 *  minute of each kind. */
void cp_store_watch_register(void);

#endif
