/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/error.h"
#include "confine/selinux.h"
#include "serve/socket_file.h"

enum {
    LISTENER_BACKLOG = 1024,     /* clients that wait to be accepted; the kernel's bound is net.core.somaxconn */
    LISTENER_ADDRESS_MAX = 128,  /* bytes: "http://[::1]:65535" or "unix:" and a path, with terminator */
    LISTENER_LOCK_TRIES = 100,   /* to lock a Unix socket's folder, while another gate holds the lock */
    LISTENER_LOCK_PAUSE_MS = 10, /* between two tries */
    LISTENER_PATH_MAX = SOCKET_FILE_PATH_MAX,
};

/**
 * struct listener_settings - where to listen: exactly one of the first three
 * @socket_path: the Unix socket to make; NULL for none
 * @tcp_address: HOST:PORT on the loopback; NULL for none
 * @inherited_fd: a listening socket that another program made and keeps; -1 for none
 * @selinux_type: the type in a new Unix socket's label; NULL for no label
 * @access: the users that may connect to a new Unix socket
 */
struct listener_settings {
    const char *socket_path;
    const char *tcp_address;
    int inherited_fd;
    const char *selinux_type;
    struct socket_access access;
};

/**
 * struct listener - a listening socket
 * @fd: non-blocking, owned; -1 when closed
 * @address: the address for clients: "http://127.0.0.1:PORT" or "unix:PATH"
 * @path: the socket that listener_close() removes, empty for none
 * @identity: the status of that socket, so that no other file is removed
 * @label: whether the socket got its SELinux label
 * @lock_was_taken: a program held the lock on the socket's folder for too long, so the socket was made without it
 */
struct listener {
    int fd;
    char address[LISTENER_ADDRESS_MAX];
    char path[LISTENER_PATH_MAX];
    struct stat identity;
    enum selinux_label label;
    bool lock_was_taken;
};

#define LISTENER_NONE ((struct listener){.fd = -1})

/**
 * listener_open() - begin to listen
 * @listener: filled on success, LISTENER_NONE on failure
 * @error: filled on failure
 *
 * A new Unix socket gets its group and mode before any client can connect; socket_file.h tells what its folders get. A
 * socket that no program listens on is replaced. A socket in use, or any other file, stays and is an error. Gates that
 * start at the same time lock the folder. Another program may hold that lock for ever, so after a second the socket is
 * made without it.
 *
 * Return: 0, GATE_E_USAGE, GATE_E_START, GATE_E_INTERNAL.
 */
int listener_open(struct listener *listener, const struct listener_settings *settings, struct gate_error *error);

/** listener_close() - stop listening, and remove the socket unless another file has replaced it */
void listener_close(struct listener *listener);

/**
 * listener_accept() - accept one client
 * @fdp: the client's socket, non-blocking; the caller owns it
 * @client: "unix", or the client's address, as the log and git show it
 *
 * Return: 0; -EAGAIN when no client waits; another negative errno of accept4(2).
 */
int listener_accept(const struct listener *listener, int *fdp, char *client, size_t client_size);
