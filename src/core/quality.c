#include "quality.h"

#include <apr_lib.h>

int cp_quality_read(cp_span parameter)
{
    int quality, worth = CP_QUALITY_MAX / 10;

    parameter = cp_span_trimmed(parameter);
    if (parameter.length == 0) {
        return CP_QUALITY_MAX;
    }
    if (parameter.length < 3 || parameter.length > 7
        || apr_tolower(parameter.at[0]) != 'q' || parameter.at[1] != '='
        || (parameter.at[2] != '0' && parameter.at[2] != '1')
        || (parameter.length > 3 && parameter.at[3] != '.')) {
        return 0;
    }
    quality = parameter.at[2] == '1' ? CP_QUALITY_MAX : 0;
    for (apr_size_t i = 4; i < parameter.length; i++, worth /= 10) {
        if (!apr_isdigit(parameter.at[i])) {
            return 0;
        }
        quality += (parameter.at[i] - '0') * worth;
    }
    return quality <= CP_QUALITY_MAX ? quality : 0;
}
