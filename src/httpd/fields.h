/**
 * @file fields.h
 * @brief The fields of a header that decisions hang on, found in one walk over
 *        them all.
 */
#ifndef CP_FIELDS_H
#define CP_FIELDS_H

#include <stdbool.h>
#include <httpd.h>

/** What they say; NULL: a field is not there. */
typedef struct cp_fields {
    apr_table_entry_t *cookie;  /* good until a field is put in or taken out */
    bool cookies;               /* there are more of it */
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
    bool connection;            /* Connection says more than keep-alive or
                                   close */
    bool spoofed;               /* there is one that reads as ours */
} cp_fields;

void cp_fields_read(cp_fields *fields, const request_rec *r);

/** What a request says of the page that it wants; NULL: nothing. */
typedef struct cp_conditions {
    const char *accept;
    const char *match;          /* If-Match */
    const char *none_match;     /* If-None-Match */
    const char *since;          /* If-Modified-Since */
    const char *range;
} cp_conditions;

/** @return whether there is a condition, or a range */
bool cp_conditions_read(cp_conditions *conditions, const request_rec *r);

/** What the header of an answer says of the page behind it, in r->headers_out
 *  or else in r->err_headers_out; NULL: nothing. */
typedef struct cp_page_fields {
    const char *length;         /* Content-Length */
    const char *encoding;       /* Content-Encoding */
    const char *digest;         /* Content-Digest and all of its kind */
    const char *policy;         /* Content-Security-Policy, or that which is
                                   to be reported only */
    apr_table_entry_t *tags[2];     /* ETag, in each of the tables */
    apr_table_entry_t *times[2];    /* and Last-Modified: good until something
                                       is put into one or taken out; the values
                                       may be replaced */
} cp_page_fields;

void cp_page_fields_read(cp_page_fields *fields, const request_rec *r);

/** Whether some interface would read a field's name as one of ours: after case
 *  is folded and every character that is no letter or digit is read as a
 *  hyphen. */
bool cp_field_is_ours(const char *name);

#endif
