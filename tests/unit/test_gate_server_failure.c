/* SPDX-License-Identifier: Apache-2.0 */

/* A start fails at each of its steps: the sentence is right, nothing is left, and the next start succeeds. */

#include "unit_held_start.h"

#include <sys/resource.h>

enum {
    MAX_DESCRIPTORS = 100, /* more than a start can need */
};

static const size_t huge_stack_bytes = SIZE_MAX / 2; /* larger than any address space */

/* Checks that the start fails and leaves nothing. */
static void expect_failure(const char *name, struct gate_server *server, int code, const char *word) {
    struct gate_error error = {0};
    struct holdings before;

    look(&before);
    expect_int(name, gate_server_start(server, &error), code);
    expect_int(name, error.code, code);
    if (!strstr(error.message, word)) {
        fail_msg("%s: not about %s: %s", name, word, error.message);
    }
    expect_true(name, gate_server_address(server) == NULL);
    expect_held(name, &before);
    expect_int(name, gate_server_start(server, NULL), code);
    expect_int(name, gate_server_stop(server), 0);
    expect_held(name, &before);
}

static void expect_success(const char *name, struct gate_server *server) {
    start(server);
    expect_int(name, ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
    expect_int(name, gate_server_stop(server), 0);
}

/* An obstacle, and the shell commands that make and remove it. */
static const struct {
    const char *name;
    const char *obstruct;
    const char *clear;
    int code;
    const char *word;
} obstacles[] = {
    {"no repository", "mv repo0.git away", "mv away repo0.git", GATE_E_USAGE, "--scope"},
    {"half a repository", "mv repo0.git/HEAD away", "mv away repo0.git/HEAD", GATE_E_USAGE, "bare git repository"},
    {"a plain file", "echo keep >f/gate.sock", "grep -qx keep f/gate.sock; rm f/gate.sock", GATE_E_START, "--socket="},
    {"a folder", "mkdir f/gate.sock", "rmdir f/gate.sock", GATE_E_START, "--socket="},
    {"a file for a folder", "rmdir f; touch f", "rm f; mkdir f", GATE_E_START, "--socket="},
};

static void test_obstacles(void **state) {
    struct gate_server *server = server_with("socket", in_place("f/gate.sock"));

    (void)state;
    run_shell("mkdir f");
    for (size_t i = 0; i < ARRAY_SIZE(obstacles); i++) {
        run_shell("%s", obstacles[i].obstruct);
        expect_failure(obstacles[i].name, server, obstacles[i].code, obstacles[i].word);
        run_shell("%s", obstacles[i].clear);
        expect_success(obstacles[i].name, server);
        expect_true(obstacles[i].name, access(in_place("f/gate.sock"), F_OK) < 0);
    }
    assert_null(gate_server_free(server));
}

/* At a server's address a second one does not start, and the first one goes on. */
static void test_taken(void **state) {
    struct gate_server *first = server_with("listen", "127.0.0.1:0");
    struct gate_server *first_unix = server_with("socket", in_place("taken/gate.sock"));
    struct gate_server *second_unix = server_with("socket", in_place("taken/gate.sock"));
    struct gate_server *second;

    (void)state;
    start(first);
    start(first_unix);
    second = server_with("listen", gate_server_address(first) + strlen("http://"));
    expect_failure("a port", second, GATE_E_START, "--listen=");
    expect_failure("a socket", second_unix, GATE_E_START, "in use");
    assert_int_equal(ask(gate_server_address(first), "repo0", CREDENTIALS), 200);
    assert_int_equal(ask(gate_server_address(first_unix), "repo0", CREDENTIALS), 200);
    assert_int_equal(gate_server_stop(first), 0);
    assert_int_equal(gate_server_stop(first_unix), 0);
    expect_success("a port", second);
    expect_success("a socket", second_unix);
    (void)gate_server_free(first), (void)gate_server_free(first_unix);
    (void)gate_server_free(second), (void)gate_server_free(second_unix);
}

/* A socket that nobody listens on any more is replaced. */
static void test_stale(void **state) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct gate_server *server = server_with("socket", in_place("stale.sock"));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_true(snprintf(address.sun_path, sizeof(address.sun_path), "%s", in_place("stale.sock")) > 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(close(fd), 0);
    expect_success("a stale socket", server);
    assert_null(gate_server_free(server));
}

/* The value of PATH or GIT_EXEC_PATH, below the folder. */
static const struct {
    const char *name;
    const char *make;
    const char *variable;
    const char *value;
    const char *word;
} gits[] = {
    {"no git", "mkdir none", "PATH", "none", "install git"},
    {"a git that fails", "mkdir bad; printf '#!/bin/sh\\nexit 3\\n' >bad/git; chmod +x bad/git", "PATH", "bad",
     "ended with exit status 3; mend that git"},
    {"a git that cannot run", "mkdir odd; printf '#!/none\\n' >odd/git; chmod +x odd/git", "PATH", "odd",
     "cannot be run: execve: No such file or directory; mend that git"},
    {"no git in its folder", "mkdir empty", "GIT_EXEC_PATH", "empty", "/empty/git' cannot be executed"},
};

static void test_gits(void **state) {
    struct gate_server *server = server_with("listen", "127.0.0.1:0");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(gits); i++) {
        const char *old = getenv(gits[i].variable);
        char *kept = old ? strdup(old) : NULL;

        run_shell("%s", gits[i].make);
        assert_int_equal(setenv(gits[i].variable, in_place(gits[i].value), 1), 0);
        expect_failure(gits[i].name, server, GATE_E_START, gits[i].word);
        assert_int_equal(kept ? setenv(gits[i].variable, kept, 1) : unsetenv(gits[i].variable), 0);
        free(kept);
        expect_success(gits[i].name, server);
    }
    assert_null(gate_server_free(server));
}

