/**
 * @file accept_test.c
 * @brief Accept headers as browsers, scripts and programs send them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "accept.h"

#define HTML CP_MEDIUM_HTML
#define JSON CP_MEDIUM_JSON
#define PLAIN CP_MEDIUM_PLAIN
#define NONE CP_MEDIUM_NONE

static const cp_medium for_people[] = { HTML, PLAIN, JSON, NONE };
static const cp_medium for_scripts[] = { JSON, HTML, PLAIN, NONE };
static const cp_medium pages[] = { HTML, JSON, NONE };

static const struct {
    const char *accept;
    cp_medium people;
    cp_medium scripts;
    cp_medium page;
} headers[] = {
    /* nothing said: all is accepted */
    { NULL, HTML, JSON, HTML },
    { "", HTML, JSON, HTML },
    { " ", HTML, JSON, HTML },
    { ",, ,", HTML, JSON, HTML },
    /* browsers, in a navigation */
    { "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
      "image/webp,image/apng,*/*;q=0.8", HTML, HTML, HTML },
    { "text/html, application/xhtml+xml, */*", HTML, HTML, HTML },
    /* scripts and programs */
    { "*/*", HTML, JSON, HTML },
    { "application/json", JSON, JSON, JSON },
    { "application/json, text/plain, */*", JSON, JSON, JSON },
    { "application/json, text/javascript, */*; q=0.01", JSON, JSON, JSON },
    { "text/html, */*; q=0.01", HTML, HTML, HTML },
    { "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", HTML, HTML,
      HTML },
    { "*", HTML, JSON, HTML },
    /* one of them */
    { "text/html", HTML, HTML, HTML },
    { "text/plain", PLAIN, PLAIN, NONE },
    { "TEXT/HTML", HTML, HTML, HTML },
    { "Application/JSON;Q=0.5", JSON, JSON, JSON },
    /* qualities */
    { "text/html;q=0.5, application/json", JSON, JSON, JSON },
    { "text/html;q=0.5, application/json;q=0.4", HTML, HTML, HTML },
    { "text/html;q=0.001, application/json;q=0.002", JSON, JSON, JSON },
    { "text/html ; q=0.5 , application/json ; q=0.6", JSON, JSON, JSON },
    { "text/plain, text/html;q=0.9, application/json;q=0.9", PLAIN, PLAIN,
      HTML },
    { "text/html;q=x, application/json;q=0.1", JSON, JSON, JSON },
    { "text/html;q=2, application/json;q=0.1", JSON, JSON, JSON },
    { "text/html;q=, application/json;q=0.1", JSON, JSON, JSON },
    /* what is not wanted */
    { "text/html;q=0, */*", PLAIN, JSON, JSON },
    { "*/*, text/html;q=0", PLAIN, JSON, JSON },
    { "text/html;q=0, application/json;q=0, */*", PLAIN, PLAIN, NONE },
    { "application/json;q=0, */*;q=0.1", HTML, HTML, HTML },
    { "application/json;q=0", NONE, NONE, NONE },
    { "*/*;q=0", NONE, NONE, NONE },
    { "image/png", NONE, NONE, NONE },
    { "image/*, application/xml", NONE, NONE, NONE },
    /* wildcards: the closest range counts */
    { "text/*", HTML, HTML, HTML },
    { "text/*, text/html;q=0.1", PLAIN, PLAIN, HTML },
    { "text/*;q=0.3, */*;q=0.2", HTML, HTML, HTML },
    { "text/*;q=0.2, */*;q=0.3", JSON, JSON, JSON },
    { "application/*", JSON, JSON, JSON },
    { "*/*;q=0.9, application/json;q=0.1", HTML, HTML, HTML },
    { "*/html", NONE, NONE, NONE },
    /* equals: the closer one, then the first */
    { "*/*, application/json", JSON, JSON, JSON },
    { "text/*, application/json", JSON, JSON, JSON },
    { "application/*, text/*", JSON, JSON, JSON },
    { "application/json, text/html", JSON, JSON, JSON },
    { "text/html, application/json", HTML, HTML, HTML },
    { "application/json;q=0.5, text/html;q=0.50", JSON, JSON, JSON },
    /* parameters */
    { "application/json; charset=UTF-8", JSON, JSON, JSON },
    { "text/html;level=1, application/json;q=0.1", HTML, HTML, HTML },
    { "text/html;level=1, text/html;q=0.2, application/json;q=0.3", JSON,
      JSON, JSON },
    { "text/html;level=1;q=0.2, application/json;q=0.3", JSON, JSON, JSON },
    { "text/html;x=\"a,b;q=0\", application/json;q=0.9", HTML, HTML, HTML },
    { "text/html;x=\"a\\\",b\";q=0.1, application/json;q=0.9", JSON, JSON,
      JSON },
    { "text/html;q=0.9;ext=1, application/json;q=0.8", HTML, HTML, HTML },
    { "application/json;q=0.1, application/json", JSON, JSON, JSON },
    /* what is no range */
    { "json", HTML, JSON, HTML },
    { "/, text/, /html, ;q=1, text", HTML, JSON, HTML },
    { "garbage, application/json", JSON, JSON, JSON },
    { "text/html-like, application/jsonp", NONE, NONE, NONE },
    { "application/json-seq, text/html;q=0.1", HTML, HTML, HTML },
    { "text / html", NONE, NONE, NONE },
    { "\"", HTML, JSON, HTML },
    { "text/html;x=\"", HTML, HTML, HTML },
    { "text/html;x=\"\\", HTML, HTML, HTML },
};

static void what_clients_send(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        const char *accept = headers[i].accept;

        if (cp_accept_choose(accept, for_people) != headers[i].people
            || cp_accept_choose(accept, for_scripts) != headers[i].scripts
            || cp_accept_choose(accept, pages) != headers[i].page) {
            fail_msg("%s: %d %d %d", accept,
                     cp_accept_choose(accept, for_people),
                     cp_accept_choose(accept, for_scripts),
                     cp_accept_choose(accept, pages));
        }
    }
}

/* Cut anywhere, in memory of exactly its length, for the sanitizers. */
static void headers_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        size_t length = headers[i].accept ? strlen(headers[i].accept) : 0;

        for (size_t cut = 0; cut < length; cut++) {
            char *copy = malloc(cut + 1);

            memcpy(copy, headers[i].accept, cut);
            copy[cut] = '\0';
            assert_in_range(cp_accept_choose(copy, for_people), NONE, PLAIN);
            assert_int_not_equal(cp_accept_choose(copy, pages), PLAIN);
            free(copy);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_clients_send),
        cmocka_unit_test(headers_cut_anywhere),
    };

    return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
