/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Shared by the tests of confinement. Confinement cannot be undone, so each test confines a child. The child ends by
 * _exit(2), as a check for leaks cannot look into a confined process.
 */

#include "unit_folder.h"

#include <errno.h>
#include <sys/wait.h>

enum {
    CHILD_FAILED = 255, /* a check in the child failed, and the child has said so */
};

/* A check for a child, as the others jump out of a test. */
#define child_expect(name, condition)                                                                                  \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)dprintf(STDERR_FILENO, "# %s: not so: %s (errno %d)\n", (name), #condition, errno);                  \
            _exit(CHILD_FAILED);                                                                                       \
        }                                                                                                              \
    } while (0)

/* Calls @body with @argument in a child. Return: its result, 0 to 254, or minus the signal that ended the child */
static inline int child_run(int (*body)(const void *argument), const void *argument) {
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(body(argument));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
