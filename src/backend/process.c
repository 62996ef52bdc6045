/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Starts a child in a group of its own, signals the group, and reaps the child. The group is killed while its leader is
 * unreaped, so its id cannot yet belong to other processes. Descriptors 0 to 2 must be open in the gate, or a pipe
 * would take their numbers.
 *
 * This file knows nothing of the child's purpose, and only process_await_end() waits for it.
 */

#include "backend/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

enum {
    LIFELINE_FILENO = STDERR_FILENO + 1, /* in the child and in all processes that it starts */
};
static_assert((int)PROCESS_EXTRA_FILENO == (int)LIFELINE_FILENO + 1, "the descriptors to close are one range");

/*
 * The child's data and its message to the parent. They lie in the parent's memory; the parent is suspended meanwhile.
 */
struct birth {
    const char *path;
    char *const *argv;
    char *const *envp;
    int input;
    int output;
    int errors;
    int lifeline;
    int extra; /* above all numbers that the child uses; -1 for none */
    const struct process_limits *limits;
    const char *volatile call; /* the child's message to the parent, by their shared memory */
    volatile int error;
};

/* Records a failed @call. Return: whether it has failed. */
static bool has_failed(struct birth *birth, const char *call, long result) {
    if (result < 0) {
        birth->error = errno;
        birth->call = call;
    }
    return result < 0;
}

/* 64 system calls for all signals take 0.015 ms, a hundredth of a small fetch. */
static void reset_signals(const sigset_t *altered) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int signal = 1; signal < NSIG; signal++) {
        if (!altered || sigismember(altered, signal) == 1) {
            (void)sigaction(signal, &action, NULL); /* fails for SIGKILL, SIGSTOP and libc's own, which is fine */
        }
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Each of the following steps returns whether it succeeded.
 *
 * Without SIGXFSZ, a write beyond the limit fails with an error, as on a full disk, and does not kill: setrlimit(2).
 */
static bool bound_files(struct birth *birth) {
    struct sigaction action = {.sa_handler = SIG_IGN};
    uint64_t max_bytes = birth->limits->max_file_bytes;
    struct rlimit limit;

    if (has_failed(birth, "getrlimit(RLIMIT_FSIZE)", getrlimit(RLIMIT_FSIZE, &limit))) {
        return false;
    }
    /* the limit that the gate was started with may be stricter */
    limit.rlim_max = limit.rlim_max < max_bytes ? limit.rlim_max : max_bytes;
    limit.rlim_cur = limit.rlim_max;
    return !has_failed(birth, "setrlimit(RLIMIT_FSIZE)", setrlimit(RLIMIT_FSIZE, &limit)) &&
           !has_failed(birth, "sigaction(SIGXFSZ)", sigaction(SIGXFSZ, &action, NULL));
}

static bool limit(struct birth *birth) {
    const struct process_limits *limits = birth->limits;

    if (limits->is_private) {
        (void)umask(S_IRWXG | S_IRWXO);
        if (has_failed(birth, "setrlimit(RLIMIT_CORE)", setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}))) {
            return false;
        }
    }
    if (limits->max_file_bytes > 0 && !bound_files(birth)) {
        return false;
    }
    return limits->landlock < 0 ||
           !has_failed(birth, "landlock_restrict_self", syscall(SYS_landlock_restrict_self, limits->landlock, 0U));
}

static bool take_descriptors(struct birth *birth) {
    const unsigned first_closed = birth->extra >= 0 ? PROCESS_EXTRA_FILENO + 1U : LIFELINE_FILENO + 1U;

    return !has_failed(birth, "dup2", dup2(birth->input, STDIN_FILENO)) &&
           !has_failed(birth, "dup2", dup2(birth->output, STDOUT_FILENO)) &&
           !has_failed(birth, "dup2", dup2(birth->errors, STDERR_FILENO)) &&
           !has_failed(birth, "dup2", dup2(birth->lifeline, LIFELINE_FILENO)) &&
           (birth->extra < 0 || !has_failed(birth, "dup2", dup2(birth->extra, PROCESS_EXTRA_FILENO))) &&
           !has_failed(birth, "close_range", syscall(SYS_close_range, first_closed, ~0U, 0U));
}

