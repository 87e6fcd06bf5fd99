#include "set_cookie.h"
#include "cookie_date.h"

#include <apr_lib.h>

/* What browsers store at most of one line, in bytes. */
#define PAIR_LENGTH_MAX 4096
#define ATTRIBUTE_VALUE_MAX 1024

/* Seconds beyond which one number is as good as another. */
#define AGE_ENOUGH APR_INT64_C(1000000000000)


/* --- Attributes ------------------------------------------------------- */

typedef struct attribute {
    cp_span text;               /* between two `;`, as it came */
    cp_span name;
    cp_span value;
    bool counts;                /* browsers ignore one with a long value */
} attribute;

/* The next attribute (RFC 6265bis section 5.6, step 3 of parsing them).
 * @return false at the end */
static bool attribute_next(cp_span *rest, attribute *next)
{
    const char *end, *equals;

    if (!rest->length) {
        return false;
    }
    end = memchr(rest->at, ';', rest->length);
    next->text = cp_span_make(rest->at, end ? (apr_size_t)(end - rest->at)
                                            : rest->length);
    equals = next->text.length ? memchr(next->text.at, '=', next->text.length)
                               : NULL;
    next->name = next->text;
    next->value = CP_SPAN("");
    if (equals) {
        next->name.length = (apr_size_t)(equals - next->text.at);
        next->value = cp_span_trimmed(
            cp_span_make(equals + 1,
                         next->text.length - next->name.length - 1));
    }
    next->name = cp_span_trimmed(next->name);
    next->counts = next->value.length <= ATTRIBUTE_VALUE_MAX;
    rest->at += next->text.length + (end != NULL);
    rest->length -= next->text.length + (end != NULL);
    return true;
}

static bool word_is(cp_span word, const char *expected)
{
    return word.length == strlen(expected)
           && strncasecmp(word.at, expected, word.length) == 0;
}

/* Max-Age: -?[0-9]+, anything else is ignored. */
static bool max_age_read(cp_span value, apr_int64_t *seconds)
{
    bool negative = value.length && value.at[0] == '-';
    apr_size_t digits = negative;

    if (value.length == digits) {
        return false;
    }
    *seconds = 0;
    for (; digits < value.length; digits++) {
        if (!apr_isdigit(value.at[digits])) {
            return false;
        }
        if (*seconds < AGE_ENOUGH) {
            *seconds = *seconds * 10 + (value.at[digits] - '0');
        }
    }
    *seconds = negative ? -*seconds : *seconds;
    return true;
}

/* What a browser makes of all attributes together: of several of one name the
 * last counts, and Max-Age goes before Expires. */
typedef struct effect {
    bool secure;
    bool http_only;
    cp_span same_site;
    bool has_max_age;
    bool max_age_good;          /* the last one is readable */
    bool expires_good;          /* the last one is readable, and plain */
    bool aged;                  /* some Max-Age counts */
    bool persistent;
    apr_int64_t age;            /* seconds from now, of a persistent one */
    apr_int64_t longest;        /* of all that were read */
} effect;

/* Whether browsers agree about the age. */
static bool is_certain(const effect *read)
{
    return read->has_max_age ? read->max_age_good : read->expires_good;
}

static void age_note(effect *read, apr_int64_t age, bool counts)
{
    read->longest = read->persistent && read->longest > age ? read->longest
                                                            : age;
    read->age = counts ? age : read->age;
    read->persistent = true;
}

static void max_age_note(effect *read, cp_span value)
{
    apr_int64_t age;

    read->has_max_age = true;
    read->max_age_good = max_age_read(value, &age);
    if (read->max_age_good) {
        age_note(read, age, true);
        read->aged = true;
    }
}

static void expires_note(effect *read, cp_span value, apr_time_t now)
{
    apr_time_t expires;
    bool readable = cp_cookie_date_read(value, &expires);

    read->expires_good = readable && cp_cookie_date_is_plain(value);
    if (readable) {
        age_note(read, expires - now, !read->aged);
    }
}

static effect attributes_read(cp_span rest, apr_time_t now)
{
    effect read = { .same_site = CP_SPAN("") };
    attribute next;

    while (attribute_next(&rest, &next)) {
        if (!next.counts) {
            continue;
        }
        if (word_is(next.name, "max-age")) {
            max_age_note(&read, next.value);
        }
        else if (word_is(next.name, "expires")) {
            expires_note(&read, next.value, now);
        }
        else if (word_is(next.name, "samesite")) {
            read.same_site = next.value;
        }
        read.secure = read.secure || word_is(next.name, "secure");
        read.http_only = read.http_only || word_is(next.name, "httponly");
    }
    return read;
}

