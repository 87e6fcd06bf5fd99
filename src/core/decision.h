/**
 * @file decision.h
 * @brief What the policy says of a cookie that is not managed, on its way in
 *        and on its way out.
 */
#ifndef CP_DECISION_H
#define CP_DECISION_H

#include "set_cookie.h"
#include "visit.h"

/** Lines of deletion in one response. */
#define CP_DELETIONS_MAX 8

typedef enum cp_decision {
    CP_PASSES,
    CP_MANAGED,                 /* a managed name, which is ours to set */
    CP_UNDECLARED,
    CP_NOT_ALLOWED,             /* declared, and the visitor has not agreed */
    CP_DECISION_COUNT
} cp_decision;

/** The word for a decision, as it is logged and counted. */
const char *cp_decision_word(cp_decision decision);

/** Whether what falls under a declaration, or under none, may pass now. */
cp_decision cp_decide(const cp_visit *visit, const cp_declared *declared);

/** What is done with one Set-Cookie line. */
typedef struct cp_ruling {
    cp_decision decision;
    cp_span name;               /* under which it would come back */
    cp_managed managed;         /* which one, of CP_MANAGED */
    bool declared;
    bool deletes;
    const char *line;           /* as it may leave; NULL: not at all */
} cp_ruling;

/** Judges a Set-Cookie line of the application. */
cp_ruling cp_set_cookie_judge(const cp_visit *visit, const char *line);

/**
 * The Set-Cookie lines that delete what the browser may not keep: declared
 * cookies that it brought and, where this request takes back a grant, those
 * below paths of their own; as their declaration says where they lie.
 * @param lines  gets them; room for CP_DELETIONS_MAX
 * @return how many
 */
int cp_deletions(const cp_visit *visit, const char **lines);

#endif
