/*
 * What each directive takes. Every bad value is found while the configuration
 * is read; the message names the value and what is allowed.
 */
#include "config.h"
#include "language.h"

#include <http_core.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include <limits.h>
#include <stddef.h>

static const char *server_only(cmd_parms *cmd)
{
    return ap_check_cmd_context(cmd, GLOBAL_ONLY);
}

static cp_server_config *server_of(cmd_parms *cmd)
{
    return cp_server_config_of(cmd->server);
}

static const char *bad(cmd_parms *cmd, const char *value, const char *allowed)
{
    return apr_psprintf(cmd->pool, "%s: '%s' is not allowed; allowed is %s",
                        cmd->cmd->name, value, allowed);
}

/* Splits key=value. @return NULL where there is no such thing */
static const char *value_of(apr_pool_t *pool, const char *word,
                            const char **key)
{
    const char *equals = strchr(word, '=');

    if (!equals || equals == word) {
        return NULL;
    }
    *key = apr_pstrmemdup(pool, word, (apr_size_t)(equals - word));
    return equals + 1;
}

/* A word's place in a list that NULL ends, or -1; in any case of letters. */
static int word_find(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++) {
        if (strcasecmp(words[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

/* Seconds: a number with a unit s, m, h, d, w, M (30 days) or y (365 days),
 * or "6 months" and the like. @return -1 when it is none */
static int seconds_read(const char *text)
{
    static const struct {
        const char *name;
        int seconds;
    } units[] = {
        { "s", 1 }, { "second", 1 }, { "m", 60 }, { "min", 60 },
        { "minute", 60 }, { "h", 3600 }, { "hour", 3600 }, { "d", 86400 },
        { "day", 86400 }, { "w", 604800 }, { "week", 604800 },
        { "M", 2592000 }, { "month", 2592000 }, { "y", 31536000 },
        { "year", 31536000 },
    };
    char *unit = NULL;
    apr_int64_t number;
    apr_size_t length;

    if (!apr_isdigit(*text)) {
        return -1;
    }
    number = apr_strtoi64(text, &unit, 10);
    unit += strspn(unit, " ");
    length = strlen(unit);
    if (length > 2 && unit[length - 1] == 's') {
        length--;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strlen(units[i].name) == length
            && strncmp(unit, units[i].name, length) == 0) {
            number = number > INT_MAX ? INT_MAX : number * units[i].seconds;
            return number > INT_MAX ? -1 : (int)number;
        }
    }
    return length == 0 && number <= INT_MAX ? (int)number : -1;
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

    config->engine = word_find(words, word);
    if (config->engine > CP_ENGINE_OFF) {
        cp_config_want(cmd->pool);
    }
    claim(cmd, config, CP_ALLOW_ALL);
    return config->engine < 0 ? bad(cmd, word, "On, Report or Off") : NULL;
}

static const char *set_file(cmd_parms *cmd, void *dir, const char *file)
{
    const char **field = (const char **)((char *)server_of(cmd)
                                         + (size_t)cmd->info);
    const char *wrong = server_only(cmd);

    (void)dir;
    if (wrong) {
        return wrong;
    }
    *field = ap_server_root_relative(cmd->pool, file);
    return *field ? NULL : bad(cmd, file, "a path");
}

static const char *set_realm(cmd_parms *cmd, void *dir, const char *name)
{
    cp_server_config *config = server_of(cmd);
    char *realm = apr_pstrdup(cmd->pool, name);

    (void)dir;
    ap_str_tolower(realm);
    for (const char *c = realm; *c; c++) {
        if (!apr_isalnum(*c) && *c != '.' && *c != '-') {
            return bad(cmd, name, "a host name's letters, digits, dots and "
                       "hyphens");
        }
    }
    if (!*realm || strlen(realm) > 253) {
        return bad(cmd, name, "a name of 1 to 253 characters");
    }
    config->realm = realm;
    return NULL;
}

static const char *set_forwarded(cmd_parms *cmd, void *dir, const char *word)
{
    cp_server_config *config = server_of(cmd);
    const char *key = NULL;
    const char *value = value_of(cmd->pool, word, &key);
    char *network, *rest = NULL;

    (void)dir;
    if (strcasecmp(word, "None") == 0) {
        config->forwarded_cleared = 1;
        config->forwarded = apr_array_make(cmd->pool, 0, sizeof(void *));
        return NULL;
    }
    if (!value || strcmp(key, "from")) {
        return bad(cmd, word, "from=NETWORK[,NETWORK...] or None");
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
            return bad(cmd, value, "addresses or networks like 10.0.0.0/8 "
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
    int group = word_find(words, word);

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
        return bad(cmd, word, "None, All, or some of Session, Csrf, "
                   "Language, Consent and Banner");
    }
    return NULL;
}

static const char *set_path(cmd_parms *cmd, void *dir, const char *path)
{
    apr_size_t length = strlen(path);

    (void)dir;
    if (path[0] != '/' || length < 2 || path[length - 1] == '/'
        || strpbrk(path, "?#%\\\"<>& ") || strstr(path, "//")
        || strstr(path, "/.")) {
        return bad(cmd, path, "a path like /cookie-policy, with no slash at "
                   "its end and nothing that needs encoding");
    }
    server_of(cmd)->path = path;
    return NULL;
}

static const char *set_issue(cmd_parms *cmd, void *dir, const char *word)
{
    static const char *const words[] = {
        "eager", "lazy", "documents", "all", NULL
    };
    cp_dir_config *config = dir;
    int which = word_find(words, word);

    if (which < 0) {
        return bad(cmd, word, "eager or lazy, documents or all");
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
    cp_server_config *config = server_of(cmd);

    (void)dir;
    config->session = word_find(words, word);
    return config->session < 0 ? bad(cmd, word, "On, Application or Off")
                               : NULL;
}

static const char *set_store(cmd_parms *cmd, void *dir, const char *word)
{
    static const char allowed[] = "shm, or shm:SIZE with a size like 64M or "
                                  "2G, from 1M to 64G";
    const char *wrong = server_only(cmd);
    apr_int64_t size;
    char *unit = NULL;

    (void)dir;
    if (wrong) {
        return wrong;
    }
    if (strcmp(word, "shm") == 0) {
        return NULL;
    }
    if (strncmp(word, "shm:", 4) || !apr_isdigit(word[4])) {
        return bad(cmd, word, allowed);
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
        return bad(cmd, word, allowed);
    }
    server_of(cmd)->store_size = (apr_size_t)size;
    return NULL;
}

static const char *set_timeout(cmd_parms *cmd, void *dir, const char *word)
{
    cp_server_config *config = server_of(cmd);
    const char *key = "";
    const char *value = value_of(cmd->pool, word, &key);
    int seconds = value ? seconds_read(value) : -1;

    (void)dir;
    if (seconds < 1 || seconds > CP_COOKIE_AGE_MAX
        || (strcmp(key, "idle") && strcmp(key, "absolute"))) {
        return bad(cmd, word, "idle=TIME and absolute=TIME, with times like "
                   "30m or 12h, up to 400d");
    }
    *(key[0] == 'i' ? &config->idle : &config->absolute) = seconds;
    return NULL;
}

static const char *set_session_header(cmd_parms *cmd, void *dir,
                                      const char *name, const char *login)
{
    cp_server_config *config = server_of(cmd);

    (void)dir;
    if (strlen(name) > 64 || !*name) {
        return bad(cmd, name, "the name of a response header");
    }
    for (const char *c = name; *c; c++) {
        if (!apr_isalnum(*c) && *c != '-' && *c != '_') {
            return bad(cmd, name, "the name of a response header");
        }
    }
    if (login && strcmp(login, "login")) {
        return bad(cmd, login, "login, or nothing");
    }
    config->session_header = name;
    config->session_header_login = login != NULL;
    return NULL;
}

/* --- CSRF and language ------------------------------------------------ */

static const char *set_csrf(cmd_parms *cmd, void *dir, const char *word)
{
    static const char *const words[] = { "On", "Origin", "Off", NULL };
    cp_dir_config *config = dir;

    config->csrf = word_find(words, word);
    claim(cmd, config, CP_ALLOW_CSRF);
    return config->csrf < 0 ? bad(cmd, word, "On, Origin or Off") : NULL;
}

static bool is_host(const char *host)
{
    if (strncmp(host, "*.", 2) == 0) {
        host += 2;
        if (!strchr(host, '.')) {
            return false;       /* a whole top-level domain */
        }
    }
    if (*host == '[') {
        return host[strspn(host, "[]:.0123456789abcdefABCDEF")] == '\0';
    }
    if (!apr_isalnum(*host)) {
        return false;
    }
    for (; *host; host++) {
        if (!apr_isalnum(*host) && *host != '-' && *host != '_'
            && (*host != '.' || !apr_isalnum(host[1]))) {
            return false;
        }
    }
    return true;
}

static const char *add_trusted(cmd_parms *cmd, void *dir, const char *word)
{
    static const char allowed[] =
        "an origin: http:// or https://, a host (*. in front of it for all "
        "its subdomains), and a port where it is not the scheme's own; no "
        "path, not even a slash";
    cp_server_config *config = server_of(cmd);
    bool https = strncmp(word, "https://", 8) == 0;
    char *host, *port;
    cp_origin *origin;
    apr_int64_t number = https ? 443 : 80;

    (void)dir;
    if (strcasecmp(word, "None") == 0) {
        config->trusted_cleared = 1;
        config->trusted = apr_array_make(cmd->pool, 0, sizeof(cp_origin));
        return NULL;
    }
    if ((!https && strncmp(word, "http://", 7))
        || strpbrk(word + 8, "/?#@\\ ")) {
        return bad(cmd, word, allowed);
    }
    host = apr_pstrdup(cmd->pool, word + (https ? 8 : 7));
    port = strrchr(host, ':');
    if (port && !strchr(port, ']')) {
        *port++ = '\0';
        number = apr_strtoi64(port, &port, 10);
        if (*port || number < 1 || number > 65535) {
            return bad(cmd, word, allowed);
        }
    }
    ap_str_tolower(host);
    if (!is_host(host)) {
        return bad(cmd, word, allowed);
    }
    origin = apr_array_push(config->trusted);
    origin->scheme = https ? "https" : "http";
    origin->host = host;
    origin->port = (apr_port_t)number;
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
        return bad(cmd, "", "one or more language tags, or Off");
    }
    languages = apr_pcalloc(cmd->pool,
                            ((size_t)argc + 1) * sizeof(*languages));
    for (int i = 0; i < argc; i++) {
        if (!cp_language_tag_is_good(argv[i])) {
            return bad(cmd, argv[i], "language tags like en or pt-BR, or "
                       "Off");
        }
        for (int j = 0; j < i; j++) {
            if (strcasecmp(argv[j], argv[i]) == 0) {
                return bad(cmd, argv[i], "each language once");
            }
        }
        languages[i] = argv[i];
    }
    config->languages = languages;
    return NULL;
}

/* --- The policy ------------------------------------------------------- */

/* One key=value or key[language]=value of a declaration or category. */
static const char *text_add(cmd_parms *cmd, apr_table_t *texts,
                            const char *word,
                            bool (*is_known)(cp_span, bool),
                            const char *allowed)
{
    const char *key = NULL;
    const char *value = value_of(cmd->pool, word, &key);
    const char *bracket = value ? strchr(key, '[') : NULL;
    cp_span plain = cp_span_of(key);

    if (bracket) {
        char *tag = apr_pstrdup(cmd->pool, bracket + 1);
        apr_size_t length = strlen(tag);

        if (length == 0 || tag[length - 1] != ']') {
            return bad(cmd, word, allowed);
        }
        tag[length - 1] = '\0';
        if (!cp_language_tag_is_good(tag)) {
            return bad(cmd, word, "a language tag between the brackets");
        }
        plain.length = (apr_size_t)(bracket - key);
    }
    if (!value || !is_known(plain, bracket != NULL)) {
        return bad(cmd, word, allowed);
    }
    if (apr_table_get(texts, key)) {
        return bad(cmd, word, "each key once");
    }
    apr_table_setn(texts, key, value);
    return NULL;
}

static bool category_key_is_known(cp_span key, bool has_language)
{
    (void)has_language;
    return cp_span_equal(key, CP_SPAN("title"))
           || cp_span_equal(key, CP_SPAN("description"));
}

static const char *add_category(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[])
{
    cp_server_config *config = server_of(cmd);
    cp_category *category = apr_pcalloc(cmd->pool, sizeof(*category));
    apr_table_t *texts = apr_table_make(cmd->pool, 4);

    (void)dir;
    if (argc == 1 && strcasecmp(argv[0], "None") == 0) {
        config->categories_cleared = 1;
        config->categories = apr_array_make(cmd->pool, 0, sizeof(void *));
        return NULL;
    }
    if (argc < 2) {
        return bad(cmd, argc ? argv[0] : "", "a name, then exempt, "
                   "objectable or consent");
    }
    if (!cp_category_name_is_good(argv[0])) {
        return bad(cmd, argv[0], "a name of small letters, digits and "
                   "hyphens, at most 32, the first a letter");
    }
    category->name = argv[0];
    if (!cp_rule_read(argv[1], &category->rule)) {
        return bad(cmd, argv[1], "exempt, objectable or consent");
    }
    for (int i = 0; i < config->categories->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(config->categories, i, cp_category *)->name,
                   argv[0]) == 0) {
            return bad(cmd, argv[0], "each category once in one scope");
        }
    }
    for (int i = 2; i < argc; i++) {
        const char *wrong = text_add(cmd, texts, argv[i],
                                     category_key_is_known,
                                     "title=, title[xx]=, description= and "
                                     "description[xx]=");

        if (wrong) {
            return wrong;
        }
    }
    category->texts = texts;
    *(cp_category **)apr_array_push(config->categories) = category;
    return NULL;
}

static bool is_cookie_name(const char *name, apr_pool_t *pool)
{
    cp_span rest = cp_span_of(apr_pstrcat(pool, name, "=", NULL));
    unsigned int broken = 0;
    cp_pair pair;

    return cp_cookie_next(&rest, &pair, &broken)
           && pair.name.length == strlen(name);
}

static const char *add_cookie(cmd_parms *cmd, void *dir, int argc,
                              char *const argv[])
{
    cp_server_config *config = server_of(cmd);
    cp_declaration *declaration = apr_pcalloc(cmd->pool,
                                              sizeof(*declaration));
    apr_table_t *texts = apr_table_make(cmd->pool, 8);

    (void)dir;
    if (argc == 1 && strcasecmp(argv[0], "None") == 0) {
        config->declarations_cleared = 1;
        config->declarations = apr_array_make(cmd->pool, 0, sizeof(void *));
        return NULL;
    }
    if (argc < 2) {
        return bad(cmd, argc ? argv[0] : "", "the name of a cookie, then a "
                   "category");
    }
    if (!is_cookie_name(argv[0], cmd->pool)) {
        return bad(cmd, argv[0], "the name of a cookie: letters, digits and "
                   "!#%&'*+-.^_`|~, not beginning with $");
    }
    for (int i = 0; i < config->declarations->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(config->declarations, i,
                                 cp_declaration *)->name, argv[0]) == 0) {
            return bad(cmd, argv[0], "each cookie once in one scope");
        }
    }
    declaration->name = argv[0];
    declaration->category = argv[1];
    for (int i = 2; i < argc; i++) {
        const char *wrong = text_add(cmd, texts, argv[i],
                                     cp_declaration_key_is_known,
                                     "provider=, function=, location= and "
                                     "purpose=, each also with a language "
                                     "as in purpose[fr]=, and provider-url=,"
                                     " lifetime=, domain=, path= and party=");

        if (wrong) {
            return wrong;
        }
    }
    declaration->texts = texts;
    *(cp_declaration **)apr_array_push(config->declarations) = declaration;
    return NULL;
}

