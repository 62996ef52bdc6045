/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Cleanup attributes for local descriptors and heap memory: they are closed or freed at the end of their scope, unless
 * fd_take() or take_pointer() has moved them out.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/** fd_close() - close @fd unless it is negative; errno is kept. Return: -1, to assign to the closed variable. */
static inline int fd_close(int fd) {
    if (fd >= 0) {
        int saved = errno;
        (void)close(fd); /* on Linux the descriptor is gone whatever close says: close(2) */
        errno = saved;
    }
    return -1;
}

/** fd_take() - move the descriptor in @fdp to the caller, who owns it now; @fdp becomes -1 */
static inline int fd_take(int *fdp) {
    int fd = *fdp;

    *fdp = -1;
    return fd;
}

static inline void fd_closep(int *fdp) {
    *fdp = fd_close(*fdp);
}

static inline void freep(void *p) {
    free(*(void **)p);
}

/** take_pointer() - the same as fd_take() for memory */
#define take_pointer(pointerp)                                                                                         \
    __extension__({                                                                                                    \
        __typeof__(*(pointerp)) *pointerp_ = (pointerp);                                                               \
        __typeof__(*(pointerp)) pointer_ = *pointerp_;                                                                 \
        *pointerp_ = NULL;                                                                                             \
        pointer_;                                                                                                      \
    })

#define _cleanup_fd_ __attribute__((cleanup(fd_closep)))
#define _cleanup_free_ __attribute__((cleanup(freep)))
#define _cleanup_(function) __attribute__((cleanup(function)))
