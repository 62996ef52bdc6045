/* SPDX-License-Identifier: Apache-2.0 */

/* A start that fails, at each of its steps: the sentence, nothing left of it, and the next one succeeds. */

#include "unit_library.h"

#include <sys/resource.h>

enum {
    MAX_DESCRIPTORS = 100, /* more than a start can need */
    HUGE_STACK_SHIFT = 46, /* 64 TiB, which no address space has in one piece */
};

/* Starts, fails, and leaves nothing. */
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

/* What is in the way, and how it gets there and away; commands for the shell. */
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

/* Where another server listens, no second one does, and the first one goes on. */
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

/* One that nobody listens on any more is replaced. */
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

/* What PATH or GIT_EXEC_PATH is, below the folder. */
static const struct {
    const char *name;
    const char *make;
    const char *variable;
    const char *value;
    const char *word;
} gits[] = {
    {"no git", "mkdir none", "PATH", "none", "install git"},
    {"a git that fails", "mkdir bad; printf '#!/bin/sh\\nexit 3\\n' >bad/git; chmod +x bad/git", "PATH", "bad",
     "does not answer"},
    {"a git that cannot run", "mkdir odd; printf '#!/none\\n' >odd/git; chmod +x odd/git", "PATH", "odd",
     "does not answer"},
    {"no git-http-backend", "mkdir empty", "GIT_EXEC_PATH", "empty", "git-http-backend"},
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
    struct sockaddr_in any = {.sin_family = AF_INET};
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
    assert_int_equal(bind(fd, (struct sockaddr *)&loopback, sizeof(any)), 0);
    assert_int_equal(listen(fd, 8), 0);
    expect_success("the loopback", server);
    expect_success("the loopback again, for the socket is the caller's", server);
    assert_null(gate_server_free(server));
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(close(fd) | close(file), 0);
}

/* The numbers that are free are the same before and after, whichever descriptor could not be had. */
static void list_descriptors(char *list) {
    for (int fd = 0; fd < MAX_DESCRIPTORS; fd++) {
        list[fd] = fcntl(fd, F_GETFD) < 0 ? '-' : 'x';
    }
}

static unsigned fail_for_each_descriptor(struct gate_server *server) {
    char before[MAX_DESCRIPTORS];
    char after[MAX_DESCRIPTORS];
    struct rlimit limit;
    struct rlimit low;
    unsigned n_failures = 0;
    int r = -1;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    list_descriptors(before);
    low = (struct rlimit){.rlim_max = limit.rlim_max};
    for (low.rlim_cur = 3; r && low.rlim_cur < MAX_DESCRIPTORS; low.rlim_cur++) {
        struct gate_error error = {0};

        (void)setrlimit(RLIMIT_NOFILE, &low);
        r = gate_server_start(server, &error);
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        n_failures += r != 0;
        expect_true("a sentence", (r == 0) == (error.message[0] == '\0'));
        if (r) {
            list_descriptors(after);
            assert_memory_equal(before, after, sizeof(before));
            assert_false(has_children());
            expect_int("threads", gate_server_address(server) == NULL, true);
        }
    }
    assert_int_equal(r, 0);
    assert_int_equal(gate_server_stop(server), 0);
    list_descriptors(after);
    assert_memory_equal(before, after, sizeof(before));
    return n_failures;
}

static void test_descriptors(void **state) {
    const char *mode = has_landlock() ? "require" : "off";
    struct gate_config *config = config_begin();
    struct gate_server *server;
    struct holdings before;

    (void)state;
    set(config, "confine", mode);
    set(config, "socket", in_place("descriptors/gate.sock"));
    server = server_of(config);
    look(&before);
    /* the eventfd, the loop, git's pipes and its pidfd, the socket, and what it takes to confine */
    expect_true("each one in turn", fail_for_each_descriptor(server) > before.n_descriptors - 3);
    expect_held("descriptors", &before);
    expect_true("no socket is left", access(in_place("descriptors/gate.sock"), F_OK) < 0);
    expect_success("descriptors", server);
    assert_null(gate_server_free(server));
}

/* With such a stack, pthread_create(3) can make no thread. */
static void test_no_thread(void **state) {
    struct gate_server *server = server_with("listen", "127.0.0.1:0");
    pthread_attr_t before;
    pthread_attr_t huge;

    (void)state;
    assert_int_equal(pthread_getattr_default_np(&before), 0);
    assert_int_equal(pthread_attr_init(&huge), 0);
    assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)1 << HUGE_STACK_SHIFT), 0);
    assert_int_equal(pthread_setattr_default_np(&huge), 0);
    expect_failure("no thread", server, GATE_E_INTERNAL, "no thread");
    assert_int_equal(pthread_setattr_default_np(&before), 0);
    expect_success("a thread", server);
    assert_int_equal(pthread_attr_destroy(&before) | pthread_attr_destroy(&huge), 0);
    assert_null(gate_server_free(server));
}

/* With a standard stream closed, a pipe would get its number, and git the wrong end of it. */
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

    return cmocka_run_group_tests(tests, place_begin, place_end);
}
