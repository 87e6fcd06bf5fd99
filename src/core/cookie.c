#include "cookie.h"
#include "cookie_date.h"

#include <apr_lib.h>

/* What browsers store at most of one line, in bytes. */
#define PAIR_LENGTH_MAX 4096
#define ATTRIBUTE_VALUE_MAX 1024

/* RFC 9110 section 5.6.2: visible ASCII but the delimiters. */
static inline bool is_token(unsigned char c)
{
    static const char delimiters[] = "\"(),/:;<=>?@[\\]{}";

    return c > ' ' && c < 0x7f && !memchr(delimiters, c,
                                          sizeof(delimiters) - 1);
}

static inline bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t';
}

static cp_span trimmed(cp_span span)
{
    while (span.length && is_blank((unsigned char)span.at[0])) {
        span.at++;
        span.length--;
    }
    while (span.length
           && is_blank((unsigned char)span.at[span.length - 1])) {
        span.length--;
    }
    return span;
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

    while (blanks < rest.length && is_blank((unsigned char)rest.at[blanks])) {
        blanks++;
    }
    rest.at += blanks;
    rest.length -= blanks;
    length = token_length(rest);
    return blanks && length && length < rest.length && rest.at[length] == '=';
}

/* One pair's bytes, taken off the header. */
static cp_span pair_take(cp_span *rest)
{
    cp_span pair = { rest->at, 0 };
    apr_size_t i;

    for (i = 0; i < rest->length; i++) {
        if (rest->at[i] == ';'
            || (rest->at[i] == ','
                && begins_pair(cp_span_make(rest->at + i + 1,
                                            rest->length - i - 1)))) {
            break;
        }
    }
    pair.length = i;
    i += i < rest->length;
    rest->at += i;
    rest->length -= i;
    return pair;
}

static bool value_is_good(cp_span value)
{
    unsigned int quotes = 0;

    for (apr_size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.at[i];

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
        quotes += c == '"';
    }
    return quotes % 2 == 0;
}

bool cp_cookie_next(cp_span *rest, cp_pair *pair, unsigned int *broken)
{
    while (rest->length) {
        cp_span bytes = trimmed(pair_take(rest));
        apr_size_t length = token_length(bytes);
        cp_span after = trimmed(cp_span_make(bytes.at + length,
                                             bytes.length - length));

        if (bytes.length == 0) {
            continue;
        }
        if (length && bytes.at[0] != '$' && after.length
            && after.at[0] == '=') {
            pair->name = cp_span_make(bytes.at, length);
            pair->value = trimmed(cp_span_make(after.at + 1,
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

    if (cp_span_equal(name, managed)) {
        return false;
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

/* --- Set-Cookie ------------------------------------------------------- */

static bool attribute_is(cp_span attribute, const char *name, cp_span *value)
{
    const char *equals = attribute.length
                         ? memchr(attribute.at, '=', attribute.length) : NULL;
    cp_span key = attribute;

    *value = CP_SPAN("");
    if (equals) {
        key.length = (apr_size_t)(equals - attribute.at);
        *value = trimmed(cp_span_make(equals + 1,
                                      attribute.length - key.length - 1));
    }
    key = trimmed(key);
    return value->length <= ATTRIBUTE_VALUE_MAX
           && key.length == strlen(name)
           && strncasecmp(key.at, name, key.length) == 0;
}

/* Max-Age: -?[0-9]+, anything else is ignored. @return whether it was one */
static bool max_age_read(cp_span value, bool *over)
{
    bool negative = value.length && value.at[0] == '-';
    bool zero = true;

    if (value.length == (negative ? 1u : 0u)) {
        return false;
    }
    for (apr_size_t i = negative; i < value.length; i++) {
        if (!apr_isdigit(value.at[i])) {
            return false;
        }
        zero = zero && value.at[i] == '0';
    }
    *over = negative || zero;
    return true;
}

static void attributes_read(cp_span rest, apr_time_t now,
                            cp_set_cookie *cookie)
{
    bool aged = false;
    apr_time_t expires;

    while (rest.length) {
        const char *end = memchr(rest.at, ';', rest.length);
        cp_span attribute = { rest.at, end ? (apr_size_t)(end - rest.at)
                                           : rest.length };
        cp_span value;
        bool over = false;

        rest.at += attribute.length;
        rest.length -= attribute.length;
        if (rest.length) {
            rest.at++;
            rest.length--;
        }
        if (attribute_is(attribute, "max-age", &value)) {
            if (max_age_read(value, &over)) {
                cookie->deletes = over;
                aged = true;
            }
        }
        else if (!aged && attribute_is(attribute, "expires", &value)
                 && cp_cookie_date_read(value, &expires)) {
            cookie->deletes = expires <= now;
        }
    }
}

bool cp_set_cookie_read(cp_span line, apr_time_t now, cp_set_cookie *cookie)
{
    const char *end = line.length ? memchr(line.at, ';', line.length) : NULL;
    cp_span pair = { line.at, end ? (apr_size_t)(end - line.at)
                                  : line.length };
    const char *equals = pair.length ? memchr(pair.at, '=', pair.length)
                                     : NULL;

    cookie->deletes = false;
    cookie->name = CP_SPAN("");
    cookie->value = trimmed(pair);
    if (equals) {
        apr_size_t length = (apr_size_t)(equals - pair.at);

        cookie->name = trimmed(cp_span_make(pair.at, length));
        cookie->value = trimmed(cp_span_make(equals + 1,
                                             pair.length - length - 1));
    }
    for (apr_size_t i = 0; i < line.length; i++) {
        unsigned char c = (unsigned char)line.at[i];

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    if (end) {
        attributes_read(cp_span_make(end + 1,
                                     line.length - pair.length - 1),
                        now, cookie);
    }
    return cookie->name.length + cookie->value.length > 0
           && cookie->name.length + cookie->value.length <= PAIR_LENGTH_MAX;
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

static const char *tail_make(const cp_attributes *attributes, bool secure,
                             bool deletion, apr_pool_t *pool)
{
    const char *age = "";

    if (deletion) {
        age = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    }
    else if (attributes->max_age != CP_COOKIE_AGE_SESSION) {
        age = apr_psprintf(pool, "; Max-Age=%d", attributes->max_age);
    }
    return apr_pstrcat(pool, age, "; Path=", attributes->path,
                       attributes->domain ? "; Domain=" : "",
                       attributes->domain ? attributes->domain : "",
                       "; SameSite=", attributes->same_site,
                       secure ? "; Secure" : "",
                       attributes->http_only ? "; HttpOnly" : "",
                       attributes->partitioned ? "; Partitioned" : "", NULL);
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
    if (!value) {
        return apr_pstrcat(pool, attributes->name, "=",
                           secure ? attributes->tail_deletion_secure
                                  : attributes->tail_deletion, NULL);
    }
    return apr_pstrcat(pool, attributes->name, "=", value,
                       secure ? attributes->tail_secure : attributes->tail,
                       NULL);
}
