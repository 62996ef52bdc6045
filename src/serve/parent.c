/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Watches the process that started this one, by a pidfd, and reports its end once. PR_SET_PDEATHSIG does not suffice:
 * it reports the end of the thread that forked, and supervisors fork on threads that come and go. It also signals the
 * whole process, which may be another program with a gate on one of its threads.
 */

#include "serve/parent.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

enum {
    DECIMAL = 10,
};

static void on_pidfd(uint32_t events, void *userdata) {
    struct parent *parent = userdata;

    (void)events;
    loop_unwatch(&parent->io); /* a pidfd stays readable */
    parent->on_end(parent->userdata);
}

/* Whether systemd itself executed this process, and not one of its ancestors: systemd.exec(5). */
static bool is_started_by_systemd(void) {
    const char *pid = getenv("SYSTEMD_EXEC_PID");
    char *end;

    return pid && *pid && strtoll(pid, &end, DECIMAL) == getpid() && *end == '\0';
}

/* Return: a pidfd of the parent; -ESRCH when the parent has ended; another negative errno of pidfd_open(2). */
static int open_parent(pid_t pid) {
    _cleanup_fd_ int fd = -1;

    if (pid == 1 && !is_started_by_systemd()) {
        return -ESRCH;
    }
    fd = (int)syscall(SYS_pidfd_open, pid, 0U);
    if (fd < 0) {
        return -errno;
    }
    /* If the parent has ended meanwhile, its number and the pidfd may be those of another process. */
    return getppid() == pid ? fd_take(&fd) : -ESRCH;
}

/* @callp: on failure, receives the failed system call. */
static int watch(struct parent *parent, struct loop *loop, pid_t pid, const char **callp) {
    _cleanup_fd_ int fd = open_parent(pid);
    int r;

    if (fd == -ESRCH) {
        loop_defer(loop, &parent->task, parent->on_end, parent->userdata);
        return 0;
    }
    if (fd < 0) {
        *callp = "pidfd_open";
        return fd;
    }
    *callp = "epoll_ctl";
    r = loop_watch(loop, &parent->io, fd, EPOLLIN, on_pidfd, parent);
    if (!r) {
        parent->fd = fd_take(&fd);
    }
    return r;
}

int parent_watch(struct parent *parent, struct loop *loop, pid_t pid, void (*on_end)(void *userdata), void *userdata,
                 struct gate_error *error) {
    const char *call = NULL;
    int r;

    if (pid == 0) {
        return gate_error_set(
            error, GATE_E_START,
            "--die-with-parent, but the process that started this one is in another PID namespace and "
            "cannot be watched; leave it out, or start git-gate as a process of its own");
    }
    parent->on_end = on_end;
    parent->userdata = userdata;
    r = watch(parent, loop, pid, &call);
    return r < 0
               ? gate_error_set(error, GATE_E_INTERNAL,
                                "--die-with-parent, but the process that started git-gate cannot be watched: %s: %s%s",
                                call, strerror(-r), error_advice(-r))
               : 0;
}

void parent_unwatch(struct parent *parent) {
    loop_cancel(&parent->task);
    loop_unwatch(&parent->io);
    parent->fd = fd_close(parent->fd);
}
