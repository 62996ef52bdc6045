/* SPDX-License-Identifier: Apache-2.0 */

/* The life of a child: its start, its bytes, its group, and its end. */

#include "base/fd.h"
#include "unit_process.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>

static const struct {
    const char *name;
    const char *path;
    const char *argv[6];
    const char *envp[6];
    const char *input; /* NULL: the child reads /dev/null */
    int status;        /* of its exit, or minus the signal that ended it */
    const char *output;
    const char *errors;
} run_cases[] = {
    {"success", "/bin/true", {"true"}, {NULL}, NULL, 0, "", ""},
    {"failure", "/bin/false", {"false"}, {NULL}, NULL, 1, "", ""},
    {"an exit status", "/bin/sh", {"sh", "-c", "exit 77"}, {NULL}, NULL, 77, "", ""},
    {"a signal", "/bin/sh", {"sh", "-c", "kill -KILL $$"}, {NULL}, NULL, -SIGKILL, "", ""},
    {"input and its end", "/bin/cat", {"cat"}, {NULL}, "one\ntwo\n", 0, "one\ntwo\n", ""},
    {"empty input", "/bin/cat", {"cat"}, {NULL}, "", 0, "", ""},
    {"no input", "/bin/cat", {"cat"}, {NULL}, NULL, 0, "", ""},
    {"what no input is", "/bin/readlink", {"readlink", "/proc/self/fd/0"}, {NULL}, NULL, 0, "/dev/null\n", ""},
    {"no input cannot be written", "/bin/sh", {"sh", "-c", "echo x >&0"}, {NULL}, NULL, 1, "", NULL},
    {"output and errors", "/bin/sh", {"sh", "-c", "echo out; echo err >&2"}, {NULL}, NULL, 0, "out\n", "err\n"},
    {"arguments",
     "/bin/sh",
     {"not sh", "-c", "echo \"$0 $# $2\"", "zero", "a b", "c  d"},
     {NULL},
     NULL,
     0,
     "zero 2 c  d\n",
     ""},
    {"its own name", "/bin/sh", {"not sh", "-c", "echo \"$0\""}, {NULL}, NULL, 0, "not sh\n", ""},
    {"no environment", "/usr/bin/env", {"env"}, {NULL}, NULL, 0, "", ""},
    {"environment", "/usr/bin/env", {"env"}, {"B=two words", "A=", "C=x=y"}, NULL, 0, "B=two words\nA=\nC=x=y\n", ""},
    {"where it stands", "/bin/readlink", {"readlink", "/proc/self/cwd"}, {NULL}, NULL, 0, "/\n", ""},
    {"its descriptors; the fourth is the lifeline, the fifth the open folder itself",
     "/bin/ls",
     {"ls", "/proc/self/fd"},
     {NULL},
     "",
     0,
     "0\n1\n2\n3\n4\n",
     ""},
    {"its descriptors without input", "/bin/ls", {"ls", "/proc/self/fd"}, {NULL}, NULL, 0, "0\n1\n2\n3\n4\n", ""},
    {"its end of the lifeline cannot be written", "/bin/sh", {"sh", "-c", "echo x >&3"}, {NULL}, NULL, 1, "", NULL},
    {"its signals: none blocked, none ignored",
     "/bin/sed",
     {"sed", "-n", "/^Sig[BI]/p", "/proc/self/status"},
     {NULL},
     NULL,
     0,
     "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n",
     ""},
    {"SIGPIPE ends it", "/bin/sh", {"sh", "-c", "kill -PIPE $$; echo survived"}, {NULL}, NULL, -SIGPIPE, "", ""},
    {"SIGTERM ends it", "/bin/sh", {"sh", "-c", "kill -TERM $$; echo survived"}, {NULL}, NULL, -SIGTERM, "", ""},
};

static struct process_limits run_limits = {.landlock = -1};

static void spawn_case(size_t i, struct process *process) {
    struct words argv;
    struct words envp;

    expect_int(run_cases[i].name,
               process_spawn(process, run_cases[i].path, words_of(&argv, run_cases[i].argv),
                             words_of(&envp, run_cases[i].envp),
                             run_cases[i].input ? PROCESS_INPUT_PIPE : PROCESS_INPUT_NONE, &run_limits),
               0);
}

