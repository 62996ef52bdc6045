/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Gives the thread that serves a table of descriptors of its own. In the program's, each fork(2) would make a copy of git's
 * pipes and of the listening socket, which close-on-exec does not help against: git would wait for ever for the end of its
 * input, and a port would listen behind the end of its gate. In the other direction, the gate must not keep open what
 * the program closes.
 */

#include "library/descriptors.h"

#include <errno.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

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
