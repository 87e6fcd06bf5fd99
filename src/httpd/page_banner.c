#include "page_banner.h"
#include "banner.h"
#include "view_json.h"
#include "share.h"
#include "token.h"

#include <http_protocol.h>
#include <apr_strings.h>
#include <jansson.h>

/* --- Texts ------------------------------------------------------------ */

typedef struct entry {
    const char *key;
    const char *phrase;
} entry;

static void phrases_add(json_t *object, const cp_view *view,
                        const entry *entries)
{
    for (; entries->key; entries++) {
        cp_view_json_text(object, entries->key,
                          cp_view_phrase(view, entries->phrase));
    }
}

static const cp_view_category *category_at(const cp_view *view, int at)
{
    return &APR_ARRAY_IDX(view->categories, at, cp_view_category);
}

/* What the visitor is asked about, in one line. */
static const char *purposes(const cp_view *view)
{
    const char *all = NULL;

    for (int i = 0; i < view->categories->nelts; i++) {
        const cp_view_category *shown = category_at(view, i);

        if (shown->category->rule == CP_RULE_CONSENT) {
            all = all ? apr_pstrcat(view->pool, all, "; ", shown->title, NULL)
                      : shown->title;
        }
    }
    return all ? all : "";
}

/* The first layer. */
static json_t *texts_json(const cp_view *view)
{
    static const entry entries[] = {
        { "title", "banner.title" }, { "accept", "choices.accept-all" },
        { "reject", "choices.reject-all" }, { "choose", "banner.choose" },
        { "policy", "page.title" }, { "open", "banner.open" },
        { "saved", "banner.saved" }, { "failed", "banner.failed" },
        { "frame", "frame.text" }, { "once", "frame.once" },
        { "always", "frame.always" }, { "more", "frame.policy" },
        { NULL, NULL }
    };
    json_t *texts = json_object();
    json_t *titles = json_object();

    cp_view_json_text(texts, "language", view->language);
    cp_view_json_text(texts, "direction",
                      cp_view_phrase(view, "language.direction"));
    phrases_add(texts, view, entries);
    cp_view_json_text(texts, "text",
                      cp_phrase_fill(cp_view_phrase(view, "banner.text"),
                                     "{categories}", purposes(view),
                                     view->pool));
    for (int i = 0; i < view->categories->nelts; i++) {
        cp_view_json_text(titles, category_at(view, i)->category->name,
                          category_at(view, i)->title);
    }
    json_object_set_new(texts, "titles", titles);
    return texts;
}

static json_t *cookie_json(const cp_view *view, const cp_view_cookie *cookie)
{
    json_t *object = json_object();
    cp_storage storage = cookie->declaration->storage;

    cp_view_json_text(object, "name", cookie->declaration->name
                                      + (*cookie->declaration->name == '~'));
    cp_view_json_text(object, "wire", cookie->wire);
    cp_view_json_text(object, "provider", cookie->provider);
    cp_view_json_text(object, "function", cookie->function);
    cp_view_json_text(object, "purpose", cookie->purpose);
    cp_view_json_text(object, "lifetime", cookie->lifetime);
    if (storage != CP_STORAGE_COOKIE) {
        cp_view_json_text(object, "storage",
                          cp_view_phrase(view,
                                         apr_pstrcat(view->pool, "storage.",
                                                     cp_storage_word(storage),
                                                     NULL)));
    }
    return object;
}

static json_t *category_json(const cp_view *view,
                             const cp_view_category *shown)
{
    json_t *object = json_object();

    cp_view_json_text(object, "name", shown->category->name);
    cp_view_json_text(object, "title", shown->title);
    cp_view_json_text(object, "description", shown->description);
    json_object_set_new(object, "cookies",
                        cp_view_json_cookies(view, shown, cookie_json));
    json_object_set_new(object, "origins", cp_view_json_origins(shown));
    return object;
}

/* The second layer. */
static json_t *details_json(const cp_view *view)
{
    static const entry entries[] = {
        { "title", "choices.title" }, { "intro", "choices.text" },
        { "save", "choices.save" }, { "back", "banner.back" },
        { "list", "banner.list" }, { "gpc", "gpc.honoured" },
        { "unrecorded", "problem.log-away.what" },
        { NULL, NULL }
    };
    static const entry rules[] = {
        { "exempt", "rule.exempt" }, { "objectable", "rule.objectable" },
        { "consent", "rule.consent" }, { NULL, NULL }
    };
    static const entry columns[] = {
        { "name", "table.name" }, { "purpose", "table.purpose" },
        { "provider", "table.provider" }, { "lifetime", "table.lifetime" },
        { NULL, NULL }
    };
    json_t *details = json_object();
    json_t *of_rules = json_object();
    json_t *of_columns = json_object();
    json_t *categories = json_array();

    phrases_add(details, view, entries);
    phrases_add(of_rules, view, rules);
    phrases_add(of_columns, view, columns);
    json_object_set_new(details, "rules", of_rules);
    json_object_set_new(details, "columns", of_columns);
    for (int i = 0; i < view->categories->nelts; i++) {
        json_array_append_new(categories,
                              category_json(view, category_at(view, i)));
    }
    json_object_set_new(details, "categories", categories);
    return details;
}

