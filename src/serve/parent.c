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
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "serve/server.h"

enum {
    DECIMAL = 10,
};

/* One that stops already, as its parent may have asked before it went, is left to it: a second stop would kill. */
static void stop(struct server *server) {
    log_message(&server->log, LOG_LEVEL_NOTICE, "the process that started git-gate has ended");
    if (server->stage == SERVER_SERVING) {
        server_stop(server);
    }
}

static int on_end(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    (void)source, (void)fd, (void)events;
    stop(userdata);
    return 0;
}

static int on_ended_before(sd_event_source *source, void *userdata) {
    (void)source;
    stop(userdata);
    return 0;
}

/* Whether systemd says that it executed this process itself, and not one that started it: systemd.exec(5). */
static bool is_started_by_systemd(void) {
    const char *pid = getenv("SYSTEMD_EXEC_PID");
    char *end;

    return pid && *pid && strtoll(pid, &end, DECIMAL) == getpid() && *end == '\0';
}

/* Return: a descriptor of the parent's, -ESRCH when it has ended, another negative errno. */
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

static int watch(struct server *server) {
    pid_t parent = getppid();
    _cleanup_fd_ int fd = -1;
    int r;

    fd = open_parent(parent);
    if (fd == -ESRCH) {
        return sd_event_add_defer(server->event, &server->parent_source, on_ended_before, server);
    }
    if (fd < 0) {
        return fd;
    }
    r = sd_event_add_io(server->event, &server->parent_source, fd, EPOLLIN, on_end, server);
    r = r < 0 ? r : sd_event_source_set_enabled(server->parent_source, SD_EVENT_ONESHOT); /* it stays readable */
    r = r < 0 ? r : sd_event_source_set_io_fd_own(server->parent_source, true);
    if (r < 0) {
        parent_unwatch(server);
        return r;
    }
    (void)fd_take(&fd);
    return 0;
}

int parent_watch(struct server *server, struct gate_error *error) {
    int r;

    if (getppid() == 0) {
        return gate_error_set(
            error, GATE_E_START,
            "--die-with-parent, but the process that started this one is in another PID namespace and "
            "cannot be watched; leave it out, or start git-gate as a process of its own");
    }
    r = watch(server);
    return r < 0 ? gate_error_set(error, GATE_E_INTERNAL,
                                  "--die-with-parent, but the process that started git-gate cannot be watched: %s",
                                  strerror(-r))
                 : 0;
}

void parent_unwatch(struct server *server) {
    server->parent_source = sd_event_source_disable_unref(server->parent_source);
}
