/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/**
 * mirror_check() - whether there is a repository at @path that git may serve
 * @path: absolute
 * @trust_owner: it may belong to another user
 *
 * Looks for HEAD, objects and refs, and at the owner; whether git can read it all shows at the first request.
 *
 * Return: 0, GATE_E_USAGE with the option that mends it.
 */
int mirror_check(const char *path, bool trust_owner, struct gate_error *error);

/**
 * mirror_exists() - whether @mirror_root/@repository.git is there
 * @repository: its name, without .git
 *
 * For where it is not, git would go on to look for @repository.git.git (enter_repo() in its path.c), which is another one.
 * What is there and cannot be read is for git to complain of.
 */
bool mirror_exists(const char *mirror_root, const char *repository);
