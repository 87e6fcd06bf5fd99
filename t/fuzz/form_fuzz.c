/**
 * @file form_fuzz.c
 * @brief A form's body, whole and cut, and what it presents as a token.
 */
#include "form.h"
#include "fuzz_sample.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    sample *site = fuzz_begin();
    char *copy = fuzz_copy(data, size, false);
    cp_span body = cp_span_make(copy, size);
    cp_span whole = CP_SPAN_NONE, cut = CP_SPAN_NONE;
    bool found = cp_form_token(body, true, &whole);

    if (cp_form_token(body, false, &cut)) {
        FUZZ_ASSERT(found && whole.at == cut.at
                    && whole.length == cut.length);
    }
    if (found) {
        FUZZ_ASSERT(whole.at >= copy
                    && whole.at + whole.length <= copy + size);
        sample_browse(site);
        FUZZ_ASSERT(!cp_csrf_check(sample_visit(site), whole));
    }
    free(copy);
    fuzz_end(site);
    return 0;
}
