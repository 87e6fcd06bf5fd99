#include "page_policy.h"
#include "language.h"
#include "preferences.h"

#include <http_protocol.h>
#include <apr_strings.h>

static const char *text_of(const cp_exchange *exchange,
                           const apr_table_t *texts, const char *key)
{
    const char *language = cp_language(exchange->visit);

    return cp_policy_text(texts, key, language ? language : "en",
                          exchange->r->pool);
}

static const char *escaped(request_rec *r, const char *text)
{
    return text ? ap_escape_html2(r->pool, text, 0) : "";
}

static bool belongs(const cp_declaration *declaration,
                    const cp_category *category)
{
    return strcmp(declaration->category, category->name) == 0;
}

/* --- HTML ------------------------------------------------------------- */

static void row_send(const cp_exchange *exchange, request_rec *r,
                     const cp_declaration *declaration)
{
    static const char *const columns[] = {
        "provider", "function", "location", "purpose", "lifetime"
    };

    ap_rprintf(r, "<tr><th scope=\"row\"><code>%s</code></th>",
               escaped(r, declaration->name));
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        ap_rprintf(r, "<td>%s</td>",
                   escaped(r, text_of(exchange, declaration->texts,
                                      columns[i])));
    }
    ap_rputs("</tr>\n", r);
}

static void category_send(const cp_exchange *exchange, request_rec *r,
                          const cp_category *category)
{
    const cp_policy *policy = exchange->server->site.policy;
    const char *title = text_of(exchange, category->texts, "title");

    ap_rprintf(r, "<h2>%s</h2>\n<p>%s</p>\n<table>\n<thead><tr>"
               "<th scope=\"col\">Cookie</th><th scope=\"col\">Provider</th>"
               "<th scope=\"col\">Function</th>"
               "<th scope=\"col\">Location</th>"
               "<th scope=\"col\">Purpose</th>"
               "<th scope=\"col\">Lifetime</th></tr></thead>\n<tbody>\n",
               escaped(r, title ? title : category->name),
               escaped(r, text_of(exchange, category->texts,
                                  "description")));
    for (int i = 0; i < policy->declaration_count; i++) {
        if (belongs(policy->declarations[i], category)) {
            row_send(exchange, r, policy->declarations[i]);
        }
    }
    ap_rputs("</tbody>\n</table>\n", r);
}

static void box_send(const cp_exchange *exchange, request_rec *r,
                     int category)
{
    const cp_category *shown =
        &exchange->server->site.policy->categories[category];
    const char *title = text_of(exchange, shown->texts, "title");

    ap_rprintf(r, "<p><label><input type=\"checkbox\" name=\"category\" "
               "value=\"%s\"%s%s> %s</label></p>\n", shown->name,
               cp_preferences_allow(exchange->visit, category)
               ? " checked" : "",
               shown->rule == CP_RULE_EXEMPT ? " disabled" : "",
               escaped(r, title ? title : shown->name));
}

static void choices_send(const cp_exchange *exchange, request_rec *r)
{
    const cp_policy *policy = exchange->server->site.policy;
    bool asks = false;

    for (int i = 0; i < policy->category_count; i++) {
        asks = asks || (policy->categories[i].used
                        && policy->categories[i].rule != CP_RULE_EXEMPT);
    }
    if (!asks) {
        ap_rputs("<p>This site uses no cookie that needs your consent.</p>\n",
                 r);
        return;
    }
    ap_rprintf(r, "<h2 id=\"choices\">Your choices</h2>\n"
               "<form method=\"post\" action=\"%s/preferences\">\n",
               exchange->server->path);
    for (int i = 0; i < policy->category_count; i++) {
        if (policy->categories[i].used) {
            box_send(exchange, r, i);
        }
    }
    ap_rprintf(r, "<input type=\"hidden\" name=\"next\" value=\"%s\">\n"
               "<p><button name=\"choice\" value=\"save\">Save</button>\n"
               "<button name=\"choice\" value=\"accept-all\">Accept all"
               "</button>\n<button name=\"choice\" value=\"reject-all\">"
               "Refuse all</button></p>\n</form>\n",
               exchange->server->path);
}

