/**
 * @file html_head_test.c
 * @brief The one place in the head of a page, for what is put into every page:
 *        pages as they are found, well and badly formed, cut at every byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "html.h"
#include "html_head.h"
#include "pool_fixture.h"

/* Where the place is expected; a page without it has none. */
#define MARK "[H]"

#define BODY "<body class=\"x\"><h1>T</h1><p>a < b && c</p>\n" \
    "<form method=post><input name=a></form></body></html>\n"

static const char *const pages[] = {
    /* as editors, frameworks and people write them */
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">"
    MARK "\n<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>Home</title>\n<link rel=\"stylesheet\" href=\"/x.css\">\n"
    "<script src=\"/x.js\"></script>\n</head>\n" BODY,
    "<!doctype html><html><head><meta name=viewport content=x>"
    "<meta charset=utf-8>" MARK "<title>a</title>" BODY,
    "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\n"
    "\"http://www.w3.org/TR/html4/strict.dtd\">\n<HTML>\n<HEAD>\n"
    "<META HTTP-EQUIV=\"Content-Type\" CONTENT=\"text/html; charset=x\">"
    MARK "\n<TITLE>Old</TITLE>\n</HEAD>\n" BODY,
    "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 "
    "Strict//EN\" \"x.dtd\">\n<html xmlns=\"http://www.w3.org/1999/xhtml\">"
    "<head><meta charset=\"utf-8\" />" MARK "<title>x</title></head>" BODY,
    "<html><head>" MARK "<title>" "<meta charset=utf-8></title></head>" BODY,
    "<!DOCTYPE html><html><head><!-- <head><meta charset=x> -->\n"
    "<!--[if IE]><script src=\"ie.js\"></script><![endif]-->\n"
    "<meta charset=utf-8>" MARK "<script>document.write('<head>')</script>"
    BODY,
    "<!DOCTYPE html><html data-a=\"<head>\" data-b='<meta charset=x>'><head "
    "profile=\">\"><meta content=\"charset=x\" charset = 'utf-8' >" MARK
    "<style>a::before{content:'</head>'}</style></head>" BODY,
    /* without one or the other */
    "<!DOCTYPE html>" MARK "<title>x</title><p>x",
    "<!DOCTYPE html><html>" MARK BODY,
    "<!DOCTYPE html>" MARK "<h1>x</h1>",
    "<!DOCTYPE html>\n" MARK "Text alone.",
    "<html>" MARK "<frameset cols=\"1,*\"><frame src=a></frameset></html>",
    "<head>" MARK "</head><body>",
    MARK "<body><p>x",
    MARK "<header>x</header>",
    MARK "<script>var head = '<head>';</script><head></head>",
    MARK "<style>/* <head> */</style>",
    MARK "<template><head></head></template>",
    MARK "<textarea><head></textarea>",
    "<!-- <head> -->" MARK "<noscript><head></noscript>",
    /* badly formed */
    "<html><head><meta charset=utf-8",
    "<!DOCTYPE html><html><head>\n<meta charset=\"utf-8>\n<title>x</title>\n"
    "<link rel=\"x\">" MARK "<title>",
    MARK "</head><head></body></html>x",
    "<html><html><head><head><meta charset=x>" MARK "<meta charset=y>",
    "<!DOCTYPE html><!-- never closed <html><head><title>x</title>",
    "<!DOCTYPE html><!--><html><head>" MARK "<title>x</title>",
    "<head/><meta/charset=x/>" MARK "<title/>",
    "<html><head></ head><meta charset=x>" MARK "</meta>",
    "<html <head><meta charset=x>" MARK "<title>",
    "<html><head>" MARK "<a-head><meta charset=x>",
    "<<html><head><title>",
    /* no page at all */
    "", " \n", "Some text.", "{\"a\": \"<head>\"}", "[1, \"<html><head>\"]",
    "<", "<!", "<!--", "</", "<html", "<!DOCTYPE html", "<!DOCTYPE html>",
    "Some text.<form method=post action=/x><input name=a></form>",
    "{\"a\": \"<form method=post action=//x>\"}",
    "<<form method=post action=/x>",
    /* rows that a script fetches, and what looks like them */
    "<tr><td>1</td></tr>", " <TD>x</TD>", "<!-- row --><tbody><tr></tbody>",
    "<th\nscope=row>", "<colgroup><head></head>",
    "<tr><form method=post action=/x></form>",
    MARK "<track>x", MARK "<option>x</option>", MARK "<table><tr></table>",
    "<!DOCTYPE html>" MARK "<tr><td>x", "<html>" MARK "<td>x",
};

