/**
 * @file store_segment.c
 * @brief A named segment of APR shared memory that is ours alone, and whose
 *        pages are there.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* O_NOFOLLOW, getline */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "store_segment.h"

/* Where the C library keeps what shm_open() makes. */
#define SHM_DIRECTORY "/dev/shm"

#define MAPS "/proc/self/maps"

/* What may be said of the mode of a segment: nothing to group and others. */
#define MODE_MASK (S_IRWXG | S_IRWXO)

/* Nothing is ever mapped below. */
#define LOWEST_ADDRESS 4096

#define MEGABYTE (1024 * 1024)

/* What the kernel says of the mapping at an address. */
typedef struct mapping {
    apr_uint64_t size;          /* from the address to the mapping's end */
    apr_uint64_t offset;        /* of the address in the file */
    unsigned int major;
    unsigned int minor;
    apr_uint64_t inode;
    const char *path;
} mapping;

/* Reads one line of /proc/self/maps; says whether it covers @a address. */
static bool mapping_parse(mapping *found, uintptr_t address, char *line,
                          apr_pool_t *pool)
{
    unsigned long long start, end, offset, inode;
    int path = 0;

    if (sscanf(line, "%llx-%llx %*s %llx %x:%x %llu %n", &start, &end,
               &offset, &found->major, &found->minor, &inode, &path) < 6
        || address < start || address >= end || path == 0) {
        return false;
    }
    found->size = end - address;
    found->offset = offset + (address - start);
    found->inode = inode;
    line[strcspn(line, "\n")] = '\0';
    found->path = apr_pstrdup(pool, line + path);
    return true;
}

static apr_status_t mapping_find(mapping *found, const void *at,
                                 const char **error, apr_pool_t *pool)
{
    FILE *maps = fopen(MAPS, "re");
    apr_status_t rv = APR_ENOENT;
    char *line = NULL;
    size_t room = 0;

    if (!maps) {
        rv = errno;
        *error = "cannot read " MAPS ", which is needed to check who may open"
                 " the shared memory: mount /proc";
        return rv;
    }
    while (rv != APR_SUCCESS && getline(&line, &room, maps) > 0) {
        if (mapping_parse(found, (uintptr_t)at, line, pool)) {
            rv = APR_SUCCESS;
        }
    }
    free(line);
    fclose(maps);
    if (rv != APR_SUCCESS) {
        *error = "the shared memory is not listed in " MAPS;
    }
    return rv;
}

/* Opens the file of a mapping; -1 if another file has its name by now, or it
 * never had one. */
