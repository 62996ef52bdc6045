/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the life of a child: its birth, its group, its end. The leader is always killed together with its group while it
 * is still unreaped, so that the group's id cannot have passed to somebody else. It knows nothing of what the child is
 * for, and waits for nothing but in process_await_end(). Descriptors 0 to 2 have to be open in the gate, or a pipe would
 * take their numbers.
 */

#include "backend/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

enum {
    LIFELINE_FILENO = STDERR_FILENO + 1, /* in the child and in all that it starts */
};

/* What the child needs; it lives in the parent's memory, and the parent stands still meanwhile. */
struct birth {
    const char *path;
    char *const *argv;
    char *const *envp;
    int input;
    int output;
    int errors;
    int lifeline;
    const struct process_limits *limits;
    volatile int error; /* the child's message to the parent, in the memory that they share */
};

static void reset_signals(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int signal = 1; signal < NSIG; signal++) {
        (void)sigaction(signal, &action, NULL); /* SIGKILL, SIGSTOP and libc's own refuse, and that is fine */
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A write beyond the bound is to fail with a word, as on a full disk, and not to kill: setrlimit(2). */
static int bound_files(uint64_t max_bytes) {
    struct sigaction action = {.sa_handler = SIG_IGN};
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) < 0) {
        return -1;
    }
    limit.rlim_max =
        limit.rlim_max < max_bytes ? limit.rlim_max : max_bytes; /* whoever started the gate may be stricter */
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_FSIZE, &limit) < 0 ? -1 : sigaction(SIGXFSZ, &action, NULL);
}

static int limit(const struct process_limits *limits) {
    if (limits->is_private) {
        (void)umask(S_IRWXG | S_IRWXO);
        if (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) < 0) {
            return -1;
        }
    }
    if (limits->max_file_bytes > 0 && bound_files(limits->max_file_bytes) < 0) {
        return -1;
    }
    return limits->landlock < 0 ? 0 : (int)syscall(SYS_landlock_restrict_self, limits->landlock, 0U);
}

/*
 * The lifeline: a pipe on which nothing is ever written. The gate alone holds its write end, so when the gate dies, by
 * whatever cause, the kernel closes it and signals the owner of the read end, which is the whole group (F_SETOWN and
 * F_SETSIG in fcntl(2)). PR_SET_PDEATHSIG would reach the leader alone, and at the end of a thread. SIGTERM, so that git
 * removes its lock files.
 */
static int tie_to_gate(int lifeline) {
    struct pollfd poller = {.fd = lifeline};

    if (fcntl(lifeline, F_SETFD, 0) < 0 || fcntl(lifeline, F_SETOWN, -getpid()) < 0 ||
        fcntl(lifeline, F_SETSIG, SIGTERM) < 0 || fcntl(lifeline, F_SETFL, O_ASYNC) < 0) {
        return -1;
    }
    if (poll(&poller, 1, 0) > 0) { /* the gate died before */
        errno = EOWNERDEAD;
        return -1;
    }
    return 0;
}

/* Runs in the child, on the parent's memory: system calls only, and what it writes there the parent reads. */
static void be_born(struct birth *birth) {
    reset_signals();
    if (syscall(SYS_setsid, birth->limits->session_key) < 0 || limit(birth->limits) < 0 ||
        dup2(birth->input, STDIN_FILENO) < 0 || dup2(birth->output, STDOUT_FILENO) < 0 ||
        dup2(birth->errors, STDERR_FILENO) < 0 || dup2(birth->lifeline, LIFELINE_FILENO) < 0 ||
        syscall(SYS_close_range, LIFELINE_FILENO + 1U, ~0U, 0U) < 0 || tie_to_gate(LIFELINE_FILENO) < 0 ||
        chdir("/") < 0) {
        goto failed;
    }
    (void)execve(birth->path, birth->argv, birth->envp);
failed:
    birth->error = errno;
    _exit(EXIT_FAILURE);
}

/*
 * vfork(2) because it copies no page tables and, unlike posix_spawn(3), leaves room for be_born(). All signals are
 * blocked across it, for a handler that ran in the child would run on the parent's memory.
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
    if (pid < 0) {
        birth->error = errno;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

/* The two ends of a pipe; the gate's own does not block, and neither outlives an execve(2). */
struct pipe {
    int child;
    int gate;
};

static void pipe_close(struct pipe *pipe) {
    pipe->child = fd_close(pipe->child);
    pipe->gate = fd_close(pipe->gate);
}

static int pipe_open(struct pipe *pipe, bool child_reads) {
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    *pipe = (struct pipe){.child = ends[!child_reads], .gate = ends[child_reads]};
    return fcntl(pipe->gate, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* What stands in for a pipe when the child has nothing to read. */
static int pipe_open_empty(struct pipe *pipe) {
    pipe->child = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return pipe->child < 0 ? -errno : 0;
}

static int watch(struct process *process) {
    process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0U); /* always close-on-exec: pidfd_open(2) */
    return process->pidfd < 0 ? -errno : 0;
}

int process_spawn(struct process *process, const char *path, char *const argv[], char *const envp[], bool has_input,
                  const struct process_limits *limits) {
    _cleanup_(pipe_close) struct pipe input = {-1, -1};
    _cleanup_(pipe_close) struct pipe output = {-1, -1};
    _cleanup_(pipe_close) struct pipe errors = {-1, -1};
    _cleanup_(pipe_close) struct pipe lifeline = {-1, -1};
    struct birth birth = {.path = path, .argv = argv, .envp = envp, .limits = limits};
    int r = has_input ? pipe_open(&input, true) : pipe_open_empty(&input);

    *process = PROCESS_NONE;
    if (r || (r = pipe_open(&output, false)) || (r = pipe_open(&errors, false)) || (r = pipe_open(&lifeline, true))) {
        return r;
    }
    birth.input = input.child;
    birth.output = output.child;
    birth.errors = errors.child;
    birth.lifeline = lifeline.child;
    process->pid = give_birth(&birth);
    r = birth.error ? -birth.error : watch(process);
    if (r) {
        if (process->pid > 0) { /* it could not execute the program, or cannot be watched */
            process_signal(process, SIGKILL);
            (void)waitpid(process->pid, NULL, 0);
        }
        *process = PROCESS_NONE;
        return r;
    }
    process->input = fd_take(&input.gate);
    process->output = fd_take(&output.gate);
    process->errors = fd_take(&errors.gate);
    process->lifeline = fd_take(&lifeline.gate);
    return 0;
}

void process_signal(const struct process *process, int signal) {
    if (process->pid > 0) {
        (void)kill(-process->pid, signal);
    }
}

bool process_has_ended(const struct process *process) {
    siginfo_t info = {0};

    if (waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
        return errno == ECHILD; /* somebody else has reaped it */
    }
    return info.si_pid != 0;
}

bool process_others_live(const struct process *process) {
    struct pollfd lifeline = {.fd = process->lifeline};

    return poll(&lifeline, 1, 0) == 0; /* POLLERR when nobody has its other end: poll(2) */
}

void process_await_end(const struct process *process, int timeout_ms) {
    struct pollfd lifeline = {.fd = process->lifeline};

    (void)poll(&lifeline, 1, timeout_ms); /* POLLERR when nobody has its other end: poll(2) */
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
