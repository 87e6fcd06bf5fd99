/**
 * @file visit_fixture.h
 * @brief The fixtures of the tests that visit the sample site.
 */
#ifndef VISIT_FIXTURE_H
#define VISIT_FIXTURE_H

#include "visit_sample.h"
#include "pool_fixture.h"

static sample site;

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
