/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Word to systemd: sd_notify(3). The socket is connected once, before the gate is confined and can make none any more.
 */

/** notify_open() - Return: a descriptor for notify_send(), owned by the caller; -1 when nobody wants to hear */
int notify_open(void);

/**
 * notify_send() - say @state, as "READY=1", without waiting
 *
 * Return: 0, also when nobody listens any more; -EAGAIN when there is no room for it now, and it was not said.
 */
int notify_send(int fd, const char *state);
