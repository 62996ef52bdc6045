/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

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
