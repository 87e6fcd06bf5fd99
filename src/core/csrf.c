#include "csrf.h"
#include "session.h"
#include "token.h"

#define RANDOM_PART 12
#define MAC_PART 20

static bool csrf_open(const cp_visit *visit)
{
    return visit->terms->csrf == CP_CSRF_ON;
}

static bool is_alphanumeric(cp_span span)
{
    for (apr_size_t i = 0; i < span.length; i++) {
        char c = span.at[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z')
            && !(c >= '0' && c <= '9')) {
            return false;
        }
    }
    return true;
}

/* 20 characters out of the MAC's first 16 bytes: ten out of each half, taken
 * as a number. */
static bool token_sign(const cp_visit *visit, unsigned char key,
                       cp_span random, cp_span binding, char *signature)
{
    unsigned char mac[CP_MAC_LENGTH];
    cp_span parts[] = { random, binding };

    if (!cp_keyring_mac(visit->site->ring, key, CP_PURPOSE_CSRF,
                        visit->request.realm, parts, 2, mac)) {
        return false;
    }
    for (int half = 0; half < 2; half++) {
        apr_uint64_t number = 0;

        for (int i = 0; i < 8; i++) {
            number = number << 8 | mac[half * 8 + i];
        }
        for (int i = 0; i < MAC_PART / 2; i++) {
            *signature++ = cp_alphanumeric[number % CP_ALPHANUMERIC_COUNT];
            number /= CP_ALPHANUMERIC_COUNT;
        }
    }
    return true;
}

static bool token_fits(const cp_visit *visit, cp_span token)
{
    const cp_session *session = visit->session;
    cp_span random = cp_span_make(token.at, RANDOM_PART);
    cp_span signature = cp_span_make(token.at + RANDOM_PART, MAC_PART);
    unsigned char keys[CP_KEYS_MAX];
    int count = cp_keyring_ids(visit->site->ring, keys);
    char expected[MAC_PART];

    for (int i = 0; i < count; i++) {
        for (int j = 0; j < session->binding_count; j++) {
            if (token_sign(visit, keys[i], random, session->bindings[j],
                           expected)
                && cp_secret_equal(signature,
                                   cp_span_make(expected, MAC_PART))) {
                return true;
            }
        }
    }
    return false;
}

static void csrf_validate(cp_visit *visit)
{
    cp_verdict *verdict = &visit->verdicts[CP_CSRF];

    if (!csrf_open(visit)) {
        return;
    }
    for (int i = 0; i < verdict->received_count; i++) {
        cp_span token = verdict->received[i];

        if (token.length != CP_CSRF_TOKEN_LENGTH || !is_alphanumeric(token)) {
            verdict->reason = CP_MALFORMED;
        }
        else if (!token_fits(visit, token)) {
            verdict->reason = CP_FORGED;
        }
        else {
            verdict->reason = CP_VALID;
            verdict->value = cp_span_string(visit->pool, token);
            return;
        }
    }
}

static void csrf_issue(cp_visit *visit)
{
    cp_verdict *verdict = &visit->verdicts[CP_CSRF];
    const cp_session *session = visit->session;
    cp_span binding = session->binding_count ? session->bindings[0]
                                             : CP_SPAN("");
    char *token = apr_pcalloc(visit->pool, CP_CSRF_TOKEN_LENGTH + 1);

    if (cp_random_alphanumeric(token, RANDOM_PART)
        && token_sign(visit, cp_keyring_signer(visit->site->ring,
                                               visit->request.now),
                      cp_span_make(token, RANDOM_PART), binding,
                      token + RANDOM_PART)) {
        verdict->value = token;
    }
}

/* The application wants a token in the browser: it gets the one that it saw. */
static void csrf_hear(cp_visit *visit, const cp_set_cookie *cookie)
{
    if (!cookie->deletes) {
        cp_visit_need(visit, CP_CSRF);
    }
}

void cp_csrf_renew(cp_visit *visit)
{
    cp_verdict *verdict = &visit->verdicts[CP_CSRF];

    if (csrf_open(visit) && visit->request.welcomes) {
        verdict->value = NULL;
        csrf_issue(visit);
        verdict->issuance = verdict->value ? CP_ISSUE_NOW
                                           : CP_ISSUE_DELETION;
    }
}

static int index_of(char c)
{
    if (c >= 'a' && c <= 'z') {
        return c - 'a';
    }
    return c >= 'A' && c <= 'Z' ? c - 'A' + 26 : c - '0' + 52;
}

bool cp_csrf_check(const cp_visit *visit, cp_span presented)
{
    const cp_verdict *verdict = &visit->verdicts[CP_CSRF];
    char secret[CP_CSRF_TOKEN_LENGTH];

    if (verdict->reason != CP_VALID || !verdict->value
        || !is_alphanumeric(presented)) {
        return false;
    }
    if (presented.length == CP_CSRF_MASKED_LENGTH) {
        const char *mask = presented.at;
        const char *masked = presented.at + CP_CSRF_TOKEN_LENGTH;

        for (int i = 0; i < CP_CSRF_TOKEN_LENGTH; i++) {
            int index = index_of(masked[i]) - index_of(mask[i])
                        + CP_ALPHANUMERIC_COUNT;

            secret[i] = cp_alphanumeric[index % CP_ALPHANUMERIC_COUNT];
        }
        presented = cp_span_make(secret, CP_CSRF_TOKEN_LENGTH);
    }
    return presented.length == CP_CSRF_TOKEN_LENGTH
           && cp_secret_equal(presented, cp_span_of(verdict->value));
}

const char *cp_csrf_masked(const cp_visit *visit)
{
    const char *token = visit->verdicts[CP_CSRF].value;
    char *masked = apr_pcalloc(visit->pool, CP_CSRF_MASKED_LENGTH + 1);

    if (!token || !cp_random_alphanumeric(masked, CP_CSRF_TOKEN_LENGTH)) {
        return NULL;
    }
    for (int i = 0; i < CP_CSRF_TOKEN_LENGTH; i++) {
        int index = index_of(token[i]) + index_of(masked[i]);

        masked[CP_CSRF_TOKEN_LENGTH + i] =
            cp_alphanumeric[index % CP_ALPHANUMERIC_COUNT];
    }
    return masked;
}

const cp_room cp_csrf_room = {
    "csrftoken",
    csrf_open,
    csrf_validate,
    csrf_issue,
    csrf_hear
};