static const char *const xml_pages[] = {
    "<?xml version=\"1.0\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\">"
    "<head>" MARK "<title>x</title></head><body/></html>",
    "<html xmlns='x'><head><meta charset=\"x\"/>" MARK "<title/></head>",
    "<html xmlns='x'>" MARK "<body/></html>",
    "<!-- <html><head> -->\n<html><head><!-- > -->" MARK "<link/></head>",
    "<svg><title/></svg>",
    "<h:html xmlns:h='x'><h:head><h:title/></h:head></h:html>",
    "<!DOCTYPE html [ <!ENTITY a \"<b>\"> ]><html><head><title/>",
    "<!DOCTYPE html [\n<!ENTITY a \"b\">\n]>\n<html><head><title/>",
    "<meta charset='x'/><html><head><title/>",
    "text<html><head><title/>",
    "<svg><form method='post' action='/x'/></svg>",
    "<form method='post' action='/x'/>",
    "<meta charset='x'/><form method='post' action='/x'/>",
    "<rss><channel><html><head/></html></channel></rss>",
};

/* A page in pieces, with the mark where the reader has the place. The first
 * piece ends at @a cut; the others have @a size bytes. */
static char *page_mark(const char *page, bool xml, size_t cut, size_t size)
{
    cp_html *html = cp_html_head_make(xml, pool);
    size_t length = strlen(page);
    char *marked = apr_palloc(pool, length + sizeof(MARK));
    char *to = marked;
    int places = 0;

    for (size_t begin = 0, end; begin < length; begin = end) {
        cp_span rest;

        end = begin == 0 && cut ? cut : begin + size;
        end = end < length ? end : length;
        rest = cp_span_make(page + begin, end - begin);
        while (rest.length) {
            const char *from = rest.at;
            apr_size_t held = 0;
            cp_html_place place = cp_html_next(html, &rest, &held);

            memcpy(to, from, (size_t)(rest.at - from));
            to += rest.at - from;
            assert_true(held <= CP_HTML_HELD_MAX);
            assert_true(held <= (apr_size_t)(to - marked));
            if (place != CP_HTML_NONE) {
                assert_int_equal(place, CP_HTML_HEAD);
                assert_int_equal(++places, 1);
                assert_false(cp_html_head_is_open(html));
                memmove(to - held + strlen(MARK), to - held, held);
                memcpy(to - held, MARK, strlen(MARK));
                to += strlen(MARK);
            }
        }
    }
    *to = '\0';
    return marked;
}

static char *page_bare(const char *marked)
{
    const char *mark = strstr(marked, MARK);

    return mark ? apr_pstrcat(pool, apr_pstrmemdup(pool, marked,
                                                   (size_t)(mark - marked)),
                              mark + strlen(MARK), NULL)
                : apr_pstrdup(pool, marked);
}

static void page_check(const char *expected, bool xml)
{
    const char *bare = page_bare(expected);
    size_t length = strlen(bare);

    assert_string_equal(page_mark(bare, xml, 0, length + 1), expected);
    for (size_t cut = 1; cut < length; cut++) {
        assert_string_equal(page_mark(bare, xml, cut, length), expected);
    }
    for (size_t size = 1; size < 8; size++) {
        assert_string_equal(page_mark(bare, xml, 0, size), expected);
    }
    apr_pool_clear(pool);
}

static void pages_as_they_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        page_check(pages[i], false);
    }
}

