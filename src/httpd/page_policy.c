#include "page_policy.h"
#include "answer.h"
#include "policy_view.h"

#include <http_protocol.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* What is sent, and to whom. */
typedef struct page {
    const cp_view *view;
    request_rec *r;
    const char *code;           /* the tag around names, which are written
                                   from left to right in every language */
} page;

/* --- Pieces of HTML ----------------------------------------------------- */

static const char *escaped(const page *in, const char *text)
{
    return text ? ap_escape_html2(in->r->pool, text, 0) : "";
}

static const char *phrase(const page *in, const char *key)
{
    return escaped(in, cp_view_phrase(in->view, key));
}

/* A phrase with HTML in the place of {name}. */
static const char *filled(const page *in, const char *text, const char *name,
                          const char *html)
{
    return cp_phrase_fill(text, name, html, in->r->pool);
}

static const char *code(const page *in, const char *text)
{
    return apr_pstrcat(in->r->pool, in->code, escaped(in, text), "</code>",
                       NULL);
}

static const char *preferences_cookie(const page *in)
{
    return code(in, cp_view_wire(in->view, CP_PREFERENCES));
}

static void paragraph(const page *in, const char *key)
{
    ap_rvputs(in->r, "<p>", phrase(in, key), "</p>\n", NULL);
}

/* A heading that the list of contents leads to. */
static void heading(const page *in, const char *id)
{
    ap_rvputs(in->r, "<h2 id=\"", id, "\">",
              phrase(in, apr_pstrcat(in->r->pool, id, ".title", NULL)),
              "</h2>\n", NULL);
}

static const char *linked(const page *in, const char *url, const char *text)
{
    bool web = url && (strncmp(url, "https://", 8) == 0
                       || strncmp(url, "http://", 7) == 0);

    return web ? apr_pstrcat(in->r->pool, "<a href=\"", escaped(in, url),
                             "\">", escaped(in, text), "</a>", NULL)
               : escaped(in, text);
}

/* --- What a cookie is, and what is done with it -------------------------- */

static void contents_send(const page *in)
{
    static const char *const ids[] = {
        "what", "kinds", "server", "list", "choices", "rights", "controller"
    };

    ap_rputs("<nav>\n<ul>\n", in->r);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        ap_rvputs(in->r, "<li><a href=\"#", ids[i], "\">",
                  phrase(in, apr_pstrcat(in->r->pool, ids[i], ".title",
                                         NULL)),
                  "</a></li>\n", NULL);
    }
    ap_rputs("</ul>\n</nav>\n", in->r);
}

static void kinds_send(const page *in)
{
    static const char *const kinds[] = {
        "necessary", "anonymous", "first-party", "third-party"
    };

    heading(in, "kinds");
    ap_rputs("<dl>\n", in->r);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *key = apr_pstrcat(in->r->pool, "kinds.", kinds[i], NULL);

        ap_rvputs(in->r, "<dt>",
                  phrase(in, apr_pstrcat(in->r->pool, key, ".title", NULL)),
                  "</dt>\n<dd>",
                  phrase(in, apr_pstrcat(in->r->pool, key, ".text", NULL)),
                  "</dd>\n", NULL);
    }
    ap_rputs("</dl>\n", in->r);
}

static void server_send(const page *in)
{
    heading(in, "server");
    paragraph(in, "server.allowed");
    if (!in->view->exchange->visit->terms->undeclared) {
        paragraph(in, "server.unlisted");
    }
    paragraph(in, "server.deleted");
    if (in->view->has_third_parties) {
        paragraph(in, "server.third-party");
    }
    if (in->view->stores) {
        paragraph(in, "server.storage");
    }
}

/* --- The list ------------------------------------------------------------ */

/* A head for all rows of a group; an empty cell is the head of nothing. */
static void group_cell_send(const page *in, const apr_array_header_t *group,
                            const char *html)
{
    const char *tag = *html ? "th scope=\"rowgroup\"" : "td";

    ap_rprintf(in->r, "<%s rowspan=\"%d\" dir=\"auto\">%s</%.2s>\n", tag,
               group->nelts, html, tag);
}