static void test_listen_fd(void **state) {
    char number[16];
    int file = open("/dev/null", O_RDWR | O_CLOEXEC);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct gate_server *server;

    (void)state;
    (void)snprintf(number, sizeof(number), "%d", file);
    server = server_with("listen-fd", number);
    expect_failure("no socket", server, GATE_E_USAGE, "not a listening socket");
    assert_null(gate_server_free(server));
    (void)snprintf(number, sizeof(number), "%d", fd);
    server = server_with("listen-fd", number);
    expect_failure("it does not listen", server, GATE_E_USAGE, "not a listening socket");
    assert_int_equal(bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)), 0);
    assert_int_equal(listen(fd, 8), 0);
    expect_int("it still blocks", fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    expect_success("the loopback", server);
    expect_int("it blocks no more", fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    expect_success("the loopback again, for the socket is the caller's", server);
    assert_null(gate_server_free(server));
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(close(fd) | close(file), 0);
}

/* ---- too few descriptors ---- */

/*
 * The steps of a start that need a descriptor, in this order, as words of the sentence when there is none. Three steps
 * never lack one: the lock and the socket take the two by which the repository and its configuration were read, and
 * Landlock's first ruleset takes that of the folder's lock.
 */
static const char *const steps[] = {
    "no thread", "no event loop", "no room to run", "cannot look at", "set the mode of --socket", "under --confine",
};

enum {
    STEP_GIT = 2, /* it needs more at once than any later step, so those fail only with a limit set later */
    STEP_LANDLOCK = 5,
};

static size_t step_of(const char *message) {
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        if (strstr(message, steps[i])) {
            return i;
        }
    }
    fail_msg("of no step: %s", message);
    return ARRAY_SIZE(steps);
}

/* The same numbers are free before and after, whichever descriptor was missing. */
static void list_descriptors(char *list) {
    for (int fd = 0; fd < MAX_DESCRIPTORS; fd++) {
        list[fd] = fcntl(fd, F_GETFD) < 0 ? '-' : 'x';
    }
}

