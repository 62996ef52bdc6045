/* SPDX-License-Identifier: Apache-2.0 */

/* A child that cannot start: the call and its errno are right, and neither a zombie nor a descriptor is left. */

#include "unit_child.h"
#include "unit_folder.h"
#include "unit_process.h"

#include <seccomp.h>
#include <sys/resource.h>

static void expect_nothing(const char *name, const struct process *process, size_t n_descriptors) {
    expect_int(name, process->pid, 0);
    expect_int(name, process->pidfd, -1);
    expect_int(name, process->input, -1);
    expect_int(name, process->output, -1);
    expect_int(name, process->errors, -1);
    expect_int(name, process->lifeline, -1);
    expect_int(name, count_descriptors(), n_descriptors);
    expect_true(name, has_no_child());
}

static const struct {
    const char *name;
    const char *path; /* below the test's folder */
    const char *content;
    mode_t mode;
    int result;
} exec_cases[] = {
    {"no such file", "none", NULL, 0, -ENOENT},
    {"no such folder", "none/none", NULL, 0, -ENOENT},
    {"a file for a folder", "file/none", NULL, 0, -ENOTDIR},
    {"a folder", ".", NULL, 0, -EACCES},
    {"not executable", "plain", "#!/bin/sh\nexit 0\n", 0600, -EACCES},
    {"no program", "nonsense", "nonsense", 0700, -ENOEXEC},
    {"empty", "empty", "", 0700, -ENOEXEC},
    {"a script whose interpreter is not there", "script", "#!/nonexistent/sh\n", 0700, -ENOENT},
};

static void test_exec(void **state) {
    size_t n_descriptors;

    (void)state;
    folder_write("file", SPAN("x"));
    n_descriptors = count_descriptors();
    for (size_t i = 0; i < ARRAY_SIZE(exec_cases); i++) {
        const char *name = exec_cases[i].name;
        char path[PATH_MAX + 32];

        (void)snprintf(path, sizeof(path), "%s/%s", folder.path, exec_cases[i].path);
        if (exec_cases[i].content) {
            folder_write(exec_cases[i].path, span_of(exec_cases[i].content));
            expect_int(name, chmod(exec_cases[i].path, exec_cases[i].mode), 0);
        }
        for (int has_input = 0; has_input < 2; has_input++) {
            struct process process = {.pid = 1, .pidfd = 0, .input = 0, .output = 0, .errors = 0, .lifeline = 0};
            struct words argv;

            expect_int(name,
                       process_spawn(&process, path, words_of(&argv, (const char *[]){"x", NULL}), NO_ENVIRONMENT,
                                     has_input ? PROCESS_INPUT_PIPE : PROCESS_INPUT_NONE, &PROCESS_UNLIMITED),
                       exec_cases[i].result);
            expect_text(name, process.failed_call, "execve");
            expect_nothing(name, &process, n_descriptors);
            process_deinit(&process);
        }
    }
}

/* A search in PATH would find this program. */
static void test_no_search(void **state) {
    struct process process;
    struct words argv;

    (void)state;
    assert_int_equal(process_spawn(&process, "true", words_of(&argv, (const char *[]){"true", NULL}), NO_ENVIRONMENT,
                                   PROCESS_INPUT_NONE, &PROCESS_UNLIMITED),
                     -ENOENT);
    assert_true(has_no_child());
}

/* Sets a limit that leaves room for @n more descriptors, whatever gaps are between the open ones. */
static rlim_t limit_for(size_t n) {
    int fds[16];
    rlim_t limit;

    assert_true(n < ARRAY_SIZE(fds));
    for (size_t i = 0; i <= n; i++) {
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fds[i] >= 0);
    }
    limit = (rlim_t)fds[n];
    for (size_t i = 0; i <= n; i++) {
        assert_int_equal(close(fds[i]), 0);
    }
    return limit;
}

