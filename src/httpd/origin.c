#include "origin.h"
#include "words.h"

#include <http_core.h>
#include <http_protocol.h>
#include <apr_lib.h>
#include <apr_strings.h>

static apr_port_t scheme_port(const char *scheme)
{
    return strcmp(scheme, "https") == 0 ? 443 : 80;
}

/* A host name of 255 characters and a port. */
#define AUTHORITY_MAX 261

static bool is_host_text(const char *host)
{
    while (apr_isalnum(*host) || *host == '-' || *host == '_'
           || *host == '.') {
        host++;
    }
    return *host == '\0';
}

/* Whether it is a host as it is written here: nothing but small letters,
 * digits and the like, no port, no dot at its end. */
static bool is_host_plain(const char *text)
{
    static const bool plain[256] = {
        ['0' ... '9'] = true, ['a' ... 'z'] = true,
        ['-'] = true, ['_'] = true, ['.'] = true
    };
    const char *at = text;

    while (plain[(unsigned char)*at]) {
        at++;
    }
    return *at == '\0' && at > text && at[-1] != '.';
}

/* A host with an optional port, as in Host. A dot at its end names the same
 * host. */
static bool authority_read(const char *text, cp_origin *origin,
                           apr_pool_t *pool)
{
    size_t length;

    if (is_host_plain(text)) {
        origin->host = text;
        origin->port = 0;
        return true;
    }
    length = strcspn(text, ":");
    if (length > 1 && text[length - 1] == '.') {
        text = apr_pstrcat(pool, apr_pstrmemdup(pool, text, length - 1),
                           text + length, NULL);
    }
    return cp_words_authority(pool, text, origin)
           && (*origin->host == '[' || is_host_text(origin->host));
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

/* What a proxy says of that; NULL where it says nothing. */
typedef struct hearsay {
    const char *scheme;
    const char *host;
    const char *port;
} hearsay;

static char *trimmed(char *text)
{
    size_t length;

    text += strspn(text, " \t");
    for (length = strlen(text); length > 0; length--) {
        if (text[length - 1] != ' ' && text[length - 1] != '\t') {
            break;
        }
    }
    text[length] = '\0';
    return text;
}

/* The last element of a comma-separated header, or NULL. */
static char *last_of(const request_rec *r, const char *header)
{
    const char *list = apr_table_get(r->headers_in, header);
    const char *comma = list ? strrchr(list, ',') : NULL;

    return list ? trimmed(apr_pstrdup(r->pool, comma ? comma + 1 : list))
                : NULL;
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
        char *value;
        size_t length;

        if (!equals) {
            continue;
        }
        *equals = '\0';
        if (strcasecmp(trimmed(pair), name)) {
            continue;
        }
        value = trimmed(equals + 1);
        length = strlen(value);
        if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
            value[length - 1] = '\0';
            value++;
        }
        return value;
    }
    return NULL;
}

static hearsay forwarded_read(const request_rec *r)
{
    const char *element = last_of(r, "Forwarded");

    if (element) {
        return (hearsay){ parameter_of(r->pool, element, "proto"),
                          parameter_of(r->pool, element, "host"), NULL };
    }
    return (hearsay){ last_of(r, "X-Forwarded-Proto"),
                      last_of(r, "X-Forwarded-Host"),
                      last_of(r, "X-Forwarded-Port") };
}

/* Whether the request target is in absolute form: then its host is the one
 * that httpd went by, and the Host header's is not (RFC 9112 section
 * 3.2.2). */
static bool is_absolute(const request_rec *r)
{
    size_t length = r->hostname ? strlen(r->hostname) : 0;
    const char *target = r->parsed_uri.hostname;

    return length && target && strncasecmp(target, r->hostname, length) == 0
           && (target[length] == '\0' || strcmp(target + length, ".") == 0);
}

/* Host and port, 0 for the usual one, out of the request itself. */
static void addressed_read(const request_rec *r, cp_origin *own)
{
    const char *header = apr_table_get(r->headers_in, "Host");
    const char *name = r->hostname ? r->hostname : r->server->server_hostname;
    bool absolute = is_absolute(r);

    if (!absolute && header && authority_read(header, own, r->pool)) {
        return;
    }
    name = name ? name : "";
    if (strchr(name, ':') && *name != '[') {
        name = apr_pstrcat(r->pool, "[", name, "]", NULL);
    }
    if (!authority_read(name, own, r->pool)) {
        own->host = name;
    }
    own->port = absolute && r->parsed_uri.port_str ? r->parsed_uri.port : 0;
}

