#include "parameter.h"

#include <strings.h>

static bool is_space(char c)
{
    return cp_is_blank(c) || c == '\r' || c == '\n';
}

static void advance(cp_span *rest, apr_size_t length)
{
    rest->at += length;
    rest->length -= length;
}

static void spaces_skip(cp_span *rest)
{
    while (rest->length && is_space(rest->at[0])) {
        advance(rest, 1);
    }
}

/* What comes before a character of the set, or before a space. */
static cp_span word_take(cp_span *rest, const char *set)
{
    cp_span word = cp_span_make(rest->at, 0);

    while (rest->length && !is_space(rest->at[0])
           && !(rest->at[0] && strchr(set, rest->at[0]))) {
        advance(rest, 1);
        word.length++;
    }
    return word;
}

/* What stands between quotes; behind the first one to begin with. */
static cp_span quoted_take(cp_span *rest)
{
    cp_span text = cp_span_make(rest->at, 0);

    while (rest->length && rest->at[0] != '"') {
        advance(rest, rest->at[0] == '\\' && rest->length > 1 ? 2 : 1);
    }
    text.length = (apr_size_t)(rest->at - text.at);
    if (rest->length) {
        advance(rest, 1);
    }
    return text;
}

static bool span_is(cp_span span, const char *word)
{
    return span.length == strlen(word)
           && strncasecmp(span.at, word, span.length) == 0;
}

bool cp_value_is(cp_span value, const char *word, cp_span *parameters)
{
    cp_span first;

    spaces_skip(&value);
    first = word_take(&value, ";");
    *parameters = value;
    return span_is(first, word);
}

cp_span cp_parameter_find(cp_span parameters, const char *name)
{
    while (parameters.length) {
        const char *next = memchr(parameters.at, ';', parameters.length);
        cp_span word, value;

        if (!next) {
            break;
        }
        advance(&parameters, (apr_size_t)(next - parameters.at) + 1);
        spaces_skip(&parameters);
        word = word_take(&parameters, "=;");
        spaces_skip(&parameters);
        if (!parameters.length || parameters.at[0] != '=') {
            continue;
        }
        advance(&parameters, 1);
        spaces_skip(&parameters);
        if (parameters.length && parameters.at[0] == '"') {
            advance(&parameters, 1);
            value = quoted_take(&parameters);
        }
        else {
            value = word_take(&parameters, ";");
        }
        if (span_is(word, name)) {
            return value;
        }
    }
    return CP_SPAN_NONE;
}
