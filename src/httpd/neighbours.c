#include "neighbours.h"

#include <http_config.h>

#include <apr_hash.h>
#include <apr_strings.h>

/* How a module's directives say which cookie it sets. */
typedef struct neighbour {
    const char *module;
    const char *directive;
    const char *key;            /* the name follows it; NULL: it is the first
                                   argument */
    const char *when;           /* without the directive it sets its default
                                   name where this one is On; or NULL */
    const char *otherwise;      /* the default name */
} neighbour;

static const neighbour neighbours[] = {
    { "mod_usertrack.c", "CookieName", NULL, "CookieTracking", "Apache" },
    { "mod_session_cookie.c", "SessionCookieName", NULL, NULL, NULL },
    { "mod_session_cookie.c", "SessionCookieName2", NULL, NULL, NULL },
    { "mod_session_dbd.c", "SessionDBDCookieName", NULL, NULL, NULL },
    { "mod_session_dbd.c", "SessionDBDCookieName2", NULL, NULL, NULL },
    { "mod_auth_openidc.c", "OIDCCookie", NULL, "OIDCProviderMetadataURL",
      "mod_auth_openidc_session" },
    { "mod_proxy_balancer.c", "ProxyPass", "stickysession=", NULL, NULL },
    { "mod_proxy_balancer.c", "ProxySet", "stickysession=", NULL, NULL },
    { "mod_proxy_balancer.c", "BalancerMember", "stickysession=", NULL,
      NULL },
};

/* Each warning is a line; of ten thousand hosts some will do. */
#define WARNINGS_MAX 20

typedef struct search {
    const neighbour *about;
    apr_pool_t *pool;
    apr_hash_t *servers;        /* server_rec by the place of <VirtualHost> */
    int *warnings;
    server_rec *server;         /* in whose configuration it is */
    bool named;
    bool switched;
} search;

/* The name in a directive's arguments, or NULL. */
static const char *name_in(const search *in, const char *arguments)
{
    const char *at = arguments;
    const char *word = ap_getword_conf(in->pool, &at);

    if (!in->about->key) {
        return *word ? word : NULL;
    }
    while (*word && strncasecmp(word, in->about->key,
                                strlen(in->about->key))) {
        word = ap_getword_conf(in->pool, &at);
    }
    return *word ? word + strlen(in->about->key) : NULL;
}

/* Whether the host drops what is undeclared, and does not declare this. */
static bool is_missing(const server_rec *server, const char *name,
                       apr_pool_t *pool)
{
    const cp_policy *policy = cp_server_config_of(server)->site.policy;
    const cp_dir_config *dir = cp_dir_defaults_of(server);

    return policy && cp_engine_of(dir) != CP_ENGINE_OFF
           && !dir->terms.undeclared
           && !cp_policy_find(policy, cp_span_of(name), pool);
}

/* A balancer's name may be two, of the cookie and of the path. */
static void name_judge(const search *in, const char *name)
{
    name = apr_pstrmemdup(in->pool, name, strcspn(name, "|"));
    if (*name && is_missing(in->server, name, in->pool)
        && ++*in->warnings <= WARNINGS_MAX) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, in->server,
                     CP_LOG(0034) "%s sets the cookie %s, which no "
                     "CookiePolicyCookie of %s declares: it is dropped where "
                     "the policy is enforced", in->about->module, name,
                     in->server->server_hostname
                     ? in->server->server_hostname : "the server");
    }
}

static const char *place(apr_pool_t *pool, const char *file, unsigned line)
{
    return apr_psprintf(pool, "%s:%u", file ? file : "", line);
}

static void tree_search(search *in, const ap_directive_t *at)
{
    for (; at; at = at->next) {
        if (strcasecmp(at->directive, "<VirtualHost") == 0) {
            server_rec *outer = in->server;
            server_rec *inner = apr_hash_get(
                in->servers, place(in->pool, at->filename,
                                   (unsigned)at->line_num),
                APR_HASH_KEY_STRING);

            in->server = inner ? inner : outer;
            tree_search(in, at->first_child);
            in->server = outer;
            continue;
        }
        if (strcasecmp(at->directive, in->about->directive) == 0) {
            const char *name = name_in(in, at->args);

            if (name) {
                name_judge(in, name);
                in->named = true;
            }
        }
        else if (in->about->when
                 && strcasecmp(at->directive, in->about->when) == 0
                 && strcasecmp(at->args, "off")) {
            in->switched = true;
        }
        tree_search(in, at->first_child);
    }
}

void cp_neighbours_check(server_rec *main_server, apr_pool_t *pool)
{
    apr_hash_t *servers = apr_hash_make(pool);
    int warnings = 0;

    for (server_rec *s = main_server->next; s; s = s->next) {
        apr_hash_set(servers, place(pool, s->defn_name, s->defn_line_number),
                     APR_HASH_KEY_STRING, s);
    }
    for (size_t i = 0; i < sizeof(neighbours) / sizeof(neighbours[0]); i++) {
        search in = { &neighbours[i], pool, servers, &warnings, main_server,
                      false, false };

        if (!ap_find_linked_module(neighbours[i].module)) {
            continue;
        }
        tree_search(&in, ap_conftree);
        if (in.switched && !in.named) {
            name_judge(&in, neighbours[i].otherwise);
        }
    }
    if (warnings > WARNINGS_MAX) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server, CP_LOG(0038)
                     "%d more such cookies", warnings - WARNINGS_MAX);
    }
}
