#include "clerks.h"

#include <apr_atomic.h>
#include <apr_thread_pool.h>
#include <apr_thread_proc.h>

struct cp_clerks {
    apr_thread_pool_t *threads;
};

apr_status_t cp_threads_pool_make(apr_pool_t **pool)
{
    apr_allocator_t *allocator = NULL;
    apr_thread_mutex_t *lock = NULL;
    apr_status_t status = apr_allocator_create(&allocator);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_pool_create_unmanaged_ex(pool, NULL, allocator);
    if (status != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return status;
    }
    apr_allocator_owner_set(allocator, *pool);
    status = apr_thread_mutex_create(&lock, APR_THREAD_MUTEX_DEFAULT, *pool);
    if (status != APR_SUCCESS) {
        apr_pool_destroy(*pool);
        return status;
    }
    apr_allocator_mutex_set(allocator, lock);
    return APR_SUCCESS;
}

apr_status_t cp_clerks_make(cp_clerks **clerks, apr_size_t most)
{
    apr_pool_t *forever = NULL;
    apr_status_t status = cp_threads_pool_make(&forever);

    if (status == APR_SUCCESS) {
        *clerks = apr_pcalloc(forever, sizeof(**clerks));
        status = apr_thread_pool_create(&(*clerks)->threads, 0, most,
                                        forever);
    }
    if (status == APR_SUCCESS) {
        apr_thread_pool_idle_max_set((*clerks)->threads, most);
        apr_thread_pool_threshold_set((*clerks)->threads, 0);
    }
    return status;
}

cp_errand *cp_errand_make(apr_size_t size, void (*run)(cp_errand *errand))
{
    apr_pool_t *pool = NULL;
    cp_errand *errand;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return NULL;
    }
    errand = apr_pcalloc(pool, size);
    errand->pool = pool;
    errand->run = run;
    errand->holders = 1;
    if (apr_thread_mutex_create(&errand->lock, APR_THREAD_MUTEX_DEFAULT,
                                pool) != APR_SUCCESS
        || apr_thread_cond_create(&errand->change, pool) != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return NULL;
    }
    return errand;
}

void cp_errand_release(cp_errand *errand)
{
    if (apr_atomic_dec32(&errand->holders) == 0) {
        apr_pool_destroy(errand->pool);
    }
}

static void *APR_THREAD_FUNC errand_run(apr_thread_t *thread, void *data)
{
    cp_errand *errand = data;

    (void)thread;
    /* httpd's signals are for its own threads. */
    apr_setup_signal_thread();
    if (!apr_atomic_read32(&errand->abandoned)) {
        errand->run(errand);
    }
    apr_thread_mutex_lock(errand->lock);
    errand->done = 1;
    apr_thread_cond_signal(errand->change);
    apr_thread_mutex_unlock(errand->lock);
    cp_errand_release(errand);
    return NULL;
}

/* Where no thread can be made the errand stays in the queue, for one that is
 * there or comes. */
static void errand_push(cp_clerks *clerks, cp_errand *errand)
{
    apr_atomic_inc32(&errand->holders);
    apr_thread_pool_push(clerks->threads, errand_run, errand,
                         APR_THREAD_TASK_PRIORITY_NORMAL, NULL);
}

apr_status_t cp_clerks_run(cp_clerks *clerks, cp_errand *errand,
                           apr_interval_time_t patience)
{
    apr_time_t end = apr_time_now() + patience;
    int done;

    errand_push(clerks, errand);
    apr_thread_mutex_lock(errand->lock);
    while (!errand->done && apr_time_now() < end) {
        apr_thread_cond_timedwait(errand->change, errand->lock,
                                  end - apr_time_now());
    }
    done = errand->done;
    if (!done) {
        apr_atomic_set32(&errand->abandoned, 1);
    }
    apr_thread_mutex_unlock(errand->lock);
    return done ? APR_SUCCESS : APR_TIMEUP;
}

void cp_clerks_send(cp_clerks *clerks, cp_errand *errand)
{
    errand_push(clerks, errand);
}
