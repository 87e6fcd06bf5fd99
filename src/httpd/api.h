/**
 * @file api.h
 * @brief Registers the optional functions of include/mod_cookiepolicy.h.
 */
#ifndef CP_API_H
#define CP_API_H

void cp_api_register(void);

#endif
