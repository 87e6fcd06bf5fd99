/*
 * What each directive takes. Every bad value is found while the configuration
 * is read; the message names the value and what is allowed.
 */
#include "config.h"
#include "directives_consent.h"
#include "directives_cookie.h"
#include "directives_page.h"
#include "directives_inventory.h"
#include "directives_language.h"
#include "directives_policy.h"
#include "language.h"
#include "origin.h"
#include "socache.h"
#include "words.h"

#include <http_core.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include <stddef.h>

static const char *server_only(cmd_parms *cmd)
{
    return ap_check_cmd_context(cmd, GLOBAL_ONLY);
}

/* In an .htaccess file a directive needs the group's leave, which only the
 * merge with the enclosing configuration can give. */
static void claim(cmd_parms *cmd, cp_dir_config *config, int group)
{
    if (ap_check_cmd_context(cmd, NOT_IN_HTACCESS)) {
        config->claimed |= group;
        if (!config->claim) {
            config->claim = apr_psprintf(cmd->pool, "%s: %s not allowed here",
                                         cmd->directive->filename,
                                         cmd->cmd->name);
        }
    }
}

/* --- The engine and the state ----------------------------------------- */

static const char *set_engine(cmd_parms *cmd, void *dir, const char *word)
{
    static const char *const words[] = { "Off", "Report", "On", NULL };
    cp_dir_config *config = dir;

    config->engine = cp_words_find(words, word);
    if (config->engine > CP_ENGINE_OFF) {
        cp_config_want(cmd->pool);
    }
    claim(cmd, config, CP_ALLOW_ALL);
    return config->engine < 0 ? cp_words_refuse(cmd, word, "On, Report or Off")
                              : NULL;
}

static const char *set_file(cmd_parms *cmd, void *dir, const char *file)
{
    const char **field = (const char **)((char *)cp_words_server(cmd)
                                         + (size_t)cmd->info);
    const char *wrong = server_only(cmd);

    (void)dir;
    if (wrong) {
        return wrong;
    }
    *field = ap_server_root_relative(cmd->pool, file);
    return *field ? NULL : cp_words_refuse(cmd, file, "a path");
}

static const char *set_realm(cmd_parms *cmd, void *dir, const char *name)
{
    cp_server_config *config = cp_words_server(cmd);
    char *realm = apr_pstrdup(cmd->pool, name);

    (void)dir;
    ap_str_tolower(realm);
    for (const char *c = realm; *c; c++) {
        if (!apr_isalnum(*c) && *c != '.' && *c != '-') {
            return cp_words_refuse(cmd, name,
                                   "a host name's letters, digits, dots and "
                                   "hyphens");
        }
    }
    if (!*realm || strlen(realm) > 253) {
        return cp_words_refuse(cmd, name, "a name of 1 to 253 characters");
    }
    config->realm = realm;
    return NULL;
}

static const char *set_forwarded(cmd_parms *cmd, void *dir, const char *word)
{
    cp_server_config *config = cp_words_server(cmd);
    const char *key = NULL;
    const char *value = cp_words_value(cmd->pool, word, &key);
    char *network, *rest = NULL;

    (void)dir;
    if (strcasecmp(word, "None") == 0) {
        config->forwarded_cleared = 1;
        config->forwarded = apr_array_make(cmd->pool, 0, sizeof(void *));
        return NULL;
    }
    if (!value || strcmp(key, "from")) {
        return cp_words_refuse(cmd, word, "from=NETWORK[,NETWORK...] or None");
    }
    for (network = apr_strtok(apr_pstrdup(cmd->pool, value), ",", &rest);
         network; network = apr_strtok(NULL, ",", &rest)) {
        char *mask = strchr(network, '/');
        apr_ipsubnet_t *subnet = NULL;

        if (mask) {
            *mask++ = '\0';
        }
        if (apr_ipsubnet_create(&subnet, network, mask, cmd->pool)
            != APR_SUCCESS) {
            return cp_words_refuse(cmd, value,
                                   "addresses or networks like 10.0.0.0/8 "
                                   "or fd00::/8, joined by commas");
        }
        *(apr_ipsubnet_t **)apr_array_push(config->forwarded) = subnet;
    }
    return NULL;
}

