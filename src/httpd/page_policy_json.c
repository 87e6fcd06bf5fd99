/*
 * The policy page as JSON. jansson refuses what is not UTF-8; a text of the
 * configuration may be so, and is then left out.
 */
#include "page_policy.h"
#include "view_json.h"

#define DAY_SECONDS 86400

static json_t *cookie_json(const cp_view *view, const cp_view_cookie *cookie)
{
    static const char *const facts[] = { "domain", "path", "party" };
    const cp_declaration *declaration = cookie->declaration;
    const struct {
        const char *key;
        const char *text;
    } texts[] = {
        { "name", declaration->name },
        { "wire_name", cookie->wire },
        { "storage", cp_storage_word(declaration->storage) },
        { "provider", cookie->provider },
        { "provider-url", cookie->provider_url },
        { "service", cookie->service },
        { "function", cookie->function },
        { "location", cookie->location },
        { "purpose", cookie->purpose },
        { "lifetime", cookie->lifetime },
    };
    json_t *object = json_object();

    (void)view;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cp_view_json_text(object, texts[i].key, texts[i].text);
    }
    if (cookie->seconds != CP_LIFETIME_NONE) {
        json_object_set_new(object, "seconds",
                            json_integer(cookie->seconds));
    }
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        cp_view_json_text(object, facts[i],
                          apr_table_get(declaration->texts, facts[i]));
    }
    return object;
}

static json_t *category_json(const cp_view *view,
                             const cp_view_category *shown)
{
    json_t *object = json_object();

    cp_view_json_text(object, "name", shown->category->name);
    cp_view_json_text(object, "rule", cp_rule_word(shown->category->rule));
    cp_view_json_text(object, "digest", shown->category->digest);
    cp_view_json_text(object, "choice", cp_choice_word(shown->choice));
    json_object_set_new(object, "allowed", json_boolean(shown->allowed));
    cp_view_json_text(object, "title", shown->title);
    cp_view_json_text(object, "description", shown->description);
    json_object_set_new(object, "cookies",
                        cp_view_json_cookies(view, shown, cookie_json));
    json_object_set_new(object, "third_parties",
                        cp_view_json_origins(shown));
    return object;
}

static json_t *controller_json(const cp_server_config *server)
{
    const struct {
        const char *key;
        const char *text;
    } texts[] = {
        { "name", server->controller_name },
        { "url", server->controller_url },
        { "contact", server->controller_contact },
    };
    json_t *object = json_object();

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_object_set_new(object, texts[i].key, json_null());
        cp_view_json_text(object, texts[i].key, texts[i].text);
    }
    return object;
}

json_t *cp_page_policy_json(const cp_exchange *exchange, request_rec *r)
{
    const cp_view *view = cp_view_make(exchange, r->pool);
    json_t *categories = json_array();
    json_t *object = json_object();

    cp_view_json_text(object, "language", view->tag);
    for (int i = 0; i < view->categories->nelts; i++) {
        json_array_append_new(
            categories, category_json(view,
                                      &APR_ARRAY_IDX(view->categories, i,
                                                     cp_view_category)));
    }
    json_object_set_new(object, "categories", categories);
    json_object_set_new(object, "controller",
                        controller_json(exchange->server));
    json_object_set_new(object, "consent_days",
                        json_integer(exchange->server->site.consent_lifetime
                                     / DAY_SECONDS));
    json_object_set_new(object, "gpc",
                        json_boolean(exchange->visit->request.gpc));
    return object;
}
