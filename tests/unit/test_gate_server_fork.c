/* SPDX-License-Identifier: Apache-2.0 */

/* A server and its program hold none of each other's descriptors, and no child of the program holds the server's. */

#include "unit_library.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

enum {
    N_HAVES = 900,           /* a body longer than the 32 KiB after which git starts */
    BODY_MAX = 1 << 16,      /* of that body */
    SPREAD = 100,            /* between the numbers of descriptors that a server is given */
    CHILD_FAILED = 255,      /* a check in a child failed, and the child has said so */
    PATIENT_BACKEND_S = 600, /* git's time to wait for the rest of a request: longer than any test */
};

/* In place of the checks that jump out of a test. */
#define child_expect(condition)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)dprintf(STDERR_FILENO, "# not so: %s (errno %d)\n", #condition, errno);                              \
            _exit(CHILD_FAILED);                                                                                       \
        }                                                                                                              \
    } while (0)

/* Waits for a child that ends by itself. */
static void expect_child_content(pid_t pid) {
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* Forks a copy of this process that does nothing, like an idle worker. */
static pid_t fork_idle(void) {
    pid_t pid = fork();

    if (pid == 0) {
        while (true) {
            (void)pause();
        }
    }
    assert_true(pid > 0);
    return pid;
}

static void end_idle(pid_t pid) {
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct gate_server *make_server(void) {
    struct gate_config *config = config_begin();
    char seconds[16];

    (void)snprintf(seconds, sizeof(seconds), "%d", PATIENT_BACKEND_S);
    set(config, "listen", "127.0.0.1:0");
    set(config, "backend", "http-backend"); /* it starts before all of a fetch has come */
    set(config, "backend-timeout", seconds);
    set(config, "drain-timeout", "0");
    return server_of(config);
}

/* ---- a request under way ---- */

/* A fetch of protocol 2 that wants nothing. git answers, and waits for another command or the end. */
static size_t write_fetch(char *body) {
    size_t size = (size_t)sprintf(body, "0011command=fetch0001");

    for (int i = 0; i < N_HAVES; i++) {
        size += (size_t)sprintf(body + size, "0032have %040x\n", i + 1);
    }
    return size + (size_t)sprintf(body + size, "0000");
}

/* Sends all bytes but the last, and waits until git runs. */
static int begin_request(const char *address, char *last) {
    static char body[BODY_MAX];
    size_t size = write_fetch(body);
    char head[512];
    int fd = dial(address);

    assert_true(fd >= 0);
    (void)snprintf(head, sizeof(head),
                   "POST /repo0.git/git-upload-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " CREDENTIALS "\r\n"
                   "Git-Protocol: version=2\r\nContent-Type: application/x-git-upload-pack-request\r\n"
                   "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                   size);
    *last = body[size - 1];
    body[size - 1] = '\0';
    say(fd, head);
    say(fd, body);
    return fd;
}

/* Checks that the answer is whole, and comes before the gate would give git up. */
static void expect_answer(int fd) {
    char text[ANSWER_MAX] = "";
    size_t size = 0;
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    ssize_t n = 1;

    while (n > 0 && size < sizeof(text) - 1) {
        expect_true("the answer comes", poll(&poller, 1, WAIT_MS) == 1);
        n = recv(fd, text + size, sizeof(text) - 1 - size, 0);
        size += n > 0 ? (size_t)n : 0;
    }
    assert_int_equal(strncmp(text, "HTTP/1.1 200 ", 13), 0);
    assert_true(size > 5 && memcmp(text + size - 5, "0\r\n\r\n", 5) == 0);
}

/* A copied pipe would hide the end of input from git. A copied socket would go on listening at the port. */
static void test_request(void **state) {
    struct gate_server *server = make_server();
    struct holdings before;
    char address[64];
    char last;
    pid_t copy;
    int fd;

    (void)state;
    look(&before);
    start(server);
    (void)snprintf(address, sizeof(address), "%s", gate_server_address(server));
    fd = begin_request(address, &last);
    wait_until("git was started", has_children());
    copy = fork_idle();
    assert_int_equal(send(fd, &last, 1, MSG_NOSIGNAL), 1);
    expect_answer(fd);
    assert_int_equal(close(fd), 0);
    assert_int_equal(gate_server_stop(server), 0);
    expect_int("the port", dial(address), -1);
    start(server); /* and the fork does not hinder the next server */
    expect_int("the next one", ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
    assert_null(gate_server_free(server));
    end_idle(copy);
    expect_held("a fork", &before);
}

/* ---- a child that uses the server ---- */

static void call_all(struct gate_server *server) {
    struct gate_error error = {0};

    child_expect(gate_server_address(server) == NULL);
    child_expect(gate_server_start(server, &error) == GATE_E_USAGE && strstr(error.message, "a fork"));
    child_expect(gate_server_stop(server) == 0);
    child_expect(gate_server_free(server) == NULL);
}

/* The child has a copy of the server's stop descriptor. Ids do not tell them apart: both may be 1 in PID namespaces. */
static void test_calls_of_a_fork(void **state) {
    struct gate_server *running = make_server();
    struct gate_server *other = make_server();
    pid_t pid;

    (void)state;
    start(running);
    (void)alarm(20);
    pid = fork();
    if (pid == 0) {
        struct gate_error error = {0};

        call_all(running);
        child_expect(gate_server_start(other, &error) == 0); /* the server had no thread yet */
        child_expect(ask(gate_server_address(other), "repo0", CREDENTIALS) == 200);
        child_expect(gate_server_free(other) == NULL);
        _exit(0);
    }
    expect_child_content(pid);
    expect_int("the parent's", ask(gate_server_address(running), "repo0", CREDENTIALS), 200);
    (void)alarm(0);
    assert_null(gate_server_free(running));
    assert_null(gate_server_free(other));
}

/* ---- a program that is killed ---- */

/* A program's data for the process that will kill it. */
struct word {
    char address[64];
    pid_t copy;
};

static void run_program(int out) {
    struct gate_server *server = make_server();
    struct word word = {0};
    char last;

    start(server);
    (void)snprintf(word.address, sizeof(word.address), "%s", gate_server_address(server));
    (void)begin_request(word.address, &last);
    wait_until("git was started", has_children());
    word.copy = fork_idle();
    child_expect(write(out, &word, sizeof(word)) == sizeof(word));
    (void)pause();
}

static unsigned count_children(void) {
    char path[64];
    unsigned n = 0;
    FILE *file;
    int pid;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    file = fopen(path, "re");
    assert_non_null(file);
    while (fscanf(file, "%d", &pid) == 1) {
        n++;
    }
    (void)fclose(file);
    return n;
}

static bool is_one_child_left(void) {
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    return count_children() == 1;
}

/* git ends with the program although a copy lives on, as no copy has the pipe that tells git. */
static void test_killed(void **state) {
    struct word word = {0};
    int ends[2];
    pid_t program;

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L), 0); /* this test adopts its orphans */
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    program = fork();
    if (program == 0) {
        run_program(ends[1]);
        _exit(CHILD_FAILED);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &word, sizeof(word)), sizeof(word));
    end_idle(program);
    wait_until("the copy alone is left", is_one_child_left());
    expect_int("the port", dial(word.address), -1);
    end_idle(word.copy);
    (void)close(ends[0]);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0L, 0L, 0L, 0L), 0);
}

