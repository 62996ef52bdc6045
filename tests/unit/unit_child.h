/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the tests of confinement share: what is enforced is enforced for good, so it is in a child. That one ends by
 * _exit(2), as a check for leaks cannot look into a process that is confined.
 */

#include "unit_folder.h"

#include <errno.h>
#include <sys/wait.h>

enum {
    CHILD_FAILED = 255, /* a check in the child did not hold; it has said so */
};

/* In a child, in the place of the checks that jump out of a test. */
#define child_expect(name, condition)                                                                                  \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)dprintf(STDERR_FILENO, "# %s: not so: %s (errno %d)\n", (name), #condition, errno);                  \
            _exit(CHILD_FAILED);                                                                                       \
        }                                                                                                              \
    } while (0)

/* Calls @body with @argument in a child. Return: what it returned, 0 to 254, or minus the signal that ended it. */
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
