/**
 * @file set_cookie_fuzz.c
 * @brief A Set-Cookie line of an application: read, hardened, judged, heard.
 *        What passes comes back from no browser as a managed cookie.
 */
#include "cookie_date.h"
#include "decision.h"
#include "fuzz_sample.h"

static void kept_check(sample *site, const cp_set_cookie *kept)
{
    const char *back = apr_pstrcat(site->pool,
                                   cp_span_string(site->pool, kept->name),
                                   kept->name.length ? "=" : "",
                                   cp_span_string(site->pool, kept->value),
                                   NULL);
    cp_span rest = cp_span_of(back);
    unsigned int broken = 0;
    cp_pair pair;

    /* Up to the first `, ` or `;`: what follows it is the value's own. */
    if (cp_cookie_next(&rest, &pair, &broken) && !broken) {
        for (int i = 0; i < CP_MANAGED_COUNT; i++) {
            cp_span name = cp_span_of(cp_rooms[i]->name);

            FUZZ_ASSERT(!cp_span_equal(pair.name, name)
                        || pair.name.at != back);
            FUZZ_ASSERT(!cp_cookie_mimics(pair.name, name)
                        || pair.name.at != back);
        }
    }
}

/* The attributes of a line, read once more in the plainest way. */
typedef struct attributes {
    bool secure, http_only;
    int same_site;              /* 2: Strict, 1: Lax */
    bool aged, dated;
    bool long_lived;            /* longer than asked */
    bool dated_long;
} attributes;

static bool is_word(cp_span span, const char *word)
{
    return span.length == strlen(word)
           && strncasecmp(span.at, word, span.length) == 0;
}

/* Whether a number is larger than a limit; false for what is none. */
static bool is_number(cp_span text, int limit, bool *larger)
{
    bool negative = text.length && *text.at == '-';
    apr_int64_t number = 0;

    if (text.length == negative) {
        return false;
    }
    for (apr_size_t i = negative; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        if (number <= limit) {
            number = number * 10 + text.at[i] - '0';
        }
    }
    *larger = !negative && number > limit;
    return true;
}

static void attribute_read(cp_span text, int limit, attributes *read)
{
    const char *equals = text.length ? memchr(text.at, '=', text.length)
                                     : NULL;
    cp_span name = text, value = CP_SPAN("");
    apr_time_t expires;

    if (equals) {
        name.length = (apr_size_t)(equals - text.at);
        value = cp_span_trimmed(cp_span_make(equals + 1, text.length
                                             - name.length - 1));
    }
    name = cp_span_trimmed(name);
    if (value.length > 1024) {
        return;
    }
    read->secure = read->secure || is_word(name, "secure");
    read->http_only = read->http_only || is_word(name, "httponly");
    if (is_word(name, "samesite")) {
        read->same_site = is_word(value, "strict") ? 2
                          : is_word(value, "lax");
    }
    if (is_word(name, "max-age")
        && is_number(value, limit, &read->long_lived)) {
        read->aged = true;
    }
    if (is_word(name, "expires") && cp_cookie_date_read(value, &expires)) {
        read->dated = true;
        read->dated_long = expires - SAMPLE_NOW > limit;
    }
}

static bool has_all(const char *line, const cp_hardening *asked)
{
    const char *same_site = asked->same_site ? asked->same_site : "";
    attributes read = { .secure = false };
    const char *at = strchr(line, ';');

    while (at) {
        cp_span text = cp_span_of(at + 1);
        const char *end = strchr(at + 1, ';');

        text.length = end ? (apr_size_t)(end - at - 1) : text.length;
        attribute_read(text, asked->lifetime, &read);
        at = end;
    }
    return (read.secure || !asked->secure)
           && (read.http_only || !asked->http_only)
           && read.same_site >= (*same_site == 'S' ? 2 : *same_site == 'L')
           && (asked->lifetime == CP_LIFETIME_NONE
               || !(read.aged ? read.long_lived
                              : read.dated && read.dated_long));
}

/* What is hardened is the same cookie, with all that was asked for, and
 * nothing is left to ask for. */
static void hardened_check(sample *site, const char *line,
                           const cp_hardening *hardening)
{
    const char *hard = cp_set_cookie_harden(line, hardening, SAMPLE_NOW,
                                            site->pool);
    cp_set_cookie before, after;

    cp_set_cookie_read(cp_span_of(line), SAMPLE_NOW, &before);
    cp_set_cookie_read(cp_span_of(hard), SAMPLE_NOW, &after);
    FUZZ_ASSERT(cp_span_equal(before.name, after.name));
    FUZZ_ASSERT(cp_span_equal(before.value, after.value));
    FUZZ_ASSERT(before.ignored == after.ignored);
    FUZZ_ASSERT(!before.ignored || hard == line);
    FUZZ_ASSERT(before.ignored || has_all(hard, hardening));
    FUZZ_ASSERT(before.deletes == after.deletes);
    FUZZ_ASSERT(cp_set_cookie_harden(hard, hardening, SAMPLE_NOW, site->pool)
                == hard);
}

static void harden(sample *site, const char *line)
{
    static const char *const same_sites[] = { NULL, "None", "Lax", "Strict" };
    static const int lifetimes[] = { CP_LIFETIME_NONE, CP_LIFETIME_SESSION, 1,
                                     86400 };

    for (int i = 0; i < 64; i++) {
        cp_hardening hardening = { .secure = i & 1, .http_only = i >> 1 & 1,
                                   .same_site = same_sites[i >> 2 & 3],
                                   .lifetime = lifetimes[i >> 4] };

        hardened_check(site, line, &hardening);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    sample *site = fuzz_begin();
    char *exact = fuzz_copy(data, size, false);
    char *copy = fuzz_copy(data, size, true);
    cp_set_cookie kept;

    cp_set_cookie_read(cp_span_make(exact, size), SAMPLE_NOW, &kept);
    harden(site, copy);
    for (int mode = 0; mode < 2; mode++) {
        cp_visit *visit;
        cp_ruling ruling;

        site->site.session = mode ? CP_SESSION_APPLICATION : CP_SESSION_ON;
        visit = sample_request(site, "sessionid=a");
        ruling = cp_set_cookie_judge(visit, copy);
        FUZZ_ASSERT((ruling.decision == CP_PASSES) == (ruling.line != NULL));
        FUZZ_ASSERT(ruling.managed >= 0 && ruling.managed < CP_MANAGED_COUNT);
        if (ruling.line && !mode) {
            cp_set_cookie_read(cp_span_of(ruling.line), SAMPLE_NOW, &kept);
            kept_check(site, &kept);
        }
        cp_visit_hear(visit, cp_span_of(copy));
        sample_take(site, visit, true);
    }
    free(copy);
    free(exact);
    fuzz_end(site);
    return 0;
}