static void send_input(const char *name, struct process *process, const char *input) {
    if (!input) {
        expect_int(name, process->input, -1);
        return;
    }
    expect_int(name, write(process->input, input, strlen(input)), strlen(input));
    expect_int(name, close(process->input), 0);
    process->input = -1;
}

/* The child is the same for any signals, descriptors, environment and working directory of the test. */
static void test_run(void **state) {
    static char output[OUTPUT_ROOM];
    static char errors[OUTPUT_ROOM];
    size_t n_descriptors = count_descriptors();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(run_cases); i++) {
        const char *name = run_cases[i].name;
        struct process process;
        int status = 0;
        pid_t pid;

        spawn_case(i, &process);
        pid = process.pid;
        expect_true(name, pid > 0);
        send_input(name, &process, run_cases[i].input);
        read_to_end(name, process.output, output, sizeof(output));
        read_to_end(name, process.errors, errors, sizeof(errors));
        wait_for_end(name, &process);
        expect_true(name, process_has_ended(&process)); /* asking does not reap it */
        expect_int(name, process_reap(&process, &status), 0);
        expect_int(name, process.pid, 0);
        expect_int(name, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), run_cases[i].status);
        expect_text(name, output, run_cases[i].output);
        if (run_cases[i].errors) {
            expect_text(name, errors, run_cases[i].errors);
        }
        process_deinit(&process);
        expect_int(name, process.pidfd & process.input & process.output & process.errors & process.lifeline, -1);
        expect_int(name, count_descriptors(), n_descriptors);
        expect_true(name, has_no_child());
    }
}

/* The child has the descriptors 0 to 3 and this one, whatever numbers those of the caller have. */
static void test_extra(void **state) {
    static const char *const words[] = {"sh", "-c", "echo told >&4; ls /proc/self/fd", NULL};
    static char output[OUTPUT_ROOM];
    size_t n_descriptors = count_descriptors();

    (void)state;
    for (int number = 3; number < 12; number++) {
        struct process_limits limits = PROCESS_UNLIMITED;
        struct process process;
        struct words argv;
        char told[8] = "";
        int status = 0;
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        if (ends[1] != number && fcntl(number, F_GETFD) < 0) {
            assert_int_equal(dup3(ends[1], number, O_CLOEXEC), number);
            (void)close(ends[1]);
            ends[1] = number;
        }
        limits.extra = ends[1];
        assert_int_equal(
            process_spawn(&process, "/bin/sh", words_of(&argv, words), NO_ENVIRONMENT, PROCESS_INPUT_NONE, &limits), 0);
        (void)close(ends[1]);
        read_to_end("extra", process.output, output, sizeof(output));
        assert_string_equal(output, "0\n1\n2\n3\n4\n5\n"); /* the last one is the open folder */
        wait_for_end("extra", &process);
        assert_int_equal(process_reap(&process, &status), 0);
        assert_int_equal(read(ends[0], told, sizeof(told) - 1), 5);
        assert_string_equal(told, "told\n");
        assert_int_equal(read(ends[0], told, sizeof(told)), 0);
        (void)close(ends[0]);
        process_deinit(&process);
    }
    assert_int_equal(count_descriptors(), n_descriptors);
}

/* A child that waits for its input, as long as the test needs it. */
static struct process spawn_cat(void) {
    struct process process;
    struct words argv;

    assert_int_equal(process_spawn(&process, "/bin/cat", words_of(&argv, (const char *[]){"cat", NULL}), NO_ENVIRONMENT,
                                   PROCESS_INPUT_PIPE, &PROCESS_UNLIMITED),
                     0);
    return process;
}

