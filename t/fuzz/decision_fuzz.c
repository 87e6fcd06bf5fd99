/**
 * @file decision_fuzz.c
 * @brief A Cookie header, and Set-Cookie lines, where a policy has patterns:
 *        nothing passes but what a plain reader of the policy lets pass.
 *
 * The first byte says what the visitor has chosen and what the site is like,
 * the first line is the header, all others are the application's.
 */
#include "decision.h"
#include "fuzz_sample.h"

static const struct {
    const char *name;
    const char *category;
    const char *domain;
} lines[] = {
    { "sessionid", "necessary", NULL },
    { "~^n", "necessary", "example.org" },
    { "~[0-9]$", "first-party", NULL },
    { "_pk_id", "statistics-anonymous", NULL },
    { "~^_ga(_.+)?$", "statistics", "example.org" },
    { "~^_hj", "third-party", "example.com" },
    { "__Host-x", "necessary", NULL },
    { "~^__Secure-", "third-party", NULL },
    { "~^__h", "statistics", NULL },
    { "nn", "statistics", NULL },
};

#define LINES (sizeof(lines) / sizeof(lines[0]))

static cp_policy policy;

static void policy_make(apr_pool_t *pool)
{
    apr_array_header_t *all = apr_array_make(pool, LINES,
                                             sizeof(cp_declaration *));

    cp_policy_begin(&policy, pool);
    for (size_t i = 0; i < LINES; i++) {
        cp_declaration *one = apr_pcalloc(pool, sizeof(*one));
        const char *error = NULL;

        one->name = lines[i].name;
        one->category = lines[i].category;
        one->domain = lines[i].domain;
        one->texts = apr_table_make(pool, 1);
        one->hardening = (cp_hardening){ i & 1, i & 2, i & 4 ? "Lax" : NULL,
                                         i & 8 ? 60 : CP_LIFETIME_NONE };
        if (*one->name == '~') {
            one->pattern = cp_pattern_make(one->name + 1, &error, pool);
            FUZZ_ASSERT(one->pattern);
        }
        *(cp_declaration **)apr_array_push(all) = one;
    }
    FUZZ_ASSERT(!cp_policy_compile(&policy, all, NULL, pool));
}

static sample *policy_begin(void)
{
    sample *site = fuzz_begin();

    if (policy.category_count == 0) {
        __lsan_disable();
        policy_make(apr_pool_parent_get(site->pool));
        __lsan_enable();
    }
    site->site.policy = &policy;
    return site;
}

/* --- The plain reader -------------------------------------------------- */

static cp_span canonical(sample *site, cp_span name)
{
    static const char *const prefixes[] = { "__Host-", "__Secure-" };

    for (int i = 0; i < 2; i++) {
        size_t length = strlen(prefixes[i]);

        if (name.length >= length
            && strncasecmp(name.at, prefixes[i], length) == 0) {
            char *folded = apr_pmemdup(site->pool, name.at, name.length);

            memcpy(folded, prefixes[i], length);
            return cp_span_make(folded, name.length);
        }
    }
    return name;
}

/* The line that a name falls under, or -1. */
static int line_find(sample *site, cp_span name)
{
    cp_span asked = canonical(site, name);

    for (size_t i = LINES; i-- > 0;) {
        if (!policy.declared[i].declaration->pattern
            && cp_span_equal(asked, cp_span_of(lines[i].name))) {
            return (int)i;
        }
    }
    for (size_t i = LINES; i-- > 0;) {
        const cp_pattern *pattern = policy.declared[i].declaration->pattern;

        if (pattern && (CP_MATCHES == cp_pattern_match(pattern, asked)
                        || CP_MATCHES == cp_pattern_match(pattern, name))) {
            return (int)i;
        }
    }
    return -1;
}

static bool may_pass(const cp_visit *visit, sample *site, cp_span name)
{
    int line = line_find(site, name);

    if (line < 0) {
        return visit->terms->undeclared;
    }
    return cp_preferences_allow(visit, cp_policy_category(
                                    &policy, cp_span_of(lines[line]
                                                        .category)));
}

static bool is_managed(cp_span name)
{
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (cp_span_equal(name, cp_span_of(cp_rooms[i]->name))) {
            return true;
        }
    }
    return false;
}

static bool is_disguised(cp_span name)
{
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (cp_cookie_mimics(name, cp_span_of(cp_rooms[i]->name))) {
            return true;
        }
    }
    return false;
}

/* --- What must hold ----------------------------------------------------- */

static bool is_end(char c)
{
    return c == ',' || c == ' ' || c == '\t';
}

/* Every name that an application reads in a value which it ends at a comma or
 * a blank. */
