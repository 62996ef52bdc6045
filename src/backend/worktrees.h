/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

enum {
    WORKTREES_ENTRIES_MAX = 1000, /* entries read in one repository */
    WORKTREES_SHOWN_MAX = 8,      /* work trees reported of one repository */
};

/**
 * worktrees_find_away() - find a repository's work trees (git-worktree(1)) that lie outside of it
 * @repository: absolute
 * @allowed: absolute paths without links; a work tree at or below one is not reported; NULL at the end, or NULL for
 *           none
 * @tell: gets the work tree's name in the repository, and its path without links; called at most WORKTREES_SHOWN_MAX
 *        times
 *
 * The repository is hostile: the search follows no link in it, and has a limit. It skips work trees that do not exist.
 *
 * Return: the number of work trees outside, reported or not.
 */
size_t worktrees_find_away(const char *repository, char *const *allowed,
                           void (*tell)(void *userdata, const char *name, const char *path), void *userdata);
