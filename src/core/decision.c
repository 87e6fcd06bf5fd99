#include "decision.h"
#include "preferences.h"

#include <apr_lib.h>

const char *cp_decision_word(cp_decision decision)
{
    static const char *const words[CP_DECISION_COUNT] = {
        [CP_PASSES] = "allowed",
        [CP_MANAGED] = "managed",
        [CP_UNDECLARED] = "undeclared",
        [CP_NOT_ALLOWED] = "refused",
    };

    return words[decision];
}

cp_decision cp_decide(const cp_visit *visit, const cp_declared *declared)
{
    if (!declared) {
        return visit->terms->undeclared ? CP_PASSES : CP_UNDECLARED;
    }
    if (declared->category < 0) {
        return CP_UNDECLARED;
    }
    return cp_preferences_allow(visit, declared->category) ? CP_PASSES
                                                           : CP_NOT_ALLOWED;
}

cp_ruling cp_set_cookie_judge(const cp_visit *visit, const char *line)
{
    apr_time_t now = (apr_time_t)visit->request.now;
    cp_ruling ruling = { .decision = CP_PASSES, .line = line };
    const cp_declared *declared;
    cp_set_cookie cookie;
    bool open;
    int room;

    cp_set_cookie_read(cp_span_of(line), now, &cookie);
    ruling.name = cp_set_cookie_name(&cookie);
    room = cp_visit_room(visit, ruling.name, &open);
    if (room >= 0 && open) {
        ruling.decision = CP_MANAGED;
        ruling.managed = (cp_managed)room;
        ruling.line = NULL;
        return ruling;
    }
    declared = cp_visit_declared(visit, ruling.name);
    ruling.declared = declared != NULL;
    ruling.deletes = cookie.deletes;
    if (cookie.deletes) {
        return ruling;
    }
    ruling.decision = cp_decide(visit, declared);
    if (ruling.decision != CP_PASSES) {
        ruling.line = NULL;
    }
    else if (declared) {
        ruling.line = cp_set_cookie_harden(line,
                                           &declared->declaration->hardening,
                                           now, visit->pool);
    }
    return ruling;
}

/* --- Deletions -------------------------------------------------------- */

static bool host_is_in(cp_span host, const char *domain)
{
    apr_size_t length = strlen(domain);

    return host.length >= length
           && strncasecmp(host.at + host.length - length, domain, length) == 0
           && (host.length == length
               || host.at[host.length - length - 1] == '.');
}

/* @return NULL where it lies on another domain, which is none of ours */
static const char *deletion(const cp_visit *visit, cp_span name,
                            const cp_declaration *declaration)
{
    const char *domain = declaration->domain;

    if (domain && !host_is_in(visit->request.host, domain)) {
        return NULL;
    }
    return apr_pstrcat(visit->pool, cp_span_string(visit->pool, name),
                       "=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; "
                       "Path=", declaration->path ? declaration->path : "/",
                       domain ? "; Domain=" : "", domain ? domain : "",
                       visit->request.secure ? "; Secure" : "", NULL);
}

static int line_add(const char **lines, int count, const char *line)
{
    for (int i = 0; line && i < count; i++) {
        if (strcmp(lines[i], line) == 0) {
            return count;
        }
    }
    if (line && count < CP_DELETIONS_MAX) {
        lines[count++] = line;
    }
    return count;
}

int cp_deletions(const cp_visit *visit, const char **lines)
{
    const cp_policy *policy = visit->site->policy;
    int count = 0;

    for (int i = 0; i < visit->others->nelts && count < CP_DELETIONS_MAX;
         i++) {
        const cp_other *other = &APR_ARRAY_IDX(visit->others, i, cp_other);

        if (other->declared
            && cp_decide(visit, other->declared) == CP_NOT_ALLOWED) {
            count = line_add(lines, count,
                             deletion(visit, other->pair.name,
                                      other->declared->declaration));
        }
    }
    if (!visit->preferences->withdraws) {
        return count;
    }
    /* The page of the choice lies beside the paths of some cookies, which
     * therefore did not come with it. */
    for (int i = 0; i < policy->declared_count && count < CP_DELETIONS_MAX;
         i++) {
        const cp_declared *declared = &policy->declared[i];
        const cp_declaration *declaration = declared->declaration;

        if (visit->preferences->withdrawn[declared->category]
            && declaration->path && !declaration->pattern
            && declaration->storage == CP_STORAGE_COOKIE) {
            count = line_add(lines, count,
                             deletion(visit, cp_span_of(declaration->name),
                                      declaration));
        }
    }
    return count;
}
