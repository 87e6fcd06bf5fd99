/**
 * @file visit_sample.h
 * @brief A site for the tests, and a browser that visits it: it sends the
 *        cookies that it has and keeps those that it is given.
 */
#ifndef VISIT_SAMPLE_H
#define VISIT_SAMPLE_H

#include <apr_general.h>

#include "csrf.h"
#include "language.h"
#include "preferences.h"
#include "session.h"
#include "store_memory.h"

#define SAMPLE_NOW 1700000000u
#define SAMPLE_IDLE 1800u
#define SAMPLE_ABSOLUTE 43200u
#define SAMPLE_CONSENT_LIFETIME (180u * 86400u)
#define SAMPLE_REALM "www.example.org"

/* Places of the standard categories. */
#define NECESSARY 0
#define ANONYMOUS 1
#define STATISTICS 2
#define FIRST_PARTY 3           /* nothing is declared in it */
#define THIRD_PARTY 4

typedef struct sample {
    apr_pool_t *pool;
    cp_keys keys;
    cp_policy policy;
    cp_attributes attributes[CP_MANAGED_COUNT];
    cp_site site;
    cp_terms terms;
    cp_request request;
    memory_store store;
    const char *jar[CP_MANAGED_COUNT];  /* the browser's; NULL: has it not */
} sample;

static const char *const sample_languages[] = { "en", "fr", "pt-BR", NULL };

/** Key @a at of a ring; it began that many days ago. */
static inline cp_key sample_key(unsigned char id, apr_uint32_t days_ago)
{
    cp_key key = { .id = id, .begins = SAMPLE_NOW - days_ago * 86400u };

    for (int i = 0; i < CP_KEY_LENGTH; i++) {
        key.bytes[i] = (unsigned char)(id * 37 + i * 11 + 5);
    }
    return key;
}

/** The ring anew, after a change of s->keys. */
static inline void sample_rekey(sample *s)
{
    s->site.ring = cp_keyring_make(&s->keys, s->pool);
}

static inline void sample_declare(apr_array_header_t *declarations,
                                  const char *name, const char *category,
                                  const char *provider)
{
    cp_declaration *declaration = apr_pcalloc(declarations->pool,
                                              sizeof(*declaration));
    apr_table_t *texts = apr_table_make(declarations->pool, 2);

    apr_table_setn(texts, "provider", provider);
    declaration->name = name;
    declaration->category = category;
    declaration->texts = texts;
    declaration->hardening.lifetime = CP_LIFETIME_NONE;
    *(cp_declaration **)apr_array_push(declarations) = declaration;
}

/** The standard categories, with a cookie in each but first-party; those of
 *  statistics are of the given provider. */
static inline void sample_policy(sample *s, const char *provider)
{
    apr_array_header_t *declarations = apr_array_make(
        s->pool, 8, sizeof(cp_declaration *));

    memset(&s->policy, 0, sizeof(s->policy));
    cp_policy_begin(&s->policy, s->pool);
    sample_declare(declarations, "sessionid", "necessary", "site");
    sample_declare(declarations, "_pk_id", "statistics-anonymous", "Matomo");
    sample_declare(declarations, "_ga", "statistics", provider);
    sample_declare(declarations, "NID", "third-party", "Maps");
    cp_policy_compile(&s->policy, declarations, NULL, s->pool);
}

static inline void sample_attributes(sample *s)
{
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        s->attributes[i] = (cp_attributes){
            .name = cp_rooms[i]->name, .path = "/", .same_site = "Lax",
            .http_only = i == CP_SESSION || i == CP_LANGUAGE,
            .max_age = i == CP_SESSION || i == CP_CSRF
                       ? CP_COOKIE_AGE_SESSION : 86400
        };
        cp_attributes_compile(&s->attributes[i], s->pool);
    }
    s->site.attributes = s->attributes;
}

/** The whole as most sites have it: everything on, two keys, eager; but what
 *  nothing declares passes. */
