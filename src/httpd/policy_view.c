#include "policy_view.h"
#include "answer.h"
#include "language.h"

#include <apr_hash.h>
#include <apr_strings.h>

const char *cp_view_phrase(const cp_view *view, const char *key)
{
    const char *phrase = cp_phrase(view->exchange->server->phrases,
                                   view->language, key);

    return phrase ? phrase : key;
}

const char *cp_view_wire(const cp_view *view, cp_managed cookie)
{
    return view->exchange->server->site.attributes[cookie].name;
}

/* Which of the managed cookies it is called as, or -1. */
static int managed_of(const cp_declaration *declaration)
{
    for (int i = 0; declaration->storage == CP_STORAGE_COOKIE
                    && i < CP_MANAGED_COUNT; i++) {
        if (strcmp(cp_rooms[i]->name, declaration->name) == 0) {
            return i;
        }
    }
    return -1;
}

/* Likewise, and -1 for one that the application keeps here. */
static int kept_of(const cp_view *view, const cp_declaration *declaration)
{
    int managed = managed_of(declaration);

    return managed >= 0 && cp_rooms[managed]->open(view->exchange->visit)
           ? managed : -1;
}

static const char *text_of(const cp_view *view,
                           const cp_declaration *declaration,
                           const char *key)
{
    return cp_phrases_cookie(view->exchange->server->phrases, declaration,
                             key, view->tag, view->pool);
}

/* --- How long it lies there -------------------------------------------- */

static int seconds_of(const cp_view *view, const cp_declaration *declaration,
                      int kept)
{
    int age;

    if (kept < 0) {
        return declaration->hardening.lifetime;
    }
    age = view->exchange->server->site.attributes[kept].max_age;
    return age > 0 ? age : CP_LIFETIME_SESSION;
}

static const char *lifetime_words(const cp_view *view,
                                  const cp_declaration *declaration,
                                  int seconds, int kept)
{
    const char *written = kept < 0 ? apr_table_get(declaration->texts,
                                                      "lifetime") : NULL;

    if (seconds == CP_LIFETIME_SESSION) {
        return cp_view_phrase(view, "time.session");
    }
    return seconds > 0 ? cp_phrase_time(view->exchange->server->phrases,
                                        view->language, seconds, written,
                                        view->pool)
                       : cp_view_phrase(view, "time.unknown");
}

/* --- Cookies ------------------------------------------------------------ */

static const char *provider_of(const cp_view *view,
                               const cp_declaration *declaration)
{
    const char *provider = text_of(view, declaration, "provider");

    if (!provider && managed_of(declaration) >= 0) {
        provider = view->exchange->server->controller_name;
        provider = provider ? provider : cp_view_phrase(view,
                                                        "provider.site");
    }
    return provider;
}

static void cookie_fill(cp_view_cookie *cookie, const cp_view *view,
                        const cp_declaration *declaration)
{
    int kept = kept_of(view, declaration);
    const char *wire = kept < 0 ? declaration->name
                                : cp_view_wire(view, (cp_managed)kept);

    cookie->declaration = declaration;
    cookie->wire = strcmp(wire, declaration->name) ? wire : NULL;
    cookie->provider = provider_of(view, declaration);
    cookie->provider_url = apr_table_get(declaration->texts, "provider-url");
    cookie->service = apr_table_get(declaration->texts, "service");
    cookie->function = text_of(view, declaration, "function");
    cookie->location = text_of(view, declaration, "location");
    cookie->purpose = text_of(view, declaration, "purpose");
    cookie->seconds = seconds_of(view, declaration, kept);
    cookie->lifetime = lifetime_words(view, declaration, cookie->seconds,
                                      kept);
}

/* The group of one provider, function and location. No text has a line feed,
 * which stands between them here. */
