/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

enum {
    WORKTREES_ENTRIES_MAX = 1000, /* looked at in one repository */
    WORKTREES_SHOWN_MAX = 8,      /* told of one repository */
};

/**
 * worktrees_find_away() - find work trees of a repository, of git-worktree(1), that lie outside of it
 * @repository: absolute
 * @allowed: absolute paths without links; a work tree at one or below is not told; NULL at the end, or NULL for none
 * @tell: gets the work tree's name in the repository, and its path without links; called WORKTREES_SHOWN_MAX times at the
 *        most
 *
 * The repository is hostile: the search follows no link in it, and has a bound. It skips a work tree that is not there.
 *
 * Return: how many there are, told or not.
 */
size_t worktrees_find_away(const char *repository, char *const *allowed,
                           void (*tell)(void *userdata, const char *name, const char *path), void *userdata);
