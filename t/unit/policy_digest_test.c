/**
 * @file policy_digest_test.c
 * @brief The digests of categories, the identity of what visitors agreed to:
 *        what changes them, and what does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy_sample.h"

static void digests_have_their_form(void **state)
{
    const cp_policy *policy = compiled(declared, DECLARED, 0);

    (void)state;
    for (int i = 0; i < policy->category_count; i++) {
        const char *digest = policy->categories[i].digest;

        assert_int_equal(strlen(digest), CP_DIGEST_LENGTH);
        assert_int_equal(strspn(digest, "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"),
                         CP_DIGEST_LENGTH);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(digest, policy->categories[j].digest);
        }
    }
}

static void order_does_not_matter(void **state)
{
    const cp_policy *policy = compiled(declared, DECLARED, 0);

    (void)state;
    for (size_t first = 1; first < DECLARED; first++) {
        const cp_policy *other = compiled(declared, DECLARED, first);

        for (int i = 0; i < policy->category_count; i++) {
            assert_string_equal(policy->categories[i].digest,
                                other->categories[i].digest);
        }
        /* They are shown in the order of the configuration. */
        assert_string_equal(other->declared[0].declaration->name,
                            declared[first].name);
    }
}

/* One declaration otherwise: whether its category's digest changes. */
static const struct {
    fact instead;
    bool changes;
} changed[] = {
    { { "_ga", "statistics", { "provider", "Google", "lifetime", "13M" } },
      false },
    /* names, providers, domains, lifetimes */
    { { "_gaX", "statistics", { "provider", "Google", "lifetime", "13M" } },
      true },
    { { "_GA", "statistics", { "provider", "Google", "lifetime", "13M" } },
      true },
    { { "_ga", "statistics", { "provider", "Goggle", "lifetime", "13M" } },
      true },
    { { "_ga", "statistics", { "lifetime", "13M" } }, true },
    { { "_ga", "statistics", { "provider", "Google", "lifetime", "14M" } },
      true },
    { { "_ga", "statistics", { "provider", "Google" } }, true },
    { { "_ga", "statistics", { "provider", "Google", "lifetime", "13M",
                               "domain", "example.org" } }, true },
    { { "_ga", "statistics", { "provider", "Google", "domain", "13M" } },
      true },
    { { "_ga", "statistics", { "provider", "Google13M" } }, true },
    { { "_ga", "necessary", { "provider", "Google", "lifetime", "13M" } },
      true },
    /* wording */
    { { "_ga", "statistics", { "provider", "Google", "lifetime", "13M",
                               "purpose", "To count" } }, false },
    { { "_ga", "statistics", { "provider", "Google", "lifetime", "13M",
                               "purpose[fr]", "Compter" } }, false },
    { { "_ga", "statistics", { "provider", "Google", "lifetime", "13M",
                               "provider[fr]", "Gogol" } }, false },
    { { "_ga", "statistics", { "provider", "Google", "lifetime", "13M",
                               "function", "Counting" } }, false },
    { { "_ga", "statistics", { "provider", "Google", "lifetime", "13M",
                               "location", "everywhere" } }, false },
    { { "_ga", "statistics", { "lifetime", "13M", "provider", "Google" } },
      false },
    { { "_ga", "statistics", { "provider", "Google", "lifetime", "13M",
                               "provider-url", "https://google.example" } },
      false },
};

static void digests_follow_what_is_done(void **state)
{
    const cp_policy *before = compiled(declared, DECLARED, 0);

    (void)state;
    for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
        fact facts[DECLARED];
        const cp_policy *after;

        memcpy(facts, declared, sizeof(facts));
        facts[0] = changed[i].instead;
        after = compiled(facts, DECLARED, 0);
        assert_int_equal(strcmp(digest_of(before, "statistics"),
                                digest_of(after, "statistics")) != 0,
                         changed[i].changes);
        assert_string_equal(digest_of(before, "third-party"),
                            digest_of(after, "third-party"));
    }
}

static void one_more_or_less_changes(void **state)
{
    const cp_policy *all = compiled(declared, DECLARED, 0);
    const cp_policy *fewer = compiled(declared + 1, DECLARED - 1, 0);

    (void)state;
    assert_string_not_equal(digest_of(all, "statistics"),
                            digest_of(fewer, "statistics"));
    assert_string_equal(digest_of(all, "third-party"),
                        digest_of(fewer, "third-party"));
}

