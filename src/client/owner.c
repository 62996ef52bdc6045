/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds the user of a loopback connection. All users of the machine can connect to a loopback port, but not to the
 * gate's socket. A connection whose user is not found counts as another user's. The answer is meaningful only if
 * owner_tells_users_apart() is true.
 */

#include "client/owner.h"

#include <byteswap.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "client/restraint.h"

#ifndef NS_GET_USERNS /* of <linux/nsfs.h>, which musl's compiler does not find: ioctl_ns(2) */
#define NS_GET_USERNS _IO(0xb7, 0x1)
#endif

enum {
    LINE_MAX_BYTES = 512,
    LINES_MAX = 1 << 16, /* as many as there are ports */
    COLUMNS_TO_USER = 6, /* between the port of the far end and the user */
};

/* Reads the number in the next column, hexadecimal by default. Columns end at a space or a colon. */
static unsigned long take(const char **atp, int base) {
    char *end;
    unsigned long number;

    *atp += strspn(*atp, " :");
    number = strtoul(*atp, &end, base);
    *atp = end;
    return number;
}

/* One end of a connection. */
struct end {
    unsigned long address;
    unsigned long port;
};

static struct end take_end(const char **atp) {
    struct end end;

    end.address = take(atp, 16);
    end.port = take(atp, 16);
    return end;
}

static bool is_at(struct end end, const struct sockaddr_in *socket, bool is_swapped) {
    uint32_t address = socket->sin_addr.s_addr;

    return end.port == ntohs(socket->sin_port) && end.address == (is_swapped ? bswap_32(address) : address);
}

/*
 * The columns: a number, address and port of both ends, the state, two queues, two for a timer, a count, the user, a
 * time-out, the inode of the socket, and more.
 */
bool owner_parse_line(const char *line, const struct sockaddr_in *there, const struct sockaddr_in *here, uid_t *uidp) {
    struct end local;
    struct end remote;
    uid_t uid;

    (void)take(&line, 10);
    local = take_end(&line);
    remote = take_end(&line);
    for (unsigned i = 0; i < COLUMNS_TO_USER; i++) {
        (void)take(&line, 16);
    }
    uid = (uid_t)take(&line, 10);
    (void)take(&line, 10);
    if (take(&line, 10) == 0 || !((is_at(local, there, false) && is_at(remote, here, false)) ||
                                  (is_at(local, there, true) && is_at(remote, here, true)))) {
        return false;
    }
    *uidp = uid;
    return true;
}

/* ---- unmapped users ---- */

/*
 * Whether the network namespace belongs to this process's user namespace or to a descendant; the kernel tells the owner
 * only then. If so, no user of another user namespace can connect, except those with power over this one.
 */
static bool has_own_network(void) {
    _cleanup_fd_ int network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    _cleanup_fd_ int owner = network < 0 ? -1 : ioctl(network, NS_GET_USERNS);

    return owner >= 0;
}

bool owner_tells_users_apart(void) {
    return geteuid() != restraint_overflow_user() || restraint_maps_every_user() || has_own_network();
}

/* ---- the user of a connection ---- */

bool owner_is_this_user(int fd, const char *table) {
    struct sockaddr_in here = {0};
    struct sockaddr_in there = {0};
    char line[LINE_MAX_BYTES];
    bool is_found = false;
    uid_t uid = 0;
    FILE *lines;

    if (getsockname(fd, (struct sockaddr *)&here, &(socklen_t){sizeof(here)}) < 0 ||
        getpeername(fd, (struct sockaddr *)&there, &(socklen_t){sizeof(there)}) < 0) {
        return false; /* it is gone already */
    }
    lines = fopen(table, "re");
    if (!lines) {
        return false;
    }
    for (unsigned i = 0; i < LINES_MAX && !is_found && fgets(line, sizeof(line), lines); i++) {
        is_found = owner_parse_line(line, &there, &here, &uid);
    }
    (void)fclose(lines);
    return is_found && uid == geteuid();
}
