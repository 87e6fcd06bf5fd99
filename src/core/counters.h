/**
 * @file counters.h
 * @brief What happened, counted over all processes of a server.
 */
#ifndef CP_COUNTERS_H
#define CP_COUNTERS_H

#include "decision.h"
#include "inventory.h"
#include "visit.h"

#include <stdatomic.h>

/** Why a request failed the CSRF check. */
typedef enum cp_refusal {
    CP_REFUSAL_NONE,
    CP_REFUSAL_CROSS_SITE,
    CP_REFUSAL_ORIGIN,
    CP_REFUSAL_NULL_ORIGIN,
    CP_REFUSAL_REFERER,
    CP_REFUSAL_NO_ORIGIN,
    CP_REFUSAL_NO_COOKIE,
    CP_REFUSAL_NO_TOKEN,
    CP_REFUSAL_TOKEN,
    CP_REFUSAL_WINDOW,
    CP_REFUSAL_COUNT
} cp_refusal;

/** Plain data in shared memory, all zero at first. */
typedef struct cp_counters {
    atomic_ullong visits;
    atomic_ullong verdicts[CP_MANAGED_COUNT][CP_REASON_COUNT];
    atomic_ullong issued[CP_MANAGED_COUNT];
    atomic_ullong refusals[CP_REFUSAL_COUNT];
    atomic_ullong decisions[CP_SIDE_COUNT][CP_DECISION_COUNT];
    atomic_ullong deletions;
    atomic_flag told[CP_MANAGED_COUNT];     /* that an application sets it */
} cp_counters;

/** The words for reasons, as they are logged and shown. */
const char *cp_reason_word(cp_reason reason);
const char *cp_refusal_word(cp_refusal refusal);

/** Counts what was decided of a cookie that is not managed. */
void cp_counters_add_decision(cp_counters *counters, cp_side side,
                              cp_decision decision);

/** Counts a visit and the verdict on each cookie that the site keeps. */
void cp_counters_add_visit(cp_counters *counters, const cp_visit *visit);

#endif
