/*
 * The file: magic, version, when it was written; records; after the last one
 * their number, the id of a key, and a MAC under it over the SHA-256 of all
 * before. Numbers are big-endian.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* O_NOFOLLOW */
#endif
#include "snapshot.h"
#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_portable.h>
#include <openssl/evp.h>

#define MAGIC "cpSnapsh"
#define MAGIC_LENGTH 8
#define VERSION 1
#define HEADER_LENGTH (MAGIC_LENGTH + 4 + 4)

/* What a record and the end begin with. */
#define TAG_RECORD 1
#define TAG_END 0

/* Name, owner, expires, used, length. */
#define RECORD_HEAD (CP_STORE_NAME_LENGTH + 8 + 4 + 4 + 4)
#define END_LENGTH (1 + 4 + 1)

#define NEW_SUFFIX ".new"
#define REFUSED_SUFFIX ".refused"
#define BUFFER_SIZE (64 * 1024)

/* So many records are read before their memory is given back. */
#define BATCH 256

static void number_write(unsigned char *at, apr_uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        at[i] = number >> (8 * (bytes - 1 - i)) & 0xff;
    }
}

static apr_uint64_t number_read(const unsigned char *at, int bytes)
{
    apr_uint64_t number = 0;

    for (int i = 0; i < bytes; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

static bool mac_make(const cp_keyring *ring, unsigned char key,
                     EVP_MD_CTX *digest, unsigned char *mac)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    cp_span part;

    if (EVP_DigestFinal_ex(digest, sum, &length) != 1) {
        return false;
    }
    part = cp_span_make(sum, length);
    return cp_keyring_mac(ring, key, CP_PURPOSE_SNAPSHOT, CP_SPAN(""), &part,
                          1, mac);
}

static EVP_MD_CTX *digest_make(void)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();

    if (digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(digest);
        digest = NULL;
    }
    return digest;
}

static apr_status_t error_set(const char **error, apr_status_t rv,
                              const char *file, const char *what,
                              apr_pool_t *pool)
{
    char reason[128];

    *error = apr_psprintf(pool, "%s cannot be %s: %s", file, what,
                          apr_strerror(rv, reason, sizeof(reason)));
    return rv;
}

/* --- Writing ---------------------------------------------------------- */

typedef struct writer {
    const cp_listing *from;
    apr_file_t *out;
    EVP_MD_CTX *digest;
    apr_uint32_t count;
} writer;

static apr_status_t put(writer *to, const void *bytes, apr_size_t length)
{
    if (EVP_DigestUpdate(to->digest, bytes, length) != 1) {
        return APR_EGENERAL;
    }
    return apr_file_write_full(to->out, bytes, length, NULL);
}

