/* SPDX-License-Identifier: Apache-2.0 */

/* A server must not change its program: its threads, signals, limits, working directory and output. */

#include "unit_library.h"

#include <sys/prctl.h>
#include <sys/resource.h>

enum {
    LAYERED_ROUNDS = 20, /* more than the 16 layers that Landlock stacks */
    STATUS_MAX = 8192,
};

/* ---- confinement is the thread's own ---- */

/* A line of /proc/.../status without its end; empty if there is none. */
static void read_status(char *line, size_t size, const char *path, const char *name) {
    char text[STATUS_MAX] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const char *at;

    assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    (void)close(fd);
    at = strstr(text, name);
    (void)snprintf(line, size, "%.*s", at ? (int)strcspn(at, "\n") : 0, at ? at : "");
}

static const char *const confined_by[] = {
    "NoNewPrivs:", "Seccomp:", "Seccomp_filters:", "CapEff:", "CapPrm:", "CapBnd:", "SigBlk:"};

struct freedom {
    char lines[ARRAY_SIZE(confined_by)][64];
};

static void read_freedom(struct freedom *freedom) {
    memset(freedom, 0, sizeof(*freedom));
    for (size_t i = 0; i < ARRAY_SIZE(confined_by); i++) {
        read_status(freedom->lines[i], sizeof(freedom->lines[i]), "/proc/thread-self/status", confined_by[i]);
    }
}

/* Tries what every confined thread is denied: a file elsewhere, and a socket. */
static bool is_free(void) {
    int file = open(in_place("elsewhere"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool both = file >= 0 && fd >= 0;

    (void)close(file), (void)close(fd);
    return both;
}

static bool is_child_free(void) {
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(is_free() && prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status == 0;
}

static void *be_free(void *argument) {
    return is_free() ? argument : NULL;
}

static bool is_filtered(const char *tid) {
    char text[STATUS_MAX];

    return read_of_thread(tid, "status", text, sizeof(text)) && strstr(text, "\nSeccomp:\t2\n");
}

static void test_confinement(void **state) {
    struct gate_server *server;
    struct gate_config *config = config_begin();
    struct freedom before;
    struct freedom now;
    void *freed = NULL;
    pthread_t thread;

    (void)state;
    if (!has_landlock() || prctl(PR_GET_SECCOMP) != 0) {
        (void)gate_config_free(config);
        print_message("this kernel, or who confines this test, does not let it be seen\n");
        skip();
    }
    set(config, "confine", "require");
    set(config, "listen", "127.0.0.1:0");
    server = server_of(config);
    read_freedom(&before);
    for (int i = 0; i < LAYERED_ROUNDS; i++) {
        start(server);
        expect_int("the server's thread alone is confined", count_threads(is_filtered), 1);
        read_freedom(&now);
        assert_memory_equal(&before, &now, sizeof(before));
        expect_true("the caller is free", is_free());
        expect_true("its children are free", is_child_free());
        assert_int_equal(pthread_create(&thread, NULL, be_free, server), 0);
        assert_int_equal(pthread_join(thread, &freed), 0);
        expect_true("its threads are free", freed == server);
        assert_int_equal(ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
        assert_int_equal(gate_server_stop(server), 0);
    }
    assert_null(gate_server_free(server));
}

/* ---- signals ---- */

static pthread_t handler_thread;
static volatile sig_atomic_t n_handled;
static volatile sig_atomic_t n_strange;

static void on_signal(int number) {
    (void)number;
    n_handled = n_handled + 1;
    n_strange = n_strange + !pthread_equal(pthread_self(), handler_thread);
}

static void read_dispositions(void (*handlers[])(int)) {
    for (int number = 1; number < SIGRTMAX; number++) {
        struct sigaction action = {0};

        (void)sigaction(number, NULL, &action);
        handlers[number] = action.sa_handler;
    }
}

/* The program watches its children, and blocks signals that it reads elsewhere. */
static void test_handlers(void **state) {
    struct gate_server *server = server_with("listen", "127.0.0.1:0");
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    void (*before[NSIG])(int) = {NULL};
    void (*after[NSIG])(int) = {NULL};
    sigset_t blocked;
    sigset_t mask;
    sigset_t pending;

    (void)state;
    handler_thread = pthread_self();
    n_handled = 0;
    n_strange = 0;
    assert_int_equal(sigaction(SIGCHLD, &action, NULL) | sigaction(SIGUSR1, &action, NULL), 0);
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &blocked, NULL), 0);
    read_dispositions(before);
    start(server);
    assert_int_equal(kill(getpid(), SIGUSR1), 0); /* any thread could take it, and none does */
    assert_int_equal(ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
    wait_until("git's end was told", n_handled > 0);
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGUSR1), 1);
    assert_int_equal(gate_server_stop(server), 0);
    assert_int_equal(n_strange, 0);
    read_dispositions(after);
    assert_memory_equal(before, after, sizeof(before));
    assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &blocked, &mask), 0);
    assert_int_equal(sigismember(&mask, SIGUSR1) == 1 && sigismember(&mask, SIGCHLD) == 0, 1);
    assert_int_equal(n_strange, 0);
    (void)signal(SIGCHLD, SIG_DFL), (void)signal(SIGUSR1, SIG_DFL);
    assert_null(gate_server_free(server));
}

