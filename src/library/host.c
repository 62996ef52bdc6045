/* SPDX-License-Identifier: Apache-2.0 */

/* Checks that a server can run inside the calling program. */

#include "library/host.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/*
 * While SIGCHLD is ignored, no child can be waited for, and no request would learn how its process ended: wait(2). If a
 * standard stream is closed, a pipe to a child could get its number, and the child's own stream would replace it:
 * process.c.
 */
int host_check(struct gate_error *error) {
    struct sigaction action;

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            return gate_error_set(error, GATE_E_START,
                                  "the descriptor %d of this program is closed, and git needs it open; "
                                  "open /dev/null there",
                                  fd);
        }
    }
    if (sigaction(SIGCHLD, NULL, &action) == 0 &&
        (action.sa_handler == SIG_IGN || (action.sa_flags & SA_NOCLDWAIT) != 0)) {
        return gate_error_set(error, GATE_E_START,
                              "this program ignores SIGCHLD, so the ends of git's processes are lost; "
                              "let it have SIG_DFL, or a handler, without SA_NOCLDWAIT");
    }
    return 0;
}
