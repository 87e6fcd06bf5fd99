#include "store_watch.h"
#include "config.h"
#include "store_shm.h"

#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <mpm_common.h>

#define PERIOD apr_time_from_sec(60)

/* Outlives reloads, so that none hides what happened meanwhile. */
#define KEPT "cookiepolicy-store-watch"

/* What was said of one count. */
typedef struct told {
    apr_uint64_t count;
    apr_time_t at;
} told;

typedef struct watch {
    told evicted;
    told repaired;
} watch;

static cp_store_counts counts_of(const server_rec *server)
{
    const cp_store *store = cp_server_config_of(server)->site.store;
    cp_store_counts counts = { 0 };

    if (store) {
        cp_store_shm_mishaps(store, &counts);
    }
    return counts;
}

/* @return how many more there are, where that is to be said now */
static apr_uint64_t news(told *last, apr_uint64_t count)
{
    apr_time_t now = apr_time_now();
    apr_uint64_t more = count - last->count;

    /* A count that went down is another store's. */
    if (count < last->count) {
        last->count = count;
        return 0;
    }
    if (more == 0 || (last->at && now - last->at < PERIOD)) {
        return 0;
    }
    last->count = count;
    last->at = now;
    return more;
}

static int monitor(apr_pool_t *pool, server_rec *server)
{
    watch *kept = ap_retained_data_get(KEPT);
    cp_store_counts counts = counts_of(server);
    apr_uint64_t more;

    (void)pool;
    if (!kept) {
        return OK;
    }
    more = news(&kept->evicted, counts.evicted);
    if (more) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server, CP_LOG(0047)
                     "the session store is full: %" APR_UINT64_T_FMT " live "
                     "records had to make room since this was last said; "
                     "enlarge CookiePolicySessionStore", more);
    }
    more = news(&kept->repaired, counts.repaired);
    if (more) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server, CP_LOG(0048)
                     "the session store was repaired %" APR_UINT64_T_FMT
                     " times since this was last said: a process ended while "
                     "it wrote there", more);
    }
    return OK;
}

/* What happened before httpd was started was said then. */
static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *server)
{
    cp_store_counts counts = counts_of(server);
    watch *kept;

    (void)pconf;
    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG
        && !ap_retained_data_get(KEPT)) {
        kept = ap_retained_data_create(KEPT, sizeof(*kept));
        kept->evicted.count = counts.evicted;
        kept->repaired.count = counts.repaired;
    }
    return OK;
}

void cp_store_watch_register(void)
{
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_monitor(monitor, NULL, NULL, APR_HOOK_MIDDLE);
}
