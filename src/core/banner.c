#include "banner.h"
#include "share.h"
#include "token.h"

#include <apr_hash.h>
#include <jansson.h>
#include <openssl/evp.h>

/* The word of the script that the settings take the place of. */
#define PLACE "COOKIE_POLICY"

bool cp_banner_asks(const cp_policy *policy)
{
    for (int i = 0; i < policy->category_count; i++) {
        if (policy->categories[i].used
            && policy->categories[i].rule == CP_RULE_CONSENT) {
            return true;
        }
    }
    return false;
}

bool cp_banner_signals(const cp_policy *policy)
{
    for (int i = 0; i < policy->category_count; i++) {
        if (policy->categories[i].used && policy->categories[i].signals) {
            return true;
        }
    }
    return false;
}

/* --- Settings --------------------------------------------------------- */

/* Nothing is said of what there is none of. */
static void list_add(json_t *object, const char *key, json_t *list)
{
    if (json_array_size(list)) {
        json_object_set_new(object, key, list);
    }
    else {
        json_decref(list);
    }
}

static json_t *signals_json(const char *signals)
{
    json_t *list = json_array();

    while (signals) {
        size_t length = strcspn(signals, ",");

        json_array_append_new(list, json_stringn(signals, length));
        signals = signals[length] ? signals + length + 1 : NULL;
    }
    return list;
}

static bool has_text(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0) {
            return true;
        }
    }
    return false;
}

/* A text that is no UTF-8 is NULL to jansson, and left out. */
static void service_add(json_t *services, const cp_declaration *declaration)
{
    const char *service = apr_table_get(declaration->texts, "service");
    json_t *text = service ? json_string(service) : NULL;

    if (text && !has_text(services, service)) {
        json_array_append(services, text);
    }
    json_decref(text);
}

/* What a script can remove. */
static void stored_add(json_t *stored, const cp_declaration *declaration)
{
    if (declaration->storage == CP_STORAGE_LOCAL
        || declaration->storage == CP_STORAGE_SESSION
        || declaration->storage == CP_STORAGE_INDEXEDDB) {
        json_array_append_new(stored, json_pack(
            "[s, s]", cp_storage_word(declaration->storage),
            declaration->name));
    }
}

/* Whether the Content-Security-Policy of a page goes by a category. */
static bool has_third_party(const cp_policy *policy, const char *category)
{
    const apr_array_header_t *all = policy->third_parties;

    for (int i = 0; all && i < all->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(all, i, cp_third_party).category,
                   category) == 0) {
            return true;
        }
    }
    return false;
}

static json_t *category_json(const cp_policy *policy, int at)
{
    const cp_category *category = &policy->categories[at];
    json_t *object = json_pack("{s:s, s:s, s:s}", "name", category->name,
                               "rule", cp_rule_word(category->rule),
                               "digest", category->digest);
    json_t *services = json_array();
    json_t *stored = json_array();

    for (int i = 0; i < policy->declared_count; i++) {
        if (policy->declared[i].category == at) {
            service_add(services, policy->declared[i].declaration);
            stored_add(stored, policy->declared[i].declaration);
        }
    }
    if (has_third_party(policy, category->name)) {
        json_object_set_new(object, "held", json_true());
    }
    list_add(object, "signals", signals_json(category->signals));
    list_add(object, "services", services);
    list_add(object, "storage", stored);
    return object;
}

static json_t *categories_json(const cp_policy *policy)
{
    json_t *list = json_array();

    for (int i = 0; i < policy->category_count; i++) {
        if (policy->categories[i].used) {
            json_array_append_new(list, category_json(policy, i));
        }
    }
    return list;
}

static json_t *languages_json(const char *const *languages)
{
    json_t *list = json_array();

    for (int i = 0; languages[i]; i++) {
        json_array_append_new(list, json_string(languages[i]));
    }
    return list;
}

