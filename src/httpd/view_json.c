#include "view_json.h"

void cp_view_json_text(json_t *object, const char *key, const char *text)
{
    if (text) {
        json_object_set_new(object, key, json_string(text));
    }
}

json_t *cp_view_json_cookies(const cp_view *view,
                             const cp_view_category *shown,
                             json_t *(*one)(const cp_view *view,
                                            const cp_view_cookie *cookie))
{
    json_t *cookies = json_array();

    for (int i = 0; i < shown->groups->nelts; i++) {
        const apr_array_header_t *group =
            APR_ARRAY_IDX(shown->groups, i, apr_array_header_t *);

        for (int j = 0; j < group->nelts; j++) {
            json_array_append_new(cookies,
                                  one(view, &APR_ARRAY_IDX(group, j,
                                                           cp_view_cookie)));
        }
    }
    return cookies;
}

json_t *cp_view_json_origins(const cp_view_category *shown)
{
    json_t *origins = json_array();

    for (int i = 0; i < shown->origins->nelts; i++) {
        json_array_append_new(origins, json_string(
                                  APR_ARRAY_IDX(shown->origins, i,
                                                const char *)));
    }
    return origins;
}
