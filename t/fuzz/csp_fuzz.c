/**
 * @file csp_fuzz.c
 * @brief A Content-Security-Policy: what is taken out of it stands in it, and
 *        may stand in an attribute.
 */
#include "csp.h"
#include "fuzz_sample.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char *copy = fuzz_copy(data, size, false);
    cp_span nonce = cp_csp_nonce(cp_span_make(copy, size));

    if (nonce.at) {
        FUZZ_ASSERT(nonce.at > copy && nonce.length > 0
                    && nonce.at + nonce.length < copy + size);
        FUZZ_ASSERT(nonce.at[-1] == '-' && nonce.at[nonce.length] == '\'');
        FUZZ_ASSERT(cp_csp_is_nonce(nonce));
        for (size_t i = 0; i < nonce.length; i++) {
            FUZZ_ASSERT(nonce.at[i] && !strchr("\"'<>& \t\n", nonce.at[i]));
        }
    }
    free(copy);
    return 0;
}
