/**
 * @file store_model.c
 * @brief What must be in a store that many workers write to at once.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <apr_tables.h>

#include "store_model.h"

/* What expires does so at an odd second: never just when a slot begins. */
#define SLOT_SECONDS 64u
#define LIFE_SHORT 400u
#define LIFE_LONG 200000u

/* The clocks of two workers differ by up to so many seconds. */
#define CLOCK_LAG 8u

#define OPERATIONS_PER_SECOND 4u

/* Half of the values are of the size of most sessions, the others of any. */
#define LENGTH_USUAL 300u

/* Listing looks through all that there is. */
#define LIST_ONCE_IN 16
#define PEEK_ONCE_IN 5

#define CONTENDED_BASE ((apr_uint64_t)1 << 40)
#define FILLER_BASE ((apr_uint64_t)1 << 50)

/* What a block of the store takes, and has room for of a value. */
#define BLOCK 64u
#define BLOCK_ROOM 60u

model_board *model;
cp_store *model_store;

bool model_begin(apr_uint32_t start)
{
    void *memory = mmap(NULL, sizeof(*model), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        return false;
    }
    model = memory;
    model->start = start;
    return true;
}

void model_fail(const char *what, apr_uint64_t number, apr_status_t rv)
{
    fprintf(stderr, "record %" APR_UINT64_T_FMT ": %s (status %d)\n", number,
            what, rv);
    atomic_store(&model->failed, 1);
    atomic_store(&model->stop, 1);
}

/* --- Time -------------------------------------------------------------- */

apr_uint64_t model_nanoseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (apr_uint64_t)t.tv_sec * 1000000000u + (apr_uint64_t)t.tv_nsec;
}

apr_uint32_t model_clock(void)
{
    return model->start
           + (apr_uint32_t)(model->operations / OPERATIONS_PER_SECOND);
}

void model_clock_align(void)
{
    model->start += SLOT_SECONDS - model_clock() % SLOT_SECONDS;
}

static apr_uint32_t clock_of(int worker)
{
    return model_clock() - (apr_uint32_t)worker % CLOCK_LAG;
}

static void longest_note(_Atomic apr_uint64_t *longest, apr_uint64_t this)
{
    apr_uint64_t before = atomic_load(longest);

    while (this > before
           && !atomic_compare_exchange_weak(longest, &before, this)) {
    }
}

/* --- What a version of a record is ------------------------------------- */

static apr_size_t length_of(apr_uint64_t number, apr_uint64_t version)
{
    apr_uint64_t random = sample_mix(number ^ (version << 20));
    apr_size_t most = random % 2 ? LENGTH_USUAL : SAMPLE_MAX;

    /* A reader tells by the label what a contended one is. */
    if (number >= CONTENDED_BASE) {
        return sizeof(sample_label)
               + (random >> 1) % (most + 1 - sizeof(sample_label));
    }
    return (random >> 1) % (most + 1);
}

static apr_uint64_t owner_of(apr_uint64_t version)
{
    return version % 3;
}

static bool version_is(const cp_store_record *record, apr_uint64_t number,
                       apr_uint64_t version)
{
    return version != 0 && record->owner == owner_of(version)
           && sample_matches(record->value, number, version,
                             length_of(number, version));
}

/* Whether a record is one of that number, whatever its version. */
static bool number_is(const cp_store_record *record, apr_uint64_t number)
{
    cp_span value = record->value;

    if (value.length >= sizeof(sample_label)) {
        return sample_whole(value, number);
    }
    return memcmp(value.at, &number,
                  value.length < sizeof(number) ? value.length
                                                : sizeof(number)) == 0;
}

/* --- One record and what is known of it -------------------------------- */

static void gone_note(model_record *k)
{
    k->version = k->under_way = 0;
    atomic_fetch_add(&model->expired, 1);
}

/* Whether an operation may have come after the end of a record's time. */
static bool may_have_expired(const model_record *k)
{
    apr_uint32_t clock = model_clock();

    return k->expires <= clock || k->expires_under_way <= clock;
}

static bool settle_absent(model_record *k, apr_uint64_t number)
{
    if (k->version == 0 || k->under_way == 0) {
        k->version = k->under_way = 0;
        return true;
    }
    if (!may_have_expired(k)) {
        model_fail("is lost", number, APR_NOTFOUND);
        return false;
    }
    gone_note(k);
    return true;
}

