/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct process - a child, the leader of a session and of a process group of its own
 * @pid: also the id of its process group, which stays reserved until process_reap(); 0 when there is none
 * @pidfd: becomes readable when the leader has ended
 * @input: write end of its standard input, non-blocking; -1 when it reads nothing
 * @output: read end of its standard output, non-blocking
 * @errors: read end of its standard error, non-blocking
 * @lifeline: write end of a pipe whose read end the group inherits. When it is closed, the kernel sends SIGTERM to the
 *            group. When all read ends are closed, it reports EPOLLERR.
 * @failed_call: the system call with which process_spawn() failed, as "fcntl(F_SETOWN)"; static; NULL after a success
 *
 * The descriptors belong to the struct. Whoever closes one early sets it to -1.
 */
struct process {
    pid_t pid;
    int pidfd;
    int input;
    int output;
    int errors;
    int lifeline;
    const char *failed_call;
};

/** struct process with nothing in it, safe for process_deinit() */
#define PROCESS_NONE ((struct process){.pidfd = -1, .input = -1, .output = -1, .errors = -1, .lifeline = -1})

/**
 * struct process_limits - what a child may not do although its parent may, and a descriptor that it gets
 * @is_private: it leaves no core dump, and only its user may use the files that it makes (umask 077)
 * @max_file_bytes: the largest file that it may write (RLIMIT_FSIZE); 0 for no limit. A write beyond it fails with
 *                  EFBIG.
 * @landlock: a Landlock ruleset that it enters, which needs no_new_privs; -1 for none
 * @extra: a descriptor that it gets as PROCESS_EXTRA_FILENO; the caller keeps its own; 0 for none
 * @altered_signals: the signals whose handling in the caller may not be the default one; NULL for all
 * @session_key: the key that the caller's filter of system calls demands for setsid(2); any value without such a filter
 */
struct process_limits {
    bool is_private;
    uint64_t max_file_bytes;
    int landlock;
    int extra;
    const sigset_t *altered_signals;
    unsigned long session_key;
};

#define PROCESS_UNLIMITED ((struct process_limits){.landlock = -1})

enum {
    PROCESS_INPUT_NONE = -1, /* standard input is /dev/null */
    PROCESS_INPUT_PIPE = -2, /* it is a pipe, whose other end is @input of struct process */
    PROCESS_EXTRA_FILENO = 4,
};

/**
 * process_spawn() - start a program
 * @process: filled on success; PROCESS_NONE on failure, but for @failed_call
 * @path: the program, not searched for
 * @argv, @envp: as for execve(2)
 * @input: PROCESS_INPUT_NONE, PROCESS_INPUT_PIPE, or a descriptor to read from, which stays the caller's
 * @limits: in force before the program begins
 *
 * The child runs in "/", in a session of its own, with default signal handling. It has the descriptors 0, 1 and 2, its
 * end of the lifeline as 3, @limits->extra, and no others. When the calling process dies by any cause, the child's
 * group gets SIGTERM. The child shares the caller's memory until it executes the program. So nothing is copied, and a
 * failure to execute it is returned here.
 *
 * Return: 0 or a negative errno, of execve(2) too.
 */
int process_spawn(struct process *process, const char *path, char *const argv[], char *const envp[], int input,
                  const struct process_limits *limits);

/**
 * process_find_altered_signals() - find the signals whose handling is not the default one now
 * @signals: receives them, for @altered_signals, if the program changes the handling of no signal later
 */
void process_find_altered_signals(sigset_t *signals);

/**
 * process_rehearse() - try the system calls that each process_spawn() makes, without a program
 * @callp: the call that failed
 *
 * Return: 0 or a negative errno.
 */
int process_rehearse(const char **callp);

/** process_signal() - send @signal to the whole group; the leader must not have been reaped */
void process_signal(const struct process *process, int signal);

/**
 * process_has_ended() - whether the leader has ended; it stays a zombie, so its group's id stays reserved
 *
 * Also true when the leader was reaped elsewhere, as happens while SIGCHLD is ignored: no other sign of its end will
 * come.
 */
bool process_has_ended(const struct process *process);

/** process_others_live() - whether any process that the ended leader started still holds the lifeline */
bool process_others_live(const struct process *process);

/**
 * process_await_end() - wait until all of the group has ended, or for @timeout_ms
 *
 * It blocks, so only a caller without a running event loop may use it.
 */
void process_await_end(const struct process *process, int timeout_ms);

/**
 * process_reap() - kill the rest of the group and reap the ended leader
 * @statusp: as from waitpid(2)
 *
 * Return: 0 or a negative errno.
 */
int process_reap(struct process *process, int *statusp);

/** process_deinit() - close what is open; the process must have been reaped, or never have been spawned */
void process_deinit(struct process *process);
