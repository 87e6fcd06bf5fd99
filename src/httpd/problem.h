/**
 * @file problem.h
 * @brief An answer that says what went wrong and what to do: in the visitor's
 *        language, as HTML, JSON or plain text.
 */
#ifndef CP_PROBLEM_H
#define CP_PROBLEM_H

#include "exchange.h"

#include <jansson.h>

typedef struct cp_problem {
    int status;                 /* of HTTP */
    const char *error;          /* a word for programs */
    const char *reason;         /* a closer one; or NULL */
    /* Keys of phrases; {cookie} in them is the name of csrftoken. */
    const char *title;
    const char *what;
    const char *cure;           /* NULL: none is known */
    const char *link;           /* what the link to the policy page is called;
                                   NULL: there is none */
} cp_problem;

/** Whether ErrorDocument answers a request that ends with this status. */
bool cp_problem_is_documented(request_rec *r, int status);

/**
 * Sends the answer, with the headers of our own pages.
 * @param state  further members of the JSON, released here; or NULL
 * @return OK
 */
int cp_problem_tell(const cp_exchange *exchange, request_rec *r,
                    const cp_problem *problem, json_t *state);

/** Sends it, unless ErrorDocument answers. @return OK or the status */
int cp_problem_answer(const cp_exchange *exchange, request_rec *r,
                      const cp_problem *problem);

#endif
