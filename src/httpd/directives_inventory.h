/**
 * @file directives_inventory.h
 * @brief The directive that helps to name what the inventory lists.
 */
#ifndef CP_DIRECTIVES_INVENTORY_H
#define CP_DIRECTIVES_INVENTORY_H

#include "config.h"

/** Reads the database at once. @return NULL, or what is wrong */
const char *cp_directive_database(cmd_parms *cmd, void *dir,
                                  const char *file);

#endif
