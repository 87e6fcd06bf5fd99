/*
 * A consent counts only when it can be proved, so each line either gets out
 * whole or is known not to have. A file is written by one write() in append
 * mode, which the kernel does not mix with those of other processes. A pipe
 * mixes nothing up to PIPE_BUF; its writing end does not block, since a
 * program that hangs must not hang httpd.
 */
#include "consent_log.h"
#include "consent_record.h"
#include "hosts.h"
#include "throttle.h"

#include <http_core.h>
#include <http_main.h>
#include <apr_atomic.h>
#include <apr_hash.h>
#include <apr_portable.h>

#include <limits.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A program gets so long to take what lies in its pipe; where it did not,
 * nobody waits again for some seconds, or all threads might come to wait. */
#define PATIENCE apr_time_from_sec(1)
#define NAP apr_time_from_msec(5)
#define STALL_SECONDS 10

/* httpd reads its configuration once on trial, then once to start. */
#define GENERATION_START 1

struct cp_consent_log {
    const char *name;
    apr_file_t *file;           /* NULL: it could not be opened */
    bool piped;                 /* to a program */
    apr_file_t *read_end;       /* of the pipe, while this process has it */
    volatile apr_uint32_t stalled;  /* the program did not read, when last
                                   waited for; seconds */
    bool fresh;                 /* an empty file: it explains no digest yet */
    bool failed;                /* while digests were explained */
};

/* --- Writing ---------------------------------------------------------- */

/* Bytes in a pipe are what its program has not taken yet. */
static bool pipe_is_empty(apr_file_t *pipe)
{
    apr_os_file_t descriptor = -1;
    int waiting = 0;

    return apr_os_file_get(&descriptor, pipe) != APR_SUCCESS
           || ioctl(descriptor, FIONREAD, &waiting) != 0 || waiting == 0;
}

/* httpd holds the reading end of a dead program's pipe open, for the program
 * that it starts instead: writing would succeed though nobody reads. */
static apr_status_t pipe_await(cp_consent_log *log)
{
    apr_time_t begun = apr_time_now();
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(begun);
    bool patient = now - apr_atomic_read32(&log->stalled) > STALL_SECONDS;

    while (!pipe_is_empty(log->file)) {
        if (!patient) {
            return APR_TIMEUP;
        }
        if (apr_time_now() > begun + PATIENCE) {
            apr_atomic_set32(&log->stalled, now);
            return APR_TIMEUP;
        }
        apr_sleep(NAP);
    }
    return APR_SUCCESS;
}

static apr_status_t pipe_write(apr_file_t *pipe, const char *line,
                               apr_size_t length)
{
    apr_time_t end = apr_time_now() + PATIENCE;
    apr_status_t status;

    for (;;) {
        apr_size_t written = length;

        status = apr_file_write(pipe, line, &written);
        if (status != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(status)) {
            return status;
        }
        if (status == APR_SUCCESS) {
            line += written;
            length -= written;
        }
        if (length == 0) {
            return APR_SUCCESS;
        }
        if (apr_time_now() > end) {
            return APR_TIMEUP;
        }
        apr_sleep(NAP);
    }
}

/* Whether something tore the last line off: a full disk, or a crash. */
static bool file_is_torn(apr_file_t *file, apr_off_t size)
{
    apr_os_file_t descriptor = -1;
    char last = '\n';

    return size > 0 && apr_os_file_get(&descriptor, file) == APR_SUCCESS
           && pread(descriptor, &last, 1, size - 1) == 1 && last != '\n';
}

static apr_status_t file_write(apr_file_t *file, const char *line,
                               apr_pool_t *pool)
{
    apr_size_t length, written;
    apr_status_t status;
    apr_finfo_t info;

    status = apr_file_info_get(&info, APR_FINFO_TYPE | APR_FINFO_SIZE
                                      | APR_FINFO_NLINK, file);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (info.filetype == APR_REG && info.nlink == 0) {
        return APR_ENOENT;      /* it was removed, with all in it */
    }
    if (info.filetype == APR_REG && file_is_torn(file, info.size)) {
        line = apr_pstrcat(pool, "\n", line, NULL);
    }
    length = strlen(line);
    written = length;
    status = apr_file_write(file, line, &written);
    return status == APR_SUCCESS && written < length ? APR_ENOSPC : status;
}

static apr_status_t choice_write(cp_consent_log *log, const char *line,
                                 apr_pool_t *pool)
{
    apr_size_t length = line ? strlen(line) : 0;
    apr_status_t status;

    if (length == 0) {
        return APR_EGENERAL;
    }
    if (!log->file) {
        return APR_ENOENT;
    }
    if (!log->piped) {
        return length > CP_CONSENT_RECORD_MAX
               ? APR_EGENERAL : file_write(log->file, line, pool);
    }
    if (length > PIPE_BUF) {
        return APR_EGENERAL;
    }
    status = pipe_await(log);
    return status == APR_SUCCESS ? pipe_write(log->file, line, length)
                                 : status;
}

