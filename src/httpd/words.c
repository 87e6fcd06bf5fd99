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

/* Copies what is between quotes. @return behind the closing one, or NULL */
static const char *quoted_copy(const char *in, char **out)
{
    const char quote = *in;

    for (in++; *in && *in != quote; in++) {
        if (*in == '\\' && (in[1] == quote || in[1] == '\\')) {
            in++;
        }
        *(*out)++ = *in;
    }
    return *in ? in + 1 : NULL;
}

/* Takes the next word off. @return NULL where a quote is not closed */
static const char *word_take(apr_pool_t *pool, const char **arguments)
{
    const char *in = *arguments;
    char *word = apr_palloc(pool, strlen(in) + 1);
    char *out = word;

    while (in && *in && *in != ' ' && *in != '\t') {
        if ((*in == '"' || *in == '\'')
            && (out == word || out[-1] == '=')) {
            in = quoted_copy(in, &out);
        }
        else {
            *out++ = *in++;
        }
    }
    *out = '\0';
    *arguments = in;
    return in ? word : NULL;
}

apr_array_header_t *cp_words_all(apr_pool_t *pool, const char *arguments)
{
    apr_array_header_t *words = apr_array_make(pool, 8, sizeof(char *));

    for (arguments += strspn(arguments, " \t"); *arguments;
         arguments += strspn(arguments, " \t")) {
        const char *word = word_take(pool, &arguments);

        if (!word) {
            return NULL;
        }
        *(const char **)apr_array_push(words) = word;
    }
    return words;
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
