/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Gives the serving thread a descriptor table of its own.
 *
 * In a shared table, each fork(2) of the program would copy git's pipes and the listening socket; close-on-exec does
 * not prevent that. Git would wait for ever for the end of its input, and the port of a stopped gate would still
 * listen. In the other direction, the gate must not keep open a descriptor that the program closes.
 */

#include "library/descriptors.h"

#include <errno.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Return: the lowest of @kept that is at least @first; ~0 if there is none. -1, no descriptor, is ~0, too. */
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
 * The first call has an empty range, so it copies the whole table and closes nothing. When Linux before 6.11 copies a
 * part of the table, it takes unused numbers for used ones. unshare(2) would do as well, but containers refuse it.
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
            (void)dup2(STDERR_FILENO, fd); /* unused, but a pipe must not get this number: process.c */
        }
    }
    return 0;
}

void descriptors_close_all(void) {
    (void)syscall(SYS_close_range, 0U, ~0U, 0U);
}
