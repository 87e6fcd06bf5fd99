/**
 * @file policy_test.c
 * @brief Categories and their words, texts by language, what a policy refuses,
 *        and what is found in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy_sample.h"

/* --- Words ------------------------------------------------------------ */

static void category_names(void **state)
{
    static const char *const good[] = {
        "a", "marketing", "statistics-anonymous", "a1", "a-", "a--b",
        "abcdefghijklmnopqrstuvwxyz-01234"
    };
    static const char *const wrong[] = {
        "", "-a", "1a", "A", "Marketing", "a b", "a.b", "a:b", "a~b", "a_b",
        "a,b", "\xc3\xa4", "a\xc3\xa4", "a\n",
        "abcdefghijklmnopqrstuvwxyz-012345"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(cp_category_name_is_good(good[i]));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(cp_category_name_is_good(wrong[i]));
    }
}

static void rules(void **state)
{
    static const char *const words[] = { "exempt", "objectable", "consent" };
    static const char *const wrong[] = {
        "", "Exempt", "exempted", "exemp", "none", " consent"
    };
    cp_rule rule;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(cp_rule_read(words[i], &rule));
        assert_int_equal(rule, i);
        assert_string_equal(cp_rule_word((cp_rule)i), words[i]);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        rule = CP_RULE_OBJECTABLE;
        assert_false(cp_rule_read(wrong[i], &rule));
        assert_int_equal(rule, CP_RULE_OBJECTABLE);
    }
}

static void keys_of_declarations(void **state)
{
    static const char *const texts[] = {
        "function", "location", "purpose", "provider"
    };
    static const char *const facts[] = {
        "provider-url", "lifetime", "domain", "path", "party"
    };
    static const char *const wrong[] = {
        "", "title", "Purpose", "purpos", "purposes", "category", "name"
    };

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_true(cp_declaration_key_is_known(cp_span_of(texts[i]),
                                                false));
        assert_true(cp_declaration_key_is_known(cp_span_of(texts[i]), true));
    }
    for (int i = 0; i < 5; i++) {
        assert_true(cp_declaration_key_is_known(cp_span_of(facts[i]),
                                                false));
        assert_false(cp_declaration_key_is_known(cp_span_of(facts[i]),
                                                 true));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(cp_declaration_key_is_known(cp_span_of(wrong[i]),
                                                 false));
        assert_false(cp_declaration_key_is_known(cp_span_of(wrong[i]),
                                                 true));
    }
}

static void standard_categories(void **state)
{
    static const struct {
        const char *name;
        cp_rule rule;
    } known[] = {
        { "necessary", CP_RULE_EXEMPT },
        { "statistics-anonymous", CP_RULE_OBJECTABLE },
        { "statistics", CP_RULE_CONSENT },
        { "first-party", CP_RULE_CONSENT },
        { "third-party", CP_RULE_CONSENT },
    };
    cp_policy policy = { 0 };

    (void)state;
    cp_policy_begin(&policy, pool);
    assert_int_equal(policy.category_count, 5);
    for (int i = 0; i < 5; i++) {
        const cp_category *category = &policy.categories[i];

        assert_string_equal(category->name, known[i].name);
        assert_true(cp_category_name_is_good(category->name));
        assert_int_equal(category->rule, known[i].rule);
        assert_false(category->used);
        assert_true(apr_is_empty_table(category->texts));
        assert_int_equal(cp_policy_category(&policy,
                                            cp_span_of(known[i].name)), i);
    }
    assert_int_equal(cp_policy_category(&policy, CP_SPAN("")), -1);
    assert_int_equal(cp_policy_category(&policy, CP_SPAN("statistic")), -1);
    assert_int_equal(cp_policy_category(&policy, CP_SPAN("Statistics")), -1);
    assert_int_equal(cp_policy_category(&policy, CP_SPAN("necessary\0")),
                     -1);
}

static void managed_cookies_declare_themselves(void **state)
{
    static const char *const cookies[] = {
        "sessionid", "django_language", "csrftoken", "cookies_preferences"
    };

    (void)state;
    for (int i = 0; i < 4; i++) {
        const cp_declaration *own = cp_policy_managed(cookies[i], pool);

        assert_string_equal(own->name, cookies[i]);
        assert_string_equal(own->category, "necessary");
        assert_true(apr_is_empty_table(own->texts));
        assert_null(own->pattern);
        assert_int_equal(own->storage, CP_STORAGE_COOKIE);
        assert_int_equal(own->hardening.lifetime, CP_LIFETIME_NONE);
    }
}

