/**
 * @file csrf_test.c
 * @brief The token that lets a visitor's own pages post: plain, masked, of
 *        others, and what a login leaves of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>

#include "visit_fixture.h"

static int begin_with_a_jar(void **state)
{
    (void)state;
    sample_begin(&site, pool);
    sample_browse(&site);
    return 0;
}

/* Django 3.2, django/middleware/csrf.py, told in our words: a masked token is
 * a mask and, character by character, mask plus secret in the alphabet. */
static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

static int letter_index(char c)
{
    const char *at = c ? strchr(letters, c) : NULL;

    assert_non_null(at);
    return (int)(at - letters);
}

static const char *django_unmask(const char *masked)
{
    char *secret = apr_pcalloc(pool, 33);

    assert_int_equal(strlen(masked), 64);
    for (int i = 0; i < 32; i++) {
        int difference = letter_index(masked[32 + i])
                         - letter_index(masked[i]);

        secret[i] = letters[difference < 0 ? difference + 62 : difference];
    }
    return secret;
}

static const char *django_mask(const char *secret, const char *mask)
{
    char *masked = apr_pcalloc(pool, 65);

    for (int i = 0; i < 32; i++) {
        masked[i] = mask[i];
        masked[32 + i] = letters[(letter_index(secret[i])
                                  + letter_index(mask[i])) % 62];
    }
    return masked;
}

static const char *token_of(cp_visit *visit)
{
    return cp_visit_value(visit, CP_CSRF);
}

static cp_reason reason_of(const cp_visit *visit)
{
    return visit->verdicts[CP_CSRF].reason;
}

static bool passes(const char *presented)
{
    return cp_csrf_check(sample_visit(&site), cp_span_of(presented));
}

/* --- Form ------------------------------------------------------------- */

static void a_token_has_its_form(void **state)
{
    const char *token = site.jar[CP_CSRF];

    (void)state;
    assert_int_equal(strlen(token), CP_CSRF_TOKEN_LENGTH);
    assert_int_equal(strspn(token, letters), CP_CSRF_TOKEN_LENGTH);
    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    assert_memory_not_equal(site.jar[CP_CSRF], token, 12);
    assert_memory_not_equal(site.jar[CP_CSRF] + 12, token + 12, 20);
}

static void it_is_issued_once(void **state)
{
    const char *token = site.jar[CP_CSRF];
    cp_visit *visit = sample_visit(&site);

    (void)state;
    assert_int_equal(reason_of(visit), CP_VALID);
    assert_string_equal(token_of(visit), token);
    assert_int_equal(sample_take(&site, visit, true), 0);
}

static void plain_passes(void **state)
{
    (void)state;
    assert_true(passes(site.jar[CP_CSRF]));
}

static void masked_passes(void **state)
{
    static const char *const masks[] = {
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "99999999999999999999999999999999",
        "AZaz09AZaz09AZaz09AZaz09AZaz09AZ",
        "zyxwvutsrqponmlkjihgfedcba987654"
    };

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_true(passes(django_mask(site.jar[CP_CSRF], masks[i])));
    }
}

static void masked_as_django_masks(void **state)
{
    cp_visit *visit = sample_visit(&site);
    const char *before = "";

    (void)state;
    for (int i = 0; i < 50; i++) {
        const char *masked = cp_csrf_masked(visit);

        assert_string_equal(django_unmask(masked), site.jar[CP_CSRF]);
        assert_string_not_equal(masked, before);
        assert_true(passes(masked));
        before = masked;
    }
}

/* --- What does not pass ----------------------------------------------- */

static void every_character_counts(void **state)
{
    const char *token = site.jar[CP_CSRF];
    const char *masked = django_mask(token, "zyxwvutsrqponmlkjihgfedcba987654");

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        for (int c = 1; c < 256; c++) {
            char *wrong = apr_pstrdup(site.pool, i < 32 ? token : masked);

            if (i < 32 && c != token[i]) {
                wrong[i] = (char)c;
                assert_false(cp_csrf_check(sample_visit(&site),
                                           cp_span_of(wrong)));
            }
            wrong = apr_pstrdup(site.pool, masked);
            if (c % 7 == 0 && c != masked[i]) {
                wrong[i] = (char)c;
                assert_false(passes(wrong));
            }
        }
    }
}