/* What stands at the end of one field and at the begin of the next. */
static void fields_do_not_run_together(void **state)
{
    static const fact one[] = {
        { "ab", "statistics", { "provider", "c" } }
    };
    static const fact two[] = {
        { "a", "statistics", { "provider", "bc" } }
    };
    static const fact three[] = {
        { "ab", "statistics", { "domain", "c" } }
    };

    (void)state;
    assert_string_not_equal(digest_of(compiled(one, 1, 0), "statistics"),
                            digest_of(compiled(two, 1, 0), "statistics"));
    assert_string_not_equal(digest_of(compiled(one, 1, 0), "statistics"),
                            digest_of(compiled(three, 1, 0), "statistics"));
}

static void third_parties_count(void **state)
{
    const char *none = digest_of(compiled(declared, DECLARED, 0),
                                 "statistics");
    const cp_policy *one = WITH("statistics", "https://a.example");
    const cp_policy *two = WITH("statistics", "https://a.example",
                                "https://b.example");

    (void)state;
    assert_string_equal(digest_of(WITH("statistics", NULL), "statistics"),
                        none);
    assert_string_not_equal(digest_of(one, "statistics"), none);
    assert_string_not_equal(digest_of(two, "statistics"),
                            digest_of(one, "statistics"));
    assert_string_not_equal(
        digest_of(WITH("statistics", "https://c.example"), "statistics"),
        digest_of(one, "statistics"));
    /* In any order, each once. */
    assert_string_equal(
        digest_of(WITH("statistics", "https://b.example",
                       "https://a.example"), "statistics"),
        digest_of(two, "statistics"));
    assert_string_equal(
        digest_of(WITH("statistics", "https://b.example",
                       "https://a.example", "https://b.example"),
                  "statistics"), digest_of(two, "statistics"));
    assert_string_not_equal(
        digest_of(WITH("statistics", "https://a.exampleb", ".example"),
                  "statistics"),
        digest_of(WITH("statistics", "https://a.example", "b.example"),
                  "statistics"));
    /* Other categories are not touched. */
    assert_string_equal(digest_of(two, "third-party"),
                        digest_of(compiled(declared, DECLARED, 0),
                                  "third-party"));
}

static cp_policy *stored(const char *name, cp_storage storage,
                         const char *title)
{
    const fact from = { name, "statistics", { NULL } };
    cp_policy *policy = apr_pcalloc(pool, sizeof(*policy));
    apr_array_header_t *all = apr_array_make(pool, 1,
                                             sizeof(cp_declaration *));
    apr_table_t *texts = apr_table_make(pool, 1);
    cp_declaration *one = declaration_of(&from);

    one->storage = storage;
    *(cp_declaration **)apr_array_push(all) = one;
    cp_policy_begin(policy, pool);
    apr_table_setn(texts, "title", title);
    policy->categories[2].texts = texts;
    assert_null(cp_policy_compile(policy, all, NULL, pool));
    return policy;
}

/* Where something lies is a part of what it is; what a category is called on
 * the page is not. */
static void storage_counts_and_titles_do_not(void **state)
{
    const cp_policy *cookie = stored("a", CP_STORAGE_COOKIE, "Statistics");

    (void)state;
    for (int i = CP_STORAGE_LOCAL; i <= CP_STORAGE_OTHER; i++) {
        const cp_policy *other = stored("a", (cp_storage)i, "Statistics");

        assert_string_not_equal(digest_of(other, "statistics"),
                                digest_of(cookie, "statistics"));
        assert_true(other->categories[2].used);
        assert_null(cp_policy_find(other, CP_SPAN("a"), pool));
        assert_string_equal(digest_of(stored("a", (cp_storage)i, "Counting"),
                                      "statistics"),
                            digest_of(other, "statistics"));
    }
    assert_string_equal(digest_of(stored("a", CP_STORAGE_COOKIE, "Counting"),
                                  "statistics"),
                        digest_of(cookie, "statistics"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_have_their_form),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(digests_follow_what_is_done),
        cmocka_unit_test(one_more_or_less_changes),
        cmocka_unit_test(fields_do_not_run_together),
        cmocka_unit_test(third_parties_count),
        cmocka_unit_test(storage_counts_and_titles_do_not),
    };

    return cmocka_run_group_tests_name("policy_digest", tests, pool_setup,
                                       pool_teardown);
}
