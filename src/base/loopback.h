/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/**
 * loopback_parse() - whether @text is HOST:PORT with a loopback address
 *
 * HOST is an address in 127.0.0.0/8, [::1] or localhost, which is 127.0.0.1; PORT is 0 to 65535. Nothing is resolved.
 *
 * Return: true and the address in @storagep, @sizep.
 */
bool loopback_parse(const char *text, struct sockaddr_storage *storagep, socklen_t *sizep);

/**
 * loopback_is_address() - whether @text, given as the path of a socket, looks like HOST:PORT
 *
 * It does with digits behind its last colon, something before it, no slash, and no "@", since a token may precede that.
 */
bool loopback_is_address(const char *text);
