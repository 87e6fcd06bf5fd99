#include "document.h"

#include <util_filter.h>

/* --- Types ------------------------------------------------------------ */

/* Whether a type is that one, whatever its parameters are. Mostly it is
 * written as it always is, which is soon seen. */
static inline bool type_is(const char *type, const char *name)
{
    size_t length = strlen(name);

    return (strncmp(type, name, length) == 0
            || strncasecmp(type, name, length) == 0)
           && (!type[length] || strchr("; \t", type[length]));
}

cp_markup cp_document_markup(const request_rec *r)
{
    const char *type = r->content_type;

    if (!type) {
        return CP_MARKUP_NONE;
    }
    if (type_is(type, "text/html")) {
        return CP_MARKUP_HTML;
    }
    return type_is(type, "application/xhtml+xml") ? CP_MARKUP_XML
                                                  : CP_MARKUP_NONE;
}

bool cp_is_document(const request_rec *r)
{
    return cp_document_markup(r) != CP_MARKUP_NONE
           && (!ap_is_HTTP_REDIRECT(r->status)
               || r->status == HTTP_NOT_MODIFIED);
}

/* --- Bytes ------------------------------------------------------------ */

/* Whether the bytes of ASCII mean in a charset what they mean in ASCII. */
static bool is_superset(const char *charset)
{
    static const char *const others[] = {
        "utf-16", "utf16", "utf-32", "utf32", "utf-7", "ucs-", "iso-10646",
        "csucs", "unicode", "iso-2022", "csiso2022", "hz-gb", "x-imap",
        "ebcdic", "ibm0", "ibm5", "ibm1", "cp0", "cp5", "cp10", NULL
    };

    for (int i = 0; others[i]; i++) {
        if (strncasecmp(charset, others[i], strlen(others[i])) == 0) {
            return false;
        }
    }
    return true;
}

/* A type without parameters names no charset. */
static bool has_wide_charset(const char *type)
{
    const char *charset = strchr(type, ';') ? ap_strcasestr(type, "charset=")
                                            : NULL;

    if (!charset) {
        return false;
    }
    charset += strlen("charset=");
    charset += strspn(charset, "\"' ");
    return !is_superset(charset);
}

bool cp_document_is_readable(const request_rec *r,
                             const cp_page_fields *fields)
{
    return !ap_is_HTTP_REDIRECT(r->status)
           && r->status != HTTP_PARTIAL_CONTENT && !r->content_encoding
           && !fields->encoding && !has_wide_charset(r->content_type);
}

bool cp_document_begins_wide(apr_bucket_brigade *in)
{
    const char *text = NULL;
    apr_size_t length = 0;

    for (apr_bucket *bucket = APR_BRIGADE_FIRST(in);
         bucket != APR_BRIGADE_SENTINEL(in);
         bucket = APR_BUCKET_NEXT(bucket)) {
        if (APR_BUCKET_IS_METADATA(bucket)) {
            continue;
        }
        if (apr_bucket_read(bucket, &text, &length, APR_BLOCK_READ)
            != APR_SUCCESS || length) {
            break;
        }
    }
    return length >= 2
           && (memchr(text, '\0', length < 4 ? length : 4)
               || memcmp(text, "\xfe\xff", 2) == 0
               || memcmp(text, "\xff\xfe", 2) == 0);
}
