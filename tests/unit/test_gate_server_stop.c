/* SPDX-License-Identifier: Apache-2.0 */

/* Stops a server with endless requests: one stop waits for them, two do not, and nothing is left. */

#include "unit_library.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>

enum {
    SHORT_DRAIN_S = 1,
    ENDING_MS = 5000, /* an immediate end takes far less, even on a busy machine */
    PART_OF_A_PUSH = 40000,
};

/* A push by the real git, with a slow hook. */
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

/* The first stop waits for requests. The second stop, from another thread, ends them at once. */
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

/* ---- two stops that the loop sees as one event ---- */

static pid_t serving_tid;

/* Tells whether git is a child of this thread. The client belongs to the main thread. */
static bool is_serving(const char *tid) {
    char text[64];
    pid_t id = (pid_t)strtol(tid, NULL, 10);
    bool is = id != getpid() && read_of_thread(tid, "children", text, sizeof(text));

    serving_tid = is ? id : serving_tid;
    return is;
}

/*
 * Stops exactly one thread: a child process traces it, until the returned socket is closed. Return: that socket, or -1
 * if tracing is not allowed.
 */
static int hold_thread(pid_t tid, pid_t *tracerp) {
    int ends[2];
    char byte = 0;

    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    *tracerp = fork();
    if (*tracerp == 0) {
        (void)close(ends[0]);
        if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) == 0 && ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0 &&
            waitpid(tid, NULL, __WALL) == tid && write(ends[1], &byte, 1) == 1) {
            (void)!read(ends[1], &byte, 1);
        }
        _exit(0); /* which lets the thread go on */
    }
    (void)close(ends[1]);
    if (*tracerp > 0 && read(ends[0], &byte, 1) == 1) {
        return ends[0];
    }
    (void)close(ends[0]);
    (void)waitpid(*tracerp, NULL, 0);
    return -1;
}

static void test_two_in_one(void **state) {
    struct gate_server *server = slow_server("60");
    struct holdings before;
    pthread_t stops[2];
    pid_t tracer;
    pid_t push;
    long begun_ms;
    int held;

    (void)state;
    look(&before);
    start(server);
    push = begin_slow_push(server);
    expect_int("threads that serve", count_threads(is_serving), 1);
    held = hold_thread(serving_tid, &tracer);
    if (held < 0) {
        (void)kill(push, SIGKILL), (void)waitpid(push, NULL, 0);
        assert_null(gate_server_free(server));
        print_message("a thread cannot be traced here\n");
        skip();
    }
    for (unsigned i = 0; i < ARRAY_SIZE(stops); i++) {
        assert_int_equal(pthread_create(&stops[i], NULL, stop_it, server), 0);
        wait_until("a stop is on its way", count_stops_on_their_way() == i + 1);
    }
    (void)close(held);
    begun_ms = now_ms();
    expect_joined(stops[0]), expect_joined(stops[1]);
    expect_true("the second one ends it", now_ms() - begun_ms < ENDING_MS);
    expect_push_failed(push);
    assert_int_equal(waitpid(tracer, NULL, 0), tracer);
    expect_held("two in one", &before);
    assert_null(gate_server_free(server));
}

/* ---- incomplete requests ---- */

static const struct {
    const char *name;
    const char *text;
    size_t n_more; /* bytes after it */
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
        expect_true(halves[i].name, gate_server_free(server) == NULL); /* free also stops */
        expect_true(halves[i].name, now_ms() - begun_ms < 2 * ENDING_MS);
        while (recv(fd, zeros, sizeof(zeros), 0) > 0) {
        }
        (void)close(fd);
        memset(zeros, 0, sizeof(zeros));
        expect_held(halves[i].name, &before);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_hook),
        cmocka_unit_test(test_twice_at_once),
        cmocka_unit_test(test_two_in_one),
        cmocka_unit_test(test_halves),
    };

    return cmocka_run_group_tests(tests, begin, place_end);
}
