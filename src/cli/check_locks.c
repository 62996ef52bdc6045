/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The part of git-gate check that looks into a repository: for lock files that a git has left which was killed. Names are
 * shown as printable bytes, for whoever can write there chooses them.
 */

#include "cli/check_locks.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend/locks.h"
#include "base/fd.h"

enum {
    COMMAND_MAX = 2 * PATH_MAX,
    AGE_S = 10, /* of a lock file that no git at work has made a moment ago */
};

static void print(const char *path) {
    char command[COMMAND_MAX];

    if (!locks_command(command, sizeof(command), path)) {
        return;
    }
    for (char *at = command; *at; at++) {
        *at = (char)(*at < ' ' || *at > '~' ? '?' : *at);
    }
    printf("lock file: makes pushes fail; if no git is at work there: %s\n", command);
}

void check_locks_print(const char *root, const char *repository) {
    _cleanup_free_ char *absolute = NULL;
    struct locks locks = {0};
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s.git", root, repository) < (int)sizeof(path)) {
        absolute = realpath(path, NULL);
    }
    if (!absolute || access(absolute, R_OK | X_OK) != 0) {
        printf("lock files: unknown, '%s' cannot be read\n", path);
        return;
    }
    locks_find(&locks, absolute, time(NULL) - AGE_S);
    for (size_t i = 0; i < locks.n_paths; i++) {
        print(locks.paths[i]);
    }
    printf("lock files: %zu%s\n", locks.n_found, locks.is_cut ? ", and not all of the repository was searched" : "");
    locks_deinit(&locks);
}
