/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

enum {
    SYSTEMD_ENVIRON_LISTEN_FD = 3, /* the first socket that is handed over */
};

/**
 * systemd_environ_take_sockets() - take the sockets that systemd passed to this process: sd_listen_fds(3)
 *
 * They are SYSTEMD_ENVIRON_LISTEN_FD and the following descriptors; no child inherits them. The variables are removed
 * from the environment.
 *
 * Return: the number of sockets, or a negative errno for invalid variables.
 */
int systemd_environ_take_sockets(void);

/**
 * systemd_environ_watchdog_us() - the watchdog time-out of this process: sd_watchdog_enabled(3)
 *
 * Return: 0 without a watchdog, or for invalid variables.
 */
uint64_t systemd_environ_watchdog_us(void);
