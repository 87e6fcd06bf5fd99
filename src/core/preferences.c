#include "preferences.h"
#include "token.h"

#include <stdlib.h>

#define FORMAT "1"
#define DAY_SECONDS 86400
#define DAY_DIGITS_MAX 6

/* The longest value there can be: every category chosen. */
#define VALUE_MAX (CP_CATEGORIES_MAX \
                   * (CP_CATEGORY_NAME_MAX + CP_DIGEST_LENGTH + 4) + 64)

static bool preferences_open(const cp_visit *visit)
{
    (void)visit;
    return true;
}

static bool may_choose(const cp_category *category)
{
    return category->used && category->rule != CP_RULE_EXEMPT;
}

/* Takes what stands before the separator off the rest. */
static bool field_take(cp_span *rest, char separator, cp_span *field)
{
    const char *end = rest->length ? memchr(rest->at, separator,
                                            rest->length) : NULL;

    if (!end) {
        return false;
    }
    *field = cp_span_make(rest->at, (apr_size_t)(end - rest->at));
    rest->length -= field->length + 1;
    rest->at = end + 1;
    return true;
}

static bool text_sign(const cp_visit *visit, unsigned char key, cp_span text,
                      char *mac)
{
    return cp_keyring_sign_text(visit->site->ring, key,
                                CP_PURPOSE_PREFERENCES,
                                visit->request.realm, text, mac);
}

static bool mac_fits(const cp_visit *visit, cp_span text, cp_span mac)
{
    unsigned char keys[CP_KEYS_MAX];
    int count = cp_keyring_ids(visit->site->ring, keys);
    char expected[CP_SIGNATURE_TEXT_LENGTH + 1];

    for (int i = 0; i < count; i++) {
        if (text_sign(visit, keys[i], text, expected)
            && cp_secret_equal(mac, cp_span_of(expected))) {
            return true;
        }
    }
    return false;
}

/* One `category:y:DIGEST`. A grant of something else than what the category
 * is today counts no more; a refusal does. */
static void state_read(const cp_policy *policy, cp_span state,
                       cp_preferences *read)
{
    cp_span name, answer;
    int category;
    bool granted;

    if (!field_take(&state, ':', &name) || !field_take(&state, ':', &answer)
        || (category = cp_policy_category(policy, name)) < 0) {
        return;
    }
    granted = cp_span_equal(answer, CP_SPAN("y"));
    if (!granted) {
        read->choices[category] = CP_REFUSED;
    }
    else if (cp_span_equal(state, cp_span_of(policy->categories[category]
                                             .digest))) {
        read->choices[category] = CP_GRANTED;
    }
}

static apr_uint64_t expiry_of(const cp_visit *visit,
                              const cp_preferences *chosen)
{
    return (apr_uint64_t)chosen->day * DAY_SECONDS
           + visit->site->consent_lifetime;
}

static cp_reason value_read(const cp_visit *visit, cp_span value,
                            cp_preferences *read)
{
    cp_span rest = value;
    cp_span format, day, states, id, state;
    cp_span signed_part;

    if (value.length > VALUE_MAX || !field_take(&rest, '.', &format)
        || !cp_span_equal(format, CP_SPAN(FORMAT))
        || !field_take(&rest, '.', &day) || day.length == 0
        || day.length > DAY_DIGITS_MAX || !field_take(&rest, '.', &states)
        || !field_take(&rest, '.', &id)
        || (id.length && id.length != CP_CONSENT_ID_LENGTH)
        || rest.length != CP_SIGNATURE_TEXT_LENGTH) {
        return CP_MALFORMED;
    }
    signed_part = cp_span_make(value.at, value.length - rest.length - 1);
    if (!mac_fits(visit, signed_part, rest)) {
        return CP_FORGED;
    }
    read->day = (apr_uint32_t)strtoul(day.at, NULL, 10);
    memcpy(read->id, id.at, id.length);
    if (expiry_of(visit, read) <= visit->request.now
        || (apr_uint64_t)read->day * DAY_SECONDS
           > (apr_uint64_t)visit->request.now + DAY_SECONDS) {
        return CP_EXPIRED;
    }
    while (states.length) {
        if (!field_take(&states, '~', &state)) {
            state = states;
            states.length = 0;
        }
        state_read(visit->site->policy, state, read);
    }
    return CP_VALID;
}

/* What both grant; what either refuses is refused. */
static void preferences_merge(cp_preferences *into,
                              const cp_preferences *other)
{
    for (int i = 0; i < CP_CATEGORIES_MAX; i++) {
        if (into->choices[i] == CP_REFUSED
            || other->choices[i] == CP_REFUSED) {
            into->choices[i] = CP_REFUSED;
        }
        else if (other->choices[i] == CP_UNDECIDED) {
            into->choices[i] = CP_UNDECIDED;
        }
    }
}

static const char *states_write(const cp_visit *visit,
                                const cp_preferences *chosen)
{
    const cp_policy *policy = visit->site->policy;
    const char *states = "";

    for (int i = 0; i < policy->category_count; i++) {
        const cp_category *category = &policy->categories[i];

        if (may_choose(category) && chosen->choices[i] != CP_UNDECIDED) {
            states = apr_pstrcat(visit->pool, states, *states ? "~" : "",
                                 category->name,
                                 chosen->choices[i] == CP_GRANTED ? ":y:"
                                                                  : ":n:",
                                 category->digest, NULL);
        }
    }
    return states;
}

