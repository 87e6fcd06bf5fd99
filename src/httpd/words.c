#include "words.h"
#include "language.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <arpa/inet.h>
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

/* Takes the next word off, and writes it. @return NULL where a quote is not
 * closed */
static const char *word_take(const char **arguments, char **out)
{
    const char *in = *arguments;
    const char *word = *out;

    while (in && *in && *in != ' ' && *in != '\t') {
        if ((*in == '"' || *in == '\'')
            && (*out == word || (*out)[-1] == '=')) {
            in = quoted_copy(in, out);
        }
        else {
            *(*out)++ = *in++;
        }
    }
    *(*out)++ = '\0';
    *arguments = in;
    return in ? word : NULL;
}

apr_array_header_t *cp_words_all(cmd_parms *cmd, const char *arguments)
{
    apr_array_header_t *words = apr_array_make(cmd->temp_pool, 8,
                                               sizeof(char *));
    /* All words take no more than the line: where one ends in it is room for
     * its end here. */
    char *out = apr_palloc(cmd->pool, strlen(arguments) + 1);

    for (arguments += strspn(arguments, " \t"); *arguments;
         arguments += strspn(arguments, " \t")) {
        const char *word = word_take(&arguments, &out);

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
            return number > INT_MAX / units[i].seconds
                   ? -1 : (int)number * units[i].seconds;
        }
    }
    return length == 0 && number <= INT_MAX ? (int)number : -1;
}

/* The address between brackets, in network order. */
static bool ipv6_read(const char *literal, struct in6_addr *address)
{
    char text[INET6_ADDRSTRLEN];
    size_t length = strlen(literal);

    if (length < 4 || length - 2 >= sizeof(text) || *literal != '['
        || literal[length - 1] != ']') {
        return false;
    }
    apr_cpystrn(text, literal + 1, length - 1);
    return inet_pton(AF_INET6, text, address) == 1;
}

bool cp_words_is_host(const char *host)
{
    struct in6_addr address;

    if (*host == '[') {
        return ipv6_read(host, &address);
    }
    if (strncmp(host, "*.", 2) == 0) {
        const char *top = strrchr(host + 2, '.');

        if (!top || !apr_isalpha(top[1])) {
            return false;       /* a whole top-level domain, or a number */
        }
        host += 2;
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

apr_port_t cp_words_port(const char *digits)
{
    size_t length = strspn(digits, "0123456789");
    apr_int64_t number;

    if (length == 0 || length > 5 || digits[length]) {
        return 0;
    }
    number = apr_strtoi64(digits, NULL, 10);
    return number <= 65535 ? (apr_port_t)number : 0;
}

bool cp_words_authority(apr_pool_t *pool, const char *text,
                        cp_origin *origin)
{
    char *host = apr_pstrdup(pool, text);
    char *colon = strrchr(host, ':');
    char canonical[INET6_ADDRSTRLEN];
    struct in6_addr address;
    apr_port_t port = 0;

    if (colon && !strchr(colon, ']')) {
        port = cp_words_port(colon + 1);
        if (!port) {
            return false;
        }
        *colon = '\0';
    }
    ap_str_tolower(host);
    if (*host == '[') {
        if (!ipv6_read(host, &address)
            || !inet_ntop(AF_INET6, &address, canonical,
                          sizeof(canonical))) {
            return false;
        }
        host = apr_pstrcat(pool, "[", canonical, "]", NULL);
    }
    origin->host = host;
    origin->port = port;
    return *host != '\0';
}

bool cp_words_is_web_address(const char *value)
{
    return strncmp(value, "https://", 8) == 0
           || strncmp(value, "http://", 7) == 0;
}

const char *cp_words_text(cmd_parms *cmd, apr_table_t *texts,
                          const char *word, bool (*is_known)(cp_span, bool),
                          const char *allowed)
{
    const char *key = NULL;
    const char *value = cp_words_value(cmd->pool, word, &key);
    const char *bracket = value ? strchr(key, '[') : NULL;
    cp_span plain = cp_span_of(key);

    if (bracket) {
        char *tag = apr_pstrdup(cmd->pool, bracket + 1);
        apr_size_t length = strlen(tag);

        if (length == 0 || tag[length - 1] != ']') {
            return cp_words_refuse(cmd, word, allowed);
        }
        tag[length - 1] = '\0';
        if (!cp_language_is_known(tag)) {
            return cp_words_refuse(cmd, word, "between the brackets the tag "
                                   "of a language, like fr or pt-BR");
        }
        plain.length = (apr_size_t)(bracket - key);
    }
    if (!value || !is_known(plain, bracket != NULL)) {
        return cp_words_refuse(cmd, word, allowed);
    }
    if (apr_table_get(texts, key)) {
        return cp_words_refuse(cmd, word, "each key once");
    }
    apr_table_setn(texts, key, value);
    return NULL;
}

const char *cp_words_origin(cmd_parms *cmd, const char *word,
                            cp_origin *origin)
{
    static const char allowed[] =
        "an origin: http:// or https://, a host (*. in front of it for all "
        "its subdomains), and a port where it is not the scheme's own; no "
        "path, not even a slash";
    bool https = strncasecmp(word, "https://", 8) == 0;

    if ((!https && strncasecmp(word, "http://", 7))
        || !cp_words_authority(cmd->pool, word + (https ? 8 : 7), origin)
        || !cp_words_is_host(origin->host)) {
        return cp_words_refuse(cmd, word, allowed);
    }
    origin->scheme = https ? "https" : "http";
    if (!origin->port) {
        origin->port = https ? 443 : 80;
    }
    return NULL;
}
