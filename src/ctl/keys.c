/**
 * @file keys.c
 * @brief check and new-key.
 */
#include "counters.h"
#include "ctl.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <jansson.h>
#include <openssl/crypto.h>

/* --- check ------------------------------------------------------------ */

/* A store through which nothing changes, not even when a record was used. */
typedef struct view {
    cp_store base;
    cp_store *store;
} view;

static apr_status_t view_load(cp_store *base, const cp_store_name *name,
                              apr_uint32_t now, cp_store_record *record,
                              apr_pool_t *pool)
{
    cp_store *store = ((view *)base)->store;

    return store->provider->peek(store, name, now, record, pool);
}

static const cp_store_provider view_provider = {
    .name = "view",
    .load = view_load,
};

/* Never echoed: who sees it has the session. */
static const char *token_get(const cp_ctl *ctl)
{
    char line[256] = "";

    if (strcmp(ctl->argument, CP_CTL_STDIN)) {
        return ctl->argument;
    }
    if (!fgets(line, sizeof(line), stdin)) {
        return "";
    }
    line[strcspn(line, "\r\n")] = '\0';
    return apr_pstrdup(ctl->pool, line);
}

static void result_print(const cp_ctl *ctl, cp_reason reason,
                         const cp_session *session)
{
    const cp_record *record = session->stored ? &session->record : NULL;
    const char *user = record && record->user ? record->user : NULL;
    int attributes = record ? apr_table_elts(record->attributes)->nelts : 0;
    json_t *result = json_pack(
        "{s:b, s:s, s:i, s:b, s:s?, s:i}", "valid", reason == CP_VALID,
        "reason", cp_reason_word(reason),
        "key", (int)session->id.bytes[CP_SESSION_ID_KEY],
        "stored", session->stored, "user", user, "attributes", attributes);
    char *text = json_dumps(result, 0);

    if (ctl->json) {
        printf("%s\n", text ? text : "null");
    }
    else if (reason != CP_VALID) {
        printf("not valid: %s\n", cp_reason_word(reason));
    }
    else if (record) {
        printf("valid: key %u, %s, %d attributes\n",
               session->id.bytes[CP_SESSION_ID_KEY],
               user ? "a user is logged in" : "nobody is logged in",
               attributes);
    }
    else {
        printf("valid: key %u, nothing is stored\n",
               session->id.bytes[CP_SESSION_ID_KEY]);
    }
    free(text);
    json_decref(result);
}

int cp_ctl_check(const cp_ctl *ctl)
{
    /* When it expires its virtual host's configuration says. */
    cp_site site = { .session = CP_SESSION_ON, .idle = APR_UINT32_MAX,
                     .absolute = APR_UINT32_MAX };
    cp_visit visit = { .pool = ctl->pool, .site = &site };
    view through = { { &view_provider }, NULL };
    cp_session session = { .stored = false };
    const char *token;
    cp_listing where;
    cp_reason reason;

    if (!ctl->whose.realm) {
        fputs("cookiepolicyctl: check in which --realm?\n", stderr);
        return CP_CTL_USAGE;
    }
    if (!cp_ctl_open(ctl, &where)) {
        return CP_CTL_FAILED;
    }
    through.store = where.store;
    site.ring = where.ring;
    site.store = &through.base;
    visit.request.realm = cp_span_of(ctl->whose.realm);
    visit.request.now = ctl->now;
    token = token_get(ctl);
    reason = cp_session_read(&visit, cp_span_of(token), &session);
    result_print(ctl, reason, &session);
    if (reason == CP_STORE_AWAY) {
        return cp_ctl_fail("the store does not say whether there is a record");
    }
    return reason == CP_VALID ? CP_CTL_DONE : CP_CTL_NONE;
}

/* --- new-key ---------------------------------------------------------- */

int cp_ctl_new_key(const cp_ctl *ctl)
{
    const char *error = NULL;
    unsigned char id = 0;

    if (cp_keyfile_add(ctl->key_file, ctl->now, &id, &error, ctl->pool)
        != APR_SUCCESS) {
        return cp_ctl_fail(error);
    }
    printf("key %u added to %s\nIt verifies from the next reload on, and signs"
           " from the reload after that.\nServers that share the file need it"
           " before the second.\n", id, ctl->key_file);
    return CP_CTL_DONE;
}
