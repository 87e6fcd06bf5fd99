#include "cookie_date.h"

#include <apr_lib.h>

#define FIRST_YEAR 1601

typedef struct found_date {
    bool time, day, month, year;
    apr_time_exp_t parts;
} found_date;

static bool is_delimiter(unsigned char c)
{
    return c == '\t' || (c >= 0x20 && c <= 0x2f) || (c >= 0x3b && c <= 0x40)
           || (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
}

/* A number of so many digits at least and at most, with no digit after it. */
static bool number_take(cp_span *rest, int least, int most, int *number)
{
    int digits = 0;

    *number = 0;
    while (rest->length && apr_isdigit(rest->at[0]) && digits <= most) {
        *number = *number * 10 + (rest->at[0] - '0');
        rest->at++;
        rest->length--;
        digits++;
    }
    return digits >= least && digits <= most;
}

static bool time_read(cp_span token, apr_time_exp_t *parts)
{
    int *const fields[] = { &parts->tm_hour, &parts->tm_min,
                            &parts->tm_sec };

    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            if (token.length == 0 || token.at[0] != ':') {
                return false;
            }
            token.at++;
            token.length--;
        }
        if (!number_take(&token, 1, 2, fields[i])) {
            return false;
        }
    }
    return true;
}

static bool month_read(cp_span token, int *month)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    if (token.length < 3) {
        return false;
    }
    for (int i = 0; i < 12; i++) {
        if (strncasecmp(months + 3 * i, token.at, 3) == 0) {
            *month = i;
            return true;
        }
    }
    return false;
}

/* Each part is taken from the first token that can be it. */
static void token_read(cp_span token, found_date *date)
{
    apr_time_exp_t parts = date->parts;
    cp_span rest = token;
    int number;

    if (!date->time && time_read(token, &parts)) {
        date->parts = parts;
        date->time = true;
    }
    else if (!date->day && number_take(&rest, 1, 2, &number)) {
        date->parts.tm_mday = number;
        date->day = true;
    }
    else if (!date->month && month_read(token, &number)) {
        date->parts.tm_mon = number;
        date->month = true;
    }
    else if (rest = token,
             !date->year && number_take(&rest, 2, 4, &number)) {
        date->parts.tm_year = number >= 70 && number <= 99 ? number + 1900
                              : number <= 69 ? number + 2000 : number;
        date->year = true;
    }
}

static int days_in(int month, int year)
{
    static const int days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };
    bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;

    return days[month] + (month == 1 && leap);
}

bool cp_cookie_date_read(cp_span text, apr_time_t *seconds)
{
    found_date date = { .time = false };
    apr_time_exp_t *parts = &date.parts;
    apr_time_t time = 0;

    for (apr_size_t i = 0; i < text.length;) {
        apr_size_t begin = i;

        while (i < text.length && !is_delimiter((unsigned char)text.at[i])) {
            i++;
        }
        if (i > begin) {
            token_read(cp_span_make(text.at + begin, i - begin), &date);
        }
        else {
            i++;
        }
    }
    if (!date.time || !date.day || !date.month || !date.year
        || parts->tm_mday < 1
        || parts->tm_mday > days_in(parts->tm_mon, parts->tm_year)
        || parts->tm_year < FIRST_YEAR || parts->tm_hour > 23
        || parts->tm_min > 59 || parts->tm_sec > 59) {
        return false;
    }
    parts->tm_year -= 1900;
    if (parts->tm_year < 70) {
        *seconds = -1;          /* before the epoch: past in any case */
        return true;
    }
    if (apr_time_exp_gmt_get(&time, parts) != APR_SUCCESS) {
        return false;
    }
    *seconds = apr_time_sec(time);
    return true;
}

/* Letters alone, digits alone, or three numbers joined by colons; counted. */
static bool token_is_plain(cp_span token, int *numbers, int *times)
{
    apr_time_exp_t ignored;
    bool letters = true;
    bool digits = true;
    int colons = 0;

    for (apr_size_t i = 0; i < token.length; i++) {
        letters = letters && apr_isalpha(token.at[i]);
        colons += token.at[i] == ':';
        digits = digits && (apr_isdigit(token.at[i]) || token.at[i] == ':');
    }
    if (letters) {
        return true;
    }
    *numbers += colons == 0;
    *times += colons == 2;
    return digits && (colons == 0
                      || (colons == 2 && time_read(token, &ignored)));
}

bool cp_cookie_date_is_plain(cp_span text)
{
    int numbers = 0;
    int times = 0;

    for (apr_size_t i = 0; i < text.length;) {
        apr_size_t begin = i;

        while (i < text.length && !is_delimiter((unsigned char)text.at[i])) {
            i++;
        }
        if (!token_is_plain(cp_span_make(text.at + begin, i - begin),
                            &numbers, &times)) {
            return false;
        }
        i += i == begin;
    }
    return numbers == 2 && times == 1;
}
