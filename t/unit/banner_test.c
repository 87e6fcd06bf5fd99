/**
 * @file banner_test.c
 * @brief The name that a banner is served under, its script, and its tag.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>

#include "banner.h"
#include "language_file.h"
#include "phrasebook.h"
#include "share.h"
#include "pool_fixture.h"

static const cp_phrases *phrases;
static const char *const english[] = { "en", NULL };
static const char *const two[] = { "en", "pt-BR", NULL };

static int setup(void **state)
{
    const char *error;

    pool_setup(state);
    phrases = cp_phrases_make(&error, pool);
    return phrases ? 0 : -1;
}

/* A declaration of a category, with a text that is in its line as well. */
static const cp_policy *policy_of(const char *category, const char *key,
                                  const char *text, cp_storage storage)
{
    cp_policy *policy = apr_pcalloc(pool, sizeof(*policy));
    cp_declaration *declaration = apr_pcalloc(pool, sizeof(*declaration));
    apr_array_header_t *all = apr_array_make(pool, 1, sizeof(declaration));
    apr_table_t *texts = apr_table_make(pool, 1);

    apr_table_setn(texts, key, text);
    declaration->name = "counted";
    declaration->category = category;
    declaration->texts = texts;
    declaration->line = apr_pstrcat(pool, "counted ", key, "=", text, NULL);
    declaration->storage = storage;
    declaration->hardening.lifetime = CP_LIFETIME_NONE;
    *(cp_declaration **)apr_array_push(all) = declaration;
    cp_policy_begin(policy, pool);
    assert_null(cp_policy_compile(policy, all, NULL, pool));
    return policy;
}

static cp_site *site_of(const cp_policy *policy)
{
    cp_site *site = apr_pcalloc(pool, sizeof(*site));
    cp_attributes *all = apr_pcalloc(pool, CP_MANAGED_COUNT * sizeof(*all));

    site->policy = policy;
    site->consent_lifetime = 86400;
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        all[i].name = cp_rooms[i]->name;
    }
    site->attributes = all;
    return site;
}

static cp_attributes *attributes_of(cp_site *site)
{
    return (cp_attributes *)site->attributes;
}

static cp_banner_wish wish_of(const cp_policy *policy)
{
    return (cp_banner_wish){ .site = site_of(policy), .base = "/cookies",
                             .languages = english, .phrases = phrases,
                             .version = "1" };
}

static const cp_banner *banner_of(const cp_policy *policy)
{
    cp_banner_wish wish = wish_of(policy);

    return cp_banner_of(cp_banners_make(pool, pool), &wish);
}

static const cp_policy *statistics(void)
{
    return policy_of("statistics", "purpose", "To count",
                     CP_STORAGE_COOKIE);
}

static void what_is_asked(void **state)
{
    (void)state;
    assert_true(cp_banner_asks(statistics()));
    assert_false(cp_banner_asks(policy_of("statistics-anonymous", "purpose",
                                          "x", CP_STORAGE_COOKIE)));
    assert_false(cp_banner_asks(policy_of("necessary", "purpose", "x",
                                          CP_STORAGE_COOKIE)));
}

static void hosts_that_say_the_same_share(void **state)
{
    cp_banners *banners = cp_banners_make(pool, pool);
    const cp_policy *policy = statistics();
    cp_banner_wish one = wish_of(policy), other = wish_of(policy);

    (void)state;
    assert_ptr_not_equal(one.site, other.site);
    assert_ptr_equal(cp_banner_of(banners, &one),
                     cp_banner_of(banners, &other));
}

