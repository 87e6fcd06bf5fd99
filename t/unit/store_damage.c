/**
 * @file store_damage.c
 * @brief Somebody writes garbage into a shard that others work on. Values may
 *        be wrong then, as whoever reads them finds by their seals; but no
 *        operation may crash, hang, or give what is none, and once it ends the
 *        shard is whole again.
 *
 * The garbage spares the lock: no program survives that of its C library.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_model.h"
#include "store_record.h"

#define SHARD_SIZE ((apr_size_t)256 * 1024)
#define RECORDS 200
#define BURST_MAX 40
#define PAUSE_MICROSECONDS 400

/* The lock is not to be spoilt. */
#define LOCK_SIZE sizeof(pthread_mutex_t)

typedef struct damage_board {
    _Atomic apr_uint64_t garbage;
    _Atomic apr_uint64_t whole;     /* loads */
    _Atomic apr_uint64_t wrong;
    _Atomic apr_uint64_t refused;   /* operations */
} damage_board;

static char *memory;
static cp_shard shard;
static damage_board *damaged;

/* What an operation may come to, and no other. */
static void answer_check(apr_status_t rv)
{
    switch (rv) {
    case APR_SUCCESS:
    case APR_NOTFOUND:
    case APR_EEXIST:
    case APR_ENOSPC:
        break;
    case CP_SHARD_DAMAGED:
    case APR_TIMEUP:
        atomic_fetch_add(&damaged->refused, 1);
        break;
    default:
        model_fail("has an answer that there is not", 0, rv);
    }
}

static void step_load(apr_uint64_t number, cp_store_record *record,
                      apr_pool_t *pool)
{
    cp_store_name name = sample_name(number);
    apr_status_t rv = cp_shard_load(&shard, &name, model_clock(), record,
                                    pool);

    answer_check(rv);
    if (rv != APR_SUCCESS) {
        return;
    }
    if (record->value.length > CP_STORE_VALUE_MAX) {
        model_fail("is longer than any", number, rv);
        return;
    }
    atomic_fetch_add(sample_whole(record->value, number) ? &damaged->whole
                                                         : &damaged->wrong,
                     1);
}

static void damage_step(model_worker *w, apr_pool_t *pool)
{
    char buffer[SAMPLE_MAX];
    apr_uint64_t number = (apr_uint64_t)rand_r(&w->seed) % RECORDS;
    cp_store_name name = sample_name(number);
    cp_store_record record = { CP_SPAN_NONE, 0, 0, 0 };
    cp_store_counts counts = { 0, 0, 0, 0, 0, 0, 0, 0 };
    apr_uint32_t now = model_clock();
    int what = rand_r(&w->seed) % 16;

    step_load(number, &record, pool);
    if (what < 9) {
        record.value = sample_value(buffer, number, model->operations,
                                    sizeof(sample_label)
                                    + (apr_size_t)rand_r(&w->seed) % 3000);
        record.expires = now + (apr_uint32_t)rand_r(&w->seed) % 10000;
        record.owner = number % 2;
        answer_check(cp_shard_save(&shard, &name, now, &record));
    }
    else if (what < 12) {
        answer_check(cp_shard_remove(&shard, &name, now));
    }
    else if (what < 15) {
        answer_check(cp_shard_touch(&shard, &name, now, now + 5000));
    }
    else {
        answer_check(cp_shard_count(&shard, now, &counts));
    }
}

/* Writes bytes, or words that look like indexes, anywhere. */
static void garbage_write(unsigned int *seed)
{
    int i, burst = rand_r(seed) % BURST_MAX;

    for (i = 0; i < burst; i++) {
        size_t at = LOCK_SIZE + (size_t)rand_r(seed)
                                % (SHARD_SIZE - LOCK_SIZE - 8);
        apr_uint32_t index = (apr_uint32_t)rand_r(seed) % shard.block_count;
        char byte = (char)rand_r(seed);

        /* The few bytes of the bookkeeping get their share. */
        if (rand_r(seed) % 16 == 0) {
            at = LOCK_SIZE + (size_t)rand_r(seed) % 128;
        }
        if (rand_r(seed) % 2) {
            memcpy(memory + (at & ~(size_t)3), &index, sizeof(index));
        }
        else {
            memory[at] = byte;
        }
    }
    atomic_fetch_add(&damaged->garbage, (apr_uint64_t)burst);
}

static pid_t vandal_start(void)
{
    pid_t child = fork();
    unsigned int seed = (unsigned int)getpid();

    if (child != 0) {
        return child;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (true) {
        garbage_write(&seed);
        usleep((useconds_t)rand_r(&seed) % PAUSE_MICROSECONDS);
    }
}

/* A repair, then each record can be read and removed, and every block used. */
static bool whole_again(apr_pool_t *pool)
{
    apr_array_header_t *entries = apr_array_make(pool, RECORDS,
                                                 sizeof(cp_store_entry));
    cp_store_counts counts = { 0, 0, 0, 0, 0, 0, 0, 0 };
    apr_uint32_t i;

    atomic_store(&shard.state->writing, 1);
    if (cp_shard_check(&shard) != APR_SUCCESS
        || cp_shard_list(&shard, 0, entries) != APR_SUCCESS) {
        return false;
    }
    for (i = 0; i < (apr_uint32_t)entries->nelts; i++) {
        const cp_store_name *name
            = &APR_ARRAY_IDX(entries, (int)i, cp_store_entry).name;
        cp_store_record record;

        if (cp_shard_load(&shard, name, 0, &record, pool) != APR_SUCCESS
            || cp_shard_remove(&shard, name, 0) != APR_SUCCESS) {
            return false;
        }
    }
    cp_shard_count(&shard, 0, &counts);
    if (counts.bytes_used || counts.anonymous || counts.owned) {
        return false;
    }
    for (i = 1; i < shard.block_count; i++) {
        cp_store_name name = sample_name(i);
        cp_store_record record = { CP_SPAN(""), APR_UINT32_MAX, 0, 1 };

        if (cp_shard_save(&shard, &name, 1, &record) != APR_SUCCESS) {
            return false;
        }
    }
    memset(&counts, 0, sizeof(counts));
    cp_shard_count(&shard, 1, &counts);
    return counts.owned == shard.block_count - 1
           && counts.bytes_used == counts.bytes_total;
}

bool damage_run(int seconds)
{
    apr_pool_t *pool;
    pid_t vandal;
    bool good;

    memory = mmap(NULL, SHARD_SIZE + sizeof(*damaged), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return false;
    }
    damaged = (void *)(memory + SHARD_SIZE);
    cp_shard_map(&shard, memory, cp_shard_blocks(SHARD_SIZE));
    if (cp_shard_format(&shard) != APR_SUCCESS) {
        return false;
    }
    vandal = vandal_start();
    good = crew_run(seconds, damage_step);
    kill(vandal, SIGKILL);
    waitpid(vandal, NULL, 0);
    printf("damaged memory: %" APR_UINT64_T_FMT " words of garbage, %"
           APR_UINT64_T_FMT " records whole, %" APR_UINT64_T_FMT " not, %"
           APR_UINT64_T_FMT " operations refused\n", damaged->garbage,
           damaged->whole, damaged->wrong, damaged->refused);
    good = good && damaged->garbage && damaged->whole;
    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    if (good && !whole_again(pool)) {
        model_fail("and the others: the shard is not whole again", 0, 0);
    }
    apr_pool_destroy(pool);
    munmap(memory, SHARD_SIZE + sizeof(*damaged));
    return good && !atomic_load(&model->failed);
}
