/**
 * @file sessions.c
 * @brief list, count and revoke.
 */
#include "ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <jansson.h>

/* --- Words ------------------------------------------------------------ */

/* Names come from applications, and the output goes to terminals. */
static const char *escaped(cp_span text, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, 4 * text.length + 1);
    char *at = out;

    for (apr_size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];

        if (c <= ' ' || c >= 0x7f || c == '\\') {
            at += sprintf(at, "\\x%02x", (unsigned int)c);
        }
        else {
            *at++ = (char)c;
        }
    }
    *at = '\0';
    return out;
}

static apr_uint32_t since(apr_uint32_t time, apr_uint32_t now)
{
    return now > time ? now - time : 0;
}

static const char *duration(apr_uint32_t seconds, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%u:%02u:%02u", seconds / 3600,
                        seconds / 60 % 60, seconds % 60);
}

/* --- list ------------------------------------------------------------- */

typedef struct printing {
    const cp_ctl *ctl;
    apr_uint32_t count;
    apr_pool_t *pool;
} printing;

static json_t *text_json(cp_span text, apr_pool_t *pool)
{
    json_t *string = json_stringn(text.at, text.length);

    /* What is no UTF-8 cannot be JSON as it is. */
    return string ? string : json_string(escaped(text, pool));
}

static json_t *listed_json(const cp_listed *one, const printing *to)
{
    apr_uint32_t now = to->ctl->now;

    if (one->status != APR_SUCCESS) {
        return json_pack("{s:n, s:i, s:s}", "session", "key",
                         (int)one->label.key, "unreadable",
                         one->status == APR_EACCES ? "key" : "damaged");
    }
    return json_pack("{s:s, s:o, s:o, s:I, s:I, s:I}",
                     "session", one->reference,
                     "user", one->label.user
                             ? text_json(cp_span_of(one->label.user),
                                         to->pool) : json_null(),
                     "realm", text_json(one->label.realm, to->pool),
                     "age", (json_int_t)since(one->label.created, now),
                     "idle", (json_int_t)since(one->used, now),
                     "expires", (json_int_t)since(now, one->expires));
}

static void listed_print_json(const cp_listed *one, const printing *to)
{
    json_t *object = listed_json(one, to);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

    printf("%s\n  %s", to->count ? "," : "", text ? text : "null");
    free(text);
    json_decref(object);
}

static void listed_print(const cp_listed *one, const printing *to)
{
    apr_uint32_t now = to->ctl->now;

    if (one->status != APR_SUCCESS) {
        printf("-\t(key %u %s)\t-\t-\t-\t%s\n", one->label.key,
               one->status == APR_EACCES ? "is revoked or gone"
                                         : "does not open its label",
               duration(since(now, one->expires), to->pool));
        return;
    }
    printf("%s\t%s\t%s\t%s\t%s\t%s\n", one->reference,
           one->label.user ? escaped(cp_span_of(one->label.user), to->pool)
                           : "-",
           escaped(one->label.realm, to->pool),
           duration(since(one->label.created, now), to->pool),
           duration(since(one->used, now), to->pool),
           duration(since(now, one->expires), to->pool));
}

static bool listed_visit(void *data, const cp_listed *one)
{
    printing *to = data;

    if (to->ctl->json) {
        listed_print_json(one, to);
    }
    else {
        listed_print(one, to);
    }
    to->count++;
    apr_pool_clear(to->pool);
    return !ferror(stdout);
}

static int status_fail(apr_status_t rv)
{
    char reason[128];

    return cp_ctl_fail(apr_strerror(rv, reason, sizeof(reason)));
}

int cp_ctl_list(const cp_ctl *ctl)
{
    printing to = { ctl, 0, NULL };
    cp_listing where;
    apr_status_t rv;

    if (!cp_ctl_open(ctl, &where)) {
        return CP_CTL_FAILED;
    }
    apr_pool_create(&to.pool, ctl->pool);
    fputs(ctl->json ? "[" : "SESSION\tUSER\tREALM\tAGE\tIDLE\tEXPIRES\n",
          stdout);
    rv = cp_listing_walk(&where, &ctl->whose, listed_visit, &to, ctl->pool);
    if (ctl->json) {
        fputs(to.count ? "\n]\n" : "]\n", stdout);
    }
    if (rv != APR_SUCCESS) {
        return status_fail(rv);
    }
    return to.count ? CP_CTL_DONE : CP_CTL_NONE;
}

/* --- count ------------------------------------------------------------ */

int cp_ctl_count(const cp_ctl *ctl)
{
    cp_store_counts counts;
    cp_listing where;
    apr_status_t rv;

    if (!cp_ctl_open(ctl, &where)) {
        return CP_CTL_FAILED;
    }
    rv = where.store->provider->count(where.store, where.now, &counts);
    if (rv != APR_SUCCESS) {
        return status_fail(rv);
    }
    printf(ctl->json
           ? "{\"logged_in\": %" APR_UINT64_T_FMT
             ", \"anonymous\": %" APR_UINT64_T_FMT
             ", \"bytes_used\": %" APR_UINT64_T_FMT
             ", \"bytes\": %" APR_UINT64_T_FMT "}\n"
           : "logged in\t%" APR_UINT64_T_FMT
             "\nanonymous\t%" APR_UINT64_T_FMT
             "\nbytes used\t%" APR_UINT64_T_FMT
             "\nbytes\t%" APR_UINT64_T_FMT "\n",
           counts.owned, counts.anonymous, counts.bytes_used,
           counts.bytes_total);
    return CP_CTL_DONE;
}

/* --- revoke ----------------------------------------------------------- */

int cp_ctl_revoke(const cp_ctl *ctl)
{
    apr_uint32_t ended = 0;
    cp_listing where;
    apr_status_t rv;

    if (!ctl->whose.user && !ctl->whose.realm && !ctl->whose.reference) {
        fputs("cookiepolicyctl: revoke whose sessions? --session, --user or "
              "--realm\n", stderr);
        return CP_CTL_USAGE;
    }
    if (!cp_ctl_open(ctl, &where)) {
        return CP_CTL_FAILED;
    }
    rv = cp_listing_end(&where, &ctl->whose, &ended, ctl->pool);
    printf(ctl->json ? "{\"ended\": %u}\n" : "ended\t%u\n", ended);
    if (rv != APR_SUCCESS) {
        return status_fail(rv);
    }
    return ended ? CP_CTL_DONE : CP_CTL_NONE;
}
