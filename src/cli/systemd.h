/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

enum {
    SYSTEMD_LISTEN_FD = 3, /* the first socket that is handed over */
};

/**
 * systemd_take_sockets() - how many sockets systemd has handed over to this process: sd_listen_fds(3)
 *
 * Takes the variables out of the environment, and lets no child inherit the sockets, which are SYSTEMD_LISTEN_FD and those
 * behind it. Return: their number, 0 for none; a negative errno when the variables make no sense.
 */
int systemd_take_sockets(void);

/**
 * systemd_watchdog_us() - after what time without a sign of life systemd takes this process for hung: sd_watchdog_enabled(3)
 *
 * Return: 0 when it does not look, or the variables make no sense.
 */
uint64_t systemd_watchdog_us(void);