static bool settle_present(model_record *k, apr_uint64_t number,
                           const cp_store_record *record, apr_uint32_t now)
{
    if (version_is(record, number, k->version)) {
        k->under_way = k->version;
    }
    else if (version_is(record, number, k->under_way)) {
        k->version = k->under_way;
    }
    else {
        model_fail(number_is(record, number) ? "is another version"
                                             : "is torn", number, 0);
        return false;
    }
    if (record->expires != k->expires
        && record->expires != k->expires_under_way) {
        model_fail("has a wrong expiry", number, 0);
        return false;
    }
    if (record->expires <= now) {
        model_fail("is there after its time", number, 0);
        return false;
    }
    k->expires = k->expires_under_way = record->expires;
    return true;
}

static bool settle(model_record *k, apr_uint64_t number, apr_uint32_t now,
                   apr_pool_t *pool, cp_store_record *record)
{
    const cp_store_provider *provider = model_store->provider;
    cp_store_name name = sample_name(number);
    apr_status_t rv = (model->operations % PEEK_ONCE_IN ? provider->load
                                                        : provider->peek)
                      (model_store, &name, now, record, pool);

    if (rv == APR_SUCCESS) {
        return settle_present(k, number, record, now);
    }
    if (rv == APR_NOTFOUND) {
        return settle_absent(k, number);
    }
    model_fail("cannot be loaded", number, rv);
    return false;
}

static bool settle_all(int worker, apr_uint32_t now, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < MODEL_RECORDS; i++) {
        cp_store_record record;

        if (!settle(&model->of[worker][i],
                    (apr_uint64_t)(worker * MODEL_RECORDS + i), now, pool,
                    &record)) {
            return false;
        }
    }
    return true;
}

/* After an operation that a record which is there must not refuse. */
static bool passed(model_record *k, apr_uint64_t number, apr_status_t rv,
                   const char *what)
{
    if (rv == APR_SUCCESS) {
        return true;
    }
    if (rv == APR_NOTFOUND && k->version != 0 && may_have_expired(k)) {
        gone_note(k);
    }
    else {
        model_fail(what, number, rv);
    }
    return false;
}

static apr_uint32_t expiry_draw(unsigned int *seed)
{
    apr_uint32_t life = rand_r(seed) % 4 ? LIFE_LONG : LIFE_SHORT;

    return (model_clock() + 1 + (apr_uint32_t)rand_r(seed) % life) | 1;
}

static void do_save(model_record *k, apr_uint64_t number, apr_uint32_t now,
                    apr_uint32_t revision, apr_uint32_t expires)
{
    char buffer[SAMPLE_MAX];
    cp_store_name name = sample_name(number);
    apr_uint64_t version = ++k->last;
    cp_store_record record = { CP_SPAN_NONE, expires, revision,
                               owner_of(version) };
    apr_uint32_t expires_before = k->expires;
    apr_status_t rv;

    record.value = sample_value(buffer, number, version,
                                length_of(number, version));
    k->expires_under_way = expires;
    k->under_way = version;
    rv = model_store->provider->save(model_store, &name, now, &record);
    if (rv != APR_SUCCESS) {
        k->expires_under_way = expires_before;
    }
    if (passed(k, number, rv, "cannot be saved")) {
        if (record.revision == revision || record.revision == 0) {
            model_fail("keeps its revision", number, rv);
        }
        k->version = version;
        k->expires = expires;
    }
}

static void do_remove(model_record *k, apr_uint64_t number, apr_uint32_t now)
{
    cp_store_name name = sample_name(number);

    k->under_way = 0;
    if (passed(k, number,
               model_store->provider->remove(model_store, &name, now),
               "cannot be removed")) {
        k->version = 0;
    }
}

static void do_touch(model_record *k, apr_uint64_t number, apr_uint32_t now,
                     apr_uint32_t expires)
{
    cp_store_name name = sample_name(number);
    apr_uint32_t before = k->expires;
    apr_status_t rv;

    k->expires_under_way = expires;
    rv = model_store->provider->touch(model_store, &name, now, expires);
    if (rv != APR_SUCCESS) {
        k->expires_under_way = before;
    }
    if (passed(k, number, rv, "cannot be touched")) {
        k->expires = expires;
    }
}

