/**
 * @file export.h
 * @brief What content and other modules see of the decisions, and that
 *        nobody else can say it in our name.
 */
#ifndef CP_EXPORT_H
#define CP_EXPORT_H

#include "exchange.h"

/**
 * Takes request headers out whose name some interface would read as one of
 * ours, and our names and Cookie out of Connection, which would make
 * mod_proxy drop them.
 * @return whether there were any
 */
bool cp_export_guard(request_rec *r);

typedef struct cp_export_entry {
    const char *name;           /* of a variable, or of a header */
    const char *value;          /* NULL: it is not set */
} cp_export_entry;

/** What a visit comes to, ready to be said. */
typedef struct cp_exports {
    cp_export_as as;
    const char *preferred;      /* the language, where there are several */
    apr_array_header_t *entries;    /* of cp_export_entry; or NULL */
} cp_exports;

/** Finds words for a visit, in its memory. */
cp_exports cp_exports_make(const cp_visit *visit,
                           const cp_server_config *server);

/** Adds the variables, or the headers, to @a r, which has none of them: it
 *  came just now, or cp_export_withdraw() took them. Nothing is copied. */
void cp_exports_say(const cp_exports *exports, request_rec *r);

/** Both at once. */
void cp_export(request_rec *r, const cp_exchange *exchange);

/** Whether the visitor has decided: yes, no, or gpc where Sec-GPC stands in. */
const char *cp_export_decided(const cp_visit *visit);

/** Takes back what was set, where the decision is made anew. */
void cp_export_withdraw(request_rec *r);

/** Sets the masked token, for content that can make use of it. */
void cp_export_token(request_rec *r, const cp_exchange *exchange);

#endif
