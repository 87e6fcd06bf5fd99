/*
 * Reports come in two shapes: one object for each violation, as
 * Content-Security-Policy's report-uri has it, or an array of what the
 * Reporting API gathered. Anybody can send anything here.
 */
#include "page_report.h"
#include "words.h"

#include <http_protocol.h>
#include <util_filter.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <jansson.h>

#define BODY_MAX (64 * 1024)
#define REPORTS_MAX 20

#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789.-"

const char *cp_report_origin(const char *url, apr_pool_t *pool)
{
    bool https = strncasecmp(url, "https://", 8) == 0;
    const char *authority = url + (https ? 8 : 7);
    apr_int64_t port = https ? 443 : 80;
    apr_size_t length;
    char *host, *colon;

    if (!https && strncasecmp(url, "http://", 7)) {
        return NULL;
    }
    length = strcspn(authority, "/?#");
    if (length > CP_INVENTORY_NAME_MAX) {
        return NULL;
    }
    host = apr_pstrmemdup(pool, authority, length);
    ap_str_tolower(host);
    colon = strchr(host, ':');
    if (colon) {
        char *end = NULL;

        *colon++ = '\0';
        port = apr_isdigit(*colon) ? apr_strtoi64(colon, &end, 10) : 0;
        if (port < 1 || port > 65535 || *end) {
            return NULL;
        }
    }
    if (host[strspn(host, HOST_CHARACTERS)] || !cp_words_is_host(host)) {
        return NULL;
    }
    return port == (https ? 443 : 80)
           ? apr_pstrcat(pool, https ? "https://" : "http://", host, NULL)
           : apr_psprintf(pool, "%s%s:%d", https ? "https://" : "http://",
                          host, (int)port);
}

/* --- One report ------------------------------------------------------- */

static const char *string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Whether it is one of the kinds that third parties are allowed for; scripts
 * and styles have finer ones, with -elem or -attr at their end. */
static bool is_kind(const char *directive)
{
    static const char *const kinds[] = {
        "script-src", "style-src", "img-src", "font-src", "media-src",
        "connect-src", "frame-src", "child-src", "worker-src", "object-src",
        "default-src", NULL
    };

    for (int i = 0; kinds[i]; i++) {
        if (strncmp(directive, kinds[i], strlen(kinds[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* The path of a URL; what follows it may be personal. */
static const char *path_of(const char *url, apr_pool_t *pool)
{
    const char *authority = url ? strstr(url, "://") : NULL;
    const char *path = authority ? authority + 3
                                   + strcspn(authority + 3, "/?#")
                                 : "";

    return apr_pstrmemdup(pool, path, strcspn(path, "?#"));
}

static bool is_own(const cp_exchange *exchange, const char *origin)
{
    const cp_origin *own = &exchange->origin;
    const char *text = apr_psprintf(exchange->r->pool, "%s://%s:%d",
                                    own->scheme, own->host, own->port);
    const char *same = cp_report_origin(text, exchange->r->pool);

    return same && strcmp(same, origin) == 0;
}

static void violation_note(const cp_exchange *exchange, const char *blocked,
                           const char *directive, const char *document)
{
    const request_rec *r = exchange->r;
    const char *host = r->server->server_hostname;
    const char *origin = blocked ? cp_report_origin(blocked, r->pool) : NULL;

    if (!origin || is_own(exchange, origin)
        || (directive && !is_kind(directive))) {
        return;
    }
    cp_inventory_note(exchange->server->inventory, CP_SIDE_THIRD_PARTY,
                      host ? host : "*", cp_span_of(origin),
                      path_of(document, r->pool),
                      exchange->visit->request.now);
}

static void single_note(const cp_exchange *exchange, const json_t *sent)
{
    const json_t *report = json_object_get(sent, "csp-report");
    const char *directive = string_of(report, "effective-directive");

    violation_note(exchange, string_of(report, "blocked-uri"),
                   directive ? directive
                             : string_of(report, "violated-directive"),
                   string_of(report, "document-uri"));
}

static void gathered_note(const cp_exchange *exchange, const json_t *sent)
{
    size_t count = json_array_size(sent);

    for (size_t i = 0; i < count && i < REPORTS_MAX; i++) {
        const json_t *report = json_array_get(sent, i);
        const json_t *body = json_object_get(report, "body");
        const char *type = string_of(report, "type");

        if (type && strcmp(type, "csp-violation") == 0) {
            violation_note(exchange, string_of(body, "blockedURL"),
                           string_of(body, "effectiveDirective"),
                           string_of(body, "documentURL"));
        }
    }
}

/* --- The page --------------------------------------------------------- */

/* @return OK or an HTTP status */
static int body_read(request_rec *r, cp_span *body)
{
    apr_bucket_brigade *piece = apr_brigade_create(
        r->pool, r->connection->bucket_alloc);
    char *text = apr_palloc(r->pool, BODY_MAX + 1);
    apr_size_t length = 0;
    bool complete = false;

    while (!complete && length <= BODY_MAX) {
        apr_size_t space = BODY_MAX + 1 - length;
        apr_status_t status = ap_get_brigade(r->input_filters, piece,
                                             AP_MODE_READBYTES,
                                             APR_BLOCK_READ,
                                             (apr_off_t)space);

        if (status == APR_SUCCESS) {
            complete = APR_BRIGADE_EMPTY(piece)
                       || APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(piece));
            status = apr_brigade_flatten(piece, text + length, &space);
        }
        if (status != APR_SUCCESS) {
            return ap_map_http_request_error(status, HTTP_BAD_REQUEST);
        }
        apr_brigade_cleanup(piece);
        length += space;
    }
    *body = cp_span_make(text, length);
    return length > BODY_MAX ? HTTP_REQUEST_ENTITY_TOO_LARGE : OK;
}

static bool is_type(const request_rec *r, const char *type)
{
    const char *sent = apr_table_get(r->headers_in, "Content-Type");
    apr_size_t length = strlen(type);

    return sent && strncasecmp(sent, type, length) == 0
           && (sent[length] == '\0' || strchr("; \t", sent[length]));
}

int cp_page_report(cp_exchange *exchange, request_rec *r)
{
    bool gathered = is_type(r, "application/reports+json");
    cp_span body = CP_SPAN_NONE;
    int status = body_read(r, &body);

    if (status != OK) {
        return status;
    }
    if (exchange->server->inventory
        && (gathered || is_type(r, "application/csp-report"))) {
        json_t *sent = json_loadb(body.at, body.length, 0, NULL);

        if (gathered) {
            gathered_note(exchange, sent);
        }
        else {
            single_note(exchange, sent);
        }
        json_decref(sent);
    }
    r->status = HTTP_NO_CONTENT;
    return OK;
}