/* ---- descriptors of the program ---- */

/* Tells whether all write ends are closed. */
static bool has_ended(int reader) {
    struct pollfd poller = {.fd = reader, .events = POLLIN};
    char byte;

    return poll(&poller, 1, 0) == 1 && read(reader, &byte, 1) == 0;
}

/* Makes a pipe whose write end gets the number @fd. Return: the read end. */
static int pipe_at(int fd) {
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(dup2(ends[1], fd), fd);
    assert_int_equal(close(ends[1]), 0);
    return ends[0];
}

/* A listening socket with the number @fd. */
static void listen_at(int fd) {
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(made, (struct sockaddr *)&loopback, sizeof(loopback)), 0);
    assert_int_equal(listen(made, 8), 0);
    assert_int_equal(dup2(made, fd), fd);
    assert_int_equal(close(made), 0);
}

/* Makes a server whose log and socket have the distant numbers @log_fd and @listen_fd. */
static struct gate_server *make_spread_server(int log_fd, int listen_fd) {
    struct gate_config *config = config_begin();
    char number[16];

    (void)snprintf(number, sizeof(number), "%d", log_fd);
    set(config, "log-fd", number);
    (void)snprintf(number, sizeof(number), "%d", listen_fd);
    set(config, "listen-fd", number);
    return server_of(config);
}

