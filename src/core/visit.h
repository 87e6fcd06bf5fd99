/**
 * @file visit.h
 * @brief What is known of one request's cookies, and the table of the four
 *        rooms that know it.
 *
 * The four managed cookies are four rooms on one corridor. Each has the same
 * small face: validate what came in, issue what goes out, hear what the
 * application says of a cookie of that name. A visit walks the table.
 */
#ifndef CP_VISIT_H
#define CP_VISIT_H

#include "cookie.h"
#include "keyring.h"
#include "policy.h"
#include "set_cookie.h"
#include "store.h"

/** The managed cookies, in the order in which they are validated. */
typedef enum cp_managed {
    CP_SESSION,
    CP_CSRF,                    /* bound to the session, so after it */
    CP_LANGUAGE,
    CP_PREFERENCES,
    CP_MANAGED_COUNT
} cp_managed;

typedef enum cp_session_mode {
    CP_SESSION_ON,
    CP_SESSION_APPLICATION,     /* passes untouched, csrftoken is bound */
    CP_SESSION_OFF
} cp_session_mode;

typedef enum cp_csrf_mode {
    CP_CSRF_ON,
    CP_CSRF_ORIGIN,
    CP_CSRF_OFF
} cp_csrf_mode;

/** What a virtual host has configured; read-only on requests. */
typedef struct cp_site {
    const cp_keyring *ring;
    cp_store *store;            /* NULL where there are no sessions */
    const cp_policy *policy;
    cp_session_mode session;
    apr_uint32_t idle;          /* seconds */
    apr_uint32_t absolute;      /* seconds */
    apr_uint32_t consent_lifetime;  /* seconds */
    bool gpc;                   /* Sec-GPC is honoured */
    const cp_attributes *attributes;    /* of each managed cookie */
} cp_site;

/** What a directory may have configured otherwise than its host. */
typedef struct cp_terms {
    bool lazy;                  /* issue when needed, not on any document */
    bool all;                   /* issue on other responses than documents */
    cp_csrf_mode csrf;
    const char *const *languages;   /* NULL ends the list; NULL: off */
    bool undeclared;            /* what nothing declares passes */
} cp_terms;

/** What a request brings. */
typedef struct cp_request {
    cp_span cookie;             /* the Cookie header as it came */
    cp_span realm;              /* what its tokens are valid in */
    cp_span host;               /* the name that it addressed */
    const char *accept_language;    /* may be NULL */
    apr_uint32_t now;           /* seconds since the epoch */
    bool secure;                /* came by https */
    bool welcomes;              /* its answer may give a newcomer cookies */
    bool gpc;                   /* it objects by Sec-GPC, and the site honours
                                   that */
} cp_request;

/** Why a managed cookie counts as absent; counted by these. */
typedef enum cp_reason {
    CP_VALID,
    CP_ABSENT,
    CP_MALFORMED,               /* of another length or alphabet */
    CP_FORGED,                  /* the MAC is not ours: changed, of another
                                   realm, of an unknown key */
    CP_RETIRED,                 /* of a key that is gone or revoked */
    CP_EXPIRED,
    CP_ENDED,                   /* it says it has a record, and there is none */
    CP_UNLISTED,                /* a language that the site does not speak */
    CP_CONFLICT,                /* two different logged-in sessions */
    CP_STORE_AWAY,              /* nothing is known of its record */
    CP_REASON_COUNT
} cp_reason;

typedef enum cp_issuance {
    CP_ISSUE_NOTHING,
    CP_ISSUE_IF_NEEDED,         /* drawn, in case somebody asks for it */
    CP_ISSUE_WITH_DOCUMENT,
    CP_ISSUE_NOW,
    CP_ISSUE_DELETION
} cp_issuance;

/** Copies of one managed cookie that are looked at; others are ignored. */
#define CP_DUPLICATES_MAX 64

/** What is known of one managed cookie. */
typedef struct cp_verdict {
    cp_span *received;          /* room for CP_DUPLICATES_MAX, or NULL */
    int received_count;
    cp_reason reason;
    const char *value;          /* in force, received or drawn; or NULL */
    cp_issuance issuance;
} cp_verdict;

typedef struct cp_session cp_session;
typedef struct cp_preferences cp_preferences;

/** What is known of a cookie that is not managed. */
typedef struct cp_other {
    cp_pair pair;
    const cp_declared *declared;    /* NULL: nothing declares it */
    bool passes;                /* the application sees it */
} cp_other;