static const char *set_allow(cmd_parms *cmd, void *dir, const char *word)
{
    static const char *const words[] = {
        "Session", "Csrf", "Language", "Consent", "Banner", NULL
    };
    cp_dir_config *config = dir;
    int group = cp_words_find(words, word);

    if (config->allow == CP_UNSET || strcasecmp(word, "None") == 0) {
        config->allow = 0;
    }
    if (strcasecmp(word, "All") == 0) {
        config->allow = CP_ALLOW_ALL;
    }
    else if (group >= 0) {
        config->allow |= 1 << group;
    }
    else if (strcasecmp(word, "None")) {
        return cp_words_refuse(cmd, word,
                               "None, All, or some of Session, Csrf, "
                               "Language, Consent and Banner");
    }
    if (config->allow & CP_ALLOW_BANNER) {
        cp_config_want_banner(cmd->pool);
    }
    return NULL;
}

static const char *set_path(cmd_parms *cmd, void *dir, const char *path)
{
    apr_size_t length = strlen(path);

    (void)dir;
    if (path[0] != '/' || length < 2 || path[length - 1] == '/'
        || path[strspn(path, "/-._~!$()*+:@abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")]
        || strstr(path, "//")
        || strstr(path, "/.")) {
        return cp_words_refuse(cmd, path,
                               "a path like /cookie-policy, with no slash at "
                               "its end and nothing that needs encoding");
    }
    cp_words_server(cmd)->path = path;
    return NULL;
}

static const char *set_issue(cmd_parms *cmd, void *dir, const char *word)
{
    static const char *const words[] = {
        "eager", "lazy", "documents", "all", NULL
    };
    cp_dir_config *config = dir;
    int which = cp_words_find(words, word);

    if (which < 0) {
        return cp_words_refuse(cmd, word, "eager or lazy, documents or all");
    }
    if (which < 2) {
        config->lazy = which == 1;
    }
    else {
        config->all = which == 3;
    }
    return NULL;
}

/* --- Sessions --------------------------------------------------------- */

static const char *set_session(cmd_parms *cmd, void *dir, const char *word)
{
    static const char *const words[] = { "On", "Application", "Off", NULL };
    cp_server_config *config = cp_words_server(cmd);

    (void)dir;
    config->session = cp_words_find(words, word);
    return config->session < 0
               ? cp_words_refuse(cmd, word, "On, Application or Off")
               : NULL;
}

static const char *set_store(cmd_parms *cmd, void *dir, const char *word)
{
    static const char allowed[] = "shm, shm:SIZE with a size like 64M or "
                                  "2G, from 1M to 64G, or "
                                  "socache:PROVIDER[:ARGUMENT]";
    cp_server_config *config = cp_words_server(cmd);
    const char *wrong = server_only(cmd);
    apr_int64_t size;
    char *unit = NULL;

    (void)dir;
    if (wrong) {
        return wrong;
    }
    config->store_socache = NULL;
    if (strncmp(word, "socache:", 8) == 0 && word[8]) {
        return cp_socache_choose(cmd, word, word + 8,
                                 &config->store_socache);
    }
    if (strcmp(word, "shm") == 0) {
        return NULL;
    }
    if (strncmp(word, "shm:", 4) || !apr_isdigit(word[4])) {
        return cp_words_refuse(cmd, word, allowed);
    }
    size = apr_strtoi64(word + 4, &unit, 10);
    switch (apr_toupper(*unit)) {
    case 'K':
        size = size > APR_INT32_MAX ? -1 : size << 10;
        break;
    case 'M':
        size = size > APR_INT32_MAX ? -1 : size << 20;
        break;
    case 'G':
        size = size > APR_INT32_MAX ? -1 : size << 30;
        break;
    default:
        break;
    }
    if ((*unit && unit[1]) || (*unit && !strchr("KMGkmg", *unit))
        || size < CP_STORE_SHM_SIZE_MIN || size > (apr_int64_t)64 << 30) {
        return cp_words_refuse(cmd, word, allowed);
    }
    config->store_size = (apr_size_t)size;
    return NULL;
}

static const char *set_timeout(cmd_parms *cmd, void *dir, const char *word)
{
    cp_server_config *config = cp_words_server(cmd);
    const char *key = "";
    const char *value = cp_words_value(cmd->pool, word, &key);
    int seconds = value ? cp_words_seconds(value) : -1;

    (void)dir;
    if (seconds < 1 || seconds > CP_COOKIE_AGE_MAX
        || (strcmp(key, "idle") && strcmp(key, "absolute"))) {
        return cp_words_refuse(cmd, word,
                               "idle=TIME and absolute=TIME, with times like "
                               "30m or 12h, up to 400d");
    }
    *(key[0] == 'i' ? &config->idle : &config->absolute) = seconds;
    return NULL;
}

