/*
 * Creating and merging configurations, by httpd's habits: the inner setting
 * wins, lists add up unless the inner one was cleared by `None`.
 */
#include "config.h"

static const char *const default_languages[] = { "en", NULL };

void cp_dir_config_compile(cp_dir_config *config)
{
    cp_terms *terms = &config->terms;

    terms->lazy = config->lazy == 1;
    terms->all = config->all == 1;
    terms->csrf = config->csrf == CP_UNSET ? CP_CSRF_ON
                                           : (cp_csrf_mode)config->csrf;
    terms->languages = config->languages_set ? config->languages
                                             : default_languages;
    terms->undeclared = config->undeclared == 1;
}

void *cp_dir_config_create(apr_pool_t *pool, char *directory)
{
    cp_dir_config *config = apr_pcalloc(pool, sizeof(*config));

    (void)directory;
    config->engine = CP_UNSET;
    config->lazy = CP_UNSET;
    config->all = CP_UNSET;
    config->csrf = CP_UNSET;
    config->inject = CP_UNSET;
    config->banner = CP_UNSET;
    config->undeclared = CP_UNSET;
    config->third_parties = apr_array_make(pool, 0, sizeof(cp_third_party));
    config->allow = CP_UNSET;
    cp_dir_config_compile(config);
    return config;
}

static int inner(int base, int add)
{
    return add == CP_UNSET ? base : add;
}

static apr_array_header_t *lists_add(apr_pool_t *pool,
                                     const apr_array_header_t *base,
                                     apr_array_header_t *add, int cleared)
{
    if (!cleared && add->nelts == 0) {
        return (apr_array_header_t *)base;  /* nobody adds to it any more */
    }
    return cleared ? add : apr_array_append(pool, base, add);
}

void *cp_dir_config_merge(apr_pool_t *pool, void *base_config,
                          void *add_config)
{
    const cp_dir_config *base = base_config;
    const cp_dir_config *add = add_config;
    cp_dir_config *merged = apr_pmemdup(pool, base, sizeof(*merged));
    int allowed = base->allow == CP_UNSET ? 0 : base->allow;

    merged->engine = inner(base->engine, add->engine);
    merged->lazy = inner(base->lazy, add->lazy);
    merged->all = inner(base->all, add->all);
    merged->csrf = inner(base->csrf, add->csrf);
    merged->inject = inner(base->inject, add->inject);
    merged->banner = inner(base->banner, add->banner);
    merged->allow = inner(base->allow, add->allow);
    merged->undeclared = inner(base->undeclared, add->undeclared);
    merged->third_parties = lists_add(pool, base->third_parties,
                                      add->third_parties,
                                      add->third_parties_cleared);
    /* httpd may merge two sections before it merges them with what they are
     * in. */
    merged->third_parties_cleared = base->third_parties_cleared
                                    || add->third_parties_cleared;
    if (add->languages_set) {
        merged->languages_set = 1;
        merged->languages = add->languages;
    }
    if (add->claimed & ~allowed) {
        merged->refused = add->claim;
    }
    else if (add->refused) {
        merged->refused = add->refused;
    }
    merged->claimed = 0;
    cp_dir_config_compile(merged);
    return merged;
}

void *cp_server_config_create(apr_pool_t *pool, server_rec *server)
{
    cp_server_config *config = apr_pcalloc(pool, sizeof(*config));

    (void)server;
    config->session = CP_UNSET;
    config->idle = CP_UNSET;
    config->absolute = CP_UNSET;
    config->consent_lifetime = CP_UNSET;
    config->export_as = CP_UNSET;
    config->session_header_login = CP_UNSET;
    config->session_bind = CP_UNSET;
    config->gpc = CP_UNSET;
    config->third_parties = apr_array_make(pool, 0, sizeof(cp_third_party));
    config->language_files = apr_array_make(pool, 0, sizeof(void *));
    config->trusted = apr_array_make(pool, 0, sizeof(cp_origin));
    config->forwarded = apr_array_make(pool, 0, sizeof(void *));
    config->categories = apr_array_make(pool, 0, sizeof(cp_category *));
    config->declarations = apr_array_make(pool, 0, sizeof(cp_declaration *));
    return config;
}

cp_attributes *cp_attributes_create(apr_pool_t *pool)
{
    cp_attributes *all = apr_pcalloc(pool, CP_MANAGED_COUNT * sizeof(*all));

    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        all[i].max_age = CP_COOKIE_AGE_UNSET;
    }
    return all;
}

#define INNER_POINTER(field) \
    merged->field = add->field ? add->field : base->field
#define INNER_NUMBER(field) merged->field = inner(base->field, add->field)

static void attribute_merge(cp_attributes *merged, const cp_attributes *base,
                            const cp_attributes *add)
{
    *merged = *base;
    INNER_POINTER(name);
    INNER_POINTER(path);
    INNER_POINTER(domain);
    INNER_POINTER(same_site);
    if (add->max_age != CP_COOKIE_AGE_UNSET) {
        merged->max_age = add->max_age;
    }
    if (add->secure_set) {
        merged->secure = add->secure;
        merged->secure_set = true;
    }
    if (add->http_only_set) {
        merged->http_only = add->http_only;
        merged->http_only_set = true;
    }
    if (add->partitioned_set) {
        merged->partitioned = add->partitioned;
        merged->partitioned_set = true;
    }
}

static cp_attributes *attributes_merge(apr_pool_t *pool, cp_attributes *base,
                                       cp_attributes *add)
{
    cp_attributes *merged;

    if (!base || !add) {
        return add ? add : base;
    }
    merged = cp_attributes_create(pool);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        attribute_merge(&merged[i], &base[i], &add[i]);
    }
    return merged;
}

void *cp_server_config_merge(apr_pool_t *pool, void *base_config,
                             void *add_config)
{
    const cp_server_config *base = base_config;
    const cp_server_config *add = add_config;
    cp_server_config *merged = apr_pmemdup(pool, base, sizeof(*merged));

    INNER_POINTER(path);
    INNER_POINTER(realm);
    INNER_POINTER(session_header);
    INNER_POINTER(controller_name);
    INNER_POINTER(controller_url);
    INNER_POINTER(controller_contact);
    INNER_POINTER(consent_log);
    INNER_POINTER(frame);
    INNER_NUMBER(session);
    INNER_NUMBER(idle);
    INNER_NUMBER(absolute);
    INNER_NUMBER(consent_lifetime);
    INNER_NUMBER(export_as);
    INNER_NUMBER(gpc);
    INNER_NUMBER(session_header_login);
    INNER_NUMBER(session_bind);
    merged->trusted = lists_add(pool, base->trusted, add->trusted,
                                add->trusted_cleared);
    merged->forwarded = lists_add(pool, base->forwarded, add->forwarded,
                                  add->forwarded_cleared);
    merged->categories = lists_add(pool, base->categories, add->categories,
                                   add->categories_cleared);
    merged->declarations = lists_add(pool, base->declarations,
                                     add->declarations,
                                     add->declarations_cleared);
    merged->third_parties = lists_add(pool, base->third_parties,
                                      add->third_parties,
                                      add->third_parties_cleared);
    merged->language_files = lists_add(pool, base->language_files,
                                       add->language_files,
                                       add->language_files_cleared);
    merged->attributes = attributes_merge(pool, base->attributes,
                                          add->attributes);
    return merged;
}
