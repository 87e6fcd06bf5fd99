/**
 * @file store_sample.h
 * @brief Records for the tests of the store whose values tell what they are:
 *        a torn or misplaced one is noticed.
 */
#ifndef STORE_SAMPLE_H
#define STORE_SAMPLE_H

#include "store.h"

#define SAMPLE_MAX CP_STORE_VALUE_MAX

/** What a value of at least this size begins with. */
typedef struct sample_label {
    apr_uint64_t number;
    apr_uint64_t version;
    apr_uint64_t length;
} sample_label;

static inline apr_uint64_t sample_mix(apr_uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/** The name of record @a number. */
static inline cp_store_name sample_name(apr_uint64_t number)
{
    apr_uint64_t halves[2] = { sample_mix(number),
                               sample_mix(number ^ 0x5eed5eed5eedu) };
    cp_store_name name;

    memcpy(name.bytes, halves, sizeof(name.bytes));
    return name;
}

/** The value of @a length bytes that a record has in a version: its label,
 *  then bytes that follow from it. */
static inline cp_span sample_value(char *buffer, apr_uint64_t number,
                                   apr_uint64_t version, apr_size_t length)
{
    sample_label label = { number, version, length };
    apr_uint64_t state = sample_mix(number * 31 + version) ^ length;
    apr_size_t at = length < sizeof(label) ? length : sizeof(label);
    apr_size_t part;

    memcpy(buffer, &label, at);
    for (; at < length; at += part) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        part = length - at < sizeof(state) ? length - at : sizeof(state);
        memcpy(buffer + at, &state, part);
    }
    return cp_span_make(buffer, length);
}

/** Whether @a value is exactly that. */
static inline bool sample_matches(cp_span value, apr_uint64_t number,
                                  apr_uint64_t version, apr_size_t length)
{
    char buffer[SAMPLE_MAX];

    return cp_span_equal(value, sample_value(buffer, number, version, length));
}

/** Whether @a value is some version of record @a number, whole. */
static inline bool sample_whole(cp_span value, apr_uint64_t number)
{
    sample_label label;

    if (value.length < sizeof(label) || value.length > SAMPLE_MAX) {
        return false;
    }
    memcpy(&label, value.at, sizeof(label));
    return label.number == number && label.length == value.length
           && sample_matches(value, number, label.version, value.length);
}

#endif
