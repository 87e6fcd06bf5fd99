/*
 * What the inventory holds is put beside the configuration that is in force
 * now: what is declared meanwhile is passed over. Names and paths are
 * clients' own making, and are escaped wherever they are shown.
 */
#include "status_inventory.h"
#include "answer.h"
#include "page_report.h"
#include "suggestion.h"

#include <http_core.h>
#include <http_main.h>
#include <http_protocol.h>
#include <apr_strings.h>
#include <jansson.h>

#define QUERY "inventory"

/** Origins on one line. */
#define ORIGINS_MAX 20

typedef struct entry {
    const cp_sighting *sighting;
    const cp_known *known;      /* or NULL */
    cp_suggestion suggestion;
} entry;

/* What was seen on the virtual hosts of one name. */
typedef struct host {
    const char *name;
    const apr_array_header_t *servers;  /* of server_rec * */
    apr_array_header_t *entries;        /* of entry */
    apr_array_header_t *lines;          /* of const char * */
} host;

typedef struct view {
    apr_array_header_t *hosts;  /* of host */
    apr_uint64_t missed;
    apr_pool_t *pool;
} view;

/* --- Hosts ------------------------------------------------------------ */

static bool is_engaged(const server_rec *s)
{
    return cp_engine_of(cp_dir_defaults_of(s)) != CP_ENGINE_OFF;
}

/* The virtual hosts by the name under which the inventory has them. The main
 * server counts where no virtual host has its name: else it answers nothing,
 * or the same. */
static apr_hash_t *servers_by_name(apr_pool_t *pool)
{
    apr_hash_t *names = apr_hash_make(pool);

    for (server_rec *s = ap_server_conf; s; s = s->next) {
        char *name = apr_pstrndup(pool, s->server_hostname
                                        ? s->server_hostname : "*",
                                  CP_INVENTORY_HOST_MAX);
        apr_array_header_t *servers;

        ap_str_tolower(name);
        servers = apr_hash_get(names, name, APR_HASH_KEY_STRING);
        if (!servers) {
            servers = apr_array_make(pool, 1, sizeof(server_rec *));
            apr_hash_set(names, name, APR_HASH_KEY_STRING, servers);
        }
        if (servers->nelts == 1
            && APR_ARRAY_IDX(servers, 0, server_rec *) == ap_server_conf) {
            apr_array_clear(servers);
        }
        *(server_rec **)apr_array_push(servers) = s;
    }
    return names;
}

static const cp_policy *policy_of(const host *on, int server)
{
    const server_rec *s = server < on->servers->nelts
                          ? APR_ARRAY_IDX(on->servers, server, server_rec *)
                          : ap_server_conf;

    return cp_server_config_of(s)->site.policy;
}

static bool declares(const cp_policy *policy, const cp_sighting *sighting,
                     apr_pool_t *pool)
{
    const apr_array_header_t *origins = policy->third_parties;

    if (!sighting->counts[CP_SIDE_THIRD_PARTY]) {
        return !sighting->cut
               && cp_policy_find(policy, cp_span_of(sighting->name), pool);
    }
    for (int i = 0; origins && i < origins->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(origins, i, cp_third_party).origin,
                   sighting->name) == 0) {
            return true;
        }
    }
    return false;
}

/* Declared on every virtual host of that name whose engine is not Off; or,
 * where it is Off on all but in some directory, on every one. */
static bool is_declared(const host *on, const cp_sighting *sighting,
                        apr_pool_t *pool)
{
    bool engaged = false;
    bool everywhere = true;

    for (int i = 0; i < on->servers->nelts; i++) {
        engaged = engaged || is_engaged(APR_ARRAY_IDX(on->servers, i,
                                                      server_rec *));
    }
    for (int i = 0; everywhere && i < on->servers->nelts; i++) {
        if (!engaged || is_engaged(APR_ARRAY_IDX(on->servers, i,
                                                 server_rec *))) {
            everywhere = declares(policy_of(on, i), sighting, pool);
        }
    }
    return everywhere
           && (on->servers->nelts > 0
               || declares(policy_of(on, 0), sighting, pool));
}

/* --- Lines ------------------------------------------------------------ */

static void line_add(host *on, const char *line)
{
    *(const char **)apr_array_push(on->lines) = line;
}

