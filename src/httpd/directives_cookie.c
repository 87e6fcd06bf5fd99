#include "directives_cookie.h"
#include "words.h"

#include <apr_strings.h>

#define NAME_MAX_LENGTH 256

/* --- Facts ------------------------------------------------------------ */

static const char *lifetime_read(cmd_parms *cmd, const char *value,
                                 cp_hardening *hardening)
{
    int seconds = cp_words_seconds(value);

    if (strcmp(value, "session") == 0) {
        hardening->lifetime = CP_LIFETIME_SESSION;
        return NULL;
    }
    hardening->lifetime = seconds;
    return seconds > 0 ? NULL
           : cp_words_refuse(cmd, value, "for lifetime= session, or a time "
                             "like 30m, 13M or \"2 years\"");
}

static const char *domain_read(cmd_parms *cmd, const char *value,
                               cp_declaration *declaration)
{
    char *domain = apr_pstrdup(cmd->pool, value + (*value == '.'));

    ap_str_tolower(domain);
    if (!cp_words_is_host(domain) || *domain == '*') {
        return cp_words_refuse(cmd, value, "for domain= a host name");
    }
    declaration->domain = domain;
    return NULL;
}

static const char *path_read(cmd_parms *cmd, const char *value,
                             cp_declaration *declaration)
{
    for (const char *c = value; *c; c++) {
        if (*c <= ' ' || *c >= 0x7f || *c == ';') {
            return cp_words_refuse(cmd, value, "for path= a path without "
                                   "blanks and semicolons");
        }
    }
    if (*value != '/') {
        return cp_words_refuse(cmd, value, "for path= what begins with /");
    }
    declaration->path = value;
    return NULL;
}

/* What the texts say that has a meaning to the server too. */
static const char *facts_read(cmd_parms *cmd, cp_declaration *declaration)
{
    static const char *const sites[] = { "Lax", "Strict", NULL };
    const apr_table_t *texts = declaration->texts;
    const char *lifetime = apr_table_get(texts, "lifetime");
    const char *domain = apr_table_get(texts, "domain");
    const char *path = apr_table_get(texts, "path");
    const char *same_site = apr_table_get(texts, "samesite");
    const char *storage = apr_table_get(texts, "storage");
    const char *party = apr_table_get(texts, "party");
    const char *url = apr_table_get(texts, "provider-url");
    const char *wrong = NULL;

    declaration->storage = CP_STORAGE_COOKIE;
    declaration->hardening.lifetime = CP_LIFETIME_NONE;
    if (lifetime) {
        wrong = lifetime_read(cmd, lifetime, &declaration->hardening);
    }
    if (!wrong && domain) {
        wrong = domain_read(cmd, domain, declaration);
    }
    if (!wrong && path) {
        wrong = path_read(cmd, path, declaration);
    }
    if (!wrong && same_site) {
        int which = cp_words_find(sites, same_site);

        if (which < 0) {
            return cp_words_refuse(cmd, same_site, "samesite=lax or "
                                   "samesite=strict");
        }
        declaration->hardening.same_site = sites[which];
    }
    if (!wrong && storage && !cp_storage_read(storage,
                                              &declaration->storage)) {
        wrong = cp_words_refuse(cmd, storage, "for storage= cookie, local, "
                                "session, indexeddb, pixel or other");
    }
    if (!wrong && party && strcmp(party, "first") && strcmp(party, "third")) {
        wrong = cp_words_refuse(cmd, party, "party=first or party=third");
    }
    if (!wrong && url && !cp_words_is_web_address(url)) {
        wrong = cp_words_refuse(cmd, url, "for provider-url= what begins "
                                "with https:// or http://");
    }
    return wrong;
}

/* --- Names ------------------------------------------------------------ */

static bool is_cookie_name(const char *name, apr_pool_t *pool)
{
    cp_span rest = cp_span_of(apr_pstrcat(pool, name, "=", NULL));
    unsigned int broken = 0;
    cp_pair pair;

    return cp_cookie_next(&rest, &pair, &broken)
           && pair.name.length == strlen(name);
}

static const char *name_read(cmd_parms *cmd, cp_declaration *declaration)
{
    const char *name = declaration->name;
    const char *error = NULL;

    if (strlen(name) > NAME_MAX_LENGTH) {
        return cp_words_refuse(cmd, name, "at most 256 characters");
    }
    if (*name == '~') {
        if (declaration->storage != CP_STORAGE_COOKIE) {
            return NULL;        /* for people alone */
        }
        declaration->pattern = cp_pattern_make(name + 1, &error, cmd->pool);
        return declaration->pattern ? NULL
               : cp_words_refuse(cmd, name,
                                 apr_pstrcat(cmd->pool, "a pattern that "
                                             "PCRE2 compiles: ", error,
                                             NULL));
    }
    if (declaration->storage == CP_STORAGE_COOKIE
        && !is_cookie_name(name, cmd->pool)) {
        return cp_words_refuse(cmd, name,
                               "the name of a cookie: letters, digits and "
                               "!#%&'*+-.^_`|~, not beginning with $; or ~ "
                               "and a pattern");
    }
    return NULL;
}

