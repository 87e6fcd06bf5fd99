/**
 * @file pool_fixture.h
 * @brief The pool that the tests of a group have.
 */
#ifndef POOL_FIXTURE_H
#define POOL_FIXTURE_H

#include <apr_general.h>
#include <apr_pools.h>

static apr_pool_t *pool;

static inline int pool_setup(void **state)
{
    (void)state;
    apr_initialize();
    return apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static inline int pool_teardown(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

#endif
