/**
 * @file ctl.h
 * @brief cookiepolicyctl: what an administrator does to sessions and keys of a
 *        running server, or of one that is stopped.
 *
 * It attaches to the store's segment and takes its locks as a child of httpd
 * does; when it is killed, what it held is repaired by the next one.
 */
#ifndef CP_CTL_H
#define CP_CTL_H

#include "listing.h"

/** What it ends with. */
enum {
    CP_CTL_DONE = 0,
    CP_CTL_NONE = 1,            /* nothing was meant; a token is not valid */
    CP_CTL_USAGE = 2,
    CP_CTL_FAILED = 3           /* no store, no keys, no access */
};

/** What stands for `-`, which APR takes for an option. */
#define CP_CTL_STDIN "(standard input)"

/** What the command line says. */
typedef struct cp_ctl {
    const char *state_dir;
    const char *key_file;
    const char *command;
    const char *argument;       /* of check; NULL; or CP_CTL_STDIN */
    cp_whose whose;
    bool json;
    apr_uint32_t now;
    apr_pool_t *pool;
} cp_ctl;

/** Says what is wrong. @return CP_CTL_FAILED */
int cp_ctl_fail(const char *error);

/** Opens the key ring; and the store, where @a where has one already not.
 *  @return false after it said what is wrong */
bool cp_ctl_open(const cp_ctl *ctl, cp_listing *where);

/** @return what to end with, as the others */
int cp_ctl_list(const cp_ctl *ctl);
int cp_ctl_count(const cp_ctl *ctl);
int cp_ctl_revoke(const cp_ctl *ctl);
int cp_ctl_check(const cp_ctl *ctl);
int cp_ctl_new_key(const cp_ctl *ctl);

#endif