/* Pipes have the numbers around a server's descriptors. The program can close them while the server runs. */
static void expect_not_kept(const char *name, int log_fd, int listen_fd) {
    const int numbers[] = {SPREAD - 1, SPREAD + 1, 2 * SPREAD - 1, 2 * SPREAD + 1, 3 * SPREAD};
    struct gate_server *server = make_spread_server(log_fd, listen_fd);
    int readers[ARRAY_SIZE(numbers)];
    int log = pipe_at(log_fd);

    listen_at(listen_fd);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        readers[i] = pipe_at(numbers[i]);
    }
    start(server);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        expect_int(name, close(numbers[i]), 0);
        expect_true(name, has_ended(readers[i]));
        (void)close(readers[i]);
    }
    expect_int(name, ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
    expect_int(name, gate_server_stop(server), 0);
    expect_true(name, !has_ended(log)); /* it has records, and still belongs to the program */
    expect_int(name, close(log_fd) | close(listen_fd), 0);
    while (read(log, (char[ANSWER_MAX]){0}, ANSWER_MAX) > 0) { /* to the end: a stopped server holds nothing */
    }
    (void)close(log);
    assert_null(gate_server_free(server));
}

static void test_not_kept(void **state) {
    struct holdings before;

    (void)state;
    look(&before);
    expect_not_kept("the log above the socket", 2 * SPREAD, SPREAD);
    expect_not_kept("the log below the socket", SPREAD, 2 * SPREAD);
    expect_held("numbers", &before);
}

/* A program closes its standard output after it has printed its address. */
static void test_standard_output(void **state) {
    struct gate_server *server = make_server();
    int kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int reader;

    (void)state;
    (void)fflush(stdout);
    reader = pipe_at(STDOUT_FILENO);
    start(server);
    assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    expect_true("standard output", has_ended(reader));
    expect_int("standard output", ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
    (void)close(kept), (void)close(reader);
    assert_null(gate_server_free(server));
}

/* ---- without a table of its own ---- */

/* A filter like that of a sandbox with an older list of system calls. */
static void refuse_close_range(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = ARRAY_SIZE(filter), .filter = filter};

    child_expect(prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0);
    child_expect(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* The start fails, and closes none of the program's descriptors. */
static void test_refused(void **state) {
    struct gate_server *server = make_server();
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        struct gate_error error = {0};
        unsigned n_before = count_entries("/proc/self/fd");

        refuse_close_range();
        child_expect(gate_server_start(server, &error) == GATE_E_INTERNAL);
        child_expect(strstr(error.message, "close_range: ") && strstr(error.message, "seccomp profile"));
        child_expect(!gate_server_address(server));
        child_expect(count_entries("/proc/self/fd") == n_before);
        child_expect(gate_server_stop(server) == 0);
        _exit(0);
    }
    expect_child_content(pid);
    assert_null(gate_server_free(server));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),  cmocka_unit_test(test_calls_of_a_fork), cmocka_unit_test(test_killed),
        cmocka_unit_test(test_not_kept), cmocka_unit_test(test_standard_output), cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, place_begin, place_end);
}
