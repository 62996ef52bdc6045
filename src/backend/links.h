/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    LINKS_ENTRIES_MAX = 200 * 1000, /* folder entries read for one repository: about 75 ms */
    LINKS_DEPTH_MAX = 64,           /* nested folders */
};

/**
 * links_lead_into() - whether @path lies in @folder once all links are followed
 *
 * False for a path that does not exist.
 */
bool links_lead_into(const char *path, const char *folder);

/**
 * links_lead_nowhere() - whether @path is a link to a reference that does not exist
 *
 * In old repositories, symbolic references are links. git reads the text of such a link and does not follow it.
 */
bool links_lead_nowhere(const char *path);

/**
 * links_find() - find a link that leads out of a repository, in folders with too many names for a fixed list
 * @found, @size: filled with the link's path, or with the folder where the search reached a limit
 * @repository: absolute
 * @allowed: absolute paths that links may lead to; NULL at the end, or NULL for none
 * @in_objects: search objects and packs, too; references, their logs and work trees are always searched
 *
 * Return: whether there is something to refuse.
 */
bool links_find(char *found, size_t size, const char *repository, char *const *allowed, bool in_objects);