/* Each of these is read under the name. */
static void another_name_for_each_change(void **state)
{
    enum { CHANGES = 12 };
    cp_banners *banners = cp_banners_make(pool, pool);
    const cp_policy *policy = statistics();
    cp_banner_wish wishes[CHANGES];
    const cp_banner *made[CHANGES];
    cp_site *sites[CHANGES];

    (void)state;
    for (int i = 0; i < CHANGES; i++) {
        wishes[i] = wish_of(policy);
        sites[i] = site_of(policy);
        wishes[i].site = sites[i];
    }
    wishes[1].base = "/c";
    wishes[2].languages = two;
    wishes[3].controller = "City";
    wishes[4].version = "2";
    wishes[5].tokens = true;
    sites[6]->session = CP_SESSION_OFF;
    sites[7]->gpc = true;
    sites[8]->consent_lifetime++;
    attributes_of(sites[9])[CP_SESSION].name = "__Host-sessionid";
    attributes_of(sites[10])[CP_LANGUAGE].max_age = 60;
    sites[11]->policy = policy_of("statistics", "purpose", "To sum up",
                                  CP_STORAGE_COOKIE);
    for (int i = 0; i < CHANGES; i++) {
        made[i] = cp_banner_of(banners, &wishes[i]);
        assert_int_equal(strlen(made[i]->hash), CP_BANNER_HASH_LENGTH);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(made[i]->hash, made[j]->hash);
        }
    }
    assert_string_equal(banner_of(policy)->hash, made[0]->hash);
}

static const cp_phrases *phrases_with(const char *path, const char *content)
{
    const char *error;
    const cp_language_file *file =
        cp_language_file_read(path, cp_span_of(content), phrases, &error,
                              pool);
    apr_array_header_t *files = apr_array_make(pool, 1, sizeof(file));

    assert_non_null(file);
    *(const cp_language_file **)apr_array_push(files) = file;
    return cp_phrasebook_find(cp_phrasebook_make(phrases, pool, pool), files,
                              &error);
}

/* Of the languages that the host has, and of no other. */
static void another_name_for_a_text_of_the_site(void **state)
{
    static const char text[] = "{\"banner.back\": \"A\"}";
    cp_banners *banners = cp_banners_make(pool, pool);
    const cp_policy *policy = statistics();
    cp_banner_wish plain = wish_of(policy), own = wish_of(policy);
    cp_banner_wish again = wish_of(policy), other = wish_of(policy);
    cp_banner_wish none = wish_of(policy);

    (void)state;
    own.phrases = phrases_with("en.json", text);
    again.phrases = phrases_with("copy/en.json", text);
    other.phrases = phrases_with("fr.json", text);
    none.phrases = own.phrases;
    none.languages = NULL;
    assert_string_not_equal(cp_banner_of(banners, &own)->hash,
                            cp_banner_of(banners, &plain)->hash);
    assert_ptr_equal(cp_banner_of(banners, &again),
                     cp_banner_of(banners, &own));
    assert_ptr_equal(cp_banner_of(banners, &other),
                     cp_banner_of(banners, &plain));
    assert_string_equal(cp_banner_of(banners, &none)->hash,
                        cp_banner_of(banners, &own)->hash);
}

/* What a script is told, taken out of it again. */
static json_t *settings_of(const cp_policy *policy)
{
    cp_banner_script script;
    json_t *settings;

    assert_true(cp_banner_script_make(banner_of(policy), &script, pool));
    settings = json_loads(script.settings, 0, NULL);
    assert_non_null(settings);
    assert_null(strchr(script.settings, '<'));
    for (const char *c = script.settings; *c; c++) {
        assert_true((unsigned char)*c < 0x80);
    }
    return settings;
}

static json_t *first_of(json_t *settings, const char *member)
{
    json_t *categories = json_object_get(settings, "categories");

    return json_object_get(json_array_get(categories, 0), member);
}

static void a_script_is_told(void **state)
{
    json_t *settings = settings_of(policy_of("statistics", "service",
                                             "</script>\xe2\x80\xa8",
                                             CP_STORAGE_LOCAL));
    json_t *expected = json_pack("[[s, s]]", "local", "counted");

    (void)state;
    assert_string_equal(json_string_value(json_array_get(
                            first_of(settings, "services"), 0)),
                        "</script>\xe2\x80\xa8");
    assert_true(json_equal(first_of(settings, "storage"), expected));
    assert_null(first_of(settings, "signals"));
    json_decref(expected);
    json_decref(settings);
}

