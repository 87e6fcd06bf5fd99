/**
 * @file set_cookie_fuzz.c
 * @brief A Set-Cookie line of an application: read, judged, heard. What is
 *        admitted comes back from no browser as a managed cookie.
 */
#include "fuzz_sample.h"

static void kept_check(sample *site, const cp_set_cookie *kept)
{
    const char *back = apr_pstrcat(site->pool,
                                   cp_span_string(site->pool, kept->name),
                                   kept->name.length ? "=" : "",
                                   cp_span_string(site->pool, kept->value),
                                   NULL);
    cp_span rest = cp_span_of(back);
    unsigned int broken = 0;
    cp_pair pair;

    /* Up to the first `, ` or `;`: what follows it is the value's own. */
    if (cp_cookie_next(&rest, &pair, &broken) && !broken) {
        for (int i = 0; i < CP_MANAGED_COUNT; i++) {
            cp_span name = cp_span_of(cp_rooms[i]->name);

            FUZZ_ASSERT(!cp_span_equal(pair.name, name)
                        || pair.name.at != back);
            FUZZ_ASSERT(!cp_cookie_mimics(pair.name, name)
                        || pair.name.at != back);
        }
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    sample *site = fuzz_begin();
    char *copy = fuzz_copy(data, size, false);
    cp_span line = cp_span_make(copy, size);
    cp_set_cookie kept;
    int managed = 99;

    for (int mode = 0; mode < 2; mode++) {
        cp_visit *visit;

        site->site.session = mode ? CP_SESSION_APPLICATION : CP_SESSION_ON;
        visit = sample_request(site, "sessionid=a");
        if (cp_visit_admits(visit, line, &managed) && !mode
            && cp_set_cookie_read(line, SAMPLE_NOW, &kept)) {
            kept_check(site, &kept);
        }
        FUZZ_ASSERT(managed >= -1 && managed < CP_MANAGED_COUNT);
        cp_visit_hear(visit, line);
        sample_take(site, visit, true);
    }
    free(copy);
    fuzz_end(site);
    return 0;
}