/*
 * The lifeline is a pipe on which nothing is ever written. Only the gate holds its write end. When the gate dies by any
 * cause, the kernel closes that end. It then signals the owner of the read end, which is the whole group: F_SETOWN and
 * F_SETSIG in fcntl(2). The signal is SIGTERM, so that git removes its lock files. PR_SET_PDEATHSIG would reach only
 * the leader, and would come at the end of a thread.
 */
static bool tie_to_gate(struct birth *birth, int lifeline) {
    struct pollfd poller = {.fd = lifeline};

    if (has_failed(birth, "fcntl(F_SETFD)", fcntl(lifeline, F_SETFD, 0)) ||
        has_failed(birth, "fcntl(F_SETOWN)", fcntl(lifeline, F_SETOWN, -getpid())) ||
        has_failed(birth, "fcntl(F_SETSIG)", fcntl(lifeline, F_SETSIG, SIGTERM)) ||
        has_failed(birth, "fcntl(O_ASYNC)", fcntl(lifeline, F_SETFL, O_ASYNC))) {
        return false;
    }
    if (poll(&poller, 1, 0) > 0) { /* the gate is already dead, so nobody reads this */
        errno = EOWNERDEAD;
        return !has_failed(birth, "poll", -1);
    }
    return true;
}

/* Runs in the child on the parent's memory, so it makes system calls only. The parent reads @birth afterwards. */
static void be_born(struct birth *birth) {
    reset_signals(birth->limits->altered_signals);
    if (!has_failed(birth, "setsid", syscall(SYS_setsid, birth->limits->session_key)) && limit(birth) &&
        take_descriptors(birth) && tie_to_gate(birth, LIFELINE_FILENO) && !has_failed(birth, "chdir", chdir("/"))) {
        (void)has_failed(birth, "execve", execve(birth->path, birth->argv, birth->envp));
    }
    _exit(EXIT_FAILURE);
}

/*
 * Uses vfork(2), because it copies no page tables and, unlike posix_spawn(3), can run be_born(). All signals are
 * blocked meanwhile: a handler in the child would run on the parent's memory.
 */
static pid_t give_birth(struct birth *birth) {
    sigset_t all;
    sigset_t before;
    pid_t pid;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    /* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork,bugprone-unsafe-functions,cert-msc24-c,cert-msc33-c) */
    pid = vfork();
    if (pid == 0) {
        be_born(birth); /* NOLINT(clang-analyzer-unix.Vfork): it makes system calls only, and never returns */
    }
    (void)has_failed(birth, "vfork", pid);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

/* The two ends of a pipe. The gate's end does not block, and both ends close at execve(2). */
struct pipe {
    int child;
    int gate;
};

static void pipe_close(struct pipe *pipe) {
    pipe->child = fd_close(pipe->child);
    pipe->gate = fd_close(pipe->gate);
}

static bool pipe_open(struct birth *birth, struct pipe *pipe, bool child_reads) {
    int ends[2];

    if (has_failed(birth, "pipe2", pipe2(ends, O_CLOEXEC))) {
        return false;
    }
    *pipe = (struct pipe){.child = ends[!child_reads], .gate = ends[child_reads]};
    return !has_failed(birth, "fcntl(O_NONBLOCK)", fcntl(pipe->gate, F_SETFL, O_NONBLOCK));
}

/* @input: as for process_spawn() */
static bool open_input(struct birth *birth, struct pipe *pipe, int input) {
    if (input == PROCESS_INPUT_PIPE) {
        return pipe_open(birth, pipe, true);
    }
    if (input == PROCESS_INPUT_NONE) {
        pipe->child = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return !has_failed(birth, "open(/dev/null)", pipe->child);
    }
    pipe->child = fcntl(input, F_DUPFD_CLOEXEC, LIFELINE_FILENO);
    return !has_failed(birth, "fcntl(F_DUPFD_CLOEXEC)", pipe->child);
}

/* Duplicates @extra to a number that no dup2(2) of the child overwrites. */
static bool open_extra(struct birth *birth, int *extrap, int extra) {
    *extrap = extra > 0 ? fcntl(extra, F_DUPFD_CLOEXEC, PROCESS_EXTRA_FILENO + 1) : -1;
    return extra <= 0 || !has_failed(birth, "fcntl(F_DUPFD_CLOEXEC)", *extrap);
}

static bool watch(struct birth *birth, struct process *process) {
    process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0U); /* always close-on-exec: pidfd_open(2) */
    return !has_failed(birth, "pidfd_open", process->pidfd);
}

