/**
 * @file policy_view.h
 * @brief What the policy page shows, in the visitor's language: the page and
 *        its JSON are written from the same.
 */
#ifndef CP_POLICY_VIEW_H
#define CP_POLICY_VIEW_H

#include "exchange.h"
#include "preferences.h"

/** A declaration. Texts that nobody wrote are NULL. */
typedef struct cp_view_cookie {
    const cp_declaration *declaration;
    const char *wire;           /* its name in the browser; NULL where that is
                                   the declaration's */
    const char *provider;
    const char *provider_url;
    const char *service;
    const char *function;
    const char *location;
    const char *purpose;
    const char *lifetime;       /* in words */
    int seconds;                /* as hardening.lifetime */
} cp_view_cookie;

typedef struct cp_view_category {
    const cp_category *category;
    const char *title;
    const char *description;
    cp_choice choice;
    bool allowed;
    apr_array_header_t *groups; /* of apr_array_header_t *, and those of
                                   cp_view_cookie: one provider, function and
                                   location */
    apr_array_header_t *origins;    /* of const char *: third parties */
} cp_view_category;

typedef struct cp_view {
    const cp_exchange *exchange;
    apr_pool_t *pool;
    const char *tag;            /* the visitor's language */
    const char *language;       /* that of our own words, nearest to it */
    apr_array_header_t *categories; /* of cp_view_category: those in use */
    bool chooses;               /* some can be chosen */
    bool stores;                /* something else than cookies is listed */
    bool has_third_parties;
} cp_view;

/** What a visitor is to see. */
const cp_view *cp_view_make(const cp_exchange *exchange, apr_pool_t *pool);

/** Likewise, in a language of the site. */
const cp_view *cp_view_make_in(const cp_exchange *exchange, const char *tag,
                               apr_pool_t *pool);

/** One of our own phrases; never NULL. */
const char *cp_view_phrase(const cp_view *view, const char *key);

/** The name of a managed cookie in the visitor's browser. */
const char *cp_view_wire(const cp_view *view, cp_managed cookie);

#endif
