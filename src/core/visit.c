#include "visit.h"
#include "csrf.h"
#include "decision.h"
#include "language.h"
#include "preferences.h"
#include "session.h"

#include <stddef.h>

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
    const char *usual = cp_rooms[cookie]->name;
    const char *wire = visit->site->attributes[cookie].name;

    return cp_cookie_mimics(name, cp_span_of(usual))
           || (wire != usual && cp_cookie_mimics(name, cp_span_of(wire)));
}

/* Whether a name is that of a managed cookie on the wire. */
static bool is_wire_name(const cp_visit *visit, int cookie, cp_span name)
{
    const char *wire = visit->site->attributes[cookie].name;

    return name.length && *name.at == *wire
           && cp_span_equal(name, cp_span_of(wire));
}

/* The managed cookie that a name on the wire is, or some application would
 * take it for; -1 for none. */
static int managed_find(const cp_visit *visit, cp_span name, bool *exact)
{
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (is_wire_name(visit, i, name) && cp_rooms[i]->open(visit)) {
            *exact = true;
            return i;
        }
    }
    *exact = false;
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (cp_rooms[i]->open(visit)
            && (cp_span_equal(name, cp_span_of(cp_rooms[i]->name))
                || mimics(visit, (cp_managed)i, name))) {
            return i;
        }
    }
    return -1;
}

