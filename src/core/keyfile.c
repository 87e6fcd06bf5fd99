#include "keyfile.h"
#include "token.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_encode.h>
#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_portable.h>
#include <openssl/crypto.h>

#define KEY_FILE_MAX (16 * 1024)
#define KEY_BASE64_LENGTH 44

static void time_write(char *word, apr_size_t size, apr_uint32_t seconds)
{
    apr_time_exp_t exploded;
    apr_size_t length = 0;

    apr_time_exp_gmt(&exploded, apr_time_from_sec(seconds));
    apr_strftime(word, &length, size, "%Y-%m-%dT%H:%M:%SZ", &exploded);
}

/* Only the spelling that we would write ourselves is good. */
static bool key_begins_read(const char *word, apr_uint32_t *begins)
{
    apr_time_exp_t exploded = { 0 };
    char again[32] = "";
    apr_time_t time;

    if (sscanf(word, "%4d-%2d-%2dT%2d:%2d:%2dZ", &exploded.tm_year,
               &exploded.tm_mon, &exploded.tm_mday, &exploded.tm_hour,
               &exploded.tm_min, &exploded.tm_sec) != 6
        || exploded.tm_mon < 1 || exploded.tm_mon > 12) {
        return false;
    }
    exploded.tm_year -= 1900;
    exploded.tm_mon -= 1;
    if (apr_time_exp_gmt_get(&time, &exploded) != APR_SUCCESS
        || time < 0 || apr_time_sec(time) > (apr_time_t)UINT_MAX) {
        return false;
    }
    *begins = (apr_uint32_t)apr_time_sec(time);
    time_write(again, sizeof(again), *begins);
    return strcmp(word, again) == 0;
}

static bool key_bytes_read(const char *word, unsigned char *bytes)
{
    unsigned char decoded[CP_KEY_LENGTH + 3];
    apr_size_t length = 0;

    if (strlen(word) != KEY_BASE64_LENGTH
        || apr_decode_base64_binary(decoded, word, KEY_BASE64_LENGTH,
                                    APR_ENCODE_NONE, &length) != APR_SUCCESS
        || length != CP_KEY_LENGTH) {
        return false;
    }
    memcpy(bytes, decoded, CP_KEY_LENGTH);
    OPENSSL_cleanse(decoded, sizeof(decoded));
    return true;
}

static bool key_id_read(const char *word, unsigned char *id)
{
    int number = 0;

    if (word[0] == '\0' || strlen(word) > 3) {
        return false;
    }
    for (const char *c = word; *c; c++) {
        if (!apr_isdigit(*c)) {
            return false;
        }
        number = number * 10 + (*c - '0');
    }
    *id = (unsigned char)number;
    return number <= UCHAR_MAX;
}

/* @return what is wrong with the line, or NULL */
static const char *key_read(cp_keys *keys, char *line)
{
    char *rest = NULL;
    const char *id = apr_strtok(line, " \t", &rest);
    const char *begins = apr_strtok(NULL, " \t", &rest);
    const char *bytes = apr_strtok(NULL, " \t", &rest);
    const char *word = apr_strtok(NULL, " \t", &rest);
    cp_key new = { 0 };
    int at;

    if (!bytes) {
        return "is short: ID NOT-BEFORE KEY are needed";
    }
    if (!key_id_read(id, &new.id)) {
        return "has a key id that is no number from 0 to 255";
    }
    if (!key_begins_read(begins, &new.begins)) {
        return "has a not-before that is no time like 2026-01-31T00:00:00Z";
    }
    if (!key_bytes_read(bytes, new.bytes)) {
        return "has a key that is not 32 bytes in base64";
    }
    if (word) {
        if (strcmp(word, "revoked") || apr_strtok(NULL, " \t", &rest)) {
            return "has a word after the key that is not 'revoked'";
        }
        new.revoked = true;
    }
    if (keys->count == CP_KEYS_MAX) {
        return "is one key too many: 16 are allowed";
    }
    for (int i = 0; i < keys->count; i++) {
        if (keys->list[i].id == new.id) {
            return "has a key id that an earlier line has";
        }
    }
    for (at = keys->count++; at > 0; at--) {
        if (keys->list[at - 1].begins >= new.begins) {
            break;
        }
        keys->list[at] = keys->list[at - 1];
    }
    keys->list[at] = new;
    OPENSSL_cleanse(new.bytes, sizeof(new.bytes));
    return NULL;
}