static const char *set_controller(cmd_parms *cmd, void *dir, const char *word)
{
    cp_server_config *config = server_of(cmd);
    const char *key = "";
    const char *value = value_of(cmd->pool, word, &key);

    (void)dir;
    if (value && strcmp(key, "name") == 0) {
        config->controller_name = value;
    }
    else if (value && strcmp(key, "url") == 0
             && (strncmp(value, "https://", 8) == 0
                 || strncmp(value, "http://", 7) == 0)) {
        config->controller_url = value;
    }
    else if (value && strcmp(key, "contact") == 0) {
        config->controller_contact = value;
    }
    else {
        return bad(cmd, word, "name=, url= (http or https) and contact=");
    }
    return NULL;
}

static const char *set_consent_lifetime(cmd_parms *cmd, void *dir,
                                        const char *word, const char *unit)
{
    const char *text = unit ? apr_pstrcat(cmd->pool, word, " ", unit, NULL)
                            : word;
    int seconds = seconds_read(text);

    (void)dir;
    if (seconds < 86400 || seconds > CP_COOKIE_AGE_MAX) {
        return bad(cmd, text, "a time like 6 months or 180d, from 1 day to "
                   "the 400 days that browsers keep a cookie");
    }
    server_of(cmd)->consent_lifetime = seconds;
    return NULL;
}

