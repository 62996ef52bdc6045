/* SPDX-License-Identifier: Apache-2.0 */

/* Lists the hooks that git runs for a gate, and finds those that git would skip. It runs none. */

#include "backend/hooks.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const hooks_names[HOOKS_COUNT] = {
    "pre-receive", "update", "proc-receive", "post-receive", "post-update", "reference-transaction", "push-to-checkout",
};

bool hooks_path(char *path, size_t size, const char *folder, size_t i) {
    int length = snprintf(path, size, "%s/%s", folder, hooks_names[i]);

    return length > 0 && (size_t)length < size;
}

static bool may_run(const char *folder, size_t i) {
    char path[PATH_MAX];

    return hooks_path(path, sizeof(path), folder, i) && access(path, X_OK) == 0;
}

/* A dangling link counts as there, and so does a link whose target this user cannot reach. */
static bool is_there(const char *folder, size_t i) {
    struct stat status;
    char path[PATH_MAX];

    return hooks_path(path, sizeof(path), folder, i) && (lstat(path, &status) == 0 || errno != ENOENT);
}

const char *hooks_find_ignored(const char *folder) {
    for (size_t i = 0; i < HOOKS_COUNT; i++) {
        if (is_there(folder, i) && !may_run(folder, i)) {
            return hooks_names[i];
        }
    }
    return NULL;
}

void hooks_look(struct hooks *hooks, const char *folder) {
    for (size_t i = 0; i < HOOKS_COUNT; i++) {
        hooks->may_run[i] = folder && may_run(folder, i);
    }
}

const char *hooks_find_lost(const struct hooks *hooks, const char *folder) {
    for (size_t i = 0; i < HOOKS_COUNT; i++) {
        if (hooks->may_run[i] && !may_run(folder, i)) {
            return hooks_names[i];
        }
    }
    return NULL;
}

const char *hooks_find_owned(const char *folder, uid_t owner) {
    struct stat status;
    char path[PATH_MAX];

    if (stat(folder, &status) == 0 && status.st_uid == owner) {
        return ".";
    }
    for (size_t i = 0; i < HOOKS_COUNT; i++) {
        if (hooks_path(path, sizeof(path), folder, i) && stat(path, &status) == 0 && status.st_uid == owner) {
            return hooks_names[i];
        }
    }
    return NULL;
}
