#include "enrolment.h"
#include "roster.h"

static cp_listing where_of(const cp_visit *visit)
{
    return (cp_listing){ visit->site->ring, visit->site->store,
                         visit->request.now };
}

apr_status_t cp_enrol(const cp_visit *visit, const cp_record *record,
                      const cp_session *before, apr_uint32_t ends)
{
    const cp_session_id *id = &visit->session->id;
    cp_listing where = where_of(visit);
    cp_store_name name, former;
    cp_enrolment session = { id->bytes[CP_SESSION_ID_KEY],
                             visit->request.realm, record->user, &name, NULL,
                             ends };

    if (!record->user) {
        return APR_SUCCESS;
    }
    if (!cp_record_name(visit, id, &name)) {
        return APR_EGENERAL;
    }
    if (before->stored && cp_record_name(visit, &before->id, &former)) {
        session.former = &former;
    }
    return cp_roster_enter(&where, &session, visit->pool);
}

void cp_enrolled_use(const cp_visit *visit)
{
    const char *user = cp_session_user(visit);
    cp_listing where = where_of(visit);

    if (user) {
        cp_roster_use(&where, visit->session->id.bytes[CP_SESSION_ID_KEY],
                      visit->request.realm, user, visit->pool);
    }
}

apr_status_t cp_enrolled_end(const cp_visit *visit, const char *login)
{
    const char *users[] = { cp_session_user(visit), login };
    const char *realm = cp_span_string(visit->pool, visit->request.realm);
    cp_listing where = where_of(visit);
    apr_status_t status = APR_SUCCESS;
    apr_uint32_t ended;

    if (!visit->request.welcomes || visit->session->grace) {
        return APR_EACCES;
    }
    for (int i = 0; i < 2 && status == APR_SUCCESS; i++) {
        if (users[i]) {
            status = cp_roster_end(&where, realm, users[i], &ended,
                                   visit->pool);
        }
    }
    return status;
}
