#include "session.h"
#include "csrf.h"
#include "enrolment.h"
#include "token.h"

/* A change is tried again so often when others change the record too. */
#define TRIES 5

/* The idle time is written anew at most once in so great a part of it. */
#define TOUCHES_IN_IDLE 60

static bool session_open(const cp_visit *visit)
{
    return visit->site->session == CP_SESSION_ON;
}

/* --- What came in ----------------------------------------------------- */

/* Whether the user was logged in by entries that end by themselves: with them
 * the login does. */
static bool is_lent(const cp_record *record)
{
    return record->by_entries && record->until;
}

/* The point in time that no use of the session puts off. */
static apr_uint32_t end_of(const cp_visit *visit, const cp_record *record)
{
    apr_uint32_t absolute = cp_time_after(record->created,
                                          visit->site->absolute);

    return is_lent(record) && record->until < absolute ? record->until
                                                       : absolute;
}

/* All timeouts as one point in time. */
static apr_uint32_t expiry_of(const cp_visit *visit, const cp_record *record)
{
    apr_uint32_t idle = cp_time_after(visit->request.now, visit->site->idle);
    apr_uint32_t end = end_of(visit, record);

    return idle < end ? idle : end;
}

static cp_reason record_find(const cp_visit *visit, cp_session *session)
{
    apr_status_t status = cp_record_load(visit, &session->id,
                                         &session->record);

    if (status == APR_SUCCESS && session->record.moved) {
        session->grace = true;
        session->id = session->record.successor;
        status = cp_record_load(visit, &session->id, &session->record);
        if (status == APR_SUCCESS && session->record.moved) {
            return CP_ENDED;
        }
    }
    if (APR_STATUS_IS_NOTFOUND(status)) {
        return CP_ENDED;
    }
    if (status != APR_SUCCESS) {
        return CP_STORE_AWAY;
    }
    if (end_of(visit, &session->record) <= visit->request.now) {
        return CP_EXPIRED;
    }
    session->stored = true;
    return CP_VALID;
}

cp_reason cp_session_read(const cp_visit *visit, cp_span token,
                          cp_session *session)
{
    cp_reason reason = cp_session_id_read(visit, token, &session->id);

    if (reason == CP_VALID && cp_session_id_says_stored(&session->id)) {
        reason = record_find(visit, session);
    }
    return reason;
}

/* A logged-in session beats a stored one beats a stateless one. */
static int rank_of(const cp_session *session)
{
    return session->stored ? (session->record.user ? 3 : 2) : 1;
}

static bool same_session(const cp_session *a, const cp_session *b)
{
    return memcmp(a->id.bytes, b->id.bytes, CP_SESSION_ID_LENGTH) == 0;
}

static void touch(const cp_visit *visit, cp_session *session)
{
    apr_uint32_t expires = expiry_of(visit, &session->record);

    if (expires > cp_time_after(session->record.expires,
                                visit->site->idle / TOUCHES_IN_IDLE)
        && cp_record_touch(visit, &session->id, expires) == APR_SUCCESS) {
        session->record.expires = expires;
        cp_enrolled_use(visit);
    }
}

static void session_bind(cp_session *session)
{
    session->bindings[0] =
        session->stored
        ? cp_span_make(session->record.binding, CP_SESSION_RANDOM_LENGTH)
        : cp_span_make(session->id.bytes, CP_SESSION_RANDOM_LENGTH);
    session->binding_count = 1;
}

/* @param token  of the session, or of the one whose place it has taken */
static void session_adopt(cp_visit *visit, const cp_session *chosen,
                          cp_span token)
{
    cp_verdict *verdict = &visit->verdicts[CP_SESSION];
    cp_session *session = visit->session;

    *session = *chosen;
    session_bind(session);
    verdict->reason = CP_VALID;
    verdict->value = session->grace
                     ? cp_session_id_token(visit, &session->id)
                     : cp_span_string(visit->pool, token);
    if (session->stored) {
        cp_visit_limit(visit, end_of(visit, &session->record));
        touch(visit, session);
    }
    else {
        cp_visit_limit(visit, cp_session_id_expiry(visit, &session->id));
    }
}

/* The cookie is the application's: its values are what csrftoken is bound
 * to. Of several the last one comes first, as Django takes that one. Without
 * any, or with no sessions at all, it is bound to nothing. */
