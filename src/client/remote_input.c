/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads git's commands when the helper fails, so that git is not killed by SIGPIPE: gitremote-helpers(7). While git's
 * HTTP helper runs, standard input belongs to it, and nothing is read here. A read is bounded in bytes and in time,
 * since standard input may be something other than git.
 */

#include "client/remote_input.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    CHUNK_BYTES = 4096,
};

/* Return: whether there are bytes to read, or the end of input. */
static bool is_readable(int64_t deadline_ms) {
    struct pollfd pollfd = {.fd = STDIN_FILENO, .events = POLLIN};
    int r;

    do {
        int64_t left_ms = deadline_ms - clock_now_ms();

        r = poll(&pollfd, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (r < 0 && errno == EINTR);
    return r > 0;
}

void remote_input_await(int timeout_ms) {
    if (!isatty(STDIN_FILENO)) {
        (void)is_readable(clock_now_ms() + timeout_ms);
    }
}

void remote_input_drain(int timeout_ms) {
    int64_t deadline_ms = clock_now_ms() + timeout_ms;
    char chunk[CHUNK_BYTES];
    ssize_t n = 1;

    if (isatty(STDIN_FILENO)) {
        return;
    }
    for (size_t total = 0; total < REMOTE_INPUT_MAX_BYTES && is_readable(deadline_ms); total += (size_t)n) {
        n = read(STDIN_FILENO, chunk, sizeof(chunk));
        if (n <= 0) {
            return;
        }
        if (chunk[n - 1] == '\n') {
            deadline_ms = 0; /* read only what is there already */
        }
    }
}
