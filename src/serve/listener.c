/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Makes or inherits the listening socket, accepts clients, and removes the socket at the end. It is always a socket on
 * the loopback, or a Unix socket. A new Unix socket takes no client before it has its group and mode, because listen(2)
 * comes after chown(2) and chmod(2). This file must not remove any socket but its own, and a stale one that no program
 * listens on.
 */

#include "serve/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/denial.h"
#include "base/fd.h"
#include "base/loopback.h"

/*
 * Sets the address as a URL, or as "unix:PATH".
 *
 * Return: 0; -EAFNOSUPPORT when the socket is neither loopback nor Unix; another negative errno.
 */
static int describe(struct listener *listener) {
    struct sockaddr_storage storage = {0};
    socklen_t size = sizeof(storage);
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&storage;
    const struct sockaddr_in *in = (const struct sockaddr_in *)&storage;
    const struct sockaddr_un *un = (const struct sockaddr_un *)&storage;
    char host[INET_ADDRSTRLEN];

    if (getsockname(listener->fd, (struct sockaddr *)&storage, &size) < 0) {
        return -errno;
    }
    if (storage.ss_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path) && un->sun_path[0]) {
        (void)snprintf(listener->address, sizeof(listener->address), "unix:%.*s", (int)sizeof(un->sun_path),
                       un->sun_path);
        return 0;
    }
    if (storage.ss_family == AF_INET && ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET &&
        loopback_print(&storage, host, sizeof(host))) {
        (void)snprintf(listener->address, sizeof(listener->address), "http://%s:%u", host, ntohs(in->sin_port));
        return 0;
    }
    if (storage.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)) {
        (void)snprintf(listener->address, sizeof(listener->address), "http://[::1]:%u", ntohs(in6->sin6_port));
        return 0;
    }
    return -EAFNOSUPPORT;
}

static int open_tcp(struct listener *listener, const char *text, struct gate_error *error) {
    _cleanup_fd_ int fd = -1;
    struct sockaddr_storage storage;
    socklen_t size;

    if (!loopback_parse(text, &storage, &size)) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "--listen=%s is not HOST:PORT on the loopback; use 127.0.0.1:PORT or [::1]:PORT, with a PORT of 0 to "
            "65535",
            text);
    }
    fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0 || /* for accepted sockets, too */
        bind(fd, (struct sockaddr *)&storage, size) < 0 || listen(fd, LISTENER_BACKLOG) < 0) {
        return gate_error_set(error, GATE_E_START,
                              "cannot listen on --listen=%s: %s; choose another port, 0 picks a free one", text,
                              strerror(errno));
    }
    listener->fd = fd_take(&fd);
    return 0;
}

/*
 * Checks that no program listens on an existing socket. Return: 0 when none does, GATE_E_START.
 *
 * Without the right to connect, the gate cannot find out. It must not change the mode, because even the owner may have
 * taken that right away on purpose. Nor may it remove the socket. So the operator has to decide.
 */
static int check_nobody_listens(const struct sockaddr_un *address, struct gate_error *error) {
    _cleanup_fd_ int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const char *path = address->sun_path;
    struct denial denial;
    int cause;

    if (probe < 0) {
        return gate_error_set(error, GATE_E_START, "cannot make a Unix socket: %s", strerror(errno));
    }
    cause = connect(probe, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
    switch (cause) {
    case ECONNREFUSED:
    case ENOENT: /* the socket is gone by now */
        return 0;
    case 0:
    case EAGAIN:     /* its backlog is full */
    case EPROTOTYPE: /* it is no stream socket */
        return gate_error_set(error, GATE_E_START,
                              "--socket=%s is in use by another program; stop that one or choose another", path);
    case EACCES:
        denial_find(&denial, path, "git-gate");
        return gate_error_set(
            error, GATE_E_START,
            "git-gate cannot find out whether a program listens on --socket: permission denied: %s; %s, or "
            "remove the socket if none does, or choose another",
            denial.facts, denial.remedy);
    default:
        return gate_error_set(
            error, GATE_E_START,
            "git-gate cannot find out whether a program listens on --socket=%s: %s; remove the socket if none "
            "does, or choose another",
            path, strerror(cause));
    }
}

static bool is_newer(const struct timespec *time, const struct timespec *other) {
    return time->tv_sec > other->tv_sec || (time->tv_sec == other->tv_sec && time->tv_nsec > other->tv_nsec);
}

/*
 * Removes a socket that no program listens on. Any other file stays and is an error. @sincep is NULL under the lock.
 * Without the lock, a socket newer than @sincep may belong to a gate that is about to listen, so it is an error, too.
 */
static int remove_stale(const struct sockaddr_un *address, const struct timespec *sincep, struct gate_error *error) {
    struct stat status;
    int r;

    if (lstat(address->sun_path, &status) < 0) {
        return errno == ENOENT ? 0
                               : gate_error_set(error, GATE_E_START, "cannot look at --socket=%s: %s",
                                                address->sun_path, strerror(errno));
    }
    if (!S_ISSOCK(status.st_mode)) {
        return gate_error_set(error, GATE_E_START,
                              "--socket=%s exists and is not a socket; remove it or choose another", address->sun_path);
    }
    if (sincep && is_newer(&status.st_ctim, sincep)) {
        return gate_error_set(error, GATE_E_START,
                              "--socket=%s is in use by another program; stop that one or choose another",
                              address->sun_path);
    }
    r = check_nobody_listens(address, error);
    if (r) {
        return r;
    }
    if (unlink(address->sun_path) < 0 && errno != ENOENT) {
        return gate_error_set(error, GATE_E_START, "cannot replace the stale socket --socket=%s: %s", address->sun_path,
                              strerror(errno));
    }
    return 0;
}

/*
 * Locks the folder of @path until *@lockp is closed. Without the lock, two gates could both find the same stale socket,
 * and one gate would remove the other's new socket. A gate holds the lock for a few milliseconds. But any program that
 * can open the folder can hold it for longer, even a container with a read-only mount, and that must not keep the gate
 * from starting.
 *
 * Return: 0; -EBUSY when a program holds the lock for longer than a gate would; GATE_E_START.
 */
static int lock_folder(int *lockp, const char *path, struct gate_error *error) {
    const struct timespec pause = {.tv_nsec = LISTENER_LOCK_PAUSE_MS * 1000000L};
    char folder[LISTENER_PATH_MAX + 1];

    socket_file_folder(folder, path);
    *lockp = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lockp < 0) {
        return gate_error_set(error, GATE_E_START, "cannot open the folder of --socket=%s: %s", path, strerror(errno));
    }
    for (unsigned i = 0; i < LISTENER_LOCK_TRIES; i++) {
        if (flock(*lockp, LOCK_EX | LOCK_NB) == 0) {
            return 0;
        }
        (void)nanosleep(&pause, NULL);
    }
    *lockp = fd_close(*lockp);
    return -EBUSY;
}