/* Each try has one descriptor more, until there are enough. After a failure all are closed. */
static void test_descriptors(void **state) {
    size_t n_descriptors = count_descriptors();
    struct rlimit before;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (int has_input = 0; has_input < 2; has_input++) {
        size_t n_needed = has_input ? 9 : 8; /* two a pipe, or one for /dev/null, and the pidfd */

        for (size_t n = 0; n <= n_needed; n++) {
            struct rlimit limit = {.rlim_cur = limit_for(n), .rlim_max = before.rlim_max};
            struct process process;
            struct words argv;
            char name[64];
            int r;

            (void)snprintf(name, sizeof(name), "%zu descriptors", n);
            expect_int(name, setrlimit(RLIMIT_NOFILE, &limit), 0);
            r = process_spawn(&process, "/bin/cat", words_of(&argv, (const char *[]){"cat", NULL}), NO_ENVIRONMENT,
                              has_input ? PROCESS_INPUT_PIPE : PROCESS_INPUT_NONE, &PROCESS_UNLIMITED);
            expect_int(name, setrlimit(RLIMIT_NOFILE, &before), 0);
            if (n < n_needed) {
                expect_int(name, r, -EMFILE);
                expect_true(name, process.failed_call);
                expect_nothing(name, &process, n_descriptors);
                continue;
            }
            expect_int(name, r, 0);
            expect_true(name, !process.failed_call);
            process_signal(&process, SIGKILL);
            wait_for_end(name, &process);
            expect_int(name, process_reap(&process, NULL), 0);
            process_deinit(&process);
            expect_int(name, count_descriptors(), n_descriptors);
        }
    }
}

/* ---- each step by its name ---- */

enum {
    SOME_BYTES = 1 << 20,
};

#define ANY_ARGUMENTS                                                                                                  \
    {                                                                                                                  \
        { 0 }                                                                                                          \
    }
#define IS(index, value)                                                                                               \
    { (index), SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)(value) }
#define IS_NOT(index, value)                                                                                           \
    { (index), SCMP_CMP_NE, (scmp_datum_t)(value), 0 }

/* A call that a filter refuses, like a container's, and the name of the failure. */
static const struct step_case {
    const char *call;
    const char *syscall;
    struct scmp_arg_cmp arguments[2];
    bool has_input;
} step_cases[] = {
    {"open(/dev/null)", "openat", ANY_ARGUMENTS},
    {"pipe2", "pipe2", ANY_ARGUMENTS, .has_input = true},
    {"pipe2", "pipe2", ANY_ARGUMENTS},
    {"fcntl(O_NONBLOCK)", "fcntl", {IS(1, F_SETFL), IS(2, O_NONBLOCK)}},
    {"vfork", "vfork", ANY_ARGUMENTS},
    {"setsid", "setsid", ANY_ARGUMENTS},
    {"setrlimit(RLIMIT_CORE)", "prlimit64", {IS(1, RLIMIT_CORE), IS_NOT(2, 0)}},
    {"getrlimit(RLIMIT_FSIZE)", "prlimit64", {IS(1, RLIMIT_FSIZE), IS(2, 0)}},
    {"setrlimit(RLIMIT_FSIZE)", "prlimit64", {IS(1, RLIMIT_FSIZE), IS_NOT(2, 0)}},
    {"sigaction(SIGXFSZ)", "rt_sigaction", {IS(0, SIGXFSZ)}},
    {"landlock_restrict_self", "landlock_restrict_self", ANY_ARGUMENTS},
    {"dup2", "dup2", {IS(1, STDIN_FILENO)}},
    {"dup2", "dup2", {IS(1, STDOUT_FILENO)}},
    {"dup2", "dup2", {IS(1, STDERR_FILENO)}},
    {"dup2", "dup2", {IS(1, STDERR_FILENO + 1)}},
    {"close_range", "close_range", ANY_ARGUMENTS},
    {"fcntl(F_SETFD)", "fcntl", {IS(1, F_SETFD)}},
    {"fcntl(F_SETOWN)", "fcntl", {IS(1, F_SETOWN)}},
    {"fcntl(F_SETSIG)", "fcntl", {IS(1, F_SETSIG)}},
    {"fcntl(O_ASYNC)", "fcntl", {IS(1, F_SETFL), IS(2, O_ASYNC)}},
    {"chdir", "chdir", ANY_ARGUMENTS},
    {"execve", "execve", ANY_ARGUMENTS},
    {"pidfd_open", "pidfd_open", ANY_ARGUMENTS},
};

