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
 * peer_is_own() - whether the other end of a TCP connection over the loopback, @fd, belongs to this process's user
 * @table: PEER_TABLE
 *
 * Return: false also when @table cannot be read, or has no such connection.
 */
bool peer_is_own(int fd, const char *table);
