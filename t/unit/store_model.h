/**
 * @file store_model.h
 * @brief What must be in a store that many workers write to at once, and the
 *        operations that compare it with what is.
 *
 * Each worker has some records that it alone writes, and all of them write a
 * few together. What is known of a record lies in memory that all share, and
 * says what is under way as well as what was done: so the next one knows what
 * a killed worker may have left, and anything else is a deviation.
 */
#ifndef STORE_MODEL_H
#define STORE_MODEL_H

#include <stdatomic.h>
#include <stdio.h>

#include "store_sample.h"

#define MODEL_WORKERS_MAX 64
#define MODEL_RECORDS 60            /* of one worker */
#define MODEL_CONTENDED 8           /* of all together */

/** What a worker knows of a record; version 0: it is not there. */
typedef struct model_record {
    _Atomic apr_uint64_t version;
    _Atomic apr_uint64_t under_way;
    _Atomic apr_uint32_t expires;
    _Atomic apr_uint32_t expires_under_way;
    apr_uint64_t last;
} model_record;

/** What all processes share. */
typedef struct model_board {
    model_record of[MODEL_WORKERS_MAX][MODEL_RECORDS];
    _Atomic apr_uint64_t contended[MODEL_CONTENDED];    /* saves that passed */
    _Atomic apr_uint64_t conflicts; /* saves that were refused as stale */
    _Atomic apr_uint64_t operations;
    _Atomic apr_uint64_t started[MODEL_WORKERS_MAX];    /* by one process */
    _Atomic apr_uint64_t expired;   /* in the segment that is in use */
    _Atomic apr_uint64_t in_flight; /* operations that a death may have cut */
    _Atomic apr_uint64_t death[MODEL_WORKERS_MAX];  /* of one process, when */
    _Atomic apr_uint64_t longest;   /* step, in nanoseconds */
    _Atomic apr_uint64_t longest_after_death;   /* its rest from then on */
    _Atomic apr_uint64_t kills;
    _Atomic apr_uint64_t repairs;   /* in segments that are gone */
    _Atomic apr_uint64_t repairs_here;
    _Atomic apr_uint32_t start;
    atomic_int stop;
    atomic_int failed;
} model_board;

typedef struct model_worker {
    int number;                     /* of all */
    int workers;                    /* how many there are */
    int process;
    unsigned int seed;
} model_worker;

extern model_board *model;
extern cp_store *model_store;

/** Makes the board, which all processes that are forked later share. */
bool model_begin(apr_uint32_t start);

/** Says what is wrong with a record, and has everything end as failed. */
void model_fail(const char *what, apr_uint64_t number, apr_status_t rv);

/** The time goes on with what is done, four operations a second. */
apr_uint32_t model_clock(void);

/** Sets the clock on to where the expiry wheel has just begun a slot: then
 *  a count reclaims all that has expired. Only while nobody works. */
void model_clock_align(void);

apr_uint64_t model_nanoseconds(void);

/** Files the records that all write, once a store. */
void model_contended_make(void);

/** One operation of a worker's, of any kind. */
void model_step(model_worker *worker, apr_pool_t *pool);

/** Compares all records of a worker's with what is known of them, and takes
 *  what was under way for what it came to. */
bool model_settle(int worker, apr_pool_t *pool);

/** As model_settle(), of all workers in a new store that the records of another
 *  were carried into: without those that had expired, and its counts begin
 *  anew. Nobody works. */
bool model_carried(int workers, apr_pool_t *pool);

/** Compares the whole store, in which nobody works: each record, and all
 *  counts to the last byte. */
bool model_check(int workers, apr_pool_t *pool);

/** Removes all records of the workers', then has each block of the store
 *  used: none is lost. */
bool model_empty(int workers, apr_pool_t *pool);

/** Has @a task done again and again, by several threads of several processes,
 *  until @a seconds are over or model->stop is set.
 *  @return whether all of them ended by themselves, and nobody failed */
bool crew_run(int seconds, void (*task)(model_worker *worker,
                                        apr_pool_t *pool));

/** The phases that have a store of their own. Each says what it did.
 *  @return whether all was well */
bool full_run(const char *file, int seconds, int workers);
bool damage_run(int seconds);

#endif
