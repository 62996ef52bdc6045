/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/**
 * mirror_check() - whether there is a repository at @path that git may serve
 * @path: absolute
 * @trust_owner: it may belong to another user
 *
 * It looks at HEAD, objects, refs and the owner. Only the first request shows whether git can read everything.
 *
 * Return: 0, GATE_E_USAGE with the option that mends it.
 */
int mirror_check(const char *path, bool trust_owner, struct gate_error *error);

/**
 * mirror_exists() - whether @mirror_root/@repository.git is there
 * @repository: its name, without .git
 *
 * Without it, git would go on to @repository.git.git (enter_repo() in its path.c), which is another repository. A
 * repository that cannot be read counts as there; git will complain of it.
 */
bool mirror_exists(const char *mirror_root, const char *repository);