/* A save that must not pass. */
static void do_stale(model_record *k, apr_uint64_t number, apr_uint32_t now,
                     const cp_store_record *loaded)
{
    cp_store_name name = sample_name(number);
    cp_store_record record = *loaded;
    apr_status_t rv;

    record.value = CP_SPAN("stale");
    record.revision = loaded->revision + 1 ? loaded->revision + 1 : 1;
    rv = model_store->provider->save(model_store, &name, now, &record);
    if (rv == APR_EEXIST && k->version != 0) {
        atomic_fetch_add(&model->conflicts, 1);
    }
    else if (rv != APR_NOTFOUND) {
        model_fail("was saved over", number, rv);
    }
    else if (k->version != 0) {
        passed(k, number, rv, "is lost");
    }
}

/* --- What others write, too --------------------------------------------- */

static void read_foreign(model_worker *w, int workers, apr_pool_t *pool)
{
    apr_uint64_t number = (apr_uint64_t)rand_r(&w->seed)
                          % (apr_uint64_t)(workers * MODEL_RECORDS);
    cp_store_name name = sample_name(number);
    cp_store_record record;
    apr_status_t rv = model_store->provider->load(model_store, &name,
                                                  model_clock(), &record,
                                                  pool);

    if (rv != APR_NOTFOUND
        && (rv != APR_SUCCESS || !number_is(&record, number))) {
        model_fail("is torn, as another one sees it", number, rv);
    }
}

void model_contended_make(void)
{
    char buffer[SAMPLE_MAX];
    int i;

    for (i = 0; i < MODEL_CONTENDED; i++) {
        apr_uint64_t number = CONTENDED_BASE + (apr_uint64_t)i;
        cp_store_name name = sample_name(number);
        cp_store_record record = { CP_SPAN_NONE, APR_UINT32_MAX, 0,
                                   owner_of(1) };
        apr_status_t rv;

        record.value = sample_value(buffer, number, 1, length_of(number, 1));
        model->contended[i] = 1;
        rv = model_store->provider->save(model_store, &name, model_clock(),
                                         &record);
        if (rv != APR_SUCCESS) {
            model_fail("cannot be made", number, rv);
        }
    }
}

/* Loads one of the contended; gives its version, 0 if it is not whole. */
static apr_uint64_t contended_load(apr_uint64_t number, apr_pool_t *pool,
                                   cp_store_record *record)
{
    cp_store_name name = sample_name(number);
    sample_label label = { 0, 0, 0 };
    apr_status_t rv = model_store->provider->load(model_store, &name,
                                                  model_clock(), record,
                                                  pool);

    if (rv == APR_SUCCESS && record->value.length >= sizeof(label)) {
        memcpy(&label, record->value.at, sizeof(label));
    }
    if (!label.version || !version_is(record, number, label.version)) {
        model_fail("is lost or torn, which many write", number, rv);
        return 0;
    }
    return label.version;
}

/* Makes the next version of what others change as well: of those who have
 * loaded the same revision, one passes. */
static void contend(model_worker *w, apr_pool_t *pool)
{
    char buffer[SAMPLE_MAX];
    apr_uint64_t which = (apr_uint64_t)rand_r(&w->seed) % MODEL_CONTENDED;
    apr_uint64_t number = CONTENDED_BASE + which;
    cp_store_name name = sample_name(number);
    cp_store_record record;
    apr_uint64_t version = contended_load(number, pool, &record);
    apr_status_t rv;

    if (!version++) {
        return;
    }
    record.value = sample_value(buffer, number, version,
                                length_of(number, version));
    record.owner = owner_of(version);
    rv = model_store->provider->save(model_store, &name, model_clock(),
                                     &record);
    if (rv == APR_SUCCESS) {
        atomic_fetch_add(&model->contended[which], 1);
    }
    else if (rv == APR_EEXIST) {
        atomic_fetch_add(&model->conflicts, 1);
    }
    else {
        model_fail("cannot be saved, which many write", number, rv);
    }
}

static void count_somehow(int workers)
{
    cp_store_counts counts;
    apr_status_t rv = model_store->provider->count(model_store, model_clock(),
                                                   &counts);

    if (rv != APR_SUCCESS || counts.bytes_used > counts.bytes_total
        || counts.anonymous + counts.owned
           > (apr_uint64_t)workers * (MODEL_RECORDS + 1) + MODEL_CONTENDED
        || counts.evicted) {
        model_fail("and the others: impossible counts", 0, rv);
    }
}

