/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages to systemd: sd_notify(3). The socket is connected before the gate is confined, since no socket can be made
 * later.
 */

/** notify_open() - connect to systemd. Return: a descriptor for notify_send(), the caller's; -1 without systemd. */
int notify_open(void);

/**
 * notify_send() - send @state, for example "READY=1", without waiting
 *
 * Return: 0, even if nobody listens any more; -EAGAIN if the socket has no room, and nothing was sent.
 */
int notify_send(int fd, const char *state);