/* A client that goes away while the gate writes must not end the program by SIGPIPE. */
static void test_gone_client(void **state) {
    struct gate_server *server = server_with("listen", "127.0.0.1:0");

    (void)state;
    start(server);
    for (int i = 0; i < 20; i++) {
        int fd = dial(gate_server_address(server));

        say(fd, "GET /none HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)), 0);
        assert_int_equal(close(fd), 0);
    }
    assert_int_equal(ask(gate_server_address(server), "repo0", CREDENTIALS), 200);
    assert_null(gate_server_free(server));
}

static void test_ignored_children(void **state) {
    struct gate_server *server = server_with("listen", "127.0.0.1:0");
    const struct sigaction cases[] = {{.sa_handler = SIG_IGN}, {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gate_error error = {0};
        struct sigaction after = {0};

        assert_int_equal(sigaction(SIGCHLD, &cases[i], NULL), 0);
        assert_int_equal(gate_server_start(server, &error), GATE_E_START);
        assert_non_null(strstr(error.message, "SIGCHLD"));
        assert_int_equal(sigaction(SIGCHLD, NULL, &after), 0);
        assert_ptr_equal(after.sa_handler, cases[i].sa_handler);
    }
    (void)signal(SIGCHLD, SIG_DFL);
    start(server);
    assert_null(gate_server_free(server));
}

/* ---- other properties of a process ---- */

extern char **environ;

struct process {
    char folder[PATH_MAX];
    mode_t mask;
    char **environment;
    char text[STATUS_MAX];
    struct rlimit limits[RLIM_NLIMITS];
    int dumpable;
    int parent_death_signal;
    char name[16];
};

static void read_process(struct process *process) {
    memset(process, 0, sizeof(*process));
    assert_non_null(getcwd(process->folder, sizeof(process->folder)));
    process->mask = umask(0);
    (void)umask(process->mask);
    process->environment = environ;
    for (char **variable = environ; *variable; variable++) {
        size_t size = strlen(process->text);

        (void)snprintf(process->text + size, sizeof(process->text) - size, "%s\n", *variable);
    }
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        assert_int_equal(getrlimit((__rlimit_resource_t)i, &process->limits[i]), 0);
    }
    process->dumpable = prctl(PR_GET_DUMPABLE);
    (void)prctl(PR_GET_PDEATHSIG, &process->parent_death_signal);
    (void)prctl(PR_GET_NAME, process->name);
}

static void test_process(void **state) {
    static struct process before;
    static struct process now;
    struct gate_config *config = config_begin();
    struct gate_server *server;
    struct rlimit limit;
    struct rlimit low;
    int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mode_t mask = umask(027);

    (void)state;
    set(config, "socket", "relative/gate.sock"); /* to the working directory of gate_server_new() */
    assert_int_equal(chdir(place), 0);
    server = server_of(config);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = (struct rlimit){.rlim_cur = 128, .rlim_max = limit.rlim_max}; /* less than the settings require */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    read_process(&before);
    for (int i = 0; i < 2; i++) {
        char address[3 * PATH_MAX];

        start(server);
        (void)snprintf(address, sizeof(address), "unix:%s", in_place("relative/gate.sock"));
        assert_string_equal(gate_server_address(server), address);
        assert_int_equal(ask(address, "repo0", CREDENTIALS), 200);
        read_process(&now);
        assert_memory_equal(&before, &now, sizeof(before));
        assert_int_equal(chdir("/"), 0); /* the server ignores it */
        assert_int_equal(ask(address, "repo0", CREDENTIALS), 200);
        assert_int_equal(gate_server_stop(server), 0);
        assert_int_equal(access(in_place("relative/gate.sock"), F_OK), -1);
        assert_int_equal(chdir(place), 0);
        read_process(&now);
        assert_memory_equal(&before, &now, sizeof(before));
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(fchdir(folder) | close(folder), 0);
    (void)umask(mask);
    assert_null(gate_server_free(server));
}

/* The log goes to the given descriptor, or nowhere: standard output and error stay empty. */
static void test_log(void **state) {
    int ends[2];
    int kept_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int kept_err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    struct gate_config *config = config_begin();
    struct gate_server *server;
    char text[STATUS_MAX] = "";
    char number[16];
    int file = open(in_place("said"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    (void)snprintf(number, sizeof(number), "%d", ends[1]);
    set(config, "listen", "127.0.0.1:0");
    set(config, "log-level", "debug");
    for (int with_log = 0; with_log < 2; with_log++) {
        if (with_log) {
            set(config, "log-fd", number);
        }
        (void)fflush(NULL);
        assert_int_equal(gate_server_new(&server, config, NULL), 0);
        (void)dup2(file, STDOUT_FILENO), (void)dup2(file, STDERR_FILENO);
        start(server);
        expect_int("repo1", ask(gate_server_address(server), "repo1", CREDENTIALS), 403);
        assert_null(gate_server_free(server));
        (void)fflush(NULL);
        (void)dup2(kept_out, STDOUT_FILENO), (void)dup2(kept_err, STDERR_FILENO);
        assert_int_equal(lseek(file, 0, SEEK_END), 0);
        assert_int_equal(read(ends[0], text, sizeof(text) - 1) > 0, with_log);
    }
    assert_non_null(strstr(text, "403"));
    assert_null(strstr(text, TOKEN));
    assert_null(gate_config_free(config));
    (void)close(file), (void)close(kept_out), (void)close(kept_err), (void)close(ends[0]), (void)close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_confinement),      cmocka_unit_test(test_handlers), cmocka_unit_test(test_gone_client),
        cmocka_unit_test(test_ignored_children), cmocka_unit_test(test_process),  cmocka_unit_test(test_log),
    };

    return cmocka_run_group_tests(tests, place_begin, place_end);
}