static bool listed(const apr_array_header_t *entries, apr_uint64_t number)
{
    cp_store_name name = sample_name(number);
    int i;

    for (i = 0; i < entries->nelts; i++) {
        if (memcmp(&APR_ARRAY_IDX(entries, i, cp_store_entry).name, &name,
                   sizeof(name)) == 0) {
            return true;
        }
    }
    return false;
}

/* Nobody else makes a worker's records, and their time only ends. */
static void list_all(model_worker *w, apr_uint32_t now, apr_pool_t *pool)
{
    apr_array_header_t *entries = apr_array_make(pool, 1000,
                                                 sizeof(cp_store_entry));
    bool absent[MODEL_RECORDS];
    apr_status_t rv = APR_SUCCESS;
    apr_uint32_t part;
    int i;

    for (i = 0; i < MODEL_RECORDS; i++) {
        absent[i] = model->of[w->number][i].version == 0
                    && model->of[w->number][i].under_way == 0;
    }
    for (part = 0; rv == APR_SUCCESS; part++) {
        rv = model_store->provider->list(model_store, part, now, entries);
    }
    if (rv != APR_EOF) {
        model_fail("and the others cannot be listed", 0, rv);
    }
    else if (settle_all(w->number, now, pool)) {
        for (i = 0; i < MODEL_RECORDS; i++) {
            apr_uint64_t number = (apr_uint64_t)(w->number * MODEL_RECORDS
                                                 + i);

            if (listed(entries, number)
                ? absent[i] : model->of[w->number][i].version != 0) {
                model_fail("is listed wrongly", number, 0);
            }
        }
    }
}

static void step_do(model_worker *w, apr_pool_t *pool)
{
    int i = rand_r(&w->seed) % MODEL_RECORDS;
    apr_uint64_t number = (apr_uint64_t)(w->number * MODEL_RECORDS + i);
    model_record *k = &model->of[w->number][i];
    cp_store_record record = { CP_SPAN_NONE, 0, 0, 0 };
    apr_uint32_t now = clock_of(w->number);
    int what = rand_r(&w->seed) % 64;

    if (!settle(k, number, now, pool, &record)) {
        return;
    }
    if (what == 0 && rand_r(&w->seed) % LIST_ONCE_IN == 0) {
        list_all(w, now, pool);
    }
    else if (what == 0) {
        count_somehow(w->workers);
    }
    else if (what < 8) {
        contend(w, pool);
    }
    else if (what < 16) {
        read_foreign(w, w->workers, pool);
    }
    else if (what < 20) {
        do_stale(k, number, now, &record);
    }
    else if (!k->version) {
        do_save(k, number, now, 0, expiry_draw(&w->seed));
    }
    else if (what < 28) {
        do_remove(k, number, now);
    }
    else if (what < 38) {
        do_touch(k, number, now, expiry_draw(&w->seed));
    }
    else {
        do_save(k, number, now, record.revision, expiry_draw(&w->seed));
    }
}

void model_step(model_worker *w, apr_pool_t *pool)
{
    apr_uint64_t begin = model_nanoseconds(), end;
    int i;

    step_do(w, pool);
    end = model_nanoseconds();
    longest_note(&model->longest, end - begin);
    for (i = 0; i < w->workers; i++) {
        apr_uint64_t death = model->death[i];

        if (death > begin && death < end) {
            longest_note(&model->longest_after_death, end - death);
        }
    }
}

/* --- The whole ---------------------------------------------------------- */

bool model_settle(int worker, apr_pool_t *pool)
{
    return settle_all(worker, clock_of(worker), pool);
}

static apr_uint64_t bytes_of(apr_uint64_t number, apr_uint64_t version)
{
    return BLOCK + (length_of(number, version) + BLOCK_ROOM - 1) / BLOCK_ROOM
                   * BLOCK;
}

/* Those that many write must be as often saved as somebody was told so, and
 * besides at most what was under way when its writer died. */
static bool contended_check(cp_store_counts *must, apr_pool_t *pool)
{
    apr_uint64_t i;

    for (i = 0; i < MODEL_CONTENDED; i++) {
        apr_uint64_t number = CONTENDED_BASE + i;
        cp_store_record record;
        apr_uint64_t version = contended_load(number, pool, &record);

        if (version < model->contended[i]
            || version > model->contended[i] + model->in_flight) {
            model_fail("was saved another number of times", number, 0);
            return false;
        }
        owner_of(version) ? must->owned++ : must->anonymous++;
        must->bytes_used += bytes_of(number, version);
    }
    return true;
}