static void foreign_bind(cp_visit *visit)
{
    cp_verdict *verdict = &visit->verdicts[CP_SESSION];
    cp_session *session = visit->session;

    for (int i = verdict->received_count - 1;
         i >= 0 && session->binding_count < CP_BINDINGS_MAX; i--) {
        session->bindings[session->binding_count++] = verdict->received[i];
    }
    if (session->binding_count == 0) {
        session->bindings[session->binding_count++] = CP_SPAN("");
    }
}

static void session_validate(cp_visit *visit)
{
    cp_verdict *verdict = &visit->verdicts[CP_SESSION];
    cp_session chosen;
    cp_span token = CP_SPAN_NONE;
    int rank = 0;

    if (!session_open(visit)) {
        foreign_bind(visit);
        return;
    }
    for (int i = 0; i < verdict->received_count; i++) {
        cp_session candidate = { .stored = false };
        cp_reason reason = cp_session_read(visit, verdict->received[i],
                                           &candidate);

        if (reason != CP_VALID) {
            /* Of several reasons the one that says most is kept. */
            verdict->reason = reason > verdict->reason ? reason
                                                       : verdict->reason;
            continue;
        }
        if (rank_of(&candidate) == 3 && rank == 3
            && !same_session(&candidate, &chosen)) {
            verdict->reason = CP_CONFLICT;
            return;
        }
        if (rank_of(&candidate) > rank
            || (rank && chosen.grace && same_session(&candidate, &chosen))) {
            chosen = candidate;
            token = verdict->received[i];
            rank = rank_of(&chosen);
        }
    }
    /* Who might be logged in, but for the store, is not taken for somebody
     * else. */
    if (verdict->reason == CP_STORE_AWAY && rank < 3) {
        return;
    }
    if (rank) {
        session_adopt(visit, &chosen, token);
    }
}

bool cp_session_stands(cp_visit *visit)
{
    cp_session *session = visit->session;

    if (cp_record_renew(visit, &session->record) != APR_SUCCESS) {
        return false;
    }
    touch(visit, session);
    return true;
}

static void session_issue(cp_visit *visit)
{
    cp_verdict *verdict = &visit->verdicts[CP_SESSION];
    cp_session *session = visit->session;

    if (cp_session_id_draw(visit, false, &session->id)) {
        session->stored = false;
        session_bind(session);
        verdict->value = cp_session_id_token(visit, &session->id);
    }
}

static void session_hear(cp_visit *visit, const cp_set_cookie *cookie)
{
    cp_session *session = visit->session;
    cp_span value = cookie->deletes ? CP_SPAN("") : cookie->value;

    if (visit->site->session != CP_SESSION_APPLICATION
        || cp_span_equal(value, session->bindings[0])) {
        return;
    }
    session->bindings[0] = value;
    session->binding_count = 1;
    cp_csrf_rebind(visit);
}

/* --- Changes ---------------------------------------------------------- */

bool cp_session_attribute_is_good(cp_span name)
{
    static const char *const reserved[] = { "user", "pw", "site", NULL };

    if (name.length == 0 || name.length > CP_ATTRIBUTE_NAME_MAX) {
        return false;
    }
    for (apr_size_t i = 0; i < name.length; i++) {
        char c = name.at[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z')
            && !(c >= '0' && c <= '9') && c != '_') {
            return false;
        }
    }
    for (int i = 0; reserved[i]; i++) {
        if (name.length == strlen(reserved[i])
            && strncasecmp(name.at, reserved[i], name.length) == 0) {
            return false;
        }
    }
    return true;
}