static const char *value_write(const cp_visit *visit,
                               const cp_preferences *chosen)
{
    cp_span day = cp_span_of(apr_ltoa(visit->pool, (long)chosen->day));
    cp_span states = cp_span_of(states_write(visit, chosen));
    cp_span id = cp_span_of(chosen->id);
    char *value = apr_palloc(visit->pool,
                             sizeof(FORMAT "....") + day.length
                             + states.length + id.length
                             + CP_SIGNATURE_TEXT_LENGTH);
    char *at = cp_span_put(value, CP_SPAN(FORMAT "."));
    apr_size_t length;

    at = cp_span_put(cp_span_put(at, day), CP_SPAN("."));
    at = cp_span_put(cp_span_put(at, states), CP_SPAN("."));
    at = cp_span_put(at, id);
    length = (apr_size_t)(at - value);
    *at++ = '.';
    return text_sign(visit, cp_keyring_signer(visit->site->ring,
                                              visit->request.now),
                     cp_span_make(value, length), at)
           ? value : NULL;
}

static void preferences_validate(cp_visit *visit)
{
    cp_verdict *verdict = &visit->verdicts[CP_PREFERENCES];
    bool merged = false;

    for (int i = 0; i < verdict->received_count; i++) {
        cp_preferences read = { .id = "" };
        cp_reason reason = value_read(visit, verdict->received[i], &read);

        if (reason != CP_VALID) {
            if (!verdict->value) {
                verdict->reason = reason;
            }
        }
        else if (!verdict->value) {
            verdict->reason = CP_VALID;
            verdict->value = cp_span_string(visit->pool,
                                            verdict->received[i]);
            *visit->preferences = read;
            if (expiry_of(visit, &read) < APR_UINT32_MAX) {
                cp_visit_limit(visit, (apr_uint32_t)expiry_of(visit, &read));
            }
        }
        else {
            preferences_merge(visit->preferences, &read);
            merged = true;
        }
    }
    if (merged) {
        verdict->value = value_write(visit, visit->preferences);
    }
}

static void preferences_issue(cp_visit *visit)
{
    memset(visit->preferences, 0, sizeof(*visit->preferences));
    visit->preferences->day = visit->request.now / DAY_SECONDS;
    visit->verdicts[CP_PREFERENCES].value = value_write(visit,
                                                        visit->preferences);
}

/* Written by this server only. */
static void preferences_hear(cp_visit *visit, const cp_set_cookie *cookie)
{
    (void)visit;
    (void)cookie;
}

const char *cp_choice_word(cp_choice choice)
{
    static const char *const words[] = {
        [CP_UNDECIDED] = "undecided",
        [CP_GRANTED] = "granted",
        [CP_REFUSED] = "refused"
    };

    return words[choice];
}

cp_choice cp_preferences_choice(const cp_visit *visit, int category)
{
    return may_choose(&visit->site->policy->categories[category])
           ? visit->preferences->choices[category] : CP_UNDECIDED;
}

bool cp_preferences_allow(const cp_visit *visit, int category)
{
    cp_choice choice = cp_preferences_choice(visit, category);

    switch (visit->site->policy->categories[category].rule) {
    case CP_RULE_EXEMPT:
        return true;
    case CP_RULE_OBJECTABLE:
        return choice == CP_GRANTED
               || (choice == CP_UNDECIDED && !visit->request.gpc);
    default:
        return choice == CP_GRANTED;
    }
}

bool cp_preferences_decided(const cp_visit *visit)
{
    const cp_policy *policy = visit->site->policy;

    for (int i = 0; i < policy->category_count; i++) {
        if (policy->categories[i].rule == CP_RULE_CONSENT
            && policy->categories[i].used
            && visit->preferences->choices[i] == CP_UNDECIDED) {
            return false;
        }
    }
    return true;
}

bool cp_preferences_signalled(const cp_visit *visit)
{
    const cp_policy *policy = visit->site->policy;

    for (int i = 0; visit->request.gpc && i < policy->category_count; i++) {
        if (may_choose(&policy->categories[i])
            && visit->preferences->choices[i] == CP_UNDECIDED) {
            return true;
        }
    }
    return false;
}

bool cp_preferences_draw(const cp_visit *visit, const cp_choice *choices,
                         cp_draft *draft)
{
    const cp_policy *policy = visit->site->policy;
    cp_preferences *chosen = &draft->preferences;
    unsigned char id[16];
    bool granted = false;

    memset(draft, 0, sizeof(*draft));
    chosen->day = visit->request.now / DAY_SECONDS;
    for (int i = 0; i < policy->category_count; i++) {
        if (may_choose(&policy->categories[i])) {
            chosen->choices[i] = choices[i];
            granted = granted || choices[i] == CP_GRANTED;
        }
    }
    if (granted) {
        if (!cp_random_bytes(id, sizeof(id))) {
            return false;
        }
        cp_base64url_encode(chosen->id, id, sizeof(id));
    }
    for (int i = 0; i < policy->category_count; i++) {
        chosen->withdrawn[i] = chosen->choices[i] == CP_REFUSED
                               && cp_preferences_allow(visit, i);
        chosen->withdraws = chosen->withdraws || chosen->withdrawn[i];
    }
    draft->value = value_write(visit, chosen);
    return draft->value != NULL;
}

void cp_preferences_commit(cp_visit *visit, const cp_draft *draft)
{
    cp_verdict *verdict = &visit->verdicts[CP_PREFERENCES];

    *visit->preferences = draft->preferences;
    verdict->value = draft->value;
    verdict->issuance = CP_ISSUE_NOW;
}

bool cp_preferences_choose(cp_visit *visit, const cp_choice *choices)
{
    cp_draft draft;

    if (!cp_preferences_draw(visit, choices, &draft)) {
        return false;
    }
    cp_preferences_commit(visit, &draft);
    return true;
}

const cp_room cp_preferences_room = {
    "cookies_preferences",
    1,
    VALUE_MAX,
    preferences_open,
    preferences_validate,
    preferences_issue,
    preferences_hear
};
