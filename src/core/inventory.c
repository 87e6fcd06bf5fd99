/*
 * Three tables of places in one block, each with a quota of its own: names
 * that a server set, names that only browsers brought, origins. A place is
 * found by hashing host and name and looking at a few places from there on.
 *
 * There is no lock. A place is claimed by compare-and-swap, filled, and
 * published; its state carries a number that grows with each claim, so that
 * who reads it meanwhile sees that it changed under him. All that is read and
 * written by several is atomic, the text in words. A writer that dies between
 * claim and publication leaves a place that nobody uses any more; two that
 * note one name at once may give it two places, which the list joins.
 *
 * Where a name finds all its places taken, the one that was seen least gives
 * way by one credit, and at its last is replaced. So made-up names, each seen
 * once, replace one another, and what many browsers bring stays.
 */
#include "inventory.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <apr_tables.h>

#define MAGIC 0x43504956u
#define LAYOUT 1u

/** Places that are looked at for one name. */
#define WINDOW 32

/** More sightings than that defend a place no better. */
#define CREDIT_MAX 10000

typedef enum table {
    TABLE_SET,
    TABLE_BROUGHT,
    TABLE_ORIGINS,
    TABLE_COUNT
} table;

#define PLACES_SET 2048u
#define PLACES_BROUGHT 1536u
#define PLACES_ORIGINS 512u
#define PLACES (PLACES_SET + PLACES_BROUGHT + PLACES_ORIGINS)

static const struct {
    unsigned int first;
    unsigned int count;
} tables[TABLE_COUNT] = {
    [TABLE_SET] = { 0, PLACES_SET },
    [TABLE_BROUGHT] = { PLACES_SET, PLACES_BROUGHT },
    [TABLE_ORIGINS] = { PLACES_SET + PLACES_BROUGHT, PLACES_ORIGINS },
};

/* The low two bits of a state; the rest is the number of claims. */
enum {
    PLACE_EMPTY = 0,
    PLACE_CLAIMED = 1,
    PLACE_READY = 2,
    PLACE_BITS = 3
};

/* What a place says, in the order in which it tells places apart. */
typedef struct note {
    char name[CP_INVENTORY_NAME_MAX + 1];
    char host[CP_INVENTORY_HOST_MAX + 1];
    char cut;
    char path[CP_INVENTORY_PATH_MAX + 1];
    apr_uint32_t first;
} note;

#define KEY_LENGTH offsetof(note, path)
#define WORDS ((sizeof(note) + 7) / 8)

/* As many bytes as the words, so that one copies to the other. */
typedef union text {
    note said;
    apr_uint64_t words[WORDS];
} text;

typedef struct place {
    atomic_uint state;
    atomic_uint hash;
    atomic_int credit;
    atomic_ullong counts[CP_SIDE_THIRD_PARTY + 1];
    _Atomic apr_uint64_t words[WORDS];
} place;

struct cp_inventory {
    apr_uint32_t magic;
    apr_uint32_t layout;
    apr_uint64_t size;
    atomic_ullong missed;
    place places[PLACES];
};

const char *cp_side_word(cp_side side)
{
    static const char *const words[CP_SIDE_COUNT] = {
        [CP_SIDE_APPLICATION] = "application",
        [CP_SIDE_BROWSER] = "browser",
        [CP_SIDE_THIRD_PARTY] = "third-party",
    };

    return words[side];
}

apr_size_t cp_inventory_size(void)
{
    return sizeof(cp_inventory);
}

cp_inventory *cp_inventory_make(void *memory)
{
    cp_inventory *inventory = memory;

    memset(memory, 0, sizeof(*inventory));
    inventory->magic = MAGIC;
    inventory->layout = LAYOUT;
    inventory->size = sizeof(*inventory);
    return inventory;
}

cp_inventory *cp_inventory_adopt(void *memory)
{
    cp_inventory *inventory = memory;

    return inventory->magic == MAGIC && inventory->layout == LAYOUT
           && inventory->size == sizeof(*inventory) ? inventory : NULL;
}

/* --- One place -------------------------------------------------------- */

static bool is_ready(unsigned int state)
{
    return (state & PLACE_BITS) == PLACE_READY;
}

/* @return false when there is nothing, or it changed meanwhile */
static bool place_read(const place *from, text *to)
{
    place *shared = (place *)from;  /* loads of atomics take no const */
    unsigned int state = atomic_load_explicit(&shared->state,
                                              memory_order_acquire);

    if (!is_ready(state)) {
        return false;
    }
    for (size_t i = 0; i < WORDS; i++) {
        to->words[i] = atomic_load_explicit(&shared->words[i],
                                            memory_order_relaxed);
    }
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&shared->state, memory_order_relaxed)
           == state;
}

