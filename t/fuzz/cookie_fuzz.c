/**
 * @file cookie_fuzz.c
 * @brief A Cookie header: read, validated, and built anew for the
 *        application.
 */
#include "fuzz_sample.h"

/* What the application sees is good, has each managed cookie once at most,
 * and no other spelling of one. */
static void header_check(const char *header)
{
    cp_span rest = cp_span_of(header);
    int counts[CP_MANAGED_COUNT] = { 0 };
    unsigned int broken = 0;
    cp_pair pair;

    while (cp_cookie_next(&rest, &pair, &broken)) {
        for (int i = 0; i < CP_MANAGED_COUNT; i++) {
            cp_span name = cp_span_of(cp_rooms[i]->name);

            counts[i] += cp_span_equal(pair.name, name);
            FUZZ_ASSERT(!cp_cookie_mimics(pair.name, name));
        }
    }
    FUZZ_ASSERT(broken == 0);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        FUZZ_ASSERT(counts[i] <= 1);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    sample *site = fuzz_begin();
    char *copy = fuzz_copy(data, size, false);

    site->request.cookie = cp_span_make(copy, size);
    for (int welcomes = 0; welcomes < 2; welcomes++) {
        const char *lines[CP_MANAGED_COUNT];
        cp_visit *visit;

        site->request.welcomes = welcomes;
        visit = cp_visit_begin(&site->site, &site->terms, &site->request,
                               site->pool);
        header_check(cp_visit_cookie(visit));
        cp_visit_issue(visit, true, lines);
        for (int i = 0; i < CP_MANAGED_COUNT; i++) {
            FUZZ_ASSERT(!lines[i] || (welcomes
                                      && visit->verdicts[i].reason
                                         != CP_VALID));
        }
    }
    free(copy);
    fuzz_end(site);
    return 0;
}