static void value_check(const cp_visit *visit, sample *site, cp_span value)
{
    for (size_t i = 1; i < value.length; i++) {
        size_t end = i, equals;

        if (!is_end(value.at[i - 1]) || is_end(value.at[i])) {
            continue;
        }
        while (end < value.length && value.at[end] != '='
               && !is_end(value.at[end])) {
            end++;
        }
        equals = end;
        while (equals < value.length
               && (value.at[equals] == ' ' || value.at[equals] == '\t')) {
            equals++;
        }
        if (end > i && equals < value.length && value.at[equals] == '=') {
            cp_span name = cp_span_make(value.at + i, end - i);

            FUZZ_ASSERT(!is_managed(name) && !is_disguised(name));
            FUZZ_ASSERT(line_find(site, name) < 0
                        || may_pass(visit, site, name));
        }
    }
}

/* Every name that an application reads, which splits at `;`. */
static void header_check(const cp_visit *visit, sample *site)
{
    const char *at = cp_visit_cookie(visit);

    while (at) {
        const char *end = strchr(at, ';');
        cp_span pair = { at, end ? (size_t)(end - at) : strlen(at) };
        const char *equals = memchr(pair.at, '=', pair.length);
        cp_span name;

        FUZZ_ASSERT(equals && equals > at && *at != '$');
        name = cp_span_make(at, (size_t)(equals - at));
        FUZZ_ASSERT(!is_disguised(name));
        FUZZ_ASSERT(is_managed(name) || may_pass(visit, site, name));
        value_check(visit, site,
                    cp_span_make(equals + 1,
                                 pair.length - name.length - 1));
        FUZZ_ASSERT(!end || end[1] == ' ');
        at = end ? end + 2 : NULL;
    }
}

static void deletions_check(const cp_visit *visit, sample *site)
{
    const char *deletions[CP_DELETIONS_MAX];
    int count = cp_deletions(visit, deletions);

    FUZZ_ASSERT(count >= 0 && count <= CP_DELETIONS_MAX);
    for (int i = 0; i < count; i++) {
        cp_set_cookie cookie;
        int line;

        cp_set_cookie_read(cp_span_of(deletions[i]), SAMPLE_NOW, &cookie);
        line = line_find(site, cookie.name);
        FUZZ_ASSERT(cookie.deletes && !cookie.value.length);
        FUZZ_ASSERT(line >= 0 && !is_managed(cookie.name));
        FUZZ_ASSERT(!may_pass(visit, site, cookie.name));
        FUZZ_ASSERT((strstr(deletions[i], "; Domain=example.org") != NULL)
                    == (lines[line].domain != NULL));
        for (int j = 0; j < i; j++) {
            FUZZ_ASSERT(strcmp(deletions[i], deletions[j]));
        }
    }
}

static void ruling_check(const cp_visit *visit, sample *site,
                         const char *line)
{
    cp_ruling ruling = cp_set_cookie_judge(visit, line);
    cp_set_cookie cookie;
    cp_span name;

    FUZZ_ASSERT((ruling.decision == CP_PASSES) == (ruling.line != NULL));
    if (ruling.line) {
        cp_set_cookie_read(cp_span_of(ruling.line), SAMPLE_NOW, &cookie);
        name = cp_set_cookie_name(&cookie);
        FUZZ_ASSERT(!is_managed(name) && !is_disguised(name));
        FUZZ_ASSERT(cookie.deletes || may_pass(visit, site, name));
    }
}

static void visitor_chooses(sample *site, unsigned int choice)
{
    cp_choice choices[CP_CATEGORIES_MAX];
    cp_visit *visit = sample_request(site, NULL);

    for (int i = 0; i < CP_CATEGORIES_MAX; i++) {
        choices[i] = (cp_choice)(choice == 3 ? i % 3 : (int)choice);
    }
    FUZZ_ASSERT(cp_preferences_choose(visit, choices));
    sample_take(site, visit, false);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    sample *site = policy_begin();
    unsigned int how = size ? data[0] : 0;
    char *copy = fuzz_copy(data + (size > 0), size - (size > 0), true);
    char *next = strchr(copy, '\n');
    cp_visit *visit;

    if (next) {
        *next++ = '\0';
    }
    site->terms.undeclared = how & 1;
    site->request.gpc = how & 2;
    site->request.secure = how & 4;
    site->request.welcomes = how & 8;
    if (how & 16) {
        visitor_chooses(site, how >> 5 & 3);
    }
    visit = sample_request(site, site->jar[CP_PREFERENCES]
                           ? apr_pstrcat(site->pool, sample_header(site),
                                         "; ", copy, NULL) : copy);
    header_check(visit, site);
    deletions_check(visit, site);
    for (int i = 0; next && i < 20; i++) {
        char *line = next;

        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        ruling_check(visit, site, line);
    }
    free(copy);
    fuzz_end(site);
    return 0;
}
