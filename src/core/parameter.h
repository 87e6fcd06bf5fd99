/**
 * @file parameter.h
 * @brief Header values with parameters: `form-data; name="field"`.
 */
#ifndef CP_PARAMETER_H
#define CP_PARAMETER_H

#include "span.h"

/**
 * Whether a value is that word, in any case, with parameters or without.
 * @param parameters  gets what follows the word
 */
bool cp_value_is(cp_span value, const char *word, cp_span *parameters);

/**
 * The value of a parameter, a token or between quotes (RFC 9110, section
 * 5.6.6); of several the first. `name*` is another parameter than `name`.
 * Folded lines count as blank.
 * @return what stands between the quotes as it was written, backslashes and
 *         all; it points into the parameters. CP_SPAN_NONE without one
 */
cp_span cp_parameter_find(cp_span parameters, const char *name);

#endif