static void texts_by_language(void **state)
{
    static const struct {
        const char *language;
        const char *text;
    } known[] = {
        { "en", "plain" }, { "", "plain" }, { "fr", "fr" },
        { "FR", "fr" }, { "fr-CA", "fr-CA" }, { "fr-CA-x-y", "fr-CA" },
        { "fr-BE", "fr" }, { "f", "plain" }, { "fra", "plain" },
        { "-", "plain" }, { "-fr", "plain" }, { "fr-", "fr" },
    };
    apr_table_t *texts = apr_table_make(pool, 4);

    (void)state;
    apr_table_setn(texts, "purpose", "plain");
    apr_table_setn(texts, "purpose[fr]", "fr");
    apr_table_setn(texts, "purpose[fr-CA]", "fr-CA");
    apr_table_setn(texts, "other[de]", "de");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_string_equal(cp_policy_text(texts, "purpose",
                                           known[i].language, pool),
                            known[i].text);
    }
    assert_null(cp_policy_text(texts, "purpos", "fr", pool));
    assert_null(cp_policy_text(texts, "other", "fr", pool));
    assert_string_equal(cp_policy_text(texts, "other", "de-AT", pool), "de");
}

static void words_of_storage(void **state)
{
    cp_storage storage = CP_STORAGE_PIXEL;

    (void)state;
    for (int i = CP_STORAGE_COOKIE; i <= CP_STORAGE_OTHER; i++) {
        cp_storage read;

        assert_true(cp_storage_read(cp_storage_word((cp_storage)i), &read));
        assert_int_equal(read, i);
    }
    assert_false(cp_storage_read("", &storage));
    assert_false(cp_storage_read("Cookie", &storage));
    assert_false(cp_storage_read("localstorage", &storage));
    assert_int_equal(storage, CP_STORAGE_PIXEL);
}

/* --- What is used ------------------------------------------------------ */

static void used_is_what_is_declared(void **state)
{
    const cp_policy *policy = compiled(declared, DECLARED, 0);

    (void)state;
    assert_true(policy->categories[0].used);
    assert_false(policy->categories[1].used);
    assert_true(policy->categories[2].used);
    assert_false(policy->categories[3].used);
    assert_true(policy->categories[4].used);
}

/* A category of nothing but third parties is asked for, too. */
static void third_parties_make_a_category_used(void **state)
{
    const cp_policy *policy = WITH("first-party", "https://a.example");

    (void)state;
    assert_true(policy->categories[3].used);
    assert_false(policy->categories[1].used);
    assert_false(policy->objectable);
    policy = WITH("statistics-anonymous", "https://a.example");
    assert_true(policy->categories[1].used);
    assert_true(policy->objectable);
}

static void nothing_declared(void **state)
{
    const cp_policy *policy = compiled(declared, 0, 0);

    (void)state;
    for (int i = 0; i < policy->category_count; i++) {
        assert_false(policy->categories[i].used);
    }
}

/* --- What a policy refuses ---------------------------------------------- */

/* The whole with one more declaration. @return what is wrong */
static const char *refused(const char *name, const char *category)
{
    const fact more = { name, category, { NULL } };
    cp_policy *policy = apr_pcalloc(pool, sizeof(*policy));
    apr_array_header_t *all = apr_array_make(pool, 8,
                                             sizeof(cp_declaration *));

    cp_policy_begin(policy, pool);
    *(cp_declaration **)apr_array_push(all) = declaration_of(&declared[0]);
    *(cp_declaration **)apr_array_push(all) = declaration_of(&more);
    return cp_policy_compile(policy, all, NULL, pool);
}

static void unknown_categories(void **state)
{
    const char *const wrong[] = { "marketing", "", "Statistics", "statistic",
                                  "statistics " };

    (void)state;
    for (int i = 0; i < 5; i++) {
        const char *error = refused("_fbp", wrong[i]);

        assert_non_null(error);
        assert_non_null(strstr(error, "CookiePolicyCookie"));
        assert_non_null(strstr(error, "_fbp"));
        assert_non_null(strstr(error, apr_psprintf(pool, "'%s'", wrong[i])));
    }
    assert_null(refused("_fbp", "third-party"));
}

