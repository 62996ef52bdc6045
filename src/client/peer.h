/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/**
 * peer_is_own() - whether the other end of a TCP connection over the loopback, @fd, is of this process's user
 *
 * Looks for it in /proc/net/tcp, see proc_net(5). Where that is not to be had, nobody else can be told from this user, and
 * it is true.
 */
bool peer_is_own(int fd);