static apr_status_t keys_read(cp_keys *keys, char *text, const char *file,
                              const char **error, apr_pool_t *pool)
{
    char *rest = NULL;
    int number = 1;
    int usable = 0;

    for (char *line = text; line; line = rest, number++) {
        const char *wrong;

        rest = strchr(line, '\n');
        if (rest) {
            *rest++ = '\0';
        }
        if (*line && line[strlen(line) - 1] == '\r') {
            line[strlen(line) - 1] = '\0';
        }
        line += strspn(line, " \t");
        if (*line == '\0' || *line == '#') {
            continue;
        }
        wrong = key_read(keys, line);
        if (wrong) {
            *error = apr_psprintf(pool, "line %d of key file %s %s",
                                  number, file, wrong);
            return APR_EGENERAL;
        }
    }
    for (int i = 0; i < keys->count; i++) {
        usable += !keys->list[i].revoked;
    }
    if (!usable) {
        *error = apr_psprintf(pool, "key file %s has no key in force",
                              file);
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

static apr_status_t file_read(char *text, const char *file,
                              const char **error, apr_pool_t *pool)
{
    apr_file_t *in = NULL;
    apr_finfo_t info;
    apr_size_t length = 0;
    apr_status_t status;
    char reason[128];

    /* Not opened before it is known: a pipe would wait for its writer. */
    status = apr_stat(&info, file, APR_FINFO_TYPE, pool);
    if (status == APR_SUCCESS && info.filetype != APR_REG) {
        status = APR_EINVAL;
    }
    if (status == APR_SUCCESS) {
        status = apr_file_open(&in, file, APR_FOPEN_READ, APR_OS_DEFAULT,
                               pool);
    }
    if (status == APR_SUCCESS) {
        status = apr_file_info_get(&info, APR_FINFO_PROT, in);
        if (status == APR_SUCCESS
            && (info.protection & (APR_WREAD | APR_WWRITE | APR_GWRITE))) {
            *error = apr_psprintf(pool, "key file %s may be read by everybody"
                                  " or written by others: chmod 0600 it",
                                  file);
            apr_file_close(in);
            return APR_EACCES;
        }
        if (status == APR_SUCCESS) {
            status = apr_file_read_full(in, text, KEY_FILE_MAX, &length);
            if (APR_STATUS_IS_EOF(status)) {
                status = APR_SUCCESS;
            }
        }
        apr_file_close(in);
    }
    if (status == APR_SUCCESS
        && (length == KEY_FILE_MAX || memchr(text, '\0', length))) {
        *error = apr_psprintf(pool, "key file %s is no text of at most 16 KB",
                              file);
        return APR_EGENERAL;
    }
    if (status != APR_SUCCESS) {
        *error = apr_psprintf(pool, "key file %s cannot be read: %s", file,
                              apr_strerror(status, reason, sizeof(reason)));
        return status;
    }
    text[length] = '\0';
    return APR_SUCCESS;
}

apr_status_t cp_keyfile_read(cp_keys *keys, const char *file,
                             const char **error, apr_pool_t *pool)
{
    char text[KEY_FILE_MAX + 1];
    apr_status_t status = file_read(text, file, error, pool);

    memset(keys, 0, sizeof(*keys));
    if (status == APR_SUCCESS) {
        status = keys_read(keys, text, file, error, pool);
    }
    OPENSSL_cleanse(text, sizeof(text));
    return status;
}

/* --- Writing ---------------------------------------------------------- */

#define LINE_MAX_LENGTH 160

/* Draws a key and writes its line. @return its length, 0 without randomness */
static apr_size_t line_make(char *line, unsigned char id, apr_uint32_t begins)
{
    unsigned char bytes[CP_KEY_LENGTH];
    char encoded[64], time[32];
    apr_size_t length = 0;

    if (cp_random_bytes(bytes, sizeof(bytes))) {
        apr_encode_base64_binary(encoded, bytes, CP_KEY_LENGTH,
                                 APR_ENCODE_NONE, NULL);
        time_write(time, sizeof(time), begins);
        length = (apr_size_t)apr_snprintf(line, LINE_MAX_LENGTH, "%u %s %s\n",
                                          id, time, encoded);
        OPENSSL_cleanse(encoded, sizeof(encoded));
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return length;
}

/* Opens a new file that nobody else can read. */
static apr_status_t draft_open(apr_file_t **out, const char *draft,
                               apr_pool_t *pool)
{
    return apr_file_open(out, draft, APR_FOPEN_WRITE | APR_FOPEN_CREATE
                         | APR_FOPEN_EXCL, APR_UREAD | APR_UWRITE, pool);
}

static apr_status_t draft_write(apr_file_t *out, const char *text,
                                apr_size_t length)
{
    apr_status_t status = apr_file_write_full(out, text, length, NULL);

    return status == APR_SUCCESS ? apr_file_sync(out) : status;
}

apr_status_t cp_keyfile_create(const char *file, apr_uint32_t now,
                               const char **error, apr_pool_t *pool)
{
    const char *draft = apr_psprintf(pool, "%s.%" APR_PID_T_FMT, file,
                                     getpid());
    char line[LINE_MAX_LENGTH], reason[128];
    apr_size_t length = line_make(line, 1, now);
    apr_file_t *out = NULL;
    apr_status_t status;

    if (!length) {
        *error = "OpenSSL has no random bytes for a key";
        return APR_EGENERAL;
    }
    apr_file_remove(draft, pool);
    status = draft_open(&out, draft, pool);
    if (status == APR_SUCCESS) {
        status = draft_write(out, line, length);
        apr_file_close(out);
        if (status == APR_SUCCESS) {
            status = apr_file_link(draft, file);
        }
        apr_file_remove(draft, pool);
    }
    OPENSSL_cleanse(line, sizeof(line));
    if (status != APR_SUCCESS) {
        *error = apr_psprintf(pool, "key file %s cannot be made: %s", file,
                              apr_strerror(status, reason, sizeof(reason)));
    }
    return status;
}

/* One above the highest, as the lower ones may have been in use. */
static unsigned char id_free(const cp_keys *keys)
{
    bool used[UCHAR_MAX + 2] = { false };
    int highest = 0, id = 0;

    for (int i = 0; i < keys->count; i++) {
        used[keys->list[i].id] = true;
        if (keys->list[i].id > highest) {
            highest = keys->list[i].id;
        }
    }
    if (highest < UCHAR_MAX) {
        return (unsigned char)(highest + 1);
    }
    while (used[id]) {
        id++;
    }
    return (unsigned char)id;
}

static apr_status_t owner_copy(apr_file_t *out, const char *file)
{
    apr_os_file_t descriptor = -1;
    struct stat before;

    apr_os_file_get(&descriptor, out);
    return stat(file, &before) == 0
           && fchown(descriptor, before.st_uid, before.st_gid) == 0
           && fchmod(descriptor, before.st_mode & 07777) == 0
           ? APR_SUCCESS : APR_FROM_OS_ERROR(errno);
}

/* Writes what @a file has, and a line more. Who has the draft is alone. */
static apr_status_t key_append(const char *file, apr_file_t *out,
                               apr_uint32_t now, unsigned char *id,
                               const char **error, apr_pool_t *pool)
{
    char text[KEY_FILE_MAX + 1 + LINE_MAX_LENGTH];
    apr_size_t length, added;
    apr_status_t status;
    cp_keys keys;

    status = cp_keyfile_read(&keys, file, error, pool);
    if (status == APR_SUCCESS) {
        status = file_read(text, file, error, pool);
    }
    if (status == APR_SUCCESS && keys.count == CP_KEYS_MAX) {
        *error = apr_psprintf(pool, "key file %s has 16 keys, which is all"
                              " that are allowed: delete one that is not in"
                              " use any more", file);
        status = APR_ENOSPC;
    }
    *id = id_free(&keys);
    OPENSSL_cleanse(&keys, sizeof(keys));
    if (status != APR_SUCCESS) {
        OPENSSL_cleanse(text, sizeof(text));
        return status;
    }
    length = strlen(text);
    if (length && text[length - 1] != '\n') {
        text[length++] = '\n';
    }
    added = line_make(text + length, *id, now);
    if (!added || length + added >= KEY_FILE_MAX) {
        *error = added ? "the key file would be longer than 16 KB"
                       : "OpenSSL has no random bytes for a key";
        status = APR_ENOSPC;
    }
    if (status == APR_SUCCESS) {
        status = draft_write(out, text, length + added);
    }
    OPENSSL_cleanse(text, sizeof(text));
    return status == APR_SUCCESS ? owner_copy(out, file) : status;
}

apr_status_t cp_keyfile_add(const char *file, apr_uint32_t now,
                            unsigned char *id, const char **error,
                            apr_pool_t *pool)
{
    char *real = realpath(file, NULL);
    const char *path = real ? apr_pstrdup(pool, real) : file;
    const char *draft = apr_pstrcat(pool, path, ".new", NULL);
    apr_file_t *out = NULL;
    apr_status_t status = draft_open(&out, draft, pool);
    char reason[128];

    free(real);
    *error = NULL;
    if (APR_STATUS_IS_EEXIST(status)) {
        *error = apr_psprintf(pool, "somebody else is changing key file %s;"
                              " if not, remove %s", path, draft);
        return status;
    }
    if (status == APR_SUCCESS) {
        status = key_append(path, out, now, id, error, pool);
        apr_file_close(out);
        if (status == APR_SUCCESS) {
            status = apr_file_rename(draft, path, pool);
        }
        if (status != APR_SUCCESS) {
            apr_file_remove(draft, pool);
        }
    }
    if (status != APR_SUCCESS && !*error) {
        *error = apr_psprintf(pool, "key file %s cannot be changed: %s", path,
                              apr_strerror(status, reason, sizeof(reason)));
    }
    return status;
}

void cp_keys_follow(cp_keys *keys, const cp_keys *before)
{
    for (int i = 0; i < keys->count; i++) {
        keys->list[i].waiting = true;
        for (int j = 0; j < before->count; j++) {
            if (before->list[j].id == keys->list[i].id
                && memcmp(before->list[j].bytes, keys->list[i].bytes,
                          CP_KEY_LENGTH) == 0) {
                keys->list[i].waiting = false;
            }
        }
    }
}
