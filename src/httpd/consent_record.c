#include "consent_record.h"
#include "language.h"
#include "origin.h"

#include <apr_strings.h>
#include <jansson.h>

/* A host name's length at most (RFC 1035 section 2.3.4, without the last
 * dot). A client may send more. */
#define HOST_MAX 253

/* What a part has besides its head and its entries: `part`, `more` and the
 * names of lists. */
#define NUMBERING_MAX 128

#define LIST_COOKIES "cookies"
#define LIST_PHRASES "phrases"

static const char *const source_words[] = {
    [CP_SOURCE_PAGE] = "page",
    [CP_SOURCE_BANNER] = "banner",
    [CP_SOURCE_API] = "api"
};

/* Null for nothing, and for what is not UTF-8, which JSON cannot hold. */
static json_t *text_json(cp_span text)
{
    json_t *string = text.length ? json_stringn(text.at, text.length) : NULL;

    return string ? string : json_null();
}

static json_t *host_json(cp_span host)
{
    host.length = host.length > HOST_MAX ? HOST_MAX : host.length;
    return text_json(host);
}

/* Takes the object over. */
static const char *line_make(json_t *object, apr_pool_t *pool)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    const char *line = text ? apr_pstrcat(pool, text, "\n", NULL) : NULL;

    free(text);
    json_decref(object);
    return line;
}

/* --- A choice --------------------------------------------------------- */

static json_t *choices_json(const cp_policy *policy, const cp_choice *choices)
{
    json_t *all = json_object();

    for (int i = 0; i < policy->category_count; i++) {
        const cp_category *category = &policy->categories[i];

        if (category->used && category->rule != CP_RULE_EXEMPT) {
            json_object_set_new(all, category->name,
                                json_pack("{s:s, s:s}", "state",
                                          cp_choice_word(choices[i]), "digest",
                                          category->digest));
        }
    }
    return all;
}

static const char *time_text(apr_uint32_t seconds, apr_pool_t *pool)
{
    apr_time_exp_t at;

    apr_time_exp_gmt(&at, apr_time_from_sec(seconds));
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02dZ",
                        at.tm_year + 1900, at.tm_mon + 1, at.tm_mday,
                        at.tm_hour, at.tm_min, at.tm_sec);
}

const char *cp_consent_record_choice(const cp_exchange *exchange,
                                     const cp_consent *consent)
{
    const cp_visit *visit = exchange->visit;
    const cp_policy *policy = visit->site->policy;
    const char *language = consent->language ? consent->language
                                             : cp_language(visit);
    char texts[CP_DIGEST_LENGTH + 1];
    cp_fields fields;

    cp_fields_read(&fields, exchange->r);
    if (!language) {
        language = "en";
    }
    if (!exchange->server->phrases
        || !cp_phrases_digest(exchange->server->phrases, policy, language,
                              texts, visit->pool)) {
        return NULL;
    }
    return line_make(
        json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:s, s:b, s:s, s:s, s:o}",
                  "type", "choice",
                  "id", text_json(cp_span_of(consent->id)),
                  "previous", text_json(cp_span_of(consent->previous_id)),
                  "time", time_text(visit->request.now, visit->pool),
                  "host", host_json(cp_span_of(exchange->origin.host)),
                  "realm", host_json(visit->request.realm),
                  "source", source_words[consent->source],
                  "gpc", cp_origin_objects(&fields),
                  "language", language,
                  "texts", texts,
                  "categories", choices_json(policy, consent->choices)),
        visit->pool);
}

/* --- What a digest stands for ----------------------------------------- */

/* An object that is written in as many parts as its lists need. */
typedef struct parts {
    json_t *head;               /* what each part begins with */
    json_t *part;               /* the one under way */
    int entries;                /* in its lists */
    size_t size;                /* of it, in bytes */
    apr_array_header_t *lines;
    bool failed;
} parts;

static size_t size_of(const json_t *value)
{
    return json_dumpb(value, NULL, 0, JSON_COMPACT);
}

static void part_begin(parts *all)
{
    all->part = json_copy(all->head);
    json_object_set_new(all->part, LIST_COOKIES, json_array());
    all->entries = 0;
    all->size = size_of(all->part);
}

/* @param first  a member that only the first part has */
static void parts_begin(parts *all, json_t *head, const char *first,
                        json_t *list, apr_pool_t *pool)
{
    *all = (parts){ .head = head,
                    .lines = apr_array_make(pool, 1, sizeof(char *)) };
    part_begin(all);
    json_object_set_new(all->part, first, list);
    all->size = size_of(all->part);
}

static void part_end(parts *all, bool more)
{
    const char *line;

    json_object_set_new(all->part, "part",
                        json_integer(all->lines->nelts + 1));
    json_object_set_new(all->part, "more", json_boolean(more));
    line = line_make(all->part, all->lines->pool);
    all->failed = all->failed || !line;
    *(const char **)apr_array_push(all->lines) = line;
}

