/* SPDX-License-Identifier: Apache-2.0 */

/* The end of a server, from any thread, at any moment: no call hangs, and nothing is left. */

#include "unit_library.h"

enum {
    START_ROUNDS = IS_SANITIZED ? 60 : 300,
    STORM_ROUNDS = IS_SANITIZED ? 20 : 60,
    STORM_THREADS = 4,
    START_MICROSECONDS = 6000, /* about what a start takes */
    SHORT_DRAIN_S = 1,
    ENDING_MS = 5000, /* what ends at once ends far below it, on a busy machine too */
    WATCHDOG_S = 100, /* a call that hangs ends the test */
    SEED = 20260101,  /* of the delays, the same in each run */
    PART_OF_A_PUSH = 40000,
};

static void *stop_it(void *argument) {
    static const int failed = GATE_E_INTERNAL;

    return gate_server_stop(argument) ? (void *)&failed : NULL;
}

static void expect_joined(pthread_t thread) {
    void *result = &thread;

    assert_int_equal(pthread_join(thread, &result), 0);
    assert_null(result);
}

/* ---- requests that do not end ---- */

/* A push whose hook takes its time, by the real git. */
static pid_t begin_slow_push(const struct gate_server *server) {
    char url[256];
    pid_t pid;

    (void)unlink(in_place("repo0.git/hook-runs"));
    (void)snprintf(url, sizeof(url), "http://" TOKEN ":@%s/repo0.git", gate_server_address(server) + 7);
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        (void)dup2(null, STDERR_FILENO);
        (void)execlp("git", "git", "-C", in_place("work"), "push", "--quiet", url, "main:slow", (char *)NULL);
        _exit(126);
    }
    assert_true(pid > 0);
    wait_until("the hook runs", access(in_place("repo0.git/hook-runs"), F_OK) == 0);
    return pid;
}

static void expect_push_failed(pid_t pid) {
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 126);
    assert_int_equal(access(in_place("repo0.git/refs/heads/slow"), F_OK), -1);
}

static struct gate_server *slow_server(const char *drain_timeout) {
    struct gate_config *config = config_begin();

    set(config, "listen", "127.0.0.1:0");
    set(config, "hooks-path", in_place("hooks"));
    set(config, "drain-timeout", drain_timeout);
    return server_of(config);
}

static int begin(void **state) {
    int r = place_begin(state);

    run_shell("mkdir hooks; printf '#!/bin/sh\\n: >\"$PWD/hook-runs\"\\nexec sleep 60\\n' >hooks/pre-receive;"
              "chmod +x hooks/pre-receive");
    (void)alarm(WATCHDOG_S);
    return r;
}

static void test_slow_hook(void **state) {
    struct gate_server *server = slow_server("1");
    struct holdings before;
    long begun_ms;
    pid_t push;

    (void)state;
    look(&before);
    start(server);
    push = begin_slow_push(server);
    begun_ms = now_ms();
    assert_int_equal(gate_server_stop(server), 0);
    begun_ms = now_ms() - begun_ms;
    expect_true("the drain timeout is waited for", begun_ms >= SHORT_DRAIN_S * 1000);
    expect_true("and not much longer", begun_ms < SHORT_DRAIN_S * 1000 + ENDING_MS);
    expect_push_failed(push);
    expect_held("a slow hook", &before);
    assert_null(gate_server_free(server));
}

