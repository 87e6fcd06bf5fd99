/*
 * Why two processes: who writes where only root can write must be root; and
 * who takes the store's locks must not be, since a child of httpd that has
 * been taken over could have prepared them. The parent forks the keeper, which
 * stays root and never touches the store: each minute it makes a file, and
 * forks a writer, which drops its privileges as httpd's children do, and fills
 * it. If the writer dies, what it held is repaired like a child's.
 */
#include "keeper.h"
#include "config.h"
#include "snapshot.h"

#include <ap_listen.h>
#include <ap_mpm.h>
#include <http_core.h>
#include <http_main.h>
#include <mpm_common.h>
#include <apr_portable.h>
#include <apr_thread_proc.h>

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITE_SECONDS 60

/* What the process is called in the system's lists. */
#define PROCESS_NAME "cookiepolicy"

/* When httpd stops it waits so long for the last write. */
#define PATIENCE apr_time_from_sec(30)
#define NAP apr_time_from_msec(10)

typedef struct keeper {
    server_rec *server;
    const char *file;
    cp_store *store;
    const cp_keyring *ring;
    apr_pool_t *pool;
    pid_t parent;
    apr_proc_t process;
} keeper;

static apr_uint32_t seconds_now(void)
{
    return (apr_uint32_t)apr_time_sec(apr_time_now());
}

/* --- The keeper and its writers --------------------------------------- */

/* In the writer. @return what it exits with */
static int draft_write(const keeper *of, const cp_snapshot *draft,
                       pid_t parent, bool silent, apr_pool_t *pool)
{
    cp_listing from = { of->ring, of->store, seconds_now() };
    const char *error = NULL;
    apr_uint32_t count = 0;

    if (ap_run_drop_privileges(pool, of->server) != 0) {
        return 1;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);   /* which dropping has unset */
    if (getppid() != parent) {
        return 1;
    }
    if (cp_snapshot_fill(draft, &from, &count, &error, pool) != APR_SUCCESS) {
        if (!silent) {
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, of->server, CP_LOG(0092)
                         "CookiePolicySessionFile: %s", error);
        }
        return 1;
    }
    ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, of->server,
                 "wrote %u records to %s", count, of->file);
    return 0;
}

/* @return whether a writer has filled it */
static bool draft_fill(const keeper *of, const cp_snapshot *draft,
                       bool silent, apr_pool_t *pool)
{
    pid_t parent = getpid();
    pid_t writer = fork();
    int status = 0;

    if (writer == 0) {
        _exit(draft_write(of, draft, parent, silent, pool));
    }
    while (writer > 0 && waitpid(writer, &status, 0) < 0 && errno == EINTR) {
    }
    return writer > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A failure that goes on is logged once. */
static void file_write(const keeper *of, bool *failed, apr_pool_t *pool)
{
    const char *error = NULL;
    cp_snapshot draft;
    bool filled = false;

    if (cp_snapshot_begin(&draft, of->file, &error, pool) == APR_SUCCESS) {
        filled = draft_fill(of, &draft, *failed, pool);
        cp_snapshot_end(&draft, filled, &error, pool);
    }
    if (error && !*failed) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, of->server, CP_LOG(0092)
                     "CookiePolicySessionFile: %s", error);
    }
    *failed = !filled || error;
}

/* Only the parent ends it, or the parent's death. A signal to all processes
 * of a terminal is meant for the parent. */
static void signals_set(const sigset_t *ending)
{
    static const int ignored[] = { SIGINT, SIGHUP, SIGUSR1, SIGUSR2,
                                   SIGWINCH, SIGPIPE };

    for (apr_size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++) {
        signal(ignored[i], SIG_IGN);
    }
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, ending, NULL);
}

static void keep(const keeper *of, const sigset_t *ending)
{
    struct timespec interval = { WRITE_SECONDS, 0 };
    bool failed = false;
    apr_pool_t *pool;
    int caught;

    signals_set(ending);
    ap_close_listeners();
    prctl(PR_SET_NAME, PROCESS_NAME);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != of->parent) {
        return;
    }
    apr_pool_create(&pool, NULL);
    do {
        file_write(of, &failed, pool);
        apr_pool_clear(pool);
        caught = sigtimedwait(ending, NULL, &interval);
    } while (caught != SIGTERM);
    file_write(of, &failed, pool);
}

