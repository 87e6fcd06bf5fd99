/**
 * @file preferences_fuzz.c
 * @brief A value of cookies_preferences: as it comes, and with a MAC that
 *        fits, so that what is behind the MAC is reached too.
 */
#include "fuzz_sample.h"

static const char *signed_value(sample *site, const char *text)
{
    cp_span part = cp_span_of(text);
    unsigned char mac[CP_SIGNATURE_LENGTH];
    char spelled[CP_BASE64URL_LENGTH(16) + 1];

    FUZZ_ASSERT(cp_keyring_sign(site->site.ring, 7, CP_PURPOSE_PREFERENCES,
                               site->request.realm, &part, 1, mac));
    cp_base64url_encode(spelled, mac, 16);
    return apr_pstrcat(site->pool, text, ".", spelled, NULL);
}

static cp_visit *visit_with(sample *site, const char *value)
{
    cp_visit *visit = sample_request(site, apr_pstrcat(
        site->pool, "cookies_preferences=", value, NULL));

    for (int i = 0; i < site->policy.category_count; i++) {
        cp_preferences_choice(visit, i);
        cp_preferences_allow(visit, i);
    }
    cp_preferences_decided(visit);
    sample_take(site, visit, true);
    return visit;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    sample *site = fuzz_begin();
    char *copy = fuzz_copy(data, size, true);
    cp_visit *visit = visit_with(site, copy);

    /* No input has a MAC but by the key. */
    FUZZ_ASSERT(visit->verdicts[CP_PREFERENCES].reason != CP_VALID
                || strlen(copy) > 22);
    visit = visit_with(site, signed_value(site, copy));
    if (visit->verdicts[CP_PREFERENCES].reason == CP_VALID) {
        FUZZ_ASSERT(strncmp(copy, "1.", 2) == 0);
        FUZZ_ASSERT(cp_preferences_allow(visit, 0));
    }
    free(copy);
    fuzz_end(site);
    return 0;
}
