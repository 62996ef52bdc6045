/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the eye on the process that started this one. It is a descriptor and not PR_SET_PDEATHSIG, for that one follows
 * the thread that forked, and supervisors fork on threads that come and go. And it is a signal for the whole process,
 * which may be a program that has a server on one of its threads: no signal is asked for here.
 */

#include "serve/parent.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "serve/server.h"

enum {
    DECIMAL = 10,
};

/* One that stops already, as its parent may have asked before it went, is left to it: a second stop would kill. */
void parent_ended(struct server *server) {
    log_message(&server->log, LOG_LEVEL_NOTICE, "the process that started git-gate has ended");
    if (server->stage == SERVER_SERVING) {
        server_stop(server);
    }
}

static void on_ended_before(void *userdata) {
    parent_ended(userdata);
}

static void on_end(uint32_t events, void *userdata) {
    struct server *server = userdata;

    (void)events;
    loop_unwatch(&server->parent_io); /* it stays readable */
    parent_ended(server);
}

/* Whether systemd says that it executed this process itself, and not one that started it: systemd.exec(5). */
static bool is_started_by_systemd(void) {
    const char *pid = getenv("SYSTEMD_EXEC_PID");
    char *end;

    return pid && *pid && strtoll(pid, &end, DECIMAL) == getpid() && *end == '\0';
}

/* Return: a descriptor of the parent's, -ESRCH when it has ended, another negative errno of pidfd_open(2). */
static int open_parent(pid_t parent) {
    _cleanup_fd_ int fd = -1;

    if (parent == 1 && !is_started_by_systemd()) {
        return -ESRCH;
    }
    fd = (int)syscall(SYS_pidfd_open, parent, 0U);
    if (fd < 0) {
        return -errno;
    }
    /* It is the parent's if that one lived all the while; otherwise the number may be somebody else's by now. */
    return getppid() == parent ? fd_take(&fd) : -ESRCH;
}

/* @callp: receives the system call that failed, on failure. */
static int watch(struct server *server, const char **callp) {
    _cleanup_fd_ int fd = open_parent(server->settings->parent);
    int r;

    if (fd == -ESRCH) {
        loop_defer(server->loop, &server->parent_task, on_ended_before, server);
        return 0;
    }
    if (fd < 0) {
        *callp = "pidfd_open";
        return fd;
    }
    *callp = "epoll_ctl";
    r = loop_watch(server->loop, &server->parent_io, fd, EPOLLIN, on_end, server);
    if (!r) {
        server->parent_fd = fd_take(&fd);
    }
    return r;
}

int parent_watch(struct server *server, struct gate_error *error) {
    const char *call = NULL;
    int r;

    if (server->settings->parent == 0) {
        return gate_error_set(
            error, GATE_E_START,
            "--die-with-parent, but the process that started this one is in another PID namespace and "
            "cannot be watched; leave it out, or start git-gate as a process of its own");
    }
    r = watch(server, &call);
    return r < 0
               ? gate_error_set(error, GATE_E_INTERNAL,
                                "--die-with-parent, but the process that started git-gate cannot be watched: %s: %s%s",
                                call, strerror(-r), error_advice(-r))
               : 0;
}

void parent_unwatch(struct server *server) {
    loop_cancel(&server->parent_task);
    loop_unwatch(&server->parent_io);
    server->parent_fd = fd_close(server->parent_fd);
}
