#define PCRE2_CODE_UNIT_WIDTH 8
#include "pattern.h"

#include <apr_lib.h>
#include <pcre2.h>

/* Names are short; a pattern that needs more steps is a trap. */
#define MATCH_LIMIT 20000

/* Where there is no JIT, in KiB. */
#define HEAP_LIMIT 256

struct cp_pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
    cp_span prefix;
};

static apr_status_t pattern_free(void *data)
{
    cp_pattern *pattern = data;

    pcre2_code_free(pattern->code);
    pcre2_match_context_free(pattern->limits);
    return APR_SUCCESS;
}

/* Whether alternatives may stand side by side outside of all parentheses:
 * then what follows the circumflex binds only the first. Where there is a bar
 * and more than the simplest syntax, they may. */
static bool may_have_alternatives(const char *text)
{
    int depth = 0;

    if (!strchr(text, '|')) {
        return false;
    }
    for (const char *at = text; *at; at++) {
        if (strchr("\\[]{}#", *at)) {
            return true;
        }
        if (*at == '(') {
            if (strchr("?*", at[1]) && strncmp(at, "(?:", 3)) {
                return true;
            }
            depth++;
        }
        else if (*at == ')') {
            depth--;
        }
        else if (*at == '|' && depth == 0) {
            return true;
        }
    }
    return false;
}

/* Whether what follows a character may say how often it stands there, be it
 * behind something that matches nothing. */
static bool may_quantify(const char *text)
{
    return (*text && strchr("?*{\\", *text))
           || (*text == '(' && text[1] && strchr("?*", text[1]));
}

/* The literal characters behind a circumflex. */
static cp_span prefix_read(const char *text, apr_pool_t *pool)
{
    char *prefix = apr_palloc(pool, strlen(text) + 1);
    apr_size_t length = 0;

    if (*text != '^' || may_have_alternatives(text)) {
        return CP_SPAN("");
    }
    for (text++; *text; text++) {
        if (*text == '\\' && text[1] && !apr_isalnum(text[1])) {
            text++;
        }
        else if (strchr("\\^$.[]|()?*+{}", *text)) {
            break;
        }
        prefix[length++] = *text;
    }
    if (length && may_quantify(text)) {
        length--;
    }
    return cp_span_make(prefix, length);
}

const cp_pattern *cp_pattern_make(const char *text, const char **error,
                                  apr_pool_t *pool)
{
    cp_pattern *pattern = apr_pcalloc(pool, sizeof(*pattern));
    PCRE2_SIZE at = 0;
    int number = 0;

    pattern->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                  PCRE2_DOLLAR_ENDONLY, &number, &at,
                                  NULL);
    if (!pattern->code) {
        char message[256] = "";

        pcre2_get_error_message(number, (PCRE2_UCHAR *)message,
                                sizeof(message));
        *error = apr_psprintf(pool, "%s at character %lu", message,
                              (unsigned long)at + 1);
        return NULL;
    }
    pattern->limits = pcre2_match_context_create(NULL);
    apr_pool_cleanup_register(pool, pattern, pattern_free,
                              apr_pool_cleanup_null);
    if (!pattern->limits) {
        *error = "no memory";
        return NULL;
    }
    pcre2_set_match_limit(pattern->limits, MATCH_LIMIT);
    pcre2_set_heap_limit(pattern->limits, HEAP_LIMIT);
    pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
    pattern->prefix = prefix_read(text, pool);
    return pattern;
}

cp_span cp_pattern_prefix(const cp_pattern *pattern)
{
    return pattern->prefix;
}

/* What matching needs is not taken from a pool, which a request with many
 * cookies would make grow. */
cp_match cp_pattern_match(const cp_pattern *pattern, cp_span name)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    int found = data ? pcre2_match(pattern->code, (PCRE2_SPTR)name.at,
                                   name.length, 0, 0, data, pattern->limits)
                     : PCRE2_ERROR_NOMEMORY;

    pcre2_match_data_free(data);
    return found >= 0 ? CP_MATCHES
           : found == PCRE2_ERROR_NOMATCH ? CP_MATCHES_NOT
                                          : CP_MATCH_UNKNOWN;
}