/* --- Reading ---------------------------------------------------------- */

static bool has_controls(cp_span line)
{
    for (apr_size_t i = 0; i < line.length; i++) {
        unsigned char c = (unsigned char)line.at[i];

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return true;
        }
    }
    return false;
}

void cp_set_cookie_read(cp_span line, apr_time_t now, cp_set_cookie *cookie)
{
    const char *end = line.length ? memchr(line.at, ';', line.length) : NULL;
    cp_span pair = { line.at, end ? (apr_size_t)(end - line.at)
                                  : line.length };
    const char *equals = pair.length ? memchr(pair.at, '=', pair.length)
                                     : NULL;
    apr_size_t stored;
    effect read;

    cookie->name = CP_SPAN("");
    cookie->value = cp_span_trimmed(pair);
    if (equals) {
        apr_size_t length = (apr_size_t)(equals - pair.at);

        cookie->name = cp_span_trimmed(cp_span_make(pair.at, length));
        cookie->value = cp_span_trimmed(
            cp_span_make(equals + 1, pair.length - length - 1));
    }
    cookie->attributes = end
                         ? cp_span_make(end + 1,
                                        line.length - pair.length - 1)
                         : CP_SPAN("");
    read = attributes_read(cookie->attributes, now);
    cookie->deletes = read.persistent && is_certain(&read) && read.age <= 0;
    stored = cookie->name.length + cookie->value.length;
    cookie->ignored = stored == 0 || stored > PAIR_LENGTH_MAX
                      || has_controls(line);
}

cp_span cp_set_cookie_name(const cp_set_cookie *cookie)
{
    const char *equals = cookie->value.length
                         ? memchr(cookie->value.at, '=',
                                  cookie->value.length) : NULL;

    if (cookie->name.length || !equals) {
        return cookie->name;
    }
    return cp_span_trimmed(cp_span_make(cookie->value.at,
                                        (apr_size_t)(equals
                                                     - cookie->value.at)));
}

/* --- Hardening -------------------------------------------------------- */

static int same_site_strength(cp_span value)
{
    return word_is(value, "strict") ? 2 : word_is(value, "lax") ? 1 : 0;
}

/* The line without the attributes that will be written anew. */
static char *line_strip(const char *line, cp_span rest, bool age,
                        bool same_site, apr_pool_t *pool)
{
    apr_size_t pair = rest.length ? (apr_size_t)(rest.at - line) - 1
                                  : strcspn(line, ";");
    char *stripped = apr_palloc(pool, strlen(line) + 2);
    char *at = stripped;
    attribute next;

    memcpy(at, line, pair);
    at += pair;
    while (attribute_next(&rest, &next)) {
        if ((age && (word_is(next.name, "max-age")
                     || word_is(next.name, "expires")))
            || (same_site && word_is(next.name, "samesite"))) {
            continue;
        }
        *at++ = ';';
        memcpy(at, next.text.at, next.text.length);
        at += next.text.length;
    }
    *at = '\0';
    return stripped;
}

const char *cp_set_cookie_harden(const char *line,
                                 const cp_hardening *hardening,
                                 apr_time_t now, apr_pool_t *pool)
{
    cp_set_cookie cookie;
    effect has;
    bool age, same_site, secure, http_only;
    const char *max_age = "";

    cp_set_cookie_read(cp_span_of(line), now, &cookie);
    if (cookie.ignored) {
        return line;
    }
    has = attributes_read(cookie.attributes, now);
    secure = hardening->secure && !has.secure;
    http_only = hardening->http_only && !has.http_only;
    same_site = hardening->same_site
                && same_site_strength(has.same_site)
                   < same_site_strength(cp_span_of(hardening->same_site));
    age = hardening->lifetime != CP_LIFETIME_NONE && has.persistent
          && (is_certain(&has) ? has.age : has.longest) > hardening->lifetime;
    if (!secure && !http_only && !same_site && !age) {
        return line;
    }
    if (age && hardening->lifetime != CP_LIFETIME_SESSION) {
        max_age = apr_psprintf(pool, "; Max-Age=%d", hardening->lifetime);
    }
    return apr_pstrcat(pool, line_strip(line, cookie.attributes, age,
                                        same_site, pool), max_age,
                       same_site ? "; SameSite=" : "",
                       same_site ? hardening->same_site : "",
                       secure ? "; Secure" : "",
                       http_only ? "; HttpOnly" : "", NULL);
}
