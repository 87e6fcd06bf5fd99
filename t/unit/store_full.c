/**
 * @file store_full.c
 * @brief A store that is full all the time: many anonymous records flood it.
 *        None that has an owner may go, nor one that is always in use, as long
 *        as others can; and all that went were counted.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "store_model.h"
#include "store_shm.h"

#define OWNED 16                    /* of one worker */
#define OWNED_MAX 1500u
#define HOT_LENGTH 100u
#define OWNED_BASE ((apr_uint64_t)1 << 20)
#define HOT_BASE ((apr_uint64_t)1 << 30)
#define FLOOD_BASE ((apr_uint64_t)1 << 40)

/* Of less than this, all fits into a shard beside what has an owner. */
#define FLOOD_SMALL ((apr_uint64_t)128 * 1024)

typedef struct full_board {
    _Atomic apr_uint64_t floods;    /* records */
    _Atomic apr_uint64_t flooded;   /* bytes */
    _Atomic apr_uint64_t made;      /* records that were new under a name */
    _Atomic apr_uint64_t kept;      /* loads in time, of what was in use */
    apr_uint64_t seen[MODEL_WORKERS_MAX];
    apr_uint64_t versions[MODEL_WORKERS_MAX][OWNED];
} full_board;

static full_board *full;

static apr_size_t length_of(apr_uint64_t number, apr_uint64_t version)
{
    return sizeof(sample_label)
           + sample_mix(number ^ version) % (OWNED_MAX - sizeof(sample_label));
}

static apr_status_t save(apr_uint64_t number, apr_uint64_t version,
                         apr_size_t length, apr_uint64_t owner,
                         apr_uint32_t revision)
{
    char buffer[SAMPLE_MAX];
    cp_store_name name = sample_name(number);
    cp_store_record record = { CP_SPAN_NONE, APR_UINT32_MAX, revision,
                               owner };
    apr_status_t rv;

    record.value = sample_value(buffer, number, version, length);
    rv = model_store->provider->save(model_store, &name, model_clock(),
                                     &record);
    if (rv != APR_SUCCESS) {
        model_fail("has no room in a full store", number, rv);
    }
    else if (revision == 0) {
        atomic_fetch_add(&full->made, 1);
    }
    return rv;
}

static apr_status_t load(apr_uint64_t number, cp_store_record *record,
                         apr_pool_t *pool)
{
    cp_store_name name = sample_name(number);

    return model_store->provider->load(model_store, &name, model_clock(),
                                       record, pool);
}

static void flood(model_worker *w)
{
    apr_uint64_t number = FLOOD_BASE + atomic_fetch_add(&full->floods, 1);
    apr_size_t length = sizeof(sample_label)
                        + (apr_size_t)rand_r(&w->seed)
                          % (SAMPLE_MAX + 1 - sizeof(sample_label));

    atomic_fetch_add(&full->flooded, length + length / 8);
    save(number, 1, length, 0, 0);
}

static void owned_keep(model_worker *w, apr_pool_t *pool)
{
    int i = rand_r(&w->seed) % OWNED;
    apr_uint64_t number = OWNED_BASE + (apr_uint64_t)(w->number * OWNED + i);
    apr_uint64_t *version = &full->versions[w->number][i];
    apr_uint64_t owner = (apr_uint64_t)w->number + 1;
    cp_store_record record = { CP_SPAN_NONE, 0, 0, 0 };

    if (*version) {
        apr_status_t rv = load(number, &record, pool);

        if (rv != APR_SUCCESS || record.owner != owner
            || !sample_matches(record.value, number, *version,
                               length_of(number, *version))) {
            model_fail("had to go, or is torn, and has an owner", number, rv);
            return;
        }
    }
    ++*version;
    save(number, *version, length_of(number, *version), owner,
         record.revision);
}

/* Each worker has an anonymous record that it uses again and again. */
static void hot_keep(model_worker *w, apr_pool_t *pool)
{
    apr_uint64_t number = HOT_BASE + (apr_uint64_t)w->number;
    apr_uint64_t *seen = &full->seen[w->number];
    apr_uint64_t flooded = full->flooded;
    cp_store_record record;
    apr_status_t rv = load(number, &record, pool);

    if (rv == APR_SUCCESS && sample_matches(record.value, number, 1,
                                            HOT_LENGTH)) {
        if (*seen && full->flooded - *seen < FLOOD_SMALL) {
            atomic_fetch_add(&full->kept, 1);
        }
    }
    else if (rv != APR_NOTFOUND) {
        model_fail("is torn, in a full store", number, rv);
    }
    else if (*seen && full->flooded - *seen < FLOOD_SMALL) {
        model_fail("had to go, and was in use", number, rv);
    }
    else {
        save(number, 1, HOT_LENGTH, 0, 0);
    }
    *seen = flooded;
}

static void full_step(model_worker *w, apr_pool_t *pool)
{
    hot_keep(w, pool);
    owned_keep(w, pool);
    if (rand_r(&w->seed) % 2) {
        flood(w);
    }
}

bool full_run(const char *file, int seconds, int workers)
{
    cp_store_shm_origin origin;
    cp_store_counts counts;
    apr_uint64_t owned = 0;
    const char *error;
    apr_pool_t *pool;
    int i;

    full = mmap(NULL, sizeof(*full), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    apr_shm_remove(file, pool);
    if (full == MAP_FAILED
        || cp_store_shm_open(&model_store, &origin, file,
                             CP_STORE_SHM_SIZE_MIN, model_clock(), &error,
                             pool) != APR_SUCCESS) {
        return false;
    }
    if (!crew_run(seconds, full_step)) {
        return false;
    }
    for (i = 0; i < workers * OWNED; i++) {
        owned += full->versions[i / OWNED][i % OWNED] != 0;
    }
    model_store->provider->count(model_store, model_clock(), &counts);
    printf("a full store: %" APR_UINT64_T_FMT " of %" APR_UINT64_T_FMT
           " records had to go, and %" APR_UINT64_T_FMT " times none in use\n",
           counts.evicted, full->made, full->kept);
    if (counts.owned != owned || counts.expired || counts.repaired
        || counts.anonymous + counts.owned + counts.evicted != full->made
        || !counts.evicted || !full->kept) {
        model_fail("and the others: the counts of a full store are wrong", 0,
                   0);
    }
    munmap(full, sizeof(*full));
    apr_pool_destroy(pool);
    return !atomic_load(&model->failed);
}
