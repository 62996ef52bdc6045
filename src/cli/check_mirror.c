/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Looks into a repository for git-gate check. It tells whether the repository is safe to serve, whether objects may be
 * missing, and which lock files a killed git has left. It changes nothing. Names must be shown as printable bytes,
 * since hostile code may have chosen them.
 */

#include "cli/check_mirror.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/hostile_repository.h"
#include "backend/locks.h"
#include "base/ascii.h"
#include "base/fd.h"
#include "cli/check_hints.h"

enum {
    COMMAND_MAX = 2 * PATH_MAX,
    AGE_S = 10, /* a git at work may have made a younger lock file */
};

static void print_lock(const char *path) {
    char command[COMMAND_MAX];

    if (!locks_command(command, sizeof(command), path)) {
        return;
    }
    ascii_make_printable(command);
    printf("lock file: makes pushes fail; if no git is at work there: %s\n", command);
}

static void print_locks(const char *path) {
    struct locks locks = {0};

    locks_find(&locks, path, time(NULL) - AGE_S);
    for (size_t i = 0; i < locks.n_paths; i++) {
        print_lock(locks.paths[i]);
    }
    printf("lock files: %zu%s\n", locks.n_found, locks.is_cut ? ", and not all of the repository was searched" : "");
    locks_deinit(&locks);
}

/* Whether the repository has @name, and this user may not read it; the gate's user may. */
static bool is_hidden(const char *path, const char *name) {
    char file[PATH_MAX];

    return snprintf(file, sizeof(file), "%s/%s", path, name) < (int)sizeof(file) && access(file, R_OK) != 0 &&
           errno == EACCES;
}

/* Prints what a gate with default options finds; the gate's own options are not known. Return: whether it is safe. */
static bool print_finding(const char *path) {
    char yes[] = "yes";
    char *const alternates[] = {yes, NULL};
    const struct hostile_repository_policy policy = {.alternates = alternates, .is_local = true};
    struct hostile_repository_finding finding = {0};
    int r = hostile_repository_examine(&finding, &policy, path, NULL);

    if (r == 0 && (is_hidden(path, "config") || is_hidden(path, "config.worktree"))) {
        r = -EACCES;
    }
    if (r < 0) {
        printf("safe to serve: unknown, its configuration cannot be read: %s; ask as the user who runs the gate\n",
               strerror(-r));
        return false;
    }
    if (r == HOSTILE_REPOSITORY_E_REFUSED) {
        ascii_make_printable(finding.reason);
        printf("safe to serve: no, unless an option allows it: %s\n", finding.reason);
        return false;
    }
    printf("safe to serve: yes\n");
    if (finding.is_partial) {
        printf("partial clone: yes, so a fetch of objects that are not in it fails; "
               "'git fetch --refetch --no-filter' makes it whole\n");
    }
    return true;
}

void check_mirror_print(const char *root, const char *repository) {
    _cleanup_free_ char *absolute = NULL;
    char path[PATH_MAX];
    bool is_safe;

    if (snprintf(path, sizeof(path), "%s/%s.git", root, repository) < (int)sizeof(path)) {
        absolute = realpath(path, NULL);
    }
    if (!absolute || access(absolute, R_OK | X_OK) != 0) {
        printf("lock files: unknown, '%s' cannot be read\n", path);
        return;
    }
    is_safe = print_finding(absolute);
    print_locks(absolute);
    if (is_safe) {
        check_hints_print(absolute);
    }
}
