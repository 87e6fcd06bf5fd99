/**
 * @file form.h
 * @brief The token out of a form's body, as far as the body has come.
 *
 * Two types are searched: application/x-www-form-urlencoded, and
 * multipart/form-data (RFC 7578 and 2046). A search goes on where it stopped,
 * so that it takes linear time however the body comes.
 */
#ifndef CP_FORM_H
#define CP_FORM_H

#include "span.h"

/** As much of a body is looked at, in bytes. */
#define CP_FORM_WINDOW (64 * 1024)

/** The name of the field, as Django's. */
#define CP_FORM_FIELD "csrfmiddlewaretoken"

/** As long is a boundary at most (RFC 2046, section 5.1.1). */
#define CP_FORM_BOUNDARY_MAX 70

typedef enum cp_form_result {
    CP_FORM_MORE,               /* what comes may have it */
    CP_FORM_FOUND,
    CP_FORM_WITHOUT             /* it is not there, and will not come */
} cp_form_result;

/** What a search looks for next. */
typedef enum cp_form_state {
    CP_FORM_PAIR,               /* of an urlencoded body */
    CP_FORM_BEGIN,              /* a boundary with no line before it */
    CP_FORM_DATA,               /* the boundary behind data */
    CP_FORM_BOUNDARY,           /* whether it is the last one */
    CP_FORM_PADDING,            /* the end of its line */
    CP_FORM_HEADERS,            /* the end of a part's headers */
    CP_FORM_END
} cp_form_state;

typedef struct cp_form {
    cp_form_state state;
    char delimiter[4 + CP_FORM_BOUNDARY_MAX];   /* line end, --, boundary */
    apr_size_t delimiter_length;
    apr_size_t at;              /* so much has been looked at */
    apr_size_t begin;           /* of the pair, header or value */
    apr_size_t end;             /* of the value */
    bool disposed;              /* the part's Content-Disposition was there */
    bool wanted;                /* and names the field */
    bool found;
} cp_form;

/**
 * Begins a search.
 * @return whether a body of this Content-Type can be searched; one of type
 *         multipart/form-data without a boundary cannot
 */
bool cp_form_begin(cp_form *form, cp_span content_type);

/**
 * Goes on with it. The field must be there whole, with the `&` or boundary
 * behind it, or at the end of an urlencoded body that is complete; of several
 * the first counts. A part with a file name is no field.
 * @param body      the body from its beginning on, as far as it is known; at
 *                  least what it was the last time, at whichever address
 * @param complete  whether that is all of it
 * @param token     gets the value; it points into the body and may be empty
 */
cp_form_result cp_form_search(cp_form *form, cp_span body, bool complete,
                              cp_span *token);

#endif
