/* SPDX-License-Identifier: Apache-2.0 */

/* Reads the variables that systemd sets for a process: sd_listen_fds(3), sd_watchdog_enabled(3). */

#include "cli/systemd_environ.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DECIMAL = 10,
};

/* Reads a variable as a decimal number. Return: whether it is one. */
static bool read_number(const char *name, unsigned long long maximum, unsigned long long *numberp) {
    const char *text = getenv(name);

    if (!text || !*text || strspn(text, "0123456789") != strlen(text)) {
        return false;
    }
    errno = 0;
    *numberp = strtoull(text, NULL, DECIMAL);
    return errno == 0 && *numberp <= maximum;
}

static int count_sockets(void) {
    unsigned long long pid = 0;
    unsigned long long n = 0;

    if (!getenv("LISTEN_PID") || !getenv("LISTEN_FDS")) {
        return 0;
    }
    if (!read_number("LISTEN_PID", INT_MAX, &pid)) {
        return -EINVAL;
    }
    if (pid != (unsigned long long)getpid()) {
        return 0; /* the sockets are for a process that has passed its environment on */
    }
    return read_number("LISTEN_FDS", INT_MAX - SYSTEMD_ENVIRON_LISTEN_FD, &n) && n > 0 ? (int)n : -EINVAL;
}

int systemd_environ_take_sockets(void) {
    int n = count_sockets();

    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    for (int fd = SYSTEMD_ENVIRON_LISTEN_FD; n > 0 && fd < SYSTEMD_ENVIRON_LISTEN_FD + n; fd++) {
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
            return -errno;
        }
    }
    return n;
}

uint64_t systemd_environ_watchdog_us(void) {
    unsigned long long pid = 0;
    unsigned long long usec = 0;

    if (getenv("WATCHDOG_PID") &&
        (!read_number("WATCHDOG_PID", INT_MAX, &pid) || pid != (unsigned long long)getpid())) {
        return 0;
    }
    return read_number("WATCHDOG_USEC", UINT64_MAX - 1, &usec) ? usec : 0;
}
