/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns what a server has of descriptors.
 *
 * Their limit: raised, as far as it may be, to what the settings can come to need, so that a gate full of clients still
 * finds the descriptors for a process. What git inherits of it is no more than that. Where it may not be raised, fewer
 * clients are taken.
 *
 * And their table, of the thread that serves alone. In the program's own, each fork(2) would make a copy of git's pipes
 * and of the listening socket, which close-on-exec does not help against: git would wait for ever for the end of its
 * input, and a port would listen behind the end of its gate. In the other direction, the gate must not keep open what
 * the program closes.
 */

#include "library/descriptors.h"

#include <errno.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    DESCRIPTORS_PER_BACKEND = 12, /* five are held; the rest is for the child's ends while it is being started */
    DESCRIPTORS_OTHER = 32,       /* the loop, the socket, standard streams, and those that were inherited */
};

void descriptors_provide(struct server_settings *settings, struct log *log, bool may_raise) {
    rlim_t reserved = settings->max_backends * DESCRIPTORS_PER_BACKEND + DESCRIPTORS_OTHER;
    rlim_t needed = settings->max_connections + reserved;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed) {
        return;
    }
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    if (!may_raise || setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < needed) {
        (void)getrlimit(RLIMIT_NOFILE, &limit);
        settings->max_connections = limit.rlim_cur > reserved ? limit.rlim_cur - reserved : 1;
        log_record(log, LOG_LEVEL_WARNING,
                   "too few open files are allowed for --max-connections and --max-backends, so there will be fewer "
                   "connections; lower these, or raise the limit (ulimit -n, LimitNOFILE=)",
                   LOG_FIELDS(log_number("allowed", limit.rlim_cur), log_number("needed", needed),
                              log_number("connections", settings->max_connections)));
    }
}

/* The lowest one of @kept that is not below @first. Return: ~0 when there is none, which -1, no descriptor, is as well. */
static unsigned next_kept(const int kept[], size_t n_kept, unsigned first) {
    unsigned next = ~0U;

    for (size_t i = 0; i < n_kept; i++) {
        if ((unsigned)kept[i] >= first && (unsigned)kept[i] < next) {
            next = (unsigned)kept[i];
        }
    }
    return next;
}

/*
 * An empty range, so that nothing is closed yet: where the kernel copies less than the whole table, before Linux 6.11
 * it takes numbers for used that are not. unshare(2) does the same, but containers refuse that call altogether.
 */
int descriptors_separate(const int kept[], size_t n_kept) {
    unsigned first = STDERR_FILENO + 1;

    if (syscall(SYS_close_range, ~0U, ~0U, (unsigned)CLOSE_RANGE_UNSHARE) < 0) {
        return -errno;
    }
    for (unsigned next = 0; next != ~0U; first = next + 1) {
        next = next_kept(kept, n_kept, first);
        if (next > first) {
            (void)syscall(SYS_close_range, first, next - 1, 0U);
        }
    }
    for (int fd = STDIN_FILENO; fd < STDERR_FILENO; fd++) {
        if (next_kept(kept, n_kept, (unsigned)fd) != (unsigned)fd) {
            (void)dup2(STDERR_FILENO, fd); /* nobody uses it, but a pipe must not get its number: process.c */
        }
    }
    return 0;
}

void descriptors_close_all(void) {
    (void)syscall(SYS_close_range, 0U, ~0U, 0U);
}