/* Ends a child that did not execute the program or cannot be watched. */
static void end_birth(struct process *process) {
    if (process->pid > 0) {
        process_signal(process, SIGKILL);
        (void)waitpid(process->pid, NULL, 0);
    }
}

int process_spawn(struct process *process, const char *path, char *const argv[], char *const envp[], int input,
                  const struct process_limits *limits) {
    _cleanup_(pipe_close) struct pipe source = {-1, -1};
    _cleanup_(pipe_close) struct pipe output = {-1, -1};
    _cleanup_(pipe_close) struct pipe errors = {-1, -1};
    _cleanup_(pipe_close) struct pipe lifeline = {-1, -1};
    _cleanup_fd_ int extra = -1;
    struct birth birth = {.path = path, .argv = argv, .envp = envp, .limits = limits};

    *process = PROCESS_NONE;
    if (open_input(&birth, &source, input) && pipe_open(&birth, &output, false) && pipe_open(&birth, &errors, false) &&
        pipe_open(&birth, &lifeline, true) && open_extra(&birth, &extra, limits->extra)) {
        birth.input = source.child;
        birth.output = output.child;
        birth.errors = errors.child;
        birth.lifeline = lifeline.child;
        birth.extra = extra;
        process->pid = give_birth(&birth);
    }
    if (birth.error || !watch(&birth, process)) {
        end_birth(process);
        *process = PROCESS_NONE;
        process->failed_call = birth.call;
        return -birth.error;
    }
    process->input = fd_take(&source.gate);
    process->output = fd_take(&output.gate);
    process->errors = fd_take(&errors.gate);
    process->lifeline = fd_take(&lifeline.gate);
    return 0;
}

void process_find_altered_signals(sigset_t *signals) {
    struct sigaction action;

    (void)sigemptyset(signals);
    for (int signal = 1; signal < NSIG; signal++) {
        if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_DFL) {
            (void)sigaddset(signals, signal);
        }
    }
}

int process_rehearse(const char **callp) {
    char *const nothing[] = {NULL};
    struct process process;
    int r = process_spawn(&process, "", nothing, nothing, PROCESS_INPUT_NONE, &PROCESS_UNLIMITED);
    _cleanup_fd_ int pidfd = -1;

    *callp = process.failed_call;
    if (!*callp || strcmp(*callp, "execve") != 0) {
        return r;
    }
    pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0U); /* the step after execve(2) */
    *callp = "pidfd_open";
    return pidfd < 0 ? -errno : 0;
}

void process_signal(const struct process *process, int signal) {
    if (process->pid > 0) {
        (void)kill(-process->pid, signal);
    }
}

bool process_has_ended(const struct process *process) {
    siginfo_t info = {0};

    if (waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
        return errno == ECHILD; /* it was reaped elsewhere */
    }
    return info.si_pid != 0;
}

bool process_others_live(const struct process *process) {
    struct pollfd lifeline = {.fd = process->lifeline};

    return poll(&lifeline, 1, 0) == 0; /* POLLERR when all read ends are closed: poll(2) */
}

void process_await_end(const struct process *process, int timeout_ms) {
    struct pollfd lifeline = {.fd = process->lifeline};

    (void)poll(&lifeline, 1, timeout_ms); /* POLLERR when all read ends are closed: poll(2) */
}

int process_reap(struct process *process, int *statusp) {
    process_signal(process, SIGKILL);
    if (waitpid(process->pid, statusp, 0) < 0) {
        return -errno;
    }
    process->pid = 0;
    return 0;
}

void process_deinit(struct process *process) {
    process->pidfd = fd_close(process->pidfd);
    process->input = fd_close(process->input);
    process->output = fd_close(process->output);
    process->errors = fd_close(process->errors);
    process->lifeline = fd_close(process->lifeline);
}
