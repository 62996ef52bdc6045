/* SPDX-License-Identifier: Apache-2.0 */

/* What a program has to be like for a server to run inside of it. */

#include "library/host.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/*
 * Under an ignored SIGCHLD, nobody can wait for a child, and no request would learn how its process ended: wait(2). And a
 * pipe that has the number of a standard stream is one that the child's own takes the place of: process.c.
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
