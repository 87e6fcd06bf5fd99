#include "csrf.h"
#include "session.h"
#include "token.h"

#define RANDOM_PART 12
#define SIGNED_PART 20

/* Where in cp_alphanumeric the upper case and the digits begin. */
#define LETTERS 26
#define AT_UPPER LETTERS
#define AT_DIGITS (2 * LETTERS)

static bool csrf_open(const cp_visit *visit)
{
    return visit->terms->csrf == CP_CSRF_ON;
}

static bool is_alphanumeric(cp_span span)
{
    static const bool alphanumeric[256] = {
        ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true
    };
    bool good = true;

    for (apr_size_t i = 0; i < span.length; i++) {
        good &= alphanumeric[(unsigned char)span.at[i]];
    }
    return good;
}

/* Ten characters out of each half, taken as a number. */
static void signature_spell(const unsigned char *signature, char *text)
{
    for (int half = 0; half < 2; half++) {
        apr_uint64_t number = 0;

        for (int i = 0; i < 8; i++) {
            number = number << 8 | *signature++;
        }
        for (int i = 0; i < SIGNED_PART / 2; i++) {
            *text++ = cp_alphanumeric[number % CP_ALPHANUMERIC_COUNT];
            number /= CP_ALPHANUMERIC_COUNT;
        }
    }
}

static bool token_sign(const cp_visit *visit, unsigned char key,
                       cp_span random, cp_span binding, char *text)
{
    unsigned char signature[CP_SIGNATURE_LENGTH];
    cp_span parts[] = { random, binding };
    bool good = cp_keyring_sign(visit->site->ring, key, CP_PURPOSE_CSRF,
                                visit->request.realm, parts, 2, signature);

    signature_spell(signature, text);
    return good;
}

/* The random part of the token that follows another. */
static bool follower_random(const cp_visit *visit, unsigned char key,
                            cp_span token, char *random)
{
    unsigned char signature[CP_SIGNATURE_LENGTH];
    char spelled[SIGNED_PART];
    bool good = cp_keyring_sign(visit->site->ring, key,
                                CP_PURPOSE_SUCCESSION, visit->request.realm,
                                &token, 1, signature);

    signature_spell(signature, spelled);
    memcpy(random, spelled, RANDOM_PART);
    return good;
}

