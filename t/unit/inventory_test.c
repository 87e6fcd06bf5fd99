/**
 * @file inventory_test.c
 * @brief Names noted by several processes and threads at once, more than
 *        there is room for, and made up to do harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inventory.h"
#include "pool_fixture.h"

static cp_inventory *inventory;

static int setup(void **state)
{
    void *memory;

    pool_setup(state);
    memory = mmap(NULL, cp_inventory_size(), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return -1;
    }
    inventory = cp_inventory_make(memory);
    return 0;
}

static int renew(void **state)
{
    (void)state;
    cp_inventory_make(inventory);
    return 0;
}

static int teardown(void **state)
{
    munmap(inventory, cp_inventory_size());
    return pool_teardown(state);
}

static void note(cp_side side, const char *host, const char *name)
{
    cp_inventory_note(inventory, side, host, cp_span_of(name), "/path", 1000);
}

/* The one before is gone then. */
static apr_array_header_t *listed(void)
{
    static apr_pool_t *lists;
    apr_uint64_t missed = 0;

    if (lists) {
        apr_pool_destroy(lists);
    }
    apr_pool_create(&lists, pool);
    return cp_inventory_list(inventory, &missed, lists);
}

static cp_sighting *listed_at(const apr_array_header_t *list, int at)
{
    return &APR_ARRAY_IDX(list, at, cp_sighting);
}

static const cp_sighting *found(const char *host, const char *name)
{
    const apr_array_header_t *list = listed();
    const cp_sighting *one = NULL;

    for (int i = 0; i < list->nelts; i++) {
        if (strcmp(listed_at(list, i)->host, host) == 0
            && strcmp(listed_at(list, i)->name, name) == 0) {
            assert_null(one);
            one = listed_at(list, i);
        }
    }
    return one;
}

/* --- What is noted ---------------------------------------------------- */

static void what_is_known_of_a_name(void **state)
{
    const cp_sighting *one;

    (void)state;
    assert_int_equal(listed()->nelts, 0);
    cp_inventory_note(inventory, CP_SIDE_APPLICATION, "Www.Example",
                      CP_SPAN("cart"), "/first", 1000);
    cp_inventory_note(inventory, CP_SIDE_APPLICATION, "www.example",
                      CP_SPAN("cart"), "/second", 2000);
    cp_inventory_note(inventory, CP_SIDE_BROWSER, "www.example",
                      CP_SPAN("cart"), "/third", 3000);
    assert_int_equal(listed()->nelts, 1);
    one = found("www.example", "cart");
    assert_string_equal(one->path, "/first");
    assert_int_equal(one->first, 1000);
    assert_int_equal(one->counts[CP_SIDE_APPLICATION], 2);
    assert_int_equal(one->counts[CP_SIDE_BROWSER], 1);
    assert_false(one->cut);
}

static void browsers_may_bring_it_first(void **state)
{
    const cp_sighting *one;

    (void)state;
    cp_inventory_note(inventory, CP_SIDE_BROWSER, "a", CP_SPAN("x"), "/b",
                      10);
    cp_inventory_note(inventory, CP_SIDE_APPLICATION, "a", CP_SPAN("x"),
                      "/s", 20);
    cp_inventory_note(inventory, CP_SIDE_BROWSER, "a", CP_SPAN("x"), "/b2",
                      30);
    one = found("a", "x");
    assert_int_equal(one->counts[CP_SIDE_APPLICATION], 1);
    assert_int_equal(one->counts[CP_SIDE_BROWSER], 2);
    assert_int_equal(one->first, 10);
    assert_string_equal(one->path, "/b");
}

static void the_list_is_in_order(void **state)
{
    const apr_array_header_t *list;

    (void)state;
    note(CP_SIDE_THIRD_PARTY, "b", "https://a.test");
    note(CP_SIDE_BROWSER, "b", "z");
    note(CP_SIDE_APPLICATION, "b", "https://a.test");
    note(CP_SIDE_APPLICATION, "a", "z");
    note(CP_SIDE_BROWSER, "a", "B");
    list = listed();
    assert_int_equal(list->nelts, 5);
    assert_string_equal(listed_at(list, 0)->name, "B");
    assert_string_equal(listed_at(list, 1)->name, "z");
    assert_string_equal(listed_at(list, 2)->name, "https://a.test");
    assert_int_equal(listed_at(list, 2)->counts[CP_SIDE_APPLICATION], 1);
    assert_string_equal(listed_at(list, 3)->name, "z");
    assert_int_equal(listed_at(list, 4)->counts[CP_SIDE_THIRD_PARTY], 1);
    assert_int_equal(listed_at(list, 4)->counts[CP_SIDE_APPLICATION], 0);
}

