/**
 * @file database.h
 * @brief An Open Cookie Database: what is known of other people's cookies.
 *
 * Its CSV (RFC 4180) has a header line; the columns are found by their names.
 */
#ifndef CP_DATABASE_H
#define CP_DATABASE_H

#include "span.h"

/** Larger files are refused, in bytes. */
#define CP_DATABASE_FILE_MAX (8 * 1024 * 1024)

/** And names that are longer, in bytes. */
#define CP_DATABASE_NAME_MAX 255

typedef struct cp_database cp_database;

/** What it says of a name. Texts are as they stand there, or NULL. */
typedef struct cp_known {
    const char *name;           /* as it stands there */
    bool wildcard;              /* name is only the beginning */
    const char *platform;
    const char *category;
    const char *domain;
    const char *description;
    const char *retention;
    const char *controller;
} cp_known;

/**
 * Reads a file.
 * @param error  gets what is wrong, with the line
 * @param pool   owns the database
 * @return NULL when it cannot be read or is no such database
 */
const cp_database *cp_database_read(const char *file, const char **error,
                                    apr_pool_t *pool);

/**
 * The same of text that was read.
 * @param file  its name in @a error
 */
const cp_database *cp_database_parse(cp_span text, const char *file,
                                     const char **error, apr_pool_t *pool);

/** The rows that were read. */
int cp_database_count(const cp_database *database);

/**
 * What is known of a cookie's name: an exact row before a wildcard, a longer
 * wildcard before a shorter.
 * @return NULL when nothing is
 */
const cp_known *cp_database_find(const cp_database *database, cp_span name);

#endif
