/* SPDX-License-Identifier: Apache-2.0 */

/* Opens standard input, output and error where a program was started with one of them closed. */

#include "base/standard_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int standard_fds_open(void) {
    int fd;

    do {
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    return fd < 0 || close(fd) < 0 ? -errno : 0;
}
