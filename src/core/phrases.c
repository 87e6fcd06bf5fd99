#include "phrases.h"
#include "plural.h"
#include "token.h"
#include "wording.h"

#include <stdlib.h>
#include <apr_lib.h>
#include <openssl/evp.h>

/* --- Finding ---------------------------------------------------------- */

/* In the language that is nearest to a tag. */
static const cp_wording *spoken_in(const cp_phrases *phrases, const char *tag)
{
    const cp_wording *found = cp_wording_nearest(phrases, cp_span_of(tag));

    return found ? found : phrases->fallback;
}

const char *cp_phrases_language(const cp_phrases *phrases, const char *tag)
{
    return spoken_in(phrases, tag)->tag;
}

const char *cp_phrases_identity(const cp_phrases *phrases, const char *tag)
{
    return spoken_in(phrases, tag)->identity;
}

/* What is said when something fails is no part of a policy. */
static bool is_of_policy(const char *key)
{
    return strncmp(key, "refusal.", 8) && strncmp(key, "problem.", 8);
}

const apr_table_t *cp_phrases_own(const cp_phrases *phrases, const char *tag,
                                  apr_pool_t *pool)
{
    apr_table_t *own = apr_table_make(pool, 16);
    const char *key;
    json_t *word;

    for (const cp_wording *spoken = spoken_in(phrases, tag);
         spoken && spoken->identity; spoken = spoken->below) {
        json_object_foreach(spoken->words, key, word) {
            if (is_of_policy(key) && !apr_table_get(own, key)) {
                apr_table_setn(own, key, json_string_value(word));
            }
        }
    }
    return own;
}

const char *cp_phrase(const cp_phrases *phrases, const char *tag,
                      const char *key)
{
    const char *found = cp_wording_word(spoken_in(phrases, tag), key);

    return found ? found : cp_wording_word(phrases->fallback, key);
}

const char *cp_phrase_fill(const char *text, const char *place,
                           const char *with, apr_pool_t *pool)
{
    const char *at = strstr(text, place);

    return at ? apr_pstrcat(pool, apr_pstrmemdup(pool, text,
                                                 (apr_size_t)(at - text)),
                            with, at + strlen(place), NULL)
              : text;
}

/* --- Numbers and times ------------------------------------------------ */

/* A form that a language does not list is that of `other`. */
static const char *form_of(const cp_wording *spoken, const char *key,
                           int number)
{
    cp_plural forms[] = { cp_plural_of(spoken->grammar, number),
                          CP_PLURAL_OTHER };
    const char *found = NULL;

    for (int i = 0; i < 2 && !found; i++) {
        char full[CP_PHRASE_KEY_MAX];

        apr_snprintf(full, sizeof(full), "%s.%s", key,
                     cp_plural_word(forms[i]));
        found = cp_wording_native(spoken, full);
    }
    return found;
}

const char *cp_phrase_count(const cp_phrases *phrases, const char *tag,
                            const char *key, int number, apr_pool_t *pool)
{
    const char *form = form_of(spoken_in(phrases, tag), key, number);
    const char *place;

    form = form ? form : form_of(phrases->fallback, key, number);
    place = form ? strstr(form, "{n}") : NULL;
    return place ? apr_psprintf(pool, "%.*s%d%s", (int)(place - form), form,
                                number, place + strlen("{n}"))
                 : form;
}

typedef struct unit {
    const char *key;
    const char *letters;        /* what it may be written as begins so */
    int seconds;
    bool exact_only;            /* as the site wrote it, else not */
} unit;

/* From the largest on; of those with one letter the longer stand first. */
static const unit units[] = {
    { "time.years", "y", 31536000, false },
    { "time.months", "mo", 2592000, false },
    { "time.months", "M", 2592000, true },
    { "time.weeks", "w", 604800, true },
    { "time.days", "d", 86400, false },
    { "time.hours", "h", 3600, false },
    { "time.minutes", "m", 60, false },
    { "time.seconds", "s", 1, false },
};

#define UNITS ((int)(sizeof(units) / sizeof(units[0])))

/* The unit that was written, where it makes the seconds; else -1. */
static int unit_written(const char *written, int seconds)
{
    char *letters = NULL;
    apr_int64_t number;

    if (!written || !apr_isdigit(*written)) {
        return -1;
    }
    number = apr_strtoi64(written, &letters, 10);
    letters += strspn(letters, " ");
    for (int i = 0; i < UNITS; i++) {
        if (strncmp(letters, units[i].letters,
                    strlen(units[i].letters)) == 0) {
            return seconds % units[i].seconds == 0
                   && seconds / units[i].seconds == number ? i : -1;
        }
    }
    return -1;
}

const char *cp_phrase_time(const cp_phrases *phrases, const char *tag,
                           int seconds, const char *written,
                           apr_pool_t *pool)
{
    int at = unit_written(written, seconds);

    for (int i = 0; at < 0 && i < UNITS; i++) {
        if (!units[i].exact_only && seconds % units[i].seconds == 0) {
            at = i;
        }
    }
    return cp_phrase_count(phrases, tag, units[at].key,
                           seconds / units[at].seconds, pool);
}

