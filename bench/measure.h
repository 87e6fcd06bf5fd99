/**
 * @file measure.h
 * @brief What the benchmarks of the store measure with: names, a clock that
 *        counts the process's own time, the median.
 */
#ifndef CP_BENCH_MEASURE_H
#define CP_BENCH_MEASURE_H

#include <stdlib.h>
#include <time.h>

#include "store.h"

/** Spreads numbers evenly: as random as a benchmark needs, and repeatable. */
static inline apr_uint64_t cp_mix(apr_uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline cp_store_name cp_name_of(apr_uint64_t number)
{
    apr_uint64_t halves[2] = { cp_mix(number),
                               cp_mix(number ^ 0x5eed5eed5eedu) };
    cp_store_name name;

    memcpy(name.bytes, halves, sizeof(name.bytes));
    return name;
}

/** Seconds of the processor that this process has had. */
static inline double cp_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int double_compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return a < b ? -1 : a > b;
}

/** Sorts them, too. */
static inline double cp_median(double *of, int count)
{
    qsort(of, (size_t)count, sizeof(*of), double_compare);
    return of[count / 2];
}

#endif
