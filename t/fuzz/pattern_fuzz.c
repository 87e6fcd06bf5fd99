/**
 * @file pattern_fuzz.c
 * @brief A pattern, and names line by line: what matches begins with the
 *        pattern's prefix.
 */
#include "fuzz_sample.h"
#include "pattern.h"

#define PATTERN_LENGTH 200
#define NAME_LENGTH 200

static void name_check(const cp_pattern *pattern, cp_span name)
{
    cp_span prefix = cp_pattern_prefix(pattern);

    if (CP_MATCHES == cp_pattern_match(pattern, name)) {
        FUZZ_ASSERT(name.length >= prefix.length);
        FUZZ_ASSERT(memcmp(name.at, prefix.at, prefix.length) == 0);
    }
}

/* Names that are almost the prefix, where one that says too much shows. */
static void prefix_check(sample *site, const cp_pattern *pattern)
{
    cp_span prefix = cp_pattern_prefix(pattern);
    char *name = apr_pmemdup(site->pool, prefix.at, prefix.length + 1);

    name_check(pattern, CP_SPAN(""));
    for (apr_size_t i = 0; i < prefix.length; i++) {
        name_check(pattern, cp_span_make(prefix.at, i));
        name_check(pattern, cp_span_make(prefix.at + i, prefix.length - i));
        name[i] ^= 3;
        name_check(pattern, cp_span_make(name, prefix.length));
        name_check(pattern, cp_span_make(name, i + 1));
        name_check(pattern, cp_span_make(name + i, 1));
        name[i] = prefix.at[i];
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    sample *site = fuzz_begin();
    char *copy = fuzz_copy(data, size, true);
    char *end = memchr(copy, '\n', size);
    const char *error = NULL;
    const cp_pattern *pattern;

    if (end) {
        *end = '\0';
    }
    if (strlen(copy) <= PATTERN_LENGTH) {
        pattern = cp_pattern_make(copy, &error, site->pool);
        FUZZ_ASSERT((pattern == NULL) == (error != NULL));
        if (pattern) {
            prefix_check(site, pattern);
        }
        for (int i = 0; pattern && end && i < 20; i++) {
            char *name = end + 1;
            size_t length;

            end = memchr(name, '\n', (size_t)(copy + size - name));
            length = (size_t)((end ? end : copy + size) - name);
            name_check(pattern, cp_span_make(name, length < NAME_LENGTH
                                                   ? length : NAME_LENGTH));
        }
    }
    free(copy);
    fuzz_end(site);
    return 0;
}
