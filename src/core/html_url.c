#include "html_url.h"
#include "html_word.h"

static bool ends_path(char c)
{
    return c == '?' || c == '#';
}

/* Whether an absolute URL without its scheme's colon is of the page's origin.
 * Only the plainest spelling is. */
static bool authority_is_own(const cp_html_origin *own, cp_span rest)
{
    char port[8];
    apr_size_t host = strlen(own->host);
    apr_size_t at;

    if (rest.length < host + 2 || memcmp(rest.at, "//", 2)
        || strncasecmp(rest.at + 2, own->host, host)) {
        return false;
    }
    rest = cp_span_make(rest.at + 2 + host, rest.length - 2 - host);
    if (rest.length && rest.at[0] == ':') {
        int length = apr_snprintf(port, sizeof(port), ":%u",
                                  own->port);

        at = (apr_size_t)length;
        if (rest.length < at || memcmp(rest.at, port, at)) {
            return false;
        }
        rest = cp_span_make(rest.at + at, rest.length - at);
    }
    else if (own->port
             != (strcmp(own->scheme, "https") ? 80u : 443u)) {
        return false;
    }
    return rest.length == 0 || rest.at[0] == '/' || ends_path(rest.at[0]);
}

bool cp_html_url_is_own(const cp_html_origin *own, cp_span url,
                        bool relative_is_own)
{
    apr_size_t scheme = strlen(own->scheme);
    apr_size_t path;

    while (url.length && cp_html_is_space(url.at[0])) {
        url.at++;
        url.length--;
    }
    while (url.length && cp_html_is_space(url.at[url.length - 1])) {
        url.length--;
    }
    path = 0;
    while (path < url.length && !ends_path(url.at[path])) {
        unsigned char c = (unsigned char)url.at[path++];

        if (c <= ' ' || c == '\\' || c == '&' || c == '\x7f') {
            return false;
        }
    }
    if (url.length > scheme && url.at[scheme] == ':'
        && strncasecmp(url.at, own->scheme, scheme) == 0) {
        return authority_is_own(own, cp_span_make(url.at + scheme + 1,
                                                   url.length - scheme - 1));
    }
    if (url.length >= 2 && memcmp(url.at, "//", 2) == 0) {
        return authority_is_own(own, url);
    }
    /* A colon in the first segment may end a scheme. */
    for (apr_size_t i = 0; i < path && url.at[i] != '/'; i++) {
        if (url.at[i] == ':') {
            return false;
        }
    }
    return relative_is_own;
}