static void group_head_send(const page *in, const apr_array_header_t *group)
{
    const cp_view_cookie *first = &APR_ARRAY_IDX(group, 0, cp_view_cookie);
    const char *url = NULL;
    bool both = first->function && first->location;

    for (int i = 0; i < group->nelts && !url; i++) {
        url = APR_ARRAY_IDX(group, i, cp_view_cookie).provider_url;
    }
    group_cell_send(in, group, linked(in, url, first->provider));
    group_cell_send(in, group,
                    apr_pstrcat(in->r->pool, escaped(in, first->function),
                                both ? "<br>" : "",
                                escaped(in, first->location), NULL));
}

static const char *name_html(const page *in, const cp_view_cookie *cookie)
{
    const cp_declaration *declaration = cookie->declaration;
    const char *html = *declaration->name == '~'
                       ? filled(in, phrase(in, "name.pattern"), "{pattern}",
                                code(in, declaration->name + 1))
                       : code(in, declaration->name);

    if (cookie->wire) {
        html = apr_pstrcat(in->r->pool, html, "<br>",
                           filled(in, phrase(in, "name.wire"), "{name}",
                                  code(in, cookie->wire)), NULL);
    }
    if (declaration->storage != CP_STORAGE_COOKIE) {
        const char *key = apr_pstrcat(in->r->pool, "storage.",
                                      cp_storage_word(declaration->storage),
                                      NULL);

        html = apr_pstrcat(in->r->pool, html, "<br>", phrase(in, key), NULL);
    }
    return html;
}

static void cookie_send(const page *in, const cp_view_cookie *cookie)
{
    bool both = cookie->service && cookie->purpose;

    ap_rvputs(in->r, "<th scope=\"row\">", name_html(in, cookie),
              "</th>\n<td dir=\"auto\">", escaped(in, cookie->service),
              both ? "<br>" : "", escaped(in, cookie->purpose), "</td>\n<td>",
              escaped(in, cookie->lifetime), "</td>\n</tr>\n", NULL);
}

static void table_send(const page *in, const cp_view_category *shown)
{
    static const char *const columns[] = {
        "table.provider", "table.function", "table.name", "table.purpose",
        "table.lifetime"
    };

    ap_rvputs(in->r, "<table aria-labelledby=\"category-",
              shown->category->name, "\">\n<thead>\n<tr>\n", NULL);
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        ap_rvputs(in->r, "<th scope=\"col\">", phrase(in, columns[i]),
                  "</th>\n", NULL);
    }
    ap_rputs("</tr>\n</thead>\n", in->r);
    for (int i = 0; i < shown->groups->nelts; i++) {
        const apr_array_header_t *group =
            APR_ARRAY_IDX(shown->groups, i, apr_array_header_t *);

        ap_rputs("<tbody>\n<tr>\n", in->r);
        group_head_send(in, group);
        for (int j = 0; j < group->nelts; j++) {
            ap_rputs(j ? "<tr>\n" : "", in->r);
            cookie_send(in, &APR_ARRAY_IDX(group, j, cp_view_cookie));
        }
        ap_rputs("</tbody>\n", in->r);
    }
    ap_rputs("</table>\n", in->r);
}

static void origins_send(const page *in, const cp_view_category *shown)
{
    paragraph(in, "third-parties.text");
    ap_rputs("<ul>\n", in->r);
    for (int i = 0; i < shown->origins->nelts; i++) {
        ap_rvputs(in->r, "<li>",
                  code(in, APR_ARRAY_IDX(shown->origins, i, const char *)),
                  "</li>\n", NULL);
    }
    ap_rputs("</ul>\n", in->r);
}

/* The rule, and where there is a choice what it is now. */
static const char *rule_html(const page *in, const cp_view_category *shown)
{
    apr_pool_t *pool = in->r->pool;
    cp_rule rule = shown->category->rule;
    const char *html = phrase(in, apr_pstrcat(pool, "rule.",
                                              cp_rule_word(rule), NULL));

    if (rule == CP_RULE_EXEMPT) {
        return html;
    }
    html = apr_pstrcat(pool, html, " ",
                       phrase(in, apr_pstrcat(pool, "state.",
                                              cp_choice_word(shown->choice),
                                              NULL)), NULL);
    return shown->choice != CP_UNDECIDED ? html
           : apr_pstrcat(pool, html, " ",
                         phrase(in, shown->allowed ? "state.allowed"
                                                   : "state.not-allowed"),
                         NULL);
}

