/* SPDX-License-Identifier: Apache-2.0 */

/* Owns the knowledge which hooks git runs for what a gate serves, and when it does not. */

#include "backend/hooks.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

const char *const hooks_names[HOOKS_COUNT] = {
    "pre-receive", "update", "proc-receive", "post-receive", "post-update", "reference-transaction", "push-to-checkout",
};

bool hooks_path(char *path, size_t size, const char *folder, size_t i) {
    int length = snprintf(path, size, "%s/%s", folder, hooks_names[i]);

    return length > 0 && (size_t)length < size;
}

const char *hooks_find_ignored(const char *folder) {
    char path[PATH_MAX];

    for (size_t i = 0; i < HOOKS_COUNT; i++) {
        if (hooks_path(path, sizeof(path), folder, i) && access(path, F_OK) == 0 && access(path, X_OK) != 0) {
            return hooks_names[i];
        }
    }
    return NULL;
}