static void pages_of_xml(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(xml_pages) / sizeof(xml_pages[0]); i++) {
        page_check(xml_pages[i], true);
    }
}

/* Where the reader has the place, the glance has it, too, or says nothing; and
 * what is not there yet it does not see. */
static void glance_check(const char *bare)
{
    size_t length = strlen(bare);
    const char *marked = page_mark(bare, false, 0, length + 1);
    const char *place = strstr(marked, MARK);
    apr_size_t seen = cp_html_head_glance(cp_span_make(bare, length));

    if (seen) {
        assert_non_null(place);
        assert_int_equal(seen, place - marked);
    }
    for (size_t cut = 0; cut < length; cut++) {
        char *part = test_malloc(cut + 1);

        memcpy(part, bare, cut);
        assert_int_equal(cp_html_head_glance(cp_span_make(part, cut)),
                         seen && cut >= seen ? seen : 0);
        test_free(part);
    }
}

static void pages_at_a_glance(void **state)
{
    static const char *const seen[] = {
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
        "charset=\"utf-8\">" MARK "\n<title>x</title>",
        "<!doctype html><html><head><meta charset=\"UTF-8\">" MARK "<title>",
        "<!Doctype HTML>\r\n<html dir=\"ltr\" class=\"a > b\" >\t<head>"
        "<meta charset=\"iso-8859-1\">" MARK,
        "<!doctype html><html lang=\"a\"class=\"b\"><head>"
        "<meta charset=\"\">" MARK "<p>",
    };
    static const char *const unseen[] = {
        "", " ", "<!DOCTYPE html", "\xef\xbb\xbf<!DOCTYPE html><html><head>"
        "<meta charset=\"utf-8\">", "<!DOCTYPE html><htmlx><head>"
        "<meta charset=\"utf-8\">", "<!DOCTYPE html><html/><head>"
        "<meta charset=\"utf-8\">", "<!DOCTYPE html><html lang=\"><head>"
        "<meta charset='utf-8'>", "<!DOCTYPE html><html><head ><meta "
        "charset=\"utf-8\">", "<!DOCTYPE html><html><header><meta "
        "charset=\"utf-8\">", "<!DOCTYPE html><html><head>x<meta "
        "charset=\"utf-8\">", "<!DOCTYPE html><html><head><meta "
        "charset=\"utf-8\" x>", "<!DOCTYPE html><html><head><meta "
        "charset=\"a>b\">", "<!DOCTYPE html>\v<html><head><meta "
        "charset=\"utf-8\">", "<!DOCTYPE html><html l='\"'><head><meta "
        "charset=\"utf-8\">", "<!doctype html><html \"><head><title>\"><head>"
        "<meta charset=\"utf-8\">", "<!doctype html><html lang=en><head>"
        "<meta charset=\"utf-8\">", "<!doctype html><html a \"x\"><head>"
        "<meta charset=\"utf-8\">", "<!doctype html><html =\"x\"><head>"
        "<meta charset=\"utf-8\">", "<!DOCTYPE html [ ]><html><head><meta "
        "charset=\"utf-8\">",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        const char *bare;

        page_check(seen[i], false);
        bare = page_bare(seen[i]);
        assert_int_equal(cp_html_head_glance(cp_span_of(bare)),
                         strstr(seen[i], MARK) - seen[i]);
        glance_check(bare);
    }
    for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++) {
        assert_int_equal(cp_html_head_glance(cp_span_of(unseen[i])), 0);
    }
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        glance_check(page_bare(pages[i]));
    }
    apr_pool_clear(pool);
}

/* What was seen of the page before is of no harm. */
static void one_page_after_another(void **state)
{
    static const char format[] = "<!doctype html><html class=\"%s\"><head>"
        "<meta charset=\"utf-8\">";
    const char *own[] = {
        apr_psprintf(pool, format, "a"), apr_psprintf(pool, format, "b"),
        apr_psprintf(pool, format, "ab"),
        apr_psprintf(pool, "<!doctype html><html class=\"%300s\"><head>"
                     "<meta charset=\"utf-8\">", "")
    };

    (void)state;
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 4; k++) {
            cp_span page = cp_span_of(own[k]);

            assert_true(cp_html_head_glance(cp_span_of(own[i])));
            assert_int_equal(cp_html_head_glance(page), page.length);
            page.length--;
            assert_int_equal(cp_html_head_glance(page), 0);
        }
    }
    apr_pool_clear(pool);
}

