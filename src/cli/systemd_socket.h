/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages to systemd: sd_notify(3). The socket is connected before the gate is confined, since no socket can be made
 * later.
 */

/**
 * systemd_socket_open() - connect to systemd
 *
 * Return: a descriptor for systemd_socket_send(), which the caller owns; -1 without systemd.
 */
int systemd_socket_open(void);

/**
 * systemd_socket_send() - send @state, for example "READY=1", without waiting
 *
 * Return: 0, even if nobody listens any more; -EAGAIN if the socket has no room, and nothing was sent.
 */
int systemd_socket_send(int fd, const char *state);
