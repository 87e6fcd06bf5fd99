#include "session.h"
#include "csrf.h"
#include "token.h"

/* Where the parts of an id lie. */
#define AT_TIME 16
#define AT_FLAGS 20
#define AT_MAC 22
#define MAC_PART (CP_SESSION_ID_LENGTH - AT_MAC)

#define FLAG_STORED 1

/* Clocks of servers that share a realm may differ by so many seconds. */
#define CLOCK_SKEW 60

/* A change is tried again so often when others change the record too. */
#define TRIES 5

/* The idle time is written anew at most once in so great a part of it. */
#define TOUCHES_IN_IDLE 60

/* Seconds later, or the end of time. */
static apr_uint32_t after(apr_uint32_t time, apr_uint32_t seconds)
{
    return time > APR_UINT32_MAX - seconds ? APR_UINT32_MAX : time + seconds;
}

static bool session_open(const cp_visit *visit)
{
    return visit->site->session == CP_SESSION_ON;
}

/* --- The id ----------------------------------------------------------- */

static bool id_mac(const cp_visit *visit, const cp_session_id *id,
                   unsigned char *mac)
{
    cp_span part = cp_span_make(id->bytes, AT_MAC);

    return cp_keyring_mac(visit->site->ring, id->bytes[CP_SESSION_ID_KEY],
                          CP_PURPOSE_SESSION, visit->request.realm, &part, 1,
                          mac);
}

static bool id_draw(const cp_visit *visit, bool stored, cp_session_id *id)
{
    apr_uint32_t now = visit->request.now;
    unsigned char mac[CP_MAC_LENGTH];

    if (!cp_random_bytes(id->bytes, CP_SESSION_RANDOM_LENGTH)) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        id->bytes[AT_TIME + i] = (unsigned char)(now >> (24 - 8 * i) & 0xff);
    }
    id->bytes[AT_FLAGS] = stored ? FLAG_STORED : 0;
    id->bytes[CP_SESSION_ID_KEY] = cp_keyring_signer(visit->site->ring, now);
    if (!id_mac(visit, id, mac)) {
        return false;
    }
    memcpy(id->bytes + AT_MAC, mac, MAC_PART);
    return true;
}

static apr_uint32_t id_time(const cp_session_id *id)
{
    const unsigned char *time = id->bytes + AT_TIME;

    return (apr_uint32_t)time[0] << 24 | (apr_uint32_t)time[1] << 16
           | (apr_uint32_t)time[2] << 8 | time[3];
}

static const char *id_token(const cp_visit *visit, const cp_session_id *id)
{
    char *token = apr_palloc(visit->pool, CP_SESSION_TOKEN_LENGTH + 1);

    cp_base64url_encode(token, id->bytes, CP_SESSION_ID_LENGTH);
    return token;
}

static cp_reason id_read(const cp_visit *visit, cp_span token,
                         cp_session_id *id)
{
    unsigned char bytes[CP_SESSION_ID_LENGTH + 3];
    unsigned char mac[CP_MAC_LENGTH];
    apr_uint32_t now = visit->request.now;
    apr_size_t length = 0;

    if (token.length != CP_SESSION_TOKEN_LENGTH
        || !cp_base64url_decode(bytes, &length, token)
        || length != CP_SESSION_ID_LENGTH) {
        return CP_MALFORMED;
    }
    memcpy(id->bytes, bytes, CP_SESSION_ID_LENGTH);
    if (!cp_keyring_verifies(visit->site->ring, id->bytes[CP_SESSION_ID_KEY])) {
        return CP_RETIRED;
    }
    if (!id_mac(visit, id, mac)
        || !cp_secret_equal(cp_span_make(mac, MAC_PART),
                            cp_span_make(id->bytes + AT_MAC, MAC_PART))) {
        return CP_FORGED;
    }
    if (id_time(id) > after(now, CLOCK_SKEW)) {
        return CP_EXPIRED;
    }
    /* A record has its own time, which a change of id does not set back. */
    if (!(id->bytes[AT_FLAGS] & FLAG_STORED)
        && after(id_time(id), visit->site->absolute) <= now) {
        return CP_EXPIRED;
    }
    return CP_VALID;
}

