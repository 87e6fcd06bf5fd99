/**
 * @file fuzz_sample.h
 * @brief What the fuzz targets share: the unit tests' site, a pool for each
 *        input, and a copy of the input that has nothing behind its end.
 */
#ifndef FUZZ_SAMPLE_H
#define FUZZ_SAMPLE_H

#include <stdio.h>
#include <stdlib.h>
#include <apr_general.h>
#include <sanitizer/lsan_interface.h>

#include "token.h"
#include "visit_sample.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/** What must hold whatever the input is. */
#define FUZZ_ASSERT(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, \
                    #condition); \
            abort(); \
        } \
    } while (0)

/** The site, made at the first input, with a pool for this one. */
static inline sample *fuzz_begin(void)
{
    static sample site;
    static apr_pool_t *whole;

    if (!whole) {
        /* APR's pools lie in memory where no leak is looked for: what only
         * they point at would count as one. */
        __lsan_disable();
        apr_initialize();
        apr_pool_create(&whole, NULL);
        sample_begin(&site, whole);
        __lsan_enable();
    }
    apr_pool_create(&site.pool, whole);
    site.request.accept_language = NULL;
    memset(site.jar, 0, sizeof(site.jar));
    return &site;
}

static inline void fuzz_end(sample *site)
{
    sample_end(site);
}

/** A copy of just its length, or with a NUL behind it; to be freed. */
static inline char *fuzz_copy(const unsigned char *data, size_t size,
                              bool ends)
{
    char *copy = malloc(size + (ends || size == 0));

    if (size) {
        memcpy(copy, data, size);
    }
    if (ends) {
        copy[size] = '\0';
    }
    return copy;
}

#endif