/* Each pattern once, however many names fall under it. */
static int cookie_lines_add(host *on, apr_pool_t *pool)
{
    apr_hash_t *done = apr_hash_make(pool);
    int refused = 0;

    for (int i = 0; i < on->entries->nelts; i++) {
        const entry *one = &APR_ARRAY_IDX(on->entries, i, entry);
        const cp_suggestion *suggestion = &one->suggestion;

        refused += suggestion->refusal != NULL;
        if (suggestion->refusal
            || one->sighting->counts[CP_SIDE_THIRD_PARTY]
            || apr_hash_get(done, suggestion->name, APR_HASH_KEY_STRING)) {
            continue;
        }
        apr_hash_set(done, suggestion->name, APR_HASH_KEY_STRING, "");
        if (suggestion->guessed) {
            line_add(on, apr_pstrcat(pool, "# Choose the category of ",
                                     suggestion->name, "; ",
                                     suggestion->category,
                                     " asks for consent.", NULL));
        }
        line_add(on, cp_suggestion_line(suggestion, pool));
    }
    return refused;
}

static void origin_lines_add(host *on, apr_pool_t *pool)
{
    const char *line = NULL;
    int count = 0;

    for (int i = 0; i < on->entries->nelts; i++) {
        const entry *one = &APR_ARRAY_IDX(on->entries, i, entry);

        if (one->suggestion.refusal
            || !one->sighting->counts[CP_SIDE_THIRD_PARTY]) {
            continue;
        }
        if (count++ == 0) {
            line_add(on, "# Anybody can send a report: look at each origin, "
                         "and choose the category.");
        }
        else if (count % ORIGINS_MAX == 1) {
            line_add(on, line);
            line = NULL;
        }
        line = apr_pstrcat(pool, line ? line : "CookiePolicyThirdParty "
                                               "third-party", " ",
                           one->suggestion.name, NULL);
    }
    if (line) {
        line_add(on, line);
    }
}

static void lines_make(host *on, apr_pool_t *pool)
{
    const char *name = cp_suggestion_text(on->name, pool);
    int refused;

    line_add(on, apr_pstrcat(pool, "# ", name ? name : "*", NULL));
    refused = cookie_lines_add(on, pool);
    origin_lines_add(on, pool);
    if (refused) {
        line_add(on, apr_psprintf(pool, "# %d more have no line; the "
                                  "inventory's page says why.", refused));
    }
}

/* --- Collecting ------------------------------------------------------- */

static host *host_begin(view *all, apr_hash_t *servers, const char *name)
{
    host *on = apr_array_push(all->hosts);

    on->name = name;
    on->servers = apr_hash_get(servers, name, APR_HASH_KEY_STRING);
    if (!on->servers) {
        on->servers = apr_array_make(all->pool, 0, sizeof(server_rec *));
    }
    on->entries = apr_array_make(all->pool, 8, sizeof(entry));
    on->lines = apr_array_make(all->pool, 8, sizeof(char *));
    return on;
}

static void entry_add(view *all, host *on, const cp_sighting *sighting,
                      const cp_database *database)
{
    entry *one = apr_array_push(on->entries);
    bool looks = database && !sighting->cut
                 && !sighting->counts[CP_SIDE_THIRD_PARTY];

    one->sighting = sighting;
    one->known = looks ? cp_database_find(database,
                                          cp_span_of(sighting->name))
                       : NULL;
    one->suggestion = cp_suggest(sighting, one->known, policy_of(on, 0),
                                 all->pool);
    if (sighting->counts[CP_SIDE_THIRD_PARTY]) {
        const char *origin = cp_report_origin(sighting->name, all->pool);

        if (!origin || strcmp(origin, sighting->name)) {
            one->suggestion.refusal = "it is no origin";
        }
    }
}

static void view_make(view *all, const cp_server_config *config,
                      apr_pool_t *pool)
{
    apr_hash_t *servers = servers_by_name(pool);
    apr_array_header_t *list;
    host *on = NULL;

    all->pool = pool;
    all->hosts = apr_array_make(pool, 8, sizeof(host));
    all->missed = 0;
    if (!config->inventory) {
        return;
    }
    list = cp_inventory_list(config->inventory, &all->missed, pool);
    for (int i = 0; i < list->nelts; i++) {
        const cp_sighting *one = &APR_ARRAY_IDX(list, i, cp_sighting);

        if (!on || strcmp(on->name, one->host)) {
            if (on && on->entries->nelts == 0) {
                apr_array_pop(all->hosts);
            }
            on = host_begin(all, servers, one->host);
        }
        if (!is_declared(on, one, pool)) {
            entry_add(all, on, one,
                      cp_server_config_of(ap_server_conf)->database);
        }
    }
    if (on && on->entries->nelts == 0) {
        apr_array_pop(all->hosts);
    }
    for (int i = 0; i < all->hosts->nelts; i++) {
        lines_make(&APR_ARRAY_IDX(all->hosts, i, host), pool);
    }
}

