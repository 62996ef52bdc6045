/* SPDX-License-Identifier: Apache-2.0 */

/* Owns the question who connects: a loopback port is open to all users of a machine, unlike the socket that it leads to. */

#include "client/peer.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 512,
    LINES_MAX = 1 << 16, /* as many as there are ports */
    COLUMNS_TO_USER = 6, /* from behind the far end's port */
};

/* The number in the next column, whose base is 16 unless it is told; what stands between columns is a space or a colon. */
static unsigned long take(const char **atp, int base) {
    char *end;
    unsigned long number;

    *atp += strspn(*atp, " :");
    number = strtoul(*atp, &end, base);
    *atp = end;
    return number;
}

/*
 * Whether a line is of the connection from @there to @here, seen from there. @uidp: whose it is. The columns are a number,
 * address and port of both ends, the state, two queues, a timer in two columns, a count, the user, a time-out,
 * the inode of the socket, and more. A line without an inode is of a socket that has been closed: it is nobody's, and some
 * kernels show root as its user.
 */
static bool is_line_of(const char *line, const struct sockaddr_in *there, const struct sockaddr_in *here, uid_t *uidp) {
    bool is_it;

    (void)take(&line, 10);
    is_it = take(&line, 16) == there->sin_addr.s_addr;
    is_it = take(&line, 16) == ntohs(there->sin_port) && is_it;
    (void)take(&line, 16);
    is_it = take(&line, 16) == ntohs(here->sin_port) && is_it;
    for (unsigned i = 0; i < COLUMNS_TO_USER; i++) {
        (void)take(&line, 16);
    }
    *uidp = (uid_t)take(&line, 10);
    (void)take(&line, 10);
    return take(&line, 10) != 0 && is_it;
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