static void long_and_hostile_names(void **state)
{
    char name[300], bytes[256];
    const apr_array_header_t *list;

    (void)state;
    memset(name, 'n', sizeof(name));
    name[CP_INVENTORY_NAME_MAX] = '\0';
    note(CP_SIDE_BROWSER, name, name);
    name[CP_INVENTORY_NAME_MAX] = 'n';
    name[299] = '\0';
    cp_inventory_note(inventory, CP_SIDE_BROWSER, name, cp_span_of(name),
                      name, 1);
    name[200] = 'x';
    cp_inventory_note(inventory, CP_SIDE_BROWSER, name, cp_span_of(name),
                      name, 1);
    list = listed();
    assert_int_equal(list->nelts, 2);
    assert_false(listed_at(list, 0)->cut);
    assert_true(listed_at(list, 1)->cut);
    assert_int_equal(strlen(listed_at(list, 1)->name),
                     CP_INVENTORY_NAME_MAX);
    assert_int_equal(strlen(listed_at(list, 1)->path),
                     CP_INVENTORY_PATH_MAX);
    assert_int_equal(listed_at(list, 1)->counts[CP_SIDE_BROWSER], 2);

    renew(NULL);
    for (int i = 1; i < 256; i++) {
        bytes[0] = (char)i;
        cp_inventory_note(inventory, CP_SIDE_BROWSER, NULL,
                          cp_span_make(bytes, 1), NULL, 1);
    }
    assert_int_equal(listed()->nelts, 255);
    cp_inventory_note(inventory, CP_SIDE_BROWSER, "h",
                      cp_span_make("a\0b", 3), "/", 1);
    assert_true(found("h", "a")->cut);
    cp_inventory_note(inventory, CP_SIDE_BROWSER, "h", CP_SPAN_NONE, "/", 1);
    assert_non_null(found("h", ""));
}

/* --- More than there is room for -------------------------------------- */

static int count_of(cp_side side)
{
    const apr_array_header_t *list = listed();
    int count = 0;

    for (int i = 0; i < list->nelts; i++) {
        count += listed_at(list, i)->counts[side] > 0;
    }
    return count;
}

static void made_up_names_push_nobody_out(void **state)
{
    apr_uint64_t missed = 0;

    (void)state;
    for (int i = 0; i < 500; i++) {
        note(CP_SIDE_APPLICATION, "a", apr_psprintf(pool, "set%d", i));
        note(CP_SIDE_THIRD_PARTY, "a", apr_psprintf(pool, "http://o%d", i));
    }
    for (int i = 0; i < 30; i++) {
        note(CP_SIDE_BROWSER, "a", "genuine");
    }
    for (int i = 0; i < 50000; i++) {
        char name[32];

        snprintf(name, sizeof(name), "made-up%d", i);
        note(CP_SIDE_BROWSER, "a", name);
        if (i % 1000 == 0) {
            note(CP_SIDE_BROWSER, "a", "genuine");
        }
    }
    for (int i = 0; i < 100; i++) {
        note(CP_SIDE_BROWSER, "a", "latecomer");
    }
    note(CP_SIDE_APPLICATION, "a", "late");
    assert_non_null(found("a", "genuine"));
    assert_non_null(found("a", "latecomer"));
    assert_non_null(found("a", "late"));
    assert_int_equal(count_of(CP_SIDE_APPLICATION), 501);
    assert_true(count_of(CP_SIDE_THIRD_PARTY) >= 480);
    assert_true(count_of(CP_SIDE_BROWSER) > 1000);
    assert_true(listed()->nelts <= 4096);
    cp_inventory_list(inventory, &missed, pool);
    assert_true(missed > 40000);
}