/* Where </script> and such would end a script, so does no `<` here. */
static const char *script_safe(const char *json, apr_pool_t *pool)
{
    static const char escape[] = "\\u003c";
    size_t count = 0;
    char *safe, *at;

    for (const char *c = json; *c; c++) {
        count += *c == '<';
    }
    safe = apr_palloc(pool, strlen(json) + count * (sizeof(escape) - 2) + 1);
    for (at = safe; *json; json++) {
        if (*json == '<') {
            memcpy(at, escape, sizeof(escape) - 1);
            at += sizeof(escape) - 1;
        }
        else {
            *at++ = *json;
        }
    }
    *at = '\0';
    return safe;
}

static const char *settings_make(const cp_banner *banner, apr_pool_t *pool)
{
    const cp_site *site = banner->site;
    json_t *settings = json_pack(
        "{s:s, s:s, s:o, s:{s:s, s:s}, s:i, s:b, s:o}",
        "base", banner->base, "hash", banner->hash,
        "languages", languages_json(banner->languages),
        "cookies", "preferences", site->attributes[CP_PREFERENCES].name,
        "language", site->attributes[CP_LANGUAGE].name,
        "lifetime", (int)site->consent_lifetime, "gpc", site->gpc,
        "categories", categories_json(site->policy));
    char *text = settings ? json_dumps(settings, JSON_COMPACT
                                       | JSON_ENSURE_ASCII) : NULL;
    const char *safe = text ? script_safe(text, pool) : NULL;

    free(text);
    json_decref(settings);
    return safe;
}

/* --- The name --------------------------------------------------------- */

struct cp_banners {
    apr_pool_t *pool;
    apr_pool_t *work;           /* cleared for each host */
    apr_time_t now;
    char *date;
    apr_hash_t *made;           /* by all that they are made of */
    unsigned char shares[EVP_MAX_MD_SIZE];  /* the digest of share/ */
    unsigned int shares_length;
};

static bool line_add(EVP_MD_CTX *context, const char *line)
{
    line = line ? line : "";
    return EVP_DigestUpdate(context, line, strlen(line) + 1) == 1;
}

/* What the texts are made of, as far as it lies in the policy. */
static bool policy_add(EVP_MD_CTX *context, const cp_policy *policy)
{
    bool good = true;

    for (int i = 0; good && i < policy->category_count; i++) {
        const apr_array_header_t *texts =
            apr_table_elts(policy->categories[i].texts);

        for (int j = 0; good && j < texts->nelts; j++) {
            const apr_table_entry_t *text =
                &APR_ARRAY_IDX(texts, j, apr_table_entry_t);

            good = line_add(context, text->key)
                   && line_add(context, text->val);
        }
    }
    for (int i = 0; good && i < policy->declared_count; i++) {
        good = line_add(context, policy->declared[i].declaration->line);
    }
    return good;
}

cp_banners *cp_banners_make(apr_pool_t *pool, apr_pool_t *scratch)
{
    cp_banners *banners = apr_pcalloc(scratch, sizeof(*banners));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context
                && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

    banners->pool = pool;
    apr_pool_create(&banners->work, scratch);
    banners->made = apr_hash_make(scratch);
    banners->now = apr_time_from_sec(apr_time_sec(apr_time_now()));
    banners->date = apr_palloc(pool, APR_RFC822_DATE_LEN);
    apr_rfc822_date(banners->date, banners->now);
    for (const cp_share *share = cp_shares; good && share->name; share++) {
        good = EVP_DigestUpdate(context, share->content.at,
                                share->content.length) == 1;
    }
    good = good && EVP_DigestFinal_ex(context, banners->shares,
                                      &banners->shares_length) == 1;
    EVP_MD_CTX_free(context);
    return good ? banners : NULL;
}

static const char *const *languages_of(const cp_banner_wish *wish)
{
    static const char *const english[] = { CP_PHRASES_FALLBACK, NULL };

    return wish->languages && wish->languages[0] ? wish->languages : english;
}

/* All that a banner is made of, but for share/ and what the policy says. */
static const char *wish_key(const cp_banner_wish *wish, apr_pool_t *pool)
{
    const cp_site *site = wish->site;
    const char *const *languages = languages_of(wish);
    const char *key = apr_psprintf(
        pool, "%s\n%s\n%s\n%d %d %d %u", wish->base, wish->version,
        wish->controller ? wish->controller : "", wish->tokens,
        site->session, site->gpc, site->consent_lifetime);

    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        key = apr_psprintf(pool, "%s\n%s %d", key, site->attributes[i].name,
                           site->attributes[i].max_age);
    }
    for (int i = 0; languages[i]; i++) {
        const char *own = cp_phrases_identity(wish->phrases, languages[i]);

        key = apr_pstrcat(pool, key, "\n", languages[i], own ? " " : NULL,
                          own, NULL);
    }
    return key;
}

