/**
 * @file banner.h
 * @brief The banner of a host: what its script is told, and the name that all
 *        of it is served under.
 *
 * Scripts and style sheets lie in share/ and are the same for all hosts. What
 * differs is a JSON object, which takes the place of one word of banner.js.
 */
#ifndef CP_BANNER_H
#define CP_BANNER_H

#include "phrases.h"
#include "visit.h"

#include <apr_time.h>

/** Characters of the name: base64url of the first 12 bytes of SHA-256. */
#define CP_BANNER_HASH_LENGTH 16

/** The banner of a host. Lives as long as the configuration. */
typedef struct cp_banner {
    const cp_site *site;
    const char *base;           /* CookiePolicyPath */
    const char *const *languages;   /* NULL ends the list; at least one */
    cp_span tag;                /* for a page without a nonce */
    apr_time_t made;            /* when the configuration was read, in whole
                                   seconds */
    const char *date;           /* the same as HTTP has it */
    char hash[CP_BANNER_HASH_LENGTH + 1];
} cp_banner;

/** Whether a policy has something to ask: a category in use whose rule is
 *  consent. */
bool cp_banner_asks(const cp_policy *policy);

/** Whether the script must run before any other of the page, since categories
 *  in use grant signals. */
bool cp_banner_signals(const cp_policy *policy);

/** The banners of all hosts, while their configuration is read. */
typedef struct cp_banners cp_banners;

/** What makes a host's banner another than those of other hosts. */
typedef struct cp_banner_wish {
    const cp_site *site;        /* must outlive the banner, as all of this */
    const char *base;
    const char *const *languages;   /* NULL: it speaks none in particular */
    const cp_phrases *phrases;  /* what the texts are taken from */
    const char *controller;     /* who answers for its policy, or NULL */
    const char *version;        /* of the module */
    bool tokens;                /* it keeps the csrftoken */
} cp_banner_wish;

/**
 * @param pool     owns the banners
 * @param scratch  what only their making needs
 * @return NULL when OpenSSL fails
 */
cp_banners *cp_banners_make(apr_pool_t *pool, apr_pool_t *scratch);

/**
 * The banner of a host; hosts that would show the same have the same.
 * @return NULL when OpenSSL or jansson fail
 */
const cp_banner *cp_banner_of(cp_banners *banners,
                              const cp_banner_wish *wish);

/** The script, in two pieces, with what it is told between them. */
typedef struct cp_banner_script {
    cp_span before;
    const char *settings;       /* JSON that is safe in a script, from the
                                   pool */
    cp_span after;
} cp_banner_script;

/** @return false when jansson fails */
bool cp_banner_script_make(const cp_banner *banner, cp_banner_script *script,
                           apr_pool_t *pool);

/** A language of the banner by its tag, in any case of letters; NULL where it
 *  has none of that tag. */
const char *cp_banner_language(const cp_banner *banner, cp_span tag);

/**
 * What goes into the head of a page: the same for all visitors, and good as
 * HTML and as XML.
 * @param nonce  that of the page's Content-Security-Policy, or absent
 */
cp_span cp_banner_tag(const cp_banner *banner, cp_span nonce,
                      apr_pool_t *pool);

#endif
