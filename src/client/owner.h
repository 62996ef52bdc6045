/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

/* The kernel's table of TCP connections over IPv4: proc_net(5). */
#define OWNER_TABLE "/proc/net/tcp"

/**
 * owner_parse_line() - whether a line of the table describes the socket at @there connected to @here
 * @uidp: set on success, to the socket's user
 *
 * The kernel prints the four bytes of an address as one integer, in its processor's byte order. Under an emulator that
 * may not be the program's order. So either order is accepted, but it must be the same for both addresses. A line
 * without an inode describes a closed socket. Such a socket has no user, and some kernels show root there.
 */
bool owner_parse_line(const char *line, const struct sockaddr_in *there, const struct sockaddr_in *here, uid_t *uidp);

/**
 * owner_tells_users_apart() - whether no other user's connection can look like this process's own
 *
 * In a user namespace the table shows every unmapped user as the overflow user, usually 65534, nobody. A process that
 * runs as that user would take the connections of unmapped users for its own. This cannot happen if its network
 * namespace admits only users of its own user namespace.
 */
bool owner_tells_users_apart(void);

/**
 * owner_is_this_user() - whether this process's user owns the other end of @fd, a TCP connection over the loopback
 * @table: OWNER_TABLE
 *
 * Return: false, too, when @table cannot be read or does not list the connection.
 */
bool owner_is_this_user(int fd, const char *table);
