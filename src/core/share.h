/**
 * @file share.h
 * @brief The files of share/, built into the module.
 *
 * support/share writes them as C when the module is built, so that they can
 * neither be missing at run time nor be of another version.
 */
#ifndef CP_SHARE_H
#define CP_SHARE_H

#include "span.h"

typedef struct cp_share {
    const char *name;           /* its path below share/ */
    cp_span content;
} cp_share;

/** All of them, sorted by name; one with no name ends the list. */
extern const cp_share cp_shares[];

/** The content of a file, as "template.html"; absent where there is none. */
cp_span cp_share_find(const char *name);

#endif
