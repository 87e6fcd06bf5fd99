/*
 * The directives that say what a site's policy is, beside its declarations:
 * categories, who answers, and how the managed four are written.
 */
#include "directives_policy.h"
#include "words.h"

#include <apr_strings.h>

static bool category_key_is_known(cp_span key, bool has_language)
{
    return cp_span_equal(key, CP_SPAN("title"))
           || cp_span_equal(key, CP_SPAN("description"))
           || (!has_language && cp_span_equal(key, CP_SPAN("signals")));
}

/* @return what is wrong with the signals that a category names, or NULL */
static const char *signals_read(cmd_parms *cmd, const char *signals)
{
    static const char *const known[] = {
        "ad_storage", "ad_user_data", "ad_personalization",
        "analytics_storage", "functionality_storage",
        "personalization_storage", "security_storage", NULL
    };
    unsigned int seen = 0;
    bool more;

    do {
        size_t length = strcspn(signals, ",");
        const char *one = apr_pstrmemdup(cmd->pool, signals, length);
        int which = cp_words_find(known, one);

        if (which < 0 || strcmp(known[which], one) || seen >> which & 1) {
            return cp_words_refuse(cmd, one,
                                   "for signals= names of Consent Mode, "
                                   "joined by commas, each once: "
                                   "ad_storage, ad_user_data, "
                                   "ad_personalization, analytics_storage, "
                                   "functionality_storage, "
                                   "personalization_storage and "
                                   "security_storage");
        }
        seen |= 1u << which;
        more = signals[length] != '\0';
        signals += length + more;
    } while (more);
    return NULL;
}

const char *cp_directive_category(cmd_parms *cmd, void *dir,
                                  const char *arguments)
{
    apr_array_header_t *words = cp_words_all(cmd, arguments);
    const char *const *argv = words ? (const char *const *)words->elts : NULL;
    int argc = words ? words->nelts : 0;
    cp_server_config *config = cp_words_server(cmd);
    cp_category *category = apr_pcalloc(cmd->pool, sizeof(*category));
    apr_table_t *texts = apr_table_make(cmd->pool, 4);

    (void)dir;
    if (argc == 1 && strcasecmp(argv[0], "None") == 0) {
        config->categories_cleared = 1;
        config->categories = apr_array_make(cmd->pool, 0, sizeof(void *));
        return NULL;
    }
    if (argc < 2) {
        return cp_words_refuse(cmd, arguments, "a name, then exempt, "
                   "objectable or consent");
    }
    if (!cp_category_name_is_good(argv[0])) {
        return cp_words_refuse(cmd, argv[0],
                               "a name of small letters, digits and "
                               "hyphens, at most 32, the first a letter");
    }
    category->name = argv[0];
    if (!cp_rule_read(argv[1], &category->rule)) {
        return cp_words_refuse(cmd, argv[1], "exempt, objectable or consent");
    }
    for (int i = 0; i < config->categories->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(config->categories, i, cp_category *)->name,
                   argv[0]) == 0) {
            return cp_words_refuse(cmd, argv[0],
                                   "each category once in one scope");
        }
    }
    for (int i = 2; i < argc; i++) {
        const char *wrong = cp_words_text(cmd, texts, argv[i],
                                     category_key_is_known,
                                     "title=, title[xx]=, description=, "
                                     "description[xx]= and signals=");

        if (wrong) {
            return wrong;
        }
    }
    category->signals = apr_table_get(texts, "signals");
    if (category->signals) {
        const char *wrong = signals_read(cmd, category->signals);

        if (wrong) {
            return wrong;
        }
    }
    category->texts = texts;
    category->line = arguments;
    *(cp_category **)apr_array_push(config->categories) = category;
    return NULL;
}