typedef struct cp_visit {
    apr_pool_t *pool;
    const cp_site *site;
    const cp_terms *terms;
    cp_request request;
    cp_verdict verdicts[CP_MANAGED_COUNT];
    cp_session *session;
    bool session_sent;          /* a cookie of its name came, valid or not,
                                   and whoever keeps it */
    const char *token_seen;     /* by the application, where it is not the
                                   one in force; NULL where it is */
    bool token_confirmed;       /* the application goes on with it */
    cp_preferences *preferences;
    apr_array_header_t *others; /* of cp_other */
    apr_uint32_t lasts;         /* what is valid is so until this second, so
                                   long as the store says the same */
    unsigned int broken;        /* pairs that were passed over */
    bool muted;                 /* nothing is issued, whatever comes */
    bool cut;                   /* the header had more than the limits allow */
} cp_visit;

/** One of the four rooms. */
typedef struct cp_room {
    const char *name;           /* as the application knows the cookie */
    apr_size_t length_min;      /* of a value: what is shorter or longer */
    apr_size_t length_max;      /* counts as malformed, unlooked-at */

    /** Whether this site keeps the cookie; if not, it is like any other. */
    bool (*open)(const cp_visit *visit);

    /** Chooses among what was received; sets reason and value. */
    void (*validate)(cp_visit *visit);

    /** Draws a new value, where there is no valid one. */
    void (*issue)(cp_visit *visit);

    /** The application sent a Set-Cookie of that name. */
    void (*hear)(cp_visit *visit, const cp_set_cookie *cookie);
} cp_room;

extern const cp_room *const cp_rooms[CP_MANAGED_COUNT];

/**
 * Parses the Cookie header once, validates the four, and decides what will
 * be issued. @a site and @a terms must outlive the visit.
 */
cp_visit *cp_visit_begin(const cp_site *site, const cp_terms *terms,
                         const cp_request *request, apr_pool_t *pool);

/**
 * Whether a request that brings the same Cookie header in the same way would
 * be decided likewise, so long as its values stand: each cookie that the site
 * keeps came once and is valid, and nothing is to be issued.
 */
bool cp_visit_is_settled(const cp_visit *visit);

/**
 * A visit for a request that brings what a settled one brought before.
 * @param before   of cp_visit_begin(); it is not changed and must outlive the
 *                 copy; other threads may copy it at the same moment
 * @param terms    equal to those of @a before
 * @param request  likewise equal in its cookie, realm, host, secure and gpc
 */
cp_visit *cp_visit_copy(const cp_visit *before, const cp_terms *terms,
                        const cp_request *request, apr_pool_t *pool);

/** Whether what a visit found still stands for its copy: not where a session
 *  was ended or changed, where a value has expired, or where the clock was set
 *  back. */
bool cp_visit_stands(cp_visit *copy, const cp_visit *before);

/**
 * The Cookie header that the application sees: each managed cookie at most
 * once, under the name the application knows, then the others.
 * @return NULL where there is nothing to see
 */
const char *cp_visit_cookie(const cp_visit *visit);

/** The value in force, or NULL; the application sees this one. */
static inline const char *cp_visit_value(const cp_visit *visit,
                                         cp_managed cookie)
{
    return visit->verdicts[cookie].value;
}

/** What was found is not valid for ever. */
static inline void cp_visit_limit(cp_visit *visit, apr_uint32_t end)
{
    visit->lasts = end < visit->lasts ? end : visit->lasts;
}

/**
 * Says that the answer needs this cookie, so that it is issued with any
 * response: for csrftoken, with the session that it is bound to.
 */
void cp_visit_need(cp_visit *visit, cp_managed cookie);

/**
 * The room that a cookie's name belongs to, or that some application would
 * take it for; -1 for none.
 * @param open  gets whether the site keeps that cookie itself
 */
int cp_visit_room(const cp_visit *visit, cp_span name, bool *open);

/** The declaration that a name on the wire falls under, or NULL. A cookie of
 *  ours that the application keeps may have another name there than its
 *  declaration. */
const cp_declared *cp_visit_declared(const cp_visit *visit, cp_span name);

/** Lets the room of a managed cookie hear what the application wants. */
void cp_visit_hear(cp_visit *visit, cp_span line);

/** Whether there may be a line to send, of which kind the answer may be. */
bool cp_visit_may_issue(const cp_visit *visit);

/**
 * The Set-Cookie lines to send.
 * @param document  whether a person looks at the response
 * @param lines     gets one for each cookie; NULL where there is none to send
 */
void cp_visit_issue(cp_visit *visit, bool document, const char **lines);

/** Nothing is to be issued, whatever comes. */
void cp_visit_mute(cp_visit *visit);

#endif
