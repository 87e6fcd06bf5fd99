/**
 * @file choice.h
 * @brief A visitor's choice, from the form to the cookie, with its proof.
 */
#ifndef CP_CHOICE_H
#define CP_CHOICE_H

#include "exchange.h"
#include "form_data.h"
#include "preferences.h"

/**
 * Writes the proof of a choice and puts it in force. Where the proof cannot
 * be written, what was refused counts and what was granted is undecided.
 * @param choices  one for each category of the policy
 * @param form     what was sent; says where the choice was made
 * @return OK; HTTP_SERVICE_UNAVAILABLE when something that was granted does
 *         not count; HTTP_INTERNAL_SERVER_ERROR, and nothing is changed, when
 *         no ID is to be had
 */
int cp_choice_make(cp_exchange *exchange, const cp_choice *choices,
                   const cp_form_data *form);

#endif
