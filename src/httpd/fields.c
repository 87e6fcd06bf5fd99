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

/* Of several the first one counts, as in apr_table_get(). Mostly a name is
 * written as it always is, which is soon seen. */
static inline bool take(const char **field, const char *name,
                        const apr_table_entry_t *entry)
{
    if (memcmp(entry->key, name, strlen(name))
        && strcasecmp(entry->key, name)) {
        return false;
    }
    if (!*field) {
        *field = entry->val;
    }
    return true;
}

/* The length of a name leaves so few that it could be. */
static void field_read(cp_fields *fields, const apr_table_entry_t *entry)
{
    switch (strlen(entry->key)) {
    case 4:
        take(&fields->host, "Host", entry);
        break;
    case 5:
        take(&fields->x_moz, "X-Moz", entry);
        break;
    case 6:
        (void)(take(&fields->cookie, "Cookie", entry)
               || take(&fields->origin, "Origin", entry));
        break;
    case 7:
        (void)(take(&fields->sec_gpc, "Sec-GPC", entry)
               || take(&fields->upgrade, "Upgrade", entry)
               || take(&fields->purpose, "Purpose", entry)
               || take(&fields->cookie2, "Cookie2", entry));
        break;
    case 10:
        take(&fields->connection, "Connection", entry);
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

void cp_fields_read(cp_fields *fields, const request_rec *r)
{
    const apr_array_header_t *header = apr_table_elts(r->headers_in);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)header->elts;
    const apr_table_entry_t *end = entry + header->nelts;

    memset(fields, 0, sizeof(*fields));
    for (; entry < end; entry++) {
        field_read(fields, entry);
        if ((*entry->key == 'X' || *entry->key == 'x')
            && cp_field_is_ours(entry->key)) {
            fields->spoofed = true;
        }
    }
}