/* --- What the policy says ---------------------------------------------- */

/* PREFIX.NAME.KEY; a name too long for any key is in no language. */
static const char *own_text(const cp_phrases *phrases, const char *prefix,
                            const char *name, const char *key,
                            const char *tag)
{
    char full[CP_PHRASE_KEY_MAX];

    if (strlen(prefix) + strlen(name) + strlen(key) + 3 > sizeof(full)) {
        return NULL;
    }
    apr_snprintf(full, sizeof(full), "%s.%s.%s", prefix, name, key);
    return cp_phrase(phrases, tag, full);
}

static const char *site_text(const apr_table_t *texts, const char *key,
                             const char *tag, apr_pool_t *pool)
{
    return cp_policy_text(texts, key, tag ? tag : CP_PHRASES_FALLBACK, pool);
}

const char *cp_phrases_category(const cp_phrases *phrases,
                                const cp_category *category, const char *key,
                                const char *tag, apr_pool_t *pool)
{
    const char *text = site_text(category->texts, key, tag, pool);

    return text ? text : own_text(phrases, "category", category->name, key,
                                  tag);
}

const char *cp_phrases_cookie(const cp_phrases *phrases,
                              const cp_declaration *declaration,
                              const char *key, const char *tag,
                              apr_pool_t *pool)
{
    const char *text = site_text(declaration->texts, key, tag, pool);

    return text || declaration->storage != CP_STORAGE_COOKIE ? text
           : own_text(phrases, "cookie", declaration->name, key, tag);
}

/* --- The identity of what is read -------------------------------------- */

/* Each text goes in with its NUL, so that no two lists read alike. */
static bool digest_add(EVP_MD_CTX *context, const char *text)
{
    text = text ? text : "";
    return EVP_DigestUpdate(context, text, strlen(text) + 1) == 1;
}

/* Those about the policy. Copies: jansson's counts of references may be for
 * one thread alone. */
static void words_collect(json_t *all, const cp_wording *spoken)
{
    const char *key;
    json_t *word;

    for (; spoken; spoken = spoken->below) {
        json_object_foreach(spoken->words, key, word) {
            if (is_of_policy(key) && !json_object_get(all, key)) {
                json_object_set_new(all, key,
                                    json_string(json_string_value(word)));
            }
        }
    }
}

static bool words_digest(EVP_MD_CTX *context, const cp_wording *spoken)
{
    json_t *words = json_object();
    char *all;
    bool good;

    words_collect(words, spoken);
    all = json_dumps(words, JSON_SORT_KEYS | JSON_COMPACT);
    good = all && digest_add(context, all);
    free(all);
    json_decref(words);
    return good;
}

static bool declaration_digest(EVP_MD_CTX *context,
                               const cp_phrases *phrases,
                               const cp_declaration *declaration,
                               const char *tag, apr_pool_t *pool)
{
    static const char *const shown[] = {
        "provider", "provider-url", "service", "function", "location",
        "purpose", "lifetime", NULL
    };
    bool good = digest_add(context, declaration->name)
                && digest_add(context, cp_storage_word(declaration->storage));

    for (int i = 0; good && shown[i]; i++) {
        good = digest_add(context, cp_phrases_cookie(phrases, declaration,
                                                     shown[i], tag, pool));
    }
    return good;
}

static bool category_digest(EVP_MD_CTX *context, const cp_phrases *phrases,
                            const cp_policy *policy, int at, const char *tag,
                            apr_pool_t *pool)
{
    const cp_category *category = &policy->categories[at];
    const apr_array_header_t *parties = policy->third_parties;
    bool good = digest_add(context, category->name)
                && digest_add(context, cp_rule_word(category->rule))
                && digest_add(context, cp_phrases_category(
                                  phrases, category, "title", tag, pool))
                && digest_add(context, cp_phrases_category(
                                  phrases, category, "description", tag,
                                  pool));

    for (int i = 0; good && i < policy->declared_count; i++) {
        if (policy->declared[i].category == at) {
            good = declaration_digest(context, phrases,
                                      policy->declared[i].declaration, tag,
                                      pool);
        }
    }
    for (int i = 0; good && parties && i < parties->nelts; i++) {
        const cp_third_party *one = &APR_ARRAY_IDX(parties, i,
                                                   cp_third_party);

        if (strcmp(one->category, category->name) == 0) {
            good = digest_add(context, one->origin);
        }
    }
    return good;
}

bool cp_phrases_digest(const cp_phrases *phrases, const cp_policy *policy,
                       const char *tag, char *digest, apr_pool_t *pool)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char hash[EVP_MAX_MD_SIZE];
    bool good = context
                && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1
                && words_digest(context, spoken_in(phrases, tag));

    for (int i = 0; good && i < policy->category_count; i++) {
        if (policy->categories[i].used) {
            good = category_digest(context, phrases, policy, i, tag, pool);
        }
    }
    good = good && EVP_DigestFinal_ex(context, hash, NULL) == 1;
    EVP_MD_CTX_free(context);
    if (good) {
        cp_base64url_encode(digest, hash, CP_DIGEST_LENGTH * 3 / 4);
    }
    return good;
}