static const char *twice_refuse(cmd_parms *cmd,
                                const cp_declaration *declaration)
{
    const apr_array_header_t *all = cp_words_server(cmd)->declarations;

    for (int i = 0; i < all->nelts; i++) {
        const cp_declaration *other = APR_ARRAY_IDX(all, i,
                                                    cp_declaration *);

        if (other->storage == declaration->storage
            && strcmp(other->name, declaration->name) == 0) {
            return cp_words_refuse(cmd, declaration->name,
                                   "each cookie once in one scope");
        }
    }
    return NULL;
}

/* --- The directives --------------------------------------------------- */

static const char *word_read(cmd_parms *cmd, cp_declaration *declaration,
                             apr_table_t *texts, const char *word)
{
    if (strcmp(word, "secure") == 0) {
        declaration->hardening.secure = true;
        return NULL;
    }
    if (strcmp(word, "httponly") == 0) {
        declaration->hardening.http_only = true;
        return NULL;
    }
    return cp_words_text(cmd, texts, word, cp_declaration_key_is_known,
                         "provider=, function=, location= and purpose=, each "
                         "also with a language as in purpose[fr]=; "
                         "provider-url=, lifetime=, domain=, path=, party=, "
                         "service=, storage=, samesite=, secure and "
                         "httponly");
}

const char *cp_directive_cookie(cmd_parms *cmd, void *dir,
                                const char *arguments)
{
    apr_array_header_t *words = cp_words_all(cmd, arguments);
    const char *const *argv = words ? (const char *const *)words->elts : NULL;
    int argc = words ? words->nelts : 0;
    cp_server_config *config = cp_words_server(cmd);
    cp_declaration *declaration = apr_pcalloc(cmd->pool,
                                              sizeof(*declaration));
    apr_table_t *texts = apr_table_make(cmd->pool, argc > 2 ? argc - 2 : 1);
    const char *wrong = NULL;

    (void)dir;
    if (argc == 1 && strcasecmp(argv[0], "None") == 0) {
        config->declarations_cleared = 1;
        config->declarations = apr_array_make(cmd->pool, 0, sizeof(void *));
        return NULL;
    }
    if (argc < 2) {
        return cp_words_refuse(cmd, arguments, "the name of a cookie, or ~ "
                               "and a pattern, then a category");
    }
    declaration->name = argv[0];
    declaration->category = argv[1];
    declaration->texts = texts;
    declaration->line = arguments;
    for (int i = 2; !wrong && i < argc; i++) {
        wrong = word_read(cmd, declaration, texts, argv[i]);
    }
    wrong = wrong ? wrong : facts_read(cmd, declaration);
    wrong = wrong ? wrong : name_read(cmd, declaration);
    wrong = wrong ? wrong : twice_refuse(cmd, declaration);
    if (!wrong) {
        *(cp_declaration **)apr_array_push(config->declarations) =
            declaration;
    }
    return wrong;
}

const char *cp_directive_undeclared(cmd_parms *cmd, void *dir,
                                    const char *word)
{
    static const char *const words[] = { "drop", "allow", NULL };
    cp_dir_config *config = dir;

    config->undeclared = cp_words_find(words, word);
    return config->undeclared < 0 ? cp_words_refuse(cmd, word,
                                                    "drop or allow")
                                  : NULL;
}

/* As a Content-Security-Policy has it. */
static const char *origin_text(const cp_origin *origin, apr_pool_t *pool)
{
    bool usual = origin->port == (strcmp(origin->scheme, "https") ? 80 : 443);

    return usual ? apr_pstrcat(pool, origin->scheme, "://", origin->host,
                               NULL)
                 : apr_psprintf(pool, "%s://%s:%d", origin->scheme,
                                origin->host, origin->port);
}

const char *cp_directive_third_party(cmd_parms *cmd, void *dir, int argc,
                                     char *const argv[])
{
    cp_server_config *server = cp_words_server(cmd);
    cp_dir_config *config = dir;

    if (argc == 1 && strcasecmp(argv[0], "None") == 0) {
        config->third_parties_cleared = 1;
        config->third_parties = apr_array_make(cmd->pool, 0,
                                               sizeof(cp_third_party));
        if (!cmd->path) {
            server->third_parties_cleared = 1;
            server->third_parties = apr_array_make(cmd->pool, 0,
                                                   sizeof(cp_third_party));
        }
        return NULL;
    }
    if (argc < 2) {
        return cp_words_refuse(cmd, argc ? argv[0] : "", "a category and one "
                               "or more origins");
    }
    for (int i = 1; i < argc; i++) {
        cp_third_party one = { .category = argv[0] };
        cp_origin origin;
        const char *wrong = cp_words_origin(cmd, argv[i], &origin);

        if (wrong) {
            return wrong;
        }
        one.origin = origin_text(&origin, cmd->pool);
        *(cp_third_party *)apr_array_push(config->third_parties) = one;
        *(cp_third_party *)apr_array_push(server->third_parties) = one;
    }
    return NULL;
}