static bool is_session_name(const cp_visit *visit, cp_span name)
{
    return is_wire_name(visit, CP_SESSION, name);
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

static bool ends_value(char c)
{
    return c == ',' || cp_is_blank(c);
}

/* Some applications end a value at a comma or a blank, and read on. The next
 * name that they would find in one.
 * @return false where there is none */
static bool hidden_next(cp_span *value, cp_span *name)
{
    apr_size_t at = 0;

    while (at < value->length) {
        apr_size_t begin, end;

        while (at < value->length && !ends_value(value->at[at])) {
            at++;
        }
        for (begin = ++at; at < value->length && value->at[at] != '='
                           && !ends_value(value->at[at]); at++) {
        }
        end = at;
        while (at < value->length && cp_is_blank(value->at[at])) {
            at++;
        }
        if (at < value->length && end > begin && value->at[at] == '=') {
            *name = cp_span_make(value->at + begin, end - begin);
            value->at += at;
            value->length -= at;
            return true;
        }
        at = end;
    }
    return false;
}

/* Whether one of them would find a managed cookie in the value of another. */
static bool hides_managed(const cp_visit *visit, cp_span value)
{
    cp_span name;
    bool exact;

    while (hidden_next(&value, &name)) {
        if (managed_find(visit, name, &exact) >= 0) {
            return true;
        }
    }
    return false;
}

/* Or one that the visitor refused. */
static bool hides_refused(cp_visit *visit, cp_span value)
{
    cp_span name;

    while (hidden_next(&value, &name)) {
        if (cp_decide(visit, cp_visit_declared(visit, name))
            == CP_NOT_ALLOWED) {
            return true;
        }
    }
    return false;
}

static void pair_sort(cp_visit *visit, const cp_pair *pair)
{
    bool exact = false;
    int managed = managed_find(visit, pair->name, &exact);

    if (is_session_name(visit, pair->name)) {
        visit->session_sent = true;
    }
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
    ((cp_other *)apr_array_push(visit->others))->pair = *pair;
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

const cp_declared *cp_visit_declared(const cp_visit *visit, cp_span name)
{
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        const char *wire = visit->site->attributes[i].name;

        if (wire != cp_rooms[i]->name
            && cp_span_equal(name, cp_span_of(wire))) {
            name = cp_span_of(cp_rooms[i]->name);
            break;
        }
    }
    return cp_policy_find(visit->site->policy, name, visit->pool);
}

/* The choice is known by now. */
static void others_decide(cp_visit *visit)
{
    for (int i = 0; i < visit->others->nelts; i++) {
        cp_other *other = &APR_ARRAY_IDX(visit->others, i, cp_other);

        other->declared = cp_visit_declared(visit, other->pair.name);
        other->passes = cp_decide(visit, other->declared) == CP_PASSES
                        && !hides_refused(visit, other->pair.value);
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

/* A visit with all that a request may change of it, in one piece; what a
 * session is bound to, mostly one thing of many, comes last. */
typedef struct whole_visit {
    cp_visit visit;
    cp_preferences preferences;
    cp_session session;
} whole_visit;

static apr_size_t whole_length(const cp_session *session)
{
    return offsetof(whole_visit, session) + offsetof(cp_session, bindings)
           + (apr_size_t)session->binding_count * sizeof(cp_span);
}

static cp_visit *whole_join(whole_visit *whole, apr_pool_t *pool)
{
    whole->visit.pool = pool;
    whole->visit.session = &whole->session;
    whole->visit.preferences = &whole->preferences;
    return &whole->visit;
}

cp_visit *cp_visit_begin(const cp_site *site, const cp_terms *terms,
                         const cp_request *request, apr_pool_t *pool)
{
    cp_visit *visit = whole_join(apr_pcalloc(pool, sizeof(whole_visit)),
                                 pool);
    bool welcomes = request->welcomes;

    visit->site = site;
    visit->terms = terms;
    visit->request = *request;
    visit->lasts = APR_UINT32_MAX;
    visit->others = apr_array_make(pool, 8, sizeof(cp_other));
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
    others_decide(visit);
    return visit;
}

bool cp_visit_is_settled(const cp_visit *visit)
{
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        const cp_verdict *verdict = &visit->verdicts[i];

        if (cp_rooms[i]->open(visit)
            && (verdict->reason != CP_VALID || verdict->received_count != 1)) {
            return false;
        }
    }
    return !visit->cut && !visit->session->grace;
}

cp_visit *cp_visit_copy(const cp_visit *before, const cp_terms *terms,
                        const cp_request *request, apr_pool_t *pool)
{
    whole_visit *whole = apr_palloc(pool, sizeof(*whole));
    cp_visit *visit = &whole->visit;

    memcpy(whole, before, whole_length(before->session));
    whole_join(whole, pool);

    visit->terms = terms;
    visit->request = *request;
    return visit;
}

bool cp_visit_stands(cp_visit *copy, const cp_visit *before)
{
    return copy->request.now >= before->request.now
           && copy->request.now < copy->lasts
           && (!copy->session->stored || cp_session_stands(copy));
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

static char *pair_write(char *at, cp_span name, cp_span value)
{
    at = cp_span_put(at, name);
    *at++ = '=';
    at = cp_span_put(at, value);
    *at++ = ';';
    *at++ = ' ';
    return at;
}

/* The length of `=`, `;` and a blank. */
#define PAIR_EXTRA 3

/* Of each managed cookie what is shown, or the absent span.
 * @return the bytes that the header takes */
static apr_size_t shown_find(const cp_visit *visit, cp_span *shown)
{
    apr_size_t length = 0;

    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        shown[i] = is_shown(visit, i) ? cp_span_of(shown_value(visit, i))
                                      : CP_SPAN_NONE;
        if (shown[i].at) {
            length += strlen(cp_rooms[i]->name) + shown[i].length
                      + PAIR_EXTRA;
        }
    }
    for (int i = 0; i < visit->others->nelts; i++) {
        const cp_other *other = &APR_ARRAY_IDX(visit->others, i, cp_other);

        if (other->passes) {
            length += other->pair.name.length + other->pair.value.length
                      + PAIR_EXTRA;
        }
    }
    return length;
}

const char *cp_visit_cookie(const cp_visit *visit)
{
    cp_span shown[CP_MANAGED_COUNT];
    apr_size_t length = shown_find(visit, shown);
    char *header, *at;

    if (length == 0) {
        return NULL;
    }
    header = at = apr_palloc(visit->pool, length + 1);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (shown[i].at) {
            at = pair_write(at, cp_span_of(cp_rooms[i]->name), shown[i]);
        }
    }
    for (int i = 0; i < visit->others->nelts; i++) {
        const cp_other *other = &APR_ARRAY_IDX(visit->others, i, cp_other);

        if (other->passes) {
            at = pair_write(at, other->pair.name, other->pair.value);
        }
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

int cp_visit_room(const cp_visit *visit, cp_span name, bool *open)
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

void cp_visit_hear(cp_visit *visit, cp_span line)
{
    cp_set_cookie cookie;
    bool open;
    int room;

    cp_set_cookie_read(line, (apr_time_t)visit->request.now, &cookie);
    if (!cookie.ignored && cookie.name.length) {
        room = cp_visit_room(visit, cookie.name, &open);
        if (room >= 0) {
            cp_rooms[room]->hear(visit, &cookie);
        }
    }
}

bool cp_visit_may_issue(const cp_visit *visit)
{
    int due = 0;

    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        due |= visit->verdicts[i].issuance > CP_ISSUE_IF_NEEDED;
    }
    return due && !visit->muted;
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
