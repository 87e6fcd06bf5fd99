#include "form.h"

bool cp_form_token(cp_span body, bool complete, cp_span *token)
{
    static const cp_span key = { CP_FORM_FIELD "=",
                                 sizeof(CP_FORM_FIELD "=") - 1 };

    while (body.length) {
        const char *end = memchr(body.at, '&', body.length);
        apr_size_t length = end ? (apr_size_t)(end - body.at) : body.length;

        if (length >= key.length && memcmp(body.at, key.at, key.length) == 0
            && (end || complete)) {
            *token = cp_span_make(body.at + key.length, length - key.length);
            return true;
        }
        length += end != NULL;
        body.at += length;
        body.length -= length;
    }
    return false;
}
