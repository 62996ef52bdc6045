/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Writes and reads at the far ends of a relay's sockets. */

#include "client/relay.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "unit.h"

enum {
    NOW_MS = 7,
};

static inline void say(int fd, const char *text) {
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Reads the available bytes; "(end)" and "(none)" if there are none. */
static inline void expect_heard(const char *name, int fd, const char *expected) {
    char text[64] = "(none)";
    ssize_t n = read(fd, text, sizeof(text) - 1);

    if (n > 0) {
        text[n] = '\0';
    }
    expect_text(name, n == 0 ? "(end)" : text, expected);
}
