/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/error.h"
#include "confine/selinux.h"

enum {
    LISTENER_BACKLOG = 1024,     /* clients that wait to be accepted; the kernel caps it at net.core.somaxconn */
    LISTENER_ADDRESS_MAX = 128,  /* "http://[::1]:65535" or "unix:" and a path, with terminator */
    LISTENER_LOCK_TRIES = 100,   /* for the folder of a Unix socket, while another gate makes one there */
    LISTENER_LOCK_PAUSE_MS = 10, /* between two of them */
    LISTENER_PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path), /* of a Unix socket, with terminator */
};

/**
 * struct listener_settings - where to listen: exactly one of the three
 * @socket_path: a Unix socket to make; NULL for none
 * @tcp_address: HOST:PORT on the loopback; NULL for none
 * @inherited_fd: a listening socket that somebody else made, who keeps it; -1 for none
 * @selinux_type: of the label of a Unix socket that is made; NULL for no label
 */
struct listener_settings {
    const char *socket_path;
    const char *tcp_address;
    int inherited_fd;
    const char *selinux_type;
};

/**
 * struct listener - a listening socket
 * @fd: non-blocking, owned; -1 when closed
 * @address: what a client connects to: "http://127.0.0.1:PORT" or "unix:PATH"
 * @path: the socket that listener_close() removes, empty for none
 * @identity: of that socket, so that nothing else is removed
 * @label: what became of its label
 * @lock_was_taken: a program held the lock on the socket's folder for so long that it was made without it
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
 * A Unix socket gets mode 0600, and those of its parent folders that are missing 0700. A socket that nobody listens on
 * is replaced; one that is in use and any other file is left alone, and that is a failure. Gates that start at the same
 * time lock the folder. A client may hold that lock for ever, so after a second a socket is made without it.
 *
 * Return: 0, GATE_E_USAGE, GATE_E_START, GATE_E_INTERNAL.
 */
int listener_open(struct listener *listener, const struct listener_settings *settings, struct gate_error *error);

/** listener_close() - stop listening and remove the socket, if it is still the one that was made */
void listener_close(struct listener *listener);

/**
 * listener_accept() - accept one client
 * @fdp: its socket, non-blocking, owned by the caller
 * @client: "unix" or its address, as the log and git show it
 *
 * Return: 0, -EAGAIN when nobody waits, any other errno of accept4(2).
 */
int listener_accept(const struct listener *listener, int *fdp, char *client, size_t client_size);
