#include "words.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <limits.h>

const char *cp_words_refuse(cmd_parms *cmd, const char *value,
                            const char *allowed)
{
    return apr_psprintf(cmd->pool, "%s: '%s' is not allowed; allowed is %s",
                        cmd->cmd->name, value, allowed);
}

const char *cp_words_value(apr_pool_t *pool, const char *word,
                            const char **key)
{
    const char *equals = strchr(word, '=');

    if (!equals || equals == word) {
        return NULL;
    }
    *key = apr_pstrmemdup(pool, word, (apr_size_t)(equals - word));
    return equals + 1;
}

int cp_words_find(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++) {
        if (strcasecmp(words[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

int cp_words_seconds(const char *text)
{
    static const struct {
        const char *name;
        int seconds;
    } units[] = {
        { "s", 1 }, { "second", 1 }, { "m", 60 }, { "min", 60 },
        { "minute", 60 }, { "h", 3600 }, { "hour", 3600 }, { "d", 86400 },
        { "day", 86400 }, { "w", 604800 }, { "week", 604800 },
        { "M", 2592000 }, { "month", 2592000 }, { "y", 31536000 },
        { "year", 31536000 },
    };
    char *unit = NULL;
    apr_int64_t number;
    apr_size_t length;

    if (!apr_isdigit(*text)) {
        return -1;
    }
    number = apr_strtoi64(text, &unit, 10);
    unit += strspn(unit, " ");
    length = strlen(unit);
    if (length > 2 && unit[length - 1] == 's') {
        length--;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strlen(units[i].name) == length
            && strncmp(unit, units[i].name, length) == 0) {
            number = number > INT_MAX ? INT_MAX : number * units[i].seconds;
            return number > INT_MAX ? -1 : (int)number;
        }
    }
    return length == 0 && number <= INT_MAX ? (int)number : -1;
}

bool cp_words_is_host(const char *host)
{
    if (strncmp(host, "*.", 2) == 0) {
        host += 2;
        if (!strchr(host, '.')) {
            return false;       /* a whole top-level domain */
        }
    }
    if (*host == '[') {
        return host[strspn(host, "[]:.0123456789abcdefABCDEF")] == '\0';
    }
    if (!apr_isalnum(*host)) {
        return false;
    }
    for (; *host; host++) {
        if (!apr_isalnum(*host) && *host != '-' && *host != '_'
            && (*host != '.' || !apr_isalnum(host[1]))) {
            return false;
        }
    }
    return true;
}