static const char *time_text(apr_uint32_t seconds, apr_pool_t *pool)
{
    apr_time_exp_t exploded;
    char text[32] = "";
    apr_size_t length = 0;

    apr_time_exp_gmt(&exploded, apr_time_from_sec(seconds));
    apr_strftime(text, &length, sizeof(text), "%Y-%m-%dT%H:%M:%SZ",
                 &exploded);
    return apr_pstrdup(pool, text);
}

static const char *escaped(apr_pool_t *pool, const char *text)
{
    return ap_escape_logitem(pool, text);
}

/* --- HTML ------------------------------------------------------------- */

static const char *html(apr_pool_t *pool, const char *text)
{
    return ap_escape_html2(pool, text ? text : "", 0);
}

static void known_html(request_rec *r, const cp_known *known)
{
    const char *name = cp_suggestion_text(known->name, r->pool);
    const char *platform = cp_suggestion_text(known->platform, r->pool);
    const char *purpose = cp_suggestion_text(known->description, r->pool);

    ap_rprintf(r, "%s%s %s: %s", html(r->pool, name),
               known->wildcard ? "..." : "", html(r->pool, platform),
               html(r->pool, purpose));
}

static void entry_html(request_rec *r, const entry *one)
{
    const cp_sighting *sighting = one->sighting;
    const char *refusal = one->suggestion.refusal;

    ap_rprintf(r, "<tr><th scope=\"row\"><code>%s</code>%s</th>",
               html(r->pool, escaped(r->pool, sighting->name)),
               sighting->cut ? " (cut)" : "");
    for (int i = 0; i < CP_SIDE_COUNT; i++) {
        ap_rprintf(r, "<td>%" APR_UINT64_T_FMT "</td>", sighting->counts[i]);
    }
    ap_rprintf(r, "<td>%s</td><td><code>%s</code></td><td>",
               time_text(sighting->first, r->pool),
               html(r->pool, escaped(r->pool, sighting->path)));
    if (one->known) {
        known_html(r, one->known);
    }
    ap_rprintf(r, "</td><td>%s</td></tr>\n",
               refusal ? html(r->pool, refusal) : "yes");
}

static void host_html(request_rec *r, const host *on)
{
    ap_rprintf(r, "<h2>%s</h2>\n<table>\n<thead><tr>"
               "<th scope=\"col\">Name or origin</th>"
               "<th scope=\"col\">Set by the server</th>"
               "<th scope=\"col\">Brought by browsers</th>"
               "<th scope=\"col\">Reported third party</th>"
               "<th scope=\"col\">First seen</th><th scope=\"col\">at</th>"
               "<th scope=\"col\">The database</th>"
               "<th scope=\"col\">Has a line</th></tr></thead>\n<tbody>\n",
               html(r->pool, escaped(r->pool, on->name)));
    for (int i = 0; i < on->entries->nelts; i++) {
        entry_html(r, &APR_ARRAY_IDX(on->entries, i, entry));
    }
    ap_rputs("</tbody>\n</table>\n<pre>\n", r);
    for (int i = 0; i < on->lines->nelts; i++) {
        ap_rprintf(r, "%s\n", html(r->pool, APR_ARRAY_IDX(on->lines, i,
                                                          const char *)));
    }
    ap_rputs("</pre>\n", r);
}

static void html_send(request_rec *r, const view *all)
{
    ap_set_content_type(r, "text/html; charset=utf-8");
    ap_rputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
             "<meta charset=\"utf-8\">\n"
             "<title>Cookie policy: inventory</title>\n</head>\n<body>\n"
             "<h1>Cookie policy: inventory</h1>\n"
             "<p>What was seen since httpd was started and the policy does "
             "not declare, and the lines that declare it. "
             "<a href=\"?inventory&amp;text\">The lines alone</a>, "
             "<a href=\"?inventory&amp;json\">JSON</a>.</p>\n", r);
    if (all->missed) {
        ap_rprintf(r, "<p>%" APR_UINT64_T_FMT " sightings found no free "
                   "place.</p>\n", all->missed);
    }
    if (all->hosts->nelts == 0) {
        ap_rputs("<p>There is nothing to declare.</p>\n", r);
    }
    for (int i = 0; i < all->hosts->nelts; i++) {
        host_html(r, &APR_ARRAY_IDX(all->hosts, i, host));
    }
    ap_rputs("</body>\n</html>\n", r);
}

