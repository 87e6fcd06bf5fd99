#include "csp.h"

#include <apr_lib.h>
#include <string.h>
#include <strings.h>

/* Takes what comes before the next mark off the front; the mark goes, too. */
static cp_span part_take(cp_span *rest, char mark)
{
    const char *end = memchr(rest->at, mark, rest->length);
    cp_span part = { rest->at, end ? (apr_size_t)(end - rest->at)
                                   : rest->length };
    apr_size_t gone = part.length + (end != NULL);

    rest->at += gone;
    rest->length -= gone;
    return part;
}

/* The next word of a directive; empty at its end. */
static cp_span word_take(cp_span *rest)
{
    const char *begin;

    while (rest->length && apr_isspace(*rest->at)) {
        rest->at++;
        rest->length--;
    }
    begin = rest->at;
    while (rest->length && !apr_isspace(*rest->at)) {
        rest->at++;
        rest->length--;
    }
    return cp_span_make(begin, (apr_size_t)(rest->at - begin));
}

bool cp_csp_is_nonce(cp_span value)
{
    apr_size_t padding = 0;

    while (padding < 2 && padding < value.length
           && value.at[value.length - 1 - padding] == '=') {
        padding++;
    }
    value.length -= padding;
    for (apr_size_t i = 0; i < value.length; i++) {
        if (!apr_isalnum(value.at[i]) && !memchr("+/-_", value.at[i], 4)) {
            return false;
        }
    }
    return value.length > 0;
}

/* The nonce that a source is, or absent. */
static cp_span source_nonce(cp_span source)
{
    static const char begin[] = "'nonce-";
    const apr_size_t length = sizeof(begin) - 1;
    cp_span value;

    if (source.length < length + 2
        || strncasecmp(source.at, begin, length)
        || source.at[source.length - 1] != '\'') {
        return CP_SPAN_NONE;
    }
    value = cp_span_make(source.at + length, source.length - length - 1);
    return cp_csp_is_nonce(value) ? value : CP_SPAN_NONE;
}

/* How closely a directive is about script elements; -1: not at all. */
static int directive_rank(cp_span name)
{
    static const char *const names[] = {
        "default-src", "script-src", "script-src-elem"
    };

    for (int i = 0; i < 3; i++) {
        if (strlen(names[i]) == name.length
            && strncasecmp(names[i], name.at, name.length) == 0) {
            return i;
        }
    }
    return -1;
}

static cp_span policy_nonce(cp_span policy)
{
    cp_span best = CP_SPAN_NONE;
    int best_rank = -1;

    while (policy.length) {
        cp_span directive = part_take(&policy, ';');
        int rank = directive_rank(word_take(&directive));
        cp_span nonce = CP_SPAN_NONE;
        cp_span source;

        if (rank <= best_rank) {
            continue;
        }
        while (!nonce.at && (source = word_take(&directive)).length) {
            nonce = source_nonce(source);
        }
        best = nonce;
        best_rank = rank;
    }
    return best;
}

cp_span cp_csp_nonce(cp_span header)
{
    cp_span nonce = CP_SPAN_NONE;

    while (!nonce.at && header.length) {
        nonce = policy_nonce(part_take(&header, ','));
    }
    return nonce;
}
