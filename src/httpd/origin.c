#include "origin.h"

#include <http_core.h>
#include <http_protocol.h>
#include <apr_lib.h>
#include <apr_strings.h>

static apr_port_t scheme_port(const char *scheme)
{
    return strcmp(scheme, "https") == 0 ? 443 : 80;
}

/* A host with an optional port, as in Host; the brackets of an IPv6 address
 * are taken off. */
static void authority_read(const char *text, const char *scheme,
                           cp_origin *origin, apr_pool_t *pool)
{
    char *host = NULL, *scope = NULL;
    apr_port_t port = 0;

    if (apr_parse_addr_port(&host, &scope, &port, text, pool) == APR_SUCCESS
        && host) {
        ap_str_tolower(host);
        origin->host = host;
        origin->port = port ? port : scheme_port(scheme);
    }
}

/* --- What the client addressed ---------------------------------------- */

static bool peer_is_trusted(const request_rec *r,
                            const cp_server_config *server)
{
    for (int i = 0; i < server->forwarded->nelts; i++) {
        if (apr_ipsubnet_test(APR_ARRAY_IDX(server->forwarded, i,
                                            apr_ipsubnet_t *),
                              r->connection->client_addr)) {
            return true;
        }
    }
    return false;
}

/* The last element of a comma-separated list. */
static const char *last_of(apr_pool_t *pool, const char *list)
{
    const char *comma = list ? strrchr(list, ',') : NULL;
    char *last = apr_pstrdup(pool, comma ? comma + 1 : list);

    if (last) {
        last += strspn(last, " \t");
        apr_collapse_spaces(last, last);
    }
    return last;
}

/* A parameter of a Forwarded element, without its quotes. */
static const char *parameter_of(apr_pool_t *pool, const char *element,
                                const char *name)
{
    char *copy = apr_pstrdup(pool, element);
    char *rest = NULL;

    for (char *pair = apr_strtok(copy, ";", &rest); pair;
         pair = apr_strtok(NULL, ";", &rest)) {
        char *equals = strchr(pair, '=');

        if (equals && (size_t)(equals - pair) == strlen(name)
            && strncasecmp(pair, name, strlen(name)) == 0) {
            char *value = equals + 1;
            size_t length = strlen(value);

            if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
                value[length - 1] = '\0';
                value++;
            }
            return value;
        }
    }
    return NULL;
}

static void forwarded_read(request_rec *r, const char **scheme,
                           const char **host)
{
    const char *element = last_of(r->pool, apr_table_get(r->headers_in,
                                                         "Forwarded"));

    if (element) {
        *scheme = parameter_of(r->pool, element, "proto");
        *host = parameter_of(r->pool, element, "host");
        return;
    }
    *scheme = last_of(r->pool, apr_table_get(r->headers_in,
                                             "X-Forwarded-Proto"));
    *host = last_of(r->pool, apr_table_get(r->headers_in,
                                           "X-Forwarded-Host"));
}

cp_origin cp_origin_own(request_rec *r, const cp_server_config *server)
{
    cp_origin own = { ap_http_scheme(r), r->hostname, 0 };
    const char *scheme = NULL, *host = NULL;

    if (server->forwarded->nelts && peer_is_trusted(r, server)) {
        forwarded_read(r, &scheme, &host);
        if (scheme && strcasecmp(scheme, "https") == 0) {
            own.scheme = "https";
        }
        else if (scheme && strcasecmp(scheme, "http") == 0) {
            own.scheme = "http";
        }
    }
    if (!host) {
        host = apr_table_get(r->headers_in, "Host");
    }
    if (host) {
        authority_read(host, own.scheme, &own, r->pool);
    }
    if (!own.host) {
        own.host = r->server->server_hostname ? r->server->server_hostname
                                              : "";
    }
    if (!own.port) {
        own.port = scheme_port(own.scheme);
    }
    return own;
}

/* --- Where it comes from ---------------------------------------------- */

static bool host_fits(const char *pattern, const char *host)
{
    size_t pattern_length, host_length;

    if (strncmp(pattern, "*.", 2)) {
        return strcmp(pattern, host) == 0;
    }
    pattern++;
    pattern_length = strlen(pattern);
    host_length = strlen(host);
    return host_length > pattern_length
           && strcmp(host + host_length - pattern_length, pattern) == 0;
}

