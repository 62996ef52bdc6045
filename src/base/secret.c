/* SPDX-License-Identifier: Apache-2.0 */

/* Reads secrets into the caller's memory, and leaves no other copy. */

#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

ssize_t secret_read(char *bytes, size_t size, int fd) {
    size_t n = 0;

    while (n < size) {
        ssize_t n_read = read(fd, bytes + n, size - n);

        if (n_read < 0 && errno != EINTR) {
            int cause = errno;

            explicit_bzero(bytes, size);
            return -cause;
        }
        if (n_read == 0) {
            break;
        }
        n += n_read > 0 ? (size_t)n_read : 0;
    }
    return (ssize_t)n;
}

ssize_t secret_read_line(char *line, size_t size, int fd) {
    ssize_t length = -EMSGSIZE;
    size_t n = 0;

    while (n < size && length == -EMSGSIZE) {
        ssize_t n_read = read(fd, line + n, size - n);
        const char *end;

        if (n_read < 0 && errno == EINTR) {
            continue;
        }
        if (n_read <= 0) {
            length = n_read < 0 ? -errno : (ssize_t)n;
            break;
        }
        end = memchr(line + n, '\n', (size_t)n_read);
        n += (size_t)n_read;
        length = end ? end - line : length;
    }
    explicit_bzero(line + (length > 0 ? length : 0), size - (size_t)(length > 0 ? length : 0));
    return length;
}
