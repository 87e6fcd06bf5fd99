/**
 * @file form.h
 * @brief The token out of a form's body.
 */
#ifndef CP_FORM_H
#define CP_FORM_H

#include "span.h"

/** As much of a body is looked at, in bytes. */
#define CP_FORM_WINDOW (64 * 1024)

/** The name of the field, as Django's. */
#define CP_FORM_FIELD "csrfmiddlewaretoken"

/**
 * Finds the token in a body of application/x-www-form-urlencoded.
 * @param body      the beginning of the body, or all of it
 * @param complete  whether it is all of it; if not, a last value may be cut
 *                  and is not taken
 * @param token     gets the value; it points into the body and may be empty
 * @return whether the field is there; of several the first counts
 */
bool cp_form_token(cp_span body, bool complete, cp_span *token);

#endif