/* EXDEV, which none of the calls gives by itself. */
static void refuse(const struct step_case *step) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    unsigned n_arguments = 0;

    while (n_arguments < ARRAY_SIZE(step->arguments) && step->arguments[n_arguments].op != 0) {
        n_arguments++;
    }
    child_expect(step->call, filter);
    child_expect(step->call,
                 seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EXDEV), seccomp_syscall_resolve_name(step->syscall),
                                        n_arguments, step->arguments) == 0);
    child_expect(step->call, seccomp_load(filter) == 0);
    seccomp_release(filter);
}

static int spawn_without(const void *argument) {
    const struct step_case *step = argument;
    const bool is_landlock = strcmp(step->call, "landlock_restrict_self") == 0;
    const struct process_limits limits = {
        .is_private = true, .max_file_bytes = SOME_BYTES, .landlock = is_landlock ? STDIN_FILENO : -1};
    size_t n_descriptors = count_descriptors();
    struct process process;
    struct words argv;
    int r;

    refuse(step);
    r = process_spawn(&process, "/bin/true", words_of(&argv, (const char *[]){"true", NULL}), NO_ENVIRONMENT,
                      step->has_input ? PROCESS_INPUT_PIPE : PROCESS_INPUT_NONE, &limits);
    child_expect(step->call, r == -EXDEV);
    child_expect(step->call, process.failed_call && strcmp(process.failed_call, step->call) == 0);
    child_expect(step->call, process.pid == 0 && process.pidfd == -1 && has_no_child());
    if (strcmp(step->syscall, "openat") != 0) {
        child_expect(step->call, count_descriptors() == n_descriptors);
    }
    return 0;
}

static void test_steps(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(step_cases); i++) {
        bool is_there = seccomp_syscall_resolve_name(step_cases[i].syscall) >= 0;

        if (is_there) { /* 64-bit ARM has neither dup2 nor vfork */
            expect_int(step_cases[i].call, child_run(spawn_without, &step_cases[i]), 0);
        }
    }
}

/* The caller's signals are as before, whether the child was born or not. */
static void test_signals_kept(void **state) {
    static const char *const paths[] = {"/bin/true", "/nonexistent"};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t wanted;

    (void)state;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGUSR1);
    assert_int_equal(sigprocmask(SIG_SETMASK, &wanted, NULL), 0);
    assert_int_equal(sigaction(SIGPIPE, &ignore, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct sigaction action;
        struct process process;
        struct words argv;
        sigset_t mask;

        if (process_spawn(&process, paths[i], words_of(&argv, (const char *[]){"x", NULL}), NO_ENVIRONMENT,
                          PROCESS_INPUT_NONE, &PROCESS_UNLIMITED) == 0) {
            wait_for_end(paths[i], &process);
            expect_int(paths[i], process_reap(&process, NULL), 0);
            process_deinit(&process);
        }
        expect_int(paths[i], sigprocmask(SIG_SETMASK, NULL, &mask), 0);
        for (int signal = 1; signal <= SIGSYS; signal++) {
            expect_int(paths[i], sigismember(&mask, signal), signal == SIGUSR1);
        }
        expect_int(paths[i], sigaction(SIGPIPE, NULL, &action), 0);
        expect_true(paths[i], action.sa_handler == SIG_IGN);
    }
    (void)sigemptyset(&wanted);
    assert_int_equal(sigprocmask(SIG_SETMASK, &wanted, NULL), 0);
}

static void test_none(void **state) {
    struct process process = PROCESS_NONE;

    (void)state;
    process_signal(&process, SIGKILL); /* kill(0, SIGKILL) would end this test */
    process_deinit(&process);
    assert_int_equal(process.pid, 0);
    assert_int_equal(process.pidfd, -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_exec),         cmocka_unit_test(test_no_search),    cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_steps), cmocka_unit_test(test_signals_kept), cmocka_unit_test(test_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
