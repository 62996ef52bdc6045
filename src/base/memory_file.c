/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Collects bytes for another program in a file without a name (memfd_create(2)). Neither program can change a finished
 * file. The file has no bound of its own: the caller must have one.
 */

#include "base/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* linux/memfd.h since Linux 6.3 */
#endif

int memory_file_open(void) {
    const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = memfd_create("git-gate", flags | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL) { /* an older kernel */
        fd = memfd_create("git-gate", flags);
    }
    return fd < 0 ? -errno : fd;
}

int memory_file_append(int fd, struct span bytes) {
    while (bytes.size > 0) {
        ssize_t size = write(fd, bytes.data, bytes.size);

        if (size < 0 && errno != EINTR) {
            return -errno;
        }
        if (size > 0) {
            bytes = (struct span){bytes.data + size, bytes.size - (size_t)size};
        }
    }
    return 0;
}

int memory_file_finish(int fd) {
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 ||
        lseek(fd, 0, SEEK_SET) < 0) {
        return -errno;
    }
    return 0;
}