static void wrong_lengths(void **state)
{
    const char *token = site.jar[CP_CSRF];
    const char *masked = django_mask(token, "zyxwvutsrqponmlkjihgfedcba987654");
    cp_visit *visit = sample_visit(&site);

    (void)state;
    assert_false(cp_csrf_check(visit, CP_SPAN_NONE));
    assert_false(cp_csrf_check(visit, CP_SPAN("")));
    for (size_t length = 0; length < 64; length++) {
        /* In memory of just that length, for the sanitizers to see. */
        char *cut = malloc(length + 1);

        memcpy(cut, masked, length);
        assert_false(cp_csrf_check(visit, cp_span_make(cut, length)));
        if (length < 32) {
            memcpy(cut, token, length);
            assert_false(cp_csrf_check(visit, cp_span_make(cut, length)));
        }
        free(cut);
    }
    assert_false(cp_csrf_check(visit, cp_span_of(apr_pstrcat(pool, token, "a",
                                                             NULL))));
    assert_false(cp_csrf_check(visit, cp_span_of(apr_pstrcat(pool, masked,
                                                             "a", NULL))));
    assert_false(cp_csrf_check(visit, cp_span_of(apr_pstrcat(pool, " ", token,
                                                             NULL))));
    assert_false(cp_csrf_check(visit, cp_span_of(apr_pstrcat(pool, token,
                                                             token, NULL))));
    assert_false(cp_csrf_check(visit, cp_span_make(token, 33)));
}

/* Nobody can present a token that is only now being handed out, not even
 * one who guesses it. */
static void a_newcomer_has_none(void **state)
{
    cp_visit *visit = sample_request(&site, NULL);

    (void)state;
    assert_non_null(token_of(visit));
    assert_false(cp_csrf_check(visit, cp_span_of(token_of(visit))));
    assert_false(cp_csrf_check(visit, cp_span_of(cp_csrf_masked(visit))));
    assert_false(cp_csrf_check(visit, cp_span_of(site.jar[CP_CSRF])));
}

static void without_a_session(void **state)
{
    const char *token = site.jar[CP_CSRF];
    cp_visit *visit;

    (void)state;
    site.request.welcomes = false;
    visit = sample_request(&site, sample_pair(&site, CP_CSRF, token));
    assert_int_equal(reason_of(visit), CP_FORGED);
    assert_null(token_of(visit));
    assert_null(cp_csrf_masked(visit));
    assert_false(cp_csrf_check(visit, cp_span_of(token)));
}

static void of_another_session(void **state)
{
    const char *token = site.jar[CP_CSRF];
    const char *session = site.jar[CP_SESSION];
    cp_visit *visit;

    (void)state;
    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    assert_false(passes(token));
    site.jar[CP_CSRF] = token;
    visit = sample_visit(&site);
    assert_int_equal(reason_of(visit), CP_FORGED);
    assert_false(cp_csrf_check(visit, cp_span_of(token)));
    site.jar[CP_SESSION] = session;
    assert_true(passes(token));
}

static void of_another_realm(void **state)
{
    const char *token = site.jar[CP_CSRF];

    (void)state;
    site.request.realm = CP_SPAN("back.example.org");
    assert_false(passes(token));
    /* Also where the session is of that realm. */
    site.jar[CP_SESSION] = NULL;
    sample_browse(&site);
    site.jar[CP_CSRF] = token;
    assert_int_equal(reason_of(sample_visit(&site)), CP_FORGED);
}

static void of_another_key(void **state)
{
    const char *token = site.jar[CP_CSRF];

    (void)state;
    site.keys.list[2] = site.keys.list[1];
    site.keys.list[1] = site.keys.list[0];
    site.keys.list[0] = sample_key(9, 1);
    site.keys.count = 3;
    sample_rekey(&site);
    assert_true(passes(token));

    /* The session is there anew, the token of the revoked key is not. */
    site.keys.list[1].revoked = true;
    sample_rekey(&site);
    assert_false(passes(token));
    site.jar[CP_SESSION] = NULL;
    sample_browse(&site);
    site.jar[CP_CSRF] = token;
    assert_int_equal(reason_of(sample_visit(&site)), CP_FORGED);
}

