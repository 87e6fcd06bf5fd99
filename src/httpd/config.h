/**
 * @file config.h
 * @brief The directives, and what they leave behind for requests.
 */
#ifndef CP_CONFIG_H
#define CP_CONFIG_H

#include "database.h"
#include "inventory.h"
#include "phrases.h"
#include "store_shm.h"
#include "template.h"
#include "visit.h"

#include <apr_network_io.h>

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>

/** The one symbol that httpd looks for. */
extern module __attribute__((visibility("default"))) cookiepolicy_module;
APLOG_USE_MODULE(cookiepolicy);

/** Every log line above debug begins with its tag; docs/log.md explains it. */
#define CP_LOG(number) "CP" #number ": "

typedef enum cp_engine {
    CP_ENGINE_OFF,
    CP_ENGINE_REPORT,           /* all is decided, nothing changes */
    CP_ENGINE_ON
} cp_engine;

typedef enum cp_export_as {
    CP_EXPORT_ENV,
    CP_EXPORT_HEADERS,
    CP_EXPORT_NONE
} cp_export_as;

/** Groups of directives that CookiePolicyAllowOverride can allow. */
enum {
    CP_ALLOW_SESSION = 1,
    CP_ALLOW_CSRF = 2,
    CP_ALLOW_LANGUAGE = 4,
    CP_ALLOW_CONSENT = 8,
    CP_ALLOW_BANNER = 16,
    CP_ALLOW_ALL = 31
};

/** A setting that was not made. */
#define CP_UNSET (-1)

/** An origin as a browser sends it, taken apart. */
typedef struct cp_origin {
    const char *scheme;
    const char *host;           /* in small letters; an IPv6 address in its
                                   brackets; "*.example.com" allows
                                   subdomains */
    apr_port_t port;
} cp_origin;

/** What may be set in a directory. */
typedef struct cp_dir_config {
    int engine;
    int lazy;
    int all;
    int csrf;
    int inject;
    int banner;
    int allow;
    int languages_set;
    const char *const *languages;
    int undeclared;             /* 1: what nothing declares passes */
    apr_array_header_t *third_parties;  /* of cp_third_party */
    int third_parties_cleared;

    int claimed;                /* groups that an .htaccess file used */
    const char *claim;          /* its complaint, should it not be allowed */
    const char *refused;        /* the complaint, if it was not */

    cp_terms terms;             /* the above with defaults */
} cp_dir_config;

/** What may be set in a virtual host. */
typedef struct cp_server_config {
    const char *path;
    const char *realm;
    int session;
    int idle;                   /* seconds */
    int absolute;               /* seconds */
    int consent_lifetime;       /* seconds */
    int export_as;
    int session_header_login;
    int session_bind;
    const char *session_header;
    const char *controller_name;
    const char *controller_url;
    const char *controller_contact;
    apr_array_header_t *trusted;    /* of cp_origin */
    int trusted_cleared;
    apr_array_header_t *forwarded;  /* of apr_ipsubnet_t * */
    int forwarded_cleared;
    apr_array_header_t *categories; /* of cp_category * */
    int categories_cleared;
    apr_array_header_t *declarations;   /* of cp_declaration * */
    int declarations_cleared;
    apr_array_header_t *third_parties;  /* of cp_third_party: the host's own
                                   and its directories' */
    int third_parties_cleared;
    apr_array_header_t *language_files; /* of const cp_language_file * */
    int language_files_cleared;
    int gpc;
    const char *consent_log;    /* a file, |program, or "none" */
    const cp_template *frame;   /* HTML around the pages */
    cp_attributes *attributes;  /* of each managed cookie, where some is set;
                                   or NULL */

    /* Of the main server alone. */
    const char *state_dir;
    const char *key_file;
    const char *session_file;   /* NULL: none */
    apr_size_t store_size;      /* bytes */
    struct cp_socache_choice *store_socache;    /* NULL: shared memory */
    const char *database_file;

    cp_site site;               /* the above, compiled */
    const struct cp_banner *banner; /* NULL: there is nothing to ask */
    bool requires_visitor;      /* a Require line asks for consent or session
                                   somewhere; of all hosts */
    const cp_phrases *phrases;
    const cp_database *database;    /* NULL: none is configured */
    struct cp_counters *counters;
    cp_inventory *inventory;    /* NULL where there is no memory for it */
    struct cp_consent_log *log; /* NULL: none is kept */
} cp_server_config;

extern const command_rec cp_directives[];

void *cp_dir_config_create(apr_pool_t *pool, char *directory);
void *cp_dir_config_merge(apr_pool_t *pool, void *base, void *add);
/** Fills in the terms; merging does it, and what is never merged needs it. */
void cp_dir_config_compile(cp_dir_config *config);

void *cp_server_config_create(apr_pool_t *pool, server_rec *server);
void *cp_server_config_merge(apr_pool_t *pool, void *base, void *add);

/** Attributes of all managed cookies, none of them set. */
cp_attributes *cp_attributes_create(apr_pool_t *pool);

/**
 * Notes that some part of the configuration turns the engine on: keys and
 * store are then needed, and without them httpd does not start.
 * @param pool  the configuration's
 */
void cp_config_want(apr_pool_t *pool);

/** Notes that some part of the configuration may show the banner: it is then
 *  made for each host that has something to ask. */
void cp_config_want_banner(apr_pool_t *pool);

/** What a line of httpd.conf requires of the visitor. */
typedef struct cp_required {
    const server_rec *server;
    const char *category;       /* NULL: a session */
} cp_required;

/** Notes that a category, or with NULL a session, is required, so that a slip
 *  of the pen is found at start. What an .htaccess file requires comes too late
 *  for that, and is not noted. */
void cp_config_require(cmd_parms *cmd, const char *category);

static inline cp_server_config *cp_server_config_of(const server_rec *server)
{
    return ap_get_module_config(server->module_config, &cookiepolicy_module);
}

/** What holds on a host where no section says otherwise. */
static inline cp_dir_config *cp_dir_defaults_of(const server_rec *server)
{
    return ap_get_module_config(server->lookup_defaults, &cookiepolicy_module);
}

static inline cp_dir_config *cp_dir_config_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &cookiepolicy_module);
}

static inline cp_engine cp_engine_of(const cp_dir_config *config)
{
    return config->engine == CP_UNSET ? CP_ENGINE_OFF
                                      : (cp_engine)config->engine;
}

#endif