/* --- What came in ----------------------------------------------------- */

/* The idle and the absolute timeout as one point in time. */
static apr_uint32_t expiry_of(const cp_visit *visit, apr_uint32_t created)
{
    apr_uint32_t idle = after(visit->request.now, visit->site->idle);
    apr_uint32_t absolute = after(created, visit->site->absolute);

    return idle < absolute ? idle : absolute;
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
    if (after(session->record.created, visit->site->absolute)
        <= visit->request.now) {
        return CP_EXPIRED;
    }
    session->stored = true;
    return CP_VALID;
}

static cp_reason candidate_read(const cp_visit *visit, cp_span token,
                                cp_session *session)
{
    cp_reason reason = id_read(visit, token, &session->id);

    if (reason == CP_VALID && session->id.bytes[AT_FLAGS] & FLAG_STORED) {
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
    apr_uint32_t expires = expiry_of(visit, session->record.created);

    if (expires > after(session->record.expires,
                        visit->site->idle / TOUCHES_IN_IDLE)
        && cp_record_touch(visit, &session->id, expires) == APR_SUCCESS) {
        session->record.expires = expires;
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

static void session_adopt(cp_visit *visit, const cp_session *chosen)
{
    cp_verdict *verdict = &visit->verdicts[CP_SESSION];
    cp_session *session = visit->session;

    *session = *chosen;
    session_bind(session);
    verdict->reason = CP_VALID;
    verdict->value = id_token(visit, &session->id);
    if (session->stored) {
        touch(visit, session);
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
    cp_session chosen = { .stored = false };
    int rank = 0;

    if (!session_open(visit)) {
        foreign_bind(visit);
        return;
    }
    for (int i = 0; i < verdict->received_count; i++) {
        cp_session candidate = { .stored = false };
        cp_reason reason = candidate_read(visit, verdict->received[i],
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
            || (chosen.grace && same_session(&candidate, &chosen))) {
            chosen = candidate;
            rank = rank_of(&chosen);
        }
    }
    /* Who might be logged in, but for the store, is not taken for somebody
     * else. */
    if (verdict->reason == CP_STORE_AWAY && rank < 3) {
        return;
    }
    if (rank) {
        session_adopt(visit, &chosen);
    }
}

static void session_issue(cp_visit *visit)
{
    cp_verdict *verdict = &visit->verdicts[CP_SESSION];
    cp_session *session = visit->session;

    if (id_draw(visit, false, &session->id)) {
        session->stored = false;
        session_bind(session);
        verdict->value = id_token(visit, &session->id);
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

static int attribute_set(void *record, const char *name, const char *value)
{
    cp_record *changed = record;

    if (*value) {
        apr_table_setn(changed->attributes, name, value);
    }
    else {
        apr_table_unset(changed->attributes, name);
    }
    return 1;
}

/* The record as it shall be. @return whether it needs an id of its own */
static bool record_change(cp_visit *visit, const cp_session_change *change,
                          cp_record *record)
{
    const cp_session *session = visit->session;
    const char *user = change->login;
    bool other;

    if (session->stored) {
        *record = session->record;
        record->attributes = apr_table_copy(visit->pool,
                                            session->record.attributes);
    }
    else {
        memset(record, 0, sizeof(*record));
        record->created = visit->request.now;
        record->attributes = apr_table_make(visit->pool, 8);
        memcpy(record->binding, session->id.bytes, sizeof(record->binding));
    }
    other = user && record->user && strcmp(user, record->user);
    if (change->logout || other) {
        record->user = NULL;
        apr_table_clear(record->attributes);
    }
    if (change->logout || user) {
        record->created = visit->request.now;
    }
    if (user) {
        record->user = user;
    }
    apr_table_do(attribute_set, record, change->set, NULL);
    return !session->stored || change->logout || user || change->rotate;
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
    if (change->login || change->logout) {
        status = cp_record_remove(visit, &before->id);
        return APR_STATUS_IS_NOTFOUND(status) ? APR_SUCCESS : status;
    }
    pointer = before->record;
    pointer.moved = true;
    pointer.successor = visit->session->id;
    pointer.expires = after(visit->request.now, CP_SESSION_GRACE);
    pointer.attributes = apr_table_make(visit->pool, 1);
    status = cp_record_save(visit, &before->id, &pointer);
    return APR_STATUS_IS_NOTFOUND(status) ? APR_EACCES : status;
}

static void session_announce(cp_visit *visit)
{
    cp_verdict *verdict = &visit->verdicts[CP_SESSION];

    verdict->reason = CP_VALID;
    verdict->value = id_token(visit, &visit->session->id);
    verdict->issuance = CP_ISSUE_NOW;
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
    bare = !record.user && apr_is_empty_table(record.attributes);
    stateless = bare && change->logout;
    if (!session->stored && bare) {
        return APR_SUCCESS;     /* nothing there, nothing to be stored */
    }
    if (fresh && (!visit->request.welcomes || session->grace)) {
        return APR_EACCES;
    }
    if (fresh) {
        record.revision = 0;
        if (!id_draw(visit, !stateless, &session->id)) {
            return APR_EGENERAL;
        }
        if (change->login || change->logout) {
            memcpy(record.binding, session->id.bytes, sizeof(record.binding));
        }
    }
    record.expires = expiry_of(visit, record.created);
    status = stateless ? APR_SUCCESS
                       : cp_record_save(visit, &session->id, &record);
    if (status == APR_SUCCESS && fresh) {
        status = predecessor_end(visit, change, &before);
        if (status != APR_SUCCESS && !stateless) {
            cp_record_remove(visit, &session->id);
        }
    }
    if (status != APR_SUCCESS) {
        session->id = before.id;
        return status;
    }
    session->record = record;
    session->stored = !stateless;
    session_bind(session);
    if (fresh) {
        session_announce(visit);
    }
    if (change->login || change->logout) {
        cp_csrf_renew(visit);
    }
    return APR_SUCCESS;
}

apr_status_t cp_session_apply(cp_visit *visit,
                              const cp_session_change *change)
{
    const cp_verdict *verdict = &visit->verdicts[CP_SESSION];
    cp_session *session = visit->session;
    apr_status_t status;

    if (!session_open(visit) || !visit->site->store
        || verdict->reason == CP_CONFLICT
        || verdict->reason == CP_STORE_AWAY
        || (visit->cut && !verdict->value)) {
        return APR_EACCES;
    }
    if (!verdict->value) {
        session_issue(visit);
    }
    status = session_save(visit, change);
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

const apr_table_t *cp_session_attributes(const cp_visit *visit)
{
    return visit->session->stored ? visit->session->record.attributes : NULL;
}

const char *cp_session_reference(const cp_visit *visit)
{
    const cp_session *session = visit->session;
    cp_span part = cp_span_make(session->id.bytes, CP_SESSION_ID_LENGTH);
    unsigned char mac[CP_MAC_LENGTH];
    char *reference;

    if (!visit->verdicts[CP_SESSION].value
        || !cp_keyring_mac(
            visit->site->ring, session->id.bytes[CP_SESSION_ID_KEY],
            CP_PURPOSE_REFERENCE, visit->request.realm, &part, 1, mac)) {
        return NULL;
    }
    reference = apr_palloc(visit->pool, CP_SESSION_REFERENCE_LENGTH + 1);
    cp_base64url_encode(reference, mac, 8);
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
