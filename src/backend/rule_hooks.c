/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds git-gate-hook. git runs it for its hooks while there are rules, and for a push by which a reference may lose
 * its tip.
 *
 * git starts some hooks once for each reference: update once, and reference-transaction three times. Where there is a
 * push-to-checkout, git does not update the work tree itself. So the folder of hooks has these three only when the
 * operator has them, and there is one folder for each combination. The folders are made at installation. A gate must
 * make and remove nothing for its rules, and confined code cannot change files of root.
 */

#include "backend/rule_hooks.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

/*
 * The folder for an operator without hooks. It has pre-receive only: each other hook would be a process that does
 * nothing.
 */
static const char alone[] = "alone";

static const char *const costly[] = {"update", "reference-transaction", "push-to-checkout"};

enum {
    N_COSTLY = sizeof(costly) / sizeof(costly[0]),
};

/* Finds the folder of the program or library that holds this code. Return: to be freed; NULL when it is not found. */
static char *find_own_folder(void) {
    Dl_info info = {0};
    char *path = NULL;

    if (dladdr(costly, &info) != 0 && info.dli_fname && strchr(info.dli_fname, '/')) {
        path = realpath(info.dli_fname, NULL);
    }
    path = path ? path : realpath("/proc/self/exe", NULL);
    if (path) {
        *strrchr(path, '/') = '\0';
    }
    return path;
}

/* Return: the path without links, to be freed; NULL for none. */
static char *resolve(const char *base, const char *below, const char *name) {
    char path[PATH_MAX];

    return snprintf(path, sizeof(path), "%s%s/%s", base, below, name) < (int)sizeof(path) ? realpath(path, NULL) : NULL;
}

static bool look(struct rule_hooks *hooks, const char *base, const char *below) {
    char path[RULE_HOOKS_PATH_MAX];

    rule_hooks_deinit(hooks);
    hooks->program = resolve(base, below, "git-gate-hook");
    hooks->folder = resolve(base, below, "hooks");
    if (!hooks->program || access(hooks->program, X_OK) < 0 || !hooks->folder) {
        return false;
    }
    for (unsigned i = 0; i < 1U << N_COSTLY; i++) {
        char folder[RULE_HOOKS_PATH_MAX];

        (void)snprintf(folder, sizeof(folder), "%s/%u", hooks->folder, i);
        if (!rule_hooks_are_there(folder)) {
            return false;
        }
    }
    rule_hooks_choose(path, hooks, NULL);
    return rule_hooks_are_there(path);
}

int rule_hooks_find(struct rule_hooks *hooks, const char *option, struct gate_error *error) {
    _cleanup_free_ char *own = find_own_folder();

    if ((own && (look(hooks, own, "") || look(hooks, own, "/../libexec/git-gate") ||
                 look(hooks, own, "/../../libexec/git-gate"))) || /* for a library in lib/ARCHITECTURE */
        look(hooks, GIT_GATE_LIBEXEC, "")) {
        return 0;
    }
    return gate_error_set(error, GATE_E_START,
                          "%s needs git-gate-hook and its links, which are not in %s; install all of git-gate%s",
                          option, GIT_GATE_LIBEXEC, strcmp(option, "--keep-old") == 0 ? ", or say --keep-old=no" : "");
}

void rule_hooks_deinit(struct rule_hooks *hooks) {
    free(hooks->program);
    free(hooks->folder);
    *hooks = (struct rule_hooks){0};
}

void rule_hooks_choose(char path[RULE_HOOKS_PATH_MAX], const struct rule_hooks *hooks, const char *operator_folder) {
    unsigned which = 0;

    if (!operator_folder) {
        (void)snprintf(path, RULE_HOOKS_PATH_MAX, "%s/%s", hooks->folder, alone);
        return;
    }
    for (unsigned i = 0; i < N_COSTLY; i++) {
        char hook[PATH_MAX];

        if (snprintf(hook, sizeof(hook), "%s/%s", operator_folder, costly[i]) < (int)sizeof(hook) &&
            access(hook, X_OK) == 0) {
            which |= 1U << i;
        }
    }
    (void)snprintf(path, RULE_HOOKS_PATH_MAX, "%s/%u", hooks->folder, which);
}

bool rule_hooks_are_there(const char *folder) {
    char path[RULE_HOOKS_PATH_MAX + sizeof("/pre-receive")];

    (void)snprintf(path, sizeof(path), "%s/pre-receive", folder);
    return access(path, X_OK) == 0;
}
