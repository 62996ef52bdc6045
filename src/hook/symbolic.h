/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hook/child.h"

/**
 * symbolic_is_one() - whether a reference that git takes for missing is a symbolic one, which leads to a missing one
 * @folder: of the repository, where git stores references unless it uses reftable
 * @name: as the client sent it. With ".." it is none, as git will refuse it
 *
 * With reftable it takes a process of git.
 *
 * Return: 0 or 1; a negative errno.
 */
int symbolic_is_one(const struct child_git *git, const char *folder, const char *name);
