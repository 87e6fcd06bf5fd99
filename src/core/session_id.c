#include "session_id.h"
#include "token.h"

/* Where the parts of an id lie. */
#define AT_TIME 16
#define AT_FLAGS 20
#define AT_MAC 22
#define MAC_PART (CP_SESSION_ID_LENGTH - AT_MAC)

#define FLAG_STORED 1

/* Clocks of servers that share a realm may differ by so many seconds. */
#define CLOCK_SKEW 60

static bool id_sign(const cp_visit *visit, const cp_session_id *id,
                    unsigned char *signature)
{
    cp_span part = cp_span_make(id->bytes, AT_MAC);

    return cp_keyring_sign(visit->site->ring, id->bytes[CP_SESSION_ID_KEY],
                           CP_PURPOSE_SESSION, visit->request.realm, &part, 1,
                           signature);
}

bool cp_session_id_draw(const cp_visit *visit, bool stored, cp_session_id *id)
{
    apr_uint32_t now = visit->request.now;
    unsigned char signature[CP_SIGNATURE_LENGTH];

    if (!cp_keyring_random(visit->site->ring, id->bytes,
                           CP_SESSION_RANDOM_LENGTH)) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        id->bytes[AT_TIME + i] = (unsigned char)(now >> (24 - 8 * i) & 0xff);
    }
    id->bytes[AT_FLAGS] = stored ? FLAG_STORED : 0;
    id->bytes[CP_SESSION_ID_KEY] = cp_keyring_signer(visit->site->ring, now);
    if (!id_sign(visit, id, signature)) {
        return false;
    }
    memcpy(id->bytes + AT_MAC, signature, MAC_PART);
    return true;
}

bool cp_session_id_says_stored(const cp_session_id *id)
{
    return id->bytes[AT_FLAGS] & FLAG_STORED;
}

static apr_uint32_t id_time(const cp_session_id *id)
{
    const unsigned char *time = id->bytes + AT_TIME;

    return (apr_uint32_t)time[0] << 24 | (apr_uint32_t)time[1] << 16
           | (apr_uint32_t)time[2] << 8 | time[3];
}

apr_uint32_t cp_session_id_expiry(const cp_visit *visit,
                                  const cp_session_id *id)
{
    return cp_session_id_says_stored(id)
           ? APR_UINT32_MAX : cp_time_after(id_time(id),
                                            visit->site->absolute);
}

const char *cp_session_id_token(const cp_visit *visit,
                                const cp_session_id *id)
{
    char *token = apr_palloc(visit->pool, CP_SESSION_TOKEN_LENGTH + 1);

    cp_base64url_encode(token, id->bytes, CP_SESSION_ID_LENGTH);
    return token;
}

cp_reason cp_session_id_read(const cp_visit *visit, cp_span token,
                             cp_session_id *id)
{
    unsigned char bytes[CP_SESSION_ID_LENGTH + 3];
    unsigned char signature[CP_SIGNATURE_LENGTH];
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
    if (!id_sign(visit, id, signature)
        || !cp_secret_equal(cp_span_make(signature, MAC_PART),
                            cp_span_make(id->bytes + AT_MAC, MAC_PART))) {
        return CP_FORGED;
    }
    return id_time(id) > cp_time_after(now, CLOCK_SKEW)
           || cp_session_id_expiry(visit, id) <= now ? CP_EXPIRED : CP_VALID;
}
