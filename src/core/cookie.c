#include "cookie.h"

#include <apr_lib.h>

/* RFC 9110 section 5.6.2: visible ASCII but the delimiters. */
static inline bool is_token(unsigned char c)
{
    static const bool token[256] = {
        ['!'] = true, ['#' ... '\''] = true, ['*' ... '+'] = true,
        ['-' ... '.'] = true, ['0' ... '9'] = true, ['A' ... 'Z'] = true,
        ['^' ... 'z'] = true, ['|'] = true, ['~'] = true
    };

    return token[c];
}

static apr_size_t token_length(cp_span span)
{
    apr_size_t length = 0;

    while (length < span.length && is_token((unsigned char)span.at[length])) {
        length++;
    }
    return length;
}

/* Whether what follows a comma is a blank and the begin of another pair. It
 * looks no farther than the next name ends, so that a header is still read in
 * linear time. */
static bool begins_pair(cp_span rest)
{
    apr_size_t blanks = 0;
    apr_size_t length;

    while (blanks < rest.length && cp_is_blank(rest.at[blanks])) {
        blanks++;
    }
    rest.at += blanks;
    rest.length -= blanks;
    length = token_length(rest);
    return blanks && length && length < rest.length && rest.at[length] == '=';
}

/* So many bytes are looked through at once for the end of a pair, which is
 * mostly near: of a header full of commas none is looked at often. */
#define STRIDE 128

/* Where in a part of the header a comma ends a pair, or its length. */
static apr_size_t comma_find(cp_span rest, apr_size_t begin, apr_size_t end)
{
    const char *comma = rest.at + begin;

    while ((comma = memchr(comma, ',', (apr_size_t)(rest.at + end - comma)))) {
        apr_size_t at = (apr_size_t)(comma++ - rest.at);

        if (begins_pair(cp_span_make(comma, rest.length - at - 1))) {
            return at;
        }
    }
    return end;
}

static apr_size_t pair_length(cp_span rest)
{
    for (apr_size_t at = 0; at < rest.length; at += STRIDE) {
        apr_size_t length = rest.length - at < STRIDE ? rest.length - at
                                                      : STRIDE;
        const char *stop = memchr(rest.at + at, ';', length);
        apr_size_t end = stop ? (apr_size_t)(stop - rest.at) : at + length;
        apr_size_t comma = comma_find(rest, at, end);

        if (stop || comma < end) {
            return comma;
        }
    }
    return rest.length;
}

/* One pair's bytes, taken off the header. */
static cp_span pair_take(cp_span *rest)
{
    cp_span pair = { rest->at, pair_length(*rest) };
    apr_size_t taken = pair.length + (pair.length < rest->length);

    rest->at += taken;
    rest->length -= taken;
    return pair;
}

static bool value_is_good(cp_span value)
{
    /* 1: controls, which are not good; 2: quotes, which come in pairs. */
    static const unsigned char kinds[256] = {
        [0 ... '\t' - 1] = 1, ['\t' + 1 ... ' ' - 1] = 1, [0x7f] = 1, ['"'] = 2
    };
    unsigned int found = 0, quotes = 0;

    for (apr_size_t i = 0; i < value.length; i++) {
        unsigned int kind = kinds[(unsigned char)value.at[i]];

        found |= kind;
        quotes += kind >> 1;
    }
    return !(found & 1) && quotes % 2 == 0;
}

bool cp_cookie_next(cp_span *rest, cp_pair *pair, unsigned int *broken)
{
    while (rest->length) {
        cp_span bytes = cp_span_trimmed(pair_take(rest));
        apr_size_t length = token_length(bytes);
        cp_span after = cp_span_trimmed(cp_span_make(bytes.at + length,
                                             bytes.length - length));

        if (bytes.length == 0) {
            continue;
        }
        if (length && bytes.at[0] != '$' && after.length
            && after.at[0] == '=') {
            pair->name = cp_span_make(bytes.at, length);
            pair->value = cp_span_trimmed(cp_span_make(after.at + 1,
                                               after.length - 1));
            if (value_is_good(pair->value)) {
                return true;
            }
        }
        ++*broken;
    }
    return false;
}

cp_span cp_cookie_unquoted(cp_span value)
{
    if (value.length >= 2 && value.at[0] == '"'
        && value.at[value.length - 1] == '"') {
        value.at++;
        value.length -= 2;
    }
    return value;
}

static int hex_value(char c)
{
    return apr_isdigit(c) ? c - '0'
         : apr_isxdigit(c) ? apr_tolower(c) - 'a' + 10 : -1;
}

/* The next character as the most forgiving application would read it. */
static int folded_next(cp_span name, apr_size_t *at)
{
    int c = (unsigned char)name.at[(*at)++];

    while (c == '%' && *at + 1 < name.length
           && hex_value(name.at[*at]) >= 0
           && hex_value(name.at[*at + 1]) >= 0) {
        c = hex_value(name.at[*at]) * 16 + hex_value(name.at[*at + 1]);
        *at += 2;
    }
    if (c == '.' || c == ' ' || c == '+') {
        return '_';
    }
    return apr_tolower((unsigned char)c);
}

