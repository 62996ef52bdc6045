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
 * loopback_print() - write the address of a client on the loopback, without its port
 * @size: INET6_ADDRSTRLEN suffices
 *
 * Return: false for a socket of another family, and for too small a @size.
 */
bool loopback_print(const struct sockaddr_storage *storage, char *text, size_t size);

/**
 * loopback_is_address() - whether @text, given as the path of a socket, looks like HOST:PORT
 *
 * It does if it has some text, a colon and then only digits, and neither a slash nor the prefix "unix:". With "@" in it
 * the answer is false, since a message would repeat the text, and a token may precede "@".
 */
bool loopback_is_address(const char *text);