static bool hash_make(cp_banner *banner, const cp_banners *banners,
                      const char *key, const char *settings)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char hash[EVP_MAX_MD_SIZE];
    bool good = context
                && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1
                && EVP_DigestUpdate(context, banners->shares,
                                    banners->shares_length) == 1
                && line_add(context, key) && line_add(context, settings)
                && policy_add(context, banner->site->policy)
                && EVP_DigestFinal_ex(context, hash, NULL) == 1;

    EVP_MD_CTX_free(context);
    if (good) {
        cp_base64url_encode(banner->hash, hash,
                            CP_BANNER_HASH_LENGTH * 3 / 4);
    }
    return good;
}

static const char *tag_make(const cp_banner *banner, const char *nonce,
                            apr_pool_t *pool)
{
    return apr_pstrcat(pool, "<script src=\"", banner->base, "/banner.",
                       banner->hash, ".js\"",
                       cp_banner_signals(banner->site->policy)
                       ? "" : " defer=\"\"",
                       nonce, "></script>", NULL);
}

const cp_banner *cp_banner_of(cp_banners *banners,
                              const cp_banner_wish *wish)
{
    const char *key, *full, *settings;
    cp_banner *banner;

    apr_pool_clear(banners->work);
    key = wish_key(wish, banners->work);
    full = apr_psprintf(banners->work, "%pp %s",
                        (const void *)wish->site->policy, key);
    banner = apr_hash_get(banners->made, full, APR_HASH_KEY_STRING);
    if (banner) {
        return banner;
    }
    banner = apr_pcalloc(banners->pool, sizeof(*banner));
    banner->site = wish->site;
    banner->base = wish->base;
    banner->languages = languages_of(wish);
    settings = settings_make(banner, banners->work);
    if (!settings || !hash_make(banner, banners, key, settings)) {
        return NULL;
    }
    banner->tag = cp_span_of(tag_make(banner, "", banners->pool));
    banner->made = banners->now;
    banner->date = banners->date;
    apr_hash_set(banners->made,
                 apr_pstrdup(apr_hash_pool_get(banners->made), full),
                 APR_HASH_KEY_STRING, banner);
    return banner;
}

/* --- What is served --------------------------------------------------- */

bool cp_banner_script_make(const cp_banner *banner, cp_banner_script *script,
                           apr_pool_t *pool)
{
    cp_span whole = cp_share_find("banner.js");
    const char *place = NULL;

    for (apr_size_t at = whole.length; !place && at >= sizeof(PLACE) - 1;
         at--) {
        const char *found = whole.at + at - (sizeof(PLACE) - 1);

        place = memcmp(found, PLACE, sizeof(PLACE) - 1) == 0 ? found : NULL;
    }
    script->settings = settings_make(banner, pool);
    if (!place || !script->settings) {
        return false;
    }
    script->before = cp_span_make(whole.at, (apr_size_t)(place - whole.at));
    script->after.at = place + sizeof(PLACE) - 1;
    script->after.length = (apr_size_t)(whole.at + whole.length
                                        - script->after.at);
    return true;
}

const char *cp_banner_language(const cp_banner *banner, cp_span tag)
{
    for (int i = 0; banner->languages[i]; i++) {
        if (strlen(banner->languages[i]) == tag.length
            && strncasecmp(banner->languages[i], tag.at, tag.length) == 0) {
            return banner->languages[i];
        }
    }
    return NULL;
}

cp_span cp_banner_tag(const cp_banner *banner, cp_span nonce,
                      apr_pool_t *pool)
{
    return nonce.at ? cp_span_of(tag_make(
                          banner, apr_pstrcat(pool, " nonce=\"",
                                              apr_pstrmemdup(pool, nonce.at,
                                                             nonce.length),
                                              "\"", NULL), pool))
                    : banner->tag;
}