const char *cp_directive_controller(cmd_parms *cmd, void *dir,
                                    const char *arguments)
{
    cp_server_config *config = cp_words_server(cmd);
    apr_array_header_t *words = cp_words_all(cmd, arguments);

    (void)dir;
    for (int i = 0; words && i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        const char *key = "";
        const char *value = cp_words_value(cmd->pool, word, &key);

        if (value && strcmp(key, "name") == 0) {
            config->controller_name = value;
        }
        else if (value && strcmp(key, "url") == 0
                 && cp_words_is_web_address(value)) {
            config->controller_url = value;
        }
        else if (value && strcmp(key, "contact") == 0) {
            config->controller_contact = value;
        }
        else {
            return cp_words_refuse(cmd, word, "name=, url= (http or https) "
                                   "and contact=");
        }
    }
    return words && words->nelts ? NULL
           : cp_words_refuse(cmd, arguments, "name=, url= and contact=, "
                             "each quote closed");
}

const char *cp_directive_consent_lifetime(cmd_parms *cmd, void *dir,
                                        const char *word, const char *unit)
{
    const char *text = unit ? apr_pstrcat(cmd->pool, word, " ", unit, NULL)
                            : word;
    int seconds = cp_words_seconds(text);

    (void)dir;
    if (seconds < 86400 || seconds > CP_COOKIE_AGE_MAX) {
        return cp_words_refuse(cmd, text,
                               "a time like 6 months or 180d, from 1 day to "
                               "the 400 days that browsers keep a cookie");
    }
    cp_words_server(cmd)->consent_lifetime = seconds;
    return NULL;
}

/* --- Attributes ------------------------------------------------------- */

static const char *attribute_set(cmd_parms *cmd, cp_attributes *attributes,
                                 const char *word)
{
    static const char *const sites[] = { "Lax", "Strict", "None", NULL };
    static const char *const switches[] = { "on", "off", "auto", NULL };
    const char *key = "";
    const char *value = cp_words_value(cmd->pool, word, &key);
    int which = value ? cp_words_find(switches, value) : -1;

    if (value && strcmp(key, "name") == 0) {
        attributes->name = value;
    }
    else if (value && strcmp(key, "path") == 0) {
        attributes->path = value;
    }
    else if (value && strcmp(key, "domain") == 0) {
        char *domain = apr_pstrdup(cmd->pool, value);

        ap_str_tolower(domain);
        if (!cp_words_is_host(domain) || !strchr(domain, '.')
            || *domain == '*') {
            return cp_words_refuse(cmd, word,
                                   "domain= with a host name of at least two "
                                   "labels and no dot in front");
        }
        attributes->domain = domain;
    }
    else if (value && strcmp(key, "samesite") == 0
             && cp_words_find(sites, value) >= 0) {
        attributes->same_site = sites[cp_words_find(sites, value)];
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
                 || (cp_words_seconds(value) > 0
                     && cp_words_seconds(value) <= CP_COOKIE_AGE_MAX))) {
        attributes->max_age = strcmp(value, "session")
                              ? cp_words_seconds(value) : CP_COOKIE_AGE_SESSION;
    }
    else {
        return cp_words_refuse(
            cmd, word,
            "name=, path=, domain=, samesite=lax|strict|"
            "none, secure=auto|on|off, httponly=on|off, "
            "partitioned=on|off and max-age=TIME|session, up to 400d");
    }
    return NULL;
}

const char *cp_directive_attributes(cmd_parms *cmd, void *dir,
                                    const char *arguments)
{
    apr_array_header_t *words = cp_words_all(cmd, arguments);
    const char *const *argv = words ? (const char *const *)words->elts : NULL;
    int argc = words ? words->nelts : 0;
    cp_server_config *config = cp_words_server(cmd);

    (void)dir;
    if (argc < 2) {
        return cp_words_refuse(cmd, arguments,
                               "the name of a managed cookie, "
                               "then key=value...");
    }
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (strcmp(cp_rooms[i]->name, argv[0])) {
            continue;
        }
        if (!config->attributes) {
            config->attributes = cp_attributes_create(cmd->pool);
        }
        for (int j = 1; j < argc; j++) {
            const char *wrong = attribute_set(cmd, &config->attributes[i],
                                              argv[j]);

            if (wrong) {
                return wrong;
            }
        }
        return NULL;
    }
    return cp_words_refuse(cmd, argv[0],
                           "sessionid, csrftoken, django_language or "
                           "cookies_preferences");
}