static const char *set_session_header(cmd_parms *cmd, void *dir,
                                      const char *name, const char *login)
{
    cp_server_config *config = cp_words_server(cmd);

    (void)dir;
    if (strlen(name) > 64 || !*name) {
        return cp_words_refuse(cmd, name, "the name of a response header");
    }
    for (const char *c = name; *c; c++) {
        if (!apr_isalnum(*c) && *c != '-' && *c != '_') {
            return cp_words_refuse(cmd, name, "the name of a response header");
        }
    }
    if (login && strcmp(login, "login")) {
        return cp_words_refuse(cmd, login, "login, or nothing");
    }
    config->session_header = name;
    config->session_header_login = login != NULL;
    return NULL;
}

static const char *set_session_bind(cmd_parms *cmd, void *dir, int on)
{
    (void)dir;
    cp_words_server(cmd)->session_bind = on;
    return NULL;
}

/* --- CSRF and language ------------------------------------------------ */

static const char *set_csrf(cmd_parms *cmd, void *dir, const char *word)
{
    static const char *const words[] = { "On", "Origin", "Off", NULL };
    cp_dir_config *config = dir;

    config->csrf = cp_words_find(words, word);
    claim(cmd, config, CP_ALLOW_CSRF);
    return config->csrf < 0 ? cp_words_refuse(cmd, word, "On, Origin or Off")
                            : NULL;
}

static const char *set_inject(cmd_parms *cmd, void *dir, int on)
{
    cp_dir_config *config = dir;

    config->inject = on;
    claim(cmd, config, CP_ALLOW_CSRF);
    return NULL;
}

static const char *set_banner(cmd_parms *cmd, void *dir, int on)
{
    cp_dir_config *config = dir;

    config->banner = on;
    if (on) {
        cp_config_want_banner(cmd->pool);
    }
    claim(cmd, config, CP_ALLOW_BANNER);
    return NULL;
}

static const char *add_trusted(cmd_parms *cmd, void *dir, const char *word)
{
    cp_server_config *config = cp_words_server(cmd);
    const char *wrong;
    cp_origin origin;

    (void)dir;
    if (strcasecmp(word, "None") == 0) {
        config->trusted_cleared = 1;
        config->trusted = apr_array_make(cmd->pool, 0, sizeof(cp_origin));
        return NULL;
    }
    wrong = cp_words_origin(cmd, word, &origin);
    if (wrong) {
        return wrong;
    }
    for (int i = 0; i < config->trusted->nelts; i++) {
        if (cp_origin_equal(&APR_ARRAY_IDX(config->trusted, i, cp_origin),
                            &origin)) {
            return cp_words_refuse(cmd, word, "each origin once");
        }
    }
    *(cp_origin *)apr_array_push(config->trusted) = origin;
    return NULL;
}

static const char *set_languages(cmd_parms *cmd, void *dir, int argc,
                                 char *const argv[])
{
    cp_dir_config *config = dir;
    const char **languages;

    claim(cmd, config, CP_ALLOW_LANGUAGE);
    config->languages_set = 1;
    config->languages = NULL;
    if (argc == 1 && strcasecmp(argv[0], "Off") == 0) {
        return NULL;
    }
    if (argc == 0) {
        return cp_words_refuse(cmd, "", "one or more language tags, or Off");
    }
    languages = apr_pcalloc(cmd->pool,
                            ((size_t)argc + 1) * sizeof(*languages));
    for (int i = 0; i < argc; i++) {
        if (!cp_language_tag_is_good(argv[i])) {
            return cp_words_refuse(cmd, argv[i],
                                   "language tags like en or pt-BR, or "
                                   "Off");
        }
        for (int j = 0; j < i; j++) {
            if (strcasecmp(argv[j], argv[i]) == 0) {
                return cp_words_refuse(cmd, argv[i], "each language once");
            }
        }
        languages[i] = argv[i];
    }
    config->languages = languages;
    return NULL;
}

static const char *set_export(cmd_parms *cmd, void *dir, const char *word)
{
    static const char *const words[] = { "env", "headers", "none", NULL };
    cp_server_config *config = cp_words_server(cmd);

    (void)dir;
    config->export_as = cp_words_find(words, word);
    return config->export_as < 0
               ? cp_words_refuse(cmd, word, "env, headers or none")
               : NULL;
}

/* --- The table -------------------------------------------------------- */

#define SVDH (RSRC_CONF | ACCESS_CONF | OR_FILEINFO)
#define SVD (RSRC_CONF | ACCESS_CONF)
#define SV RSRC_CONF
#define FIELD(name) ((void *)offsetof(cp_server_config, name))