/* --- Attributes and export -------------------------------------------- */

static const char *attribute_set(cmd_parms *cmd, cp_attributes *attributes,
                                 const char *word)
{
    static const char *const sites[] = { "Lax", "Strict", "None", NULL };
    static const char *const switches[] = { "on", "off", "auto", NULL };
    const char *key = "";
    const char *value = value_of(cmd->pool, word, &key);
    int which = value ? word_find(switches, value) : -1;

    if (value && strcmp(key, "name") == 0) {
        attributes->name = value;
    }
    else if (value && strcmp(key, "path") == 0) {
        attributes->path = value;
    }
    else if (value && strcmp(key, "domain") == 0) {
        char *domain = apr_pstrdup(cmd->pool, value);

        ap_str_tolower(domain);
        if (!is_host(domain) || !strchr(domain, '.') || *domain == '*') {
            return bad(cmd, word, "domain= with a host name of at least two "
                       "labels and no dot in front");
        }
        attributes->domain = domain;
    }
    else if (value && strcmp(key, "samesite") == 0
             && word_find(sites, value) >= 0) {
        attributes->same_site = sites[word_find(sites, value)];
    }
    else if (strcmp(key, "secure") == 0 && which >= 0) {
        attributes->secure = which == 0 ? CP_SECURE_ON
                             : which == 1 ? CP_SECURE_OFF : CP_SECURE_AUTO;
        attributes->secure_set = true;
    }
    else if (strcmp(key, "httponly") == 0 && (which == 0 || which == 1)) {
        attributes->http_only = which == 0;
        attributes->http_only_set = true;
    }
    else if (strcmp(key, "partitioned") == 0 && (which == 0 || which == 1)) {
        attributes->partitioned = which == 0;
        attributes->partitioned_set = true;
    }
    else if (value && strcmp(key, "max-age") == 0
             && (strcmp(value, "session") == 0
                 || (seconds_read(value) > 0
                     && seconds_read(value) <= CP_COOKIE_AGE_MAX))) {
        attributes->max_age = strcmp(value, "session")
                              ? seconds_read(value) : CP_COOKIE_AGE_SESSION;
    }
    else {
        return bad(cmd, word, "name=, path=, domain=, samesite=lax|strict|"
                   "none, secure=auto|on|off, httponly=on|off, "
                   "partitioned=on|off and max-age=TIME|session, up to 400d");
    }
    return NULL;
}