cp_origin cp_origin_own(request_rec *r, const cp_server_config *server)
{
    cp_origin own = { ap_http_scheme(r), NULL, 0 };
    hearsay said = { NULL, NULL, NULL };

    if (server->forwarded->nelts && peer_is_trusted(r, server)) {
        said = forwarded_read(r);
    }
    if (said.scheme && strcasecmp(said.scheme, "https") == 0) {
        own.scheme = "https";
    }
    else if (said.scheme && strcasecmp(said.scheme, "http") == 0) {
        own.scheme = "http";
    }
    if (!said.host || !authority_read(said.host, &own, r->pool)) {
        addressed_read(r, &own);
    }
    if (!own.port && said.port) {
        own.port = cp_words_port(said.port);
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

bool cp_origin_equal(const cp_origin *a, const cp_origin *b)
{
    return a->port == b->port && strcmp(a->scheme, b->scheme) == 0
           && strcmp(a->host, b->host) == 0;
}

static bool origin_fits(const cp_origin *pattern, const cp_origin *origin)
{
    return strcmp(pattern->scheme, origin->scheme) == 0
           && pattern->port == origin->port
           && host_fits(pattern->host, origin->host);
}

/* Reads the origin of a URL. @return what follows it, or NULL when it is none
 * of http or https */
static const char *url_read(const char *text, cp_origin *origin,
                            apr_pool_t *pool)
{
    bool https = strncasecmp(text, "https://", 8) == 0;
    const char *authority = text + (https ? 8 : 7);
    size_t length;

    if (!https && strncasecmp(text, "http://", 7)) {
        return NULL;
    }
    length = strcspn(authority, "/?#");
    if (length > AUTHORITY_MAX
        || !authority_read(apr_pstrmemdup(pool, authority, length), origin,
                           pool)) {
        return NULL;
    }
    origin->scheme = https ? "https" : "http";
    if (!origin->port) {
        origin->port = scheme_port(origin->scheme);
    }
    return authority + length;
}

/* Reads a serialized origin (RFC 6454 section 6.1), which has no path, not
 * even a slash. */
static bool origin_read(const char *text, cp_origin *origin,
                        apr_pool_t *pool)
{
    const char *rest = url_read(text, origin, pool);

    return rest && *rest == '\0';
}

static bool is_trusted(const cp_exchange *exchange, const cp_origin *origin)
{
    const apr_array_header_t *trusted = exchange->server->trusted;

    for (int i = 0; i < trusted->nelts; i++) {
        if (origin_fits(&APR_ARRAY_IDX(trusted, i, cp_origin), origin)) {
            return true;
        }
    }
    return false;
}

bool cp_origin_is_own(const cp_exchange *exchange, const char *url)
{
    cp_origin origin;

    return url_read(url, &origin, exchange->r->pool)
           && cp_origin_equal(&exchange->origin, &origin);
}

static bool may_ask(const cp_exchange *exchange, const cp_origin *origin)
{
    return cp_origin_equal(&exchange->origin, origin)
           || is_trusted(exchange, origin);
}

cp_provenance cp_origin_judge(const cp_exchange *exchange)
{
    const apr_table_t *headers = exchange->r->headers_in;
    apr_pool_t *pool = exchange->r->pool;
    const char *site = apr_table_get(headers, "Sec-Fetch-Site");
    const char *sender = apr_table_get(headers, "Origin");
    const char *referer = apr_table_get(headers, "Referer");
    cp_origin origin = { NULL, NULL, 0 };

    if (site) {
        return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0
               || (sender && origin_read(sender, &origin, pool)
                   && is_trusted(exchange, &origin))
               ? CP_OWN : CP_FOREIGN_SITE;
    }
    if (sender && strcmp(sender, "null") == 0) {
        return CP_NULL_ORIGIN;
    }
    if (sender) {
        return origin_read(sender, &origin, pool)
               && may_ask(exchange, &origin) ? CP_OWN : CP_FOREIGN_ORIGIN;
    }
    if (referer && strcmp(exchange->origin.scheme, "https") == 0) {
        return url_read(referer, &origin, pool)
               && may_ask(exchange, &origin) ? CP_OWN : CP_FOREIGN_REFERER;
    }
    return CP_UNKNOWN;
}

static bool is_prefetch(const cp_fields *fields)
{
    const char *purpose = fields->sec_purpose;

    purpose = purpose ? purpose : fields->purpose;
    purpose = purpose ? purpose : fields->x_moz;
    return purpose && ap_strstr_c(purpose, "prefetch");
}

bool cp_origin_welcomes(const cp_exchange *exchange, const cp_fields *fields)
{
    const char *site = fields->sec_fetch_site;
    const char *mode = fields->sec_fetch_mode;
    const char *dest = fields->sec_fetch_dest;

    if (exchange->r->method_number != M_GET || is_prefetch(fields)) {
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
    return site || !fields->origin
           || cp_origin_judge(exchange) == CP_OWN;
}

bool cp_origin_is_top_level(const request_rec *r)
{
    cp_fields fields;

    cp_fields_read(&fields, r);
    return (!fields.sec_fetch_dest
            || strcmp(fields.sec_fetch_dest, "document") == 0)
           && !is_prefetch(&fields);
}

bool cp_origin_objects(const cp_fields *fields)
{
    return fields->sec_gpc && strcmp(fields->sec_gpc, "1") == 0;
}
