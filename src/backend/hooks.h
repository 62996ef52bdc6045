/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    HOOKS_COUNT = 7,
};

/** hooks_names - the hooks that git's programs may call for a gate: githooks(5) */
extern const char *const hooks_names[HOOKS_COUNT];

/**
 * hooks_path() - write the path of a hook
 * @folder: of --hooks-path
 * @i: index in hooks_names
 *
 * Return: whether the path fits.
 */
bool hooks_path(char *path, size_t size, const char *folder, size_t i);

/**
 * hooks_find_ignored() - find a hook that exists but is not executable; git skips it without an error
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
 * hooks_find_lost() - find a hook that could be executed at start but no longer can
 *
 * git skips such a hook silently, and Landlock cannot deny chmod(2). So hostile code that a push runs as the hooks'
 * owner could switch the hooks off for the next push.
 *
 * Return: its name; NULL for none.
 */
const char *hooks_find_lost(const struct hooks *hooks, const char *folder);

/**
 * hooks_find_owned() - find a hook that belongs to @owner, so that @owner may change its mode
 *
 * Return: its name; "." for the folder; NULL for none.
 */
const char *hooks_find_owned(const char *folder, uid_t owner);
