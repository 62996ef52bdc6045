/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"

enum {
    RULE_HOOKS_PATH_MAX = PATH_MAX + 16,
};

/**
 * struct rule_hooks - where git-gate-hook is
 * @program: its path
 * @folder: holds a folder of hooks, all links to the program, for each set of hooks that the operator may have
 */
struct rule_hooks {
    char program[PATH_MAX];
    char folder[PATH_MAX];
};

/**
 * rule_hooks_find() - look for it beside this program, and where it is installed
 * @option: which needs it, "--rules" or "--keep-old"
 *
 * Return: 0, GATE_E_START.
 */
int rule_hooks_find(struct rule_hooks *hooks, const char *option, struct gate_error *error);

/**
 * rule_hooks_choose() - the folder that is to be core.hooksPath
 * @operator_folder: of --hooks-path; NULL for none
 */
void rule_hooks_choose(char path[RULE_HOOKS_PATH_MAX], const struct rule_hooks *hooks, const char *operator_folder);

/** rule_hooks_are_there() - whether git would run the hook that judges. @folder: of rule_hooks_choose() */
bool rule_hooks_are_there(const char *folder);