static void category_send(const page *in, const cp_view_category *shown)
{
    const char *name = shown->category->name;

    ap_rvputs(in->r, "<section aria-labelledby=\"category-", name,
              "\">\n<h3 id=\"category-", name, "\" dir=\"auto\">",
              escaped(in, shown->title), "</h3>\n", NULL);
    if (shown->description) {
        ap_rvputs(in->r, "<p dir=\"auto\">", escaped(in, shown->description),
                  "</p>\n", NULL);
    }
    ap_rvputs(in->r, "<p>", rule_html(in, shown), "</p>\n", NULL);
    if (shown->groups->nelts) {
        table_send(in, shown);
    }
    if (shown->origins->nelts) {
        origins_send(in, shown);
    }
    ap_rputs("</section>\n", in->r);
}

static void list_send(const page *in)
{
    heading(in, "list");
    for (int i = 0; i < in->view->categories->nelts; i++) {
        category_send(in, &APR_ARRAY_IDX(in->view->categories, i,
                                         cp_view_category));
    }
}

/* --- The visitor's choices ------------------------------------------------ */

static void box_send(const page *in, const cp_view_category *shown)
{
    cp_rule rule = shown->category->rule;
    const char *key = apr_pstrcat(in->r->pool, "rule.", cp_rule_word(rule),
                                  NULL);

    ap_rvputs(in->r, "<li><label><input type=\"checkbox\" name=\"category\" "
              "value=\"", shown->category->name, "\"",
              shown->allowed ? " checked" : "",
              rule == CP_RULE_EXEMPT ? " disabled" : "", "> <b dir=\"auto\">",
              escaped(in, shown->title), "</b></label><br>", phrase(in, key),
              "</li>\n", NULL);
}

static void form_send(const page *in)
{
    static const char *const buttons[] = {
        "save", "accept-all", "reject-all"
    };
    const char *base = in->view->exchange->server->path;

    paragraph(in, "choices.text");
    ap_rvputs(in->r, "<form method=\"post\" action=\"", base,
              "/preferences\">\n<ul>\n", NULL);
    for (int i = 0; i < in->view->categories->nelts; i++) {
        box_send(in, &APR_ARRAY_IDX(in->view->categories, i,
                                    cp_view_category));
    }
    ap_rvputs(in->r, "</ul>\n<input type=\"hidden\" name=\"next\" value=\"",
              base, "#choices\">\n<input type=\"hidden\" name=\"source\" "
              "value=\"page\">\n<p>\n", NULL);
    for (size_t i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++) {
        ap_rvputs(in->r, "<button name=\"choice\" value=\"", buttons[i],
                  "\">",
                  phrase(in, apr_pstrcat(in->r->pool, "choices.", buttons[i],
                                         NULL)), "</button>\n", NULL);
    }
    ap_rputs("</p>\n</form>\n", in->r);
}

static void choices_send(const page *in)
{
    const cp_server_config *server = in->view->exchange->server;
    const char *time;

    heading(in, "choices");
    if (!in->view->chooses) {
        paragraph(in, "choices.none");
        return;
    }
    if (in->view->exchange->visit->request.gpc) {
        paragraph(in, "gpc.honoured");
    }
    form_send(in);
    time = cp_phrase_time(server->phrases, in->view->language,
                          (int)server->site.consent_lifetime, NULL,
                          in->r->pool);
    ap_rvputs(in->r, "<p>",
              filled(in, filled(in, phrase(in, "choices.kept"), "{cookie}",
                                preferences_cookie(in)),
                     "{time}", escaped(in, time)), "</p>\n", NULL);
    paragraph(in, "choices.changed");
}

/* --- Rights, and who answers ---------------------------------------------- */

static void rights_send(const page *in)
{
    const cp_exchange *exchange = in->view->exchange;

    heading(in, "rights");
    if (in->view->chooses) {
        paragraph(in, "rights.refuse");
        paragraph(in, "rights.withdraw");
        if (exchange->server->site.gpc && !exchange->visit->request.gpc) {
            paragraph(in, "rights.gpc");
        }
    }
    paragraph(in, "rights.browser");
    if (in->view->chooses) {
        ap_rvputs(in->r, "<p>",
                  filled(in, phrase(in, "rights.forgotten"), "{cookie}",
                         preferences_cookie(in)), "</p>\n", NULL);
    }
    paragraph(in, "rights.complain");
}