static bool token_fits(const cp_visit *visit, cp_span token)
{
    const cp_session *session = visit->session;
    cp_span random = cp_span_make(token.at, RANDOM_PART);
    cp_span signature = cp_span_make(token.at + RANDOM_PART, SIGNED_PART);
    unsigned char keys[CP_KEYS_MAX];
    int count = cp_keyring_ids(visit->site->ring, keys);
    char expected[SIGNED_PART];

    for (int i = 0; i < count; i++) {
        for (int j = 0; j < session->binding_count; j++) {
            if (token_sign(visit, keys[i], random, session->bindings[j],
                           expected)
                && cp_secret_equal(signature,
                                   cp_span_make(expected, SIGNED_PART))) {
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

/* Signs a token whose random part is there. */
static bool token_complete(const cp_visit *visit, char *token)
{
    const cp_session *session = visit->session;
    cp_span binding = session->binding_count ? session->bindings[0]
                                             : CP_SPAN("");

    return token_sign(visit,
                      cp_keyring_signer(visit->site->ring,
                                        visit->request.now),
                      cp_span_make(token, RANDOM_PART), binding,
                      token + RANDOM_PART);
}

static bool random_draw(const cp_visit *visit, char *random)
{
    unsigned char numbers[RANDOM_PART];
    bool good = cp_keyring_numbers(visit->site->ring, numbers, RANDOM_PART);

    for (int i = 0; good && i < RANDOM_PART; i++) {
        random[i] = cp_alphanumeric[numbers[i]];
    }
    return good;
}

static void csrf_issue(cp_visit *visit)
{
    char *token = apr_pcalloc(visit->pool, CP_CSRF_TOKEN_LENGTH + 1);

    if (random_draw(visit, token) && token_complete(visit, token)) {
        visit->verdicts[CP_CSRF].value = token;
    }
}

static void token_announce(cp_visit *visit, const char *token)
{
    cp_verdict *verdict = &visit->verdicts[CP_CSRF];

    if (!visit->token_seen) {
        visit->token_seen = verdict->value;
    }
    verdict->value = token;
    verdict->issuance = token ? CP_ISSUE_NOW : CP_ISSUE_DELETION;
}

void cp_csrf_renew(cp_visit *visit)
{
    if (csrf_open(visit) && visit->request.welcomes) {
        token_announce(visit, NULL);
        csrf_issue(visit);
        token_announce(visit, visit->verdicts[CP_CSRF].value);
    }
}

/* The token that the application saw in its Cookie header, or NULL. */
static const char *token_seen(const cp_visit *visit)
{
    return visit->token_seen ? visit->token_seen
                             : visit->verdicts[CP_CSRF].value;
}

void cp_csrf_rebind(cp_visit *visit)
{
    const char *seen = token_seen(visit);
    char *token = apr_pcalloc(visit->pool, CP_CSRF_TOKEN_LENGTH + 1);

    if (!seen || !visit->token_confirmed) {
        cp_csrf_renew(visit);
        return;
    }
    if (csrf_open(visit) && visit->request.welcomes
        && follower_random(visit, cp_keyring_signer(visit->site->ring,
                                                    visit->request.now),
                           cp_span_of(seen), token)
        && token_complete(visit, token)) {
        token_announce(visit, token);
    }
}

/* Where the characters of a token stand in cp_alphanumeric, and back. Without
 * a table, as the compiler does many in one instruction then. */
static void numbers_spell(const unsigned char *restrict numbers,
                          char *restrict text)
{
    for (int i = 0; i < CP_CSRF_TOKEN_LENGTH; i++) {
        unsigned char n = numbers[i];

        text[i] = (char)(n + 'a' - (n >= AT_UPPER ? 'a' + AT_UPPER - 'A' : 0)
                         - (n >= AT_DIGITS ? 'A' + LETTERS - '0' : 0));
    }
}

static void numbers_read(const char *text, unsigned char *numbers)
{
    for (int i = 0; i < CP_CSRF_TOKEN_LENGTH; i++) {
        unsigned char c = (unsigned char)text[i];

        numbers[i] = (unsigned char)(
            c - '0' + AT_DIGITS
            - (c >= 'A' ? 'A' + LETTERS - '0' : 0)
            - (c >= 'a' ? 'a' + AT_UPPER - 'A' : 0));
    }
}

/* The token behind what was presented, plain or masked.
 * @return false when it has the form of neither */
static bool token_unmask(cp_span presented, char *token)
{
    unsigned char mask[CP_CSRF_TOKEN_LENGTH];
    unsigned char sum[CP_CSRF_TOKEN_LENGTH];

    if (!is_alphanumeric(presented)
        || (presented.length != CP_CSRF_TOKEN_LENGTH
            && presented.length != CP_CSRF_MASKED_LENGTH)) {
        return false;
    }
    if (presented.length == CP_CSRF_TOKEN_LENGTH) {
        memcpy(token, presented.at, CP_CSRF_TOKEN_LENGTH);
        return true;
    }
    numbers_read(presented.at, mask);
    numbers_read(presented.at + CP_CSRF_TOKEN_LENGTH, sum);
    for (int i = 0; i < CP_CSRF_TOKEN_LENGTH; i++) {
        sum[i] = (unsigned char)(sum[i] >= mask[i]
                                 ? sum[i] - mask[i]
                                 : sum[i] + CP_ALPHANUMERIC_COUNT - mask[i]);
    }
    numbers_spell(sum, token);
    return true;
}

/* Whether the token in force was made to follow this one. */
static bool is_predecessor(const cp_visit *visit, cp_span token)
{
    cp_span random = cp_span_make(visit->verdicts[CP_CSRF].value,
                                  RANDOM_PART);
    unsigned char keys[CP_KEYS_MAX];
    int count = cp_keyring_ids(visit->site->ring, keys);
    char expected[RANDOM_PART];

    for (int i = 0; i < count; i++) {
        if (follower_random(visit, keys[i], token, expected)
            && cp_secret_equal(random, cp_span_make(expected, RANDOM_PART))) {
            return true;
        }
    }
    return false;
}

bool cp_csrf_check(cp_visit *visit, cp_span presented)
{
    const cp_verdict *verdict = &visit->verdicts[CP_CSRF];
    char token[CP_CSRF_TOKEN_LENGTH];
    cp_span unmasked = cp_span_make(token, CP_CSRF_TOKEN_LENGTH);

    if (verdict->reason != CP_VALID || !verdict->value
        || !token_unmask(presented, token)) {
        return false;
    }
    if (cp_secret_equal(unmasked, cp_span_of(verdict->value))) {
        return true;
    }
    if (is_predecessor(visit, unmasked)) {
        visit->token_seen = cp_span_string(visit->pool, unmasked);
        return true;
    }
    return false;
}

/* The application wants a token in the browser: it gets the one that it saw.
 * Another secret than that is how an application with sessions of its own
 * says that somebody logged in. */
static void csrf_hear(cp_visit *visit, const cp_set_cookie *cookie)
{
    const char *seen = token_seen(visit);
    char token[CP_CSRF_TOKEN_LENGTH];

    if (cookie->deletes) {
        return;
    }
    cp_visit_need(visit, CP_CSRF);
    if (visit->site->session != CP_SESSION_APPLICATION || !seen
        || !token_unmask(cp_cookie_unquoted(cookie->value), token)) {
        return;
    }
    visit->token_confirmed = cp_secret_equal(
        cp_span_make(token, CP_CSRF_TOKEN_LENGTH), cp_span_of(seen));
    if (!visit->token_confirmed) {
        cp_csrf_renew(visit);
    }
    else if (visit->token_seen) {
        cp_csrf_rebind(visit);
    }
}

static void mask_spell(const unsigned char *mask, const char *token,
                       char *masked)
{
    unsigned char sum[CP_CSRF_TOKEN_LENGTH];

    numbers_read(token, sum);
    for (int i = 0; i < CP_CSRF_TOKEN_LENGTH; i++) {
        unsigned char n = (unsigned char)(sum[i] + mask[i]);

        sum[i] = (unsigned char)(n < CP_ALPHANUMERIC_COUNT
                                 ? n : n - CP_ALPHANUMERIC_COUNT);
    }
    numbers_spell(mask, masked);
    numbers_spell(sum, masked + CP_CSRF_TOKEN_LENGTH);
    masked[CP_CSRF_MASKED_LENGTH] = '\0';
}

const char *cp_csrf_masked(const cp_visit *visit)
{
    const char *token = visit->verdicts[CP_CSRF].value;
    unsigned char mask[CP_CSRF_TOKEN_LENGTH];
    char *masked;

    if (!token
        || !cp_keyring_numbers(visit->site->ring, mask, sizeof(mask))) {
        return NULL;
    }
    masked = apr_palloc(visit->pool, CP_CSRF_MASKED_LENGTH + 1);
    mask_spell(mask, token, masked);
    return masked;
}

const cp_room cp_csrf_room = {
    "csrftoken",
    CP_CSRF_TOKEN_LENGTH,
    CP_CSRF_TOKEN_LENGTH,
    csrf_open,
    csrf_validate,
    csrf_issue,
    csrf_hear
};
