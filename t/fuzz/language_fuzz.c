/**
 * @file language_fuzz.c
 * @brief Accept-Language, and the same bytes as a tag.
 */
#include "fuzz_sample.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    sample *site = fuzz_begin();
    char *copy = fuzz_copy(data, size, true);
    const char *spoken;
    cp_visit *visit;
    int listed = 0;

    site->request.accept_language = copy;
    visit = sample_request(site, NULL);
    spoken = cp_language(visit);
    for (int i = 0; sample_languages[i]; i++) {
        listed += spoken == sample_languages[i];
    }
    FUZZ_ASSERT(listed == 1);
    cp_language_tag_is_good(copy);
    cp_language_choose(visit, cp_span_make(copy, size));
    site->request.accept_language = NULL;
    sample_request(site, apr_pstrcat(site->pool, "django_language=", copy,
                                     NULL));
    free(copy);
    fuzz_end(site);
    return 0;
}