static bool is_mail_address(const char *text)
{
    const char *at = strchr(text, '@');

    if (!at || at == text || !at[1]) {
        return false;
    }
    for (const char *c = text; *c; c++) {
        if (!apr_isalnum(*c) && c != at && !strchr(".-_+", *c)) {
            return false;
        }
    }
    return true;
}

static const char *contact_html(const page *in, const char *contact)
{
    return is_mail_address(contact)
           ? apr_pstrcat(in->r->pool, "<a href=\"mailto:", contact, "\">",
                         contact, "</a>", NULL)
           : linked(in, contact, contact);
}

static void controller_send(const page *in)
{
    const cp_server_config *server = in->view->exchange->server;
    const char *name = server->controller_name;

    heading(in, "controller");
    name = name ? name : server->controller_url;
    if (name) {
        ap_rvputs(in->r, "<p>", linked(in, server->controller_url, name),
                  "</p>\n", NULL);
    }
    else {
        paragraph(in, "controller.unnamed");
    }
    if (server->controller_contact) {
        ap_rvputs(in->r, "<p>",
                  filled(in, phrase(in, "controller.contact"), "{contact}",
                         contact_html(in, server->controller_contact)),
                  "</p>\n", NULL);
    }
}

/* --- The language --------------------------------------------------------- */

/* Whether a region calls itself as its language does: its file, if there is
 * one, says nothing else. */
static bool is_unnamed(const page *in, const char *tag, const char *name)
{
    const char *dash = strchr(tag, '-');
    const char *language = dash ? apr_pstrmemdup(in->r->pool, tag,
                                                 (apr_size_t)(dash - tag))
                                : NULL;

    return language
           && strcmp(name, cp_phrase(in->view->exchange->server->phrases,
                                     language, "language.name")) == 0;
}

/* What a language calls itself, where our words are in it. */
static const char *language_name(const page *in, const char *tag)
{
    const cp_phrases *phrases = in->view->exchange->server->phrases;
    const char *spoken = cp_phrases_language(phrases, tag);
    const char *name = cp_phrase(phrases, tag, "language.name");
    size_t length = strlen(spoken);

    if (!name || strncasecmp(spoken, tag, length)
        || (tag[length] && tag[length] != '-')) {
        return tag;
    }
    return tag[length] || is_unnamed(in, tag, name)
           ? apr_pstrcat(in->r->pool, name, " (", tag, ")", NULL) : name;
}

/* A visitor who does not read this page's language must find his own. */
static void languages_send(const page *in)
{
    const cp_exchange *exchange = in->view->exchange;
    const char *const *languages = exchange->visit->terms->languages;

    if (!languages || !languages[0] || !languages[1]) {
        return;
    }
    ap_rvputs(in->r, "<form method=\"post\" action=\"",
              exchange->server->path, "/language\">\n<p><label>",
              phrase(in, "language.label"),
              " <select name=\"language\">\n", NULL);
    for (; *languages; languages++) {
        ap_rvputs(in->r, "<option value=\"", *languages, "\" lang=\"",
                  *languages, "\"",
                  strcmp(*languages, in->view->tag) ? ">" : " selected>",
                  escaped(in, language_name(in, *languages)),
                  "</option>\n", NULL);
    }
    ap_rvputs(in->r, "</select></label>\n<button>",
              phrase(in, "language.change"), "</button></p>\n</form>\n",
              NULL);
}

/* --- The whole ------------------------------------------------------------ */

static void content_send(const void *content)
{
    const page *in = content;

    ap_rvputs(in->r, "<h1>", phrase(in, "page.title"), "</h1>\n", NULL);
    languages_send(in);
    paragraph(in, "page.intro");
    contents_send(in);
    heading(in, "what");
    paragraph(in, "what.cookie");
    paragraph(in, "what.other");
    kinds_send(in);
    server_send(in);
    list_send(in);
    choices_send(in);
    rights_send(in);
    controller_send(in);
}

int cp_page_policy(const cp_exchange *exchange, request_rec *r)
{
    const cp_view *view = cp_view_make(exchange, r->pool);
    page in = { view, r, cp_answer_code_tag(exchange) };

    return cp_answer_html(exchange, r, cp_view_phrase(view, "page.title"),
                          content_send, &in);
}
