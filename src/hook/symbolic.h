/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "hook/child.h"

/**
 * struct symbolic - what is known of the symbolic references of a repository
 * @folder: the repository's folder
 * @listed, @listed_size: with reftable, the names that may be symbolic, each with a NUL; NULL when that is unknown
 */
struct symbolic {
    const struct child_git *git;
    const char *folder;
    bool uses_reftable;
    char *listed;
    size_t listed_size;
};

/**
 * symbolic_init() - begin; with reftable this starts a git and reads the tables
 * @git, @folder: of the repository; they have to live as long as @symbolic
 */
void symbolic_init(struct symbolic *symbolic, const struct child_git *git, const char *folder);

/**
 * symbolic_is_one() - whether a reference that git reports as missing is a symbolic one that leads to a missing one
 * @name: as the client sent it; a name with ".." is no symbolic reference, because git will refuse it
 *
 * With reftable this starts a git for a name that may be symbolic; otherwise it reads the reference's file.
 *
 * Return: 0 or 1; a negative errno.
 */
int symbolic_is_one(const struct symbolic *symbolic, const char *name);

/** symbolic_deinit() - release what symbolic_init() has read */
void symbolic_deinit(struct symbolic *symbolic);