/* The second stop, from another thread, ends at once what the first one waits for. */
static void test_twice_at_once(void **state) {
    struct gate_server *server = slow_server("60");
    struct holdings before;
    pthread_t first;
    char address[64];
    long begun_ms;
    pid_t push;

    (void)state;
    look(&before);
    start(server);
    (void)snprintf(address, sizeof(address), "%s", gate_server_address(server));
    push = begin_slow_push(server);
    assert_int_equal(pthread_create(&first, NULL, stop_it, server), 0);
    for (int fd = dial(address); fd >= 0; fd = dial(address)) { /* until the first stop has closed the socket */
        (void)close(fd);
    }
    expect_int("it drains", access(in_place("repo0.git/hook-runs"), F_OK), 0);
    expect_true("and still runs", gate_server_start(server, NULL) == GATE_E_USAGE);
    begun_ms = now_ms();
    assert_int_equal(gate_server_stop(server), 0);
    expect_true("the second one ends it", now_ms() - begun_ms < ENDING_MS);
    expect_joined(first);
    expect_push_failed(push);
    expect_held("twice at once", &before);
    start(server); /* and again */
    assert_int_equal(ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
    assert_null(gate_server_free(server));
}

static const struct {
    const char *name;
    const char *text;
    size_t n_more; /* bytes behind it */
} halves[] = {
    {"nothing", "", 0},
    {"half a head", "POST /repo0.git/git-rec", 0},
    {"half a push",
     "POST /repo0.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " CREDENTIALS "\r\n"
     "Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 1000000\r\n\r\n"
     "00a00000000000000000000000000000000000000000 1111111111111111111111111111111111111111 refs/heads/half",
     PART_OF_A_PUSH},
};

static void test_halves(void **state) {
    static char zeros[PART_OF_A_PUSH];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
        struct gate_server *server = slow_server("1");
        struct holdings before;
        long begun_ms = now_ms();
        int fd;

        look(&before);
        start(server);
        fd = dial(gate_server_address(server));
        expect_true(halves[i].name, fd >= 0);
        say(fd, halves[i].text);
        expect_int(halves[i].name, send(fd, zeros, halves[i].n_more, MSG_NOSIGNAL), halves[i].n_more);
        if (halves[i].n_more) {
            wait_until("git was started", has_children());
        }
        if (i % 2) {
            expect_int(halves[i].name, gate_server_stop(server), 0);
        }
        expect_true(halves[i].name, gate_server_free(server) == NULL); /* free stops, too */
        expect_true(halves[i].name, now_ms() - begun_ms < 2 * ENDING_MS);
        while (recv(fd, zeros, sizeof(zeros), 0) > 0) {
        }
        (void)close(fd);
        memset(zeros, 0, sizeof(zeros));
        expect_held(halves[i].name, &before);
    }
}

/* ---- stops at every moment of a start ---- */

struct late_stop {
    struct gate_server *server;
    long delay_us;
};

static void *stop_late(void *argument) {
    const struct late_stop *late = argument;
    struct timespec delay = {.tv_nsec = late->delay_us * 1000};

    (void)nanosleep(&delay, NULL);
    return stop_it(late->server);
}

static void test_during_start(void **state) {
    struct gate_server *server = server_with("socket", in_place("during/gate.sock"));
    struct holdings before;
    unsigned n_stopped = 0;

    (void)state;
    srandom(SEED);
    look(&before);
    for (int i = 0; i < START_ROUNDS; i++) {
        struct late_stop late = {server, random() % START_MICROSECONDS};
        struct gate_error error = {0};
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, stop_late, &late), 0);
        assert_int_equal(gate_server_start(server, &error), 0);
        expect_joined(thread);
        n_stopped += gate_server_address(server) == NULL;
        assert_int_equal(gate_server_stop(server), 0);
        assert_null(gate_server_address(server));
        assert_int_equal(access(in_place("during/gate.sock"), F_OK), -1);
    }
    print_message("# %u of %d stops came behind the begin of the start\n", n_stopped, START_ROUNDS);
    expect_true("stops met starts", n_stopped > 0);
    expect_held("during start", &before);
    assert_null(gate_server_free(server));
}

/* Threads that start and stop the same server, whose repository comes and goes, so that starts fail between them. */
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

/* Started by one thread that ends, stopped by another one. */
static void *start_it(void *argument) {
    return gate_server_start(argument, NULL) ? argument : NULL;
}

static void test_other_threads(void **state) {
    struct gate_server *server = server_with("listen", "127.0.0.1:0");
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, start_it, server), 0);
    expect_joined(thread);
    assert_int_equal(ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
    assert_int_equal(pthread_create(&thread, NULL, stop_it, server), 0);
    expect_joined(thread);
    assert_null(gate_server_address(server));
    assert_null(gate_server_free(server));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_hook),    cmocka_unit_test(test_twice_at_once), cmocka_unit_test(test_halves),
        cmocka_unit_test(test_during_start), cmocka_unit_test(test_storm),         cmocka_unit_test(test_other_threads),
    };

    return cmocka_run_group_tests(tests, begin, place_end);
}
