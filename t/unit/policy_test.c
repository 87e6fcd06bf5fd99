/**
 * @file policy_test.c
 * @brief Categories, texts by language, and the digests: the identity of what
 *        visitors agreed to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy.h"
#include "pool_fixture.h"

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

/* --- Digests ---------------------------------------------------------- */

typedef struct fact {
    const char *name;
    const char *category;
    const char *texts[8];       /* key, value, ..., NULL */
} fact;

static const fact declared[] = {
    { "_ga", "statistics", { "provider", "Google", "lifetime", "13M" } },
    { "_gid", "statistics", { "provider", "Google", "lifetime", "1d" } },
    { "_pk", "statistics", { "provider", "Matomo", "domain", "x.org" } },
    { "NID", "third-party", { "provider", "Google" } },
    { "sessionid", "necessary", { NULL } },
};

#define DECLARED (sizeof(declared) / sizeof(declared[0]))

static cp_declaration *declaration_of(const fact *from)
{
    cp_declaration *made = apr_pcalloc(pool, sizeof(*made));
    apr_table_t *texts = apr_table_make(pool, 4);

    for (int i = 0; i < 8 && from->texts[i]; i += 2) {
        apr_table_setn(texts, from->texts[i], from->texts[i + 1]);
    }
    made->name = from->name;
    made->category = from->category;
    made->texts = texts;
    return made;
}

/* Compiles what is declared, from the given one on and round. */
static cp_policy *compiled(const fact *facts, size_t count, size_t first)
{
    cp_policy *policy = apr_pcalloc(pool, sizeof(*policy));
    apr_array_header_t *all = apr_array_make(pool, 8,
                                             sizeof(cp_declaration *));

    cp_policy_begin(policy, pool);
    for (size_t i = 0; i < count; i++) {
        *(cp_declaration **)apr_array_push(all) =
            declaration_of(&facts[(first + i) % count]);
    }
    assert_null(cp_policy_compile(policy, all, NULL, pool));
    assert_int_equal(policy->declared_count, count);
    return policy;
}

static const char *digest_of(const cp_policy *policy, const char *category)
{
    int at = cp_policy_category(policy, cp_span_of(category));

    return policy->categories[at].digest;
}

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

/* --- Third parties ------------------------------------------------------ */

/* What is declared, with the origins of statistics in the given order. */
static const cp_policy *compiled_with(const char *const *origins,
                                      const char *category)
{
    cp_policy *policy = apr_pcalloc(pool, sizeof(*policy));
    apr_array_header_t *all = apr_array_make(pool, 8,
                                             sizeof(cp_declaration *));
    apr_array_header_t *parties = apr_array_make(pool, 8,
                                                 sizeof(cp_third_party));

    cp_policy_begin(policy, pool);
    for (size_t i = 0; i < DECLARED; i++) {
        *(cp_declaration **)apr_array_push(all) =
            declaration_of(&declared[i]);
    }
    for (int i = 0; origins[i]; i++) {
        *(cp_third_party *)apr_array_push(parties) =
            (cp_third_party){ category, origins[i] };
    }
    assert_null(cp_policy_compile(policy, all, parties, pool));
    return policy;
}

#define WITH(category, ...) \
    compiled_with((const char *const []){ __VA_ARGS__, NULL }, category)

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

static void nothing_declared(void **state)
{
    const cp_policy *policy = compiled(declared, 0, 0);

    (void)state;
    for (int i = 0; i < policy->category_count; i++) {
        assert_false(policy->categories[i].used);
    }
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
        cmocka_unit_test(digests_have_their_form),
        cmocka_unit_test(used_is_what_is_declared),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(digests_follow_what_is_done),
        cmocka_unit_test(one_more_or_less_changes),
        cmocka_unit_test(fields_do_not_run_together),
        cmocka_unit_test(third_parties_count),
        cmocka_unit_test(third_parties_make_a_category_used),
        cmocka_unit_test(unknown_categories),
        cmocka_unit_test(unknown_categories_of_third_parties),
        cmocka_unit_test(managed_cookies_need_no_consent),
        cmocka_unit_test(too_many_patterns),
        cmocka_unit_test(the_later_line_counts),
        cmocka_unit_test(storage_counts_and_titles_do_not),
        cmocka_unit_test(words_of_storage),
        cmocka_unit_test(nothing_declared),
    };

    return cmocka_run_group_tests_name("policy", tests, pool_setup,
                                       pool_teardown);
}