static void malformed_ones(void **state)
{
    static const char *const wrong[] = {
        "", "x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xff",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cp_visit *visit;

        site.jar[CP_CSRF] = wrong[i];
        visit = sample_visit(&site);
        assert_int_equal(reason_of(visit), CP_MALFORMED);
        assert_non_null(token_of(visit));
        assert_false(cp_csrf_check(visit, cp_span_of(wrong[i])));
    }
}

static void planted_ones_do_not_disturb(void **state)
{
    static const char planted[] = "csrftoken=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const char *header = sample_header(&site);

    (void)state;
    for (int i = 0; i < 2; i++) {
        cp_visit *visit = sample_request(&site, apr_pstrcat(
            pool, i ? planted : header, "; ", i ? header : planted, NULL));

        assert_int_equal(reason_of(visit), CP_VALID);
        assert_string_equal(token_of(visit), site.jar[CP_CSRF]);
        assert_true(cp_csrf_check(visit, cp_span_of(site.jar[CP_CSRF])));
        assert_false(cp_csrf_check(visit, cp_span_of(strchr(planted, '=')
                                                     + 1)));
        assert_int_equal(sample_take(&site, visit, true), 0);
    }
}

/* --- Logging in and out ----------------------------------------------- */

static void a_form_outlives_what_is_stored(void **state)
{
    const char *token = site.jar[CP_CSRF];
    const char *session = site.jar[CP_SESSION];
    cp_visit *visit = sample_visit(&site);

    (void)state;
    assert_int_equal(sample_store(&site, visit, "a", "1"), APR_SUCCESS);
    sample_take(&site, visit, true);
    assert_string_not_equal(site.jar[CP_SESSION], session);
    assert_string_equal(site.jar[CP_CSRF], token);
    assert_true(passes(token));
}

static void a_login_makes_a_new_one(void **state)
{
    const char *token = site.jar[CP_CSRF];
    cp_visit *visit = sample_visit(&site);

    (void)state;
    assert_int_equal(sample_login(&site, visit, "alice"), APR_SUCCESS);
    assert_string_not_equal(token_of(visit), token);
    sample_take(&site, visit, false);
    assert_string_not_equal(site.jar[CP_CSRF], token);
    assert_true(passes(site.jar[CP_CSRF]));
    assert_false(passes(token));
    assert_false(passes(django_mask(token,
                                    "zyxwvutsrqponmlkjihgfedcba987654")));
    site.jar[CP_CSRF] = token;
    assert_int_equal(reason_of(sample_visit(&site)), CP_FORGED);
}

static void a_logout_makes_a_new_one(void **state)
{
    cp_session_change change = sample_set(&site, NULL, NULL);
    const char *token;
    cp_visit *visit = sample_visit(&site);

    (void)state;
    assert_int_equal(sample_login(&site, visit, "alice"), APR_SUCCESS);
    sample_take(&site, visit, false);
    token = site.jar[CP_CSRF];
    visit = sample_visit(&site);
    change.logout = true;
    assert_int_equal(cp_session_apply(visit, &change), APR_SUCCESS);
    sample_take(&site, visit, false);
    assert_false(passes(token));
    assert_true(passes(site.jar[CP_CSRF]));
}

/* --- An application with sessions of its own, or none ----------------- */

static void bound_to_the_applications_session(void **state)
{
    const char *token;
    cp_visit *visit;

    (void)state;
    site.site.session = CP_SESSION_APPLICATION;
    memset(site.jar, 0, sizeof(site.jar));
    visit = sample_request(&site, "sessionid=first");
    sample_take(&site, visit, true);
    token = site.jar[CP_CSRF];
    visit = sample_request(&site, apr_pstrcat(pool, "sessionid=first; "
                                              "csrftoken=", token, NULL));
    assert_true(cp_csrf_check(visit, cp_span_of(token)));
    visit = sample_request(&site, apr_pstrcat(pool, "sessionid=second; "
                                              "csrftoken=", token, NULL));
    assert_false(cp_csrf_check(visit, cp_span_of(token)));
    visit = sample_request(&site, apr_pstrcat(pool, "csrftoken=", token,
                                              NULL));
    assert_false(cp_csrf_check(visit, cp_span_of(token)));
}

