#include "visit.h"
#include "csrf.h"
#include "language.h"
#include "preferences.h"
#include "session.h"

const cp_room *const cp_rooms[CP_MANAGED_COUNT] = {
    [CP_SESSION] = &cp_session_room,
    [CP_CSRF] = &cp_csrf_room,
    [CP_LANGUAGE] = &cp_language_room,
    [CP_PREFERENCES] = &cp_preferences_room,
};

/* Whether a name is another spelling of a managed cookie's name, on the wire
 * or as the application knows it. */
static bool mimics(const cp_visit *visit, cp_managed cookie, cp_span name)
{
    return cp_cookie_mimics(name, cp_span_of(cp_rooms[cookie]->name))
           || cp_cookie_mimics(name,
                               cp_span_of(visit->site->attributes[cookie]
                                          .name));
}

/* The managed cookie that a name on the wire is, or some application would
 * take it for; -1 for none. */
static int managed_find(const cp_visit *visit, cp_span name, bool *exact)
{
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (!cp_rooms[i]->open(visit)) {
            continue;
        }
        *exact = cp_span_equal(name,
                               cp_span_of(visit->site->attributes[i].name));
        if (*exact || cp_span_equal(name, cp_span_of(cp_rooms[i]->name))
            || mimics(visit, (cp_managed)i, name)) {
            return i;
        }
    }
    return -1;
}

static bool is_session_name(const cp_visit *visit, cp_span name)
{
    return cp_span_equal(name, cp_span_of(visit->site->attributes[CP_SESSION]
                                          .name));
}

static void copy_keep(cp_visit *visit, int cookie, cp_span value)
{
    cp_verdict *verdict = &visit->verdicts[cookie];

    if (!verdict->received) {
        verdict->received = apr_palloc(visit->pool, CP_DUPLICATES_MAX
                                                    * sizeof(cp_span));
    }
    if (verdict->received_count < CP_DUPLICATES_MAX) {
        verdict->received[verdict->received_count++] = value;
    }
    else {
        visit->cut = true;
    }
}

/* Copies without the format take no place: a sibling host could plant so
 * many in front that the genuine one finds none. */
static void managed_keep(cp_visit *visit, int cookie, cp_span value)
{
    if (value.length < cp_rooms[cookie]->length_min
        || value.length > cp_rooms[cookie]->length_max) {
        visit->verdicts[cookie].reason = CP_MALFORMED;
    }
    else {
        copy_keep(visit, cookie, value);
    }
}

/* Some applications split at commas too. Whether one of them would find a
 * managed cookie in the value of another. */
static bool hides_managed(const cp_visit *visit, cp_span value)
{
    const char *end = value.at + value.length;
    const char *comma = value.length ? memchr(value.at, ',', value.length)
                                     : NULL;

    while (comma) {
        cp_span piece = { comma + 1, (apr_size_t)(end - comma - 1) };
        const char *equals;
        bool exact;

        comma = piece.length ? memchr(piece.at, ',', piece.length) : NULL;
        piece.length = comma ? (apr_size_t)(comma - piece.at) : piece.length;
        equals = piece.length ? memchr(piece.at, '=', piece.length) : NULL;
        if (equals) {
            piece.length = (apr_size_t)(equals - piece.at);
            if (managed_find(visit, piece, &exact) >= 0) {
                return true;
            }
        }
    }
    return false;
}

static void pair_sort(cp_visit *visit, const cp_pair *pair)
{
    bool exact = false;
    int managed = managed_find(visit, pair->name, &exact);

    if (managed >= 0) {
        if (exact) {
            managed_keep(visit, managed, cp_cookie_unquoted(pair->value));
        }
        return;
    }
    if (hides_managed(visit, pair->value)) {
        visit->broken++;
        return;
    }
    if (visit->site->session == CP_SESSION_APPLICATION
        && is_session_name(visit, pair->name)) {
        copy_keep(visit, CP_SESSION, pair->value);
    }
    *(cp_pair *)apr_array_push(visit->others) = *pair;
}

static void cookies_read(cp_visit *visit)
{
    cp_span rest = visit->request.cookie;
    int pairs = 0;
    cp_pair pair;

    if (rest.length > CP_COOKIE_LENGTH_MAX) {
        rest.length = CP_COOKIE_LENGTH_MAX;
        while (rest.length && rest.at[rest.length - 1] != ';') {
            rest.length--;      /* half a pair is none */
        }
        visit->cut = true;
    }
    while (cp_cookie_next(&rest, &pair, &visit->broken)) {
        if (++pairs > CP_COOKIE_PAIRS_MAX) {
            visit->cut = true;
            break;
        }
        pair_sort(visit, &pair);
    }
}

static void newcomer_welcome(cp_visit *visit, int cookie)
{
    cp_verdict *verdict = &visit->verdicts[cookie];

    /* In what was cut off there may be a genuine one. */
    if (verdict->value || !cp_rooms[cookie]->open(visit) || visit->cut
        || verdict->reason == CP_CONFLICT
        || verdict->reason == CP_STORE_AWAY) {
        return;
    }
    cp_rooms[cookie]->issue(visit);
    if (verdict->value) {
        verdict->issuance = visit->terms->lazy ? CP_ISSUE_IF_NEEDED
                                               : CP_ISSUE_WITH_DOCUMENT;
    }
}

