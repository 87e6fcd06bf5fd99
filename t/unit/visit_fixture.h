/**
 * @file visit_fixture.h
 * @brief The fixtures of the tests that visit the sample site.
 */
#ifndef VISIT_FIXTURE_H
#define VISIT_FIXTURE_H

#include "visit_sample.h"

static apr_pool_t *pool;
static sample site;

static inline int setup(void **state)
{
    (void)state;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

static inline int begin(void **state)
{
    (void)state;
    sample_begin(&site, pool);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    sample_end(&site);
    return 0;
}

#endif