static void unknown_categories_of_third_parties(void **state)
{
    cp_policy *policy = apr_pcalloc(pool, sizeof(*policy));
    apr_array_header_t *none = apr_array_make(pool, 1,
                                              sizeof(cp_declaration *));
    apr_array_header_t *parties = apr_array_make(pool, 1,
                                                 sizeof(cp_third_party));
    const char *error;

    (void)state;
    cp_policy_begin(policy, pool);
    *(cp_third_party *)apr_array_push(parties) =
        (cp_third_party){ "marketing", "https://a.example" };
    error = cp_policy_compile(policy, none, parties, pool);
    assert_non_null(error);
    assert_non_null(strstr(error, "CookiePolicyThirdParty"));
    assert_non_null(strstr(error, "'marketing'"));
}

/* They are issued before anybody was asked. */
static void managed_cookies_need_no_consent(void **state)
{
    static const char *const managed[] = {
        "sessionid", "csrftoken", "django_language", "cookies_preferences"
    };
    static const char *const asked[] = {
        "statistics-anonymous", "statistics", "first-party", "third-party"
    };

    (void)state;
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            const char *error = refused(managed[i], asked[j]);

            assert_non_null(error);
            assert_non_null(strstr(error, managed[i]));
            assert_non_null(strstr(error, "exempt"));
        }
        assert_null(refused(managed[i], "necessary"));
    }
    assert_null(refused("session_id", "statistics"));
}

static void too_many_patterns(void **state)
{
    cp_policy *policy = apr_pcalloc(pool, sizeof(*policy));
    apr_array_header_t *all = apr_array_make(pool, 8,
                                             sizeof(cp_declaration *));
    const char *error = NULL;

    (void)state;
    cp_policy_begin(policy, pool);
    for (int i = 0; i < 33; i++) {
        fact from = { apr_psprintf(pool, "~x%d", i), "statistics", { NULL } };
        cp_declaration *one = declaration_of(&from);

        one->pattern = cp_pattern_make(from.name + 1, &error, pool);
        *(cp_declaration **)apr_array_push(all) = one;
        assert_int_equal(cp_policy_compile(policy, all, NULL, pool) != NULL,
                         i == 32);
    }
}

/* --- Finding ------------------------------------------------------------ */

/* A line of the site overrides what came before it. */
static void the_later_line_counts(void **state)
{
    static const fact twice[] = {
        { "a", "statistics", { NULL } }, { "b", "statistics", { NULL } },
        { "a", "third-party", { NULL } },
    };
    const cp_policy *policy = compiled(twice, 3, 0);
    const cp_declared *found = cp_policy_find(policy, CP_SPAN("a"), pool);

    (void)state;
    assert_non_null(found);
    assert_string_equal(policy->categories[found->category].name,
                        "third-party");
    found = cp_policy_find(policy, CP_SPAN("b"), pool);
    assert_string_equal(policy->categories[found->category].name,
                        "statistics");
    assert_null(cp_policy_find(policy, CP_SPAN("c"), pool));
    assert_null(cp_policy_find(policy, CP_SPAN(""), pool));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(category_names),
        cmocka_unit_test(rules),
        cmocka_unit_test(keys_of_declarations),
        cmocka_unit_test(standard_categories),
        cmocka_unit_test(managed_cookies_declare_themselves),
        cmocka_unit_test(texts_by_language),
        cmocka_unit_test(words_of_storage),
        cmocka_unit_test(used_is_what_is_declared),
        cmocka_unit_test(third_parties_make_a_category_used),
        cmocka_unit_test(nothing_declared),
        cmocka_unit_test(unknown_categories),
        cmocka_unit_test(unknown_categories_of_third_parties),
        cmocka_unit_test(managed_cookies_need_no_consent),
        cmocka_unit_test(too_many_patterns),
        cmocka_unit_test(the_later_line_counts),
    };

    return cmocka_run_group_tests_name("policy", tests, pool_setup,
                                       pool_teardown);
}