static apr_status_t record_put(writer *to, const cp_store_entry *entry,
                               apr_pool_t *pool)
{
    cp_store *store = to->from->store;
    unsigned char head[1 + RECORD_HEAD] = { TAG_RECORD };
    unsigned char *at = head + 1;
    cp_store_record record;
    apr_status_t rv = store->provider->peek(store, &entry->name,
                                            to->from->now, &record, pool);

    if (APR_STATUS_IS_NOTFOUND(rv)) {
        return APR_SUCCESS;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    memcpy(at, entry->name.bytes, CP_STORE_NAME_LENGTH);
    at += CP_STORE_NAME_LENGTH;
    number_write(at, record.owner, 8);
    number_write(at + 8, record.expires, 4);
    number_write(at + 12, entry->used, 4);
    number_write(at + 16, record.value.length, 4);
    to->count++;
    rv = put(to, head, sizeof(head));
    return rv == APR_SUCCESS ? put(to, record.value.at, record.value.length)
                             : rv;
}

/* The least recently used first, so that they are filed again in the order
 * of their use. */
static int entry_compare(const void *left, const void *right)
{
    const cp_store_entry *a = left;
    const cp_store_entry *b = right;

    return a->used < b->used ? -1 : a->used > b->used;
}

static apr_status_t part_put(writer *to, apr_uint32_t part, apr_pool_t *pool)
{
    cp_store *store = to->from->store;
    apr_array_header_t *entries = apr_array_make(pool, BATCH,
                                                 sizeof(cp_store_entry));
    apr_status_t rv = store->provider->list(store, part, to->from->now,
                                            entries);
    apr_pool_t *batch;

    apr_pool_create(&batch, pool);
    qsort(entries->elts, (size_t)entries->nelts, sizeof(cp_store_entry),
          entry_compare);
    for (int i = 0; i < entries->nelts && rv == APR_SUCCESS; i++) {
        if (i % BATCH == 0) {
            apr_pool_clear(batch);
        }
        rv = record_put(to, &APR_ARRAY_IDX(entries, i, cp_store_entry),
                        batch);
    }
    apr_pool_destroy(batch);
    return rv;
}

static apr_status_t store_put(writer *to, apr_pool_t *pool)
{
    unsigned char header[HEADER_LENGTH];
    unsigned char end[END_LENGTH + CP_MAC_LENGTH] = { TAG_END };
    unsigned char key = cp_keyring_signer(to->from->ring, to->from->now);
    apr_pool_t *part_pool;
    apr_status_t rv;

    memcpy(header, MAGIC, MAGIC_LENGTH);
    number_write(header + MAGIC_LENGTH, VERSION, 4);
    number_write(header + MAGIC_LENGTH + 4, to->from->now, 4);
    rv = put(to, header, sizeof(header));
    apr_pool_create(&part_pool, pool);
    for (apr_uint32_t part = 0; rv == APR_SUCCESS; part++) {
        apr_pool_clear(part_pool);
        rv = part_put(to, part, part_pool);
    }
    apr_pool_destroy(part_pool);
    if (rv != APR_EOF) {
        return rv;
    }
    number_write(end + 1, to->count, 4);
    end[5] = key;
    rv = put(to, end, END_LENGTH);
    if (rv == APR_SUCCESS
        && !mac_make(to->from->ring, key, to->digest, end + END_LENGTH)) {
        rv = APR_EGENERAL;
    }
    return rv == APR_SUCCESS
           ? apr_file_write_full(to->out, end + END_LENGTH, CP_MAC_LENGTH,
                                 NULL) : rv;
}

/* What was renamed is on disk when its directory is. */
static void directory_sync(const char *file, apr_pool_t *pool)
{
    const char *slash = strrchr(file, '/');
    const char *path = slash ? apr_pstrmemdup(pool, file,
                                              (apr_size_t)(slash + 1 - file))
                             : ".";
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (directory >= 0) {
        fsync(directory);
        close(directory);
    }
}

apr_status_t cp_snapshot_begin(cp_snapshot *draft, const char *file,
                               const char **error, apr_pool_t *pool)
{
    apr_status_t rv;

    *error = NULL;
    draft->file = file;
    draft->path = apr_pstrcat(pool, file, NEW_SUFFIX, NULL);
    apr_file_remove(draft->path, pool);
    rv = apr_file_open(&draft->out, draft->path, APR_FOPEN_WRITE
                       | APR_FOPEN_CREATE | APR_FOPEN_EXCL
                       | APR_FOPEN_BUFFERED, APR_UREAD | APR_UWRITE, pool);
    return rv == APR_SUCCESS ? rv : error_set(error, rv, draft->path, "made",
                                              pool);
}

apr_status_t cp_snapshot_fill(const cp_snapshot *draft, const cp_listing *from,
                              apr_uint32_t *count, const char **error,
                              apr_pool_t *pool)
{
    writer to = { from, draft->out, digest_make(), 0 };
    apr_status_t rv = to.digest ? store_put(&to, pool) : APR_ENOMEM;

    EVP_MD_CTX_free(to.digest);
    if (rv == APR_SUCCESS) {
        rv = apr_file_sync(draft->out);
    }
    *count = to.count;
    *error = NULL;
    return rv == APR_SUCCESS ? rv : error_set(error, rv, draft->file,
                                              "written", pool);
}

apr_status_t cp_snapshot_end(const cp_snapshot *draft, bool complete,
                             const char **error, apr_pool_t *pool)
{
    apr_status_t rv = apr_file_close(draft->out);

    *error = NULL;
    if (rv == APR_SUCCESS && complete) {
        rv = apr_file_rename(draft->path, draft->file, pool);
    }
    if (rv != APR_SUCCESS || !complete) {
        apr_file_remove(draft->path, pool);
    }
    else {
        directory_sync(draft->file, pool);
    }
    return rv == APR_SUCCESS ? rv : error_set(error, rv, draft->file,
                                              "replaced", pool);
}

/* --- Reading ---------------------------------------------------------- */

/* Where a file is, and how much of it is to come before its MAC. */
typedef struct reader {
    apr_file_t *in;
    apr_off_t left;
} reader;

static apr_status_t get(reader *from, void *bytes, apr_size_t length)
{
    if (from->left < (apr_off_t)length) {
        return APR_EOF;
    }
    from->left -= (apr_off_t)length;
    return apr_file_read_full(from->in, bytes, length, NULL);
}

static apr_status_t rewound(reader *from, apr_off_t size)
{
    apr_off_t begin = 0;

    from->left = size - CP_MAC_LENGTH;
    return apr_file_seek(from->in, APR_SET, &begin);
}

/* Reads all of it. @return APR_EGENERAL where the MAC is not ours */
static apr_status_t mac_check(reader *from, const cp_keyring *ring,
                              apr_pool_t *pool)
{
    unsigned char *buffer = apr_palloc(pool, BUFFER_SIZE);
    unsigned char mac[CP_MAC_LENGTH], found[CP_MAC_LENGTH];
    EVP_MD_CTX *digest = digest_make();
    apr_status_t rv = digest ? APR_SUCCESS : APR_ENOMEM;
    unsigned char key = 0;

    while (rv == APR_SUCCESS && from->left) {
        apr_size_t length = from->left < BUFFER_SIZE
                            ? (apr_size_t)from->left : BUFFER_SIZE;

        rv = get(from, buffer, length);
        key = buffer[length - 1];
        if (rv == APR_SUCCESS
            && EVP_DigestUpdate(digest, buffer, length) != 1) {
            rv = APR_ENOMEM;
        }
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(from->in, found, sizeof(found), NULL);
    }
    if (rv == APR_SUCCESS
        && (!mac_make(ring, key, digest, mac)
            || !cp_secret_equal(cp_span_make(mac, sizeof(mac)),
                                cp_span_make(found, sizeof(found))))) {
        rv = APR_EGENERAL;
    }
    EVP_MD_CTX_free(digest);
    return rv;
}

/* Files one record; one that has no room, or is there already, is passed
 * over. @return APR_EOF at the end of the records */
static apr_status_t record_get(reader *from, const cp_listing *into,
                               apr_uint32_t *count, apr_pool_t *pool)
{
    cp_store_record record = { .revision = 0 };
    unsigned char tag, head[RECORD_HEAD];
    const unsigned char *at = head + CP_STORE_NAME_LENGTH;
    apr_status_t rv = get(from, &tag, 1);
    apr_uint32_t used;
    cp_store_name name;
    char *value;

    if (rv != APR_SUCCESS || tag != TAG_RECORD) {
        return rv == APR_SUCCESS && tag == TAG_END ? APR_EOF : APR_EGENERAL;
    }
    rv = get(from, head, sizeof(head));
    if (rv != APR_SUCCESS) {
        return rv;
    }
    memcpy(name.bytes, head, CP_STORE_NAME_LENGTH);
    record.owner = number_read(at, 8);
    record.expires = (apr_uint32_t)number_read(at + 8, 4);
    used = (apr_uint32_t)number_read(at + 12, 4);
    record.value.length = number_read(at + 16, 4);
    if (record.value.length > CP_STORE_VALUE_MAX) {
        return APR_EGENERAL;
    }
    value = apr_palloc(pool, record.value.length + 1);
    record.value.at = value;
    rv = get(from, value, record.value.length);
    /* As if it were then, so that the store knows when it was used. */
    if (rv == APR_SUCCESS && record.expires > into->now
        && into->store->provider->save(into->store, &name, used, &record)
           == APR_SUCCESS) {
        ++*count;
    }
    return rv;
}

static apr_status_t records_get(reader *from, const cp_listing *into,
                                apr_uint32_t *count, apr_uint32_t *written,
                                apr_pool_t *pool)
{
    unsigned char header[HEADER_LENGTH];
    apr_status_t rv = get(from, header, sizeof(header));
    apr_pool_t *batch;

    if (rv != APR_SUCCESS || memcmp(header, MAGIC, MAGIC_LENGTH)
        || number_read(header + MAGIC_LENGTH, 4) != VERSION) {
        return APR_EGENERAL;
    }
    *written = (apr_uint32_t)number_read(header + MAGIC_LENGTH + 4, 4);
    apr_pool_create(&batch, pool);
    for (int i = 0; rv == APR_SUCCESS; i = (i + 1) % BATCH) {
        if (i == 0) {
            apr_pool_clear(batch);
        }
        rv = record_get(from, into, count, batch);
    }
    apr_pool_destroy(batch);
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

static apr_status_t file_open(apr_file_t **in, const char *file,
                              apr_off_t *size, apr_pool_t *pool)
{
    struct stat status;
    int opened = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (opened < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    if (fstat(opened, &status) != 0 || !S_ISREG(status.st_mode)
        || status.st_uid != geteuid()
        || status.st_mode & (S_IRWXG | S_IRWXO)) {
        close(opened);
        return APR_EACCES;
    }
    *size = status.st_size;
    return apr_os_file_put(in, &opened, APR_FOPEN_READ | APR_FOPEN_BUFFERED,
                           pool);
}

static apr_status_t refuse(const char **error, apr_status_t rv,
                           const char *file, apr_pool_t *pool)
{
    const char *aside = apr_pstrcat(pool, file, REFUSED_SUFFIX, NULL);
    char reason[128];
    const char *what = rv == APR_EACCES
        ? "should be a file that belongs to who starts httpd, with mode 600"
        : rv == APR_EGENERAL || rv == APR_EOF
          ? "is damaged, cut, of another version, or was written under a key"
            " that is not in force here"
          : apr_strerror(rv, reason, sizeof(reason));
    bool renamed = apr_file_rename(file, aside, pool) == APR_SUCCESS;

    *error = apr_psprintf(pool, "%s is not read: it %s%s%s", file, what,
                          renamed ? "; it is now " : "",
                          renamed ? aside : "");
    return rv == APR_EOF ? APR_EGENERAL : rv;
}

apr_status_t cp_snapshot_read(const cp_listing *into, const char *file,
                              apr_uint32_t *count, apr_uint32_t *written,
                              const char **error, apr_pool_t *pool)
{
    reader from = { NULL, 0 };
    apr_off_t size = 0;
    apr_status_t rv = file_open(&from.in, file, &size, pool);

    *count = *written = 0;
    *error = NULL;
    if (APR_STATUS_IS_ENOENT(rv)) {
        return APR_ENOENT;
    }
    if (rv == APR_SUCCESS) {
        rv = size < HEADER_LENGTH + END_LENGTH + CP_MAC_LENGTH
             ? APR_EGENERAL : rewound(&from, size);
        if (rv == APR_SUCCESS) {
            rv = mac_check(&from, into->ring, pool);
        }
        if (rv == APR_SUCCESS) {
            rv = rewound(&from, size);
        }
        if (rv == APR_SUCCESS) {
            rv = records_get(&from, into, count, written, pool);
        }
        apr_file_close(from.in);
    }
    return rv == APR_SUCCESS ? rv : refuse(error, rv, file, pool);
}
