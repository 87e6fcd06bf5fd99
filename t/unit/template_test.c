/**
 * @file template_test.c
 * @brief A page taken apart at its places, and what is no such page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "share.h"
#include "template.h"
#include "pool_fixture.h"

/* The page with a letter in each place. */
static const char *written(const cp_template *frame)
{
    static const char *const letters[] = {
        [CP_PLACE_END] = "", [CP_PLACE_CONTENT] = "<C>",
        [CP_PLACE_TITLE] = "<T>", [CP_PLACE_LANGUAGE] = "<L>",
        [CP_PLACE_DIRECTION] = "<D>"
    };
    const char *page = "";
    cp_place place;
    cp_span text;
    int at = 0;

    do {
        place = cp_template_next(frame, &at, &text);
        page = apr_pstrcat(pool, page, cp_span_string(pool, text),
                           letters[place], NULL);
    } while (place != CP_PLACE_END);
    assert_int_equal(cp_template_next(frame, &at, &text), CP_PLACE_END);
    assert_int_equal(text.length, 0);
    return page;
}

static void good_templates(void **state)
{
    static const struct {
        const char *text;
        const char *page;
    } known[] = {
        { "{{content}}", "<C>" },
        { "a{{content}}b", "a<C>b" },
        { "{{title}}{{content}}{{title}}", "<T><C><T>" },
        { "<html lang=\"{{language}}\" dir={{direction}}>\n{{content}}\n",
          "<html lang=\"<L>\" dir=<D>>\n<C>\n" },
        { "}} {{content}} }}", "}} <C> }}" },
        { "{ {{content}} }", "{ <C> }" },
        { "%s{{content}}%n", "%s<C>%n" },
        { "{{language}}{{language}}{{content}}", "<L><L><C>" },
    };
    const char *error = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const cp_template *frame = cp_template_make(
            cp_span_of(known[i].text), &error, pool);

        assert_non_null(frame);
        assert_string_equal(written(frame), known[i].page);
    }
}

static void bad_templates(void **state)
{
    static const struct {
        const char *text;
        const char *said;
    } known[] = {
        { "", "no {{content}}" },
        { "<html></html>", "no {{content}}" },
        { "{{title}}", "no {{content}}" },
        { "{{content}}{{content}}", "more than once" },
        { "{{content}}\n\n{{contents}}", "line 3" },
        { "{{ content }}", "line 1" },
        { "{{Content}}", "line 1" },
        { "{{content", "line 1" },
        { "{{content}", "line 1" },
        { "{{content}}{{", "line 1" },
        { "{{content}}\n{{}}", "line 2" },
        { "{{{content}}}", "line 1" },
        { "{{content}}{{title{{language}}", "line 1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const char *error = NULL;

        assert_null(cp_template_make(cp_span_of(known[i].text), &error,
                                     pool));
        assert_non_null(error);
        assert_non_null(strstr(error, known[i].said));
    }
}

/* A text need not end in NUL, and what follows it is not looked at. */
static void text_ends_where_it_ends(void **state)
{
    static const char text[] = "a{{content}}b{{title}}";
    const char *error = NULL;
    size_t content = strlen("a{{content}}");

    (void)state;
    for (size_t length = 0; length < sizeof(text) - 1; length++) {
        char *copy = malloc(length + 1);
        const cp_template *frame;
        bool cut_place = length > content + 1;

        assert_non_null(copy);
        memcpy(copy, text, length);
        frame = cp_template_make(cp_span_make(copy, length), &error, pool);
        /* In the middle of {{title}} only `{` alone is text. */
        assert_int_equal(frame != NULL,
                         length >= content
                         && (!cut_place || length == content + 2));
        free(copy);
    }
}

static void standard_template(void **state)
{
    const char *page = written(cp_template_standard(pool));

    (void)state;
    assert_non_null(strstr(page, "<C>"));
    assert_non_null(strstr(page, "<title><T></title>"));
    assert_non_null(strstr(page, "lang=\"<L>\""));
    assert_non_null(strstr(page, "dir=\"<D>\""));
    assert_non_null(strstr(page, "viewport"));
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "style"));
}

static void shared_files(void **state)
{
    (void)state;
    assert_non_null(cp_share_find("template.html").at);
    assert_non_null(cp_share_find("languages/en.json").at);
    assert_null(cp_share_find("languages").at);
    assert_null(cp_share_find("").at);
    assert_null(cp_share_find("template.htm").at);
    for (const cp_share *share = cp_shares; share->name; share++) {
        assert_true(!share[1].name || strcmp(share->name, share[1].name) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_templates),
        cmocka_unit_test(bad_templates),
        cmocka_unit_test(text_ends_where_it_ends),
        cmocka_unit_test(standard_template),
        cmocka_unit_test(shared_files),
    };

    return cmocka_run_group_tests_name("template", tests, pool_setup,
                                       pool_teardown);
}
