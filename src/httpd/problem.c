#include "problem.h"
#include "accept.h"
#include "answer.h"
#include "form_data.h"
#include "way_back.h"

#include <http_protocol.h>
#include <mod_core.h>

/* A problem, and to whom it is told. */
typedef struct telling {
    const cp_exchange *exchange;
    const cp_problem *problem;
    request_rec *r;
    const char *title;
    const char *what;
    const char *cure;           /* NULL: none */
} telling;

/* --- In which form -------------------------------------------------------- */

static bool has(const request_rec *r, const char *header, const char *value)
{
    const char *sent = apr_table_get(r->headers_in, header);

    return sent && strcasecmp(sent, value) == 0;
}

/* Whether a script or a program reads the answer, as far as the request
 * tells. */
static bool is_program(const cp_exchange *exchange, const request_rec *r)
{
    return exchange->page == CP_PAGE_CSRF
           || has(r, "X-Requested-With", "XMLHttpRequest")
           || has(r, "Sec-Fetch-Dest", "empty") || cp_form_data_is_json(r);
}

static cp_medium medium_of(const cp_exchange *exchange, const request_rec *r)
{
    static const cp_medium for_people[] = {
        CP_MEDIUM_HTML, CP_MEDIUM_PLAIN, CP_MEDIUM_JSON, CP_MEDIUM_NONE
    };
    static const cp_medium for_programs[] = {
        CP_MEDIUM_JSON, CP_MEDIUM_HTML, CP_MEDIUM_PLAIN, CP_MEDIUM_NONE
    };
    cp_medium chosen;

    if (exchange->json) {
        return CP_MEDIUM_JSON;
    }
    chosen = cp_accept_choose(apr_table_get(r->headers_in, "Accept"),
                              is_program(exchange, r) ? for_programs
                                                      : for_people);
    return chosen ? chosen : CP_MEDIUM_PLAIN;
}

/* --- What is said --------------------------------------------------------- */

static const char *said(const telling *told, const char *key)
{
    const char *cookie =
        told->exchange->server->site.attributes[CP_CSRF].name;

    return key ? cp_phrase_fill(cp_answer_phrase(told->exchange, key),
                                "{cookie}", cookie, told->r->pool)
               : NULL;
}

static const char *escaped(const telling *told, const char *text)
{
    return ap_escape_html2(told->r->pool, text, 0);
}

static void link_send(const telling *told, const char *path,
                      const char *phrase)
{
    ap_rvputs(told->r, "<p><a href=\"", escaped(told, path), "\">",
              escaped(told, said(told, phrase)), "</a></p>\n", NULL);
}

static void html_send(const void *content)
{
    const telling *told = content;
    const cp_problem *problem = told->problem;
    const char *back = cp_way_back(told->exchange, told->r);

    ap_rvputs(told->r, "<h1>", escaped(told, told->title), "</h1>\n<p>",
              escaped(told, told->what), "</p>\n", NULL);
    if (told->cure) {
        ap_rvputs(told->r, "<p>", escaped(told, told->cure), "</p>\n", NULL);
    }
    if (problem->reason) {
        const char *code = apr_pstrcat(told->r->pool,
                                       cp_answer_code_tag(told->exchange),
                                       problem->reason, "</code>", NULL);

        ap_rvputs(told->r, "<p>",
                  cp_phrase_fill(escaped(told, said(told, "refusal.reason")),
                                 "{reason}", code, told->r->pool),
                  "</p>\n", NULL);
    }
    if (back) {
        link_send(told, back, "refusal.back");
    }
    if (problem->link) {
        link_send(told, told->exchange->server->path, problem->link);
    }
}

static int json_send(const telling *told, json_t *state)
{
    const cp_problem *problem = told->problem;
    json_t *answer = json_pack("{s:s, s:s*, s:s, s:s*}", "error",
                               problem->error, "reason", problem->reason,
                               "detail", told->what, "cure", told->cure);

    if (answer && state) {
        json_object_update(answer, state);
    }
    cp_answer_language_tell(told->exchange, told->r);
    return cp_answer_json(told->r, answer);
}

static int plain_send(const telling *told)
{
    const cp_problem *problem = told->problem;

    cp_answer_language_tell(told->exchange, told->r);
    ap_set_content_type(told->r, "text/plain; charset=utf-8");
    ap_rprintf(told->r, "%d %s", problem->status, told->title);
    if (problem->reason) {
        ap_rprintf(told->r, " (%s)", problem->reason);
    }
    ap_rvputs(told->r, "\n", told->what, "\n", NULL);
    if (told->cure) {
        ap_rvputs(told->r, told->cure, "\n", NULL);
    }
    return OK;
}

/* --- The answer ----------------------------------------------------------- */

bool cp_problem_is_documented(request_rec *r, int status)
{
    return ap_response_code_string(r, ap_index_of_response(status)) != NULL;
}

int cp_problem_tell(const cp_exchange *exchange, request_rec *r,
                    const cp_problem *problem, json_t *state)
{
    telling told = { exchange, problem, r, NULL, NULL, NULL };
    int status;

    told.title = said(&told, problem->title);
    told.what = said(&told, problem->what);
    told.cure = said(&told, problem->cure);
    r->status = problem->status;
    cp_answer_headers(exchange, r);
    switch (medium_of(exchange, r)) {
    case CP_MEDIUM_HTML:
        status = cp_answer_html(exchange, r, told.title, html_send, &told);
        break;
    case CP_MEDIUM_JSON:
        status = json_send(&told, state);
        break;
    default:
        status = plain_send(&told);
        break;
    }
    json_decref(state);
    return status;
}

int cp_problem_answer(const cp_exchange *exchange, request_rec *r,
                      const cp_problem *problem)
{
    return cp_problem_is_documented(r, problem->status)
           ? problem->status : cp_problem_tell(exchange, r, problem, NULL);
}