static apr_array_header_t *group_of(const cp_view_cookie *cookie,
                                    cp_view_category *shown,
                                    apr_hash_t *groups)
{
    apr_pool_t *pool = apr_hash_pool_get(groups);
    const char *key = apr_pstrcat(
        pool, cookie->provider ? cookie->provider : "", "\n",
        cookie->function ? cookie->function : "", "\n",
        cookie->location ? cookie->location : "", NULL);
    apr_array_header_t *group = apr_hash_get(groups, key,
                                             APR_HASH_KEY_STRING);

    if (!group) {
        group = apr_array_make(pool, 4, sizeof(cp_view_cookie));
        apr_hash_set(groups, key, APR_HASH_KEY_STRING, group);
        *(apr_array_header_t **)apr_array_push(shown->groups) = group;
    }
    return group;
}

static void groups_fill(cp_view *view, cp_view_category *shown, int at)
{
    const cp_policy *policy = view->exchange->server->site.policy;
    apr_hash_t *groups = apr_hash_make(view->pool);

    for (int i = 0; i < policy->declared_count; i++) {
        const cp_declaration *declaration = policy->declared[i].declaration;
        cp_view_cookie cookie;

        if (policy->declared[i].category == at) {
            cookie_fill(&cookie, view, declaration);
            *(cp_view_cookie *)apr_array_push(
                group_of(&cookie, shown, groups)) = cookie;
            view->stores = view->stores
                           || declaration->storage != CP_STORAGE_COOKIE;
        }
    }
}

/* --- Categories ---------------------------------------------------------- */

static bool has_origin(const apr_array_header_t *origins, const char *origin)
{
    for (int i = 0; i < origins->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(origins, i, const char *), origin) == 0) {
            return true;
        }
    }
    return false;
}

/* Each once: directories may name the same as their host. */
static void origins_fill(cp_view *view, cp_view_category *shown)
{
    const apr_array_header_t *all =
        view->exchange->server->site.policy->third_parties;

    for (int i = 0; all && i < all->nelts; i++) {
        const cp_third_party *one = &APR_ARRAY_IDX(all, i, cp_third_party);

        if (strcmp(one->category, shown->category->name) == 0
            && !has_origin(shown->origins, one->origin)) {
            *(const char **)apr_array_push(shown->origins) = one->origin;
            view->has_third_parties = true;
        }
    }
}

static void category_fill(cp_view *view, int at)
{
    const cp_exchange *exchange = view->exchange;
    const cp_category *category =
        &exchange->server->site.policy->categories[at];
    cp_view_category *shown = apr_array_push(view->categories);

    shown->category = category;
    shown->title = cp_phrases_category(exchange->server->phrases, category,
                                       "title", view->tag, view->pool);
    shown->title = shown->title ? shown->title : category->name;
    shown->description = cp_phrases_category(exchange->server->phrases,
                                             category, "description",
                                             view->tag, view->pool);
    shown->choice = cp_preferences_choice(exchange->visit, at);
    shown->allowed = cp_preferences_allow(exchange->visit, at);
    shown->groups = apr_array_make(view->pool, 4, sizeof(void *));
    shown->origins = apr_array_make(view->pool, 2, sizeof(char *));
    groups_fill(view, shown, at);
    origins_fill(view, shown);
    view->chooses = view->chooses || category->rule != CP_RULE_EXEMPT;
}

const cp_view *cp_view_make(const cp_exchange *exchange, apr_pool_t *pool)
{
    const char *tag = cp_language(exchange->visit);

    return cp_view_make_in(exchange, tag ? tag : CP_PHRASES_FALLBACK, pool);
}

const cp_view *cp_view_make_in(const cp_exchange *exchange, const char *tag,
                               apr_pool_t *pool)
{
    const cp_policy *policy = exchange->server->site.policy;
    cp_view *view = apr_pcalloc(pool, sizeof(*view));

    view->exchange = exchange;
    view->pool = pool;
    view->tag = tag;
    view->language = cp_phrases_language(exchange->server->phrases, tag);
    view->categories = apr_array_make(pool, policy->category_count + 1,
                                      sizeof(cp_view_category));
    for (int i = 0; i < policy->category_count; i++) {
        if (policy->categories[i].used) {
            category_fill(view, i);
        }
    }
    return view;
}
