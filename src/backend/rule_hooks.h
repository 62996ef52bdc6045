/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"

enum {
    RULE_HOOKS_PATH_MAX = PATH_MAX + 16, /* a path, and the name of a folder in it */
};

/**
 * struct rule_hooks - the place of git-gate-hook
 * @program: its path; NULL, as @folder is, if no option needs it
 * @folder: has one folder of hooks for each set of hooks that the operator may have; all hooks in them are links to the
 *          program
 */
struct rule_hooks {
    char *program;
    char *folder;
};

/**
 * rule_hooks_find() - find git-gate-hook beside this program, or where it was installed
 * @hooks: zeros, or from an earlier call, whose paths it frees
 * @option: the option that needs it, "--rules" or "--keep-old"
 *
 * Return: 0, GATE_E_START. In both cases rule_hooks_deinit() frees the paths.
 */
int rule_hooks_find(struct rule_hooks *hooks, const char *option, struct gate_error *error);

/** rule_hooks_deinit() - free both paths */
void rule_hooks_deinit(struct rule_hooks *hooks);

/**
 * rule_hooks_choose() - write the folder that core.hooksPath has to name
 * @operator_folder: of --hooks-path; NULL for none
 */
void rule_hooks_choose(char path[RULE_HOOKS_PATH_MAX], const struct rule_hooks *hooks, const char *operator_folder);

/** rule_hooks_are_there() - whether git would run git-gate-hook as pre-receive. @folder: from rule_hooks_choose() */
bool rule_hooks_are_there(const char *folder);
