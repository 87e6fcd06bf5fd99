#include "form_data.h"

#include <http_protocol.h>
#include <util_filter.h>
#include <apr_strings.h>
#include <jansson.h>

#define FIELDS_MAX 100

bool cp_form_data_is_json(const request_rec *r)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");

    return type && strncasecmp(type, "application/json", 16) == 0
           && (type[16] == '\0' || strchr("; \t", type[16]));
}

static const char *pair_text(const ap_form_pair_t *pair, apr_pool_t *pool)
{
    apr_off_t length = 0;
    char *text;
    apr_size_t size;

    apr_brigade_length(pair->value, 1, &length);
    size = (apr_size_t)length;
    text = apr_palloc(pool, size + 1);
    apr_brigade_flatten(pair->value, text, &size);
    text[size] = '\0';
    return text;
}

static int urlencoded_read(cp_form_data *form, request_rec *r)
{
    apr_array_header_t *pairs = NULL;
    int status = ap_parse_form_data(r, NULL, &pairs, FIELDS_MAX,
                                    CP_FORM_DATA_MAX);

    for (int i = 0; status == OK && pairs && i < pairs->nelts; i++) {
        const ap_form_pair_t *pair = &APR_ARRAY_IDX(pairs, i,
                                                    ap_form_pair_t);

        apr_table_addn(form->values, pair->name, pair_text(pair, r->pool));
    }
    return status;
}

static void value_add(cp_form_data *form, request_rec *r, const char *name,
                      const json_t *value)
{
    /* A string with NUL inside would end there for us and not for others. */
    if (json_is_string(value)
        && strlen(json_string_value(value)) == json_string_length(value)) {
        apr_table_add(form->values, apr_pstrdup(r->pool, name),
                      json_string_value(value));
    }
}

static int json_read(cp_form_data *form, request_rec *r)
{
    apr_bucket_brigade *body = apr_brigade_create(
        r->pool, r->connection->bucket_alloc);
    char text[CP_FORM_DATA_MAX + 1];
    apr_size_t length = 0;
    json_t *object;
    const char *name;
    json_t *value;
    bool complete = false;

    while (!complete) {
        apr_size_t space = sizeof(text) - length;
        apr_status_t status = ap_get_brigade(r->input_filters, body,
                                             AP_MODE_READBYTES,
                                             APR_BLOCK_READ,
                                             (apr_off_t)space);

        if (status != APR_SUCCESS) {
            return ap_map_http_request_error(status, HTTP_BAD_REQUEST);
        }
        complete = APR_BRIGADE_EMPTY(body)
                   || APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(body));
        apr_brigade_flatten(body, text + length, &space);
        apr_brigade_cleanup(body);
        length += space;
        if (length > CP_FORM_DATA_MAX) {
            return HTTP_REQUEST_ENTITY_TOO_LARGE;
        }
    }
    object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return HTTP_BAD_REQUEST;
    }
    json_object_foreach(object, name, value) {
        size_t i;
        json_t *element;

        value_add(form, r, name, value);
        json_array_foreach(value, i, element) {
            value_add(form, r, name, element);
        }
    }
    json_decref(object);
    return OK;
}

int cp_form_data_read(const cp_form_data **form, request_rec *r)
{
    cp_form_data *read = apr_pcalloc(r->pool, sizeof(*read));

    read->values = apr_table_make(r->pool, 8);
    *form = read;
    if (!ap_request_has_body(r)) {
        return OK;
    }
    read->json = cp_form_data_is_json(r);
    return read->json ? json_read(read, r) : urlencoded_read(read, r);
}

const char *cp_form_data_get(const cp_form_data *form, const char *name)
{
    return apr_table_get(form->values, name);
}

typedef struct search {
    const char *value;
    bool found;
} search;

static int value_compare(void *data, const char *name, const char *value)
{
    search *wanted = data;

    (void)name;
    wanted->found = wanted->found || strcmp(value, wanted->value) == 0;
    return 1;
}

bool cp_form_data_has(const cp_form_data *form, const char *name,
                      const char *value)
{
    search wanted = { value, false };

    apr_table_do(value_compare, &wanted, form->values, name, NULL);
    return wanted.found;
}
