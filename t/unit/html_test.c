/* Where the reader of HTML finds places to insert at. [H] and [F] mark them in
 * the expected pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "html.h"
#include "html_head.h"
#include "html_page.h"
#include "pool_fixture.h"

#define FORM "<form method=post>"

static const cp_html_origin origin = { "https", "www.example.org", 443 };

static const char *const pages[] = {
    /* the head */
    "",
    " \n\t",
    "<!DOCTYPE html>[H]text",
    "[H]<p>x",
    "<!DOCTYPE html><html><head>[H]</head>",
    "<html lang=en><head><meta charset=\"utf-8\">[H]<title>x</title>",
    "<head><meta name=viewport content=x><META CHARSET=utf-8>[H]<link>",
    "<head><meta http-equiv='Content-Type' content='text/html'>[H]x",
    "<head>\n<!-- c --><!DOCTYPE x>\n[H]<script></script><meta charset=x>",
    "\xef\xbb\xbf<html>[H]<body>",
    "<html>[H]<3",
    "</p></x>[H]<p>",
    "</p>[H]</head>",
    "<head></p>[H]</head>",
    "</p>[H]</body>",
    "[H]<averyveryverylongname_that_matters_not charset=x>",
    "<head><meta charset=x>[H]<meta charset=y>",
    /* rows of a table that a script fetches are none, but may have forms */
    "<tr><td>x</td></tr>",
    "<td>" FORM "[F]</form></td>",
    "<!DOCTYPE html>[H]<tr>" FORM "[F]</form></tr>",
    "<html>[H]<td>x",
    /* what begins with text is no page, but may have forms */
    "text",
    " text<head><meta charset=x>",
    "<3<p>",
    "\xff\xfe<",
    "text" FORM "[F]</form>",
    "{\"a\": \"" FORM "</form>\"}",
    "\xef\xbb\xbf\n[\"" FORM "</form>\"]",
    "{" FORM "<\\/form>\"}",
    /* forms */
    "[H]<form method=post>[F]</form>",
    "[H]<FORM METHOD=\"POST\">[F]</FORM >",
    "[H]<form method='post' action='/x?a=1'><input name=a>[F]</form>",
    "[H]<form></form><form method=get></form><form method=dialog></form>",
    "[H]<form method=post method=get>[F]</form>",
    "[H]<form method=get method=post></form>",
    "[H]<form\nmethod = post\t>[F]</form>",
    "[H]<form/method=post>[F]</form>",
    "[H]<form method=post>x",
    "[H]<form method=post>[F]</body></html>",
    /* which end no form: what follows is in it, forms or fields */
    "[H]" FORM "[F]</body><p></html><form method=post action=/y><input></form>",
    "[H]<form method=post action=https://evil.example/></body></html>"
    "<form method=post action=/y><input></form>" FORM "[F]</form>",
    "[H]<form method=post><form method=get>[F]</form></form>",
    "[H]<form method=post><input name=csrfmiddlewaretoken></form>",
    "[H]<form method=post><textarea><input name=csrfmiddlewaretoken>"
    "</textarea>[F]</form>",
    "[H]<form method=post><template><input name=csrfmiddlewaretoken>"
    "</template>[F]</form>",
    "[H]<table>" FORM "<tr><td><input>[F]</form></table>",
    /* with files */
    "[H]<form method=post enctype=multipart/form-data>[F]<input type=file>"
    "</form>" FORM "[F]</form>",
    "[H]<form ENCTYPE=\"Multipart/Form-Data\" method=post>[F]",
    "[H]<form enctype=multipart/form-data></form>",
    "[H]<form method=post enctype=text/plain>[F]</form>",
    "[H]<form method=post enctype=multipart/form-data action=//evil></form>",
    "[H]" FORM "<form method=post enctype=multipart/form-data>[F]</form>",
    "[H]<template><form method=post enctype=multipart/form-data></template>",
    /* where they go */
    "[H]<form method=post action=\"\">[F]</form>",
    "[H]<form method=post action=x/y>[F]</form>",
    "[H]<form method=post action=\"?x\">[F]</form>",
    "[H]<form method=post action=\"#x:y\">[F]</form>",
    "[H]<form method=post action=\" /x \">[F]</form>",
    "[H]<form method=post action=https://www.example.org>[F]</form>",
    "[H]<form method=post action=HTTPS://WWW.example.org:443/x>[F]</form>",
    "[H]<form method=post action=//www.example.org/x>[F]</form>",
    "[H]<form method=post action=http://www.example.org/></form>",
    "[H]<form method=post action=https://www.example.org:8443/></form>",
    "[H]<form method=post action=https://www.example.org.evil/></form>",
    "[H]<form method=post action=https://www.example.org@evil/></form>",
    "[H]<form method=post action=https://evil/></form>",
    "[H]<form method=post action=//evil/x></form>",
    "[H]<form method=post action=///evil/x></form>",
    "[H]<form method=post action=/\\evil></form>",
    "[H]<form method=post action=\"/\t/evil\"></form>",
    "[H]<form method=post action=\"&#47;/evil\"></form>",
    "[H]<form method=post action=javascript:x></form>",
    "[H]<form method=post action=https:x></form>",
    "[H]" FORM "<button formaction=//evil></button></form>",
    "[H]" FORM "<button formaction=/x></button>[F]</form>",
    "[H]<base href=//evil/>" FORM "[F]</form>",
    "[H]<base href=//evil/><form method=post action=x></form>",
    "[H]<base href=/x/><base href=//evil/><form method=post action=x>[F]"
    "</form>",
    /* what is no markup */
    "<!-- " FORM "</form> -->[H]x",
    "<!--> [H]" FORM "[F]</form> -->",
    "<!---> [H]" FORM "[F]</form> -->",
    "<!-- --!>[H]" FORM "[F]</form>",
    "<!-- -- > " FORM "</form> ---->[H]x",
    "<? " "x>[H]" FORM "[F]</form>",
    "</>[H]" FORM "[F]</form>",
    "</ " "x>[H]" FORM "[F]</form>",
    "[H]<a title='" FORM "</form>'>",
    "[H]<a title=\"" FORM "</form>\" b=" ">" FORM "[F]</form>",
    "[H]<script>" FORM "</form></script>" FORM "[F]</form>",
    "[H]<script>'</scripty>" FORM "</form>'</script >x",
    "[H]<script><!-- <script> </script> " FORM "</form> --></script>" FORM
    "[F]</form>",
    "[H]<script><!-- </script>" FORM "[F]</form>",
    "[H]<script><!--></script>" FORM "[F]</form>",
    "[H]<style>" FORM "</form></style>",
    "[H]<title>" FORM "</form></title>",
    "[H]<TextArea>" FORM "</form></TEXTAREA>" FORM "[F]</form>",
    "[H]<textarea></textareas>" FORM "</form></textarea>",
    "[H]<xmp>" FORM "</form></xmp><iframe>" FORM "</form></iframe>",
    "[H]<plaintext>" FORM "</form></plaintext>" FORM "</form>",
    "[H]<template>" FORM "</form><template></template>" FORM
    "</form></template>" FORM "[F]</form>",
};