/* Removes a stale socket at @address. Return: 0, GATE_E_START. */
static int make_room(struct listener *listener, int *lockp, const struct sockaddr_un *address,
                     struct gate_error *error) {
    struct timespec begin = {0};
    int r;

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &begin); /* the clock that stamps files */
    r = lock_folder(lockp, address->sun_path, error);
    if (r == -EBUSY) {
        listener->lock_was_taken = true;
        return remove_stale(address, &begin, error);
    }
    return r ? r : remove_stale(address, NULL, error);
}

/* SELinux's policy permits few calls on the labelled socket, and not fchmod(2): selinux/git_gate.te. */
static int open_unix(struct listener *listener, const struct listener_settings *settings, struct gate_error *error) {
    const char *path = settings->socket_path;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_fd_ int lock = -1;
    _cleanup_fd_ int fd = -1;
    int r;

    if (!path[0] || strlen(path) >= sizeof(address.sun_path)) {
        return gate_error_set(error, GATE_E_USAGE, "--socket=%s is not a path of 1 to %zu bytes; choose another", path,
                              sizeof(address.sun_path) - 1);
    }
    (void)strcpy(address.sun_path, path); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): measured above */
    r = socket_file_make_parents(path, &settings->access, error);
    r = r ? r : make_room(listener, &lock, &address, error);
    if (r) {
        return r;
    }
    fd = selinux_socket(&listener->label, settings->selinux_type, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        return gate_error_set(error, GATE_E_START, "cannot make --socket=%s: %s", path, strerror(errno));
    }
    (void)strcpy(listener->path, path); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): measured above */
    r = socket_file_admit(&listener->identity, path, &settings->access, error);
    if (r) {
        return r;
    }
    if (listen(fd, LISTENER_BACKLOG) < 0) {
        return gate_error_set(error, GATE_E_START, "cannot listen on --socket=%s: %s", path, strerror(errno));
    }
    listener->fd = fd_take(&fd);
    return 0;
}

/* Duplicates the inherited descriptor, so that its owner keeps it for the next start. */
static int open_inherited(struct listener *listener, int inherited_fd, struct gate_error *error) {
    _cleanup_fd_ int fd = fcntl(inherited_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int listens = 0;
    int type = 0;
    int flags;

    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &(socklen_t){sizeof(listens)}) < 0 || !listens ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof(type)}) < 0 || type != SOCK_STREAM) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "the inherited descriptor %d is not a listening socket for streams; in a .socket unit, use ListenStream=",
            inherited_fd);
    }
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        return gate_error_set(error, GATE_E_INTERNAL, "cannot use the inherited socket: %s", strerror(errno));
    }
    listener->fd = fd_take(&fd);
    return 0;
}

int listener_open(struct listener *listener, const struct listener_settings *settings, struct gate_error *error) {
    int r;

    *listener = LISTENER_NONE;
    if (settings->inherited_fd >= 0) {
        r = open_inherited(listener, settings->inherited_fd, error);
    } else if (settings->socket_path) {
        r = open_unix(listener, settings, error);
    } else {
        r = open_tcp(listener, settings->tcp_address, error);
    }
    if (!r && describe(listener) < 0) {
        r = gate_error_set(error, GATE_E_USAGE,
                           "the inherited socket is neither a Unix socket nor on the loopback; change ListenStream=");
    }
    if (r) {
        listener_close(listener);
    }
    return r;
}

void listener_close(struct listener *listener) {
    struct stat status;

    if (listener->path[0] && lstat(listener->path, &status) == 0 && status.st_dev == listener->identity.st_dev &&
        status.st_ino == listener->identity.st_ino) {
        (void)unlink(listener->path);
    }
    listener->fd = fd_close(listener->fd);
    listener->path[0] = '\0';
}

int listener_accept(const struct listener *listener, int *fdp, char *client, size_t client_size) {
    struct sockaddr_storage storage = {0};
    socklen_t size = sizeof(storage);

    *fdp = accept4(listener->fd, (struct sockaddr *)&storage, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (*fdp < 0) {
        return -errno;
    }
    if (!loopback_print(&storage, client, client_size)) {
        (void)snprintf(client, client_size, "unix");
    }
    return 0;
}