cp_visit *cp_visit_begin(const cp_site *site, const cp_terms *terms,
                         const cp_request *request, apr_pool_t *pool)
{
    cp_visit *visit = apr_pcalloc(pool, sizeof(*visit));
    bool welcomes = request->welcomes;

    visit->pool = pool;
    visit->site = site;
    visit->terms = terms;
    visit->request = *request;
    visit->session = apr_pcalloc(pool, sizeof(*visit->session));
    visit->preferences = apr_pcalloc(pool, sizeof(*visit->preferences));
    visit->others = apr_array_make(pool, 8, sizeof(cp_pair));
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        visit->verdicts[i].reason = CP_ABSENT;
    }
    cookies_read(visit);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        cp_rooms[i]->validate(visit);
        /* An id in its grace is never answered with a cookie; nor are those
         * who might be somebody else, so that nothing genuine is lost. */
        if (i == CP_SESSION
            && (visit->session->grace
                || visit->verdicts[i].reason == CP_CONFLICT
                || visit->verdicts[i].reason == CP_STORE_AWAY)) {
            visit->request.welcomes = welcomes = false;
        }
        if (welcomes) {
            newcomer_welcome(visit, i);
        }
    }
    return visit;
}

/* --- What the application sees ---------------------------------------- */

/* A cookie that is only issued if somebody asks is not shown, but for the
 * token: to see it is how an application comes to ask for it. */
static bool is_shown(const cp_visit *visit, int cookie)
{
    const cp_verdict *verdict = &visit->verdicts[cookie];

    return cp_rooms[cookie]->open(visit) && verdict->value
           && (verdict->issuance != CP_ISSUE_IF_NEEDED || cookie == CP_CSRF);
}

static const char *shown_value(const cp_visit *visit, int cookie)
{
    return cookie == CP_CSRF && visit->token_seen
           ? visit->token_seen : visit->verdicts[cookie].value;
}

const char *cp_visit_cookie(const cp_visit *visit)
{
    apr_size_t length = 0;
    char *header, *at;

    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (is_shown(visit, i)) {
            length += strlen(cp_rooms[i]->name)
                      + strlen(shown_value(visit, i)) + 3;
        }
    }
    for (int i = 0; i < visit->others->nelts; i++) {
        const cp_pair *pair = &APR_ARRAY_IDX(visit->others, i, cp_pair);

        length += pair->name.length + pair->value.length + 3;
    }
    if (length == 0) {
        return NULL;
    }
    header = at = apr_palloc(visit->pool, length + 1);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (is_shown(visit, i)) {
            at = apr_cpystrn(at, cp_rooms[i]->name, length);
            *at++ = '=';
            at = apr_cpystrn(at, shown_value(visit, i), length);
            *at++ = ';';
            *at++ = ' ';
        }
    }
    for (int i = 0; i < visit->others->nelts; i++) {
        const cp_pair *pair = &APR_ARRAY_IDX(visit->others, i, cp_pair);

        memcpy(at, pair->name.at, pair->name.length);
        at += pair->name.length;
        *at++ = '=';
        memcpy(at, pair->value.at, pair->value.length);
        at += pair->value.length;
        *at++ = ';';
        *at++ = ' ';
    }
    at[-2] = '\0';
    return header;
}

/* --- What goes out ---------------------------------------------------- */

void cp_visit_need(cp_visit *visit, cp_managed cookie)
{
    cp_verdict *verdict = &visit->verdicts[cookie];

    if (verdict->issuance == CP_ISSUE_IF_NEEDED
        || verdict->issuance == CP_ISSUE_WITH_DOCUMENT) {
        verdict->issuance = CP_ISSUE_NOW;
    }
    if (cookie == CP_CSRF) {
        cp_visit_need(visit, CP_SESSION);
    }
}

/* The room that a Set-Cookie line of the application is about, or -1. */
static int room_find(const cp_visit *visit, cp_span name, bool *open)
{
    bool exact = false;
    int managed = managed_find(visit, name, &exact);

    *open = managed >= 0;
    if (managed < 0 && visit->site->session == CP_SESSION_APPLICATION
        && is_session_name(visit, name)) {
        return CP_SESSION;
    }
    return managed;
}

bool cp_visit_admits(const cp_visit *visit, cp_span line, int *managed)
{
    cp_set_cookie cookie;
    bool open;

    *managed = -1;
    if (!cp_set_cookie_read(line, (apr_time_t)visit->request.now, &cookie)) {
        return true;            /* browsers ignore it */
    }
    if (cookie.name.length == 0) {
        /* A nameless cookie comes back as its value alone: what stands
         * before its first `=` would then be read as a name. */
        return !memchr(cookie.value.at, '=', cookie.value.length);
    }
    *managed = room_find(visit, cookie.name, &open);
    return !open;
}

void cp_visit_hear(cp_visit *visit, cp_span line)
{
    cp_set_cookie cookie;
    bool open;
    int room;

    if (cp_set_cookie_read(line, (apr_time_t)visit->request.now, &cookie)) {
        room = room_find(visit, cookie.name, &open);
        if (room >= 0) {
            cp_rooms[room]->hear(visit, &cookie);
        }
    }
}

void cp_visit_issue(cp_visit *visit, bool document, const char **lines)
{
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        const cp_verdict *verdict = &visit->verdicts[i];
        bool due = verdict->issuance == CP_ISSUE_NOW
                   || verdict->issuance == CP_ISSUE_DELETION
                   || (verdict->issuance == CP_ISSUE_WITH_DOCUMENT
                       && (document || visit->terms->all));

        lines[i] = due && !visit->muted
                   ? cp_cookie_write(&visit->site->attributes[i],
                                     verdict->value, visit->request.secure,
                                     visit->pool)
                   : NULL;
    }
}

void cp_visit_mute(cp_visit *visit)
{
    visit->muted = true;
    visit->request.welcomes = false;
}
