/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

/* The kernel's table of TCP connections over IPv4: proc_net(5). */
#define PEER_TABLE "/proc/net/tcp"

/**
 * peer_parse_line() - whether a line of the table is of the socket at @there that is connected to @here
 * @uidp: set on success, to the socket's user
 *
 * The kernel prints the four bytes of an address as one integer, in the order of its processor. The program may see the
 * other order than its own, as under an emulator, so either order is accepted, the same for both addresses. A line
 * without an inode is of a socket that has been closed: it has no user, and some kernels show root.
 */
bool peer_parse_line(const char *line, const struct sockaddr_in *there, const struct sockaddr_in *here, uid_t *uidp);

/**
 * peer_map_is_whole() - whether a user namespace maps every user
 * @map: the text of /proc/self/uid_map: see user_namespaces(7)
 */
bool peer_map_is_whole(const char *map);

/**
 * peer_tells_users_apart() - whether nobody else's connection can look like this process's own
 *
 * In a user namespace, the table shows every user whom the namespace does not map as the overflow user, most often 65534,
 * nobody. When this process is that user itself, it takes their connections for its own, unless all who are in its
 * network namespace are of its user namespace.
 */
bool peer_tells_users_apart(void);

/**
 * peer_is_own() - whether the other end of a TCP connection over the loopback, @fd, belongs to this process's user
 * @table: PEER_TABLE
 *
 * Return: false also when @table cannot be read, or has no such connection.
 */
bool peer_is_own(int fd, const char *table);