static void what_is_no_utf8_is_left_out(void **state)
{
    json_t *settings = settings_of(policy_of("statistics", "service",
                                             "\xff", CP_STORAGE_COOKIE));

    (void)state;
    assert_null(first_of(settings, "services"));
    assert_null(first_of(settings, "storage"));
    json_decref(settings);
}

static void a_script_is_whole(void **state)
{
    cp_span file = cp_share_find("banner.js");
    cp_banner_script script;

    (void)state;
    assert_true(cp_banner_script_make(banner_of(statistics()), &script,
                                      pool));
    assert_ptr_equal(script.before.at, file.at);
    assert_ptr_equal(script.after.at + script.after.length,
                     file.at + file.length);
    assert_int_equal(script.before.length + strlen("COOKIE_POLICY")
                     + script.after.length, file.length);
}

static void a_tag(void **state)
{
    const cp_banner *banner = banner_of(statistics());
    const char *begin = apr_pstrcat(pool, "<script src=\"/cookies/banner.",
                                    banner->hash, ".js\" defer=\"\"", NULL);

    (void)state;
    assert_string_equal(cp_banner_tag(banner, CP_SPAN_NONE, pool).at,
                        apr_pstrcat(pool, begin, "></script>", NULL));
    assert_string_equal(cp_banner_tag(banner, cp_span_make("abcdef", 3),
                                      pool).at,
                        apr_pstrcat(pool, begin, " nonce=\"abc\"></script>",
                                    NULL));
}

static void a_tag_with_signals(void **state)
{
    cp_policy *policy = (cp_policy *)statistics();
    const char *tag;

    (void)state;
    policy->categories[0].signals = "security_storage";     /* not in use */
    tag = cp_banner_tag(banner_of(policy), CP_SPAN_NONE, pool).at;
    assert_non_null(strstr(tag, "defer"));
    policy->categories[2].signals = "analytics_storage,ad_storage";
    tag = cp_banner_tag(banner_of(policy), CP_SPAN_NONE, pool).at;
    assert_null(strstr(tag, "defer"));
}

static void languages(void **state)
{
    cp_banner_wish wish = wish_of(statistics());
    const cp_banner *banner;

    (void)state;
    wish.languages = two;
    banner = cp_banner_of(cp_banners_make(pool, pool), &wish);
    assert_string_equal(cp_banner_language(banner, CP_SPAN("PT-br")),
                        "pt-BR");
    assert_null(cp_banner_language(banner, CP_SPAN("pt")));
    assert_null(cp_banner_language(banner, CP_SPAN("")));
    wish.languages = NULL;
    banner = cp_banner_of(cp_banners_make(pool, pool), &wish);
    assert_string_equal(cp_banner_language(banner, CP_SPAN("en")), "en");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_asked, setup, pool_teardown),
        cmocka_unit_test_setup_teardown(hosts_that_say_the_same_share, setup,
                                        pool_teardown),
        cmocka_unit_test_setup_teardown(another_name_for_each_change, setup,
                                        pool_teardown),
        cmocka_unit_test_setup_teardown(another_name_for_a_text_of_the_site,
                                        setup, pool_teardown),
        cmocka_unit_test_setup_teardown(a_script_is_told, setup,
                                        pool_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_utf8_is_left_out, setup,
                                        pool_teardown),
        cmocka_unit_test_setup_teardown(a_script_is_whole, setup,
                                        pool_teardown),
        cmocka_unit_test_setup_teardown(a_tag, setup, pool_teardown),
        cmocka_unit_test_setup_teardown(a_tag_with_signals, setup,
                                        pool_teardown),
        cmocka_unit_test_setup_teardown(languages, setup, pool_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