static const char *set_attributes(cmd_parms *cmd, void *dir, int argc,
                                  char *const argv[])
{
    (void)dir;
    if (argc < 2) {
        return bad(cmd, argc ? argv[0] : "", "the name of a managed cookie, "
                   "then key=value...");
    }
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (strcmp(cp_rooms[i]->name, argv[0])) {
            continue;
        }
        for (int j = 1; j < argc; j++) {
            const char *wrong = attribute_set(cmd,
                                              &server_of(cmd)->attributes[i],
                                              argv[j]);

            if (wrong) {
                return wrong;
            }
        }
        return NULL;
    }
    return bad(cmd, argv[0], "sessionid, csrftoken, django_language or "
               "cookies_preferences");
}

static const char *set_export(cmd_parms *cmd, void *dir, const char *word)
{
    static const char *const words[] = { "env", "headers", "none", NULL };
    cp_server_config *config = server_of(cmd);

    (void)dir;
    config->export_as = word_find(words, word);
    return config->export_as < 0 ? bad(cmd, word, "env, headers or none")
                                 : NULL;
}

/* --- The table -------------------------------------------------------- */

#define SVDH (RSRC_CONF | ACCESS_CONF | OR_FILEINFO)
#define SVD (RSRC_CONF | ACCESS_CONF)
#define SV RSRC_CONF
#define FIELD(name) ((void *)offsetof(cp_server_config, name))

