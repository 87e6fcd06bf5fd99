/**
 * @file session_sample.h
 * @brief What the tests of sessions do again and again.
 */
#ifndef SESSION_SAMPLE_H
#define SESSION_SAMPLE_H

#include "visit_fixture.h"

/* Where the issue time, the flags and the key's number are in an id. */
#define AT_TIME 16
#define AT_FLAGS 20
#define AT_KEY 21

static inline cp_reason reason_of(const cp_visit *visit)
{
    return visit->verdicts[CP_SESSION].reason;
}

static inline const char *token_of(cp_visit *visit)
{
    return cp_visit_value(visit, CP_SESSION);
}

static inline int records(void)
{
    return memory_store_records(&site.store, site.request.now);
}

/* A browser of its own, logged in; its sessionid. */
static inline const char *logged_in(const char *user)
{
    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    {
        cp_visit *visit = sample_visit(&site);

        assert_int_equal(sample_login(&site, visit, user), APR_SUCCESS);
        sample_take(&site, visit, false);
    }
    return site.jar[CP_SESSION];
}

/* Likewise, with something stored and nobody logged in. */
static inline const char *stored(const char *name, const char *value)
{
    cp_visit *visit;

    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    visit = sample_visit(&site);
    assert_int_equal(sample_store(&site, visit, name, value), APR_SUCCESS);
    sample_take(&site, visit, false);
    return site.jar[CP_SESSION];
}

static inline const char *stateless(void)
{
    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    return site.jar[CP_SESSION];
}

static inline cp_visit *visit_with(const char *token)
{
    return sample_request(&site, sample_pair(&site, CP_SESSION, token));
}

static inline cp_visit *visit_with_two(const char *one, const char *two)
{
    return sample_request(&site, apr_pstrcat(site.pool, "sessionid=", one,
                                             "; sessionid=", two, NULL));
}

static inline void nothing_is_issued(cp_visit *visit)
{
    const char *lines[CP_MANAGED_COUNT];

    cp_visit_issue(visit, true, lines);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        assert_null(lines[i]);
    }
}

static inline void is_anonymous(cp_visit *visit)
{
    assert_null(token_of(visit));
    assert_null(cp_session_user(visit));
    assert_null(cp_session_attributes(visit));
    assert_null(cp_session_reference(visit));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
