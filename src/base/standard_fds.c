/* SPDX-License-Identifier: Apache-2.0 */

/* Opens standard input, output and error if the program was started without some of them. */

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