static inline void sample_begin(sample *s, apr_pool_t *parent)
{
    memset(s, 0, sizeof(*s));
    apr_pool_create(&s->pool, parent);
    memory_store_reset(&s->store);
    s->keys.count = 2;
    s->keys.list[0] = sample_key(7, 10);
    s->keys.list[1] = sample_key(3, 100);
    sample_rekey(s);
    sample_policy(s, "Google");
    s->site.store = &s->store.store;
    s->site.policy = &s->policy;
    s->site.session = CP_SESSION_ON;
    s->site.idle = SAMPLE_IDLE;
    s->site.absolute = SAMPLE_ABSOLUTE;
    s->site.consent_lifetime = SAMPLE_CONSENT_LIFETIME;
    sample_attributes(s);
    s->terms.csrf = CP_CSRF_ON;
    s->terms.undeclared = true;
    s->terms.languages = sample_languages;
    s->request.realm = CP_SPAN(SAMPLE_REALM);
    s->request.host = CP_SPAN(SAMPLE_REALM);
    s->request.now = SAMPLE_NOW;
    s->request.welcomes = true;
}

static inline void sample_end(sample *s)
{
    apr_pool_destroy(s->pool);
}

/** A request with just this Cookie header; NULL for none. */
static inline cp_visit *sample_request(sample *s, const char *cookie)
{
    s->request.cookie = cp_span_of(cookie);
    return cp_visit_begin(&s->site, &s->terms, &s->request, s->pool);
}

/** `NAME=VALUE` of a managed cookie, as it is on the wire. */
static inline const char *sample_pair(const sample *s, cp_managed cookie,
                                      const char *value)
{
    return apr_pstrcat(s->pool, s->site.attributes[cookie].name, "=", value,
                       NULL);
}

/** The Cookie header that the browser sends; NULL for none. */
static inline const char *sample_header(const sample *s)
{
    const char *header = NULL;

    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (s->jar[i]) {
            header = apr_pstrcat(s->pool, header ? header : "",
                                 header ? "; " : "",
                                 sample_pair(s, (cp_managed)i, s->jar[i]),
                                 NULL);
        }
    }
    return header;
}

/** A request of the browser. */
static inline cp_visit *sample_visit(sample *s)
{
    return sample_request(s, sample_header(s));
}

/** The browser takes what is issued. @return how many lines those were */
static inline int sample_take(sample *s, cp_visit *visit, bool document)
{
    const char *lines[CP_MANAGED_COUNT];
    int count = 0;

    cp_visit_issue(visit, document, lines);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        const char *value = lines[i] ? strchr(lines[i], '=') : NULL;

        if (value) {
            value++;
            count++;
            s->jar[i] = *value == ';' ? NULL
                        : apr_pstrndup(s->pool, value, strcspn(value, ";"));
        }
    }
    return count;
}

/** Fetches a document, and takes what comes with it. */
static inline cp_visit *sample_browse(sample *s)
{
    cp_visit *visit = sample_visit(s);

    sample_take(s, visit, true);
    return visit;
}

/** A change that sets one attribute; NULL for none. */
static inline cp_session_change sample_set(const sample *s, const char *name,
                                           const char *value)
{
    cp_session_change change = { .set = apr_table_make(s->pool, 2) };

    if (name) {
        apr_table_setn(change.set, name, value);
    }
    return change;
}

static inline apr_status_t sample_store(const sample *s, cp_visit *visit,
                                        const char *name, const char *value)
{
    cp_session_change change = sample_set(s, name, value);

    return cp_session_apply(visit, &change);
}

static inline apr_status_t sample_login(const sample *s, cp_visit *visit,
                                        const char *user)
{
    cp_session_change change = sample_set(s, NULL, NULL);

    change.login = user;
    return cp_session_apply(visit, &change);
}

/** An attribute of the session; NULL where it has none of that name. */
static inline const char *sample_attribute(const cp_visit *visit,
                                           const char *name)
{
    const apr_table_t *attributes = cp_session_attributes(visit);

    return attributes ? apr_table_get(attributes, name) : NULL;
}

#endif