static void test_running(void **state) {
    struct process process = spawn_cat();
    const int own[] = {process.input, process.output, process.errors, process.lifeline};
    int status = 0;

    (void)state;
    assert_int_equal(getsid(process.pid), process.pid);
    assert_int_equal(getpgid(process.pid), process.pid);
    assert_int_not_equal(getsid(0), process.pid);
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        assert_true(own[i] > STDERR_FILENO);
        assert_true(fcntl(own[i], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(own[i], F_GETFD) & FD_CLOEXEC);
    }
    assert_true(fcntl(process.pidfd, F_GETFD) & FD_CLOEXEC);
    assert_false(process_has_ended(&process));
    assert_false(becomes_readable(process.pidfd, 0));
    process_signal(&process, SIGTERM);
    wait_for_end("SIGTERM", &process);
    assert_int_equal(kill(process.pid, 0), 0); /* a zombie still */
    assert_int_equal(process_reap(&process, &status), 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    process_signal(&process, SIGKILL); /* does nothing now; with the group 0 it would end this test */
    process_deinit(&process);
    process_deinit(&process);
    assert_true(has_no_child());
}

/* Only the pipe's end tells the gate that the output has ended, so nobody else may hold the other end. */
static void test_two_at_once(void **state) {
    char out[16];
    struct process first = spawn_cat();
    struct process second = spawn_cat();

    (void)state;
    send_input("first", &first, "1");
    read_to_end("first", first.output, out, sizeof(out));
    assert_string_equal(out, "1");
    assert_false(process_has_ended(&second));
    send_input("second", &second, "2");
    read_to_end("second", second.output, out, sizeof(out));
    assert_string_equal(out, "2");
    wait_for_end("first", &first);
    wait_for_end("second", &second);
    assert_int_equal(process_reap(&second, NULL), 0);
    assert_int_equal(process_reap(&first, NULL), 0);
    process_deinit(&first);
    process_deinit(&second);
    assert_true(has_no_child());
}

/* A leader leaves a process behind, whose id the shell prints. Reaping ends the whole group. */
static void test_group(void **state) {
    static const char *const scripts[] = {
        "/bin/sleep 600 & echo $!",
        "trap '' TERM HUP INT; /bin/sleep 600 & echo $!", /* only SIGKILL can end this one */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        struct process process;
        struct words argv;
        char line[32] = "";
        int status = -1;
        int pidfd;

        expect_int(scripts[i],
                   process_spawn(&process, "/bin/sh", words_of(&argv, (const char *[]){"sh", "-c", scripts[i], NULL}),
                                 NO_ENVIRONMENT, PROCESS_INPUT_NONE, &PROCESS_UNLIMITED),
                   0);
        wait_for_end(scripts[i], &process);
        expect_true(scripts[i], read(process.output, line, sizeof(line) - 1) > 0);
        pidfd = (int)syscall(SYS_pidfd_open, atoi(line), 0);
        expect_true(scripts[i], pidfd >= 0);
        expect_true(scripts[i], !becomes_readable(pidfd, 0)); /* it outlived its leader */
        expect_int(scripts[i], process_reap(&process, &status), 0);
        expect_int(scripts[i], status, 0); /* the leader had ended by itself before */
        expect_true(scripts[i], becomes_readable(pidfd, DEADLINE_MS));
        expect_int(scripts[i], close(pidfd), 0);
        process_deinit(&process);
    }
    assert_true(has_no_child());
}

static void *spawn_in_thread(void *process) {
    *(struct process *)process = spawn_cat();
    return NULL;
}

/* The end of the thread that called process_spawn() does not end the child. */
static void test_thread(void **state) {
    struct process process = PROCESS_NONE;
    pthread_t thread;
    char out[16];
    int status = -1;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, spawn_in_thread, &process), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    send_input("thread", &process, "alive");
    read_to_end("thread", process.output, out, sizeof(out));
    assert_string_equal(out, "alive");
    wait_for_end("thread", &process);
    assert_int_equal(process_reap(&process, &status), 0);
    assert_int_equal(status, 0);
    process_deinit(&process);
}