/* Pages that nearly begin as most do. */
static void hostile_beginnings(void **state)
{
    static const char *const usual[] = {
        "<!DOCTYPE html>", "\n", "<html", " lang=\"en\"", ">", "\n", "<head>",
        "\n", "<meta charset=\"utf-8\">", "<title>x</title>"
    };
    static const char *const odd[] = {
        "", " ", "\n", "<", ">", "\"", "'", "=", "/", "a", "<!-- -->", "\f",
        "-", "<head>", "<html>", "\x80", "\0"
    };
    unsigned int seed = 7;
    int count = 0;

    (void)state;
    for (int round = 0; round < 6000; round++) {
        const char *page = "";

        for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
            seed = seed * 1103515245 + 12345;
            page = apr_pstrcat(
                pool, page, (seed >> 16) % 12 == 0
                ? odd[(seed >> 20) % (sizeof(odd) / sizeof(odd[0]))]
                : usual[i],
                (seed >> 16) % 12 == 1
                ? odd[(seed >> 20) % (sizeof(odd) / sizeof(odd[0]))] : "",
                NULL);
        }
        count += cp_html_head_glance(cp_span_of(page)) != 0;
        glance_check(page);
        apr_pool_clear(pool);
    }
    assert_true(count > 1000 && count < 5000);
}

/* Whoever reads may stop there. */
static void the_head_closes(void **state)
{
    static const struct {
        const char *page;
        bool open;
    } ends[] = {
        { "", true }, { "<html><head>", true }, { "<!-- <p>", true },
        { "<html><head><tit", true }, { "<html><head><title ", false },
        { "<html><head><meta charset=x>", false }, { "text", false },
        { "{", false }, { "<tr ", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        cp_html *html = cp_html_head_make(false, pool);
        cp_span rest = cp_span_of(ends[i].page);
        apr_size_t held;

        while (cp_html_next(html, &rest, &held) != CP_HTML_NONE) {
        }
        assert_int_equal(cp_html_head_is_open(html), ends[i].open);
    }
}

/* Bytes in any order: one place at most, and pieces make no difference. */
static void hostile_bytes(void **state)
{
    static const char *const parts[] = {
        "<", ">", "/", "!", "--", "=", "\"", "'", " ", "html", "head",
        "<html>", "<head>", "<meta charset=x>", "<!--", "-->", "<title>",
        "</title>", "<!DOCTYPE html>", "<script>", "</script>", "?", "tr",
        "\n", "\x80", "a", "[", "<body "
    };
    unsigned int seed = 11;

    (void)state;
    for (int round = 0; round < 4000; round++) {
        const char *page = "";
        const char *whole;

        for (int i = 0; i < 20; i++) {
            seed = seed * 1103515245 + 12345;
            page = apr_pstrcat(pool, page,
                               parts[(seed >> 16)
                                     % (sizeof(parts) / sizeof(parts[0]))],
                               NULL);
        }
        whole = page_mark(page, round & 1, 0, strlen(page) + 1);
        assert_string_equal(page_bare(whole), page);
        assert_string_equal(page_mark(page, round & 1, 0, 1), whole);
        assert_string_equal(page_mark(page, round & 1, strlen(page) / 2,
                                      strlen(page)), whole);
        apr_pool_clear(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_as_they_are_found),
        cmocka_unit_test(pages_of_xml),
        cmocka_unit_test(pages_at_a_glance),
        cmocka_unit_test(one_page_after_another),
        cmocka_unit_test(hostile_beginnings),
        cmocka_unit_test(the_head_closes),
        cmocka_unit_test(hostile_bytes),
    };

    return cmocka_run_group_tests(tests, pool_setup, pool_teardown);
}