/* Starts with no descriptor from this number on, from the beginning or after git has been asked. */
static void start_below(rlim_t number, bool is_behind_git, struct held_start *held, struct gate_server *server) {
    struct rlimit limit;
    struct rlimit low;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = (struct rlimit){.rlim_cur = number, .rlim_max = limit.rlim_max};
    if (is_behind_git) {
        hold_start(held, server);
        (void)setrlimit(RLIMIT_NOFILE, &low);
        release_start(held, "go\n");
    } else {
        *held = (struct held_start){.server = server};
        (void)setrlimit(RLIMIT_NOFILE, &low);
        (void)start_it(held);
    }
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Allows one more descriptor after each failure, until there are enough. */
static void fail_at_each_step(struct gate_server *server, bool is_behind_git, unsigned *n_seen) {
    char descriptors[MAX_DESCRIPTORS];
    char now[MAX_DESCRIPTORS];
    struct held_start held;
    struct holdings before;

    list_descriptors(descriptors);
    look(&before);
    for (rlim_t number = STDERR_FILENO + 1; number < MAX_DESCRIPTORS; number++) {
        size_t step;

        start_below(number, is_behind_git, &held, server);
        if (held.result == 0) {
            break;
        }
        step = step_of(held.error.message);
        n_seen[step]++;
        number -= is_behind_git && step == STEP_GIT; /* git was quicker than its watching parent: once more */
        list_descriptors(now);
        assert_memory_equal(descriptors, now, sizeof(now));
        expect_held(steps[step], &before);
        expect_true(steps[step], gate_server_address(server) == NULL);
        expect_true(steps[step], access(in_place("descriptors/gate.sock"), F_OK) < 0);
    }
    expect_int(held.error.message, held.result, 0);
    assert_int_equal(gate_server_stop(server), 0);
    expect_held("descriptors", &before);
}

static void test_descriptors(void **state) {
    struct gate_config *config = config_begin();
    unsigned n_seen[ARRAY_SIZE(steps)] = {0};
    struct gate_server *server;

    (void)state;
    set(config, "confine", has_landlock() ? "require" : "off");
    set(config, "socket", in_place("descriptors/gate.sock"));
    server = server_of(config);
    fail_at_each_step(server, false, n_seen);
    fail_at_each_step(server, true, n_seen);
    for (size_t i = 0; i < (has_landlock() ? ARRAY_SIZE(steps) : STEP_LANDLOCK); i++) {
        expect_true(steps[i], n_seen[i] > 0);
    }
    expect_success("descriptors", server);
    assert_null(gate_server_free(server));
}

/* pthread_create(3) can make no thread with such a stack. */
static void test_no_thread(void **state) {
    struct gate_server *server = server_with("listen", "127.0.0.1:0");
    pthread_attr_t before;
    pthread_attr_t huge;

    (void)state;
    assert_int_equal(pthread_getattr_default_np(&before), 0);
    assert_int_equal(pthread_attr_init(&huge), 0);
    assert_int_equal(pthread_attr_setstacksize(&huge, huge_stack_bytes), 0);
    assert_int_equal(pthread_setattr_default_np(&huge), 0);
    expect_failure("no thread", server, GATE_E_INTERNAL, "no thread");
    assert_int_equal(pthread_setattr_default_np(&before), 0);
    expect_success("a thread", server);
    assert_int_equal(pthread_attr_destroy(&before) | pthread_attr_destroy(&huge), 0);
    assert_null(gate_server_free(server));
}

/* A pipe would get the number of a closed standard stream, and git the wrong end of the pipe. */
static void test_closed_streams(void **state) {
    struct gate_server *server = server_with("listen", "127.0.0.1:0");
    struct gate_error error = {0};
    int kept = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int r;

    (void)state;
    assert_int_equal(close(STDIN_FILENO), 0);
    r = gate_server_start(server, &error);
    assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(r, GATE_E_START);
    assert_non_null(strstr(error.message, "/dev/null"));
    assert_int_equal(close(kept), 0);
    expect_success("all streams", server);
    assert_null(gate_server_free(server));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_obstacles), cmocka_unit_test(test_taken),          cmocka_unit_test(test_stale),
        cmocka_unit_test(test_gits),      cmocka_unit_test(test_listen_fd),      cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_no_thread), cmocka_unit_test(test_closed_streams),
    };

    return cmocka_run_group_tests(tests, held_begin, held_end);
}