bool cp_consent_log_write(const cp_exchange *exchange,
                          const cp_consent *consent)
{
    static cp_throttle throttle = { .lines = 1, .period = 60 };
    cp_consent_log *log = exchange->server->log;
    request_rec *r = exchange->r;
    apr_status_t status;

    if (!log) {
        return true;
    }
    status = choice_write(log, cp_consent_record_choice(exchange, consent),
                          r->pool);
    if (status != APR_SUCCESS && cp_throttle_admits(&throttle)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, status, r, CP_LOG(0031)
                      "consent log %s: a choice could not be written; what "
                      "visitors grant does not count until it can",
                      log->name);
    }
    return status == APR_SUCCESS;
}

/* --- What digests stand for ------------------------------------------- */

static bool lines_write(cp_consent_log *log, const apr_array_header_t *lines,
                        apr_pool_t *pool)
{
    apr_status_t status = lines ? APR_SUCCESS : APR_EGENERAL;

    for (int i = 0; status == APR_SUCCESS && i < lines->nelts; i++) {
        const char *line = APR_ARRAY_IDX(lines, i, const char *);

        /* Nobody else writes into a new pipe, so that longer lines may go
         * there, too. */
        status = log->piped ? pipe_write(log->file, line, strlen(line))
                            : file_write(log->file, line, pool);
    }
    if (status != APR_SUCCESS) {
        log->failed = true;
        ap_log_error(APLOG_MARK, APLOG_ERR, status, ap_server_conf,
                     CP_LOG(0033)
                     "consent log %s: what its digests stand for could not "
                     "be written", log->name);
    }
    return status == APR_SUCCESS;
}

/* Whether a log has that line already. An empty file has none: it is new, or
 * its predecessor was moved away. */
static bool is_explained(cp_consent_log *log, const char *key,
                         apr_hash_t *explained)
{
    return apr_hash_get(explained, key, APR_HASH_KEY_STRING)
           || (!log->fresh && ap_retained_data_get(key));
}

static void explained_note(const char *key, apr_hash_t *explained)
{
    apr_hash_set(explained, apr_pstrdup(apr_hash_pool_get(explained), key),
                 APR_HASH_KEY_STRING, "");
    if (!ap_retained_data_get(key)) {
        ap_retained_data_create(key, 1);
    }
}

static void policy_explain(cp_consent_log *log, const cp_policy *policy,
                           apr_hash_t *explained, apr_pool_t *pool)
{
    for (int i = 0; i < policy->category_count && !log->failed; i++) {
        const cp_category *category = &policy->categories[i];
        const char *key = apr_pstrcat(pool, "mod_cookiepolicy: policy ",
                                      category->digest, " ", log->name, NULL);

        if (category->used && category->rule != CP_RULE_EXEMPT
            && !is_explained(log, key, explained)
            && lines_write(log, cp_consent_record_policy(policy, i, pool),
                           pool)) {
            explained_note(key, explained);
        }
    }
}

static void texts_explain(const cp_server_config *config, const char *tag,
                          apr_hash_t *explained, apr_pool_t *pool)
{
    const cp_policy *policy = config->site.policy;
    const char *done = apr_psprintf(pool, "%pp %pp %s %s", policy,
                                    (const void *)config->phrases, tag,
                                    config->log->name);
    char digest[CP_DIGEST_LENGTH + 1];
    const char *key;

    if (config->log->failed || !config->phrases
        || apr_hash_get(explained, done, APR_HASH_KEY_STRING)
        || !cp_phrases_digest(config->phrases, policy, tag, digest, pool)) {
        return;
    }
    apr_hash_set(explained, apr_pstrdup(apr_hash_pool_get(explained), done),
                 APR_HASH_KEY_STRING, "");
    key = apr_pstrcat(pool, "mod_cookiepolicy: texts ", digest, " ", tag, " ",
                      config->log->name, NULL);
    if (!is_explained(config->log, key, explained)
        && lines_write(config->log,
                       cp_consent_record_texts(config->phrases, policy, tag,
                                               digest, pool), pool)) {
        explained_note(key, explained);
    }
}

static bool has_rule(const cp_policy *policy, cp_rule rule)
{
    for (int i = 0; i < policy->category_count; i++) {
        if (policy->categories[i].used
            && policy->categories[i].rule == rule) {
            return true;
        }
    }
    return false;
}

static bool can_choose(const cp_policy *policy)
{
    return has_rule(policy, CP_RULE_CONSENT)
           || has_rule(policy, CP_RULE_OBJECTABLE);
}

static void host_explain(const cp_server_config *config,
                         const cp_dir_config *dir, apr_hash_t *explained,
                         apr_pool_t *pool)
{
    const char *const *tag = dir->terms.languages;

    if (!can_choose(config->site.policy)) {
        return;
    }
    policy_explain(config->log, config->site.policy, explained, pool);
    if (!tag) {
        texts_explain(config, "en", explained, pool);
    }
    for (; tag && *tag; tag++) {
        texts_explain(config, *tag, explained, pool);
    }
}