/* Closing a child's lifeline ends that child and no other, as nobody else holds it. */
static void test_lifeline(void **state) {
    struct process first = spawn_cat();
    struct process second = spawn_cat();
    char out[16];
    int status = 0;

    (void)state;
    assert_int_equal(close(first.lifeline), 0);
    first.lifeline = -1;
    wait_for_end("first", &first);
    assert_int_equal(process_reap(&first, &status), 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    process_deinit(&first);
    send_input("second", &second, "alive");
    read_to_end("second", second.output, out, sizeof(out));
    assert_string_equal(out, "alive");
    wait_for_end("second", &second);
    assert_int_equal(process_reap(&second, &status), 0);
    assert_int_equal(status, 0);
    process_deinit(&second);
}

/* A gate: it starts a leader and one more process of its group, prints their ids, and waits for its own end. */
static _Noreturn void be_gate(int report) {
    static const char *const arguments[] = {"sh", "-c", "/bin/sleep 600 & echo $!; exec /bin/sleep 600", NULL};
    struct process process;
    struct words argv;
    char line[32] = "";

    if (process_spawn(&process, "/bin/sh", words_of(&argv, arguments), NO_ENVIRONMENT, PROCESS_INPUT_NONE,
                      &PROCESS_UNLIMITED) == 0 &&
        becomes_readable(process.output, DEADLINE_MS) && read(process.output, line, sizeof(line) - 1) > 0) {
        pid_t pids[] = {process.pid, atoi(line)};

        if (write(report, pids, sizeof(pids)) == sizeof(pids)) {
            (void)pause();
        }
    }
    _exit(EXIT_FAILURE);
}

/* The whole group ends with the gate, even if the gate has no time to act. */
static void test_gate_dies(void **state) {
    int report[2];
    pid_t pids[2];
    int pidfds[2];
    int status;
    pid_t gate;

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* this test adopts the orphans */
    assert_int_equal(pipe2(report, O_CLOEXEC), 0);
    gate = fork();
    if (gate == 0) {
        be_gate(report[1]);
    }
    assert_int_equal(close(report[1]), 0);
    assert_int_equal(read(report[0], pids, sizeof(pids)), sizeof(pids));
    assert_int_equal(close(report[0]), 0);
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        pidfds[i] = (int)syscall(SYS_pidfd_open, pids[i], 0);
        assert_true(pidfds[i] >= 0);
        assert_false(becomes_readable(pidfds[i], 0));
    }
    assert_int_equal(kill(gate, SIGKILL), 0);
    assert_int_equal(waitpid(gate, NULL, 0), gate);
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        assert_true(becomes_readable(pidfds[i], DEADLINE_MS));
        assert_int_equal(close(pidfds[i]), 0);
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    }
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    assert_true(has_no_child());
}

static const int rough_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP};
static const int rough_descriptors[] = {3, 4, 77, 900};

static void set_signals(void (*handler)(int), bool are_blocked) {
    sigset_t mask;

    for (size_t i = 0; i < ARRAY_SIZE(rough_signals); i++) {
        assert_true(signal(rough_signals[i], handler) != SIG_ERR);
    }
    (void)sigfillset(&mask);
    assert_int_equal(sigprocmask(are_blocked ? SIG_BLOCK : SIG_UNBLOCK, &mask, NULL), 0);
}

/* The parent blocks and ignores signals, is in another folder, and has descriptors that execve(2) would pass on. */
static int begin_rough(void **state) {
    (void)state;
    set_signals(SIG_IGN, true);
    for (size_t i = 0; i < ARRAY_SIZE(rough_descriptors); i++) {
        assert_int_equal(dup2(STDERR_FILENO, rough_descriptors[i]), rough_descriptors[i]);
    }
    assert_int_equal(chdir("/proc"), 0);
    return setenv("GIT_GATE_TOKEN", "hunter2", 1);
}

static int end_rough(void **state) {
    (void)state;
    set_signals(SIG_DFL, false);
    for (size_t i = 0; i < ARRAY_SIZE(rough_descriptors); i++) {
        assert_int_equal(close(rough_descriptors[i]), 0);
    }
    return unsetenv("GIT_GATE_TOKEN");
}

/* The same, and it knows which signals those are. */
static int begin_known(void **state) {
    static sigset_t signals;
    int r = begin_rough(state);

    process_find_altered_signals(&signals);
    for (size_t i = 0; i < ARRAY_SIZE(rough_signals); i++) {
        assert_int_equal(sigismember(&signals, rough_signals[i]), 1);
    }
    assert_int_equal(sigismember(&signals, SIGCHLD), 0);
    run_limits.altered_signals = &signals;
    return r;
}

static int end_known(void **state) {
    run_limits.altered_signals = NULL;
    return end_rough(state);
}

#define ROUGH(test)                                                                                                    \
    { #test ", rough", test, begin_rough, end_rough, NULL }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extra),
        cmocka_unit_test(test_run),
        {"test_run, known", test_run, begin_known, end_known, NULL},
        cmocka_unit_test(test_running),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_thread),
        cmocka_unit_test(test_lifeline),
        cmocka_unit_test(test_gate_dies),
        ROUGH(test_run),
        ROUGH(test_running),
        ROUGH(test_group),
        ROUGH(test_lifeline),
        ROUGH(test_gate_dies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