/* Takes a place over, should it still be in that state.
 * @return whether it could */
static bool place_write(place *to, unsigned int state, const text *from,
                        unsigned int hash, cp_side side)
{
    unsigned int claimed = (state & ~(unsigned int)PLACE_BITS)
                           + PLACE_BITS + 1;

    if (!atomic_compare_exchange_strong(&to->state, &state,
                                        claimed | PLACE_CLAIMED)) {
        return false;
    }
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < WORDS; i++) {
        atomic_store_explicit(&to->words[i], from->words[i],
                              memory_order_relaxed);
    }
    for (int i = 0; i <= CP_SIDE_THIRD_PARTY; i++) {
        atomic_store_explicit(&to->counts[i], i == (int)side,
                              memory_order_relaxed);
    }
    atomic_store_explicit(&to->credit, 1, memory_order_relaxed);
    atomic_store_explicit(&to->hash, hash, memory_order_relaxed);
    atomic_store_explicit(&to->state, claimed | PLACE_READY,
                          memory_order_release);
    return true;
}

static void place_count(place *at, cp_side side)
{
    atomic_fetch_add_explicit(&at->counts[side], 1, memory_order_relaxed);
    if (atomic_load_explicit(&at->credit, memory_order_relaxed)
        < CREDIT_MAX) {
        atomic_fetch_add_explicit(&at->credit, 1, memory_order_relaxed);
    }
}

/* --- Noting ----------------------------------------------------------- */

/* @return how much there was, up to the end or a NUL */
static apr_size_t copy(char *to, apr_size_t room, const char *from,
                       apr_size_t length)
{
    const char *end = memchr(from, '\0', length);

    length = end ? (apr_size_t)(end - from) : length;
    memcpy(to, from, length < room ? length : room);
    return length;
}

