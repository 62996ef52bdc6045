/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hook/child.h"

/**
 * symbolic_is_one() - whether a reference that git reports as missing is a symbolic one that leads to a missing one
 * @folder: the repository's folder
 * @name: as the client sent it; a name with ".." is no symbolic reference, because git will refuse it
 *
 * With reftable this starts a git; otherwise it reads the reference's file.
 *
 * Return: 0 or 1; a negative errno.
 */
int symbolic_is_one(const struct child_git *git, const char *folder, const char *name);
