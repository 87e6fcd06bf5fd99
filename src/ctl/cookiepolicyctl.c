/**
 * @file cookiepolicyctl.c
 * @brief The command line, and what it is about: a key ring and a store.
 */
#include "ctl.h"
#include "store_shm.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_getopt.h>
#include <apr_time.h>

static const char usage[] =
    "cookiepolicyctl [--state-dir DIR] [--key-file FILE] COMMAND\n"
    "\n"
    "  list [--user U] [--realm R] [--session REF] [--json]\n"
    "  count [--json]\n"
    "  revoke --session REF | --user U [--realm R] | --realm R [--json]\n"
    "  check TOKEN|- --realm R [--json]\n"
    "  new-key\n"
    "  help, version\n"
    "\n"
    "ends with 0: done, 1: there is none, or it is not valid, 2: wrong usage,\n"
    "3: it could not be done. See docs/cookiepolicyctl.md.\n";

typedef struct command {
    const char *name;
    int (*run)(const cp_ctl *ctl);
    const char *options;        /* the letters of those that it takes */
    bool argument;
} command;

enum { OPTION_STATE = 'd', OPTION_KEYS = 'k', OPTION_USER = 'u',
       OPTION_REALM = 'r', OPTION_SESSION = 's', OPTION_JSON = 'j',
       OPTION_HELP = 'h', OPTION_VERSION = 'v' };

static const apr_getopt_option_t options[] = {
    { "state-dir", OPTION_STATE, 1, NULL },
    { "key-file", OPTION_KEYS, 1, NULL },
    { "user", OPTION_USER, 1, NULL },
    { "realm", OPTION_REALM, 1, NULL },
    { "session", OPTION_SESSION, 1, NULL },
    { "json", OPTION_JSON, 0, NULL },
    { "help", OPTION_HELP, 0, NULL },
    { "version", OPTION_VERSION, 0, NULL },
    { NULL, 0, 0, NULL }
};

static const command commands[] = {
    { "list", cp_ctl_list, "ursj", false },
    { "count", cp_ctl_count, "j", false },
    { "revoke", cp_ctl_revoke, "ursj", false },
    { "check", cp_ctl_check, "rj", true },
    { "new-key", cp_ctl_new_key, "", false },
};

int cp_ctl_fail(const char *error)
{
    fprintf(stderr, "cookiepolicyctl: %s\n", error);
    return CP_CTL_FAILED;
}

static int complain(const char *error, const char *word)
{
    fprintf(stderr, "cookiepolicyctl: %s%s; see cookiepolicyctl help\n",
            error, word);
    return CP_CTL_USAGE;
}

/* What has been taken over in httpd may have prepared the store's locks: they
 * are not taken as root. All that needs root has been done by then. */
static bool privileges_drop(void)
{
    const struct passwd *nobody;

    if (geteuid() != 0) {
        return true;
    }
    nobody = getpwnam("nobody");
    return nobody && setgroups(0, NULL) == 0
           && setgid(nobody->pw_gid) == 0 && setuid(nobody->pw_uid) == 0;
}

bool cp_ctl_open(const cp_ctl *ctl, cp_listing *where)
{
    const char *file = apr_pstrcat(ctl->pool, ctl->state_dir,
                                   "/cookiepolicy.sessions", NULL);
    const char *error = NULL;
    cp_store *store = NULL;
    cp_keys keys;

    where->now = ctl->now;
    if (cp_keyfile_read(&keys, ctl->key_file, &error, ctl->pool)
            != APR_SUCCESS
        || cp_store_shm_attach(&store, file, &error, ctl->pool)
               != APR_SUCCESS) {
        cp_ctl_fail(error);
        return false;
    }
    if (!privileges_drop()) {
        cp_ctl_fail("the privileges of root cannot be dropped");
        return false;
    }
    where->store = store;
    where->ring = cp_keyring_make(&keys, ctl->pool);
    if (!where->ring) {
        cp_ctl_fail("OpenSSL does not give HMAC, CMAC, HKDF and AES-256-GCM");
    }
    return where->ring != NULL;
}

