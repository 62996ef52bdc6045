/* SPDX-License-Identifier: Apache-2.0 */

/* Connects to a gate on the host of a virtual machine, by vsock(7). The address takes the place of a socket's path. */

#include "client/vsock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

static_assert(sizeof(struct vsock_address) == 16, "the kernel's struct has this size");

static bool take_number(const char **textp, char end, uint32_t *numberp) {
    char *at = NULL;
    unsigned long long number = **textp >= '0' && **textp <= '9' ? strtoull(*textp, &at, 10) : 0;

    if (!at || *at != end || number > UINT32_MAX) {
        return false;
    }
    *numberp = (uint32_t)number;
    *textp = at + 1;
    return true;
}

bool vsock_parse(const char *text, struct vsock_address *addressp) {
    static const char prefix[] = "vsock:";

    *addressp = (struct vsock_address){.family = AF_VSOCK};
    if (strncmp(text, prefix, strlen(prefix)) != 0) {
        return false;
    }
    text += strlen(prefix);
    return take_number(&text, ':', &addressp->cid) && take_number(&text, '\0', &addressp->port);
}

bool vsock_is_address(const char *text) {
    return vsock_parse(text, &(struct vsock_address){0});
}

/* Connects before the socket is made non-blocking: only a blocking connect(2) tells at once whether a gate listens. */
int vsock_open(int *fdp, const char *text) {
    struct vsock_address address;
    _cleanup_fd_ int fd = -1;

    if (!vsock_parse(text, &address)) {
        return -EINVAL;
    }
    fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        return -errno;
    }
    *fdp = fd_take(&fd);
    return 0;
}