/* --- JSON and text ---------------------------------------------------- */

static json_t *known_json(const cp_known *known, apr_pool_t *pool)
{
    return json_pack("{s:s?, s:b, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}",
                     "name", cp_suggestion_text(known->name, pool),
                     "wildcard", known->wildcard,
                     "platform", cp_suggestion_text(known->platform, pool),
                     "category", cp_suggestion_text(known->category, pool),
                     "domain", cp_suggestion_text(known->domain, pool),
                     "description", cp_suggestion_text(known->description,
                                                       pool),
                     "retention", cp_suggestion_text(known->retention, pool),
                     "controller", cp_suggestion_text(known->controller,
                                                      pool));
}

static json_t *entry_json(const entry *one, apr_pool_t *pool)
{
    const cp_sighting *seen = one->sighting;
    json_t *known = one->known ? known_json(one->known, pool) : json_null();

    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:s, s:s, s:o, s:s?}",
                     "name", escaped(pool, seen->name), "cut", seen->cut,
                     "set", (json_int_t)seen->counts[CP_SIDE_APPLICATION],
                     "brought", (json_int_t)seen->counts[CP_SIDE_BROWSER],
                     "reported",
                     (json_int_t)seen->counts[CP_SIDE_THIRD_PARTY],
                     "first", time_text(seen->first, pool),
                     "path", escaped(pool, seen->path),
                     "known", known, "refusal", one->suggestion.refusal);
}

static json_t *host_json(const host *on, apr_pool_t *pool)
{
    json_t *entries = json_array();
    json_t *lines = json_array();

    for (int i = 0; i < on->entries->nelts; i++) {
        json_array_append_new(entries,
                              entry_json(&APR_ARRAY_IDX(on->entries, i,
                                                        entry), pool));
    }
    for (int i = 0; i < on->lines->nelts; i++) {
        json_array_append_new(lines,
                              json_string(APR_ARRAY_IDX(on->lines, i,
                                                        const char *)));
    }
    return json_pack("{s:s, s:o, s:o}", "host", escaped(pool, on->name),
                     "seen", entries, "lines", lines);
}

static int json_send(request_rec *r, const view *all)
{
    json_t *hosts = json_array();

    for (int i = 0; i < all->hosts->nelts; i++) {
        json_array_append_new(hosts, host_json(&APR_ARRAY_IDX(all->hosts, i,
                                                              host),
                                               r->pool));
    }
    return cp_answer_json(r, json_pack("{s:I, s:o}", "missed",
                                       (json_int_t)all->missed, "hosts",
                                       hosts));
}

static void text_send(request_rec *r, const view *all)
{
    ap_set_content_type(r, "text/plain; charset=utf-8");
    for (int i = 0; i < all->hosts->nelts; i++) {
        const host *on = &APR_ARRAY_IDX(all->hosts, i, host);

        for (int j = 0; j < on->lines->nelts; j++) {
            ap_rprintf(r, "%s\n", APR_ARRAY_IDX(on->lines, j, const char *));
        }
    }
}

/* --- The answer ------------------------------------------------------- */

bool cp_status_inventory_is_wanted(const char *query)
{
    return query && strncmp(query, QUERY, sizeof(QUERY) - 1) == 0
           && strchr("&", query[sizeof(QUERY) - 1]);
}

int cp_status_inventory(request_rec *r)
{
    const char *form = r->args + sizeof(QUERY) - 1;
    view all;

    view_make(&all, cp_server_config_of(r->server), r->pool);
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   "default-src 'none'; frame-ancestors 'none'");
    if (strcmp(form, "&text") == 0) {
        text_send(r, &all);
        return OK;
    }
    if (strcmp(form, "&json") == 0 || cp_answer_is_json(r)) {
        return json_send(r, &all);
    }
    html_send(r, &all);
    return OK;
}
