/**
 * @file fields.h
 * @brief The fields of a request's header that decisions hang on, found in one
 *        walk over them all.
 */
#ifndef CP_FIELDS_H
#define CP_FIELDS_H

#include <stdbool.h>
#include <httpd.h>

/** What they say; NULL: a field is not there. */
typedef struct cp_fields {
    const char *cookie;
    const char *host;
    const char *accept_language;
    const char *origin;
    const char *sec_fetch_site;
    const char *sec_fetch_mode;
    const char *sec_fetch_dest;
    const char *sec_purpose;
    const char *purpose;        /* as browsers said before there was a */
    const char *x_moz;          /* Sec-Purpose */
    const char *sec_gpc;
    const char *upgrade;
    const char *cookie2;        /* of RFC 2965 */
    const char *connection;
    bool spoofed;               /* there is one that reads as ours */
} cp_fields;

void cp_fields_read(cp_fields *fields, const request_rec *r);

/** Whether some interface would read a field's name as one of ours: after case
 *  is folded and every character that is no letter or digit is read as a
 *  hyphen. */
bool cp_field_is_ours(const char *name);

#endif