static cp_html *reader_make(void)
{
    return cp_html_make(&origin, "csrfmiddlewaretoken", pool);
}

/* What the reader says of a page that comes in pieces: the first ends at
 * @a cut, and the others have @a size bytes. */
static char *reader_mark(cp_html *html, const char *page, size_t length,
                         size_t cut, size_t size)
{
    char *marked = apr_palloc(pool, length * 8 + 16);
    char *at = marked;
    size_t begin = 0;

    while (begin < length) {
        size_t end = begin == 0 && cut ? cut : begin + size;
        cp_span rest;

        end = end < length ? end : length;
        rest = cp_span_make(page + begin, end - begin);
        for (;;) {
            const char *from = rest.at;
            apr_size_t held = 0;
            cp_html_place place = cp_html_next(html, &rest, &held);

            memcpy(at, from, (size_t)(rest.at - from));
            at += rest.at - from;
            assert_true(held <= CP_HTML_HELD_MAX);
            assert_true(held <= (apr_size_t)(at - marked));
            if (place == CP_HTML_NONE) {
                break;
            }
            memmove(at - held + 3, at - held, held);
            memcpy(at - held, place == CP_HTML_HEAD ? "[H]" : "[F]", 3);
            at += 3;
        }
        assert_int_equal(rest.length, 0);
        begin = end;
    }
    *at = '\0';
    return marked;
}