static void parts_add(parts *all, const char *list, json_t *entry)
{
    size_t size = size_of(entry) + 1;

    if (all->entries
        && all->size + size > CP_CONSENT_RECORD_MAX - NUMBERING_MAX) {
        part_end(all, true);
        part_begin(all);
    }
    if (!json_object_get(all->part, list)) {
        json_object_set_new(all->part, list, json_array());
    }
    all->entries++;
    all->size += size;
    json_array_append_new(json_object_get(all->part, list), entry);
}

static const apr_array_header_t *parts_end(parts *all)
{
    part_end(all, false);
    json_decref(all->head);
    return all->failed ? NULL : all->lines;
}

static json_t *third_parties_json(const cp_policy *policy,
                                  const cp_category *category)
{
    int count = policy->third_parties ? policy->third_parties->nelts : 0;
    json_t *origins = json_array();

    for (int i = 0; i < count; i++) {
        const cp_third_party *one = &APR_ARRAY_IDX(policy->third_parties, i,
                                                   cp_third_party);

        if (strcmp(one->category, category->name) == 0) {
            json_array_append_new(origins,
                                  text_json(cp_span_of(one->origin)));
        }
    }
    return origins;
}

static json_t *declaration_json(const cp_declaration *declaration)
{
    static const char *const keys[] = { "provider", "domain", "lifetime" };
    json_t *cookie = json_object();

    json_object_set_new(cookie, "name",
                        text_json(cp_span_of(declaration->name)));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *text = apr_table_get(declaration->texts, keys[i]);

        json_object_set_new(cookie, keys[i], text_json(cp_span_of(text)));
    }
    json_object_set_new(cookie, "storage",
                        json_string(cp_storage_word(declaration->storage)));
    return cookie;
}

const apr_array_header_t *cp_consent_record_policy(const cp_policy *policy,
                                                   int category,
                                                   apr_pool_t *pool)
{
    const cp_category *of = &policy->categories[category];
    parts all;

    parts_begin(&all, json_pack("{s:s, s:s, s:s, s:s}", "type", "policy",
                                "digest", of->digest, "category", of->name,
                                "rule", cp_rule_word(of->rule)),
                "third_parties", third_parties_json(policy, of), pool);
    for (int i = 0; i < policy->declared_count; i++) {
        if (policy->declared[i].category == category) {
            parts_add(&all, LIST_COOKIES,
                      declaration_json(policy->declared[i].declaration));
        }
    }
    return parts_end(&all);
}

static json_t *categories_json(const cp_phrases *phrases,
                               const cp_policy *policy, const char *tag,
                               apr_pool_t *pool)
{
    static const char *const keys[] = { "title", "description" };
    json_t *all = json_object();

    for (int i = 0; i < policy->category_count; i++) {
        const cp_category *category = &policy->categories[i];
        json_t *texts;

        if (!category->used) {
            continue;
        }
        texts = json_object();
        for (size_t j = 0; j < sizeof(keys) / sizeof(keys[0]); j++) {
            const char *text = cp_phrases_category(phrases, category, keys[j],
                                                   tag, pool);

            json_object_set_new(texts, keys[j], text_json(cp_span_of(text)));
        }
        json_object_set_new(all, category->name, texts);
    }
    return all;
}

static json_t *cookie_json(const cp_phrases *phrases,
                           const cp_declaration *declaration,
                           const char *tag, apr_pool_t *pool)
{
    static const char *const keys[] = {
        "provider", "function", "location", "purpose"
    };
    json_t *cookie = json_object();

    json_object_set_new(cookie, "name",
                        text_json(cp_span_of(declaration->name)));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *text = cp_phrases_cookie(phrases, declaration, keys[i],
                                             tag, pool);

        json_object_set_new(cookie, keys[i], text_json(cp_span_of(text)));
    }
    return cookie;
}

const apr_array_header_t *cp_consent_record_texts(
    const cp_phrases *phrases, const cp_policy *policy, const char *tag,
    const char *digest, apr_pool_t *pool)
{
    const apr_array_header_t *own = apr_table_elts(cp_phrases_own(phrases,
                                                                  tag, pool));
    parts all;

    parts_begin(&all, json_pack("{s:s, s:s, s:s}", "type", "texts", "digest",
                                digest, "language", tag), "categories",
                categories_json(phrases, policy, tag, pool), pool);
    for (int i = 0; i < policy->declared_count; i++) {
        parts_add(&all, LIST_COOKIES,
                  cookie_json(phrases, policy->declared[i].declaration, tag,
                              pool));
    }
    for (int i = 0; i < own->nelts; i++) {
        const apr_table_entry_t *one = &APR_ARRAY_IDX(own, i,
                                                      apr_table_entry_t);

        parts_add(&all, LIST_PHRASES, json_pack("{s:s, s:s}", "name",
                                                one->key, "text", one->val));
    }
    return parts_end(&all);
}