const command_rec cp_directives[] = {
    AP_INIT_TAKE1("CookiePolicy", set_engine, NULL, SVDH, "On, Report or Off"),
    AP_INIT_TAKE1("CookiePolicyStateDir", set_file, FIELD(state_dir), SV,
                  "the directory of the key file and the session store"),
    AP_INIT_TAKE1("CookiePolicyKeyFile", set_file, FIELD(key_file), SV,
                  "the file of the key ring"),
    AP_INIT_TAKE1("CookiePolicyRealm", set_realm, NULL, SV,
                  "a name that joins hosts which share tokens"),
    AP_INIT_ITERATE("CookiePolicyForwarded", set_forwarded, NULL, SV,
                    "from=NETWORK,... whose Forwarded headers count"),
    AP_INIT_ITERATE("CookiePolicyAllowOverride", set_allow, NULL, SVD,
                    "what .htaccess may set: None, All, or Session, Csrf, "
                    "Language, Consent, Banner"),
    AP_INIT_TAKE1("CookiePolicyPath", set_path, NULL, SV,
                  "the base of the module's own pages"),
    AP_INIT_ITERATE("CookiePolicyIssue", set_issue, NULL, SVD,
                    "eager or lazy, documents or all"),
    AP_INIT_TAKE1("CookiePolicySession", set_session, NULL, SV,
                  "On, Application or Off"),
    AP_INIT_TAKE1("CookiePolicySessionStore", set_store, NULL, SV,
                  "shm[:SIZE], or socache:PROVIDER[:ARGUMENT]"),
    AP_INIT_TAKE1("CookiePolicySessionFile", set_file, FIELD(session_file),
                  SV, "a file that outlives a reboot"),
    AP_INIT_ITERATE("CookiePolicySessionTimeout", set_timeout, NULL, SV,
                    "idle=TIME and absolute=TIME"),
    AP_INIT_TAKE12("CookiePolicySessionHeader", set_session_header, NULL, SV,
                   "the response header of session commands, and login"),
    AP_INIT_FLAG("CookiePolicySessionBind", set_session_bind, NULL, SV,
                 "On or Off: whom other modules authenticate is the "
                 "session's user"),
    AP_INIT_TAKE1("CookiePolicyCsrf", set_csrf, NULL, SVDH,
                  "On, Origin or Off"),
    AP_INIT_FLAG("CookiePolicyCsrfInject", set_inject, NULL, SVDH,
                 "On or Off: the token into the site's own forms"),
    AP_INIT_ITERATE("CookiePolicyCsrfTrustedOrigin", add_trusted, NULL, SV,
                    "origins whose requests pass the origin check"),
    AP_INIT_FLAG("CookiePolicyBanner", set_banner, NULL, SVDH,
                 "On or Off: asks visitors for consent on the pages"),
    AP_INIT_TAKE_ARGV("CookiePolicyLanguage", set_languages, NULL, SVDH,
                      "the languages that the site speaks, or Off"),
    AP_INIT_ITERATE("CookiePolicyLanguageFile", cp_directive_language_file,
                    NULL, SV, "files of languages and of their texts"),
    AP_INIT_RAW_ARGS("CookiePolicyCategory", cp_directive_category, NULL, SV,
                     "a category, its rule and its texts"),
    AP_INIT_RAW_ARGS("CookiePolicyCookie", cp_directive_cookie, NULL, SV,
                     "a cookie, its category and what the policy says"),
    AP_INIT_TAKE1("CookiePolicyUndeclared", cp_directive_undeclared, NULL,
                  SVD, "drop or allow"),
    AP_INIT_TAKE_ARGV("CookiePolicyThirdParty", cp_directive_third_party,
                      NULL, SVD, "a category and its third parties' origins"),
    AP_INIT_TAKE1("CookiePolicyDatabase", cp_directive_database, NULL, SV,
                  "the file of an Open Cookie Database"),
    AP_INIT_RAW_ARGS("CookiePolicyController", cp_directive_controller, NULL,
                     SV, "name=, url= and contact= of who answers"),
    AP_INIT_TAKE1("CookiePolicyTemplate", cp_directive_template, NULL, SV,
                  "a file with the HTML around the module's pages"),
    AP_INIT_TAKE12("CookiePolicyConsentLifetime",
                   cp_directive_consent_lifetime, NULL, SV,
                   "for how long a choice holds"),
    AP_INIT_TAKE1("CookiePolicyConsentLog", cp_directive_consent_log, NULL,
                  SV, "a file, |program, or none"),
    AP_INIT_TAKE1("CookiePolicyGPC", cp_directive_gpc, NULL, SV,
                  "On or Off"),
    AP_INIT_RAW_ARGS("CookiePolicyAttributes",
                     cp_directive_attributes, NULL,
                      SV, "a managed cookie and its attributes"),
    AP_INIT_TAKE1("CookiePolicyExport", set_export, NULL, SV,
                  "env, headers or none"),
    {.name = NULL}};
