/**
 * @file answer.h
 * @brief What all of our own answers have in common: headers, language, and
 *        the HTML around them.
 */
#ifndef CP_ANSWER_H
#define CP_ANSWER_H

#include "exchange.h"

#include <jansson.h>

/** No cache keeps it, no frame shows it, no other origin reads it. */
void cp_answer_headers(const cp_exchange *exchange, request_rec *r);

/** The visitor's language, or of those that our words are in the nearest to
 *  it. Not with the engine Off. */
const char *cp_answer_language(const cp_exchange *exchange);

/** Says in Content-Language what language our words are in. */
void cp_answer_language_tell(const cp_exchange *exchange, request_rec *r);

/** One of our phrases in that language; the key itself where there is none. */
const char *cp_answer_phrase(const cp_exchange *exchange, const char *key);

/** The tag that begins a name or a code: it is written from left to right in
 *  every language. It ends with </code>. */
const char *cp_answer_code_tag(const cp_exchange *exchange);

/** Whether, of HTML and JSON, a client takes JSON (RFC 9110 section
 *  12.5.1). */
bool cp_answer_is_json(const request_rec *r);

/** Sends JSON, and releases it. @return OK; HTTP_INTERNAL_SERVER_ERROR where
 *  it is NULL or no memory is left */
int cp_answer_json(request_rec *r, json_t *answer);

/**
 * Sends a page in the visitor's language, in the site's frame or the one that
 * is built in.
 * @param title    as text, not HTML
 * @param send     sends what stands in the frame
 * @param content  is handed on to it
 * @return OK
 */
int cp_answer_html(const cp_exchange *exchange, request_rec *r,
                   const char *title, void (*send)(const void *content),
                   const void *content);

#endif
