/**
 * @file store_stress.c
 * @brief Several processes and threads work on one store in shared memory, and
 *        each compares what it finds with what it knows must be there.
 *
 *     store_stress [--seconds N] [--processes P] [--threads T] [--kill]
 *
 * Some rounds are worked in turn, each by processes of its own; between them
 * the store is opened anew, mostly with another size. Then follow a store that
 * is full, and one whose memory somebody else damages.
 *
 * With --kill there are rounds only, in which workers are killed at random
 * instants and replaced, and at the end of some rounds all of them at once,
 * with their parent: what was under way then must be done or not done, and
 * nothing else changed. Exits with 1 on any deviation, or when too few were
 * killed, or too few shards repaired after it, to have shown anything.
 */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_shm.h>

#include "store_model.h"
#include "store_shm.h"

#define ROUND_SECONDS 2
#define SECONDS_MIN 4           /* four phases */
#define MEGABYTE ((apr_size_t)1024 * 1024)

/* Of 100 kills, some tens hit a writer that holds a lock. */
#define KILLS_MIN 1000u
#define REPAIRS_MIN 50u

/* A busy machine gets so much more time to come that far. */
#define PATIENCE 10

/* What goes on for so much longer still hangs. */
#define HANGS_SECONDS 120

/* How long one lives that is to be killed, at most; how long all live who are
 * killed together. */
#define LIFE_MICROSECONDS 2000
#define LIFE_TOGETHER_MICROSECONDS 20000

#define START_MICROSECONDS 50
#define NANOSECONDS 1000000000u

/* Sizes by turns, a worker; nothing is to be evicted from the least. */
static const apr_size_t sizes[] = { 6, 6, 10, 10, 4, 8, 5 };
#define SIZES (int)(sizeof(sizes) / sizeof(*sizes))

typedef void crew_task(model_worker *worker, apr_pool_t *pool);

typedef struct crew_member {
    model_worker worker;
    crew_task *task;
} crew_member;

static const char *store_file;
static int processes = 4;
static int threads = 2;

/* --- Processes that work ------------------------------------------------ */