static char *page_mark(const char *page, size_t length, size_t cut,
                       size_t size)
{
    return reader_mark(reader_make(), page, length, cut, size);
}

/* The same of a page that is there whole, which may be recognised. */
static char *whole_mark(const char *page, size_t length)
{
    cp_html_spots spots;
    char *marked = apr_palloc(pool, length + 3 * CP_HTML_SPOTS_MAX + 1);
    char *to = marked;
    size_t done = 0;

    if (!cp_html_page_read(cp_span_make(page, length), &origin, &spots,
                           pool)) {
        return NULL;
    }
    for (unsigned int i = 0; i < spots.count; i++) {
        size_t at = spots.spots[i].at;

        assert_in_range(at, done, length);
        to = cp_span_put(to, cp_span_make(page + done, at - done));
        to = cp_span_put(to, spots.spots[i].place == CP_HTML_HEAD
                             ? CP_SPAN("[H]") : CP_SPAN("[F]"));
        done = at;
    }
    to = cp_span_put(to, cp_span_make(page + done, length - done));
    *to = '\0';
    return marked;
}

/* A page without the marks. */
static char *page_bare(const char *marked)
{
    char *bare = apr_pstrdup(pool, marked);
    char *to = bare;

    for (const char *from = marked; *from;) {
        if (strncmp(from, "[H]", 3) == 0 || strncmp(from, "[F]", 3) == 0) {
            from += 3;
        }
        else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    return bare;
}

static void places(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        const char *bare = page_bare(pages[i]);
        size_t length = strlen(bare);
        const char *marked = page_mark(bare, length, 0, length + 1);

        if (strcmp(marked, pages[i])) {
            print_error("expected %s\n     got %s\n", pages[i], marked);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* An open form at the end is what the streaming reader's caller asks for. */
static void whole_pages_are_recognised(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
            const char *bare = page_bare(pages[i]);
            size_t length = strlen(bare);
            cp_html *html = reader_make();
            const char *marked = reader_mark(html, bare, length, 0,
                                             length + 1);

            marked = apr_pstrcat(pool, marked, cp_html_ends_in_form(html)
                                               ? "[F]" : "", NULL);
            for (int again = 0; length && again < 2; again++) {
                assert_string_equal(whole_mark(bare, length), marked);
            }
        }
        apr_pool_clear(pool);
    }
}

static void pieces_make_no_difference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        const char *bare = page_bare(pages[i]);
        size_t length = strlen(bare);

        for (size_t cut = 1; cut < length; cut++) {
            assert_string_equal(page_mark(bare, length, cut, length),
                                pages[i]);
        }
        for (size_t size = 1; size < 5; size++) {
            assert_string_equal(page_mark(bare, length, 0, size), pages[i]);
        }
        apr_pool_clear(pool);
    }
}