static void a_thousand_of_each_fit(void **state)
{
    apr_uint64_t missed = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        note(CP_SIDE_APPLICATION, apr_psprintf(pool, "h%d", i % 40),
             apr_psprintf(pool, "set%d", i));
    }
    assert_int_equal(cp_inventory_list(inventory, &missed, pool)->nelts,
                     1000);
    assert_int_equal(missed, 0);
}

/* --- Others at the same time ------------------------------------------ */

#define PROCESSES 4
#define THREADS 4
#define ROUNDS 3000

static void *work(void *data)
{
    char name[32];

    for (int i = 0; i < ROUNDS; i++) {
        snprintf(name, sizeof(name), "name%d", i % 200);
        note(CP_SIDE_APPLICATION, "shared", name);
        note(CP_SIDE_BROWSER, "shared", name);
        snprintf(name, sizeof(name), "%d-%ld-%d", (int)getpid(),
                 (long)(intptr_t)data, i);
        cp_inventory_note(inventory, CP_SIDE_BROWSER, "flood",
                          cp_span_of(name), name, 1000);
    }
    return NULL;
}

static void threads_run(void)
{
    pthread_t threads[THREADS];

    for (intptr_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, work, (void *)i);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static pid_t begin(void)
{
    pid_t child = fork();

    if (child == 0) {
        threads_run();
        _exit(0);
    }
    return child;
}

/* No place is read while it is written. */
static void wholeness_check(const apr_array_header_t *list)
{
    for (int i = 0; i < list->nelts; i++) {
        const cp_sighting *one = listed_at(list, i);

        assert_int_equal(one->first, 1000);
        assert_string_equal(one->path, strcmp(one->host, "flood")
                                       ? "/path" : one->name);
    }
}

static void processes_and_threads(void **state)
{
    pid_t children[PROCESSES];
    apr_uint64_t sum = 0;
    const apr_array_header_t *list;
    int shared = 0;

    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = begin();
        assert_true(children[i] > 0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;

        for (int j = 0; j < 100; j++) {
            wholeness_check(listed());
        }
        waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
    list = listed();
    wholeness_check(list);
    for (int i = 0; i < list->nelts; i++) {
        const cp_sighting *one = listed_at(list, i);

        if (strcmp(one->host, "shared") == 0) {
            shared++;
            sum += one->counts[CP_SIDE_APPLICATION];
        }
    }
    assert_int_equal(shared, 200);
    assert_int_equal(sum, PROCESSES * THREADS * ROUNDS);
}

/* Every one that dies costs a place at most. */
static void writers_die(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        pid_t child = begin();
        struct timespec moment = { 0, 500000 + i * 20000 };

        assert_true(child > 0);
        nanosleep(&moment, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    threads_run();
    for (int i = 0; i < 200; i++) {
        assert_non_null(found("shared", apr_psprintf(pool, "name%d", i)));
    }
}

static void it_outlives_a_reload(void **state)
{
    char *other = apr_pcalloc(pool, cp_inventory_size());

    (void)state;
    note(CP_SIDE_APPLICATION, "a", "kept");
    assert_ptr_equal(cp_inventory_adopt(inventory), inventory);
    assert_non_null(found("a", "kept"));
    assert_null(cp_inventory_adopt(other));
    memcpy(other, inventory, cp_inventory_size());
    assert_non_null(cp_inventory_adopt(other));
    other[4]++;
    assert_null(cp_inventory_adopt(other));
    assert_true(cp_inventory_size() < 1500000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_known_of_a_name, renew),
        cmocka_unit_test_setup(browsers_may_bring_it_first, renew),
        cmocka_unit_test_setup(the_list_is_in_order, renew),
        cmocka_unit_test_setup(long_and_hostile_names, renew),
        cmocka_unit_test_setup(made_up_names_push_nobody_out, renew),
        cmocka_unit_test_setup(a_thousand_of_each_fit, renew),
        cmocka_unit_test_setup(processes_and_threads, renew),
        cmocka_unit_test_setup(writers_die, renew),
        cmocka_unit_test_setup(it_outlives_a_reload, renew),
    };

    return cmocka_run_group_tests_name("inventory", tests, setup, teardown);
}