bool cp_session_text_is_good(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

static int pair_set(void *pairs, const char *name, const char *value)
{
    if (*value) {
        apr_table_setn(pairs, name, value);
    }
    else {
        apr_table_unset(pairs, name);
    }
    return 1;
}

static void pairs_set(apr_table_t *pairs, const apr_table_t *set)
{
    if (set) {
        apr_table_do(pair_set, pairs, set, NULL);
    }
}

/* What there is of a session, as a copy that can be changed. */
static void record_begin(const cp_visit *visit, cp_record *record)
{
    const cp_session *session = visit->session;

    if (session->stored) {
        *record = session->record;
        record->attributes = apr_table_copy(visit->pool,
                                            session->record.attributes);
        record->entries = apr_table_copy(visit->pool,
                                         session->record.entries);
        return;
    }
    memset(record, 0, sizeof(*record));
    record->created = visit->request.now;
    record->attributes = apr_table_make(visit->pool, 8);
    record->entries = apr_table_make(visit->pool, 4);
    memcpy(record->binding, session->id.bytes, sizeof(record->binding));
}

/* Nothing of one user comes to another. */
static void record_forget(cp_record *record)
{
    record->user = record->provider = record->auth_name = NULL;
    record->by_entries = false;
    record->until = 0;
    apr_table_clear(record->attributes);
    apr_table_clear(record->entries);
}

/* The record as it shall be. @return whether it needs an id of its own */
static bool record_change(cp_visit *visit, const cp_session_change *change,
                          cp_record *record)
{
    const char *user = change->login;

    record_begin(visit, record);
    if (change->logout
        || (user && record->user
            && !cp_record_is_of(record, user, change->provider,
                                change->auth_name))) {
        record_forget(record);
    }
    if (change->logout || user) {
        record->created = visit->request.now;
    }
    if (user) {
        record->user = user;
        record->provider = change->provider;
        record->auth_name = change->auth_name;
        record->by_entries = change->by_entries;
    }
    pairs_set(record->attributes, change->set);
    if (change->entries) {
        pairs_set(record->entries, change->entries);
        record->until = change->until;
    }
    return !visit->session->stored || change->logout || user
           || change->rotate || change->sever;
}

/* Whether nothing that was handed out before is worth anything afterwards. */
static bool is_cut(const cp_session_change *change)
{
    return change->login || change->logout || change->sever;
}

/* What was under the old id: gone, or after a mere rotation for some seconds
 * a pointer to the new one. A rotation of what somebody else has ended
 * meanwhile must not bring it back. */
static apr_status_t predecessor_end(const cp_visit *visit,
                                    const cp_session_change *change,
                                    const cp_session *before)
{
    apr_status_t status;
    cp_record pointer;

    if (!before->stored) {
        return APR_SUCCESS;
    }
    if (is_cut(change)) {
        status = cp_record_remove(visit, &before->id);
        return APR_STATUS_IS_NOTFOUND(status) ? APR_SUCCESS : status;
    }
    pointer = before->record;
    pointer.moved = true;
    pointer.successor = visit->session->id;
    pointer.expires = cp_time_after(visit->request.now, CP_SESSION_GRACE);
    pointer.attributes = pointer.entries = apr_table_make(visit->pool, 1);
    status = cp_record_save(visit, &before->id, &pointer);
    return APR_STATUS_IS_NOTFOUND(status) ? APR_EACCES : status;
}

static void session_announce(cp_visit *visit)
{
    cp_verdict *verdict = &visit->verdicts[CP_SESSION];

    verdict->reason = CP_VALID;
    verdict->value = cp_session_id_token(visit, &visit->session->id);
    verdict->issuance = CP_ISSUE_NOW;
}

static bool may_draw(const cp_visit *visit)
{
    return visit->request.welcomes && !visit->session->grace;
}

static apr_status_t session_save(cp_visit *visit,
                                 const cp_session_change *change)
{
    cp_session *session = visit->session;
    cp_session before = *session;
    bool fresh, bare, stateless;
    apr_status_t status;
    cp_record record;

    fresh = record_change(visit, change, &record);
    if (apr_table_elts(record.attributes)->nelts > CP_ATTRIBUTES_MAX) {
        return APR_ENOSPC;
    }
    bare = !record.user && apr_is_empty_table(record.attributes)
           && apr_is_empty_table(record.entries);
    stateless = bare && change->logout;
    if (!session->stored && bare) {
        return APR_SUCCESS;     /* nothing there, nothing to be stored */
    }
    if (fresh && !may_draw(visit)) {
        return APR_EACCES;
    }
    if (fresh) {
        record.revision = 0;
        if (!cp_session_id_draw(visit, !stateless, &session->id)) {
            return APR_EGENERAL;
        }
        if (is_cut(change)) {
            memcpy(record.binding, session->id.bytes, sizeof(record.binding));
        }
    }
    record.expires = expiry_of(visit, &record);
    status = fresh ? cp_enrol(visit, &record, &before,
                              cp_time_after(record.created,
                                            visit->site->absolute))
                   : APR_SUCCESS;
    if (status == APR_SUCCESS && !stateless) {
        status = cp_record_save(visit, &session->id, &record);
    }
    if (status == APR_SUCCESS && fresh) {
        status = predecessor_end(visit, change, &before);
        if (status != APR_SUCCESS && !stateless) {
            cp_record_remove(visit, &session->id);
        }
    }
    if (status != APR_SUCCESS) {
        *session = before;
        return status;
    }
    session->record = record;
    session->stored = !stateless;
    session_bind(session);
    if (fresh) {
        session_announce(visit);
    }
    if (is_cut(change)) {
        cp_csrf_renew(visit);
    }
    return APR_SUCCESS;
}

static bool may_change(const cp_visit *visit)
{
    const cp_verdict *verdict = &visit->verdicts[CP_SESSION];

    return session_open(visit) && visit->site->store
           && verdict->reason != CP_CONFLICT
           && verdict->reason != CP_STORE_AWAY
           && (!visit->cut || verdict->value);
}

bool cp_session_may_begin(const cp_visit *visit)
{
    return may_change(visit) && may_draw(visit);
}

apr_status_t cp_session_apply(cp_visit *visit,
                              const cp_session_change *change)
{
    const cp_verdict *verdict = &visit->verdicts[CP_SESSION];
    cp_session *session = visit->session;
    apr_status_t status;

    if (session_open(visit) && verdict->reason == CP_STORE_AWAY) {
        return APR_EGENERAL;
    }
    if (!may_change(visit)) {
        return APR_EACCES;
    }
    if (!verdict->value) {
        session_issue(visit);
    }
    status = change->everywhere ? cp_enrolled_end(visit, change->login)
                                : APR_SUCCESS;
    if (status == APR_SUCCESS) {
        status = session_save(visit, change);
    }
    for (int i = 1; i < TRIES && APR_STATUS_IS_EEXIST(status); i++) {
        if (cp_record_load(visit, &session->id, &session->record)
                != APR_SUCCESS
            || session->record.moved) {
            return APR_EACCES;  /* ended by somebody else meanwhile */
        }
        status = session_save(visit, change);
    }
    return status;
}

apr_status_t cp_session_end(cp_visit *visit)
{
    cp_verdict *verdict = &visit->verdicts[CP_SESSION];
    apr_status_t status = APR_SUCCESS;

    if (verdict->reason == CP_STORE_AWAY) {
        return APR_EGENERAL;
    }
    if (session_open(visit) && visit->session->stored) {
        status = cp_record_remove(visit, &visit->session->id);
        if (status != APR_SUCCESS && !APR_STATUS_IS_NOTFOUND(status)) {
            return status;
        }
    }
    visit->session->stored = false;
    for (int i = CP_SESSION; i <= CP_CSRF; i++) {
        if (cp_rooms[i]->open(visit)) {
            visit->verdicts[i].value = NULL;
            visit->verdicts[i].issuance = CP_ISSUE_DELETION;
        }
    }
    return APR_SUCCESS;
}

/* --- What others see -------------------------------------------------- */

const char *cp_session_user(const cp_visit *visit)
{
    return visit->session->stored ? visit->session->record.user : NULL;
}

const cp_record *cp_session_record(const cp_visit *visit)
{
    return visit->session->stored ? &visit->session->record : NULL;
}

const apr_table_t *cp_session_attributes(const cp_visit *visit)
{
    return visit->session->stored ? visit->session->record.attributes : NULL;
}

/* Of a token without a record, which is worth nothing, the end will do. */
const char *cp_session_reference(const cp_visit *visit)
{
    const char *token = visit->verdicts[CP_SESSION].value;
    char *reference;

    if (!token) {
        return NULL;
    }
    if (!visit->session->stored) {
        return token + CP_SESSION_TOKEN_LENGTH - CP_REFERENCE_LENGTH;
    }
    reference = apr_palloc(visit->pool, CP_REFERENCE_LENGTH + 1);
    cp_base64url_encode(reference, visit->session->record.reference,
                        CP_REFERENCE_BYTES);
    return reference;
}

const cp_room cp_session_room = {
    "sessionid",
    CP_SESSION_TOKEN_LENGTH,
    CP_SESSION_TOKEN_LENGTH,
    session_open,
    session_validate,
    session_issue,
    session_hear
};