/* What the store counts once all that has expired is reclaimed, which is done
 * some at a time. */
static apr_status_t counts_swept(cp_store_counts *counts, apr_uint64_t records)
{
    apr_status_t rv;
    int tries = 100000;

    do {
        rv = model_store->provider->count(model_store, model_clock(), counts);
    } while (rv == APR_SUCCESS && counts->anonymous + counts->owned > records
             && --tries);
    return rv;
}

bool model_carried(int workers, apr_pool_t *pool)
{
    bool good = true;
    int i;

    for (i = 0; i < workers && good; i++) {
        good = settle_all(i, model_clock(), pool);
    }
    atomic_store(&model->expired, 0);
    atomic_fetch_add(&model->repairs,
                     atomic_exchange(&model->repairs_here, 0));
    return good;
}

bool model_check(int workers, apr_pool_t *pool)
{
    cp_store_counts must = { 0, 0, 0, 0, 0, 0, 0, 0 };
    cp_store_counts counts;
    apr_uint64_t expired;
    apr_status_t rv;
    int i, j;

    for (i = 0; i < workers; i++) {
        if (!settle_all(i, model_clock(), pool)) {
            return false;
        }
        for (j = 0; j < MODEL_RECORDS; j++) {
            apr_uint64_t version = model->of[i][j].version;

            if (version) {
                owner_of(version) ? must.owned++ : must.anonymous++;
                must.bytes_used += bytes_of((apr_uint64_t)(i * MODEL_RECORDS
                                                           + j), version);
            }
        }
    }
    if (!contended_check(&must, pool)) {
        return false;
    }
    rv = counts_swept(&counts, must.anonymous + must.owned);
    expired = model->expired;
    if (rv != APR_SUCCESS || counts.anonymous != must.anonymous
        || counts.owned != must.owned || counts.bytes_used != must.bytes_used
        || counts.evicted || counts.expired + model->in_flight < expired
        || counts.expired > expired + model->in_flight
        || (counts.repaired && !model->kills)) {
        fprintf(stderr, "%d anonymous, %d owned, %d bytes, %d expired of"
                " %d, %d, %d, %d; %d evicted\n", (int)counts.anonymous,
                (int)counts.owned, (int)counts.bytes_used,
                (int)counts.expired, (int)must.anonymous, (int)must.owned,
                (int)must.bytes_used, (int)expired, (int)counts.evicted);
        model_fail("and the others: the counts are wrong", 0, rv);
        return false;
    }
    return true;
}

/* Saves small records until each shard has pushed some out: by then every
 * block that is on a free list is in use. */
static bool fill(cp_store_counts *counts)
{
    apr_uint64_t i;
    apr_uint64_t enough = 3 * counts->bytes_total / BLOCK;

    for (i = 0; i < enough; i++) {
        cp_store_name name = sample_name(FILLER_BASE + i);
        cp_store_record record = { CP_SPAN(""), APR_UINT32_MAX, 0, 0 };
        apr_status_t rv = model_store->provider->save(
            model_store, &name, model_clock(), &record);

        if (rv != APR_SUCCESS) {
            model_fail("has no room in a store of anonymous ones", i, rv);
            return false;
        }
    }
    return model_store->provider->count(model_store, model_clock(), counts)
           == APR_SUCCESS;
}

bool model_empty(int workers, apr_pool_t *pool)
{
    cp_store_counts counts;
    apr_uint64_t i;
    int j;

    for (i = 0; i < (apr_uint64_t)workers * MODEL_RECORDS; i++) {
        model_record *k = &model->of[i / MODEL_RECORDS][i % MODEL_RECORDS];
        cp_store_record record;

        if (settle(k, i, model_clock(), pool, &record) && k->version) {
            do_remove(k, i, model_clock());
        }
    }
    for (j = 0; j < MODEL_CONTENDED; j++) {
        cp_store_name name = sample_name(CONTENDED_BASE + (apr_uint64_t)j);

        model_store->provider->remove(model_store, &name, model_clock());
    }
    counts_swept(&counts, 0);
    if (counts.bytes_used || counts.anonymous || counts.owned) {
        model_fail("and the others: not all memory came back", 0, 0);
        return false;
    }
    if (!fill(&counts) || counts.bytes_used != counts.bytes_total) {
        model_fail("and the others: blocks are missing", counts.bytes_total
                   - counts.bytes_used, 0);
        return false;
    }
    return true;
}
