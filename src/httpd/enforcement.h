/**
 * @file enforcement.h
 * @brief What the policy does to the cookies that are not managed, and what
 *        is told of it.
 */
#ifndef CP_ENFORCEMENT_H
#define CP_ENFORCEMENT_H

#include "decision.h"
#include "exchange.h"

/** Whether the answer sets a cookie. */
bool cp_enforcement_finds(const request_rec *r);

/** What was done to an answer. */
typedef struct cp_judgement {
    bool kept;                  /* it sets a cookie */
    bool chosen;                /* something was taken out because of this
                                   visitor's choice */
} cp_judgement;

/**
 * Judges every Set-Cookie of the answer, in both tables: what may not pass is
 * taken out, what is kept is hardened. In report mode nothing changes.
 */
cp_judgement cp_enforcement_judge(const cp_exchange *exchange, request_rec *r);

/**
 * Judges one Set-Cookie line, and tells.
 * @return the line as it may leave, or NULL
 */
const char *cp_enforcement_line(const cp_exchange *exchange, request_rec *r,
                                const char *line);

/** Adds the lines that delete what the browser may not keep. @return whether
 *  there are any */
bool cp_enforcement_delete(const cp_exchange *exchange, request_rec *r);

/** Counts, logs and lists what the browser brought. */
void cp_enforcement_tell_browser(const cp_exchange *exchange, request_rec *r);

#endif
