/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tells the gate which updates are fast-forwards, because the gate cannot know. A pipe carries the answer: git inherits
 * it and passes it on to its hooks. git-gate-hook starts all hooks, and must give the pipe to none of the operator's.
 */

#include "hook/tell.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "rules/variables.h"

static int tell_fd = -1;

void tell_begin(void) {
    const char *text = getenv(TELL_VARIABLE);
    char *end = NULL;
    long fd = text ? strtol(text, &end, 10) : 0;

    if (fd > STDERR_FILENO && fd <= INT_MAX && *end == '\0' && fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0) {
        tell_fd = (int)fd;
    }
    (void)unsetenv(TELL_VARIABLE);
}

void tell_kinds(const struct push *push) {
    char *text = NULL;
    size_t size = 0;
    FILE *to = tell_fd >= 0 ? open_memstream(&text, &size) : NULL;

    if (!to) {
        return;
    }
    for (size_t i = 0; i < push->n_commands; i++) {
        const struct push_command *command = &push->commands[i];

        if (command->kind != PUSH_UNKNOWN) {
            (void)fprintf(to, "%s%s %s %s\n", command->kind == PUSH_FORCED ? TELL_FORCED : TELL_FAST_FORWARD,
                          command->old, command->new, command->name);
        }
    }
    if (fclose(to) == 0) {
        (void)!write(tell_fd, text, size);
    }
    free(text);
    tell_fd = fd_close(tell_fd);
}
