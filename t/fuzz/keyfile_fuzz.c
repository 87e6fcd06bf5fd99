/**
 * @file keyfile_fuzz.c
 * @brief A key file.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_sample.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static int memory = -1;
    sample *site = fuzz_begin();
    const char *error = NULL;
    const char *file;
    cp_keys keys;

    if (memory < 0) {
        memory = memfd_create("keys", 0);
        FUZZ_ASSERT(memory >= 0 && fchmod(memory, 0600) == 0);
    }
    FUZZ_ASSERT(ftruncate(memory, 0) == 0
                && pwrite(memory, data, size, 0) == (ssize_t)size);
    file = apr_psprintf(site->pool, "/proc/self/fd/%d", memory);
    if (cp_keyfile_read(&keys, file, &error, site->pool) != APR_SUCCESS) {
        FUZZ_ASSERT(error && strstr(error, file));
        fuzz_end(site);
        return 0;
    }
    FUZZ_ASSERT(keys.count >= 1 && keys.count <= CP_KEYS_MAX);
    for (int i = 1; i < keys.count; i++) {
        FUZZ_ASSERT(keys.list[i - 1].begins >= keys.list[i].begins);
    }
    cp_keyring_signer(cp_keyring_make(&keys, site->pool), SAMPLE_NOW);
    fuzz_end(site);
    return 0;
}