static int mapping_open(const mapping *of, struct stat *status)
{
    int file = open(of->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

    if (file < 0) {
        return -1;
    }
    if (fstat(file, status) != 0 || !S_ISREG(status->st_mode)
        || status->st_ino != of->inode
        || major(status->st_dev) != of->major
        || minor(status->st_dev) != of->minor) {
        close(file);
        return -1;
    }
    return file;
}

static apr_status_t owner_check(const struct stat *status, const char *path,
                                const char **error, apr_pool_t *pool)
{
    if (status->st_uid == geteuid() && !(status->st_mode & MODE_MASK)) {
        return APR_SUCCESS;
    }
    *error = apr_psprintf(pool, "the shared memory %s belongs to user %lu and"
                          " has mode %03o, but should belong to user %lu and"
                          " have mode 600: if it is not in use, remove it",
                          path, (unsigned long)status->st_uid,
                          (unsigned int)(status->st_mode & 0777),
                          (unsigned long)geteuid());
    return APR_EACCES;
}

/* Finds, opens and checks the file behind a segment, and its size. */
static apr_status_t segment_open(cp_segment *segment, int *file,
                                 const char **error, apr_pool_t *pool)
{
    struct stat status;
    mapping of;
    apr_status_t rv;

    rv = mapping_find(&of, segment->memory, error, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    segment->path = of.path;
    *file = mapping_open(&of, &status);
    if (*file < 0) {
        *error = apr_psprintf(pool, "the file %s, which is behind the shared"
                              " memory, cannot be opened or is another one by"
                              " now", of.path);
        return APR_EACCES;
    }
    rv = owner_check(&status, of.path, error, pool);
    if (rv == APR_SUCCESS
        && (segment->size > of.size
            || (apr_uint64_t)status.st_size < of.offset + segment->size)) {
        *error = apr_psprintf(pool, "the shared memory %s is shorter than it"
                              " says", of.path);
        rv = APR_EOF;
    }
    if (rv != APR_SUCCESS) {
        close(*file);
    }
    return rv;
}

static void segment_describe(cp_segment *segment, apr_shm_t *shm)
{
    segment->shm = shm;
    segment->memory = apr_shm_baseaddr_get(shm);
    segment->size = apr_shm_size_get(shm);
    segment->path = NULL;
}

apr_status_t cp_segment_attach(cp_segment *segment, const char *file,
                               const char **error, apr_pool_t *pool)
{
    apr_shm_t *shm;
    int opened;
    apr_status_t rv = apr_shm_attach(&shm, file, pool);

    if (APR_STATUS_IS_ENOENT(rv)) {
        return APR_ENOENT;
    }
    if (rv != APR_SUCCESS) {
        *error = apr_psprintf(pool, "the shared memory for %s cannot be"
                              " attached to", file);
        return rv;
    }
    segment_describe(segment, shm);
    /* APR takes a failed mmap() for a success and counts on from -1. */
    if ((uintptr_t)segment->memory < LOWEST_ADDRESS) {
        *error = apr_psprintf(pool, "the shared memory for %s cannot be"
                              " mapped", file);
        apr_shm_detach(shm);
        return APR_EOF;
    }
    rv = segment_open(segment, &opened, error, pool);
    if (rv != APR_SUCCESS) {
        apr_shm_detach(shm);
        return rv;
    }
    close(opened);
    return APR_SUCCESS;
}

static apr_status_t no_room(const char *file, apr_size_t size,
                            const char **error, apr_pool_t *pool)
{
    struct statvfs status;
    apr_uint64_t available = 0;

    if (statvfs(SHM_DIRECTORY, &status) == 0) {
        available = (apr_uint64_t)status.f_bavail * status.f_frsize;
    }
    *error = apr_psprintf(pool, "%s needs %" APR_SIZE_T_FMT " MB of shared"
                          " memory and " SHM_DIRECTORY " has %" APR_UINT64_T_FMT
                          " MB left: ask for less, or make " SHM_DIRECTORY
                          " larger (mount -o remount,size=...)", file,
                          size / MEGABYTE + (size % MEGABYTE != 0),
                          available / MEGABYTE);
    return APR_ENOSPC;
}

/* APR writes one word into a new segment, which is SIGBUS where not even that
 * has room. */
static bool room_known_short(apr_size_t size)
{
    struct statvfs status;

    return statvfs(SHM_DIRECTORY, &status) == 0 && status.f_blocks != 0
           && (apr_uint64_t)status.f_bavail * status.f_frsize <= size;
}

static apr_status_t segment_reserve(int file)
{
    struct stat status;
    int rv;

    if (fstat(file, &status) != 0) {
        return errno;
    }
    do {
        rv = posix_fallocate(file, 0, status.st_size);
    } while (rv == EINTR);
    return rv;
}

apr_status_t cp_segment_create(cp_segment *segment, const char *file,
                               apr_size_t size, const char **error,
                               apr_pool_t *pool)
{
    apr_shm_t *shm;
    mode_t umask_before;
    int opened;
    apr_status_t rv;

    if (room_known_short(size)) {
        return no_room(file, size, error, pool);
    }
    /* APR asks for mode 0644, and a file that was open to all for an instant
     * stays open to whoever was quick. */
    umask_before = umask(MODE_MASK);
    rv = apr_shm_create(&shm, size, file, pool);
    umask(umask_before);
    if (APR_STATUS_IS_ENOSPC(rv) || APR_STATUS_IS_ENOMEM(rv)) {
        return no_room(file, size, error, pool);
    }
    if (rv != APR_SUCCESS) {
        *error = apr_psprintf(pool, "the shared memory for %s cannot be made",
                              file);
        return rv;
    }
    segment_describe(segment, shm);
    rv = segment_open(segment, &opened, error, pool);
    if (rv == APR_SUCCESS) {
        rv = segment_reserve(opened);
        close(opened);
        if (rv != APR_SUCCESS) {
            *error = apr_psprintf(pool, "the memory for %s cannot be"
                                  " reserved", file);
        }
        if (APR_STATUS_IS_ENOSPC(rv) || APR_STATUS_IS_ENOMEM(rv)) {
            rv = no_room(file, size, error, pool);
        }
    }
    if (rv != APR_SUCCESS) {
        apr_shm_destroy(shm);
    }
    return rv;
}
