/* SPDX-License-Identifier: Apache-2.0 */

/* Checks that a server can run inside the calling program. */

#include "library/host.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/*
 * While SIGCHLD is ignored, the kernel keeps no exit status, so a request could not learn how its process ended:
 * wait(2). If a standard stream is closed, a pipe to a child could get its number. The child's own stream would then
 * replace the pipe: process.c.
 */
int host_check(struct gate_error *error) {
    struct sigaction action;

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            return gate_error_set(error, GATE_E_START,
                                  "descriptor %d of this program is closed, and git needs it open; open /dev/null "
                                  "there",
                                  fd);
        }
    }
    if (sigaction(SIGCHLD, NULL, &action) == 0 &&
        (action.sa_handler == SIG_IGN || (action.sa_flags & SA_NOCLDWAIT) != 0)) {
        return gate_error_set(error, GATE_E_START,
                              "this program ignores SIGCHLD, so it cannot learn how git's processes end; set SIG_DFL, "
                              "or a handler without SA_NOCLDWAIT");
    }
    return 0;
}
