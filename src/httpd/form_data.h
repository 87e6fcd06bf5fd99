/**
 * @file form_data.h
 * @brief What was sent to one of our pages: a form, or a JSON object.
 */
#ifndef CP_FORM_DATA_H
#define CP_FORM_DATA_H

#include "config.h"

#include <apr_tables.h>

/** Longer bodies are refused, in bytes. */
#define CP_FORM_DATA_MAX (16 * 1024)

/** Names and values, as often as they were sent. */
typedef struct cp_form_data {
    apr_table_t *values;
    bool json;                  /* they came as a JSON object */
} cp_form_data;

/** Whether the request says that its body is JSON. */
bool cp_form_data_is_json(const request_rec *r);

/**
 * Reads the request's body. Of a JSON object strings count, and each string
 * of an array; other types of content give an empty form.
 * @return OK; HTTP_REQUEST_ENTITY_TOO_LARGE; or HTTP_BAD_REQUEST for bad JSON
 */
int cp_form_data_read(const cp_form_data **form, request_rec *r);

/** The first value of that name, or NULL. */
const char *cp_form_data_get(const cp_form_data *form, const char *name);

bool cp_form_data_has(const cp_form_data *form, const char *name,
                      const char *value);

#endif