/* Where the place was seen at a glance, what is behind it means the same. */
static void the_head_may_be_passed(void **state)
{
    static const char head[] = "<!doctype html><html><head>"
        "<meta charset=\"utf-8\">";

    (void)state;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        const char *rest = page_bare(pages[i]);
        const char *whole = apr_pstrcat(pool, head, rest, NULL);
        cp_html *behind = reader_make();

        assert_int_equal(cp_html_head_glance(cp_span_of(whole)),
                         sizeof(head) - 1);
        cp_html_head_pass(behind);
        assert_false(cp_html_head_is_open(behind));
        assert_string_equal(
            page_mark(whole, strlen(whole), 0, strlen(whole)),
            apr_pstrcat(pool, head, "[H]",
                        reader_mark(behind, rest, strlen(rest), 0,
                                    strlen(rest)), NULL));
        apr_pool_clear(pool);
    }
}

static void fifty_forms_cut_anywhere(void **state)
{
    const char *page = "<!DOCTYPE html><html><head><meta charset=utf-8>[H]"
                       "<title>Forms</title></head><body>";
    const char *bare;
    size_t length;

    (void)state;
    for (int i = 0; i < 50; i++) {
        page = apr_psprintf(pool, "%s<form method=\"post\" action=\"/f%d\">"
                            "<input name=\"a\">[F]</form>\n", page, i);
    }
    bare = page_bare(page);
    length = strlen(bare);
    for (size_t cut = 1; cut < length; cut++) {
        apr_pool_t *parent = pool;

        apr_pool_create(&pool, parent);
        assert_string_equal(page_mark(bare, length, cut, length), page);
        apr_pool_destroy(pool);
        pool = parent;
    }
}

static void a_form_may_be_open_at_the_end(void **state)
{
    static const struct {
        const char *page;
        bool open;
    } ends[] = {
        { FORM "x", true }, { FORM "</form>", false }, { FORM "</bo", false },
        { "<form>x", false }, { "<form method=post action=//evil>", false },
        { "<form method=post", false }, { "<script>" FORM, false },
        { FORM "<script>", false }, { FORM "<!-- ", false },
        { FORM "<a b='", false }, { FORM "<template>", false },
        { FORM "<textarea>", false }, { FORM "<textarea></textarea>", true },
        { FORM "<template></template>", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        cp_html *html = cp_html_make(&origin, "csrfmiddlewaretoken", pool);
        cp_span rest = cp_span_of(ends[i].page);
        apr_size_t held;

        while (cp_html_next(html, &rest, &held) != CP_HTML_NONE) {
        }
        assert_int_equal(cp_html_ends_in_form(html), ends[i].open);
    }
}

/* Bytes in any order: nothing is lost or made up, and pieces make no
 * difference. */
static void hostile_bytes(void **state)
{
    static const char *const parts[] = {
        "<", ">", "/", "!", "-", "--", "=", "\"", "'", " ", "form", "script",
        "template", "meta", "charset", "method=post", "</form>", "<form ",
        "<!--", "-->", "<script>", "</script>", "action=//e", "&", "\n",
        "name=csrfmiddlewaretoken", "<input ", "textarea", "\x80", "a"
    };
    unsigned int seed = 7;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        const char *page = "";
        const char *whole;
        size_t length;

        for (int i = 0; i < 30; i++) {
            seed = seed * 1103515245 + 12345;
            page = apr_pstrcat(pool, page,
                               parts[(seed >> 16)
                                     % (sizeof(parts) / sizeof(parts[0]))],
                               NULL);
        }
        length = strlen(page);
        whole = page_mark(page, length, 0, length + 1);
        assert_string_equal(page_bare(whole), page);
        assert_string_equal(page_mark(page, length, 0, 1), whole);
        assert_string_equal(page_mark(page, length, length / 2, length),
                            whole);
        apr_pool_clear(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),
        cmocka_unit_test(whole_pages_are_recognised),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(the_head_may_be_passed),
        cmocka_unit_test(fifty_forms_cut_anywhere),
        cmocka_unit_test(a_form_may_be_open_at_the_end),
        cmocka_unit_test(hostile_bytes),
    };

    return cmocka_run_group_tests_name("html", tests, pool_setup,
                                       pool_teardown);
}