/* --- Opening ---------------------------------------------------------- */

static apr_status_t program_open(cp_consent_log *log, apr_pool_t *pool)
{
    piped_log *program = ap_open_piped_log(pool, log->name + 1);
    apr_status_t status;

    if (!program) {
        return APR_EGENERAL;    /* httpd has logged why */
    }
    status = apr_file_pipe_timeout_set(ap_piped_log_write_fd(program), 0);
    if (status == APR_SUCCESS) {
        log->file = ap_piped_log_write_fd(program);
        log->read_end = ap_piped_log_read_fd(program);
        log->piped = true;
    }
    return status;
}

static apr_status_t file_open(cp_consent_log *log, apr_pool_t *pool)
{
    apr_file_t *file = NULL;
    apr_finfo_t info;
    apr_status_t status;

    status = apr_file_open(&file, log->name,
                           APR_FOPEN_READ | APR_FOPEN_WRITE | APR_FOPEN_APPEND
                           | APR_FOPEN_CREATE | APR_FOPEN_LARGEFILE,
                           APR_FPROT_UREAD | APR_FPROT_UWRITE
                           | APR_FPROT_GREAD, pool);
    if (status == APR_SUCCESS) {
        log->file = file;
        log->fresh = apr_file_info_get(&info, APR_FINFO_SIZE, file)
                     == APR_SUCCESS && info.size == 0;
    }
    return status;
}

/* @return the log of that name, opened once; its file is NULL on failure */
static cp_consent_log *log_open(server_rec *s, const char *name,
                                apr_hash_t *logs, apr_pool_t *pool)
{
    cp_consent_log *log = apr_hash_get(logs, name, APR_HASH_KEY_STRING);
    apr_status_t status;

    if (log) {
        return log;
    }
    log = apr_pcalloc(pool, sizeof(*log));
    log->name = name;
    apr_hash_set(logs, name, APR_HASH_KEY_STRING, log);
    status = *name == '|' ? program_open(log, pool) : file_open(log, pool);
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, s, CP_LOG(0030)
                     "consent log %s cannot be opened", name);
    }
    return log;
}

/* --- Hosts ------------------------------------------------------------ */

static bool needs_log(const server_rec *s)
{
    const cp_server_config *config = cp_server_config_of(s);

    return !config->consent_log
           && cp_engine_of(cp_dir_defaults_of(s)) == CP_ENGINE_ON
           && has_rule(config->site.policy, CP_RULE_CONSENT);
}

static void unlogged_warn(server_rec *main_server, apr_pool_t *pool)
{
    cp_hosts hosts = { 0 };

    for (server_rec *s = main_server; s; s = s->next) {
        if (needs_log(s)) {
            cp_hosts_add(&hosts, s, pool);
        }
    }
    if (hosts.count) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server, CP_LOG(0032)
                     "hosts that ask for consent and keep no proof of it, "
                     "for want of CookiePolicyConsentLog: %s",
                     cp_hosts_say(&hosts, pool));
    }
}

int cp_consent_log_open(server_rec *main_server, apr_pool_t *pool)
{
    bool is_start = ap_state_query(AP_SQ_CONFIG_GEN) <= GENERATION_START;
    apr_pool_t *passing = NULL, *scratch = NULL;
    apr_hash_t *logs, *explained;
    int status = OK;

    apr_pool_create(&passing, pool);
    apr_pool_create(&scratch, passing);
    logs = apr_hash_make(passing);
    explained = apr_hash_make(passing);
    for (server_rec *s = main_server; s && status == OK; s = s->next) {
        cp_server_config *config = cp_server_config_of(s);

        if (!config->consent_log
            || strcmp(config->consent_log, CP_CONSENT_LOG_NONE) == 0) {
            continue;
        }
        config->log = log_open(s, config->consent_log, logs, pool);
        if (!config->log->file) {
            status = is_start ? HTTP_INTERNAL_SERVER_ERROR : OK;
        }
        else if (cp_engine_of(cp_dir_defaults_of(s)) == CP_ENGINE_ON) {
            host_explain(config, cp_dir_defaults_of(s), explained, scratch);
            apr_pool_clear(scratch);
        }
    }
    unlogged_warn(main_server, passing);
    apr_pool_destroy(passing);
    return status;
}

/* A child that outlives a reload must notice that its program has ended,
 * which it cannot while it could read the pipe itself. */
static void child_init(apr_pool_t *pool, server_rec *main_server)
{
    (void)pool;
    if (ap_exists_config_define("ONE_PROCESS")
        || ap_exists_config_define("DEBUG")) {
        return;                 /* this child is the parent */
    }
    for (server_rec *s = main_server; s; s = s->next) {
        cp_consent_log *log = cp_server_config_of(s)->log;

        if (log && log->read_end) {
            apr_file_close(log->read_end);
            log->read_end = NULL;
        }
    }
}

void cp_consent_log_register(void)
{
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