const command_rec cp_directives[] = {
    AP_INIT_TAKE1("CookiePolicy", set_engine, NULL, SVDH,
                  "On, Report or Off"),
    AP_INIT_TAKE1("CookiePolicyStateDir", set_file, FIELD(state_dir), SV,
                  "the directory of keys and snapshots"),
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
                  "shm[:SIZE]"),
    AP_INIT_ITERATE("CookiePolicySessionTimeout", set_timeout, NULL, SV,
                    "idle=TIME and absolute=TIME"),
    AP_INIT_TAKE12("CookiePolicySessionHeader", set_session_header, NULL, SV,
                   "the response header of session commands, and login"),
    AP_INIT_TAKE1("CookiePolicyCsrf", set_csrf, NULL, SVDH,
                  "On, Origin or Off"),
    AP_INIT_ITERATE("CookiePolicyCsrfTrustedOrigin", add_trusted, NULL, SV,
                    "origins whose requests pass the origin check"),
    AP_INIT_TAKE_ARGV("CookiePolicyLanguage", set_languages, NULL, SVDH,
                      "the languages that the site speaks, or Off"),
    AP_INIT_TAKE_ARGV("CookiePolicyCategory", add_category, NULL, SV,
                      "a category, its rule and its texts"),
    AP_INIT_TAKE_ARGV("CookiePolicyCookie", add_cookie, NULL, SV,
                      "a cookie, its category and what the policy says"),
    AP_INIT_ITERATE("CookiePolicyController", set_controller, NULL, SV,
                    "name=, url= and contact= of who answers"),
    AP_INIT_TAKE12("CookiePolicyConsentLifetime", set_consent_lifetime, NULL,
                   SV, "for how long a choice holds"),
    AP_INIT_TAKE_ARGV("CookiePolicyAttributes", set_attributes, NULL, SV,
                      "a managed cookie and its attributes"),
    AP_INIT_TAKE1("CookiePolicyExport", set_export, NULL, SV,
                  "env, headers or none"),
    { .name = NULL }
};
