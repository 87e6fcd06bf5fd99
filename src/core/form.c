#include "form.h"
#include "parameter.h"

static const cp_span field = { CP_FORM_FIELD, sizeof(CP_FORM_FIELD) - 1 };

/* --- application/x-www-form-urlencoded -------------------------------- */

static bool pair_is_wanted(cp_span pair)
{
    return pair.length > field.length
           && memcmp(pair.at, field.at, field.length) == 0
           && pair.at[field.length] == '=';
}

/* Each state's function looks on from form->at. @return whether it got to
 * another state; else it needs more of the body */
static bool pair_read(cp_form *form, cp_span body, bool complete)
{
    const char *from = body.at + form->at;
    const char *stop = memchr(from, '&', body.length - form->at);

    form->at = stop ? (apr_size_t)(stop - body.at) : body.length;
    if (!stop && !complete) {
        return false;
    }
    if (pair_is_wanted(cp_span_make(body.at + form->begin,
                                    form->at - form->begin))) {
        form->found = true;
        form->begin += field.length + 1;
        form->end = form->at;
    }
    if (form->found || !stop) {
        form->state = CP_FORM_END;
        return true;
    }
    form->at++;
    form->begin = form->at;
    return true;
}

/* --- multipart/form-data ---------------------------------------------- */

/* The first boundary may be the body's first line. */
static bool begin_read(cp_form *form, cp_span body)
{
    apr_size_t length = form->delimiter_length - 2;

    if (body.length < length) {
        return false;
    }
    form->state = CP_FORM_DATA;
    if (memcmp(body.at, form->delimiter + 2, length) == 0) {
        form->state = CP_FORM_BOUNDARY;
        form->at = length;
    }
    return true;
}

static bool data_read(cp_form *form, cp_span body)
{
    while (form->at < body.length) {
        apr_size_t rest = body.length - form->at;
        const char *stop = memchr(body.at + form->at, '\r', rest);

        if (!stop) {
            form->at = body.length;
            break;
        }
        form->at = (apr_size_t)(stop - body.at);
        rest = body.length - form->at;
        if (memcmp(stop, form->delimiter, rest < form->delimiter_length
                                          ? rest : form->delimiter_length)) {
            form->at++;
            continue;
        }
        if (rest < form->delimiter_length) {
            break;
        }
        form->end = form->at;
        form->at += form->delimiter_length;
        form->state = CP_FORM_BOUNDARY;
        return true;
    }
    return false;
}

/* The data ended: that of the field, or another's. */
static void part_end(cp_form *form, cp_form_state state)
{
    form->found = form->wanted;
    form->state = form->found ? CP_FORM_END : state;
    if (!form->found) {
        form->begin = form->at;
        form->disposed = false;
    }
}

static bool boundary_read(cp_form *form, cp_span body)
{
    if (body.length - form->at < 2) {
        return false;
    }
    form->state = CP_FORM_PADDING;
    if (memcmp(body.at + form->at, "--", 2) == 0) {
        part_end(form, CP_FORM_END);
    }
    return true;
}

/* With something else on its line it was none. */
static bool padding_read(cp_form *form, cp_span body)
{
    while (form->at < body.length && cp_is_blank(body.at[form->at])) {
        form->at++;
    }
    if (body.length - form->at < 2) {
        return false;
    }
    form->state = CP_FORM_DATA;
    if (memcmp(body.at + form->at, "\r\n", 2) == 0) {
        form->at += 2;
        part_end(form, CP_FORM_HEADERS);
    }
    return true;
}

static void header_read(cp_form *form, cp_span line)
{
    static const char name[] = "Content-Disposition";
    const char *colon = memchr(line.at, ':', line.length);
    cp_span left, value, parameters;

    if (!colon || form->disposed) {
        return;
    }
    left = cp_span_make(line.at, (apr_size_t)(colon - line.at));
    if (!cp_value_is(left, name, &parameters) || parameters.length) {
        return;
    }
    value = cp_span_make(colon + 1, line.length - left.length - 1);
    form->disposed = true;
    form->wanted = cp_value_is(value, "form-data", &parameters)
                   && cp_span_equal(cp_parameter_find(parameters, "name"),
                                    field)
                   && !cp_parameter_find(parameters, "filename").at
                   && !cp_parameter_find(parameters, "filename*").at;
}

static bool headers_read(cp_form *form, cp_span body)
{
    while (form->at < body.length) {
        apr_size_t rest = body.length - form->at;
        const char *stop = memchr(body.at + form->at, '\r', rest);

        form->at = stop ? (apr_size_t)(stop - body.at) : body.length;
        rest = body.length - form->at;
        if (rest < 2) {
            break;
        }
        if (stop[1] != '\n') {
            form->at++;
        }
        else if (form->at == form->begin) {
            /* The boundary may follow at once, with this line end. */
            form->begin += 2;
            form->state = CP_FORM_DATA;
            return true;
        }
        else if (rest < 3) {
            break;
        }
        else if (cp_is_blank(stop[2])) {
            form->at += 3;      /* folded */
        }
        else {
            header_read(form, cp_span_make(body.at + form->begin,
                                           form->at - form->begin));
            form->at += 2;
            form->begin = form->at;
        }
    }
    return false;
}

/* --- The search ------------------------------------------------------- */

/* @return whether the boundary is one that can stand at a line's begin */
static bool delimiter_set(cp_form *form, cp_span boundary)
{
    if (!boundary.length || boundary.length > CP_FORM_BOUNDARY_MAX) {
        return false;
    }
    for (apr_size_t i = 0; i < boundary.length; i++) {
        char c = boundary.at[i];

        if (c < ' ' || c > '~' || c == '"' || c == '\\') {
            return false;
        }
    }
    memcpy(form->delimiter, "\r\n--", 4);
    memcpy(form->delimiter + 4, boundary.at, boundary.length);
    form->delimiter_length = 4 + boundary.length;
    return boundary.at[boundary.length - 1] != ' ';
}

bool cp_form_begin(cp_form *form, cp_span content_type)
{
    cp_span parameters;

    memset(form, 0, sizeof(*form));
    if (!content_type.at) {
        return false;
    }
    if (cp_value_is(content_type, "application/x-www-form-urlencoded",
                    &parameters)) {
        form->state = CP_FORM_PAIR;
        return true;
    }
    form->state = CP_FORM_BEGIN;
    return cp_value_is(content_type, "multipart/form-data", &parameters)
           && delimiter_set(form, cp_parameter_find(parameters, "boundary"));
}

static bool state_read(cp_form *form, cp_span body, bool complete)
{
    switch (form->state) {
    case CP_FORM_PAIR:
        return pair_read(form, body, complete);
    case CP_FORM_BEGIN:
        return begin_read(form, body);
    case CP_FORM_DATA:
        return data_read(form, body);
    case CP_FORM_BOUNDARY:
        return boundary_read(form, body);
    case CP_FORM_PADDING:
        return padding_read(form, body);
    case CP_FORM_HEADERS:
        return headers_read(form, body);
    default:
        return false;
    }
}

cp_form_result cp_form_search(cp_form *form, cp_span body, bool complete,
                              cp_span *token)
{
    while (state_read(form, body, complete)) {
        /* on to what comes next */
    }
    if (form->found) {
        *token = cp_span_make(body.at + form->begin,
                              form->end > form->begin
                              ? form->end - form->begin : 0);
        return CP_FORM_FOUND;
    }
    return complete || form->state == CP_FORM_END ? CP_FORM_WITHOUT
                                                  : CP_FORM_MORE;
}
