/**
 * @file preferences.h
 * @brief The room of cookies_preferences.
 *
 *     1.DAY.STATES.ID.MAC
 *
 * DAY is the day of the choice, counted from 1970-01-01 (UTC). STATES are
 * `category:y:DIGEST` and `category:n:DIGEST` joined by `~`; what is absent
 * is undecided. ID names the entry in the consent log and is there only
 * where something was granted. MAC is over all before it.
 */
#ifndef CP_PREFERENCES_H
#define CP_PREFERENCES_H

#include "visit.h"

/** Characters of a consent's ID. */
#define CP_CONSENT_ID_LENGTH 22

typedef enum cp_choice {
    CP_UNDECIDED,
    CP_GRANTED,
    CP_REFUSED
} cp_choice;

/** The word for a choice: undecided, granted or refused. */
const char *cp_choice_word(cp_choice choice);

struct cp_preferences {
    apr_uint32_t day;
    cp_choice choices[CP_CATEGORIES_MAX];   /* as the policy's categories */
    char id[CP_CONSENT_ID_LENGTH + 1];      /* empty: nothing was granted */
    bool withdraws;             /* the choice of this request takes back a
                                   grant: */
    bool withdrawn[CP_CATEGORIES_MAX];
};

/** The visitor's state for a category: what was chosen, of what is used. */
cp_choice cp_preferences_choice(const cp_visit *visit, int category);

/** Whether cookies of a category are allowed: granted, exempt, or objectable
 *  and not refused. */
bool cp_preferences_allow(const cp_visit *visit, int category);

/** Whether everything that can be chosen has been. */
bool cp_preferences_decided(const cp_visit *visit);

/** Whether Sec-GPC stands in for a choice that was not made. */
bool cp_preferences_signalled(const cp_visit *visit);

/** A choice that does not count yet. */
typedef struct cp_draft {
    cp_preferences preferences;
    const char *value;          /* the cookie's */
} cp_draft;

/**
 * What a choice would put in force, with the ID that it has in the consent
 * log. What was in force stays so.
 * @param choices  one for each category of the policy; for exempt and unused
 *                 ones they are ignored
 * @return false when no randomness for the ID, or no MAC, is to be had
 */
bool cp_preferences_draw(const cp_visit *visit, const cp_choice *choices,
                         cp_draft *draft);

/** The choice counts from now on; issued with this answer. */
void cp_preferences_commit(cp_visit *visit, const cp_draft *draft);

/** Both at once. @return as cp_preferences_draw() */
bool cp_preferences_choose(cp_visit *visit, const cp_choice *choices);

extern const cp_room cp_preferences_room;

#endif
