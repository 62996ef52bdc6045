/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by the tests of child processes: waiting with a deadline, and a count of open descriptors. */

#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/process.h"

enum {
    DEADLINE_MS = 20 * 1000, /* for operations of milliseconds, on a very busy machine */
    OUTPUT_ROOM = 1 << 16,
};

#define NO_ENVIRONMENT ((char *[]){NULL})

/* A list of arguments or variables from string literals, although execve(2) wants pointers to bytes that are not const. */
struct words {
    char *pointers[8];
};

static inline char *const *words_of(struct words *words, const char *const *strings) {
    size_t n = 0;

    for (; strings[n]; n++) {
        words->pointers[n] = (char *)(uintptr_t)strings[n];
    }
    words->pointers[n] = NULL;
    return words->pointers;
}

static inline bool becomes_readable(int fd, int timeout_ms) {
    struct pollfd poller = {.fd = fd, .events = POLLIN};

    return poll(&poller, 1, timeout_ms) == 1 && (poller.revents & (POLLIN | POLLHUP));
}

/* Reads @fd to its end, as a string. */
static inline void read_to_end(const char *name, int fd, char *out, size_t room) {
    size_t size = 0;
    ssize_t n;

    do {
        expect_true(name, becomes_readable(fd, DEADLINE_MS));
        n = read(fd, out + size, room - 1 - size);
        expect_true(name, n >= 0 && size + (size_t)n < room - 1);
        size += (size_t)n;
    } while (n > 0);
    out[size] = '\0';
}

static inline void wait_for_end(const char *name, const struct process *process) {
    expect_true(name, becomes_readable(process->pidfd, DEADLINE_MS));
    expect_true(name, process_has_ended(process));
}

static inline size_t count_descriptors(void) {
    DIR *listing = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(listing);
    while (readdir(listing)) {
        n++;
    }
    assert_int_equal(closedir(listing), 0);
    return n;
}

/* Tells whether this process has no child, unreaped ones included. */
static inline bool has_no_child(void) {
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}