static void a_new_one_follows_the_applications_login(void **state)
{
    const char *token, *header;
    cp_visit *visit;

    (void)state;
    site.site.session = CP_SESSION_APPLICATION;
    memset(site.jar, 0, sizeof(site.jar));
    sample_take(&site, sample_request(&site, NULL), true);
    token = site.jar[CP_CSRF];
    header = apr_pstrcat(pool, "csrftoken=", token, NULL);

    visit = sample_request(&site, header);
    assert_true(cp_csrf_check(visit, cp_span_of(token)));
    cp_visit_hear(visit, CP_SPAN("sessionid=new; Path=/; HttpOnly"));
    assert_int_equal(sample_take(&site, visit, false), 1);
    assert_string_not_equal(site.jar[CP_CSRF], token);

    visit = sample_request(&site, apr_pstrcat(pool, "sessionid=new; "
                                              "csrftoken=",
                                              site.jar[CP_CSRF], NULL));
    assert_int_equal(reason_of(visit), CP_VALID);
    assert_true(cp_csrf_check(visit, cp_span_of(site.jar[CP_CSRF])));

    /* The same session again, or another cookie, changes nothing. */
    cp_visit_hear(visit, CP_SPAN("sessionid=new; Path=/; Max-Age=60"));
    cp_visit_hear(visit, CP_SPAN("other=new"));
    assert_int_equal(sample_take(&site, visit, false), 0);

    /* Logged out: bound to nothing again. */
    cp_visit_hear(visit, CP_SPAN("sessionid=; Max-Age=0"));
    sample_take(&site, visit, false);
    visit = sample_request(&site, apr_pstrcat(pool, "csrftoken=",
                                              site.jar[CP_CSRF], NULL));
    assert_true(cp_csrf_check(visit, cp_span_of(site.jar[CP_CSRF])));
}

static void sessions_off(void **state)
{
    const char *token;
    cp_visit *visit;

    (void)state;
    site.site.session = CP_SESSION_OFF;
    memset(site.jar, 0, sizeof(site.jar));
    sample_browse(&site);
    assert_null(site.jar[CP_SESSION]);
    token = site.jar[CP_CSRF];
    visit = sample_visit(&site);
    assert_int_equal(reason_of(visit), CP_VALID);
    assert_true(cp_csrf_check(visit, cp_span_of(token)));
    assert_int_equal(sample_take(&site, visit, true), 0);
}

static void tokens_off(void **state)
{
    static const cp_csrf_mode modes[] = { CP_CSRF_OFF, CP_CSRF_ORIGIN };
    const char *token = site.jar[CP_CSRF];

    (void)state;
    for (int i = 0; i < 2; i++) {
        cp_visit *visit;

        site.terms.csrf = modes[i];
        visit = sample_visit(&site);
        assert_null(token_of(visit));
        assert_false(cp_csrf_check(visit, cp_span_of(token)));
        assert_null(cp_csrf_masked(visit));
        /* It is then a cookie like any other. */
        assert_non_null(strstr(cp_visit_cookie(visit), token));
        assert_int_equal(sample_login(&site, visit, "alice"), APR_SUCCESS);
        sample_take(&site, visit, true);
        assert_string_equal(site.jar[CP_CSRF], token);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_with_a_jar, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_has_its_form),
        TEST(it_is_issued_once),
        TEST(plain_passes),
        TEST(masked_passes),
        TEST(masked_as_django_masks),
        TEST(every_character_counts),
        TEST(wrong_lengths),
        TEST(a_newcomer_has_none),
        TEST(without_a_session),
        TEST(of_another_session),
        TEST(of_another_realm),
        TEST(of_another_key),
        TEST(malformed_ones),
        TEST(planted_ones_do_not_disturb),
        TEST(a_form_outlives_what_is_stored),
        TEST(a_login_makes_a_new_one),
        TEST(a_logout_makes_a_new_one),
        TEST(bound_to_the_applications_session),
        TEST(a_new_one_follows_the_applications_login),
        TEST(sessions_off),
        TEST(tokens_off),
    };

    return cmocka_run_group_tests_name("csrf", tests, pool_setup,
                                       pool_teardown);
}
