/**
 * @file status_inventory.h
 * @brief What was seen and is not declared, and the lines that declare it.
 */
#ifndef CP_STATUS_INVENTORY_H
#define CP_STATUS_INVENTORY_H

#include "config.h"

/** Whether a query asks for the inventory. */
bool cp_status_inventory_is_wanted(const char *query);

/** Answers with it: as HTML, as JSON, or as its lines of configuration
 *  alone. */
int cp_status_inventory(request_rec *r);

#endif
