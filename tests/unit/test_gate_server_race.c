/* SPDX-License-Identifier: Apache-2.0 */

/* Starts and stops on any thread at any moment: no call hangs, and nothing is left. */

#include "unit_held_start.h"

#include <stdatomic.h>

enum {
    START_ROUNDS = IS_SANITIZED ? 60 : 300,
    STORM_ROUNDS = IS_SANITIZED ? 20 : 60,
    STORM_THREADS = 4,
    START_MICROSECONDS = IS_SANITIZED ? 12000 : 6000, /* the usual time of a start */
    MAX_STOPS = 2,
    SEED = 20260101, /* of the delays, so that each run has the same */
};

/* ---- a slow start ---- */

static const struct {
    const char *name;
    unsigned n_stops;
    const char *word; /* for git */
    int result;       /* of the start */
} held_starts[] = {
    {"a start that nobody stops", 0, "go\n", 0},
    {"a stop", 1, "go\n", 0},
    {"two stops", 2, "go\n", 0},
    {"a stop of a start that fails", 1, "fail\n", GATE_E_START},
    {"two stops of a start that fails", 2, "fail\n", GATE_E_START},
};

static void expect_held_start(size_t i, struct gate_server *server) {
    const char *name = held_starts[i].name;
    pthread_t stops[MAX_STOPS];
    struct held_start held;

    hold_start(&held, server);
    for (unsigned n = 0; n < held_starts[i].n_stops; n++) {
        assert_int_equal(pthread_create(&stops[n], NULL, stop_it, server), 0);
        wait_until(name, count_stops_on_their_way() == n + 1);
    }
    expect_true(name, gate_server_address(server) == NULL);
    expect_int(name, gate_server_start(server, NULL), GATE_E_USAGE);
    release_start(&held, held_starts[i].word);
    expect_int(held.error.message, held.result, held_starts[i].result);
    for (unsigned n = 0; n < held_starts[i].n_stops; n++) {
        expect_joined(stops[n]);
    }
}

/* The stop comes while the start asks git. One call is enough. */
static void test_held_starts(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(held_starts); i++) {
        const char *name = held_starts[i].name;
        struct gate_server *server = server_with("socket", in_place("held/gate.sock"));
        bool is_stopped = held_starts[i].n_stops > 0 || held_starts[i].result != 0;
        struct holdings before;

        look(&before);
        expect_held_start(i, server);
        expect_int(name, gate_server_address(server) == NULL, is_stopped);
        expect_int(name, access(in_place("held/gate.sock"), F_OK) < 0, is_stopped);
        if (is_stopped) {
            expect_held(name, &before);
            start(server);
        }
        expect_int(name, ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
        expect_true(name, gate_server_free(server) == NULL);
    }
}

/* ---- stops at every moment of a start ---- */

struct late_stop {
    struct gate_server *server;
    long delay_us;
    atomic_bool is_started;
    bool is_in_time;
};

static void *stop_late(void *argument) {
    struct late_stop *late = argument;
    struct timespec delay = {.tv_nsec = late->delay_us * 1000};

    (void)nanosleep(&delay, NULL);
    late->is_in_time = !atomic_load(&late->is_started);
    return stop_it(late->server);
}

static void test_during_start(void **state) {
    struct gate_server *server = server_with("socket", in_place("during/gate.sock"));
    struct holdings before;
    unsigned n_met = 0;

    (void)state;
    srandom(SEED);
    look(&before);
    for (int i = 0; i < START_ROUNDS; i++) {
        struct late_stop late = {.server = server, .delay_us = random() % START_MICROSECONDS};
        struct gate_error error = {0};
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, stop_late, &late), 0);
        assert_int_equal(gate_server_start(server, &error), 0);
        atomic_store(&late.is_started, true);
        expect_joined(thread);
        n_met += late.is_in_time && gate_server_address(server) == NULL; /* a stop before the start does nothing */
        assert_int_equal(gate_server_stop(server), 0);
        assert_null(gate_server_address(server));
        assert_int_equal(access(in_place("during/gate.sock"), F_OK), -1);
    }
    print_message("# %u of %d stops met a start\n", n_met, START_ROUNDS);
    expect_true("stops met starts", n_met > 0);
    expect_held("during start", &before);
    assert_null(gate_server_free(server));
}

/* Threads start and stop the same server. Its repository comes and goes, so that some starts fail. */
static void *storm(void *argument) {
    struct gate_server *server = argument;

    for (int i = 0; i < STORM_ROUNDS; i++) {
        struct gate_error error = {0};
        int r = gate_server_start(server, &error);

        if (r != 0 && r != GATE_E_USAGE && r != GATE_E_START) {
            (void)dprintf(STDERR_FILENO, "# storm: %s\n", error.message);
            return server;
        }
        (void)gate_server_address(server);
        if (gate_server_stop(server) != 0) {
            return server;
        }
    }
    return NULL;
}

static void test_storm(void **state) {
    struct gate_server *server = server_with("listen", "127.0.0.1:0");
    pthread_t threads[STORM_THREADS];
    struct holdings before;
    char there[2 * PATH_MAX];
    char away[2 * PATH_MAX];

    (void)state;
    (void)snprintf(there, sizeof(there), "%s", in_place("repo0.git"));
    (void)snprintf(away, sizeof(away), "%s", in_place("away"));
    look(&before);
    for (int i = 0; i < STORM_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, storm, server), 0);
    }
    for (int i = 0; i < STORM_ROUNDS; i++) {
        assert_int_equal(rename(there, away), 0);
        (void)poll(NULL, 0, 2);
        assert_int_equal(rename(away, there), 0);
        (void)poll(NULL, 0, 2);
    }
    for (int i = 0; i < STORM_THREADS; i++) {
        expect_joined(threads[i]);
    }
    assert_null(gate_server_address(server));
    expect_held("a storm", &before);
    start(server);
    assert_int_equal(ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
    assert_null(gate_server_free(server));
}

/* One thread starts the server and ends, and another one stops it. */
static void test_other_threads(void **state) {
    struct gate_server *server = server_with("listen", "127.0.0.1:0");
    struct held_start begun = {.server = server};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&begun.thread, NULL, start_it, &begun), 0);
    expect_joined(begun.thread);
    assert_int_equal(begun.result, 0);
    assert_int_equal(ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
    assert_int_equal(pthread_create(&thread, NULL, stop_it, server), 0);
    expect_joined(thread);
    assert_null(gate_server_address(server));
    assert_null(gate_server_free(server));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_starts),
        cmocka_unit_test(test_during_start),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_other_threads),
    };

    return cmocka_run_group_tests(tests, held_begin, held_end);
}