static bool origin_fits(const cp_origin *pattern, const cp_origin *origin)
{
    return strcmp(pattern->scheme, origin->scheme) == 0
           && pattern->port == origin->port
           && host_fits(pattern->host, origin->host);
}

/* Reads a serialized origin (RFC 6454 section 6.1), and of a URL its origin.
 * @return false when it is none of http or https */
static bool origin_read(const char *text, cp_origin *origin,
                        apr_pool_t *pool)
{
    bool https = strncasecmp(text, "https://", 8) == 0;
    const char *authority = text + (https ? 8 : 7);
    size_t length;

    if (!https && strncasecmp(text, "http://", 7)) {
        return false;
    }
    length = strcspn(authority, "/?#");
    *origin = (cp_origin){ https ? "https" : "http", NULL, 0 };
    if (length == 0 || length > 260
        || memchr(authority, '@', length)) {
        return false;
    }
    authority_read(apr_pstrmemdup(pool, authority, length), origin->scheme,
                   origin, pool);
    return origin->host != NULL;
}

static bool is_trusted(const cp_exchange *exchange, const char *text)
{
    const apr_array_header_t *trusted = exchange->server->trusted;
    cp_origin origin;

    if (!text || !origin_read(text, &origin, exchange->r->pool)) {
        return false;
    }
    for (int i = 0; i < trusted->nelts; i++) {
        if (origin_fits(&APR_ARRAY_IDX(trusted, i, cp_origin), &origin)) {
            return true;
        }
    }
    return false;
}

static bool is_own(const cp_exchange *exchange, const char *text)
{
    cp_origin origin;

    return origin_read(text, &origin, exchange->r->pool)
           && origin_fits(&exchange->origin, &origin);
}

cp_provenance cp_origin_judge(const cp_exchange *exchange)
{
    const apr_table_t *headers = exchange->r->headers_in;
    const char *site = apr_table_get(headers, "Sec-Fetch-Site");
    const char *origin = apr_table_get(headers, "Origin");
    const char *referer = apr_table_get(headers, "Referer");

    if (site) {
        return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0
               || is_trusted(exchange, origin) ? CP_OWN : CP_FOREIGN_SITE;
    }
    if (origin) {
        if (strcmp(origin, "null") == 0) {
            return CP_NULL_ORIGIN;
        }
        return is_own(exchange, origin) || is_trusted(exchange, origin)
               ? CP_OWN : CP_FOREIGN_ORIGIN;
    }
    if (referer && strcmp(exchange->origin.scheme, "https") == 0) {
        return is_own(exchange, referer) || is_trusted(exchange, referer)
               ? CP_OWN : CP_FOREIGN_REFERER;
    }
    return CP_UNKNOWN;
}

static bool is_prefetch(const apr_table_t *headers)
{
    const char *purpose = apr_table_get(headers, "Sec-Purpose");

    purpose = purpose ? purpose : apr_table_get(headers, "Purpose");
    purpose = purpose ? purpose : apr_table_get(headers, "X-Moz");
    return purpose && ap_strstr_c(purpose, "prefetch");
}

bool cp_origin_welcomes(const cp_exchange *exchange)
{
    const request_rec *r = exchange->r;
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *mode = apr_table_get(r->headers_in, "Sec-Fetch-Mode");
    const char *dest = apr_table_get(r->headers_in, "Sec-Fetch-Dest");

    if (r->method_number != M_GET || is_prefetch(r->headers_in)) {
        return false;
    }
    if (dest && (strstr(dest, "frame") || strcmp(dest, "embed") == 0
                 || strcmp(dest, "object") == 0)) {
        return false;
    }
    if (site && strcmp(site, "same-origin") && strcmp(site, "none")) {
        return mode && strcmp(mode, "navigate") == 0
               && dest && strcmp(dest, "document") == 0;
    }
    return site || !apr_table_get(r->headers_in, "Origin")
           || cp_origin_judge(exchange) == CP_OWN;
}

bool cp_origin_is_top_level(const request_rec *r)
{
    const char *dest = apr_table_get(r->headers_in, "Sec-Fetch-Dest");

    return (!dest || strcmp(dest, "document") == 0)
           && !is_prefetch(r->headers_in);
}

bool cp_origin_objects(const request_rec *r)
{
    const char *signal = apr_table_get(r->headers_in, "Sec-GPC");

    return signal && strcmp(signal, "1") == 0;
}
