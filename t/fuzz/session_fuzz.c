/**
 * @file session_fuzz.c
 * @brief A sessionid as it comes; and the text of a record, sealed and filed
 *        as if the module had written it.
 */
#include "fuzz_sample.h"

/* A sessionid that has a record: the flag set, the MAC fitting. */
static const char *stored_token(sample *site, unsigned char *bytes)
{
    char *token = apr_pcalloc(site->pool, CP_SESSION_TOKEN_LENGTH + 1);
    unsigned char mac[CP_SIGNATURE_LENGTH];
    cp_span part = cp_span_make(bytes, 22);

    memset(bytes, 0x5c, CP_SESSION_ID_LENGTH);
    for (int i = 0; i < 4; i++) {
        bytes[16 + i] = (unsigned char)(SAMPLE_NOW >> (24 - 8 * i));
    }
    bytes[20] = 1;
    bytes[21] = 7;
    FUZZ_ASSERT(cp_keyring_sign(site->site.ring, 7, CP_PURPOSE_SESSION,
                                site->request.realm, &part, 1, mac));
    memcpy(bytes + 22, mac, CP_SESSION_ID_LENGTH - 22);
    cp_base64url_encode(token, bytes, CP_SESSION_ID_LENGTH);
    return token;
}

static void record_file(sample *site, const cp_session_id *id, cp_span text)
{
    const cp_visit *visit = sample_request(site, NULL);
    cp_store_record stored = { .expires = SAMPLE_NOW + 100 };
    unsigned char *sealed = apr_palloc(site->pool,
                                       text.length + CP_SEAL_OVERHEAD);
    cp_store_name name;

    memory_store_reset(&site->store);
    FUZZ_ASSERT(cp_record_name(visit, id, &name));
    FUZZ_ASSERT(cp_keyring_seal(site->site.ring, 7, site->request.realm,
                                cp_span_make(id->bytes,
                                             CP_SESSION_RANDOM_LENGTH),
                                cp_span_make(name.bytes, sizeof(name.bytes)),
                                text, sealed));
    stored.value = cp_span_make(sealed, text.length + CP_SEAL_OVERHEAD);
    FUZZ_ASSERT(memory_save(&site->store.store, &name, SAMPLE_NOW, &stored)
                == APR_SUCCESS);
}

static void visit_use(sample *site, cp_visit *visit)
{
    if (cp_session_user(visit)) {
        FUZZ_ASSERT(visit->session->stored);
    }
    cp_session_reference(visit);
    sample_store(site, visit, "a", "1");
    sample_take(site, visit, true);
    cp_session_end(visit);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    sample *site = fuzz_begin();
    cp_session_id id;
    const char *token = stored_token(site, id.bytes);
    char *copy = fuzz_copy(data, size, true);
    cp_visit *visit;

    memory_store_reset(&site->store);
    visit = sample_request(site, sample_pair(site, CP_SESSION, copy));
    FUZZ_ASSERT(!cp_session_user(visit));
    visit_use(site, visit);
    if (size <= CP_STORE_VALUE_MAX - CP_SEAL_OVERHEAD) {
        record_file(site, &id, cp_span_make(copy, size));
        visit = sample_request(site, sample_pair(site, CP_SESSION, token));
        visit_use(site, visit);
    }
    free(copy);
    fuzz_end(site);
    return 0;
}
