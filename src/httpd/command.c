#include "command.h"
#include "throttle.h"

#include <apr_escape.h>
#include <apr_strings.h>

#define HEADER_VALUE_MAX (16 * 1024)

static cp_throttle absence = { .lines = 1, .period = 60 };

typedef struct collector {
    const cp_exchange *exchange;
    request_rec *r;
    cp_session_change *change;
} collector;

static void complain(const collector *in, const char *name, const char *why)
{
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, in->r, CP_LOG(0012)
                  "session header: '%s' %s",
                  ap_escape_logitem(in->r->pool,
                                    apr_pstrmemdup(in->r->pool, name,
                                                   strnlen(name, 64))), why);
}

static void verb_read(const collector *in, const char *name,
                      const char *value)
{
    cp_session_change *change = in->change;

    if (in->exchange->server->session_header_login != 1) {
        complain(in, name, "needs the word login in "
                 "CookiePolicySessionHeader");
    }
    else if (strcmp(name, ":user") == 0 && *value
             && strlen(value) <= CP_USER_MAX) {
        change->login = value;
    }
    else if (strcmp(name, ":logout") == 0 && strcmp(value, "1") == 0) {
        change->logout = true;
    }
    else if (strcmp(name, ":logout") == 0 && strcmp(value, "all") == 0) {
        change->logout = true;
        change->everywhere = true;
    }
    else if (strcmp(name, ":rotate") == 0 && strcmp(value, "1") == 0) {
        change->rotate = true;
    }
    else {
        complain(in, name, "is no command, or has no value that it takes");
    }
}

static void pair_read(const collector *in, char *pair)
{
    char *value = strchr(pair, '=');

    if (!value) {
        complain(in, "", "has no =");   /* it may be part of a value */
        return;
    }
    *value++ = '\0';
    for (char *c = pair; *c; c++) {
        *c = *c == '+' ? ' ' : *c;
    }
    for (char *c = value; *c; c++) {
        *c = *c == '+' ? ' ' : *c;
    }
    if (apr_unescape_url(pair, pair, APR_ESCAPE_STRING, NULL, NULL, 0, NULL)
            == APR_EINVAL
        || apr_unescape_url(value, value, APR_ESCAPE_STRING, NULL, NULL, 0,
                            NULL) == APR_EINVAL
        || !cp_session_text_is_good(pair)
        || !cp_session_text_is_good(value)) {
        complain(in, pair, "is no urlencoded text without control "
                 "characters");
        return;
    }
    if (*pair == ':') {
        verb_read(in, pair, value);
    }
    else if (!cp_session_attribute_is_good(cp_span_of(pair))) {
        complain(in, pair, "is no name that an attribute may have");
    }
    else if (apr_table_elts(in->change->set)->nelts >= CP_ATTRIBUTES_MAX) {
        complain(in, pair, "is one attribute too many");
    }
    else {
        apr_table_setn(in->change->set, pair, value);
    }
}

/* httpd joins the equal fields of a script by a comma and a blank; urlencoded
 * text has no blanks. */
static void fields_part(char *text)
{
    while ((text = strstr(text, ", "))) {
        *text = '&';
    }
}

static int header_read(void *data, const char *name, const char *value)
{
    const collector *in = data;
    char *text, *rest = NULL;

    (void)name;
    if (strlen(value) > HEADER_VALUE_MAX) {
        complain(in, "", "is longer than 16 KB");
        return 1;
    }
    text = apr_pstrdup(in->r->pool, value);
    fields_part(text);
    for (char *pair = apr_strtok(text, "&", &rest); pair;
         pair = apr_strtok(NULL, "&", &rest)) {
        pair += strspn(pair, " ");
        if (*pair) {
            pair_read(in, pair);
        }
    }
    return 1;
}

bool cp_command_take(const cp_exchange *exchange, request_rec *r,
                     cp_session_change *change)
{
    const char *header = exchange->server->session_header;
    apr_table_t *tables[] = { r->headers_out, r->err_headers_out };
    collector in = { exchange, r, change };
    bool found = false;

    if (!header) {
        return false;
    }
    memset(change, 0, sizeof(*change));
    for (int i = 0; i < 2; i++) {
        if (apr_table_get(tables[i], header)) {
            if (!found) {
                change->set = apr_table_make(r->pool, 4);
            }
            found = true;
            apr_table_do(header_read, &in, tables[i], header, NULL);
            apr_table_unset(tables[i], header);
        }
    }
    return found;
}

void cp_command_obey(const cp_exchange *exchange, request_rec *r,
                     const cp_session_change *change)
{
    apr_status_t status = cp_session_apply(exchange->visit, change);

    if (status == APR_EACCES) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, CP_LOG(0013)
                      "session commands were not obeyed: the answer to this "
                      "request may not carry a session");
    }
    else if (status == APR_ENOSPC) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, CP_LOG(0014)
                      "session commands were not obeyed: there is no room "
                      "for the session");
    }
    else if (status != APR_SUCCESS && cp_throttle_admits(&absence)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, status, r, CP_LOG(0015)
                      "session commands were not obeyed: the session store "
                      "is away");
    }
}
