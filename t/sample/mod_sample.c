/* A module that calls mod_cookiepolicy, to learn from and to test with.
 *
 *     <Location /sample>
 *         SetHandler sample
 *     </Location>
 *
 * The query is a list of things to do, each NAME or NAME=VALUE, one after
 * another. The words at=... say where what follows is done: in which hook, or
 * sent: in the handler after the headers, or null: with no request at all.
 *
 *     /sample?at=fixups&login=ann&set=cart:3&at=handler&user&get=cart
 *
 * The answer has a line for each, with what the function gave. */

#include "mod_cookiepolicy.h"

#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>

#include <string.h>

module AP_MODULE_DECLARE_DATA sample_module;
APLOG_USE_MODULE(sample);

/* --- The optional functions ----------------------------------------------- */

static APR_OPTIONAL_FN_TYPE(cookiepolicy_is_on) *policy_is_on;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_language) *policy_language;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_allows) *policy_allows;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_decided) *policy_decided;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_csrf_token) *policy_csrf_token;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_session_user) *session_user;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_session_login_time)
    *session_login_time;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_session_reference)
    *session_reference;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_session_get) *session_get;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_session_each) *session_each;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_session_writable)
    *session_writable;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_session_set) *session_set;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_session_login) *session_login;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_session_logout) *session_logout;
static APR_OPTIONAL_FN_TYPE(cookiepolicy_session_rotate) *session_rotate;

/* A reload may have loaded another module, at another address, or none: this
 * is done each time. */
static void sample_retrieve(void)
{
    policy_is_on = APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_is_on);
    policy_language = APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_language);
    policy_allows = APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_allows);
    policy_decided = APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_decided);
    policy_csrf_token = APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_csrf_token);
    session_user = APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_session_user);
    session_login_time =
        APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_session_login_time);
    session_reference =
        APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_session_reference);
    session_get = APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_session_get);
    session_each = APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_session_each);
    session_writable =
        APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_session_writable);
    session_set = APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_session_set);
    session_login = APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_session_login);
    session_logout = APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_session_logout);
    session_rotate = APR_RETRIEVE_OPTIONAL_FN(cookiepolicy_session_rotate);
}

/* An older mod_cookiepolicy may have the first of them and not the last. */
static int policy_is_loaded(void)
{
    return policy_is_on && policy_language && policy_allows && policy_decided
           && policy_csrf_token && session_user && session_login_time
           && session_reference && session_get && session_each
           && session_writable && session_set && session_login
           && session_logout && session_rotate;
}

/* --- Asking --------------------------------------------------------------- */

static const char *text_of(const char *text)
{
    return text ? text : "NULL";
}

static int attribute_add(void *list, const char *name, const char *value)
{
    *(const char **)apr_array_push(list) =
        apr_pstrcat(((apr_array_header_t *)list)->pool, name, ":", value,
                    NULL);
    return 1;
}

static int attribute_stop(void *data, const char *name, const char *value)
{
    (void)data;
    (void)name;
    (void)value;
    return 0;
}

static const char *attributes_of(request_rec *r, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(char *));

    session_each(r, attribute_add, list);
    return apr_array_pstrcat(pool, list, ',');
}

static const char *time_text(request_rec *r, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_TIME_T_FMT,
                        apr_time_sec(session_login_time(r)));
}

/* @return what there is to say, or NULL where it is no question */
static const char *ask(request_rec *r, apr_pool_t *pool, const char *name,
                       const char *value)
{
    if (strcmp(name, "on") == 0) {
        return policy_is_on(r) ? "1" : "0";
    }
    if (strcmp(name, "language") == 0) {
        return text_of(policy_language(r));
    }
    if (strcmp(name, "allows") == 0) {
        return policy_allows(r, value) ? "1" : "0";
    }
    if (strcmp(name, "decided") == 0) {
        return text_of(policy_decided(r));
    }
    if (strcmp(name, "token") == 0) {
        return text_of(policy_csrf_token(r));
    }
    if (strcmp(name, "user") == 0) {
        return text_of(session_user(r));
    }
    if (strcmp(name, "time") == 0) {
        return time_text(r, pool);
    }
    if (strcmp(name, "reference") == 0) {
        return text_of(session_reference(r));
    }
    if (strcmp(name, "get") == 0) {
        return text_of(session_get(r, value));
    }
    if (strcmp(name, "each") == 0) {
        return attributes_of(r, pool);
    }
    if (strcmp(name, "stop") == 0) {
        return session_each(r, attribute_stop, NULL) ? "1" : "0";
    }
    if (strcmp(name, "writable") == 0) {
        return session_writable(r) ? "1" : "0";
    }
    return NULL;
}

/* --- Changing ------------------------------------------------------------- */

/* A message of APR's would say the same in more words. */
static const char *status_word(apr_pool_t *pool, apr_status_t status)
{
    switch (status) {
    case APR_SUCCESS:
        return "APR_SUCCESS";
    case APR_EINVAL:
        return "APR_EINVAL";
    case APR_EACCES:
        return "APR_EACCES";
    case APR_ENOSPC:
        return "APR_ENOSPC";
    default:
        return apr_itoa(pool, status);
    }
}