static void text_make(text *out, const char *host, cp_span name,
                      const char *path, apr_uint32_t now)
{
    note *said = &out->said;

    memset(out, 0, sizeof(*out));
    if (host) {
        copy(said->host, CP_INVENTORY_HOST_MAX, host, strlen(host));
    }
    for (char *c = said->host; *c; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    if (name.length) {
        said->cut = copy(said->name, CP_INVENTORY_NAME_MAX, name.at,
                         name.length) != name.length
                    || name.length > CP_INVENTORY_NAME_MAX;
    }
    if (path) {
        copy(said->path, CP_INVENTORY_PATH_MAX, path, strlen(path));
    }
    said->first = now;
}

/* FNV-1a over what tells places apart. */
static unsigned int hash_of(const text *of)
{
    const unsigned char *bytes = (const unsigned char *)&of->said;
    unsigned int hash = 2166136261u;

    for (size_t i = 0; i < KEY_LENGTH; i++) {
        hash = (hash ^ bytes[i]) * 16777619u;
    }
    return hash ^ hash >> 15;
}

static place *place_at(cp_inventory *inventory, table in, unsigned int hash,
                       unsigned int step)
{
    return &inventory->places[tables[in].first
                              + (hash + step) % tables[in].count];
}

/* Places never become empty again, so the first empty one ends the search. */
static place *place_find(cp_inventory *inventory, table in,
                         const text *wanted, unsigned int hash)
{
    for (unsigned int i = 0; i < WINDOW; i++) {
        place *at = place_at(inventory, in, hash, i);
        text there;

        if (atomic_load_explicit(&at->state, memory_order_acquire)
            == PLACE_EMPTY) {
            return NULL;
        }
        if (atomic_load_explicit(&at->hash, memory_order_relaxed) == hash
            && place_read(at, &there)
            && memcmp(&there.said, &wanted->said, KEY_LENGTH) == 0) {
            return at;
        }
    }
    return NULL;
}

/* @return whether there was an empty place for it */
static bool place_take(cp_inventory *inventory, table in, const text *new,
                       unsigned int hash, cp_side side)
{
    for (unsigned int i = 0; i < WINDOW; i++) {
        place *at = place_at(inventory, in, hash, i);

        if (atomic_load_explicit(&at->state, memory_order_relaxed)
                == PLACE_EMPTY
            && place_write(at, PLACE_EMPTY, new, hash, side)) {
            return true;
        }
    }
    return false;
}

/* Costs the weakest a credit; the last one costs it the place. */
static void place_contest(cp_inventory *inventory, table in,
                          const text *new, unsigned int hash, cp_side side)
{
    place *weakest = NULL;
    unsigned int state = 0;
    int least = CREDIT_MAX * 2;

    for (unsigned int i = 0; i < WINDOW; i++) {
        place *at = place_at(inventory, in, hash, i);
        unsigned int now = atomic_load_explicit(&at->state,
                                                memory_order_acquire);
        int credit = atomic_load_explicit(&at->credit,
                                          memory_order_relaxed);

        if (is_ready(now) && credit < least) {
            weakest = at;
            state = now;
            least = credit;
        }
    }
    atomic_fetch_add_explicit(&inventory->missed, 1, memory_order_relaxed);
    if (weakest
        && atomic_fetch_sub_explicit(&weakest->credit, 1,
                                     memory_order_relaxed) <= 1) {
        place_write(weakest, state, new, hash, side);
    }
}

void cp_inventory_note(cp_inventory *inventory, cp_side side,
                       const char *host, cp_span name, const char *path,
                       apr_uint32_t now)
{
    static const table of_side[] = {
        [CP_SIDE_APPLICATION] = TABLE_SET,
        [CP_SIDE_BROWSER] = TABLE_BROUGHT,
        [CP_SIDE_THIRD_PARTY] = TABLE_ORIGINS
    };
    table own = of_side[side];
    unsigned int hash;
    place *at = NULL;
    text new;

    text_make(&new, host, name, path, now);
    hash = hash_of(&new);
    if (side == CP_SIDE_BROWSER) {
        at = place_find(inventory, TABLE_SET, &new, hash);
    }
    at = at ? at : place_find(inventory, own, &new, hash);
    if (at) {
        place_count(at, side);
    }
    else if (!place_take(inventory, own, &new, hash, side)) {
        place_contest(inventory, own, &new, hash, side);
    }
}

/* --- Listing ---------------------------------------------------------- */

static bool is_origin(const cp_sighting *sighting)
{
    return sighting->counts[CP_SIDE_THIRD_PARTY] > 0;
}

/* By host, cookies before origins, by name, whole ones before cut ones. */
static int compare(const void *left, const void *right)
{
    const cp_sighting *a = left, *b = right;
    int order = strcmp(a->host, b->host);

    order = order ? order : is_origin(a) - is_origin(b);
    order = order ? order : strcmp(a->name, b->name);
    return order ? order : a->cut - b->cut;
}

/* The earlier sighting of the two says where it was. */
static void join(cp_sighting *into, const cp_sighting *from)
{
    for (int i = 0; i <= CP_SIDE_THIRD_PARTY; i++) {
        into->counts[i] += from->counts[i];
    }
    if (from->first < into->first) {
        into->first = from->first;
        memcpy(into->path, from->path, sizeof(into->path));
    }
}

static void sighting_add(apr_array_header_t *all, const place *from)
{
    place *shared = (place *)from;
    cp_sighting *sighting;
    text there;

    if (!place_read(from, &there)) {
        return;
    }
    sighting = apr_array_push(all);
    memcpy(sighting->host, there.said.host, sizeof(sighting->host));
    memcpy(sighting->name, there.said.name, sizeof(sighting->name));
    memcpy(sighting->path, there.said.path, sizeof(sighting->path));
    sighting->cut = there.said.cut;
    sighting->first = there.said.first;
    for (int i = 0; i <= CP_SIDE_THIRD_PARTY; i++) {
        sighting->counts[i] = atomic_load_explicit(&shared->counts[i],
                                                   memory_order_relaxed);
    }
}

apr_array_header_t *cp_inventory_list(const cp_inventory *inventory,
                                      apr_uint64_t *missed, apr_pool_t *pool)
{
    apr_array_header_t *all = apr_array_make(pool, 64, sizeof(cp_sighting));
    cp_sighting *sightings;
    int kept = 0;

    *missed = atomic_load_explicit(&((cp_inventory *)inventory)->missed,
                                   memory_order_relaxed);
    for (unsigned int i = 0; i < PLACES; i++) {
        sighting_add(all, &inventory->places[i]);
    }
    if (all->nelts == 0) {
        return all;
    }
    sightings = (cp_sighting *)(void *)all->elts;
    qsort(sightings, (size_t)all->nelts, sizeof(*sightings), compare);
    for (int i = 1; i < all->nelts; i++) {
        if (compare(&sightings[kept], &sightings[i]) == 0) {
            join(&sightings[kept], &sightings[i]);
        }
        else {
            sightings[++kept] = sightings[i];
        }
    }
    all->nelts = kept + 1;
    return all;
}