static void *member_run(void *argument)
{
    crew_member *member = argument;
    apr_pool_t *pool;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    while (!atomic_load(&model->stop)) {
        member->task(&member->worker, pool);
        atomic_fetch_add(&model->operations, 1);
        atomic_store_explicit(&model->started[member->worker.process], 1,
                              memory_order_relaxed);
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    return NULL;
}

/* Has this process killed at a random instant of so many microseconds,
 * whatever its threads are doing, and whoever else is running. */
static void death_plan(int process, unsigned int *seed, long within)
{
    struct sigevent kill = { .sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGKILL };
    struct itimerspec at = { { 0, 0 }, { 0, 0 } };
    apr_uint64_t then = model_nanoseconds()
                        + (apr_uint64_t)(rand_r(seed) % within + 1) * 1000;
    timer_t timer;

    at.it_value.tv_sec = (time_t)(then / NANOSECONDS);
    at.it_value.tv_nsec = (long)(then % NANOSECONDS);
    atomic_store(&model->death[process], then);
    if (timer_create(CLOCK_MONOTONIC, &kill, &timer) != 0
        || timer_settime(timer, TIMER_ABSTIME, &at, NULL) != 0) {
        _exit(3);
    }
}

static pid_t crew_start(int process, unsigned int seed, crew_task *task,
                        long life)
{
    crew_member members[MODEL_WORKERS_MAX];
    pthread_t ids[MODEL_WORKERS_MAX];
    pid_t child;
    int i;

    atomic_store(&model->started[process], 0);
    child = fork();
    if (child != 0) {
        return child;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (i = 0; i < threads; i++) {
        members[i].worker.number = process * threads + i;
        members[i].worker.workers = processes * threads;
        members[i].worker.process = process;
        members[i].worker.seed = seed * 100 + (unsigned int)i;
        members[i].task = task;
        pthread_create(&ids[i], NULL, member_run, &members[i]);
    }
    if (life) {
        death_plan(process, &seed, life);
    }
    for (i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    _exit(0);
}

static void crew_join(const pid_t *children)
{
    int i, status;

    for (i = 0; i < processes; i++) {
        if (waitpid(children[i], &status, 0) != children[i]
            || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fprintf(stderr, "process %d ended with status %x\n", i, status);
            atomic_store(&model->failed, 1);
        }
    }
}

bool crew_run(int seconds, crew_task *task)
{
    pid_t children[MODEL_WORKERS_MAX];
    time_t end = time(NULL) + seconds;
    int i;

    atomic_store(&model->stop, 0);
    for (i = 0; i < processes; i++) {
        children[i] = crew_start(i, (unsigned int)(end + i), task, 0);
    }
    while (time(NULL) < end && !atomic_load(&model->stop)) {
        usleep(10000);
    }
    atomic_store(&model->stop, 1);
    crew_join(children);
    return !atomic_load(&model->failed);
}

/* --- Death -------------------------------------------------------------- */

/* Each lock can be had, and all that the dead one wrote is as it left it. */
static void death_check(int process, apr_pool_t *pool)
{
    cp_store_counts counts;
    int i;

    for (i = 0; i < threads; i++) {
        model_settle(process * threads + i, pool);
        apr_pool_clear(pool);
    }
    if (model_store->provider->count(model_store, model_clock(), &counts)
        != APR_SUCCESS) {
        model_fail("and the others: a lock is held, or damage stays", 0, 0);
        return;
    }
    atomic_store(&model->repairs_here, counts.repaired);
}

/* Takes one that died, has a look at what it left, and starts another. */
static bool death_follow(pid_t *children, unsigned int seed, apr_pool_t *pool)
{
    int i = 0, status;
    pid_t dead = wait(&status);

    while (i < processes && children[i] != dead) {
        i++;
    }
    if (i == processes || !WIFSIGNALED(status)
        || WTERMSIG(status) != SIGKILL) {
        fprintf(stderr, "process %d ended with status %x\n", i, status);
        atomic_store(&model->failed, 1);
        return false;
    }
    atomic_fetch_add(&model->kills, 1);
    atomic_fetch_add(&model->in_flight, (apr_uint64_t)threads);
    death_check(i, pool);
    children[i] = crew_start(i, seed, model_step, LIFE_MICROSECONDS);
    return !atomic_load(&model->failed);
}

static void killing_run(int seconds, apr_pool_t *pool)
{
    pid_t children[MODEL_WORKERS_MAX];
    time_t end = time(NULL) + seconds;
    unsigned int seed = (unsigned int)model_nanoseconds();
    int i;

    atomic_store(&model->stop, 0);
    for (i = 0; i < processes; i++) {
        children[i] = crew_start(i, seed++, model_step, LIFE_MICROSECONDS);
    }
    while (time(NULL) < end && death_follow(children, seed, pool)) {
        seed++;
    }
    for (i = 0; i < processes; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    atomic_fetch_add(&model->kills, (apr_uint64_t)processes);
    atomic_fetch_add(&model->in_flight, (apr_uint64_t)(processes * threads));
}

/* --- Rounds ------------------------------------------------------------- */

/* What is now in the store is what was there before. */
static bool store_enter(int round, apr_pool_t *pool)
{
    static const char *const names[] = { "created", "attached to",
                                         "carried over", "replaced" };
    apr_size_t size = sizes[round % SIZES] * MEGABYTE
                      * (apr_size_t)(processes * threads + 1) / 8;
    apr_size_t before = sizes[(round + SIZES - 1) % SIZES];
    cp_store_shm_origin must = round == 0 ? CP_STORE_SHM_CREATED
                               : before == sizes[round % SIZES]
                                 ? CP_STORE_SHM_ATTACHED
                                 : CP_STORE_SHM_CARRIED;
    cp_store_shm_origin origin;
    const char *error;
    apr_pool_t *forever;

    model_clock_align();
    apr_pool_create_unmanaged_ex(&forever, NULL, NULL);
    if (cp_store_shm_open(&model_store, &origin, store_file, size,
                          model_clock(), &error, forever) != APR_SUCCESS
        || origin != must) {
        fprintf(stderr, "round %d: %s\n", round,
                error ? error : names[origin]);
        return false;
    }
    if (origin == CP_STORE_SHM_CREATED) {
        model_contended_make();
    }
    else if (origin == CP_STORE_SHM_CARRIED
             && !model_carried(processes * threads, pool)) {
        return false;
    }
    return model_check(processes * threads, pool);
}

/* As httpd's parent: opens the store, starts those who work on it, and ends
 * without taking it along. */
static void parent_run(int round, int seconds, bool killing)
{
    apr_pool_t *pool;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    if (!store_enter(round, pool)) {
        _exit(1);
    }
    if (killing) {
        killing_run(seconds, pool);
    }
    else {
        crew_run(seconds, model_step);
    }
    model_clock_align();
    apr_pool_clear(pool);
    _exit(atomic_load(&model->failed)
          || !model_check(processes * threads, pool));
}

/* All at once, the parent too, while they work. */
static bool group_kill(pid_t parent)
{
    while (!atomic_load(&model->started[0])
           && waitpid(parent, NULL, WNOHANG) == 0) {
        usleep(START_MICROSECONDS);
    }
    usleep(LIFE_TOGETHER_MICROSECONDS);
    atomic_fetch_add(&model->in_flight,
                     (apr_uint64_t)(processes * threads));
    kill(-parent, SIGKILL);
    atomic_fetch_add(&model->kills, (apr_uint64_t)processes);
    while (wait(NULL) > 0) {
        /* Orphans come to this process. */
    }
    return !atomic_load(&model->failed);
}

static bool round_run(int round, int seconds, bool killing)
{
    bool all = killing && round % 2;
    pid_t parent;
    int status;

    atomic_store(&model->started[0], 0);
    atomic_store(&model->stop, 0);
    parent = fork();
    if (parent == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        parent_run(round, all ? 1000 : seconds, killing && !all);
    }
    setpgid(parent, parent);
    if (all) {
        return group_kill(parent);
    }
    return waitpid(parent, &status, 0) == parent && WIFEXITED(status)
           && WEXITSTATUS(status) == 0;
}

/* The last one looks at what the others left, and takes it apart. */
static bool rounds_end(int round)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        apr_pool_t *pool;

        apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
        _exit(!store_enter(round, pool)
              || !model_empty(processes * threads, pool));
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status)
           && WEXITSTATUS(status) == 0;
}

static apr_uint64_t repairs_all(void)
{
    return model->repairs + model->repairs_here;
}

static bool enough(bool killing)
{
    return !killing
           || (model->kills >= KILLS_MIN && repairs_all() >= REPAIRS_MIN);
}

static bool rounds_run(int seconds, bool killing)
{
    time_t begin = time(NULL);
    apr_uint64_t from = model_nanoseconds();
    bool good = true;
    int round;

    for (round = 0; good && time(NULL) < begin + PATIENCE * seconds
                    && (time(NULL) < begin + seconds || !enough(killing));
         round++) {
        good = round_run(round, ROUND_SECONDS, killing);
    }
    good = good && rounds_end(round);
    printf("%" APR_UINT64_T_FMT " operations, %.0f a second, in %d rounds;"
           " %" APR_UINT64_T_FMT " were stale\n", model->operations,
           1e9 * (double)model->operations
           / (double)(model_nanoseconds() - from), round, model->conflicts);
    printf("the longest took %.1f ms\n", (double)model->longest / 1e6);
    if (killing) {
        printf("%" APR_UINT64_T_FMT " processes killed, %" APR_UINT64_T_FMT
               " shards repaired, %.1f ms the longest that anybody was kept"
               " by a death\n", model->kills, repairs_all(),
               (double)model->longest_after_death / 1e6);
    }
    if (good && !enough(killing)) {
        fprintf(stderr, "too few of them to have shown anything\n");
        good = false;
    }
    return good;
}

static const struct option options[] = {
    { "seconds", required_argument, NULL, 's' },
    { "processes", required_argument, NULL, 'p' },
    { "threads", required_argument, NULL, 't' },
    { "kill", no_argument, NULL, 'k' },
    { NULL, 0, NULL, 0 }
};

int main(int argc, char **argv)
{
    char directory[] = "/tmp/cp_stress_XXXXXX";
    int option, seconds = 5;
    bool killing = false, good;
    apr_pool_t *pool;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's': seconds = atoi(optarg); break;
        case 'p': processes = atoi(optarg); break;
        case 't': threads = atoi(optarg); break;
        case 'k': killing = true; break;
        default: return 2;
        }
    }
    if (processes < 1 || threads < 1
        || processes * threads > MODEL_WORKERS_MAX
        || seconds < SECONDS_MIN) {
        fprintf(stderr, "at most %d workers, and at least %d seconds\n",
                MODEL_WORKERS_MAX, SECONDS_MIN);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    apr_initialize();
    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    if (!mkdtemp(directory) || !model_begin((apr_uint32_t)time(NULL))
        || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        return 2;
    }
    alarm((unsigned int)(PATIENCE * seconds + HANGS_SECONDS));
    store_file = apr_pstrcat(pool, directory, "/store", NULL);
    if (killing) {
        good = rounds_run(seconds, true);
    }
    else {
        good = rounds_run(seconds - seconds / 2, false)
               && full_run(store_file, seconds / 4, processes * threads)
               && damage_run(seconds / 4);
    }
    apr_shm_remove(store_file, pool);
    rmdir(directory);
    return good && !atomic_load(&model->failed) ? 0 : 1;
}
