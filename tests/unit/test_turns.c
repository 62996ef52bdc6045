/* SPDX-License-Identifier: Apache-2.0 */

/* turns: the order of the queue for processes, its places, and requests that wait no longer. */

#include "unit.h"

#include "serve/turns.h"

enum {
    MAX_REQUESTS = 64,
};

static struct turns turns;
static struct turn requests[MAX_REQUESTS];
static char called[MAX_REQUESTS]; /* '.' for a process that ended, a letter for a request whose turn came */
static bool starts;

static void note(char what) {
    size_t size = strlen(called);

    assert_true(size + 1 < sizeof(called));
    called[size] = what;
    called[size + 1] = '\0';
}

static void on_end(void *userdata) {
    assert_ptr_equal(userdata, &turns);
    note('.');
}

static void on_turn(void *userdata) {
    const struct turn *turn = userdata;

    note((char)('a' + (turn - requests)));
    if (starts) {
        turns_started(&turns);
    }
}

static void begin(uint64_t max_running, uint64_t max_connections) {
    memset(requests, 0, sizeof(requests));
    memset(called, 0, sizeof(called));
    starts = true;
    turns_init(&turns, max_running, max_connections, on_end, &turns);
}

static void wait_for(size_t i) {
    turns_wait(&turns, &requests[i], on_turn, &requests[i]);
}

static void run(size_t n) {
    for (size_t i = 0; i < n; i++) {
        turns_started(&turns);
    }
}

static void test_processes_at_once(void **state) {
    (void)state;
    begin(2, 256);
    assert_true(turns_are_free(&turns));
    turns_started(&turns);
    assert_true(turns_are_free(&turns));
    turns_started(&turns);
    assert_false(turns_are_free(&turns));
    assert_int_equal(turns.n_running, 2);
    turns_ended(&turns);
    assert_true(turns_are_free(&turns));
    assert_string_equal(called, ".");
}

static void test_first_come_first_served(void **state) {
    (void)state;
    begin(1, 256);
    run(1);
    wait_for(0);
    wait_for(1);
    wait_for(2);
    assert_int_equal(turns.n_waiting, 3);
    assert_string_equal(called, "");
    turns_ended(&turns);
    turns_ended(&turns);
    assert_string_equal(called, ".a.b");
    assert_int_equal(turns.n_waiting, 1);
    assert_int_equal(turns.n_running, 1);
    assert_false(turns_are_free(&turns)); /* no new request goes before a waiting one */
    turns_ended(&turns);
    turns_ended(&turns);
    assert_string_equal(called, ".a.b.c.");
    assert_true(turns_are_free(&turns));
}

/* If nothing can be started at a turn, the turn goes to the next request. */
static void test_a_failed_start_is_the_next_ones_turn(void **state) {
    (void)state;
    begin(1, 256);
    run(1);
    wait_for(0);
    wait_for(1);
    starts = false;
    turns_ended(&turns);
    assert_string_equal(called, ".ab");
    assert_int_equal(turns.n_running, 0);
}

static void test_leave(void **state) {
    (void)state;
    begin(1, 256);
    run(1);
    wait_for(0);
    wait_for(1);
    turns_leave(&turns, &requests[0]);
    turns_leave(&turns, &requests[0]);
    turns_leave(&turns, &requests[2]); /* which never waited */
    assert_int_equal(turns.n_waiting, 1);
    turns_ended(&turns);
    assert_string_equal(called, ".b");
    assert_int_equal(turns.n_waiting, 0);
}

static const struct {
    const char *name;
    uint64_t max_running;
    uint64_t max_connections;
    size_t n_places;
} places[] = {
    {"the defaults keep sixteen connections spare", 16, 256, 224},
    {"an eighth of few, rounded up", 2, 12, 8},
    {"one of two", 2, 4, 1},
    {"none where there is one connection for each process", 4, 4, 0},
    {"none where there are fewer", 16, 4, 0},
    {"none for a single connection", 1, 1, 0},
};

static void test_places(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        size_t n = 0;

        begin(places[i].max_running, places[i].max_connections);
        expect_int(places[i].name, turns.n_places, places[i].n_places);
        for (; n < places[i].n_places && n + 1 < MAX_REQUESTS; n++) {
            wait_for(n);
            expect_true(places[i].name, !requests[n].is_brief);
        }
        if (n == places[i].n_places) {
            wait_for(n);
            expect_true(places[i].name, requests[n].is_brief);
        }
    }
}

/* A request that found the queue full stays if the queue has moved on. */
static void test_keep(void **state) {
    (void)state;
    begin(1, 3); /* one place */
    run(1);
    wait_for(0);
    wait_for(1);
    assert_false(requests[0].is_brief);
    assert_true(requests[1].is_brief);
    assert_false(turns_keep(&turns, &requests[1]));
    assert_false(turns_keep(&turns, &requests[0])); /* it has had its whole time */
    turns_leave(&turns, &requests[0]);
    assert_true(turns_keep(&turns, &requests[1]));
    assert_false(requests[1].is_brief);
    assert_false(turns_keep(&turns, &requests[1]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processes_at_once),
        cmocka_unit_test(test_first_come_first_served),
        cmocka_unit_test(test_a_failed_start_is_the_next_ones_turn),
        cmocka_unit_test(test_leave),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_keep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
