/* SPDX-License-Identifier: Apache-2.0 */

/* Sends messages to systemd. It never waits, and without systemd it does nothing. */

#include "cli/systemd_socket.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"

int systemd_socket_open(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t size = path ? strlen(path) : 0;
    _cleanup_fd_ int fd = -1;

    if (size < 2 || size >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) {
        return -1;
    }
    memcpy(address.sun_path, path, size);
    if (path[0] == '@') {
        address.sun_path[0] = '\0'; /* an abstract address: unix(7) */
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) < 0) {
        return -1;
    }
    return fd_take(&fd);
}

int systemd_socket_send(int fd, const char *state) {
    if (fd < 0 || send(fd, state, strlen(state), MSG_NOSIGNAL) >= 0) {
        return 0;
    }
    return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? -EAGAIN : 0;
}