bool cp_cookie_mimics(cp_span name, cp_span managed)
{
    apr_size_t at = 0;
    apr_size_t matched = 0;

    if (cp_span_equal(name, managed)
        || (name.length && apr_isalnum(name.at[0])
            && apr_tolower(name.at[0]) != apr_tolower(managed.at[0]))) {
        return false;           /* as most names are */
    }
    while (at < name.length) {
        int c = folded_next(name, &at);

        if (c == '[') {
            if (matched == managed.length) {
                break;          /* what follows is read as an index */
            }
            c = '_';
        }
        if (matched < managed.length
            && c == apr_tolower((unsigned char)managed.at[matched])) {
            matched++;
        }
        else if (c == '\0') {
            break;              /* C strings end here */
        }
        else if (!(apr_isspace((unsigned char)c) || c >= 0x80
                   || (c == '_' && (matched == 0
                                    || matched == managed.length)))) {
            return false;
        }
    }
    return matched == managed.length;
}

/* --- Writing ---------------------------------------------------------- */

static bool is_attribute_text(const char *text, const char *forbidden)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c <= ' ' || c >= 0x7f || strchr(forbidden, c)) {
            return false;
        }
    }
    return true;
}

static cp_span tail_make(const cp_attributes *attributes, bool secure,
                         bool deletion, apr_pool_t *pool)
{
    const char *age = "";

    if (deletion) {
        age = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    }
    else if (attributes->max_age != CP_COOKIE_AGE_SESSION) {
        age = apr_psprintf(pool, "; Max-Age=%d", attributes->max_age);
    }
    return cp_span_of(apr_pstrcat(
        pool, age, "; Path=", attributes->path,
        attributes->domain ? "; Domain=" : "",
        attributes->domain ? attributes->domain : "",
        "; SameSite=", attributes->same_site, secure ? "; Secure" : "",
        attributes->http_only ? "; HttpOnly" : "",
        attributes->partitioned ? "; Partitioned" : "", NULL));
}

const char *cp_attributes_compile(cp_attributes *attributes, apr_pool_t *pool)
{
    bool always = attributes->secure == CP_SECURE_ON;
    bool never = attributes->secure == CP_SECURE_OFF;
    cp_span name = cp_span_of(attributes->name);

    if (name.length == 0 || token_length(name) != name.length
        || name.length > 64 || name.at[0] == '$') {
        return "has a name= that is no token of at most 64 characters";
    }
    if (attributes->path[0] != '/'
        || !is_attribute_text(attributes->path, ";")) {
        return "has a path= that does not begin with / or has a blank or "
               "a semicolon";
    }
    if (attributes->domain && !is_attribute_text(attributes->domain, ";,=")) {
        return "has a domain= that is no host name";
    }
    if (strncasecmp(name.at, "__Secure-", 9) == 0 && !always) {
        return "has the prefix __Secure-, which needs secure=on";
    }
    if (strncasecmp(name.at, "__Host-", 7) == 0
        && (!always || attributes->domain
            || strcmp(attributes->path, "/"))) {
        return "has the prefix __Host-, which needs secure=on, path=/ and "
               "no domain=";
    }
    if (strcmp(attributes->same_site, "None") == 0 && never) {
        return "has samesite=none, which needs secure=on or auto";
    }
    if (attributes->partitioned && !always) {
        return "has partitioned=on, which needs secure=on";
    }
    if (attributes->max_age > CP_COOKIE_AGE_MAX) {
        return "has a max-age= of more than the 400 days that browsers keep";
    }
    attributes->tail = tail_make(attributes, always, false, pool);
    attributes->tail_secure = tail_make(attributes, !never, false, pool);
    attributes->tail_deletion = tail_make(attributes, always, true, pool);
    attributes->tail_deletion_secure = tail_make(attributes, !never, true,
                                                 pool);
    return NULL;
}

const char *cp_cookie_write(const cp_attributes *attributes,
                            const char *value, bool secure, apr_pool_t *pool)
{
    cp_span name = cp_span_of(attributes->name);
    cp_span text = value ? cp_span_of(value) : CP_SPAN("");
    cp_span tail = secure ? attributes->tail_secure : attributes->tail;
    char *line, *at;

    if (!value) {
        tail = secure ? attributes->tail_deletion_secure
                      : attributes->tail_deletion;
    }
    line = apr_palloc(pool, name.length + 1 + text.length + tail.length + 1);
    at = cp_span_put(line, name);
    *at++ = '=';
    at = cp_span_put(cp_span_put(at, text), tail);
    *at = '\0';
    return line;
}