static apr_status_t attribute_set(request_rec *r, apr_pool_t *pool,
                                  const char *pair)
{
    const char *colon = pair ? strchr(pair, ':') : NULL;

    if (!colon) {
        return session_set(r, pair, NULL);
    }
    return session_set(r, apr_pstrndup(pool, pair,
                                       (apr_size_t)(colon - pair)),
                       colon + 1);
}

static const char *change(request_rec *r, apr_pool_t *pool,
                          const char *name, const char *value)
{
    apr_status_t status;

    if (strcmp(name, "set") == 0) {
        status = attribute_set(r, pool, value);
    }
    else if (strcmp(name, "login") == 0) {
        status = session_login(r, value);
    }
    else if (strcmp(name, "logout") == 0) {
        status = session_logout(r);
    }
    else if (strcmp(name, "rotate") == 0) {
        status = session_rotate(r);
    }
    else {
        return "unknown";
    }
    return status_word(pool, status);
}

/* --- The query ------------------------------------------------------------ */

/* The lines of one request, in its pool. */
static apr_array_header_t *lines_of(request_rec *r)
{
    apr_array_header_t *lines = ap_get_module_config(r->request_config,
                                                     &sample_module);

    if (!lines) {
        lines = apr_array_make(r->pool, 8, sizeof(char *));
        ap_set_module_config(r->request_config, &sample_module, lines);
    }
    return lines;
}

static void word_do(request_rec *r, const char *place, const char *word)
{
    request_rec *of = strcmp(place, "null") ? r : NULL;
    const char *name = apr_pstrdup(r->pool, word);
    char *value = strchr(name, '=');
    const char *said;

    if (value) {
        *value++ = '\0';
        ap_unescape_urlencoded(value);
    }
    if (!policy_is_loaded()) {
        said = "mod_cookiepolicy is not loaded";
    }
    else {
        said = ask(of, r->pool, name, value);
        said = said ? said : change(of, r->pool, name, value);
    }
    *(const char **)apr_array_push(lines_of(r)) =
        apr_psprintf(r->pool, "%s %s: %s\n", place, name, said);
}

/* Does what is to be done in one place. */
static void place_visit(request_rec *r, const char *place)
{
    char *rest = NULL;
    char *word = r->args && strncmp(r->uri, "/sample", 7) == 0
                 ? apr_strtok(apr_pstrdup(r->pool, r->args), "&", &rest)
                 : NULL;
    int here = 0;

    for (; word; word = apr_strtok(NULL, "&", &rest)) {
        if (strncmp(word, "at=", 3) == 0) {
            here = strcmp(word + 3, place) == 0;
        }
        else if (here) {
            word_do(r, place, word);
        }
    }
}

static void lines_send(request_rec *r)
{
    apr_array_header_t *lines = lines_of(r);
    int i;

    for (i = 0; i < lines->nelts; i++) {
        ap_rputs(APR_ARRAY_IDX(lines, i, const char *), r);
    }
    apr_array_clear(lines);
}

/* --- Hooks ---------------------------------------------------------------- */

static int sample_post_read_request(request_rec *r)
{
    place_visit(r, "post_read_request");
    return DECLINED;
}

static int sample_access_checker(request_rec *r)
{
    place_visit(r, "access_checker");
    return DECLINED;
}

static int sample_fixups(request_rec *r)
{
    place_visit(r, "fixups");
    return DECLINED;
}

static int sample_handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "sample")) {
        return DECLINED;
    }
    ap_set_content_type(r, "text/plain");
    place_visit(r, "null");
    place_visit(r, "handler");
    lines_send(r);
    if (r->args && strstr(r->args, "at=sent")) {
        ap_rflush(r);
        place_visit(r, "sent");
        lines_send(r);
    }
    return OK;
}

/* Too late for an answer: the lines go to the log. */
static int sample_log_transaction(request_rec *r)
{
    apr_array_header_t *lines;
    int i;

    place_visit(r, "log_transaction");
    lines = lines_of(r);
    for (i = 0; i < lines->nelts; i++) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "sample: %s",
                      APR_ARRAY_IDX(lines, i, const char *));
    }
    return DECLINED;
}

static void sample_register(apr_pool_t *pool)
{
    static const char *const after_cookiepolicy[] = {
        "mod_cookiepolicy.c", NULL
    };

    (void)pool;
    ap_hook_optional_fn_retrieve(sample_retrieve, NULL, NULL,
                                 APR_HOOK_MIDDLE);
    ap_hook_post_read_request(sample_post_read_request, after_cookiepolicy,
                              NULL, APR_HOOK_MIDDLE);
    ap_hook_access_checker(sample_access_checker, NULL, NULL,
                           APR_HOOK_MIDDLE);
    ap_hook_fixups(sample_fixups, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(sample_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(sample_log_transaction, NULL, NULL,
                            APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA sample_module = {
    STANDARD20_MODULE_STUFF,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    sample_register,
    AP_MODULE_FLAG_NONE
};