/* --- Parts ------------------------------------------------------------ */

#define JAVASCRIPT "text/javascript; charset=utf-8"
#define CSS "text/css; charset=utf-8"

/* A part of the banner that was asked for. */
typedef struct part {
    const char *type;
    int (*send)(const cp_exchange *exchange, request_rec *r,
                const struct part *asked);
    const char *language;       /* NULL: it has none */
    cp_span file;               /* of share/, sent as it is */
} part;

static int json_send(request_rec *r, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    if (!text) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_rputs(text, r);
    free(text);
    return OK;
}

static int texts_send(const cp_exchange *exchange, request_rec *r,
                      const part *asked)
{
    return json_send(r, texts_json(cp_view_make_in(exchange,
                                                   asked->language,
                                                   r->pool)));
}

static int details_send(const cp_exchange *exchange, request_rec *r,
                        const part *asked)
{
    return json_send(r, details_json(cp_view_make_in(exchange,
                                                     asked->language,
                                                     r->pool)));
}

static int script_send(const cp_exchange *exchange, request_rec *r,
                       const part *asked)
{
    cp_banner_script script;

    (void)asked;
    if (!cp_banner_script_make(exchange->server->banner, &script, r->pool)) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_rwrite(script.before.at, (int)script.before.length, r);
    ap_rputs(script.settings, r);
    ap_rwrite(script.after.at, (int)script.after.length, r);
    return OK;
}

static int file_send(const cp_exchange *exchange, request_rec *r,
                     const part *asked)
{
    (void)exchange;
    ap_rwrite(asked->file.at, (int)asked->file.length, r);
    return OK;
}

static bool ends_in(cp_span *name, cp_span ending)
{
    if (name->length < ending.length
        || memcmp(name->at + name->length - ending.length, ending.at,
                  ending.length)) {
        return false;
    }
    name->length -= ending.length;
    return true;
}

/* The language of a part; under a name of before, one that is gone since has
 * the first in its place. */
static const char *language_find(const cp_banner *banner, cp_span tag,
                                 bool current)
{
    const char *language = cp_banner_language(banner, tag);

    return language || current || !tag.length ? language
           : banner->languages[0];
}

/* @return whether there is such a part */
static bool part_find(part *found, const cp_banner *banner, cp_span name,
                      bool current)
{
    static const struct {
        const char *name;
        const char *type;
        const char *file;       /* NULL: made for this host */
    } parts[] = {
        { "js", JAVASCRIPT, NULL },
        { "css", CSS, "banner.css" },
        { "more.js", JAVASCRIPT, "banner-more.js" },
        { "more.css", CSS, "banner-more.css" },
    };

    memset(found, 0, sizeof(*found));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (cp_span_equal(name, cp_span_of(parts[i].name))) {
            found->type = parts[i].type;
            found->send = parts[i].file ? file_send : script_send;
            if (parts[i].file) {
                found->file = cp_share_find(parts[i].file);
            }
            return true;
        }
    }
    found->type = "application/json";
    if (ends_in(&name, CP_SPAN(".all.json"))) {
        found->send = details_send;
    }
    else if (ends_in(&name, CP_SPAN(".json"))) {
        found->send = texts_send;
    }
    else {
        return false;
    }
    found->language = language_find(banner, name, current);
    return found->language != NULL;
}

/* Today's part under another name is no-store, as the pages are. */
static void keep(const cp_banner *banner, request_rec *r)
{
    apr_table_setn(r->err_headers_out, "Cache-Control",
                   "public, max-age=31536000, immutable");
    apr_table_setn(r->headers_out, "ETag",
                   apr_pstrcat(r->pool, "\"", banner->hash, "\"", NULL));
    r->no_cache = 0;
    r->no_local_copy = 0;
}

/* The name up to its first dot, where it is one that a banner could have. */
static cp_span hash_of(const char *name)
{
    size_t length = strspn(name, CP_BASE64URL_ALPHABET);

    return name[length] == '.' ? cp_span_make(name, length) : CP_SPAN_NONE;
}

int cp_page_banner(cp_exchange *exchange, request_rec *r, const char *name)
{
    const cp_banner *banner = exchange->server->banner;
    cp_span hash = hash_of(name);
    bool current = banner && cp_span_equal(hash, cp_span_of(banner->hash));
    part asked;
    int status = OK;

    if (!banner || !hash.length
        || !part_find(&asked, banner, cp_span_of(name + hash.length + 1),
                      current)) {
        return HTTP_NOT_FOUND;
    }
    cp_visit_mute(exchange->visit);     /* it may be anybody's */
    if (current) {
        keep(banner, r);
        status = ap_meets_conditions(r);
    }
    ap_set_content_type(r, asked.type);
    return status == OK ? asked.send(exchange, r, &asked) : status;
}