static void option_take(cp_ctl *ctl, int option, const char *value)
{
    switch (option) {
    case OPTION_STATE:
        ctl->state_dir = value;
        break;
    case OPTION_KEYS:
        ctl->key_file = value;
        break;
    case OPTION_USER:
        ctl->whose.user = value;
        break;
    case OPTION_REALM:
        ctl->whose.realm = value;
        break;
    case OPTION_SESSION:
        ctl->whose.reference = value;
        break;
    case OPTION_JSON:
        ctl->json = true;
        break;
    case OPTION_HELP:
        ctl->command = "help";
        break;
    default:
        ctl->command = "version";
    }
}

/* @return whether the command takes all options that were given */
static bool options_fit(const command *asked, const char *given)
{
    for (; *given; given++) {
        if (*given != OPTION_STATE && *given != OPTION_KEYS
            && !strchr(asked->options, *given)) {
            return false;
        }
    }
    return true;
}

static int command_run(const cp_ctl *ctl, const char *given)
{
    for (apr_size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        const command *asked = &commands[i];

        if (strcmp(asked->name, ctl->command)) {
            continue;
        }
        if (!options_fit(asked, given)) {
            return complain("an option is not for ", asked->name);
        }
        if (asked->argument != (ctl->argument != NULL)) {
            return complain(ctl->argument ? "a word too many for "
                                          : "a word too few for ",
                            asked->name);
        }
        return asked->run(ctl);
    }
    return complain("there is no command ", ctl->command);
}

static int words_take(cp_ctl *ctl, const apr_getopt_t *line)
{
    int left = line->argc - line->ind;

    if (!ctl->command) {
        ctl->command = left-- > 0 ? line->argv[line->ind] : NULL;
        if (left > 0) {
            ctl->argument = line->argv[line->ind + 1];
        }
    }
    if (!ctl->command || left > 1) {
        return complain(ctl->command ? "too many words" : "no command", "");
    }
    if (!ctl->key_file) {
        ctl->key_file = apr_pstrcat(ctl->pool, ctl->state_dir,
                                    "/cookiepolicy.keys", NULL);
    }
    return CP_CTL_DONE;
}

static int line_read(cp_ctl *ctl, char *given, int argc,
                     const char *const *argv)
{
    const char **words = apr_pmemdup(ctl->pool, argv,
                                     ((apr_size_t)argc + 1) * sizeof(*argv));
    apr_getopt_t *line;
    apr_status_t rv;
    const char *value;
    int option, count = 0;

    for (int i = 1; i < argc; i++) {
        words[i] = strcmp(words[i], "-") ? words[i] : CP_CTL_STDIN;
    }
    apr_getopt_init(&line, ctl->pool, argc, words);
    line->interleave = 1;
    while ((rv = apr_getopt_long(line, options, &option, &value))
           == APR_SUCCESS) {
        option_take(ctl, option, value);
        given[count++] = (char)option;
    }
    return rv == APR_EOF ? words_take(ctl, line) : CP_CTL_USAGE;
}

int main(int argc, const char *const *argv)
{
    cp_ctl ctl = { .state_dir = CP_STATEDIR };
    char *given;
    int result;

    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS) {
        return cp_ctl_fail("APR cannot be initialized");
    }
    atexit(apr_terminate);
    apr_pool_create(&ctl.pool, NULL);
    ctl.now = (apr_uint32_t)apr_time_sec(apr_time_now());
    given = apr_pcalloc(ctl.pool, (apr_size_t)argc + 1);
    result = line_read(&ctl, given, argc, argv);
    if (result != CP_CTL_DONE) {
        return result;
    }
    if (strcmp(ctl.command, "help") == 0) {
        fputs(usage, stdout);
    }
    else if (strcmp(ctl.command, "version") == 0) {
        printf("cookiepolicyctl %s\n", CP_VERSION);
    }
    else {
        result = command_run(&ctl, given);
    }
    if (fflush(stdout) != 0 && result == CP_CTL_DONE) {
        result = cp_ctl_fail("the output cannot be written");
    }
    return result;
}
