#include "counters.h"

const char *cp_reason_word(cp_reason reason)
{
    static const char *const words[CP_REASON_COUNT] = {
        [CP_VALID] = "valid",
        [CP_ABSENT] = "absent",
        [CP_MALFORMED] = "malformed",
        [CP_FORGED] = "forged",
        [CP_RETIRED] = "retired",
        [CP_EXPIRED] = "expired",
        [CP_ENDED] = "ended",
        [CP_UNLISTED] = "unlisted",
        [CP_CONFLICT] = "conflict",
        [CP_STORE_AWAY] = "store-away",
    };

    return words[reason];
}

const char *cp_refusal_word(cp_refusal refusal)
{
    static const char *const words[CP_REFUSAL_COUNT] = {
        [CP_REFUSAL_NONE] = "none",
        [CP_REFUSAL_CROSS_SITE] = "cross-site",
        [CP_REFUSAL_ORIGIN] = "origin",
        [CP_REFUSAL_NULL_ORIGIN] = "null-origin",
        [CP_REFUSAL_REFERER] = "referer",
        [CP_REFUSAL_NO_ORIGIN] = "no-origin",
        [CP_REFUSAL_NO_COOKIE] = "no-cookie",
        [CP_REFUSAL_NO_TOKEN] = "no-token",
        [CP_REFUSAL_TOKEN] = "token",
        [CP_REFUSAL_WINDOW] = "window",
    };

    return words[refusal];
}

static void count(atomic_ullong *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void cp_counters_add_decision(cp_counters *counters, cp_side side,
                              cp_decision decision)
{
    count(&counters->decisions[side][decision]);
}

void cp_counters_add_visit(cp_counters *counters, const cp_visit *visit)
{
    count(&counters->visits);
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (cp_rooms[i]->open(visit)) {
            count(&counters->verdicts[i][visit->verdicts[i].reason]);
        }
    }
}
