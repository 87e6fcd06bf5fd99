#include "answer.h"
#include "accept.h"
#include "language.h"

#include <http_protocol.h>

/* With a template of the site's own the pages may load what that needs. */
void cp_answer_headers(const cp_exchange *exchange, request_rec *r)
{
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->err_headers_out, "Content-Security-Policy",
                   exchange->server->frame
                   ? "frame-ancestors 'none'; form-action 'self'; "
                     "base-uri 'none'"
                   : "default-src 'self'; frame-ancestors 'none'; "
                     "form-action 'self'; base-uri 'none'");
    apr_table_setn(r->err_headers_out, "Cross-Origin-Resource-Policy",
                   "same-origin");
    apr_table_setn(r->err_headers_out, "Referrer-Policy", "same-origin");
    r->no_cache = 1;
    r->no_local_copy = 1;
}

/* --- Language ----------------------------------------------------------- */

const char *cp_answer_language(const cp_exchange *exchange)
{
    const char *tag = cp_language(exchange->visit);

    return cp_phrases_language(exchange->server->phrases,
                               tag ? tag : CP_PHRASES_FALLBACK);
}

void cp_answer_language_tell(const cp_exchange *exchange, request_rec *r)
{
    r->content_languages = NULL;    /* mod_mime's */
    apr_table_setn(r->headers_out, "Content-Language",
                   cp_answer_language(exchange));
}

const char *cp_answer_phrase(const cp_exchange *exchange, const char *key)
{
    const char *phrase = cp_phrase(exchange->server->phrases,
                                   cp_answer_language(exchange), key);

    return phrase ? phrase : key;
}

const char *cp_answer_code_tag(const cp_exchange *exchange)
{
    return strcmp(cp_answer_phrase(exchange, "language.direction"), "rtl")
           ? "<code>" : "<code dir=\"ltr\">";
}

/* --- JSON ----------------------------------------------------------------- */

bool cp_answer_is_json(const request_rec *r)
{
    static const cp_medium offers[] = {
        CP_MEDIUM_HTML, CP_MEDIUM_JSON, CP_MEDIUM_NONE
    };

    return cp_accept_choose(apr_table_get(r->headers_in, "Accept"), offers)
           == CP_MEDIUM_JSON;
}

int cp_answer_json(request_rec *r, json_t *answer)
{
    char *text = answer ? json_dumps(answer, JSON_INDENT(2)) : NULL;

    json_decref(answer);
    if (!text) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_set_content_type(r, "application/json");
    ap_rputs(text, r);
    ap_rputs("\n", r);
    free(text);
    return OK;
}

/* --- HTML ----------------------------------------------------------------- */

int cp_answer_html(const cp_exchange *exchange, request_rec *r,
                   const char *title, void (*send)(const void *content),
                   const void *content)
{
    const cp_template *frame = exchange->server->frame
                               ? exchange->server->frame
                               : cp_template_standard(r->pool);
    cp_place place;
    cp_span text;
    int at = 0;

    ap_set_content_type(r, "text/html; charset=utf-8");
    cp_answer_language_tell(exchange, r);
    do {
        place = cp_template_next(frame, &at, &text);
        ap_rwrite(text.at, (int)text.length, r);
        switch (place) {
        case CP_PLACE_CONTENT:
            send(content);
            break;
        case CP_PLACE_TITLE:
            ap_rputs(ap_escape_html2(r->pool, title, 0), r);
            break;
        case CP_PLACE_LANGUAGE:
            ap_rputs(cp_answer_language(exchange), r);
            break;
        case CP_PLACE_DIRECTION:
            ap_rputs(cp_answer_phrase(exchange, "language.direction"), r);
            break;
        default:
            break;
        }
    } while (place != CP_PLACE_END);
    return OK;
}
