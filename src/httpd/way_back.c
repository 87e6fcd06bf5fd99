#include "way_back.h"
#include "origin.h"

#include <apr_lib.h>

#define VISIBLE_ASCII "!\"#$%&'()*+,-./0123456789:;<=>?@" \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

/* A longer address is not worth a link. */
#define REFERER_MAX 2048

bool cp_way_is_safe(const char *path)
{
    char *decoded = strndup(path, strcspn(path, "?#"));
    const char *texts[] = { path, decoded };
    bool safe = decoded && ap_unescape_url_keep2f(decoded, 1) == OK
                && path[strspn(path, VISIBLE_ASCII)] == '\0';

    for (int i = 0; safe && i < 2; i++) {
        safe = texts[i][0] == '/' && texts[i][1] != '/';
        for (const char *c = texts[i]; safe && *c; c++) {
            safe = !apr_iscntrl(*c) && *c != '\\';
        }
    }
    free(decoded);
    return safe;
}

const char *cp_way_back(const cp_exchange *exchange, const request_rec *r)
{
    const char *referer = apr_table_get(r->headers_in, "Referer");
    const char *path;

    if (!referer || strlen(referer) > REFERER_MAX
        || !cp_origin_is_own(exchange, referer)) {
        return NULL;
    }
    path = strchr(strstr(referer, "://") + 3, '/');
    return path && cp_way_is_safe(path) ? path : NULL;
}