static void controller_send(const cp_server_config *server, request_rec *r)
{
    if (!server->controller_name && !server->controller_contact) {
        return;
    }
    ap_rputs("<h2>Who answers for this policy</h2>\n<p>", r);
    if (server->controller_name && server->controller_url) {
        ap_rprintf(r, "<a href=\"%s\">%s</a>",
                   escaped(r, server->controller_url),
                   escaped(r, server->controller_name));
    }
    else if (server->controller_name) {
        ap_rputs(escaped(r, server->controller_name), r);
    }
    if (server->controller_contact) {
        ap_rprintf(r, "%s%s", server->controller_name ? ", " : "",
                   escaped(r, server->controller_contact));
    }
    ap_rputs("</p>\n", r);
}

int cp_page_policy(const cp_exchange *exchange, request_rec *r)
{
    const cp_policy *policy = exchange->server->site.policy;

    ap_set_content_type(r, "text/html; charset=utf-8");
    ap_rputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
             "<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width\">\n"
             "<title>Cookie policy</title>\n</head>\n<body>\n<main>\n"
             "<h1>Cookie policy</h1>\n"
             "<p>A cookie is a small text that a site stores in your browser "
             "and gets back with your next request. These are the cookies "
             "that this site uses.</p>\n", r);
    for (int i = 0; i < policy->category_count; i++) {
        if (policy->categories[i].used) {
            category_send(exchange, r, &policy->categories[i]);
        }
    }
    choices_send(exchange, r);
    controller_send(exchange->server, r);
    ap_rputs("</main>\n</body>\n</html>\n", r);
    return OK;
}

/* --- JSON ------------------------------------------------------------- */

/* jansson refuses what is not UTF-8; a text of the configuration may be so
 * and then is left out. */
static void text_add(const cp_exchange *exchange, json_t *object,
                     const apr_table_t *texts, const char *key)
{
    const char *text = text_of(exchange, texts, key);

    if (text) {
        json_object_set_new(object, key, json_string(text));
    }
}

static json_t *cookie_json(const cp_exchange *exchange,
                           const cp_declaration *declaration)
{
    static const char *const keys[] = {
        "provider", "provider-url", "function", "location", "purpose",
        "lifetime", "domain", "path", "party"
    };
    json_t *cookie = json_pack("{s:s}", "name", declaration->name);

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        text_add(exchange, cookie, declaration->texts, keys[i]);
    }
    return cookie;
}

static json_t *category_json(const cp_exchange *exchange, int at)
{
    const cp_policy *policy = exchange->server->site.policy;
    const cp_category *category = &policy->categories[at];
    json_t *cookies = json_array();
    json_t *object;

    for (int i = 0; i < policy->declaration_count; i++) {
        if (belongs(policy->declarations[i], category)) {
            json_array_append_new(cookies,
                                  cookie_json(exchange,
                                              policy->declarations[i]));
        }
    }
    object = json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", category->name,
                       "rule", cp_rule_word(category->rule), "digest",
                       category->digest, "allowed",
                       cp_preferences_allow(exchange->visit, at), "cookies",
                       cookies);
    text_add(exchange, object, category->texts, "title");
    text_add(exchange, object, category->texts, "description");
    return object;
}

json_t *cp_page_policy_json(const cp_exchange *exchange, request_rec *r)
{
    const cp_server_config *server = exchange->server;
    json_t *categories = json_array();

    (void)r;
    for (int i = 0; i < server->site.policy->category_count; i++) {
        if (server->site.policy->categories[i].used) {
            json_array_append_new(categories, category_json(exchange, i));
        }
    }
    return json_pack("{s:o, s:{s:s?, s:s?, s:s?}}", "categories", categories,
                     "controller", "name", server->controller_name, "url",
                     server->controller_url, "contact",
                     server->controller_contact);
}
