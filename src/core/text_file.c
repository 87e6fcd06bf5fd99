#include "text_file.h"

#include <apr_file_io.h>
#include <jansson.h>

/* jansson takes no string that is not UTF-8. */
bool cp_text_is_good(cp_span content)
{
    json_t *text = memchr(content.at, '\0', content.length)
                   ? NULL : json_stringn(content.at, content.length);
    bool good = text != NULL;

    json_decref(text);
    return good;
}

static const char *too_long(apr_size_t most, apr_pool_t *pool)
{
    apr_size_t kilobytes = most / 1024;

    return kilobytes % 1024
           ? apr_psprintf(pool, "it is longer than %" APR_SIZE_T_FMT " KB",
                          kilobytes)
           : apr_psprintf(pool, "it is longer than %" APR_SIZE_T_FMT " MB",
                          kilobytes / 1024);
}

static const char *file_open(apr_file_t **file, const char *name,
                             apr_pool_t *pool)
{
    apr_finfo_t info = { 0 };
    apr_status_t status = apr_stat(&info, name, APR_FINFO_TYPE, pool);
    char why[128];

    if (status == APR_SUCCESS && info.filetype != APR_REG) {
        return "it is no file";
    }
    if (status == APR_SUCCESS) {
        status = apr_file_open(file, name, APR_FOPEN_READ | APR_FOPEN_BINARY,
                               APR_OS_DEFAULT, pool);
    }
    return status == APR_SUCCESS ? NULL
           : apr_pstrcat(pool, "it cannot be read: ",
                         apr_strerror(status, why, sizeof(why)), NULL);
}

const char *cp_text_file_read(cp_span *content, const char *name,
                              apr_size_t most, apr_pool_t *pool)
{
    char *bytes = apr_palloc(pool, most + 1);
    apr_size_t length = 0;
    apr_file_t *file = NULL;
    const char *wrong = file_open(&file, name, pool);
    apr_status_t status;

    if (wrong) {
        return wrong;
    }
    status = apr_file_read_full(file, bytes, most + 1, &length);
    apr_file_close(file);
    if (status != APR_SUCCESS && status != APR_EOF) {
        return "it cannot be read to its end";
    }
    *content = cp_span_make(bytes, length);
    return length > most ? too_long(most, pool) : NULL;
}
