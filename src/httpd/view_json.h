/**
 * @file view_json.h
 * @brief What the policy is told as JSON in, on its page and in the banner.
 */
#ifndef CP_VIEW_JSON_H
#define CP_VIEW_JSON_H

#include "policy_view.h"

#include <jansson.h>

/** Adds a text, where there is one. One that is no UTF-8 is left out. */
void cp_view_json_text(json_t *object, const char *key, const char *text);

/** The cookies of a category, each as @a one has it. */
json_t *cp_view_json_cookies(const cp_view *view,
                             const cp_view_category *shown,
                             json_t *(*one)(const cp_view *view,
                                            const cp_view_cookie *cookie));

/** The third parties' origins of a category. */
json_t *cp_view_json_origins(const cp_view_category *shown);

#endif