/* --- The parent ------------------------------------------------------- */

static void process_start(keeper *of);

static bool is_gone(const keeper *of)
{
    return waitpid(of->process.pid, NULL, WNOHANG) != 0;
}

/* On a reload another one follows, which writes at once. */
static void process_end(const keeper *of)
{
    apr_time_t until = apr_time_now() + PATIENCE;

    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_EXITING) {
        kill(of->process.pid, SIGTERM);
        while (apr_time_now() < until) {
            if (is_gone(of)) {
                return;
            }
            apr_sleep(NAP);
        }
    }
    kill(of->process.pid, SIGKILL);
    waitpid(of->process.pid, NULL, 0);
}

static bool is_stopping(void)
{
    int state = AP_MPMQ_STOPPING;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) != APR_SUCCESS
           || state == AP_MPMQ_STOPPING;
}

static void process_maintain(int reason, void *data, int status)
{
    keeper *of = data;

    if (getpid() != of->parent) {
        return;
    }
    if (reason == APR_OC_REASON_UNREGISTER && of->process.pid > 0) {
        process_end(of);
    }
    else if (reason == APR_OC_REASON_DEATH || reason == APR_OC_REASON_LOST) {
        of->process.pid = 0;
        apr_proc_other_child_unregister(of);
        if (!is_stopping()) {
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, of->server, CP_LOG(0093)
                         "the process that writes CookiePolicySessionFile "
                         "ended with status %d; another takes its place",
                         status);
            process_start(of);
        }
    }
}

static void process_start(keeper *of)
{
    sigset_t ending, before;
    apr_status_t status;

    /* Not to be missed before the process waits for it. */
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigprocmask(SIG_BLOCK, &ending, &before);
    status = apr_proc_fork(&of->process, of->pool);
    if (status == APR_INCHILD) {
        keep(of, &ending);
        _exit(0);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (status != APR_INPARENT) {
        ap_log_error(APLOG_MARK, APLOG_ERR, status, of->server, CP_LOG(0094)
                     "CookiePolicySessionFile: no process can be made to "
                     "write it");
        return;
    }
    apr_proc_other_child_register(&of->process, process_maintain, of, NULL,
                                  of->pool);
}

static void file_read(const keeper *of)
{
    cp_listing into = { of->ring, of->store, seconds_now() };
    const char *error = NULL;
    apr_uint32_t count, written;
    apr_status_t status = cp_snapshot_read(&into, of->file, &count, &written,
                                           &error, of->pool);

    if (status == APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, of->server, CP_LOG(0090)
                     "restored %u records of sessions from %s, written %u "
                     "seconds ago", count, of->file,
                     into.now > written ? into.now - written : 0);
    }
    else if (status != APR_ENOENT) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, of->server, CP_LOG(0091)
                     "CookiePolicySessionFile: %s", error);
    }
}

static bool is_listed(cp_store *store, apr_pool_t *pool)
{
    apr_array_header_t *entries = apr_array_make(pool, 1,
                                                 sizeof(cp_store_entry));

    /* A part that no store has: nothing is locked. */
    return store->provider->list(store, APR_UINT32_MAX, 0, entries)
           != APR_ENOTIMPL;
}

void cp_keeper_start(server_rec *server, const char *file, cp_store *store,
                     const cp_keyring *ring, bool fresh, apr_pool_t *pconf)
{
    keeper *of;

    if (!file) {
        return;
    }
    if (!is_listed(store, pconf)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server, CP_LOG(0095)
                     "CookiePolicySessionFile is of no use: the session "
                     "store cannot say what is in it");
        return;
    }
    of = apr_pcalloc(pconf, sizeof(*of));
    of->server = server;
    of->file = file;
    of->store = store;
    of->ring = ring;
    of->pool = pconf;
    of->parent = getpid();
    if (fresh) {
        file_read(of);
    }
    process_start(of);
}
