/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    HOOKS_COUNT = 7,
};

/** hooks_names - those that the programs which a gate runs may call: githooks(5) */
extern const char *const hooks_names[HOOKS_COUNT];

/**
 * hooks_path() - where a hook is
 * @folder: of --hooks-path
 * @i: which of hooks_names
 *
 * Return: whether its path fits.
 */
bool hooks_path(char *path, size_t size, const char *folder, size_t i);

/**
 * hooks_find_ignored() - a hook that is there and may not be executed, over which git passes without an error
 *
 * Return: its name; NULL for none.
 */
const char *hooks_find_ignored(const char *folder);

/** struct hooks - which hooks could be executed at start, in the order of hooks_names */
struct hooks {
    bool may_run[HOOKS_COUNT];
};

/** hooks_look() - remember which hooks may be executed now. @folder: of --hooks-path; NULL for none */
void hooks_look(struct hooks *hooks, const char *folder);

/**
 * hooks_find_lost() - a hook that could be executed at start and cannot any more
 *
 * git passes over it in silence. Landlock knows no chmod(2): so code that was taken over in a push, and runs as the owner
 * of the hooks, could switch them off for the next one.
 *
 * Return: its name; NULL for none.
 */
const char *hooks_find_lost(const struct hooks *hooks, const char *folder);

/** hooks_find_owned() - a hook, or "." for the folder, that belongs to @owner, who may change its mode. NULL for none. */
const char *hooks_find_owned(const char *folder, uid_t owner);
