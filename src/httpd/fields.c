#include "fields.h"

#include <apr_lib.h>

bool cp_field_is_ours(const char *name)
{
    static const char prefix[] = "x-cookiepolicy-";

    for (size_t i = 0; prefix[i]; i++) {
        char c = apr_isalnum(name[i]) ? (char)apr_tolower(name[i]) : '-';

        if (!name[i] || c != prefix[i]) {
            return false;
        }
    }
    return true;
}

/* Of names of one length. Mostly one is written as it always is, which is soon
 * seen. */
static inline bool is_named(const apr_table_entry_t *entry, const char *name)
{
    return memcmp(entry->key, name, strlen(name)) == 0
           || strcasecmp(entry->key, name) == 0;
}

/* Of several the first one counts, as in apr_table_get(). */
static inline bool take(const char **field, const char *name,
                        const apr_table_entry_t *entry)
{
    if (!is_named(entry, name)) {
        return false;
    }
    if (!*field) {
        *field = entry->val;
    }
    return true;
}

static inline bool take_entry(apr_table_entry_t **field, const char *name,
                              apr_table_entry_t *entry)
{
    if (!is_named(entry, name)) {
        return false;
    }
    if (!*field) {
        *field = entry;
    }
    return true;
}

/* Whether it is a Connection that says more than browsers do. */
static bool connects(const apr_table_entry_t *entry)
{
    return is_named(entry, "Connection")
           && strcasecmp(entry->val, "keep-alive")
           && strcasecmp(entry->val, "close");
}

/* The length of a name leaves so few that it could be. */
static void field_read(cp_fields *fields, apr_table_entry_t *entry)
{
    switch (strlen(entry->key)) {
    case 4:
        take(&fields->host, "Host", entry);
        break;
    case 5:
        take(&fields->x_moz, "X-Moz", entry);
        break;
    case 6:
        if (take_entry(&fields->cookie, "Cookie", entry)) {
            fields->cookies = fields->cookie != entry;
        }
        else {
            take(&fields->origin, "Origin", entry);
        }
        break;
    case 7:
        (void)(take(&fields->sec_gpc, "Sec-GPC", entry)
               || take(&fields->upgrade, "Upgrade", entry)
               || take(&fields->purpose, "Purpose", entry)
               || take(&fields->cookie2, "Cookie2", entry));
        break;
    case 10:
        fields->connection = fields->connection || connects(entry);
        break;
    case 11:
        take(&fields->sec_purpose, "Sec-Purpose", entry);
        break;
    case 14:
        (void)(take(&fields->sec_fetch_site, "Sec-Fetch-Site", entry)
               || take(&fields->sec_fetch_mode, "Sec-Fetch-Mode", entry)
               || take(&fields->sec_fetch_dest, "Sec-Fetch-Dest", entry));
        break;
    case 15:
        take(&fields->accept_language, "Accept-Language", entry);
        break;
    }
}

/* The entries of a table. @return the first; @a end lies behind the last */
static apr_table_entry_t *entries_of(const apr_table_t *table,
                                     const apr_table_entry_t **end)
{
    const apr_array_header_t *entries = apr_table_elts(table);
    apr_table_entry_t *first = (apr_table_entry_t *)entries->elts;

    *end = first + entries->nelts;
    return first;
}

void cp_fields_read(cp_fields *fields, const request_rec *r)
{
    const apr_table_entry_t *end;
    apr_table_entry_t *entry = entries_of(r->headers_in, &end);

    memset(fields, 0, sizeof(*fields));
    for (; entry < end; entry++) {
        field_read(fields, entry);
        if ((*entry->key == 'X' || *entry->key == 'x')
            && cp_field_is_ours(entry->key)) {
            fields->spoofed = true;
        }
    }
}

/* --- Of a page -------------------------------------------------------- */

/* Most names are not worth their length. */
static inline bool may_be_condition(const char *name)
{
    switch (*name | 0x20) {
    case 'a': case 'i': case 'r':
        return true;
    }
    return false;
}

static inline bool may_be_of_page(const char *name)
{
    switch (*name | 0x20) {
    case 'c': case 'd': case 'e': case 'l': case 'r':
        return true;
    }
    return false;
}

static void condition_read(cp_conditions *conditions,
                           const apr_table_entry_t *entry)
{
    switch (strlen(entry->key)) {
    case 5:
        take(&conditions->range, "Range", entry);
        break;
    case 6:
        take(&conditions->accept, "Accept", entry);
        break;
    case 8:
        take(&conditions->match, "If-Match", entry);
        break;
    case 13:
        take(&conditions->none_match, "If-None-Match", entry);
        break;
    case 17:
        take(&conditions->since, "If-Modified-Since", entry);
        break;
    }
}

bool cp_conditions_read(cp_conditions *conditions, const request_rec *r)
{
    const apr_table_entry_t *end;
    const apr_table_entry_t *entry = entries_of(r->headers_in, &end);

    memset(conditions, 0, sizeof(*conditions));
    for (; entry < end; entry++) {
        if (may_be_condition(entry->key)) {
            condition_read(conditions, entry);
        }
    }
    return conditions->match || conditions->none_match || conditions->since
           || conditions->range;
}

/* @param table  the number of the entry's table */
static void page_field_read(cp_page_fields *fields, int table,
                            apr_table_entry_t *entry)
{
    switch (strlen(entry->key)) {
    case 4:
        take_entry(&fields->tags[table], "ETag", entry);
        break;
    case 6:
        take(&fields->digest, "Digest", entry);
        break;
    case 11:
        (void)(take(&fields->digest, "Content-MD5", entry)
               || take(&fields->digest, "Repr-Digest", entry));
        break;
    case 13:
        take_entry(&fields->times[table], "Last-Modified", entry);
        break;
    case 14:
        (void)(take(&fields->length, "Content-Length", entry)
               || take(&fields->digest, "Content-Digest", entry));
        break;
    case 16:
        take(&fields->encoding, "Content-Encoding", entry);
        break;
    case 23:
        take(&fields->policy, "Content-Security-Policy", entry);
        break;
    case 35:
        take(&fields->policy, "Content-Security-Policy-Report-Only", entry);
        break;
    }
}

void cp_page_fields_read(cp_page_fields *fields, const request_rec *r)
{
    const apr_table_t *tables[] = { r->headers_out, r->err_headers_out };

    memset(fields, 0, sizeof(*fields));
    for (int i = 0; i < 2; i++) {
        const apr_table_entry_t *end;
        apr_table_entry_t *entry = entries_of(tables[i], &end);

        for (; entry < end; entry++) {
            if (may_be_of_page(entry->key)) {
                page_field_read(fields, i, entry);
            }
        }
    }
}
