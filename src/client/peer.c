/* SPDX-License-Identifier: Apache-2.0 */

/* Owns the question who connects: a loopback port is open to all users of a machine, unlike the socket that it leads to. */

#include "client/peer.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 512,
    LINES_MAX = 1 << 16, /* as many as there are ports */
};

/* Whether a line is of the connection from @there to @here, seen from there. @uidp: whose it is. */
static bool is_line_of(const char *line, const struct sockaddr_in *there, const struct sockaddr_in *here, uid_t *uidp) {
    unsigned address;
    unsigned port;
    unsigned far_port;

    return sscanf(line, "%*u: %x:%x %*x:%x %*x %*x:%*x %*x:%*x %*x %u", &address, &port, &far_port, uidp) == 4 &&
           address == there->sin_addr.s_addr && port == ntohs(there->sin_port) && far_port == ntohs(here->sin_port);
}

bool peer_is_own(int fd) {
    struct sockaddr_in here = {0};
    struct sockaddr_in there = {0};
    char line[LINE_MAX_BYTES];
    bool is_found = false;
    uid_t uid = 0;
    FILE *table;

    if (getsockname(fd, (struct sockaddr *)&here, &(socklen_t){sizeof(here)}) < 0 ||
        getpeername(fd, (struct sockaddr *)&there, &(socklen_t){sizeof(there)}) < 0) {
        return false; /* it is gone already */
    }
    table = fopen("/proc/net/tcp", "re");
    if (!table) {
        return true;
    }
    for (unsigned i = 0; i < LINES_MAX && !is_found && fgets(line, sizeof(line), table); i++) {
        is_found = is_line_of(line, &there, &here, &uid);
    }
    (void)fclose(table);
    return is_found && uid == geteuid();
}
