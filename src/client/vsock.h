/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/** struct vsock_address - struct sockaddr_vm of <linux/vm_sockets.h>, which musl's compiler does not find: vsock(7) */
struct vsock_address {
    sa_family_t family;
    uint16_t reserved;
    uint32_t port;
    uint32_t cid;
    uint8_t zero[4];
};

/** vsock_parse() - whether @text is vsock:CID:PORT, two decimal numbers of 32 bits. Return: true, and the address. */
bool vsock_parse(const char *text, struct vsock_address *addressp);

/** vsock_is_address() - the same without the address */
bool vsock_is_address(const char *text);

/**
 * vsock_open() - connect to that address, for at most the kernel's two seconds
 * @fdp: receives the connection, non-blocking; the caller owns it
 *
 * Return: 0 or a negative errno of connect(2): -ECONNRESET when nobody listens, -ENODEV without any vsock device.
 */
int vsock_open(int *fdp, const char *text);
